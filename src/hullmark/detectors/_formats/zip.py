"""Zip archives in memory or in a file, read within bounds.

Format: PKWARE's APPNOTE.TXT 6.3, sections 4.3.6 to 4.3.16 (end records, central directory) and 4.5.3 (Zip64). The
central directory counts, as it does for Java's class loader; bytes before the archive (a start script) are
allowed. Sizes are those that come out, never those that are claimed.
"""

import struct
from bisect import bisect, insort
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, SupportsIndex

from isal import isal_zlib

from hullmark.detectors.detector import Limits, MalformedError

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_CENTRAL = b"PK\x01\x02"
_LOCAL = b"PK\x03\x04"
_END_FORM = struct.Struct("<4sHHHHIIH")  # disk numbers, entry counts, size and offset of the directory
_END_64_FORM = struct.Struct("<4sQHHIIQQQQ")
_CENTRAL_FORM = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL_FORM = struct.Struct("<4sHHHHHIIIHH")
_MAX_COMMENT = 65535
_FULL_32, _FULL_16 = 0xFFFFFFFF, 0xFFFF
_ENCRYPTED = 1
_STORED, _DEFLATED = 0, 8
_MAX_TRIES = 16
_MAX_OVERLAPS = 100
RATIO_FROM = 1024 * 1024  # a small file of spaces may well shrink by a thousand


class Bytes(Protocol):
    """What an archive is read from: bytes, or what gives them piece by piece."""

    def __len__(self) -> int:
        """Give the number of bytes."""
        ...

    def __getitem__(self, at: slice, /) -> bytes:
        """Give those from one place to another."""
        ...

    def rfind(self, sub: bytes, start: SupportsIndex, end: SupportsIndex, /) -> int:
        """Find the last place of some bytes between two places; -1 for none."""
        ...


class Budget:
    """What may still be expanded and looked at, over an archive and all archives in it."""

    __slots__ = ("bytes_left", "entries_left", "max_ratio")

    def __init__(self, limits: Limits) -> None:
        self.bytes_left = limits.max_expanded_bytes
        self.entries_left = limits.max_archive_entries
        self.max_ratio = limits.max_ratio


class Entry(NamedTuple):
    """One file of the central directory; sizes as claimed there."""

    name: str
    flags: int
    method: int
    crc: int
    packed_bytes: int
    size_bytes: int
    offset: int


