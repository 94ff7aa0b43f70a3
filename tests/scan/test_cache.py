"""The fact cache and the layers that are read through it: keyed by what was verified, shared, bounded, never trusted."""

import errno
import fcntl
import multiprocessing
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.program import dpkg_status, layer
from hostile.images import digest_of
from hullmark.detectors.detector import Limits
from hullmark.images.limits import ReadLimits
from hullmark.images.source import Blob, FileIdentity
from hullmark.model.facts import Package
from hullmark.scan import layers as layers_module
from hullmark.scan.cache import FactCache, read_checked
from hullmark.scan.catalogue import Catalogue
from hullmark.scan.layers import Facts, LayerReader
from hullmark.scan.limits import with_limits

CATALOGUE = Catalogue(None)
BODY = layer({"var/lib/dpkg/status": dpkg_status(("base", "1"), ("zlib1g", "2"))})
OTHER = layer({"var/lib/dpkg/status": dpkg_status(("evil", "6"))})
LATER_NS = 4_000_000_000_000_000_000  # so much later than any file that its times hide nothing
DAY_S = 24 * 3600


class Counted:
    """A blob's bytes, and how often they were asked for."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.opened = 0

    def __call__(self) -> Iterator[bytes]:
        self.opened += 1
        return iter(self.chunks)


def blob(body: Counted, **more: object) -> Blob:
    whole = b"".join(body.chunks)
    return Blob(**{"open": body, "claimed": digest_of(whole), "size": len(whole), **more})  # type: ignore[arg-type]


def reader(cache: FactCache, *settings: str, over: object = None) -> LayerReader:
    limits, file_limits = with_limits(settings)
    return LayerReader(CATALOGUE, cache, limits, file_limits, over or (lambda: False))  # type: ignore[arg-type]


def packages(facts: Facts) -> list[str]:
    files = [entry for found in facts.files.values() for entry in found]
    return sorted(fact.name for entry in files for fact in entry.facts if isinstance(fact, Package))


def identity_of(path: Path) -> FileIdentity:
    status = path.stat()
    return FileIdentity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def file_blob(path: Path, claimed: str, opened: Counted) -> Blob:
    return Blob(open=opened, claimed=claimed, size=path.stat().st_size, identity=identity_of(path))


@pytest.fixture
def cache(tmp_path: Path) -> FactCache:
    return FactCache(tmp_path / "cache")


# ---- what stands there ----


def test_the_folders_are_private(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "above" / "cache")
    reader(cache).facts(blob(Counted(BODY)))
    cache.remember_image((digest_of(BODY),), "app:1")
    cache.remember_file(FileIdentity(1, 2, 3, 4, 5), digest_of(BODY), LATER_NS)
    found = list((tmp_path / "above").rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_file()} == {0o600}
    assert stat.S_IMODE((tmp_path / "above").stat().st_mode) == 0o700


def test_rows_are_added_to_rows(cache: FactCache) -> None:
    cache.store(digest_of(b"1"), {"a/1": b"\x01"})
    cache.store(digest_of(b"1"), {"b/1": b"\x02"})
    assert {key: bytes(row) for key, row in cache.load(digest_of(b"1")).items()} == {
        "a/1": b"\x01",
        "b/1": b"\x02",
    }


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "other bytes", "folder"])
def test_a_damaged_file_is_missing(cache: FactCache, damage: str) -> None:
    digest = digest_of(b"1")
    cache.store(digest, {"a/1": b"\x01"})
    assert cache.folder is not None
    path = next((cache.folder / "layers").glob("*/*"))
    whole = path.read_bytes()
    for at in range(len(whole) if damage in {"truncated", "flipped"} else 1):
        path.unlink()
        if damage == "truncated":
            path.write_bytes(whole[:at])
        elif damage == "flipped":
            path.write_bytes(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])
        elif damage == "folder":
            path.mkdir()
        else:
            path.write_bytes(b"" if damage == "empty" else os.urandom(100))
        assert cache.load(digest) == {}
    if damage != "folder":
        cache.store(digest, {"a/1": b"\x02"})
        assert bytes(cache.load(digest)["a/1"]) == b"\x02"


def test_rows_that_do_not_decode_are_read_again(cache: FactCache) -> None:
    for junk in (b"\xc1", b"\x81\xa5shape\x01", b"\xff"):
        reads = reader(cache)
        cache.store(digest_of(BODY), {reads.shape_key: junk, **dict.fromkeys(reads.keys.values(), junk)})
        assert packages(reads.facts(blob(Counted(BODY), addressed=True))) == ["base", "zlib1g"]


@pytest.mark.parametrize(
    "name", ["", "sha256:", "sha256:../../evil", "../evil", "sha256:" + "g" * 64, "sha256:" + "A" * 64]
)
def test_what_is_no_digest_names_no_file(cache: FactCache, name: str) -> None:
    assert cache.folder is not None
    cache.write(cache.folder.parent / "evil", b"\x81\xa3a/1\x01")
    cache.store(name, {"a/1": b"\x01"})
    assert cache.load(name) == {}
    assert not (cache.folder / "layers").exists()


def test_a_full_disk_costs_only_the_memory(cache: FactCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(Path, "replace", refuse)
    assert packages(reader(cache).facts(blob(Counted(BODY)))) == ["base", "zlib1g"]
    assert cache.folder is not None
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []


def test_a_cache_that_is_read_only_is_used_and_left_alone(cache: FactCache) -> None:
    reader(cache).facts(blob(Counted(BODY)))
    assert cache.folder is not None
    before = {path: path.stat() for path in cache.folder.rglob("*")}
    frozen = FactCache(cache.folder, read_only=True)
    opened = Counted(BODY)
    assert reader(frozen).facts(blob(opened, addressed=True)).remembered
    assert opened.opened == 0
    assert packages(reader(frozen).facts(blob(Counted(OTHER)))) == ["evil"]
    frozen.remember_image((digest_of(BODY),), "app:1")
    frozen.remember_file(FileIdentity(1, 2, 3, 4, 5), digest_of(BODY), LATER_NS)
    assert frozen.prune(0) == frozen.clear() == 0
    assert not frozen.info().writable
    assert {path: path.stat() for path in cache.folder.rglob("*")} == before


# ---- what is believed ----


def test_a_lie_is_neither_planted_nor_borrowed(cache: FactCache) -> None:
    """Whatever a blob claims, its facts go under the digest of its bytes; and a known claim is no proof."""
    lying = blob(Counted(OTHER), claimed=digest_of(BODY))
    for _again in range(2):
        found = reader(cache).facts(lying)
        assert found.digest == ""
        assert packages(found) == ["evil"]
        assert "its bytes have the digest" in found.unread[0].reason
        assert cache.load(digest_of(BODY)) == {}
    assert set(cache.load(digest_of(OTHER)))
    assert packages(reader(cache).facts(blob(Counted(BODY)))) == ["base", "zlib1g"]
    again = reader(cache).facts(lying)
    assert (again.digest, packages(again)) == ("", ["evil"])


def test_a_lie_about_a_layer_that_is_known_in_part(cache: FactCache) -> None:
    """The rows that are missing under the claimed digest are not all that is wanted of another blob."""
    reads = reader(cache)
    reads.facts(blob(Counted(BODY)))
    rows = {key: bytes(row) for key, row in cache.load(digest_of(BODY)).items()}
    cache.clear()
    cache.store(digest_of(BODY), {key: row for key, row in rows.items() if not key.startswith("apk/")})
    found = reader(cache).facts(blob(Counted(OTHER), claimed=digest_of(BODY)))
    assert packages(found) == ["evil"]
    assert found.digest == ""
    assert set(cache.load(digest_of(OTHER))) == {reads.shape_key, *reads.keys.values()}


def test_a_missing_row_is_read_and_the_others_are_kept(cache: FactCache) -> None:
    first = reader(cache).facts(blob(Counted(BODY)))
    rows = {key: bytes(row) for key, row in cache.load(digest_of(BODY)).items()}
    cache.clear()
    cache.store(digest_of(BODY), {key: row for key, row in rows.items() if not key.startswith("dpkg/")})
    assert "dpkg" in reader(cache).keys
    assert reader(cache).facts(blob(Counted(BODY))).files == first.files
    assert {key: bytes(row) for key, row in cache.load(digest_of(BODY)).items()} == rows


def test_what_was_unread_stays_unread_when_a_row_is_added(cache: FactCache) -> None:
    damaged = BODY[:-8] + bytes(8)  # the checksum and length of gzip
    first = reader(cache).facts(blob(Counted(damaged)))
    assert first.shape.unread
    rows = {key: bytes(row) for key, row in cache.load(digest_of(damaged)).items()}
    cache.clear()
    cache.store(digest_of(damaged), {key: row for key, row in rows.items() if not key.startswith("apk/")})
    assert reader(cache).facts(blob(Counted(damaged))).shape.unread == first.shape.unread
    assert reader(cache).facts(blob(Counted(damaged))).shape.unread == first.shape.unread


def test_a_claim_is_believed_only_of_what_is_found_by_its_digest(cache: FactCache) -> None:
    reader(cache).facts(blob(Counted(BODY)))
    addressed, claimed, once = Counted(BODY), Counted(BODY), Counted(BODY)
    assert reader(cache).facts(blob(addressed, addressed=True)).remembered
    assert reader(cache).facts(blob(claimed)).remembered
    assert packages(reader(cache).facts(blob(once, once=True))) == ["base", "zlib1g"]
    assert (addressed.opened, claimed.opened, once.opened) == (0, 1, 1)


def test_sha512(cache: FactCache) -> None:
    import hashlib

    claimed = "sha512:" + hashlib.sha512(BODY).hexdigest()
    assert reader(cache).facts(blob(Counted(BODY), claimed=claimed)).digest == claimed
    assert reader(cache).facts(blob(Counted(BODY), claimed=claimed)).remembered
    assert reader(cache).facts(blob(Counted(OTHER), claimed=claimed)).digest == ""


def test_a_wrong_size_is_told_cold_and_warm(cache: FactCache, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(BODY)
    for _again in range(3):
        lying = Blob(
            open=Counted(BODY), claimed=digest_of(BODY), size=len(BODY) + 1, identity=identity_of(path)
        )
        found = reader(cache).facts(lying)
        assert found.digest == ""
        assert "bytes, not" in found.unread[0].reason
        assert packages(found) == ["base", "zlib1g"]
        cache.remember_file(identity_of(path), digest_of(BODY), LATER_NS)  # by a manifest that does not lie


def test_a_file_is_known_by_its_identity_alone(cache: FactCache, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(BODY)
    reader(cache).facts(blob(Counted(BODY)))
    cache.remember_file(identity_of(path), digest_of(BODY), LATER_NS)
    opened = Counted(BODY)
    assert reader(cache).facts(file_blob(path, digest_of(BODY), opened)).remembered
    assert opened.opened == 0


def test_a_file_that_was_changed_in_place_is_read_again(cache: FactCache, tmp_path: Path) -> None:
    """Same inode, size and mtime: only the time of change, which nobody can set, tells that it is another."""
    path = tmp_path / "blob"
    path.write_bytes(BODY)
    old = identity_of(path)
    reader(cache).facts(file_blob(path, digest_of(BODY), Counted(BODY)))
    cache.remember_file(old, digest_of(BODY), LATER_NS)
    time.sleep(0.02)  # a tick of the file system's clock
    other = bytearray(BODY)
    other[-1] ^= 1
    path.write_bytes(other)
    os.utime(path, ns=(old.mtime_ns, old.mtime_ns))
    new = identity_of(path)
    assert new._replace(ctime_ns=0) == old._replace(ctime_ns=0)
    opened = Counted(bytes(other))
    found = reader(cache).facts(file_blob(path, digest_of(BODY), opened))
    assert opened.opened > 0
    assert found.digest == ""


def test_a_file_that_changed_just_before_it_was_read_is_not_remembered(cache: FactCache) -> None:
    identity = FileIdentity(1, 2, 3, 1_000_000_000, 2_000_000_000)
    cache.remember_file(identity, "sha256:x", 2_050_000_000)
    assert cache.digest_of(identity) == ""
    cache.remember_file(identity, "sha256:x", 2_200_000_000)
    assert cache.digest_of(identity) == "sha256:x"
    for other in (
        identity._replace(device=9),
        identity._replace(inode=9),
        identity._replace(size=9),
        identity._replace(mtime_ns=9),
        identity._replace(ctime_ns=9),
    ):
        assert cache.digest_of(other) == ""


# ---- what is in the key ----


@pytest.mark.parametrize(
    "setting", ["max_records=1", "layer_entries=1", "layer_facts=1", "path_bytes=5", "body_budget_bytes=10"]
)
def test_another_limit_is_another_row(cache: FactCache, setting: str) -> None:
    """What a tight limit left out must not be missing later on."""
    body = layer(
        {"srv/x": b"x", "var/lib/dpkg/status": dpkg_status(("base", "1"), ("zlib1g", "2"), ("zoo", "3"))}
    )
    tight = reader(cache, setting).facts(blob(Counted(body)))
    assert packages(tight) != ["base", "zlib1g", "zoo"]
    whole = reader(cache).facts(blob(Counted(body), addressed=True))
    assert not whole.remembered
    assert packages(whole) == ["base", "zlib1g", "zoo"]
    again = reader(cache, setting).facts(blob(Counted(body), addressed=True))
    assert again.remembered
    assert packages(again) == packages(tight)
    assert reader(cache).facts(blob(Counted(body), addressed=True)).remembered


def test_the_keys_name_detector_and_version(cache: FactCache) -> None:
    keys = reader(cache).keys
    for entry in CATALOGUE.detectors:
        assert keys[entry.name].startswith(f"{entry.name}/{entry.version}/")


def test_what_time_cut_short_is_not_remembered(cache: FactCache) -> None:
    """Wherever the time ends, nothing is kept under the layer's digest, and it is said."""
    files = {f"srv/{number}/package.json": b'{"name":"x","version":"1.0.0"}' for number in range(50)}
    body = layer(files)
    asked = 0

    def over_after(count: int) -> object:
        nonlocal asked
        asked = 0

        def over() -> bool:
            nonlocal asked
            asked += 1
            return asked > count

        return over

    reader(FactCache(None), over=over_after(10**9)).facts(blob(Counted(body)))
    for count in range(asked):
        found = reader(cache, over=over_after(count)).facts(blob(Counted(body)))
        told = [unread.reason for unread in (*found.unread, *found.shape.unread)]
        if found.digest:
            assert told == [], "whole after all: it ended when the last byte had been read"
            continue
        assert layers_module.TIME_OVER in told
        assert cache.load(digest_of(body)) == {}


