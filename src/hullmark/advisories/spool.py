"""Gathers values under keys in any order and gives them back by key, in bounded memory: the rest waits in a file."""

import heapq
import os
import struct
import tempfile
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

_HELD_BYTES = 16 * 1024 * 1024
_OVERHEAD_BYTES = 200
"""What a key takes in memory besides its values."""
_READ_BYTES = 256 * 1024
_HEAD = struct.Struct("<III")


class Spool:
    """Values by key. Its file has no name, so that nothing is left of it whatever happens."""

    def __init__(self, folder: Path, held_bytes: int = _HELD_BYTES) -> None:
        self._folder = folder
        self._most = held_bytes
        self._held: dict[bytes, tuple[list[int], bytearray]] = {}
        self._bytes = 0
        self._ends = [0]
        self._file: int | None = None

    def add(self, key: bytes, value: bytes) -> None:
        """Put a value after those that the key has."""
        entry = self._held.get(key)
        if entry is None:
            entry = self._held[key] = ([0], bytearray())
            self._bytes += len(key) + _OVERHEAD_BYTES
        entry[0][0] += 1
        entry[1].extend(value)
        self._bytes += len(value)
        if self._bytes > self._most:
            self._write()

    def _write(self) -> None:
        """Move what is held into the file, as one more sorted run."""
        if self._file is None:
            with tempfile.TemporaryFile(dir=self._folder) as file:
                self._file = os.dup(file.fileno())
        with os.fdopen(os.dup(self._file), "wb") as file:
            file.seek(self._ends[-1])
            for key, count, values in self._sorted():
                file.write(_HEAD.pack(len(key), count, len(values)) + key + values)
            self._ends.append(file.tell())
        self._held.clear()
        self._bytes = 0

    def _sorted(self) -> Iterator[tuple[bytes, int, bytes]]:
        for key in sorted(self._held):
            (count,), values = self._held[key]
            yield key, count, bytes(values)

    def merged(self) -> Iterator[tuple[bytes, int, bytes]]:
        """Give each key in order, how many values it has, and the values one after the other as they were added."""
        runs = [self._run(start, end) for start, end in zip(self._ends, self._ends[1:], strict=False)]
        for key, group in groupby(heapq.merge(*runs, self._sorted(), key=itemgetter(0)), key=itemgetter(0)):
            entries = list(group)
            yield key, sum(count for _, count, _ in entries), b"".join(values for _, _, values in entries)

    def _run(self, at: int, end: int) -> Iterator[tuple[bytes, int, bytes]]:
        held, done = b"", 0
        while at < end or done < len(held):
            held, done, at = self._filled(held, done, at, end, _HEAD.size)
            key_size, count, size = _HEAD.unpack_from(held, done)
            held, done, at = self._filled(held, done, at, end, _HEAD.size + key_size + size)
            start = done + _HEAD.size
            done = start + key_size + size
            yield held[start : start + key_size], count, held[start + key_size : done]

    def _filled(self, held: bytes, done: int, at: int, end: int, wanted: int) -> tuple[bytes, int, int]:
        """Read on where less than is wanted is left of what is held."""
        if len(held) - done >= wanted:
            return held, done, at
        assert self._file is not None
        size = min(max(_READ_BYTES, wanted), end - at)
        found = os.pread(self._file, size, at)
        if len(found) < size:
            raise OSError("what was set aside on the disk is gone")
        return held[done:] + found, 0, at + size

    def close(self) -> None:
        """Let go of all of it."""
        self._held.clear()
        if self._file is not None:
            os.close(self._file)
            self._file = None
