"""The contract of a feed: which parts it keeps, which files they are made of, and a pure parser.

A mirror is a folder of static files. Each feed names its files below that folder with glob patterns; a file
may be plain or compressed (`.gz`, `.bz2`, `.xz`, `.zst`), or many documents in one `.zip` or compressed `.tar`. The core
opens all of them and hands the parser one document after the other, so a parser sees only bytes. What a file is
compressed with is told by its first bytes: servers compress, and decompress, what they send under the same name.

Where the files are published, and which of them are needed for which part, a feed says with `Group` and `Source`.
"""

import bz2
import datetime as dt
import fnmatch
import functools
import gzip
import io
import lzma
import os
import struct
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, SupportsIndex, cast

from msgspec import Struct

from hullmark.detectors._formats.zip import Archive, Budget, Entry
from hullmark.detectors.detector import Limits, MalformedError
from hullmark.model.advisory import Advisory, Affected, Note, Withdrawn
from hullmark.model.errors import FeedError
from hullmark.model.facts import Unread
from hullmark.model.printable import printable
from hullmark.model.target import Target

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_DOCUMENT_BYTES = 2 * 1024**3
"""No publisher's document that is read as a stream is larger; more is an attack or a mistake."""

MAX_WHOLE_BYTES = 512 * 1024**2
"""Nor is one that is read whole, or one of many in an archive."""

MAX_EXPANSION = 1000
"""An archive holds at most so many times what it came as, or `MAX_DOCUMENT_BYTES`; text shrinks to a hundredth at best."""

_MOST_MEMBERS = 20_000_000
_CHUNK = 1 << 20
_MAX_PLACE = 200
_MAX_REASON = 400


def _said(text: str, longest: int) -> str:
    """Make one short line of what may have a document's own words in it."""
    return printable(text if len(text) <= longest else f"{text[:longest]}…")


class Document:
    """One document of a feed: `path` below the mirror (`osv/PyPI/all.zip/PYSEC-2021-1.json` for a member)."""

    __slots__ = ("_open", "path")

    def __init__(self, path: str, opener: Callable[[], IO[bytes]]) -> None:
        self.path = path
        self._open = opener

    def open(self) -> IO[bytes]:
        """Open for reading once, decompressed."""
        return self._open()

    def read(self) -> bytes:
        """Read the whole document. Raises `FeedError` when it is absurdly large or damaged."""
        found = io.BytesIO()  # which gives what it has without copying it
        left = MAX_WHOLE_BYTES
        try:
            with self._open() as stream:
                # Asked for all that there may be at once, a file object would set aside as much memory.
                while chunk := stream.read(_CHUNK):
                    found.write(chunk)
                    left -= len(chunk)
                    if left < 0:
                        raise FeedError(f"larger than {MAX_WHOLE_BYTES} bytes", where=self.path)
        except DAMAGE as problem:
            raise FeedError(f"cannot be read: {problem}", where=self.path) from problem
        return found.getvalue()

    def unread(self, reason: str, place: str = "") -> Unread:
        """Make the value that says what of this document could not be used."""
        return Unread(
            kind="record",
            path=_said(self.path, _MAX_PLACE),
            place=_said(place, _MAX_PLACE),
            reason=_said(reason, _MAX_REASON),
        )


Record = Advisory | Withdrawn | Note | Unread

Follow = Callable[[bytes, str], str]
"""From the content of a file that only points at another, and its own address, to the other's address, empty where there
is none; raises ValueError."""


class Interface(Struct, frozen=True, kw_only=True):
    """What an interface that answers page by page asks of its callers.

    `step` is the number of records of a page where the parameter counts records, 0 where it counts pages. Requests are
    `every_s` apart, or `every_with_key_s` with a key, which is sent as `header`. An interface that says no is asked
    again after `window_s`.
    """

    step: int = 0
    every_s: float = 0.0
    window_s: float = 0.0
    header: str = ""
    every_with_key_s: float = 0.0


class Source(Struct, frozen=True, kw_only=True):
    """One file of a publisher's: where it is published, and where it stands below a mirror.

    `follow` leads from the address to the file itself where that has another name each day; on a mirror it is simply
    there. `pages` is the parameter by which a list is asked for page by page, `file` then has `{page}` in it, and
    `interface` says how. `optional` tells that its absence is no fault.
    """

    url: str
    file: str
    follow: tuple[Follow, ...] = ()
    pages: str = ""
    interface: Interface = Interface()
    optional: bool = False


