"""containerd's store: names out of a database that bbolt wrote (data/meta_db.go), content by digest."""

import gzip
import os
import random
from pathlib import Path

import pytest

from hullmark.images import _bolt
from hullmark.images.open import open_image
from hullmark.images.source import SourceOptions
from hullmark.images.sources import containerd
from hullmark.images.sources.containerd import guess, open_containerd
from hullmark.model.errors import ImageError
from hullmark.model.image import Platform
from images.fakes import MadeImage, made_image, tar_of

AMD = SourceOptions(platform=Platform("linux", "amd64"))
DATABASE = gzip.decompress(Path(__file__).with_name("data").joinpath("meta.db.gz").read_bytes())
LONG = "host.de/" + "long/" * 1200 + "x:1"


@pytest.fixture
def made() -> MadeImage:
    return made_image(tar_of({"etc/os-release": b"ID=alpine\n"}), packed=False)


@pytest.fixture
def root(home: Path, made: MadeImage, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root of containerd with one image's content and many images' names."""
    folder = home / "containerd"
    made.layout(folder / "io.containerd.content.v1.content")
    names = folder / "io.containerd.metadata.v1.bolt"
    names.mkdir()
    (names / "meta.db").write_bytes(DATABASE)
    monkeypatch.setattr(containerd, "_ROOTS", ("/nonexistent", str(folder)))
    return folder


@pytest.mark.parametrize(
    "name",
    ["app:1", "docker.io/library/app:1", "host.de/app:2@{digest}", "{digest}", "host.de/only-here:1", LONG],
)
def test_an_image_by_name_or_digest(root: Path, made: MadeImage, name: str) -> None:
    del root
    opened = open_containerd(name.format(digest=made.digest), AMD)
    assert (opened.image.digest, opened.image.source) == (made.digest, "containerd")
    (layer,) = opened.layers
    assert b"".join(layer.open()) == made.blobs[layer.claimed]
    assert layer.identity is not None
    assert layer.identity.size == layer.size
    assert not layer.addressed, "a folder is no registry: what a file's name claims must be hashed"


def test_another_root(root: Path, made: MadeImage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containerd, "_ROOTS", ())
    for name in ("app:1", made.digest):
        assert open_image(f"containerd:{name}@{root}", AMD).image.digest == made.digest


def test_when_it_is_chosen_without_a_prefix(root: Path, made: MadeImage) -> None:
    assert open_image("app:1", AMD).image.source == "containerd"
    assert not guess("docker.io/library/other-007:1"), "its content is not here"
    assert not guess("unknown")
    layer = root / "io.containerd.content.v1.content/blobs" / made.layers[0].replace(":", "/")
    layer.unlink()
    assert not guess("app:1"), "unpacked and thrown away; the registry has it whole"
    opened = open_containerd("app:1", AMD)
    assert opened.layers[0].problem == "the layer's blob cannot be read: No such file or directory"


def test_content_is_verified(root: Path, made: MadeImage) -> None:
    blobs = root / "io.containerd.content.v1.content/blobs"
    blobs.joinpath(*made.digest.split(":")).write_bytes(made.manifest + b" ")
    with pytest.raises(ImageError, match="has the digest"):
        open_containerd("app:1", AMD)


def test_what_is_missing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match=f"no such image below {root}"):
        open_containerd("unknown", AMD)
    (root / "io.containerd.metadata.v1.bolt/meta.db").unlink()
    with pytest.raises(ImageError, match=f"no such image below {root}"):
        open_containerd("app:1", AMD)
    monkeypatch.setattr(containerd, "_ROOTS", ("/nonexistent",))
    with pytest.raises(ImageError, match="no store of containerd is here"):
        open_containerd("app:1", AMD)
    assert not guess("app:1")


# ── the database


def test_all_names_are_found(root: Path) -> None:
    def see(top: _bolt.Bucket) -> list[list[bytes]]:
        spaces = [b"default", b"k8s.io", b"moby"]
        images = [top.bucket(b"v1", space, b"images") for space in spaces]
        return [list(each.keys()) if each else [] for each in images]

    default, kubernetes, moby = _bolt.look(root / "io.containerd.metadata.v1.bolt/meta.db", see)
    assert len(kubernetes) == 402
    assert kubernetes == sorted(kubernetes)
    assert default == [b"docker.io/library/app:1", LONG.encode()]
    assert moby == [b"host.de/only-here:1"]


def test_a_key_is_no_bucket_and_a_bucket_no_key(root: Path) -> None:
    def see(top: _bolt.Bucket) -> list[object]:
        target = top.bucket(b"v1", b"default", b"images", b"docker.io/library/app:1", b"target")
        assert target is not None
        return [top.get(b"v1"), target.bucket(b"digest"), target.get(b"mediatype"), target.get(b"zzz")]

    assert _bolt.look(root / "io.containerd.metadata.v1.bolt/meta.db", see) == [
        None,
        None,
        b"application/vnd.oci.image.manifest.v1+json",
        None,
    ]


def look_everywhere(top: _bolt.Bucket) -> int:
    version = top.bucket(b"v1")
    count = 0
    for space in list(version.keys()) if version else []:
        images = top.bucket(b"v1", space, b"images")
        for name in list(images.keys()) if images else []:
            assert images is not None
            target = images.bucket(name, b"target")
            count += target is not None and target.get(b"digest") is not None
    return count


@pytest.mark.parametrize("seed", range(20))
def test_damage_ends_in_words(home: Path, seed: int) -> None:
    chance = random.Random(seed)
    damaged = bytearray(DATABASE)
    for _wound in range(300):
        at = chance.randrange(8192, len(damaged))
        damaged[at : at + 8] = chance.randbytes(8)
    path = home / "meta.db"
    path.write_bytes(damaged[: chance.randrange(8192, len(damaged))])
    try:
        assert _bolt.look(path, look_everywhere) <= 405
    except _bolt.BoltError as problem:
        assert str(problem)  # noqa: PT017  # either end is fine


@pytest.mark.parametrize("body", [b"", b"x" * 100_000, DATABASE[:20], DATABASE[:16] + b"\0" * 90_000])
def test_what_is_no_database(root: Path, body: bytes) -> None:
    (root / "io.containerd.metadata.v1.bolt/meta.db").write_bytes(body)
    with pytest.raises(ImageError, match="no bbolt database"):
        open_containerd("app:1", AMD)


def test_one_meta_page_may_be_damaged(home: Path) -> None:
    path = home / "meta.db"
    for at in (0, 4096):
        path.write_bytes(DATABASE[: at + 20] + b"\xff" * 8 + DATABASE[at + 28 :])
        assert _bolt.look(path, look_everywhere) >= 403


@pytest.mark.parametrize(("changes", "ends"), [(2, True), (99, False)])
def test_a_writer_at_work(home: Path, changes: int, ends: bool) -> None:  # noqa: FBT001
    path = home / "meta.db"
    path.write_bytes(DATABASE)
    seen: list[int] = []

    def see(top: _bolt.Bucket) -> int:
        found = look_everywhere(top)
        seen.append(found)
        if len(seen) <= changes:
            commit(path)
        return found

    if ends:
        assert _bolt.look(path, see) == 405
        assert len(seen) == changes + 1
    else:
        with pytest.raises(_bolt.BoltError, match="changes too fast"):
            _bolt.look(path, see)


def commit(path: Path) -> None:
    """Raise the transaction number of the newer meta page, as a writer does."""
    body = bytearray(path.read_bytes())
    pages = [int.from_bytes(body[at + 64 : at + 72], "little") for at in (0, 4096)]
    at = 0 if pages[0] > pages[1] else 4096
    body[at + 64 : at + 72] = (max(pages) + 1).to_bytes(8, "little")
    body[at + 72 : at + 80] = _bolt._fnv(bytes(body[at + 16 : at + 72])).to_bytes(8, "little")
    path.write_bytes(body)


def test_no_rights(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_words: object) -> int:
        raise PermissionError(13, "Permission denied")

    del root
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(ImageError, match=r"meta\.db cannot be read: Permission denied"):
            open_containerd("app:1", AMD)
        assert not guess("app:1")