def test_time_ends_hashing_too(cache: FactCache) -> None:
    body = layer({"srv/noise": os.urandom(300_000)})
    reader(cache).facts(blob(Counted(body)))
    chunks = [body[at : at + 1000] for at in range(0, len(body), 1000)]
    asked = 0

    def over() -> bool:
        nonlocal asked
        asked += 1
        return asked > 20

    given = 0

    def slowly() -> Iterator[bytes]:
        nonlocal given
        for chunk in chunks:
            given += 1
            yield chunk

    found = reader(cache, over=over).facts(Blob(open=slowly, claimed=digest_of(body), size=len(body)))
    assert found.digest == ""
    assert given < 60


# ---- several at once ----


def test_a_layer_is_read_by_one_of_two(cache: FactCache) -> None:
    """The second waits for the first and takes what it learned, where the digest may be believed."""
    entered, go_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        entered.set()
        assert go_on.wait(30)
        yield BODY

    found: list[Facts] = []
    first = threading.Thread(
        target=lambda: found.append(
            reader(cache).facts(Blob(open=slowly, claimed=digest_of(BODY), size=len(BODY), addressed=True))
        )
    )
    first.start()
    assert entered.wait(30)
    opened = Counted(BODY)
    second = threading.Thread(target=lambda: found.append(reader(cache).facts(blob(opened, addressed=True))))
    second.start()
    go_on.set()
    first.join(30)
    second.join(30)
    assert [packages(each) for each in found] == [["base", "zlib1g"]] * 2
    assert opened.opened == 0