class List(Struct, frozen=True, kw_only=True):
    """A small file of a publisher's that lists further files of a group; `read(body, url)` gives them, or raises ValueError."""

    url: str
    file: str
    read: Callable[[bytes, str], tuple[Source, ...]]


class Changes(NamedTuple):
    """What changed at a publisher's: the time to ask since next, and the documents.

    `ids` has all that are there now, where the publisher lists them.
    """

    since: str
    files: tuple[Source, ...] = ()
    ids: frozenset[str] | None = None


class Increments(Struct, frozen=True, kw_only=True):
    """How a publisher says what changed: a list at `source`, and a file of what was taken back at `removals`.

    `changes(body, since)` reads the list: what changed after `since` (RFC 3339), or nothing but the time of the newest
    change where that is empty. It gives None where the list does not reach back so far, and raises ValueError.
    """

    source: Source
    changes: Callable[[bytes, str], Changes | None]
    removals: Source | None = None


class Asked(Struct, frozen=True, kw_only=True):
    """How an interface is asked for what changed: `source(since, until)` are the pages that say so (times in RFC 3339).

    It gives None where the interface does not reach back so far. `name` is its own among the group's.
    """

    name: str
    source: Callable[[str, str], Source | None]


class Group(Struct, frozen=True, kw_only=True):
    """Files that are fetched together, and the parts that are made of them (patterns, as in `debian-*`).

    `lists` name more of its files. `size` is about how many bytes are fetched for a whole build. Where the publisher does not have the files,
    `otherwise` says how else the same parts are made: what changed `asked` brings, if it is an interface.
    """

    name: str
    parts: tuple[str, ...]
    sources: tuple[Source, ...]
    lists: tuple[List, ...] = ()
    increments: tuple[Increments, ...] = ()
    asked: Asked | None = None
    otherwise: "Group | None" = None
    size: int = 0

    def makes(self, part: str) -> bool:
        """Tell whether a part is made of these files."""
        return any(fnmatch.fnmatchcase(part, pattern) for pattern in self.parts)


def moment(text: str) -> float:
    """Read a publisher's time (RFC 3339; UTC where it says no zone) into seconds. Raises ValueError."""
    time = dt.datetime.fromisoformat(text)
    return time.replace(tzinfo=time.tzinfo or dt.UTC).timestamp()


def stamp(seconds: float) -> str:
    """Write a time as RFC 3339, in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()


def whole_seconds(text: str) -> str:
    """Write a publisher's time as RFC 3339 to the second, in UTC; a date stays one, and what is no time is left out."""
    try:
        time = stamp(int(moment(text))).replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return ""
    return time[: len("2026-01-31")] if len(text) <= len("2026-01-31") else time


def _nothing(_part: str) -> Group | None:
    return None


def only(group: Group) -> Callable[[str], Group | None]:
    """Make the `group` of a feed that publishes all of its parts together."""
    return lambda part: group if group.makes(part) else None


class Feed(Struct, frozen=True, kw_only=True):
    """One publisher's feed.

    `files` are glob patterns below the mirror (a trailing `.gz`, `.bz2`, `.zip` and `.tar.gz` are understood; give
    each variant that may occur). `parse(documents)` streams records and raises only for bugs; what it cannot
    use it yields as `Unread`. `parts(target)` names the parts that speak for a target: None when the feed has
    nothing to do with it, an empty tuple when it would but the release is unknown. `part(affected)` names the
    part that a statement belongs to; records without statements (EPSS, KEV …) go to the part `name`.
    `group(part)` gives the files that a part is made of, with the publisher's own addresses; `all_parts` names a
    part of each group that there is today. `supplements` are ecosystems of which the feed knows some flaws only: its
    silence does not make a package checked. `reserved` says by which terms a database made of it is not to be passed on to others.
    """

    name: str
    title: str
    licence: str
    homepage: str
    files: tuple[str, ...]
    parse: Callable[[Iterator[Document]], Iterator[Record]]
    parts: Callable[[Target], tuple[str, ...] | None]
    part: Callable[[Affected], str] | None = None
    group: Callable[[str], Group | None] = _nothing
    all_parts: tuple[str, ...] = ()
    supplements: tuple[str, ...] = ()
    reserved: str = ""
    version: int = 1


def part_of(feed: Feed, affected: Affected) -> str:
    """Name the part for one statement: its release, else feed and ecosystem (`osv-pypi`)."""
    if feed.part is not None:
        return feed.part(affected)
    return affected.release or f"{feed.name}-{affected.ecosystem}"


