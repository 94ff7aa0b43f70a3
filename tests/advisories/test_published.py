"""A database that was built once: published in one file, below a web server, in a real registry; signed; by deltas."""

import datetime as dt
import hashlib
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from e2e.test_real_registry import PASSWORD, USER, serving
from hullmark.advisories.database import Database, load_current, publish
from hullmark.advisories.published import PART, Blob, Pulled, _File, _write, press
from hullmark.advisories.shelves import press_of, pull_from
from hullmark.advisories.signing import signer
from hullmark.images import wire
from hullmark.images._oci import digest_of
from hullmark.images.source import SourceOptions
from hullmark.model.errors import FeedError, UsageError
from toys.feed import advisory, affected, built
from toys.publisher import Publisher, publishing

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MANY = [
    advisory(f"A-{n}", affected(f"p{n}"), details=f"A flaw number {n * 7919} in a part") for n in range(800)
]


def pressed(folder: Path, to: str, *, key: Path | None = None, before: str = "", **options: object) -> str:
    from hullmark.advisories.published import read
    from hullmark.advisories.shelves import shelf_of

    source = SourceOptions(**options)  # type: ignore[arg-type]
    earlier = None
    if before:
        with shelf_of(before, source) as shelf:
            earlier = read(shelf)
    scratch = folder.parent.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    with press_of(to, source) as there:
        return press(folder, scratch, there, before=earlier, sign=signer(key) if key is not None else None)


def taken(address: str, folder: Path, *parts: str, **words: object) -> Pulled:
    options = SourceOptions(**words.pop("options", {}))  # type: ignore[arg-type]
    return pull_from(address, options, folder, parts or None, **words)  # type: ignore[arg-type]


