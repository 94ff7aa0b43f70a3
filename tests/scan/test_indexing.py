"""File indexes of layers are remembered under digests that were computed, and rebuilt where they are damaged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.program import layer
from hostile.images import digest_of
from hullmark.images.index import VERSION, Room
from hullmark.images.limits import ReadLimits
from hullmark.images.source import Blob, FileIdentity
from hullmark.scan.cache import FactCache
from hullmark.scan.indexing import Indexed, IndexReader

BODY = layer({"app/main": b"one", "app/data": b"two" * 1000})
OTHER = layer({"evil": b"e"})


class Counted:
    """A blob's bytes, and how often they were asked for."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.opened = 0

    def __call__(self) -> Iterator[bytes]:
        self.opened += 1
        return iter([self.body])


def read(cache: FactCache, *blobs: Blob, limits: ReadLimits | None = None) -> list[Indexed]:
    reader = IndexReader(cache, limits or ReadLimits(), lambda: False)
    return reader.all(blobs, lambda *_: None)


def blob(body: Counted, claimed: str = "", **more: object) -> Blob:
    return Blob(open=body, claimed=claimed or digest_of(body.body), size=len(body.body), **more)  # type: ignore[arg-type]


def paths(found: Indexed) -> list[bytes]:
    return [entry.path for entry in found.index.entries()]


def test_a_registrys_layer_is_read_once(tmp_path: Path) -> None:
    body = Counted(BODY)
    (first,) = read(FactCache(tmp_path), blob(body, addressed=True))
    (second,) = read(FactCache(tmp_path), blob(body, addressed=True))
    assert first == second
    assert first.digest == digest_of(BODY)
    assert paths(first) == [b"app/main", b"app/data"]
    assert body.opened == 1


def test_a_local_file_is_read_once_while_it_is_the_same_file(tmp_path: Path) -> None:
    body = Counted(BODY)
    identity = FileIdentity(1, 2, len(BODY), 3, 4)
    for _again in range(2):
        read(FactCache(tmp_path), blob(body, identity=identity))
    assert body.opened == 1
    read(FactCache(tmp_path), blob(body, identity=identity._replace(ctime_ns=5)))
    assert body.opened == 2


def test_a_lying_layer_is_not_remembered_as_what_it_claims(tmp_path: Path) -> None:
    (lie,) = read(FactCache(tmp_path), blob(Counted(OTHER), claimed=digest_of(BODY)))
    assert lie.digest == ""
    assert "digest" in lie.unread[0].reason
    (found,) = read(FactCache(tmp_path), blob(Counted(BODY), addressed=True))
    assert paths(found) == [b"app/main", b"app/data"]


@pytest.mark.parametrize("spoil", ["cut", "changed", "empty", "older"])
def test_a_damaged_index_is_made_anew(tmp_path: Path, spoil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = Counted(BODY)
    (first,) = read(FactCache(tmp_path), blob(body, addressed=True))
    (path,) = (tmp_path / "entries").glob("*/*")
    content = path.read_bytes()
    if spoil == "older":
        monkeypatch.setattr("hullmark.scan.indexing.VERSION", VERSION + 1)
    else:
        path.write_bytes({"cut": content[:-3], "changed": content[:-1] + b"\1", "empty": b""}[spoil])
    (second,) = read(FactCache(tmp_path), blob(body, addressed=True))
    assert body.opened == 2
    assert second == first


def test_what_was_not_read_whole_is_not_remembered(tmp_path: Path) -> None:
    short = Counted(BODY[:-20])
    (found,) = read(FactCache(tmp_path), blob(short))
    assert found.digest == ""
    assert found.unread
    assert not list((tmp_path / "entries").glob("*/*"))


def test_indexes_are_pruned_with_the_rest(tmp_path: Path) -> None:
    read(FactCache(tmp_path), blob(Counted(BODY)))
    cache = FactCache(tmp_path)
    assert list((tmp_path / "entries").glob("*/*"))
    assert cache.clear() > 0
    assert not list((tmp_path / "entries").glob("*/*"))


def test_layers_that_are_too_much_together_are_left_out_from_the_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hullmark.scan.indexing.Room", lambda *left: Room(*(left or (5, 10_000))))
    bodies = [
        Counted(layer({f"{name}/{n}": b"x" for n in range(count)}))
        for name, count in (("a", 3), ("b", 9), ("c", 2))
    ]
    for _warm in range(2):
        low, large, top = read(FactCache(tmp_path), *map(blob, bodies))
        assert [len(paths(each)) for each in (low, large, top)] == [3, 0, 2]
        assert "which is what is listed of an image" in large.unread[0].reason
        assert not low.unread
        assert not top.unread
