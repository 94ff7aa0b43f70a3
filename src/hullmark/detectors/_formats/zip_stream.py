"""Zip archives read from their start to their end, for those too large to be held.

Format: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7 to 4.3.16 and 4.5.3. An archive is meant to be read from its directory, which
stands at its end. Here the entries come first and the directory confirms them afterwards: `Stream.listed` has what counts.
An entry without a size in front of it (bit 3 of its flags) ends where its deflated data does; a stored one of that kind ends
nobody knows where, and is as far as such an archive can be read.
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from isal import isal_zlib

from hullmark.detectors._formats import zip as directory
from hullmark.detectors._formats.zip import Budget
from hullmark.detectors.detector import Limits, MalformedError

_LOCAL, _CENTRAL, _END, _END_64, _DESCRIPTOR = (
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"PK\x07\x08",
)
_ENCRYPTED, _SIZES_FOLLOW = 1, 8
_STORED, _DEFLATED = 0, 8
_PIECE = 256 * 1024
_MAX_GAP = 16 * 1024 * 1024
_WORK_TO_SIZE = 8
_FULL_32 = 0xFFFFFFFF


class StreamBudget(Budget):
    """What may be inflated over an archive and all archives in it: also what nobody asked for, since it stands in the way."""

    __slots__ = ("work_left",)

    def __init__(self, limits: Limits, size: int) -> None:
        super().__init__(limits)
        self.work_left = limits.max_expanded_bytes + _WORK_TO_SIZE * size

    def spend(self, size: int, place: str) -> None:
        """Take what was inflated from what is left. Raises `MalformedError` where that is less."""
        self.work_left -= size
        if self.work_left < 0:
            raise MalformedError("the archive expands to more than the limits allow", place)


class Listed(NamedTuple):
    """What the directory says of an entry. `offset` is that of its header in the stream."""

    name: str
    is_encrypted: bool
    crc: int
    packed_bytes: int
    size_bytes: int
    offset: int


class _Source:
    """Bytes taken from pieces."""

    __slots__ = ("_at", "_buffer", "_pieces", "position")

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = b""
        self._at = 0
        self.position = 0

    def peek(self, size: int) -> bytes:
        while len(self._buffer) - self._at < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._buffer, self._at = self._buffer[self._at :] + piece, 0
        return self._buffer[self._at : self._at + size]

    def take(self, size: int) -> bytes:
        found = self.peek(size)
        if len(found) < size:
            raise MalformedError("the archive is cut off")
        self._at += size
        self.position += size
        return found

    def some(self, most: int) -> bytes:
        """Give the next bytes, as many as are at hand; none at the end."""
        if self._at == len(self._buffer):
            self._buffer, self._at = next(self._pieces, b""), 0
        found = self._buffer[self._at : self._at + most]
        self._at += len(found)
        self.position += len(found)
        return found

    def back(self, count: int) -> None:
        """Give back the last bytes that `some` gave."""
        self._at -= count
        self.position -= count

    def skip(self, size: int) -> None:
        while size > 0:
            found = self.some(min(size, _PIECE))
            if not found:
                raise MalformedError("the archive is cut off")
            size -= len(found)


class Part:
    """One entry, as its own header describes it. `pieces` can be read once, as far as one likes; `finish` reads the rest.

    `crc` and `size_bytes` are those of the content, known once it was read.
    """

    def __init__(self, source: _Source, budget: StreamBudget, offset: int) -> None:
        self.offset = offset
        self._source = source
        self._budget = budget
        head = struct.unpack("<4sHHHHHIIIHH", source.take(30))
        _, _, self.flags, self.method, _, _, _, packed, size, name_size, extra_size = head
        name = source.take(name_size)
        extra = source.take(extra_size)
        if _FULL_32 in {packed, size}:
            size, packed, _ = directory.zip64(extra, size, packed, 0)
        self.raw_name = name
        self.name = name.decode("utf-8", "replace")
        self.crc = self.size_bytes = 0
        follows = self.flags & _SIZES_FOLLOW and not packed and not name.endswith(b"/")
        self._packed = -1 if follows else packed
        self._start = source.position
        self.problem = ""
        self._read = self._content()

    @property
    def pieces(self) -> Iterator[bytes]:
        """Give the content, piece by piece. Raises `MalformedError` where it cannot go on."""
        return self._read

    def finish(self) -> None:
        """Go to the entry's end. Raises `MalformedError` where nobody knows where that is."""
        readable = self.method in {_STORED, _DEFLATED} and not self.flags & _ENCRYPTED
        if self._packed >= 0:
            self._source.skip(self._start + self._packed - self._source.position)
            if self.flags & _SIZES_FOLLOW:
                self._descriptor(self._packed)
            return
        if not (readable and self.method == _DEFLATED):
            raise MalformedError("an entry whose size is not stated before it", self.name)
        self.drain()
        if self.problem:
            raise MalformedError(self.problem, self.name)
        if not self._descriptor(self._source.position - self._start):
            raise MalformedError("an entry whose end is not as it says", self.name)

    def drain(self) -> None:
        """Read the content to its end, for its checksum's sake."""
        for _piece in self._read:
            pass

    def _content(self) -> Iterator[bytes]:
        try:
            for piece in self._stored() if self.method == _STORED else self._inflated():
                self.size_bytes += len(piece)
                self.crc = isal_zlib.crc32(piece, self.crc)
                self._budget.spend(len(piece), self.name)
                yield piece
        except MalformedError as problem:
            self.problem = problem.reason
            raise

    def _stored(self) -> Iterator[bytes]:
        if self.flags & _ENCRYPTED or self._packed < 0:
            raise MalformedError("encrypted or of unknown size", self.name)
        end = self._start + self._packed
        while self._source.position < end:
            piece = self._source.some(min(_PIECE, end - self._source.position))
            if not piece:
                raise MalformedError("zip entry that is cut off", self.name)
            yield piece

    def _inflated(self) -> Iterator[bytes]:
        if self.flags & _ENCRYPTED:
            raise MalformedError("encrypted", self.name)
        if self.method != _DEFLATED:
            raise MalformedError(f"packed by method {self.method}, which is not supported", self.name)
        end = self._start + self._packed if self._packed >= 0 else None
        inflate = isal_zlib.decompressobj(-15)
        data: bytes = b""
        while not inflate.eof:
            if not data:
                most = _PIECE if end is None else min(_PIECE, end - self._source.position)
                data = self._source.some(most) if most else b""
                if not data:
                    raise MalformedError("zip entry that is cut off", self.name)
            try:
                piece = inflate.decompress(data, _PIECE)
            except isal_zlib.IsalError as problem:  # type: ignore[misc]  # the stub gives an instance for the class
                raise MalformedError("zip entry that is damaged", self.name) from problem
            data = inflate.unconsumed_tail
            if piece:
                yield piece
        self._source.back(len(inflate.unused_data))

    def _descriptor(self, packed: int) -> bool:
        """Step over what follows an entry: perhaps a mark, its checksum, and two sizes of four or eight bytes each."""
        ahead = self._source.peek(24)
        mark = 4 if ahead[:4] == _DESCRIPTOR else 0
        for form, length in (("<II", 8), ("<QQ", 16)):
            sizes = ahead[mark + 4 : mark + 4 + length]
            if len(sizes) == length and struct.unpack(form, sizes)[0] == packed:
                self._source.skip(mark + 4 + length)
                return True
        return False