DAMAGE = (
    OSError,
    EOFError,
    OverflowError,
    RuntimeError,  # a member that is encrypted, or compressed in a way that is not known
    ValueError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zstd.ZstdError,
    MalformedError,
    tarfile.TarError,
)
"""What reading a compressed or archived file may raise."""

_PACKED: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\0", lzma.open),
    (b"\x28\xb5\x2f\xfd", zstd.open),
)
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


def documents(mirror: Path, patterns: Iterable[str]) -> Iterator[Document]:
    """Give every document below a mirror folder that the patterns name, by path, archives opened."""
    found = sorted({path for pattern in patterns for path in mirror.glob(pattern) if path.is_file()})
    for path in found:
        name = path.relative_to(mirror).as_posix()
        try:
            if name.endswith(".zip"):
                yield from _zip_members(path, name)
            elif name.endswith(_TARS):
                yield from _tar_members(path, name)
            else:
                plain = next((name.removesuffix(end) for end in _COMPRESSED if name.endswith(end)), name)
                yield Document(plain, functools.partial(_opened, path, name))
        except DAMAGE as problem:
            raise FeedError(f"cannot be read: {problem}", where=name) from problem


class _Bounded(io.RawIOBase):
    """A stream that may not give more than some bytes: a few packed ones can stand for any number."""

    def __init__(self, stream: IO[bytes], most: int, where: str) -> None:
        self._stream = stream
        self._left = self._most = most
        self._where = where

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read; raises `FeedError` beyond the bound."""
        chunk = self._stream.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise FeedError(f"larger than {self._most} bytes when unpacked", where=self._where)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the stream too."""
        self._stream.close()
        super().close()


def _opened(path: Path, name: str, most: int = MAX_DOCUMENT_BYTES) -> IO[bytes]:
    """Open a file, decompressed by what its first bytes say. Whoever reads it closes it."""
    with path.open("rb") as file:
        head = file.read(6)
    for start, opener in _PACKED:
        if head.startswith(start):
            packed = cast("IO[bytes]", opener(path, "rb"))
            return io.BufferedReader(_Bounded(packed, most, name), 1 << 18)
    return path.open("rb")


def _most(path: Path) -> int:
    """Give how much an archive may hold in all."""
    return max(MAX_DOCUMENT_BYTES, MAX_EXPANSION * path.stat().st_size)


class _FileBytes:
    """The bytes of an open file, which is not read whole."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file.fileno()
        self._size = os.fstat(self._file).st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, at: slice) -> bytes:
        start, end, _ = at.indices(self._size)
        return os.pread(self._file, end - start, start) if start < end else b""

    def rfind(self, sub: bytes, start: SupportsIndex, end: SupportsIndex) -> int:
        found = self[slice(start, end)].rfind(sub)
        return found if found < 0 else found + start.__index__()


def _zip_members(path: Path, name: str) -> Iterator[Document]:
    with path.open("rb") as file:
        # Python's own reader takes 600 MB for the list of npm's 800,000 members.
        budget = Budget(
            Limits(max_archive_entries=_MOST_MEMBERS, max_expanded_bytes=sys.maxsize, max_ratio=MAX_EXPANSION)
        )
        archive = Archive(_FileBytes(file), budget)
        # A member gives no more than it says here, whatever is packed in it.
        if sum(entry.size_bytes for entry in archive.entries(_is_file)) > _most(path):
            raise FeedError("it holds absurdly much", where=name)
        for entry in archive.entries(_is_file):
            yield Document(f"{name}/{entry.name}", functools.partial(_member, archive, entry))


def _is_file(name: bytes) -> bool:
    return not name.endswith(b"/")


def _member(archive: Archive, entry: Entry) -> IO[bytes]:
    return io.BytesIO(archive.read(entry, MAX_WHOLE_BYTES + 1))


def _tar_members(path: Path, name: str) -> Iterator[Document]:
    with _opened(path, name, _most(path)) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None:
                continue
            # A name need not be text: bytes that are none would stand as half characters, which nothing stores.
            place = f"{name}/{member.name.encode('utf-8', 'replace').decode()}"
            if member.size > MAX_WHOLE_BYTES:
                raise FeedError(f"larger than {MAX_WHOLE_BYTES} bytes", where=place)
            yield Document(place, functools.partial(io.BytesIO, stream.read()))
            archive.members = []  # type: ignore[attr-defined]  # else it remembers every one
