"""The contract of a feed: which parts it keeps, which files they are made of, and a pure parser.

A mirror is a folder of static files. Each feed names its files below that folder with glob patterns; a file
may be plain or compressed (`.gz`, `.bz2`), or many documents in one `.zip` or `.tar.gz`. The core opens all of them
and hands the parser one document after the other, so a parser sees only bytes.
"""

import bz2
import functools
import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from msgspec import Struct

from hullmark.model.advisory import Advisory, Affected, Note, Withdrawn
from hullmark.model.errors import FeedError
from hullmark.model.facts import Unread
from hullmark.model.target import Target

MAX_DOCUMENT_BYTES = 2 * 1024**3
"""No publisher's single document is larger; more is an attack or a mistake."""


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
        try:
            with self._open() as stream:
                body = stream.read(MAX_DOCUMENT_BYTES + 1)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as problem:
            raise FeedError(f"cannot be read: {problem}", where=self.path) from problem
        if len(body) > MAX_DOCUMENT_BYTES:
            raise FeedError(f"larger than {MAX_DOCUMENT_BYTES} bytes", where=self.path)
        return body

    def unread(self, reason: str, place: str = "") -> Unread:
        """Make the value that says what of this document could not be used."""
        return Unread(kind="record", path=self.path, place=place, reason=reason)


Record = Advisory | Withdrawn | Note | Unread


class Feed(Struct, frozen=True, kw_only=True):
    """One publisher's feed.

    `files` are glob patterns below the mirror (a trailing `.gz`, `.bz2`, `.zip` and `.tar.gz` are understood; give
    each variant that may occur). `parse(documents)` streams records and raises only for bugs; what it cannot
    use it yields as `Unread`. `parts(target)` names the parts that speak for a target: None when the feed has
    nothing to do with it, an empty tuple when it would but the release is unknown. `part(affected)` names the
    part that a statement belongs to; records without statements (EPSS, KEV …) go to the part `name`. `urls`
    are the publisher's own addresses, the default settings of the network updater. `supplements` are ecosystems of
    which the feed knows some flaws only: its silence does not make a package checked.
    """

    name: str
    title: str
    licence: str
    homepage: str
    files: tuple[str, ...]
    parse: Callable[[Iterator[Document]], Iterator[Record]]
    parts: Callable[[Target], tuple[str, ...] | None]
    part: Callable[[Affected], str] | None = None
    urls: tuple[str, ...] = ()
    supplements: tuple[str, ...] = ()
    version: int = 1


def part_of(feed: Feed, affected: Affected) -> str:
    """Name the part for one statement: its release, else feed and ecosystem (`osv-pypi`)."""
    if feed.part is not None:
        return feed.part(affected)
    return affected.release or f"{feed.name}-{affected.ecosystem}"


def documents(mirror: Path, patterns: Iterable[str]) -> Iterator[Document]:
    """Give every document below a mirror folder that the patterns name, by path, archives opened."""
    found = sorted({path for pattern in patterns for path in mirror.glob(pattern) if path.is_file()})
    for path in found:
        name = path.relative_to(mirror).as_posix()
        try:
            if name.endswith(".zip"):
                yield from _zip_members(path, name)
            elif name.endswith((".tar.gz", ".tgz")):
                yield from _tar_members(path, name)
            elif name.endswith(".gz"):
                yield Document(name.removesuffix(".gz"), functools.partial(_open_gzip, path))
            elif name.endswith(".bz2"):
                yield Document(name.removesuffix(".bz2"), functools.partial(_open_bzip2, path))
            else:
                yield Document(name, functools.partial(_open_plain, path))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as problem:
            raise FeedError(f"cannot be read: {problem}", where=name) from problem


def _open_plain(path: Path) -> IO[bytes]:
    return path.open("rb")


def _open_gzip(path: Path) -> IO[bytes]:
    return io.BufferedReader(gzip.open(path, "rb"))  # closed by whoever reads the document


def _open_bzip2(path: Path) -> IO[bytes]:
    return io.BufferedReader(bz2.open(path, "rb"))  # closed by whoever reads the document


def _zip_members(path: Path, name: str) -> Iterator[Document]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield Document(f"{name}/{info.filename}", functools.partial(archive.open, info))


def _tar_members(path: Path, name: str) -> Iterator[Document]:
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is not None and member.size <= MAX_DOCUMENT_BYTES:
                body = stream.read()
                yield Document(f"{name}/{member.name}", functools.partial(io.BytesIO, body))
