"""A database that was built once: published in one file, below a web server, in a real registry; signed; by deltas."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from e2e.test_real_registry import PASSWORD, USER, serving
from hullmark.advisories.database import Database, load_current
from hullmark.advisories.published import Pulled, press
from hullmark.advisories.shelves import press_of, pull_from
from hullmark.advisories.signing import signer
from hullmark.images.source import SourceOptions
from hullmark.model.errors import FeedError, UsageError
from toys.feed import advisory, affected, built
from toys.publisher import Publisher, publishing

MANY = [
    advisory(f"A-{n}", affected(f"p{n}"), details=f"A flaw number {n * 7919} in a part") for n in range(3000)
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
    assert taken(str(file), here).updated == ()
    assert flaws(here, "p7") == ["A-7", "A-new"]
    assert taken(str(file), here, revision=revision).updated == ("toy-pypi",)
    assert flaws(here, "p7") == ["A-7"]


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
        ("/nowhere", "no database is published there"),
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
