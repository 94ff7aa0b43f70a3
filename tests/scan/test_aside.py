"""Secrets of a folder are looked for in a process of their own: the same is found, and nothing is left behind."""

import os
import random
import signal
from pathlib import Path

import pytest

from e2e.program import layer, write_layout
from hullmark.detectors.secrets.engine import Engine
from hullmark.detectors.secrets.registry import secret_rules
from hullmark.detectors.secrets.samples import expanded
from hullmark.detectors.secrets.stream import SecretStream
from hullmark.model.facts import BinaryFiles, FileFacts, Secret
from hullmark.scan.aside import SearchedAside
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from toys.saved import packed, save

KEY = b"k" * 32
RULES = tuple(
    rule for rule in secret_rules() if rule.rule.id in {"github-personal-access-token", "private-key"}
)
ENGINE = Engine(lambda: RULES, KEY)
TOKEN = expanded("ghp_<<crc62:30>>").encode()


def files() -> list[tuple[str, bytes]]:
    """Some that make several batches, one of which is larger than a batch with a secret at its end."""
    some = [(f"app/{number:04}.txt", b"a line of text\n" * number) for number in range(600)]
    large = b"a line of text\n" * 200_000 + TOKEN
    return [
        *some,
        ("app/key", b"token: " + TOKEN + b"\n"),
        ("app/large", large),
        *((f"app/{number}.bin", b"\0" * 9000) for number in range(300)),
        ("app/last", b"\n\n" + TOKEN),
    ]


def told(searcher: SearchedAside | SecretStream) -> tuple[FileFacts, ...]:
    at = 0
    for path, body in files():
        searcher.piece(b"\n")
        at += 1
        searcher.file(path, at, len(body))
        for begin in range(0, len(body), 100_000):
            searcher.piece(body[begin : begin + 100_000])
        at += len(body)
    return searcher.end()


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_the_same_is_found_as_in_one_process(processes: int) -> None:
    aside = SearchedAside(lambda: SecretStream(ENGINE), processes)
    found = told(aside)
    aside.close()
    assert found == told(SecretStream(ENGINE))
    assert [entry.path for entry in found] == ["", "app/key", "app/large", "app/last"]
    assert found[0].facts == (BinaryFiles(300),)
    assert all(isinstance(fact, Secret) for entry in found[1:] for fact in entry.facts)


def test_a_process_that_ends_early_is_said() -> None:
    def stream() -> SecretStream:
        os.kill(os.getpid(), signal.SIGKILL)
        return SecretStream(ENGINE)

    aside = SearchedAside(stream, 2)
    (entry,) = told(aside)
    aside.close()
    assert all("ended" in fact.reason for fact in entry.facts)  # type: ignore[union-attr]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="tells children by /proc")
def test_no_process_and_no_descriptor_is_left() -> None:
    before = children(), len([*Path("/proc/self/fd").iterdir()])
    aside = SearchedAside(lambda: SecretStream(ENGINE), 2)
    aside.piece(b"x" * 3_000_000)
    aside.close()
    assert (children(), len([*Path("/proc/self/fd").iterdir()])) == before


def test_a_layer_that_is_alone_is_searched_beside_its_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same is found with one process and with two, and of a large layer there are two."""
    forks: list[int] = []
    fork = os.fork

    def counted() -> int:
        forks.append(child := fork())
        return child

    monkeypatch.setattr(os, "fork", counted)
    large = random.Random(7).randbytes(18_000_000)
    body = {"srv/a": b"x\n" + TOKEN, "srv/large.bin": large, "srv/z": b"y " + TOKEN + b"\n"}
    image = save(tmp_path / "image.tar", "shop/app:1.0", [packed(body)])
    layout = tmp_path / "layout"
    write_layout(layout, [layer(body)])
    key = tmp_path / "secrets.key"
    key.write_bytes(KEY)
    found = []
    for reference in (str(image), str(layout)):
        for threads in (1, 2):
            request = ScanRequest(
                reference=reference,
                as_of="2026-01-01T00:00:00Z",
                scanners=("secret",),
                secrets_key=key,
                threads=threads,
                offline=True,
            )
            found.append([(each.path, each.line, each.fingerprint) for each in run(request).secrets])
            assert len(forks) >= threads - 1
    assert all(each == found[0] for each in found)
    assert {path for path, _, _ in found[0]} == {"srv/a", "srv/z"}


@pytest.mark.parametrize("threads", [1, 2])
def test_files_of_a_folder_end_where_they_end(tmp_path: Path, threads: int) -> None:
    """No byte of a file is taken for one of the next, and a file of one line is a line."""
    folder = tmp_path / "root"
    setting = expanded("DB_PASSWORD=Rv7<<alnum:14>>").encode()
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        (folder / name / "token.txt").write_bytes(TOKEN)
        (folder / name / "app.env").write_bytes(setting)
    request = ScanRequest(
        reference=f"dir:{folder}",
        as_of="2026-01-01T00:00:00Z",
        scanners=("secret",),
        threads=threads,
        offline=True,
    )
    found = sorted((each.path, each.line, each.column) for each in run(request).secrets)
    assert found == [
        (f"{name}/{file}", 1, column)
        for name in ("a", "b")
        for file, column in (("app.env", 13), ("token.txt", 1))
    ]
