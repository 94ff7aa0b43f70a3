"""Inflating: members and frames of any number, windows of any size, and the lock that large windows take."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hullmark.images.inflate import DamagedError, Hashed, inflated
from hullmark.images.limits import Budget, Large, ReadLimits

DATA = os.urandom(1000) * 300


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def frame(raw: bytes, window_log: int = 20) -> bytes:
    """Make a zstd frame of one stored block of at most 128 KiB."""
    return (
        b"\x28\xb5\x2f\xfd\0"
        + bytes(((window_log - 10) << 3,))
        + (len(raw) << 3 | 1).to_bytes(3, "little")
        + raw
    )


@pytest.mark.parametrize("size", [1, 7, 1023, 4096, 1 << 20])
def test_gzip_members_one_after_the_other(size: int) -> None:
    packed = b"".join(gzip.compress(DATA[at : at + 777]) for at in range(0, 40_000, 777)) + gzip.compress(
        DATA
    )
    found = b"".join(inflated(Hashed(pieces(packed + bytes(100), size)), ReadLimits()))
    assert found == DATA[: 777 * 52] + DATA


@pytest.mark.parametrize("size", [1, 7, 1023, 4096, 1 << 20])
def test_zstd_frames_one_after_the_other(size: int) -> None:
    packed = b"".join(frame(DATA[at : at + 777]) for at in range(0, 40_000, 777))
    skippable = b"\x50\x2a\x4d\x18\5\0\0\0" + b"-----"
    found = b"".join(inflated(Hashed(pieces(packed + skippable + frame(DATA[:100_000]), size)), ReadLimits()))
    assert found == DATA[: 777 * 52] + DATA[:100_000]


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (gzip.compress(DATA)[:-1], "gzip data ends too early"),
        (gzip.compress(DATA)[:-8] + bytes(8), "corrupt gzip data"),
        (gzip.compress(DATA) + b"rest" * 10, "corrupt gzip data"),
        (frame(DATA[:1000])[:-1], "zstd data ends too early"),
        (frame(DATA[:1000]) + b"rest of it", "corrupt zstd data"),
        (frame(DATA[:1000], window_log=28), "window of more than 128 MiB"),
        (frame(DATA[:1000]) + frame(DATA[:1000], window_log=27), "too much memory"),
        (frame(b"") * 30_000, "frames with hardly anything in them"),
    ],
)
def test_damage_is_told(packed: bytes, reason: str) -> None:
    with pytest.raises(DamagedError, match=reason):
        b"".join(inflated(Hashed(iter((packed,))), ReadLimits()))


def test_only_a_large_window_is_waited_for() -> None:
    entered = []

    @contextmanager
    def large() -> Iterator[None]:
        entered.append(True)
        yield

    for packed in (gzip.compress(DATA), DATA, frame(DATA[:1000], window_log=23)):
        b"".join(inflated(Hashed(iter((packed,))), ReadLimits(), large()))
    assert not entered
    b"".join(inflated(Hashed(iter((frame(DATA[:1000], window_log=24),))), ReadLimits(), large()))
    assert entered == [True]


def test_one_process_holds_something_large_at_a_time() -> None:
    budget = Budget(1000)
    budget.share(4)
    read, write = os.pipe()
    wait, start = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(wait, 1)
        os.write(write, b"1" if budget.take(250) else b"0")
        budget.take(251)
        os.write(write, b"2")
        os._exit(0)
    assert budget.take(900), "more than its share is had by turns"
    os.write(start, b"!")
    assert os.read(read, 10) == b"1"
    os.set_blocking(read, False)
    with pytest.raises(BlockingIOError):
        os.read(read, 10)
    budget.give(900)
    os.waitpid(child, 0)
    assert os.read(read, 10) == b"2"
    assert not budget.take(1001)
    budget.large.close()
    budget.parsing.close()
    for descriptor in (read, write, wait, start):
        os.close(descriptor)


def test_a_process_that_dies_gives_up_what_it_held() -> None:
    large = Large()
    large.share()
    child = os.fork()
    if child == 0:
        large.__enter__()
        os._exit(1)
    os.waitpid(child, 0)
    with large, large:
        pass
    large.close()
