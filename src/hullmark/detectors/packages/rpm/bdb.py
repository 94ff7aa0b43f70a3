"""Berkeley DB hash files (`Packages` of rpm before 4.16), read from memory.

Format: Berkeley DB 4 to 5, src/dbinc/db_page.h. Pages of one size, in the byte order of the machine that wrote them;
the first describes the file. A hash page has its items at its end and, after its head, their offsets: key, value, key,
value … A large value is a reference to a chain of overflow pages.
"""

import struct
from collections.abc import Iterator

from hullmark.detectors.detector import MalformedError

MAGIC = 0x061561
MAGIC_AT = 12
_HEAD = 26
_INVALID, _UNSORTED_HASH, _OVERFLOW, _HASH_META, _HASH = 0, 2, 7, 8, 13
_OTHER_TYPES = frozenset({_INVALID, _OVERFLOW, _HASH_META})
_KEY_DATA, _OFF_PAGE = 1, 3


def blobs(body: bytes) -> Iterator[tuple[str, bytes | MalformedError]]:
    """Give each package's number and header blob, or what is wrong with a page or an item."""
    yield from _Pages(body).blobs()


class _Pages:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._order = "<" if body[MAGIC_AT : MAGIC_AT + 4] == MAGIC.to_bytes(4, "little") else ">"
        if len(body) < 512:
            raise MalformedError("cut short")
        version, self._size, encryption, kind = struct.unpack_from(f"{self._order}IIBB", body, 16)
        last = struct.unpack_from(f"{self._order}I", body, 32)[0]
        if kind != _HASH_META:
            raise MalformedError("a Berkeley DB file, but not a hash")
        if encryption:
            raise MalformedError(f"encrypted Berkeley DB (algorithm {encryption})")
        if self._size not in {1 << bit for bit in range(9, 17)}:
            raise MalformedError(f"Berkeley DB version {version} with impossible page size {self._size}")
        self._count = last + 1
        # Pages that were promised but never written are read as far as they are there; the rest is said.
        self._there = min(self._count, len(body) // self._size)
        self._head = struct.Struct(f"{self._order}8xIIIHHBB")
        self._used = bytearray(self._there)

    def blobs(self) -> Iterator[tuple[str, bytes | MalformedError]]:
        for number in range(1, self._there):
            at = number * self._size
            page, _, _, entries, _, _, kind = self._head.unpack_from(self._body, at)
            place = f"page {number}"
            if kind in _OTHER_TYPES:
                continue
            if kind not in {_HASH, _UNSORTED_HASH} or page != number:
                yield place, MalformedError("not a page of a Berkeley DB hash")
                continue
            if entries % 2 or _HEAD + 2 * entries > self._size:
                yield place, MalformedError("page with an impossible number of items")
                continue
            offsets = struct.unpack_from(f"{self._order}{entries}H", self._body, at + _HEAD)
            yield from self._items(place, at, offsets)
        if self._there < self._count:
            yield f"page {self._there}", MalformedError(f"cut short: {self._count} pages were promised")

    def _items(
        self, place: str, at: int, offsets: tuple[int, ...]
    ) -> Iterator[tuple[str, bytes | MalformedError]]:
        """Give the values of one page. An item ends where the one before it begins, the first at the page's end."""
        lowest = _HEAD + 2 * len(offsets)
        ends = (self._size, *offsets)
        for index in range(0, len(offsets), 2):
            key_at, value_at = offsets[index], offsets[index + 1]
            if not lowest <= value_at < key_at < ends[index]:
                yield place, MalformedError("item out of bounds")
                return
            key = self._body[at + key_at : at + ends[index]]
            value = self._body[at + value_at : at + key_at]
            if len(key) != 5 or key[0] != _KEY_DATA:
                yield place, MalformedError("item with an impossible key")
                continue
            package = struct.unpack_from(f"{self._order}I", key, 1)[0]
            if not package:
                continue  # record 0 counts the packages
            where = f"package {package}"
            if value[0] == _KEY_DATA:
                yield where, value[1:]
            elif value[0] == _OFF_PAGE and len(value) >= 12:
                first, length = struct.unpack_from(f"{self._order}II", value, 4)
                yield where, self._chain(first, length)
            else:
                yield where, MalformedError("item of an unknown type")

    def _chain(self, page: int, length: int) -> bytes | MalformedError:
        """Join a chain of overflow pages. No page may be used twice, so all chains together end."""
        parts: list[bytes] = []
        total = 0
        while page:
            if page >= self._there or self._used[page]:
                return MalformedError(f"overflow page {page} is missing or used twice")
            self._used[page] = 1
            at = page * self._size
            number, _, following, _, used, _, kind = self._head.unpack_from(self._body, at)
            if kind != _OVERFLOW or number != page or used > self._size - _HEAD:
                return MalformedError(f"page {page} is no overflow page")
            parts.append(self._body[at + _HEAD : at + _HEAD + used])
            total += used
            page = following
        if total != length:
            return MalformedError("overflow pages hold another length than promised")
        return b"".join(parts)
