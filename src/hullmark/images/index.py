"""The file index of a layer: each entry with path, kind, size, mode, owner, time and a digest of its content.

It is apart from a layer's facts, since only what compares layers needs it: it costs a hash of every file. Formats are those of
`hullmark.images.walk`, whose walk this is. Entries are packed in arrays, so that a million of them are some hundred megabytes.
"""

import functools
import hashlib
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from hullmark.images.limits import Budget, ReadLimits
from hullmark.images.walk import (
    OPAQUE,
    WHITEOUT,
    Body,
    Cut,
    Selected,
    Shape,
    _mode,
    _number,
    _Pending,
    _Stream,
    _tidy,
    _Walker,
)

VERSION = 1
MOST_ENTRIES = 1_000_000
MOST_PATH_BYTES = 64 * 1024 * 1024
DIGEST_BYTES = 16
FILE, HARD_LINK, SYMLINK, FOLDER = b"0", b"1", b"2", b"5"
REMOVED, OPAQUE_FOLDER = b"w", b"o"
"""Kinds of entries: those of tar (POSIX ustar), and the two marks of layer.md (OCI image specification), with the path that they mean."""
_FILES = frozenset((b"0", b"\0", b"7", b"S"))
_FURTHEST = (1 << 63) - 1
_S_IN_NS = 1_000_000_000


class LayerIndex(Struct, frozen=True, array_like=True):
    """All entries of a layer in the order of its tar, packed.

    `paths` are ended by a NUL byte each. `kinds` have a byte each, `sizes` (Q, bytes that the tar holds of it), `modes` (H), `owners` (I, user and group),
    `times` (q, nanoseconds) and `digests` (16 bytes) are in the machine's order. A digest is one of a file's content, of a link's target or a device's numbers,
    and of extended attributes; zeros for a folder without any. `hard_links` are the targets of hard links, in turn. `inflated_bytes` is the size of the tar.
    """

    paths: bytes = b""
    kinds: bytes = b""
    sizes: bytes = b""
    modes: bytes = b""
    owners: bytes = b""
    times: bytes = b""
    digests: bytes = b""
    hard_links: bytes = b""
    inflated_bytes: int = 0

    def __len__(self) -> int:
        """Give the number of entries."""
        return len(self.kinds)

    def entries(self) -> "Iterator[Entry]":
        """Give the entries one by one."""
        columns = zip(
            self.paths.split(b"\0")[:-1],
            self.kinds,
            memoryview(self.sizes).cast("Q"),
            memoryview(self.modes).cast("H"),
            zip(*[iter(memoryview(self.owners).cast("I"))] * 2, strict=True),
            memoryview(self.times).cast("q"),
            strict=True,
        )
        for number, (path, kind, size, mode, owner, time_ns) in enumerate(columns):
            at = number * DIGEST_BYTES
            yield Entry(
                path, bytes((kind,)), size, mode, owner, time_ns, self.digests[at : at + DIGEST_BYTES]
            )


class Entry(NamedTuple):
    """One entry of a layer."""

    path: bytes
    kind: bytes
    size: int
    mode: int
    owner: tuple[int, ...]
    time_ns: int
    digest: bytes


class Room:
    """How much may be listed of all layers of an image together, in however many threads."""

    def __init__(self, entries: int = MOST_ENTRIES, path_bytes: int = MOST_PATH_BYTES) -> None:
        self.entries = entries
        self.path_bytes = path_bytes
        self.is_over = False

    def take(self, entries: int, path_bytes: int) -> None:
        """Take some of it. Raises `Cut` where there is no more."""
        self.entries -= entries
        self.path_bytes -= path_bytes
        if self.entries < 0 or self.path_bytes < 0:
            self.is_over = True
            raise Cut(
                f"more than {MOST_ENTRIES} entries or {MOST_PATH_BYTES} bytes of paths, which is what is listed of an image"
            )


class Indexing:
    """Collects what becomes a `LayerIndex`; what was collected before a `Cut` is kept."""

    def __init__(self, limits: ReadLimits, room: Room) -> None:
        self.limits = limits
        self.room = room
        self.shape = Shape(limits)
        self._paths = bytearray()
        self._kinds = bytearray()
        self._sizes = array("Q")
        self._modes = array("H")
        self._owners = array("I")
        self._times = array("q")
        self._digests = bytearray()
        self._hard_links = bytearray()
        self._inflated_bytes = 0

    def read(self, pieces: Iterator[bytes]) -> None:
        """Read a tar stream to its end. Raises `Cut` where it cannot be followed any further."""
        for _body in _Indexer(_Stream(self._counted(pieces)), self).bodies():
            pass

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._inflated_bytes += len(piece)
            yield piece

    def frozen(self) -> LayerIndex:
        """Give the finished index, once: what was collected is let go of on the way."""
        parts: dict[str, bytes] = {}
        for name in ("paths", "kinds", "sizes", "modes", "owners", "times", "digests", "hard_links"):
            parts[name] = bytes(getattr(self, f"_{name}"))
            delattr(self, f"_{name}")
        return LayerIndex(**parts, inflated_bytes=self._inflated_bytes)

    def add(
        self,
        path: str,
        kind: bytes,
        size: int,
        header: bytes,
        digest: bytes,
        said: "_Said | None",
        target: str = "",
    ) -> None:
        """Take an entry."""
        raw = path.encode().replace(b"\0", b"\\0")  # which a pax header can hold, and no file system
        self.room.take(1, len(raw) + len(target))
        owner = _owner(header[108:124])
        time_ns = min(max(_number(header[136:148]), 0) * _S_IN_NS, _FURTHEST)
        if said is not None:
            owner = (
                owner[0] if said.user is None else said.user,
                owner[1] if said.group is None else said.group,
            )
            time_ns = time_ns if said.time_ns is None else said.time_ns
            if said.attributes:
                digest = hashlib.sha256(digest + said.attributes).digest()
        self._paths += raw + b"\0"
        self._kinds += kind
        self._sizes.append(size)
        self._modes.append(_mode(header[100:108]))
        self._owners.extend(owner)
        self._times.append(time_ns)
        self._digests += digest[:DIGEST_BYTES]
        if kind == HARD_LINK:
            self._hard_links += target.encode().replace(b"\0", b"\\0") + b"\0"