class Archive:
    """The central directory of one archive."""

    __slots__ = ("_base", "_body", "_budget", "_end", "_overlaps", "_spans", "_start")

    def __init__(self, body: Bytes, budget: Budget) -> None:
        """Find the central directory; `MalformedError` for bytes that are no zip archive."""
        self._body = body
        self._budget = budget
        self._spans: list[tuple[int, int]] = []  # of the entries that were read, in order
        self._overlaps = 0
        # an end mark may also stand in the comment; and some tools append bytes to an archive
        for exact in (True, False):
            at = len(body)
            for _ in range(_MAX_TRIES):
                at = body.rfind(_END, max(0, len(body) - _MAX_COMMENT - _END_FORM.size), at)
                if at < 0:
                    break
                if self._locate(at, exact=exact):
                    return
        raise MalformedError("not a zip archive" if body else "empty, no zip archive")

    def _locate(self, at: int, *, exact: bool) -> bool:
        """Take the end record at an offset, if it leads to a directory and, when exact, the file ends with it."""
        body = self._body
        if at + _END_FORM.size > len(body):
            return False
        *counts, size, offset, comment = _END_FORM.unpack(body[at : at + _END_FORM.size])
        if exact and at + _END_FORM.size + comment != len(body):
            return False
        if _FULL_32 in {size, offset} or _FULL_16 in counts[3:]:
            end = body.rfind(_END_64, 0, at) if body[at - 20 : at - 16] == _LOCATOR_64 else -1
            if 0 <= end <= at - 20 - _END_64_FORM.size:
                at = end
                *_counts, size, offset = _END_64_FORM.unpack(body[at : at + _END_64_FORM.size])
        self._start, self._end, self._base = at - size, at, at - size - offset
        # what stands before the archive shifts all offsets
        return self._base >= 0 and ((size == 0 and exact) or body[self._start : self._start + 4] == _CENTRAL)

    def entries(self, wanted: Callable[[bytes], object]) -> Iterator[Entry]:
        """Give the entries whose raw name is wanted, in the directory's order."""
        body, budget, at, end = self._body[self._start : self._end], self._budget, 0, self._end - self._start
        unpack, fixed = _CENTRAL_FORM.unpack_from, _CENTRAL_FORM.size
        while at + fixed <= end:
            (magic, _, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment_size) = (
                head := unpack(body, at)
            )[:13]
            if magic != _CENTRAL:
                raise MalformedError("zip directory that can't be read", f"offset {self._start + at}")
            if self._overlaps > _MAX_OVERLAPS:
                raise MalformedError(f"more than {_MAX_OVERLAPS} zip entries that overlap others")
            if budget.entries_left <= 0:
                raise MalformedError("more archive entries than the limit")
            budget.entries_left -= 1
            name = body[at + fixed : at + fixed + name_size]
            if wanted(name):
                offset = head[16]
                if _FULL_32 in {packed, size, offset}:
                    extra = body[at + fixed + name_size : at + fixed + name_size + extra_size]
                    size, packed, offset = zip64(extra, size, packed, offset)
                yield Entry(name.decode("utf-8", "replace"), flags, method, crc, packed, size, offset)
            at += fixed + name_size + extra_size + comment_size

    def read(self, entry: Entry, limit: int) -> bytes:
        """Give an entry's content, at most `limit` bytes of it; `MalformedError` where it is not as claimed."""
        if entry.flags & _ENCRYPTED:
            raise MalformedError("encrypted", entry.name)
        at = self._base + entry.offset
        head = self._body[at : at + _LOCAL_FORM.size]
        if len(head) < _LOCAL_FORM.size or head[:4] != _LOCAL:
            raise MalformedError("zip entry without a header", entry.name)
        *_rest, name_size, extra_size = _LOCAL_FORM.unpack(head)
        start = at + _LOCAL_FORM.size + name_size + extra_size
        if start + entry.packed_bytes > self._end:
            raise MalformedError("zip entry that is cut off", entry.name)
        self._claim(at, start + entry.packed_bytes, entry.name)
        limit = min(limit, self._budget.bytes_left)
        if entry.size_bytes > limit:
            raise MalformedError(f"expands to more than {limit} bytes", entry.name)
        content = self._content(entry, start, limit)
        self._budget.bytes_left -= len(content)
        if len(content) != entry.size_bytes or isal_zlib.crc32(content) != entry.crc:
            raise MalformedError("zip entry that is damaged", entry.name)
        return content

    def _claim(self, start: int, end: int, name: str) -> None:
        """Note where an entry stands. No tool writes two over the same bytes; a small archive could expand to anything so."""
        at = bisect(self._spans, (start, end))
        if (at and self._spans[at - 1][1] > start) or (at < len(self._spans) and self._spans[at][0] < end):
            self._overlaps += 1
            raise MalformedError("zip entry that overlaps another", name)
        if at and start - self._spans[at - 1][1] < _LOCAL_FORM.size:
            self._spans[at - 1] = (self._spans[at - 1][0], end)  # nothing fits between them
        else:
            insort(self._spans, (start, end))

    def _content(self, entry: Entry, start: int, limit: int) -> bytes:
        packed = self._body[start : start + entry.packed_bytes]
        if entry.method == _STORED:
            return packed
        if entry.method != _DEFLATED:
            raise MalformedError(f"packed by method {entry.method}, which is not supported", entry.name)
        if entry.size_bytes > max(RATIO_FROM, entry.packed_bytes * self._budget.max_ratio):
            raise MalformedError(f"expands by more than {self._budget.max_ratio} times", entry.name)
        try:
            # one byte more than claimed shows that there is more, and costs no more than that
            return bytes(isal_zlib.decompressobj(-15).decompress(packed, min(entry.size_bytes, limit) + 1))
        except isal_zlib.IsalError as problem:  # type: ignore[misc]  # the stub gives an instance for the class
            raise MalformedError("zip entry that is damaged", entry.name) from problem


def zip64(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Take the numbers that do not fit in 32 bits from the Zip64 extra field, in the order given there."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            numbers = [value for (value,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8])]
            given = [size, packed, offset]
            for number, value in enumerate(given):
                if value == _FULL_32 and numbers:
                    given[number] = numbers.pop(0)
            return given[0], given[1], given[2]
        at += 4 + length
    return size, packed, offset