def test_of_many_that_wait_in_vain_one_reads(cache: FactCache) -> None:
    """Whoever held the layer failed: the next in turn reads it, and all others take what it learned."""
    failing, go_on = threading.Event(), threading.Event()

    def failed() -> Iterator[bytes]:
        failing.set()
        assert go_on.wait(30)
        raise OSError(errno.EIO, "a broken disk")
        yield b""

    broken = Blob(open=failed, claimed=digest_of(BODY), size=len(BODY), addressed=True)
    opened = Counted(BODY)
    found: list[Facts] = []
    threads = [threading.Thread(target=lambda: reader(cache).facts(broken))]
    threads[0].start()
    assert failing.wait(30)
    threads += [
        threading.Thread(target=lambda: found.append(reader(cache).facts(blob(opened, addressed=True))))
        for _number in range(6)
    ]
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert [packages(each) for each in found] == [["base", "zlib1g"]] * 6
    assert opened.opened == 1


def _hold(folder: Path, digest: str, ready: object) -> None:
    with FactCache(folder).reading(digest) as mine:
        assert mine
        ready.set()  # type: ignore[attr-defined]
        time.sleep(600)


def test_a_killed_reader_keeps_nobody_waiting(cache: FactCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel lets go of the lock; the file that stays behind means nothing."""
    assert cache.folder is not None
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(cache.folder, digest_of(BODY), ready))
    holder.start()
    assert ready.wait(60)
    with cache.reading(digest_of(BODY)) as mine:
        assert not mine
    holder.kill()
    holder.join(60)
    assert list((cache.folder / "locks").iterdir())

    def never(_seconds: float) -> None:
        raise AssertionError("nobody waits for the dead")

    monkeypatch.setattr("hullmark.scan.layers.time.sleep", never)
    assert packages(reader(cache).facts(blob(Counted(BODY), addressed=True))) == ["base", "zlib1g"]
    assert list((cache.folder / "locks").iterdir()) == []


def test_a_lock_whose_file_was_removed_is_none(cache: FactCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening and locking, the holder may remove the file: a lock on that keeps nobody away."""
    real = fcntl.flock
    steps: list[str] = []

    def flock(descriptor: int, operation: int) -> None:
        if not steps:
            assert cache.folder is not None
            next((cache.folder / "locks").iterdir()).unlink()
        steps.append("locked")
        real(descriptor, operation)

    monkeypatch.setattr("hullmark.scan.cache.fcntl.flock", flock)
    with cache.reading(digest_of(BODY)) as mine:
        assert mine
        assert steps == ["locked", "locked"]
        with cache.reading(digest_of(BODY)) as another:
            assert not another


def test_different_layers_do_not_wait_for_each_other(cache: FactCache) -> None:
    with cache.reading(digest_of(b"1")) as one, cache.reading(digest_of(b"2")) as two:
        assert one
        assert two


# ---- bounded ----


def aged(cache: FactCache, number: int, age_s: float) -> str:
    digest = digest_of(b"%d" % number)
    cache.store(digest, {"a/1": b"\xc4\xff" + bytes(255)})
    path = cache._path("layers", digest)
    assert path is not None
    then = time.time() - age_s
    os.utime(path, (then, then))
    return digest


def test_the_least_recently_used_goes_first(cache: FactCache) -> None:
    digests = [aged(cache, number, (10 - number) * DAY_S) for number in range(6)]
    size = cache.info().size_bytes // 6
    assert cache.load(digests[0])  # which was the oldest, and is used just now
    removed = cache.prune(3 * size)
    assert removed == 3 * size
    assert [bool(cache.load(digest)) for digest in digests] == [True, False, False, False, True, True]
    assert cache.info().size_bytes <= 3 * size


def test_names_of_images_and_files_are_marked_as_used_too(cache: FactCache) -> None:
    cache.remember_image(("sha256:1",), "app:1")
    cache.remember_file(FileIdentity(1, 2, 3, 4, 5), "sha256:1", LATER_NS)
    assert cache.folder is not None
    files = [path for path in cache.folder.rglob("*") if path.is_file()]
    for path in files:
        os.utime(path, (1, 1))
    assert cache.image_of(("sha256:1",))
    assert cache.digest_of(FileIdentity(1, 2, 3, 4, 5))
    assert all(time.time() - path.stat().st_mtime < DAY_S for path in files)


def test_pruning_within_the_bound_keeps_all_but_leftovers(cache: FactCache) -> None:
    assert cache.folder is not None
    digest = aged(cache, 1, 0)
    folder = next((cache.folder / "layers").iterdir())
    old, new = folder / ".dead.1.1", folder / ".alive.2.2"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    (cache.folder / "locks").mkdir()
    (cache.folder / "locks" / "dead").touch()
    with cache.reading(digest):
        cache.prune(10**9)
        with cache.reading(digest) as mine:
            assert not mine, "a lock that is held stays"
    assert cache.load(digest)
    assert not old.exists()
    assert new.exists(), "somebody may be writing it just now"
    assert list((cache.folder / "locks").iterdir()) == []


def test_two_that_prune_at_once_remove_no_more_than_one(
    cache: FactCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other one has removed meanwhile counts."""
    for number in range(8):
        aged(cache, number, (10 - number) * DAY_S)
    size = cache.info().size_bytes // 8
    other = FactCache(cache.folder)
    real = FactCache._files

    def files(self: FactCache) -> Iterator[tuple[Path, os.stat_result]]:
        found = list(real(self))
        if self is cache:
            other.prune(4 * size)
        return iter(found)

    monkeypatch.setattr(FactCache, "_files", files)
    cache.prune(4 * size)
    assert cache.info().layers == 4


def test_the_bound_is_looked_after_when_something_was_stored(cache: FactCache) -> None:
    for number in range(4):
        aged(cache, number, DAY_S)
    small = FactCache(cache.folder, max_bytes=10)
    small.prune_when_due()
    assert small.info().layers == 4, "nothing was stored by this scan"
    aged(small, 9, 0)
    small.prune_when_due()
    assert small.info().size_bytes <= 10
    aged(small, 9, 0)
    small.prune_when_due()
    assert small.info().layers == 1, "it was looked at just now"
    assert small.folder is not None
    os.utime(small.folder / "pruned", (2**33, 2**33))  # a clock that was wrong once
    small.prune_when_due()
    assert small.info().layers == 0


def test_clear_leaves_nothing(cache: FactCache) -> None:
    reader(cache).facts(blob(Counted(BODY)))
    cache.remember_image((digest_of(BODY),), "app:1")
    size = cache.info().size_bytes
    assert cache.info().layers == cache.info().images == 1
    assert cache.clear() == size
    assert cache.info()[1:4] == (0, 0, 0)


def test_images_are_remembered_by_their_chain(cache: FactCache) -> None:
    cache.remember_image(("a", "b"), "app:1")
    cache.remember_image(("a", "b"), "app:2")
    cache.remember_image(("a", "b"), "app:1")
    cache.remember_image((), "nothing")
    seen = cache.image_of(("a", "b"))
    assert seen is not None
    assert seen.names == ("app:1", "app:2")
    assert cache.image_of(("a",)) is None
    assert cache.base_of(("a", "b")) is None, "only a strict prefix"
    assert cache.base_of(("a", "b", "c", "d")) == (seen, 2)
    assert cache.base_of(("a", "", "b", "c")) is None
    cache.remember_image(("a",), "base:1")
    assert cache.base_of(("a", "", "c")) == (cache.image_of(("a",)), 1)
    assert cache.base_of(("a", "b", "c")) == (seen, 2), "the longest"
    assert cache.image_of(("b", "a")) is None
    assert cache.image_of(()) is None
    for number in range(30):
        cache.remember_image(("a", "b"), f"app:{number}")
    seen = cache.image_of(("a", "b"))
    assert seen is not None
    assert len(seen.names) == 20


def test_the_catalogue_is_kept_and_made_anew_when_damaged(tmp_path: Path) -> None:
    cache = FactCache(tmp_path)
    first = Catalogue(tmp_path)
    first.keep(cache.write)
    kept = next((tmp_path / "index").iterdir())
    assert Catalogue(tmp_path).detectors == first.detectors == CATALOGUE.detectors
    kept.write_bytes(kept.read_bytes()[:-1])
    assert read_checked(kept) is None
    again = Catalogue(tmp_path)
    assert again.detectors == first.detectors
    again.keep(cache.write)
    assert read_checked(kept) is not None
    assert again.cover("pypi", None) == Catalogue(None).cover("pypi", None)
    assert again.scheme("nothing") is None
    limits = (Limits(), ReadLimits())
    assert LayerReader(again, cache, limits[1], limits[0]).keys == reader(cache).keys


# ── names in registries ─────────────────────────────────────────────────────────────────────────────────


def test_what_a_name_was_when_it_was_scanned_last(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "cache")
    name, first, second = "docker.io/library/app:1", f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
    assert cache.digest_seen(name) == ""
    cache.remember_name(name, first)
    cache.remember_name(name, second)
    assert FactCache(tmp_path / "cache").digest_seen(name) == second
    assert cache.digest_seen("docker.io/library/app:2") == ""
    frozen = FactCache(tmp_path / "cache", read_only=True)
    frozen.remember_name(name, first)
    assert frozen.digest_seen(name) == second
    (path,) = (tmp_path / "cache" / "names").glob("*/*")
    path.write_bytes(b"damaged")
    assert cache.digest_seen(name) == ""
    cache.remember_name(name, first)
    assert cache.clear() > 0
    assert cache.digest_seen(name) == ""
    FactCache(None).remember_name(name, first)