class Stream:
    """One archive. `parts` gives its entries as they come, `listed` then those of the directory that are wanted."""

    def __init__(
        self, pieces: Iterator[bytes], budget: StreamBudget, wanted: Callable[[bytes], object]
    ) -> None:
        self._source = _Source(pieces)
        self._budget = budget
        self._wanted = wanted
        self.listed: list[Listed] | None = None

    def parts(self) -> Iterator[Part]:
        """Give the wanted entries. Raises `MalformedError` where the archive can be followed no further."""
        source = self._source
        self._to_entry("not a zip archive")
        while (mark := source.peek(4)) == _LOCAL:
            self._budget.entries_left -= 1
            if self._budget.entries_left < 0:
                raise MalformedError("more archive entries than the limit")
            part = Part(source, self._budget, source.position)
            if self._wanted(part.raw_name):
                yield part
            part.finish()
            if source.peek(4) not in {_LOCAL, _CENTRAL, _END, _END_64}:
                self._to_entry("the archive has no directory")
        if mark not in {_CENTRAL, _END, _END_64}:
            raise MalformedError("the archive has no directory")
        self._directory()

    def _to_entry(self, otherwise: str) -> None:
        """Step over what stands before the archive (a start script) or between entries (what was deleted)."""
        source, left = self._source, _MAX_GAP
        while source.peek(4) not in {_LOCAL, _CENTRAL, _END, _END_64}:
            ahead = source.peek(64 * 1024)
            found = min(
                (at for mark in (_LOCAL, _CENTRAL, _END, _END_64) if (at := ahead.find(mark)) >= 0),
                default=-1,
            )
            step = found if found >= 0 else len(ahead) - 3
            left -= max(step, 1)
            if step <= 0 or left < 0:
                raise MalformedError(otherwise)
            source.skip(step)

    def _directory(self) -> None:
        source = self._source
        start = source.position
        found: list[Listed] = []
        while source.peek(4) == _CENTRAL:
            head = struct.unpack("<4sHHHHHHIIIHHHHHII", source.take(46))
            flags, offset = head[3], head[16]
            crc, packed, size, name_size, extra_size, comment_size = head[7:13]
            name, extra = source.take(name_size), source.take(extra_size)
            source.skip(comment_size)
            if self._wanted(name):
                if _FULL_32 in {packed, size, offset}:
                    size, packed, offset = directory.zip64(extra, size, packed, offset)
                found.append(
                    Listed(
                        name.decode("utf-8", "replace"), bool(flags & _ENCRYPTED), crc, packed, size, offset
                    )
                )
        base = start - self._end()
        self.listed = [entry._replace(offset=base + entry.offset) for entry in found]

    def _end(self) -> int:
        """Read the end records; give where the directory is said to start."""
        source = self._source
        offset = -1
        if source.peek(4) == _END_64:
            head = struct.unpack("<4sQHHIIQQQQ", source.take(56))
            offset = head[9]
            source.skip(max(head[1] - 44, 0))
            source.skip(20 if source.peek(4) == b"PK\x06\x07" else 0)
        if source.peek(4) != _END:
            raise MalformedError("zip directory that can't be read")
        *_, offset_32, comment = struct.unpack("<4sHHHHIIH", source.take(22))
        if offset < 0:
            offset = offset_32
        while comment and (piece := source.some(comment)):
            comment -= len(piece)
        overlap = b""
        while piece := source.some(_PIECE):
            # the last directory of a file counts
            if _END in overlap + piece:
                raise MalformedError("another archive follows the first")
            overlap = piece[-3:]
        return offset
