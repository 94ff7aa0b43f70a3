"""What a person at a terminal sees while images are read, and that forking beside it is safe."""

import json
import os
import pty
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from toys.publisher import publishing

from .program import AS_OF, environment, layer, write_layout

pytestmark = pytest.mark.e2e

WATCH_FORKS = """\
import os, threading
fork = os.fork
def watched():
    threads = len(os.listdir('/proc/self/task')) if os.path.isdir('/proc/self/task') else threading.active_count()
    with open(os.environ['FORKS'], 'a') as file:
        print(threads, file=file)
    return fork()
os.fork = watched
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two images of many layers, large enough for the layers to be read in processes."""
    folder = tmp_path_factory.mktemp("images")
    noise = random.Random(12)
    for name in ("one", "two"):
        layers = [
            layer(
                {
                    f"srv/{name}-{number}/package.json": f'{{"name": "a{number}", "version": "1.0.0"}}'.encode(),
                    f"srv/{name}-{number}/noise": noise.randbytes(1024 * 1024),
                }
            )
            for number in range(10)
        ]
        write_layout(folder / name, layers)
    return str(folder / "one"), str(folder / "two")


def at_terminal(cache: Path, *arguments: str, **more: str) -> tuple[int, bytes, bytes]:
    """Run the program with a terminal as its standard error; give the exit code, its output, and what was seen."""
    ours, theirs = pty.openpty()
    seen = bytearray()
    with subprocess.Popen(
        [sys.executable, "-m", "hullmark", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(cache, TERM="xterm", COLUMNS="100", **more),
    ) as process:
        os.close(theirs)
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the last of them that had the terminal is gone
                break
            if not part:
                break
            seen += part
        assert process.stdout is not None
        out = process.stdout.read()
        code = process.wait(60)
    os.close(ours)
    return code, out, bytes(seen)


def test_two_images_of_many_layers_are_forked_for_with_no_thread_beside(
    images: tuple[str, str], tmp_path: Path
) -> None:
    """A thread that draws a bar would leave its locks held in each child."""
    (tmp_path / "sitecustomize.py").write_text(WATCH_FORKS)
    forks = tmp_path / "forks"
    code, out, seen = at_terminal(
        tmp_path / "cache", "scan", *images, "--format", "json", PYTHONPATH=str(tmp_path), FORKS=str(forks)
    )
    assert code == 0, seen
    document = json.loads(out)
    assert [len(report["packages"]) for report in document["reports"]] == [10, 10]
    assert not any(report["errors"] for report in document["reports"])
    assert "━".encode() in seen, "a bar was there"
    counts = forks.read_text().split()
    assert len(counts) >= 2 * min(os.cpu_count() or 1, 2)
    if (os.cpu_count() or 1) > 1:
        assert set(counts) == {"1"}


def test_bars_are_seen_on_a_terminal_and_leave_nothing_behind(
    images: tuple[str, str], tmp_path: Path
) -> None:
    code, out, seen = at_terminal(tmp_path / "cache", "sbom", images[0])
    assert (code, json.loads(out)["bomFormat"]) == (0, "CycloneDX")
    assert b"layers" in seen
    assert b"10.5" in seen, "in megabytes"
    assert seen.endswith((b"\x1b[2K", b"\x1b[?25h")), "the line is cleared, the cursor is back"
    _code, _out, warm = at_terminal(tmp_path / "cache", "sbom", images[0])
    assert warm == b"", "nothing to wait for"


def test_messages_stand_between_the_bars(images: tuple[str, str], tmp_path: Path) -> None:
    code, _out, seen = at_terminal(
        tmp_path / "cache", "scan", images[0], "oci:/nowhere", images[1], "--format", "json"
    )
    assert code == 3
    assert b"hullmark: error: /nowhere" in seen
    assert "━".encode() in seen


@pytest.mark.parametrize("flag", ["--quiet", "--json-log"])
def test_no_bar_where_nobody_wants_one(images: tuple[str, str], tmp_path: Path, flag: str) -> None:
    code, _out, seen = at_terminal(
        tmp_path / "cache",
        "scan",
        images[0],
        "oci:/nowhere",
        "--scanners",
        "secret",
        "--format",
        "json",
        flag,
    )
    assert code == 3
    lines = seen.decode().replace("\r\n", "\n").splitlines()
    if flag == "--quiet":
        assert len(lines) == 1, "the error, no warning"
        assert lines[0].startswith("hullmark: error: ")
    else:
        assert [json.loads(line)["level"] for line in lines] == ["error"]


def test_a_pipe_sees_nothing(images: tuple[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hullmark", "scan", *images, "--format", "json", "--as-of", AS_OF]
    done = subprocess.run(
        command, capture_output=True, check=False, env=environment(tmp_path / "cache"), timeout=60
    )
    assert done.returncode == 0
    said = f"hullmark: warning: {tmp_path}/cache/db: there is no advisory database\n"
    said += "  → hullmark db update where there is a network, db build --from DIR elsewhere\n"
    assert done.stderr.decode() == said, "a warning, no progress"


def test_a_database_is_built_with_a_bar_that_counts_documents(tmp_path: Path) -> None:
    folder = tmp_path / "feeds" / "osv" / "PyPI"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "all.zip", "w") as file:
        for number in range(1200):
            record = {
                "id": f"PYSEC-2024-{number}",
                "modified": "2024-01-01T00:00:00Z",
                "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": [f"{number}"]}],
            }
            file.writestr(f"PYSEC-2024-{number}.json", json.dumps(record))
    code, out, seen = at_terminal(tmp_path / "cache", "db", "build", "--from", str(tmp_path / "feeds"))
    assert code == 0, seen
    assert b"osv-pypi" in out
    assert b"1000 documents" in seen


def test_a_download_of_unknown_length_has_a_bar(tmp_path: Path) -> None:
    tracker = b'{"curl":{"CVE-2024-1000":{"releases":{"bookworm":{"status":"open"}}}}}' + b" " * (3 << 20)
    with publishing(tmp_path / "published", lengths=False) as publisher:
        publisher.put("debian/tracker.json", tracker)
        words = ("db", "update", "--part", "debian-12", "--db-mirror", publisher.url)
        code, out, seen = at_terminal(tmp_path / "cache", *words)
    assert (code, out.split()) == (0, [b"debian", b"updated", b"debian-12"])
    assert b"debian" in seen
    assert "━".encode() in seen