def flaws(folder: Path, package: str, key: str = "toy-pypi") -> list[str]:
    database = Database.open(folder)
    part = database.part(key)
    assert part is not None
    found = [row.advisory for row in part.statements(package, "binary", None, "", keyed=False)]
    database.close()
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A database of two parts."""
    folder = tmp_path / "source" / "db"
    built(folder.parent, *MANY, advisory("N-1", affected("left", ecosystem="npm")))
    return folder


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("own", "other"):
        private = folder / f"{name}.key"
        curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        for words in (
            ["genpkey", *curve, "-out", private],
            ["pkey", "-in", private, "-pubout", "-out", folder / f"{name}.pub"],
        ):
            subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
    return folder


def test_one_file(tmp_path: Path, source: Path) -> None:
    file = tmp_path / "database.tar"
    revision = pressed(source, str(file))
    assert pressed(source, str(tmp_path / "again.tar")) == revision
    assert (tmp_path / "again.tar").read_bytes() == file.read_bytes(), "the same, byte for byte"
    here = tmp_path / "here" / "db"
    found = taken(str(file), here)
    assert found == Pulled(revision, ("toy-npm", "toy-pypi"), (), ())
    assert flaws(here, "p7") == ["A-7"]
    for key, info in load_current(source).parts.items():
        assert (here / "parts" / info.file).read_bytes() == (source / "parts" / info.file).read_bytes(), key
    assert taken(str(file), here) == Pulled(revision, (), ("toy-npm", "toy-pypi"), ())
    assert taken(str(file), tmp_path / "some", "toy-npm", "toy-else") == Pulled(
        revision, ("toy-npm",), (), ("toy-else",)
    )
    assert taken(str(file), tmp_path / "more", revision=revision).revision == revision
    with pytest.raises(FeedError, match="no database sha256:0"):
        taken(str(file), tmp_path / "more", revision="sha256:" + "0" * 64)


def test_a_later_revision_stays_unless_another_is_fixed(tmp_path: Path, source: Path) -> None:
    file = tmp_path / "database.tar"
    revision = pressed(source, str(file))
    here = tmp_path / "here" / "db"
    taken(str(file), here)
    built(
        here.parent,
        *MANY,
        advisory("A-new", affected("p7")),
        advisory("N-1", affected("left", ecosystem="npm")),
    )
    found = taken(str(file), here)
    assert (found.updated, found.unchanged, found.later) == ((), ("toy-npm", "toy-pypi"), ("toy-pypi",))
    assert flaws(here, "p7") == ["A-7", "A-new"]
    assert taken(str(file), here, revision=revision).updated == ("toy-pypi",)
    assert flaws(here, "p7") == ["A-7"]


def test_two_that_went_on_from_the_same_revision(tmp_path: Path, source: Path) -> None:
    """Each made a second revision: the number is the same, the content is not."""
    left = ("N-1", affected("left", ecosystem="npm"))
    other = tmp_path / "other" / "db"
    shutil.copytree(source, other)
    shutil.copytree(source.parent / "mirror", other.parent / "mirror")
    files = {}
    for folder, package in ((source, "p7"), (other, "p8")):
        built(folder.parent, *MANY, advisory("A-new", affected(package)), advisory(*left))
        files[package] = str(tmp_path / f"{package}.tar")
        pressed(folder, files[package])
    assert load_current(source).parts["toy-pypi"].file == load_current(other).parts["toy-pypi"].file
    here = tmp_path / "here" / "db"
    taken(files["p7"], here)
    assert taken(files["p8"], here).updated == ("toy-pypi",)
    assert flaws(here, "p8") == ["A-8", "A-new"]
    assert flaws(here, "p7") == ["A-7"]
    assert taken(files["p8"], here).updated == ()
    damaged_part = here / "parts" / load_current(here).parts["toy-pypi"].file
    damaged_part.write_bytes(damaged_part.read_bytes()[:-1])
    assert taken(files["p8"], here).updated == ("toy-pypi",), "what is damaged is fetched anew"
    assert flaws(here, "p8") == ["A-8", "A-new"]


@pytest.mark.parametrize("later", ["another of the same number", "a later one"])
def test_what_does_not_follow_is_not_published(tmp_path: Path, source: Path, later: str) -> None:
    """Who has what is published would never take it, since it is no later revision."""
    left = advisory("N-1", affected("left", ecosystem="npm"))
    other = tmp_path / "other" / "db"
    shutil.copytree(source, other)
    shutil.copytree(source.parent / "mirror", other.parent / "mirror")
    built(other.parent, *MANY, advisory("A-other", affected("p8")), left)
    if later == "another of the same number":
        built(source.parent, *MANY, advisory("A-new", affected("p7")), left)
    file = str(tmp_path / "other.tar")
    pressed(other, file)
    to = tmp_path / "to.tar"
    with pytest.raises(FeedError, match="part toy-pypi does not follow what is published"):
        pressed(source, str(to), before=file)
    assert not to.exists()
    taken(file, source)
    pressed(source, str(to), before=file)
    pressed(other, str(to), before=file)


def test_a_part_is_as_fresh_as_its_publisher_was_asked(tmp_path: Path, source: Path) -> None:
    """Fetching what was built a month ago makes it no younger, and no time that has not come is believed."""
    parts = load_current(source).parts
    times = {"toy-npm": "2026-01-03T00:00:00Z", "toy-pypi": "9999-01-01T00:00:00Z"}
    publish(source, {key: msgspec.structs.replace(parts[key], checked=time) for key, time in times.items()})
    file = tmp_path / "database.tar"
    pressed(source, str(file))
    here = tmp_path / "here" / "db"
    for _again in range(2):
        taken(str(file), here)
        checked = {key: info.checked for key, info in load_current(here).parts.items()}
        assert checked["toy-npm"] == "2026-01-03T00:00:00Z"
        assert checked["toy-pypi"] <= dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    publish(here, {"toy-npm": msgspec.structs.replace(parts["toy-npm"], checked="2026-01-05T00:00:00Z")})
    taken(str(file), here)
    assert load_current(here).parts["toy-npm"].checked == "2026-01-05T00:00:00Z"


@pytest.mark.parametrize("time", ["0", "0001-01-01T00:00:00"])
def test_times_that_are_none(tmp_path: Path, source: Path, time: str) -> None:
    parts = load_current(source).parts
    publish(source, {"toy-npm": msgspec.structs.replace(parts["toy-npm"], checked=time)})
    file = tmp_path / "database.tar"
    pressed(source, str(file))
    with pytest.raises(FeedError, match="part toy-npm is of no time that there is"):
        taken(str(file), tmp_path / "here")


@pytest.mark.parametrize("where", ["file", "web"])
def test_signatures(tmp_path: Path, source: Path, keys: Path, where: str) -> None:
    file = tmp_path / "database.tar"
    pressed(source, str(file), key=keys / "own.key")
    unsigned = tmp_path / "unsigned.tar"
    pressed(source, str(unsigned))
    for each in (file, unsigned):
        with tarfile.open(each) as archive:
            archive.extractall(tmp_path / "web" / each.stem, filter="data")
    with publishing(tmp_path / "web") as publisher:
        web = where == "web"
        signed = f"{publisher.url}/database" if web else str(file)
        plain = f"{publisher.url}/unsigned" if web else str(unsigned)
        assert taken(signed, tmp_path / "here", key=str(keys / "own.pub")).updated
        with pytest.raises(FeedError, match="no signature on it is of this key"):
            taken(signed, tmp_path / "other", key=str(keys / "other.pub"))
        with pytest.raises(FeedError, match="it is not signed"):
            taken(plain, tmp_path / "other", key=str(keys / "own.pub"))
        assert load_current(tmp_path / "other").parts == {}


def test_keys_that_cannot_be_used(tmp_path: Path, keys: Path) -> None:
    with pytest.raises(UsageError, match="it is no public key in PEM"):
        taken("x.tar", tmp_path, key=str(keys / "own.key"))
    with pytest.raises(UsageError, match="it is no private key in PEM"):
        signer(keys / "own.pub")
    rsa = keys / "rsa.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(rsa), "2048"], check=True, capture_output=True)
    with pytest.raises(UsageError, match="no private key of the curve P-256"):
        signer(rsa)


def test_in_a_real_registry_with_deltas(tmp_path: Path, source: Path, keys: Path) -> None:
    login = {"username": USER, "password": PASSWORD}
    registry = tmp_path / "registry"
    registry.mkdir()
    with serving(registry) as host:
        address = f"oci://{host}/team/db:latest"
        first = pressed(source, address, key=keys / "own.key", **login)
        here = tmp_path / "here" / "db"
        signed = {"options": login, "key": str(keys / "own.pub")}
        assert taken(address, here, **signed).revision == first
        built(
            source.parent,
            *MANY,
            advisory("A-new", affected("p7")),
            advisory("N-1", affected("left", ecosystem="npm")),
        )
        second = pressed(source, address, key=keys / "own.key", before=address, **login)
        assert second != first
        moved: dict[str, int] = {}
        found = taken(address, here, moved=lambda part, here, _all: moved.update({part: here}), **signed)
        assert found == Pulled(second, ("toy-pypi",), ("toy-npm",), ())
        assert flaws(here, "p7") == ["A-7", "A-new"]
        whole: dict[str, int] = {}
        taken(
            address, tmp_path / "afresh", moved=lambda part, here, _all: whole.update({part: here}), **signed
        )
        assert moved["toy-pypi"] < 0.6 * whole["toy-pypi"]
        assert taken(address, tmp_path / "old", revision=first, **signed).revision == first
        assert flaws(tmp_path / "old", "p7") == ["A-7"]


def test_what_was_tampered_with_is_refused(tmp_path: Path, source: Path) -> None:
    file = tmp_path / "database.tar"
    pressed(source, str(file))
    good = tmp_path / "good"
    with tarfile.open(file) as archive:
        archive.extractall(good, filter="data")
    here = tmp_path / "here" / "db"
    taken(str(file), here)
    before = load_current(here)
    with publishing(tmp_path / "web") as publisher:
        for number, path in enumerate(sorted((good / "blobs/sha256").iterdir())):
            for fault in ("flipped", "cut", "longer"):
                damaged(publisher, good, path.name, fault)
                with pytest.raises(FeedError):
                    taken(publisher.url, tmp_path / f"empty-{number}-{fault}")
                assert load_current(tmp_path / f"empty-{number}-{fault}").parts == {}
        assert [*(tmp_path / "empty-0-cut").glob("parts/.*")] == [], "nothing half made is left"
    assert load_current(here) == before


def damaged(publisher: Publisher, good: Path, name: str, fault: str) -> None:
    shutil.rmtree(publisher.folder, ignore_errors=True)
    shutil.copytree(good, publisher.folder)
    path = publisher.folder / "blobs/sha256" / name
    body = path.read_bytes()
    middle = len(body) // 2
    path.write_bytes(
        {
            "flipped": body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :],
            "cut": body[:middle],
            "longer": body + b"x",
        }[fault]
    )


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://x/y", "no database is published there"),
        ("/nowhere", "there is no such file"),
        ("/", "no database is published there"),
        ("oci://UPPER", "UPPER"),
    ],
)
def test_addresses_that_are_none(tmp_path: Path, address: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        taken(address, tmp_path / "db")


def test_files_that_are_none(tmp_path: Path, source: Path) -> None:
    file = tmp_path / "x.tar"
    for body in (b"", b"no archive", b"\0" * 10240):
        file.write_bytes(body)
        with pytest.raises(FeedError):
            taken(str(file), tmp_path / "db")
    with publishing(tmp_path / "web") as publisher:
        publisher.put("index.json", b'{"manifests": 7}')
        with pytest.raises(FeedError, match="it cannot be read"):
            taken(publisher.url, tmp_path / "db")
    with pytest.raises(FeedError, match="there is no advisory database"):
        pressed(tmp_path / "nothing", str(tmp_path / "y.tar"))
    del source


def test_a_web_server_that_breaks_off(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "pause", lambda _s: None)
    file = tmp_path / "database.tar"
    pressed(source, str(file))
    with tarfile.open(file) as archive:
        archive.extractall(tmp_path / "web", filter="data")
    largest = max((tmp_path / "web/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    name = f"blobs/sha256/{largest.name}"
    for ranges in (True, False):
        with publishing(tmp_path / "web", ranges=ranges) as publisher:
            publisher.fail(name, cut=3000)
            publisher.fail(name, cut=500)
            here = tmp_path / f"here-{ranges}"
            assert taken(publisher.url, here).updated == ("toy-npm", "toy-pypi")
            assert publisher.count(name) == 3
            publisher.fail(name, cut=10, times=20)
            with pytest.raises(FeedError, match="broke"):
                taken(publisher.url, tmp_path / f"never-{ranges}")
            assert publisher.count(name) < 12


def test_a_part_that_asks_for_much_memory(tmp_path: Path, source: Path) -> None:
    """A frame may ask for a window of a gigabyte; no part that is published whole needs one."""
    path = source / "parts" / load_current(source).parts["toy-npm"].file
    layer, frame = tmp_path / "frame", zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 28})
    layer.write_bytes(frame.compress(path.read_bytes()) + frame.flush())

    class Shelf:
        def blob(self, _blob: Blob) -> Iterator[bytes]:
            yield layer.read_bytes()

    body = layer.read_bytes()
    blob = Blob(media_type=PART, digest=digest_of(body), size=len(body))
    target, size, total = (
        tmp_path / "target",
        path.stat().st_size,
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    file = _File("part toy-npm", "toy-npm.db", size)
    with pytest.raises(FeedError, match="part toy-npm is damaged"):
        _write(Shelf(), blob, target, file, total, lambda *_words: None, None)  # type: ignore[arg-type]