class _Said(NamedTuple):
    """What a pax header says of the entry behind it, beyond what the walk itself needs."""

    time_ns: int | None
    user: int | None
    group: int | None
    attributes: bytes


class _Indexer(_Walker):
    """The walk, with every file hashed as it passes and every entry noted."""

    def __init__(self, stream: _Stream, found: Indexing) -> None:
        super().__init__(stream, self._select, found.shape, Budget(0), found.limits)
        self.found = found
        self.said: _Said | None = None
        self.wanted = Selected(None, 0, consume=self._hash)

    def _select(self, _path: str, _mode: int, _size: int) -> Selected:
        return self.wanted

    def _hash(self, path: str, size: int, parts: Iterator[bytes]) -> None:
        content = hashlib.sha256()
        for part in parts:
            content.update(part)
        self._note(path, FILE, size, self.header, content.digest())

    def _note(
        self, path: str, kind: bytes, size: int, header: bytes, digest: bytes, target: str = ""
    ) -> None:
        said, self.said = self.said, None
        if WHITEOUT in path and (name := path.rpartition("/")[2]).startswith(WHITEOUT) and kind != FOLDER:
            above, removed = path[: -len(name)], name[len(WHITEOUT) :]
            if name == OPAQUE:
                path, kind = above.rstrip("/"), OPAQUE_FOLDER
            elif removed in {"", ".", ".."} or name.startswith(WHITEOUT * 2):
                return  # which names nothing, or is aufs' own bookkeeping
            else:
                path, kind = above + removed, REMOVED
        self.found.add(path, kind, size, header, digest, said, target)

    def _sparse_body(
        self,
        path: str,
        _size: int,
        _mode: int,
        _selected: Selected,
        extents: list[tuple[int, int]],
        stored: int,
    ) -> Iterator[Body]:
        """Hash where the data of a sparse file belongs, and the data: its holes are no bytes of the layer."""
        content = hashlib.sha256(repr(extents).encode())
        for part in self.stream.take(max(stored, 0)):
            content.update(part)
        self._note(path, FILE, max(stored, 0), self.header, content.digest())
        yield from ()

    def _other(self, header: bytes, kind: bytes, path: str, size: int, pending: _Pending | None) -> None:
        super()._other(header, kind, path, size, pending)
        name = path.rstrip("/")
        target = (pending.link if pending is not None else b"") or header[157:257].partition(b"\0")[0]
        if not name or not (kind in _FILES or kind in b"123456"):
            self.said = None
        elif kind in _FILES or kind == FOLDER:
            self._note(name, FOLDER, 0, header, bytes(DIGEST_BYTES))
        elif kind == HARD_LINK:
            if inside := _tidy(target):
                text = inside.decode("utf-8", "backslashreplace")
                self._note(name, kind, 0, header, hashlib.sha256(inside).digest(), text)
        else:
            self._note(name, kind, 0, header, hashlib.sha256(target + b"\0" + header[329:345]).digest())

    def _pax(self, text: bytes, pending: _Pending) -> None:
        super()._pax(text, pending)
        self.said = _said(text)


def _said(text: bytes) -> _Said:
    """Read the records of a pax header (POSIX, pax, "pax Extended Header"), which the walk has checked."""
    found: dict[bytes, bytes] = {}
    attributes = []
    at, end = 0, len(text)
    while at < end:
        space = text.find(b" ", at, at + 12)
        if (
            space <= at
            or not text[at:space].isdigit()
            or not space < (stop := at + int(text[at:space])) <= end
        ):
            break
        key, _, value = text[space + 1 : stop - 1].partition(b"=")
        at = stop
        if key.startswith((b"SCHILY.xattr.", b"LIBARCHIVE.xattr.")):
            attributes.append(b"%d %d %s%s" % (len(key), len(value), key, value))
        else:
            found[key] = value
    return _Said(
        _time_ns(found.get(b"mtime", b"")),
        _whole(found.get(b"uid", b"")),
        _whole(found.get(b"gid", b"")),
        b"".join(sorted(attributes)),
    )


def _time_ns(text: bytes) -> int | None:
    seconds, _, rest = text.lstrip(b"-").partition(b".")
    if not seconds.isdigit() or len(seconds) > 18 or (rest and not rest.isdigit()):
        return None
    time_ns = int(seconds) * _S_IN_NS + int(rest[:9].ljust(9, b"0") or b"0")
    return min(time_ns, _FURTHEST) * (-1 if text.startswith(b"-") else 1)


def _whole(text: bytes) -> int | None:
    return int(text) & 0xFFFFFFFF if text.isdigit() and len(text) < 20 else None


@functools.lru_cache(maxsize=1024)
def _owner(fields: bytes) -> tuple[int, int]:
    return _number(fields[:8]) & 0xFFFFFFFF, _number(fields[8:]) & 0xFFFFFFFF
