"""The walk over a tar stream: the hot loop of a scan.

Formats: POSIX ustar and pax interchange format (IEEE Std 1003.1, pax), GNU tar's long names and sparse files,
and the OCI image specification's whiteouts (layer.md). Headers are read by hand from 512-byte blocks, bodies
that nobody wants are stepped over, and nothing is ever written anywhere. A path is what a container runtime
would make of it: relative to the image's root.
"""

import binascii
import bisect
import functools
import io
import os
import re
import zlib
from array import array
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple, Protocol

from hullmark.images.limits import Budget, ReadLimits
from hullmark.model.facts import LayerShape, Unread

BLOCK = 512
_NAME_BYTES = 100
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_ODD_PART = re.compile(rb"(?:\A|/)\.{0,2}(?:/|\Z)")
_ODD_ENDS = frozenset((b"", b"/", b"."))
_USUAL_FILES = frozenset((b"0", b"\0"))
_FILES = frozenset((b"0", b"\0", b"7", b"S"))
_EXTENSIONS = frozenset((b"L", b"K", b"x", b"X", b"g", b"V"))
_NUMBER_END = b"\0 "
_HEAD_BYTES = 64 * 1024
_MARKER_LEAD = 256
_ENDS_EARLY = "the archive ends in the middle of a file"
LINK_COST = 100  # bytes that a dictionary takes for texts besides their letters, more or less
_MOST_CAPABILITY = 64
_BROKEN_MAP = "a broken map of a sparse file"
_RECORDS_AN_ENTRY = 2  # that take as much time as an entry does


class Selected(NamedTuple):
    """What the caller wants of a file: `token` comes back with the body.

    Up to `max_bytes` the body is held whole. A larger one is searched for `markers` while it streams. With
    `elf_only` the file counts only when it starts as an ELF file does. With `consume` nothing is held: it is
    called with path, size and the content in pieces, and no body is given.
    """

    token: object
    max_bytes: int
    markers: tuple[bytes, ...] = ()
    excerpt_bytes: int = 0
    elf_only: bool = False
    consume: Callable[[str, int, Iterator[bytes]], None] | None = None


class Body(NamedTuple):
    """A wanted file. `data` is the whole content, or the first 64 KiB of it when `whole` is false.

    `problem` says why there is no content at all.
    """

    path: str
    size: int
    mode: int
    token: object
    data: bytes
    whole: bool
    excerpts: dict[bytes, bytes]
    problem: str = ""


class Cut(Exception):  # noqa: N818  # it ends the walk of one layer, it is not shown as an error
    """The tar stream cannot be followed any further; the message says why."""


Select = Callable[[str, int, int], Selected | None]


def path_mark(path: str) -> int:
    """Give eight bytes that stand for a path in `LayerShape.hidden`."""
    raw = path.encode("utf-8", "replace")
    return zlib.crc32(raw) << 32 | zlib.adler32(raw)


def has_mark(marks: memoryview, mark: int) -> bool:
    """Tell whether a mark (`path_mark`) is among sorted ones."""
    at = bisect.bisect_left(marks, mark)
    return at < len(marks) and marks[at] == mark


class Tap(Protocol):
    """Sees everything of a layer pass by, whatever the detectors want of it."""

    def piece(self, piece: bytes, /) -> None:
        """Take the next piece of the stream."""

    def file(self, path: str, start: int, size: int, /) -> None:
        """Take note of a regular file, whose content begins at that byte of the stream."""


class Notes(Protocol):
    """Takes note of files and folders for what they are, not for what is in them."""

    def file(self, path: str, mode: int, header: bytes, capability: bytes, /) -> None:
        """Take a regular file: permission bits, its tar header, and the raw value of `security.capability`."""

    def folder(self, path: str, mode: int, header: bytes, /) -> None:
        """Take a folder."""


