"""A look into a bbolt database that another process may be writing (containerd's `meta.db`), without its lock.

Format: go.etcd.io/bbolt, version 2: two meta pages, then a B+ tree of branch and leaf pages, never changed in
place; a bucket inside a bucket is a leaf value that names its root page or holds it inline. The writer leaves the
pages of one transaction alone until the one after the next, so a look is sound while the transaction stays the
newest; else it is taken again.
"""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

_META = struct.Struct("<4I6Q")
_MAGIC, _VERSION = 0xED0CDAED, 2
_HEAD = struct.Struct("<QHHI")
_LEAF_ENTRY = struct.Struct("<4I")
_BRANCH_ENTRY = struct.Struct("<IIQ")
_BRANCH, _LEAF, _BUCKET = 1, 2, 1
_PAGE_SIZES = (4096, 8192, 16384, 32768, 65536, 1024, 2048)
_MAX_PAGE_BYTES = 16 * 1024 * 1024
_MAX_DEPTH = 32
_MAX_PAGES = 100_000
_LOOKS = 5
_Seen = TypeVar("_Seen")


class BoltError(Exception):
    """The file is no such database, or too much in motion."""


class _Entry(NamedTuple):
    key: bytes
    flags: int
    value: bytes
    page: int


class _Meta(NamedTuple):
    transaction: int
    page_size: int
    root: int


def look(path: Path, see: Callable[["Bucket"], _Seen]) -> _Seen:
    """Call `see` with the root bucket until nothing changed meanwhile. Raises `BoltError` and `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        problem: BoltError | None = None
        for _look in range(_LOOKS):
            meta = _newest(descriptor)
            try:
                seen, problem = see(Bucket(_Pages(descriptor, meta.page_size), meta.root)), None
            except (BoltError, struct.error) as torn:
                problem = BoltError(f"damaged: {torn}")
            if _newest(descriptor) == meta:
                if problem is not None:
                    raise problem
                return seen
        raise problem or BoltError("it changes too fast to be read")
    finally:
        os.close(descriptor)


def _newest(descriptor: int) -> _Meta:
    found = []
    for at in (0, *_PAGE_SIZES):
        raw = os.pread(descriptor, _META.size, at + _HEAD.size)
        if len(raw) < _META.size:
            continue
        magic, version, size, _flags, root, _sequence, _free, _pages, transaction, checksum = _META.unpack(
            raw
        )
        is_meta = (magic, version) == (_MAGIC, _VERSION) and size in _PAGE_SIZES and at in {0, size}
        if is_meta and _fnv(raw[:-8]) == checksum:
            found.append(_Meta(transaction, size, root))
    if not found:
        raise BoltError("no bbolt database")
    return max(found)


def _fnv(data: bytes) -> int:
    """FNV-1a with 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


class _Pages:
    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        self.size = size
        self.left = _MAX_PAGES

    def read(self, number: int) -> bytes:
        self.left -= 1
        if self.left < 0 or number >= 1 << 40:
            raise BoltError("its pages lead nowhere")
        page = os.pread(self.descriptor, self.size, number * self.size)
        _number, _flags, _count, more = _HEAD.unpack_from(page)
        if (more + 1) * self.size > _MAX_PAGE_BYTES:
            raise BoltError("a page of impossible size")
        if more:
            page = os.pread(self.descriptor, (more + 1) * self.size, number * self.size)
        return page


class Bucket:
    """A bucket: keys with values, or with buckets."""

    def __init__(self, pages: _Pages, root: int, inline: bytes = b"") -> None:
        self._pages = pages
        self._top = inline or pages.read(root)

    def get(self, key: bytes) -> bytes | None:
        """Give a value."""
        entry = self.find(key)
        return entry.value if entry is not None and not entry.flags & _BUCKET else None

    def bucket(self, *keys: bytes) -> "Bucket | None":
        """Give the bucket at the end of a path of keys."""
        found = self
        for key in keys:
            entry = found.find(key)
            if entry is None or not entry.flags & _BUCKET:
                return None
            root, _sequence = struct.unpack_from("<QQ", entry.value)
            found = Bucket(self._pages, root, b"" if root else entry.value[16:])
        return found

    def keys(self) -> Iterator[bytes]:
        """Give all keys in order."""
        waiting = [(self._top, 0)]
        while waiting:
            page, depth = waiting.pop()
            entries = list(_entries(page))
            if entries and entries[0].page < 0:
                yield from (entry.key for entry in entries)
            elif depth < _MAX_DEPTH:
                waiting.extend((self._pages.read(entry.page), depth + 1) for entry in reversed(entries))

    def find(self, key: bytes) -> _Entry | None:
        """Give what a key stands for."""
        page = self._top
        for _level in range(_MAX_DEPTH):
            below = -1
            for entry in _entries(page):
                if entry.page < 0 and entry.key == key:
                    return entry
                if entry.key > key and below >= 0:
                    break
                below = entry.page
            if below < 0:
                return None
            page = self._pages.read(below)
        raise BoltError("a tree of impossible depth")


def _entries(page: bytes) -> Iterator[_Entry]:
    _number, flags, count, _more = _HEAD.unpack_from(page)
    if not flags & (_BRANCH | _LEAF):
        raise BoltError("a page that is none of the tree's")
    for at in range(_HEAD.size, _HEAD.size + 16 * count, 16):
        if flags & _BRANCH:
            start, key_size, below = _BRANCH_ENTRY.unpack_from(page, at)
            kind, value_size = 0, 0
        else:
            kind, start, key_size, value_size = _LEAF_ENTRY.unpack_from(page, at)
            below = -1
        key_end = at + start + key_size
        if key_end + value_size > len(page):
            raise BoltError("an entry beyond its page")
        yield _Entry(page[at + start : key_end], kind, page[key_end : key_end + value_size], below)
