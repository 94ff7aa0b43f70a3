"""Gathers values under keys in any order and gives them back by key, in bounded memory: the rest waits in a file.

However many spools there are, they share memory and file.
"""

import heapq
import os
import struct
import tempfile
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

_HELD_BYTES = 48 * 1024 * 1024
_OVERHEAD_BYTES = 200
"""What a key takes in memory besides its values."""
_READ_BYTES = 256 * 1024
_HEAD = struct.Struct("<III")


class Shed:
    """What spools share: memory, and a file without a name, so that nothing is left of it whatever happens."""

    def __init__(self, folder: Path, held_bytes: int = _HELD_BYTES) -> None:
        self._folder = folder
        self._most = held_bytes
        self._spools: list[Spool] = []
        self._file: int | None = None
        self._end = 0
        self.bytes = 0

    def spool(self) -> "Spool":
        """Begin a spool."""
        self._spools.append(Spool(self))
        return self._spools[-1]

    def check(self) -> None:
        """Move what the largest spool holds into the file, where all together hold too much."""
        if self.bytes > self._most:
            max(self._spools, key=lambda spool: spool.bytes).set_aside()

    def write(self, entries: Iterator[tuple[bytes, int, bytes]]) -> tuple[int, int]:
        """Write one sorted run; give where it begins and ends."""
        if self._file is None:
            with tempfile.TemporaryFile(dir=self._folder) as file:
                self._file = os.dup(file.fileno())
        start = self._end
        with os.fdopen(os.dup(self._file), "wb") as file:
            file.seek(start)
            for key, count, values in entries:
                file.write(_HEAD.pack(len(key), count, len(values)) + key + values)
            self._end = file.tell()
        return start, self._end

    def read(self, at: int, size: int) -> bytes:
        """Read what was written there."""
        assert self._file is not None
        found = os.pread(self._file, size, at)
        if len(found) < size:
            raise OSError("what was set aside on the disk is gone")
        return found

    def forget(self, spool: "Spool") -> None:
        """Let go of a spool."""
        if spool in self._spools:
            self._spools.remove(spool)

    def close(self) -> None:
        """Let go of all of it."""
        for spool in tuple(self._spools):
            spool.close()
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Spool:
    """Values by key, as `Shed.spool` begins it."""

    def __init__(self, shed: Shed) -> None:
        self._shed = shed
        self._held: dict[bytes, tuple[list[int], bytearray]] = {}
        self._runs: list[tuple[int, int]] = []
        self.bytes = 0

    def add(self, key: bytes, value: bytes) -> None:
        """Put a value after those that the key has."""
        entry = self._held.get(key)
        size = len(value)
        if entry is None:
            entry = self._held[key] = ([0], bytearray())
            size += len(key) + _OVERHEAD_BYTES
        entry[0][0] += 1
        entry[1].extend(value)
        self.bytes += size
        self._shed.bytes += size
        self._shed.check()

    def set_aside(self) -> None:
        """Move what is held into the file, as one more sorted run."""
        self._runs.append(self._shed.write(self._sorted()))
        self._let_go()

    def _let_go(self) -> None:
        self._held.clear()
        self._shed.bytes -= self.bytes
        self.bytes = 0

    def _sorted(self) -> Iterator[tuple[bytes, int, bytes]]:
        for key in sorted(self._held):
            (count,), values = self._held[key]
            yield key, count, bytes(values)

    def merged(self) -> Iterator[tuple[bytes, int, bytes]]:
        """Give each key in order, how many values it has, and the values one after the other as they were added."""
        runs = [self._run(start, end) for start, end in self._runs]
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
        size = min(max(_READ_BYTES, wanted), end - at)
        return held[done:] + self._shed.read(at, size), 0, at + size

    def close(self) -> None:
        """Let go of all of it."""
        self._let_go()
        self._runs.clear()
        self._shed.forget(self)