class Shape:
    """Collects what becomes a `LayerShape`, packed so that a million entries stay small. `tap` and `notes` are told of each regular file, `notes` of each folder."""

    def __init__(self, limits: ReadLimits, tap: Tap | None = None, notes: Notes | None = None) -> None:
        self.tap = tap
        self.notes = notes
        self.whiteouts = bytearray()
        self.opaques = bytearray()
        self.links = bytearray()
        self.marks = array("Q")
        self.folders = array("Q")
        self.hard_links: dict[str, str] = {}
        self.unread: list[Unread] = []
        self.suppressed = 0
        self.entries = 0
        self.extras = 0  # what takes time besides: extension headers, their records, extents of sparse files
        self.size_bytes = 0
        self.skipped = 0
        self.last = ""
        self._limits = limits
        self._room = limits.layer_shape_bytes
        self._stated: list[str] = []
        self._implied: dict[str, None] = {}
        self._implied_room = limits.layer_shape_bytes
        self._left_out = 0

    def say(self, reason: str, *, path: str = "", place: str = "") -> None:
        """Note an entry that could not be used; beyond a number they are only counted."""
        if len(self.unread) < self._limits.unread_records:
            self.unread.append(Unread(kind="record", path=path, place=place, reason=reason))
        else:
            self.suppressed += 1

    def frozen(self) -> LayerShape:
        """Give the finished shape."""
        if self.suppressed:
            self.unread.append(
                Unread(kind="record", reason=f"{self.suppressed} more entries could not be used")
            )
        if self._left_out:
            reason = (
                f"{self._left_out} folders have no entry of their own: what is replaced in them is not known"
            )
            self.unread.append(Unread(kind="record", reason=reason))
        return LayerShape(
            whiteouts=bytes(self.whiteouts),
            opaques=bytes(self.opaques),
            links=bytes(self.links),
            hidden=array("Q", sorted(self.marks)).tobytes(),
            folders=array("Q", sorted(self.folders)).tobytes(),
            entries=self.entries,
            size_bytes=self.size_bytes,
            skipped=self.skipped,
            unread=tuple(self.unread),
            implied="".join(f"{folder}\0" for folder in self._implied).encode(),
        )

    def enter(self, folder: str) -> None:
        """Take note that an entry lies in a folder other than `last`, which needs no note any more.

        In the usual order, a directory's entry before what is in it, the stated directories on the way to an entry
        are a stack. What that order does not tell counts as implied, which is never wrong.
        """
        self.last = folder
        stated = self._stated
        while stated and folder != stated[-1] and not folder.startswith(f"{stated[-1]}/"):
            stated.pop()
        if not folder or (stated and folder == stated[-1]) or folder in self._implied:
            return
        # Each folder above it is looked at when layers are merged, and is a text of its own then.
        size = len(folder) * (1 + folder.count("/") // 8) + LINK_COST // 2
        if size > self._implied_room:
            self._left_out += 1
        else:
            self._implied_room -= size
            self._implied[folder] = None

    def entry(self, path: str, kind: bytes, target: str) -> None:
        """Take a non-directory entry: a whiteout, a link or something that hides what lies below it."""
        if WHITEOUT in path and (name := path.rpartition("/")[2]).startswith(WHITEOUT):
            self._whiteout(path, name)
            return
        if kind == b"2":
            self._take(len(path) + len(target) + LINK_COST, "symbolic links")
            self.links += path.encode() + b"\0" + target.encode() + b"\0"
        elif kind == b"1":
            self._take(len(path) + len(target) + LINK_COST, "hard links")
            self.hard_links[path] = target
        elif self.hard_links:
            self.hard_links.pop(path, None)  # of two entries of one path the later counts
        raw = path.encode()
        self.marks.append(zlib.crc32(raw) << 32 | zlib.adler32(raw))

    def folder(self, path: str) -> None:
        """Take a directory."""
        above = path.rpartition("/")[0]
        if above != self.last:
            self.enter(above)
        if not above or (self._stated and above == self._stated[-1]):
            self._stated.append(path)
            self.last = path
        raw = path.encode()
        self.folders.append(zlib.crc32(raw) << 32 | zlib.adler32(raw))

    def _take(self, size: int, what: str) -> None:
        """Bound what is kept of all links and whiteouts together."""
        self._room -= size
        if self._room < 0:
            raise Cut(
                f"more than {self._limits.layer_shape_bytes} bytes of links and whiteouts, the last of {what}"
            )

    def _whiteout(self, path: str, name: str) -> None:
        self._take(len(path) + LINK_COST, "whiteouts")
        folder = path[: -len(name)]
        if name == OPAQUE:
            self.opaques += folder.rstrip("/").encode() + b"\0"
            return
        removed = name[len(WHITEOUT) :]
        if removed in {"", ".", ".."}:
            self.say("a whiteout that names nothing", path=path)
        elif not name.startswith(".wh..wh."):  # those are aufs' own bookkeeping
            self.whiteouts += (folder + removed).encode() + b"\0"


class _Stream:
    """Bytes of a tar stream, taken from pieces without copying more than a piece's rest."""

    __slots__ = ("_pieces", "buffer", "offset", "position")

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.buffer = b""
        self.position = 0
        self.offset = 0  # of the buffer's first byte in the stream

    def block(self) -> bytes:
        """Give the next 512 bytes, fewer at the end of the stream."""
        block = self.buffer[self.position : self.position + BLOCK]
        self.position += len(block)
        while len(block) < BLOCK:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self.offset += len(self.buffer)
            rest = piece[: BLOCK - len(block)]
            self.buffer, self.position = piece, len(rest)
            block += rest
        return block

    def skip(self, size: int, padding: int = 0) -> None:
        """Step over `size` bytes. Of these the last `padding` may be missing: some writers end an archive with the last file's own bytes, as umoci 0.4 does."""
        left = size - (len(self.buffer) - self.position)
        if left <= 0:
            self.position += size
            return
        self.offset += len(self.buffer)
        self.buffer, self.position = b"", 0
        for piece in self._pieces:
            if len(piece) > left:
                self.buffer, self.position = piece, left
                return
            left -= len(piece)
            self.offset += len(piece)
            if not left:
                return
        if left > padding:
            raise Cut(_ENDS_EARLY)

    def take(self, size: int) -> Iterator[bytes]:
        """Give the next `size` bytes in pieces."""
        while size:
            ready = len(self.buffer) - self.position
            if not ready:
                self.offset += len(self.buffer)
                self.buffer, self.position = next(self._pieces, b""), 0
                if not self.buffer:
                    raise Cut(_ENDS_EARLY)
                continue
            part = self.buffer[self.position : self.position + size]
            self.position += len(part)
            size -= len(part)
            yield part

    def read(self, size: int) -> bytes:
        """Give the next `size` bytes in one piece."""
        data = self.buffer[self.position : self.position + size]
        if len(data) < size:
            return b"".join(self.take(size))
        self.position += size
        return data

    def tell(self) -> int:
        """Give the position in the stream."""
        return self.offset + self.position

    def peek(self, size: int) -> bytes:
        """Give the next few bytes without taking them."""
        while len(self.buffer) - self.position < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self.offset += self.position
            self.buffer = self.buffer[self.position :] + piece
            self.position = 0
        return self.buffer[self.position : self.position + size]


class _FileStream(_Stream):
    """The same over a file that can be stepped over by seeking."""

    __slots__ = ("_end", "_file")

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(iter(lambda: file.read(64 * BLOCK), b""))
        self._file = file
        self._end = os.fstat(file.fileno()).st_size

    def skip(self, size: int, padding: int = 0) -> None:
        left = size - (len(self.buffer) - self.position)
        if left <= 0:
            self.position += size
            return
        self.offset += len(self.buffer) + left
        self.buffer, self.position = b"", 0
        if self.offset - padding > self._end:
            raise Cut(_ENDS_EARLY)
        self._file.seek(self.offset)


class _Pending:
    """What extension headers said of the entry that follows them."""

    __slots__ = ("capability", "link", "name", "size", "sparse")

    def __init__(self) -> None:
        self.name = b""
        self.link = b""
        self.capability = b""
        self.size: int | None = None
        self.sparse: dict[bytes, bytes] = {}


class _Walker:
    def __init__(
        self, stream: _Stream, select: Select, shape: Shape, budget: Budget, limits: ReadLimits
    ) -> None:
        self.stream = stream
        self.select = select
        self.shape = shape
        self.budget = budget
        self.limits = limits
        self.pending: _Pending | None = None
        self.header = b""  # of the file that `select` is asked about

    def bodies(self) -> Iterator[Body]:  # noqa: C901, PLR0912, PLR0915  # one loop, since a call for each entry costs a tenth
        """Go through the entries; see `walk`."""
        stream, shape, select = self.stream, self.shape, self.select
        mark, crc32, adler32 = shape.marks.append, zlib.crc32, zlib.adler32
        names_fit = self.limits.path_bytes >= _NAME_BYTES
        tell = shape.tap.file if shape.tap is not None else None
        note = shape.notes.file if shape.notes is not None else None
        headers = 0
        while True:
            at = stream.position
            header = stream.buffer[at : at + BLOCK]
            if len(header) == BLOCK:
                stream.position = at + BLOCK
            elif len(header := stream.block()) < BLOCK:
                if header or not headers:
                    raise Cut(
                        "the archive ends in the middle of a header" if headers else "not a tar archive"
                    )
                return  # many writers leave out the two empty blocks at the end
            if header[0] == 0 and not header.strip(b"\0"):
                return
            # adler32's low half is 1 plus the sum of all bytes, modulo 65521: ten times faster than sum(header).
            if adler32(header) & 0xFFFF != _checksum(header[148:156]):
                raise Cut(
                    f"no tar header at byte {stream.tell() - BLOCK}" if headers else "not a tar archive"
                )
            headers += 1
            if headers > self.limits.layer_entries:
                raise Cut(f"more than {self.limits.layer_entries} entries")
            try:
                size = int(header[124:136].rstrip(_NUMBER_END) or b"0", 8)
            except ValueError:
                size = _binary_number(header[124:136])
            if size < 0:
                raise Cut(f"an entry of impossible size at byte {stream.tell() - BLOCK}")
            kind = header[156:157]
            if kind in _EXTENSIONS:
                self._extension(kind, size)
                continue
            pending, self.pending = self.pending, None
            if pending is not None and pending.size is not None:
                size = pending.size
            shape.entries += 1
            path = ""
            if kind in _USUAL_FILES and pending is None and not header[345] and names_fit:
                # A file with nothing odd about it, as most are: `_path` and `Shape.entry` in a few steps.
                raw = header[:_NAME_BYTES].partition(b"\0")[0]
                if raw[:1] not in _ODD_ENDS and raw[-1:] != b"/" and b"/." not in raw and b"//" not in raw:
                    try:
                        path = raw.decode()
                    except UnicodeDecodeError:
                        path = ""
                    else:
                        mark(crc32(raw) << 32 | adler32(raw))
                        if shape.hard_links:
                            shape.hard_links.pop(path, None)
            if not path:
                path = self._path(header, pending)
                if kind not in _FILES or not path or path[-1:] == "/":
                    self._other(header, kind, path, size, pending)
                    continue
                if kind == b"S" or (pending is not None and pending.sparse):
                    yield from self._sparse_file(header, path, size, pending)
                    continue
                shape.entry(path, kind, "")
            folder = path.rpartition("/")[0]
            if folder != shape.last:
                shape.enter(folder)
            shape.size_bytes += size
            mode = _mode(header[100:108])
            if tell is not None:
                tell(path, stream.offset + stream.position, size)
            if note is not None:
                note(path, mode, header, pending.capability if pending is not None else b"")
            self.header = header
            selected = select(path, mode, size)
            if selected is None or (selected.elf_only and stream.peek(4) != b"\x7fELF"):
                end = stream.position + size + (-size % BLOCK)
                if end <= len(stream.buffer):
                    stream.position = end
                else:
                    stream.skip(end - stream.position, -size % BLOCK)
                continue
            yield from self._body(path, size, mode, selected)
            stream.skip(-size % BLOCK, BLOCK)

    def _extension(self, kind: bytes, size: int) -> None:
        stream, pending = self.stream, self.pending
        self.shape.extras += 1
        if size > self.limits.header_bytes:
            self.shape.say(f"a tar header of {size} bytes", place=f"byte {stream.tell()}")
            stream.skip(size + (-size % BLOCK), -size % BLOCK)
            return
        text = stream.read(size)
        stream.skip(-size % BLOCK, BLOCK)
        if kind in {b"g", b"V"}:
            return
        if pending is None:
            pending = self.pending = _Pending()
        if kind == b"L":
            pending.name = text.partition(b"\0")[0]
        elif kind == b"K":
            pending.link = text.partition(b"\0")[0]
        else:
            self._pax(text, pending)

    def _pax(self, text: bytes, pending: _Pending) -> None:
        at, end, records = 0, len(text), 0
        sparse_map: list[bytes] = []
        while at < end and text[at]:
            space = text.find(b" ", at, at + 12)
            stop = at + int(text[at:space]) if space > at and text[at:space].isdigit() else at
            key, equals, value = text[space + 1 : max(stop - 1, 0)].partition(b"=")
            if not equals or not space < stop <= end:
                self.shape.say("a broken pax header", place=f"byte {self.stream.tell()}")
                return
            at = stop
            records += 1
            if key == b"path":
                pending.name = value
            elif key == b"linkpath":
                pending.link = value
            elif key == b"size":
                if not value.isdigit() or len(value) > 18:
                    raise Cut(f"an entry of impossible size at byte {self.stream.tell()}")
                pending.size = int(value)
            elif key in {b"GNU.sparse.offset", b"GNU.sparse.numbytes"}:
                sparse_map.append(value)  # pax sparse format 0.0 repeats these two keys
            elif key == b"SCHILY.xattr.security.capability":
                pending.capability = value[:_MOST_CAPABILITY]
            elif key == b"LIBARCHIVE.xattr.security.capability":
                pending.capability = _from_base64(value[: 2 * _MOST_CAPABILITY])
            elif key.startswith(b"GNU.sparse."):
                pending.sparse[key[11:]] = value
        self.shape.extras += records // _RECORDS_AN_ENTRY
        if sparse_map:
            pending.sparse[b"map"] = b",".join(sparse_map)
        pending.name = pending.sparse.get(b"name", pending.name)

    def _path(self, header: bytes, pending: _Pending | None) -> str:
        """Give the entry's path, empty for the root itself and for what cannot be a path."""
        if pending is not None and pending.name:
            raw = pending.name
        else:
            raw = header[:100].partition(b"\0")[0]
            if header[345] and header[257:263] == b"ustar\0":
                raw = header[345:500].partition(b"\0")[0] + b"/" + raw
        if len(raw) > self.limits.path_bytes:
            self.shape.say(
                f"a path of {len(raw)} bytes", path=raw[:100].decode("utf-8", "backslashreplace") + "…"
            )
            self.shape.skipped += 1
            return ""
        # Most paths need no pattern to see that nothing is odd about them; a directory's ends in one slash.
        inner = raw[:-1] if raw[-1:] == b"/" else raw
        may_be_odd = inner[:1] in _ODD_ENDS or inner[-1:] == b"/" or b"/." in inner or b"//" in inner
        if may_be_odd and _ODD_PART.search(raw):
            tidy = _tidy(raw)
            if tidy is None:
                self.shape.say(
                    "a path that leads out of the image", path=raw.decode("utf-8", "backslashreplace")
                )
                self.shape.skipped += 1
                return ""
            # A trailing slash makes a directory of an old-style file entry; keep it for that decision.
            raw = tidy + b"/" if raw.endswith(b"/") and tidy else tidy
        return raw.decode("utf-8", "backslashreplace")

    def _other(self, header: bytes, kind: bytes, path: str, size: int, pending: _Pending | None) -> None:
        """Take a directory, link or special file, or an entry whose path cannot be."""
        shape = self.shape
        target = (pending.link if pending is not None else b"") or header[157:257].partition(b"\0")[0]
        if kind in _FILES or kind not in b"123456":
            if path and kind not in _FILES:
                shape.say(f"a tar entry of unknown kind {kind.decode('latin-1')!r}", path=path)
            elif path:
                self._folder(header, path)  # tar writers older than POSIX end a directory's name with a slash
            self.stream.skip(size + (-size % BLOCK), -size % BLOCK)
        elif not path:
            return
        elif kind == b"5":
            self._folder(header, path)
        elif kind == b"1":
            self._enter(path)
            inside = _tidy(target)
            if inside:
                shape.entry(path.rstrip("/"), kind, inside.decode("utf-8", "backslashreplace"))
            else:
                shape.say("a hard link that leads out of the image", path=path)
        else:
            self._enter(path)
            text = target[: self.limits.path_bytes].decode("utf-8", "backslashreplace")
            shape.entry(path.rstrip("/"), kind, text)

    def _folder(self, header: bytes, path: str) -> None:
        path = path.rstrip("/")
        self.shape.folder(path)
        if self.shape.notes is not None:
            self.shape.notes.folder(path, _mode(header[100:108]), header)

    def _enter(self, path: str) -> None:
        folder = path.rstrip("/").rpartition("/")[0]
        if folder != self.shape.last:
            self.shape.enter(folder)

    def _sparse_file(self, header: bytes, path: str, size: int, pending: _Pending | None) -> Iterator[Body]:
        stream, shape = self.stream, self.shape
        shape.entry(path, b"0", "")
        self._enter(path)
        if header[156:157] == b"S":
            real_size = max(_number(header[483:495]), 0)
            extents = self._old_sparse_map(header)
            start = stream.tell()
        else:
            start = stream.tell()
            extents, real_size = self._pax_sparse_map(pending.sparse if pending is not None else {}, size)
        shape.size_bytes += size
        mode = _mode(header[100:108])
        if shape.tap is not None:
            shape.tap.file(path, stream.tell(), size - (stream.tell() - start))
        if shape.notes is not None:
            shape.notes.file(path, mode, header, pending.capability if pending is not None else b"")
        self.header = header
        selected = self.select(path, mode, real_size)
        if selected is not None and not (selected.elf_only and stream.peek(4) != b"\x7fELF"):
            stored = size - (stream.tell() - start)
            yield from self._sparse_body(path, real_size, mode, selected, extents, stored)
        stream.skip(start + size + (-size % BLOCK) - stream.tell(), -size % BLOCK)

    def _old_sparse_map(self, header: bytes) -> list[tuple[int, int]]:
        """Read the map of GNU tar's old sparse format: four extents in the header, 21 in each block after it."""
        extents = _extents(header[386:482], 4)
        more = header[482]
        while more:
            block = self.stream.block()
            if len(block) < BLOCK or len(extents) > 100_000:
                raise Cut(_BROKEN_MAP)
            extents += _extents(block[:504], 21)
            more = block[504]
        self.shape.extras += len(extents)
        return extents

    def _pax_sparse_map(self, sparse: dict[bytes, bytes], size: int) -> tuple[list[tuple[int, int]], int]:
        """Read the map of pax sparse formats 0.x (in the header) and 1.0 (before the data)."""
        real = sparse.get(b"realsize", sparse.get(b"size", b"0"))
        numbers = sparse.get(b"map", b"").split(b",") if b"map" in sparse else []
        if sparse.get(b"major") == b"1":
            numbers = self._sparse_numbers(min(size, self.limits.header_bytes))
        if not real.isdigit() or len(real) > 18 or not all(n.isdigit() and len(n) <= 18 for n in numbers):
            raise Cut(_BROKEN_MAP)
        self.shape.extras += len(numbers)
        values = [int(n) for n in numbers]
        return list(zip(values[::2], values[1::2], strict=False)), int(real)

    def _sparse_numbers(self, most: int) -> list[bytes]:
        """Read the map that stands before the data, in whole blocks: the number of extents, then two lines for each."""
        text = bytearray()
        wanted = lines = -1
        while lines < wanted or wanted < 0:
            block = self.stream.block()
            text += block
            if wanted < 0:
                first = text.partition(b"\n")[0]
                if not first.isdigit() or len(first) > 6:
                    raise Cut(_BROKEN_MAP)
                wanted, lines = 2 * int(first) + 1, 0
            lines += block.count(b"\n")
            if len(text) > most or len(block) < BLOCK:
                raise Cut(_BROKEN_MAP)
        return bytes(text).split(b"\n", wanted)[1:wanted]

    def _sparse_body(
        self, path: str, size: int, mode: int, selected: Selected, extents: list[tuple[int, int]], stored: int
    ) -> Iterator[Body]:
        fits = all(at + length <= size for at, length in extents) and sum(n for _, n in extents) <= stored
        if not fits or size > selected.max_bytes or not self.budget.take(size):
            reason = "a sparse file whose map does not fit" if not fits else f"a sparse file of {size} bytes"
            yield Body(path, size, mode, selected.token, b"", False, {}, reason)
            return
        try:
            data = bytearray(size)
            for at, length in extents:
                position = at
                for part in self.stream.take(length):
                    data[position : position + len(part)] = part
                    position += len(part)
            yield Body(path, size, mode, selected.token, bytes(data), True, {})
        finally:
            self.budget.give(size)

    def _body(self, path: str, size: int, mode: int, selected: Selected) -> Iterator[Body]:
        if selected.consume is not None:
            parts = self.stream.take(size)
            selected.consume(path, size, parts)
            for _rest in parts:
                pass
            return
        if size <= selected.max_bytes and self.budget.take(size):
            try:
                parts = self.stream.take(size)
                data = next(parts, b"")
                if len(data) < size:
                    # BytesIO gives its value out without a second copy, unlike a join of parts
                    held = io.BytesIO()
                    held.write(data)
                    for part in parts:
                        held.write(part)
                    data = held.getvalue()
                yield Body(path, size, mode, selected.token, data, True, {})
            finally:
                self.budget.give(size)
            return
        head, excerpts = search(self.stream.take(size), selected)
        yield Body(path, size, mode, selected.token, head, False, excerpts)


def walk(
    pieces: Iterator[bytes], select: Select, shape: Shape, budget: Budget, limits: ReadLimits
) -> Iterator[Body]:
    """Walk a tar stream and give the files that `select(path, permission bits, size)` wants.

    Everything else that matters goes into `shape`. The caller is done with a body when it asks for the next:
    its memory is then given back. Raises `Cut` where the stream cannot be followed any further.
    """
    return _Walker(_Stream(pieces), select, shape, budget, limits).bodies()


def index(file: IO[bytes], found: dict[str, tuple[int, int]], shape: Shape, limits: ReadLimits) -> None:
    """Put offset and size of each file in an uncompressed tar file into `found`, by path, reading only its headers.

    Raises `Cut` where it cannot be followed any further; what stands before that has been found.
    """
    stream = _FileStream(file)

    def note(path: str, _mode: int, size: int) -> None:
        found[path] = (stream.tell(), size)

    for _body in _Walker(stream, note, shape, Budget(0), limits).bodies():
        pass


def _from_base64(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        return b""


def owner(header: bytes) -> tuple[int, int]:
    """Give user and group of a tar header, 0 for what is none."""
    return max(_number(header[108:116]), 0), max(_number(header[116:124]), 0)


@functools.lru_cache(maxsize=8192)
def _checksum(field: bytes) -> int:
    """Give the low half of the Adler sum that a header with this checksum field has; -1 when the field is no number."""
    try:
        claimed = int(field.rstrip(_NUMBER_END) or b"0", 8)
    except ValueError:
        return -1
    # the field's own bytes count as eight spaces
    return (claimed + sum(field) - 8 * 32 + 1) % 65521


def _number(field: bytes) -> int:
    try:
        return int(field.rstrip(_NUMBER_END) or b"0", 8)
    except ValueError:
        return _binary_number(field)


def _binary_number(field: bytes) -> int:
    """Read GNU tar's base-256 number; -1 for what is no number or a negative one."""
    if field[0] != 0x80:
        return -1
    value = int.from_bytes(field[1:], "big")
    return value if value < 1 << 62 else -1


@functools.lru_cache(maxsize=1024)
def _mode(field: bytes) -> int:
    try:
        return int(field.rstrip(_NUMBER_END) or b"0", 8) & 0o7777
    except ValueError:
        return 0


def _tidy(raw: bytes) -> bytes | None:
    """Take empty and `.` parts out of a path; None when a `..` is in it."""
    parts = [part for part in raw.split(b"/") if part not in {b"", b"."}]
    return None if b".." in parts else b"/".join(parts)


def _extents(field: bytes, count: int) -> list[tuple[int, int]]:
    pairs = [(field[i * 24 : i * 24 + 12], field[i * 24 + 12 : i * 24 + 24]) for i in range(count)]
    extents = [(_number(at), _number(length)) for at, length in pairs if at.strip(_NUMBER_END)]
    if any(at < 0 or length < 0 for at, length in extents):
        raise Cut(_BROKEN_MAP)
    return extents


def search(parts: Iterator[bytes], selected: Selected) -> tuple[bytes, dict[bytes, bytes]]:
    """Search a file for markers while it streams; give its head and the bytes around each marker's first place."""
    head = bytearray()
    excerpts: dict[bytes, bytes] = {}
    growing: dict[bytes, bytearray] = {}
    overlap = max((len(marker) for marker in selected.markers), default=1) - 1 + _MARKER_LEAD
    before = b""
    for part in parts:
        if len(head) < _HEAD_BYTES:
            head += part[: _HEAD_BYTES - len(head)]
        for marker in list(growing):
            growing[marker] += part[: selected.excerpt_bytes - len(growing[marker])]
            if len(growing[marker]) >= selected.excerpt_bytes:
                excerpts[marker] = bytes(growing.pop(marker))
        window = before + part
        for marker in selected.markers:
            if marker not in excerpts and marker not in growing:
                at = window.find(marker)
                if at >= 0:
                    start = max(at - _MARKER_LEAD, 0)
                    growing[marker] = bytearray(window[start : start + selected.excerpt_bytes])
        before = window[-overlap:]
    excerpts.update((marker, bytes(excerpt)) for marker, excerpt in growing.items())
    return bytes(head), excerpts
