"""The advisory database: a folder of immutable SQLite files, one a part, and `current.json` that names them.

    current.json                     which file is the current one of each part
    parts/<part>-<lineage>-<n>.db    the parts; a file is never changed once its name is known

A part's revision is `(part, lineage, n)`. Within a lineage `changes(n)` names the packages touched since `n`;
between lineages there is only comparing. `current.json` is replaced by rename under a lock, and the change is
merged into what stands there, so two writers of different parts both keep theirs and a reader goes on with the
files that it has open. Reading needs no lock and works on a read-only folder.

Version ranges are stored as the sort keys of their scheme, so SQL answers which of a package's rows a version
falls into. Texts are compressed with a dictionary that is trained on the part itself.
"""

import contextlib
import fcntl
import functools
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hullmark.model.advisory import Advisory, Note, Severity, State
from hullmark.model.errors import FeedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT = 1
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE dictionary (content BLOB NOT NULL) STRICT;
CREATE TABLE advisory (id INTEGER PRIMARY KEY, name TEXT NOT NULL, bundle INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
-- kind: 0 its own id, 1 an alias, 2 a flaw that the bundle fixes
CREATE TABLE flaw (id TEXT, advisory INTEGER, kind INTEGER, PRIMARY KEY (id, advisory)) WITHOUT ROWID, STRICT;
CREATE TABLE package (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, changed INTEGER NOT NULL) STRICT;
CREATE TABLE gone (name TEXT PRIMARY KEY, changed INTEGER NOT NULL) WITHOUT ROWID, STRICT;
-- low and high are sort keys: NULL is open; `inclusive` is about high; `undecided` rows could not be ordered;
-- a row with `versions` holds for just those texts; the texts of a range stand in introduced, fixed, last_affected
CREATE TABLE affected (
    package INTEGER, seq INTEGER, advisory INTEGER NOT NULL, scope INTEGER NOT NULL, state INTEGER NOT NULL,
    low BLOB, high BLOB, inclusive INTEGER NOT NULL, undecided INTEGER NOT NULL,
    introduced TEXT, fixed TEXT, last_affected TEXT, level INTEGER NOT NULL, versions BLOB, more BLOB,
    PRIMARY KEY (package, seq)
) WITHOUT ROWID, STRICT;
CREATE TABLE note (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID, STRICT;
"""
STATES: tuple[State, ...] = ("affected", "not_affected", "will_not_fix", "end_of_life", "under_investigation")
LEVELS = tuple(Severity)
SCOPES = ("binary", "source")


class More(msgspec.Struct, frozen=True, array_like=True):
    """What few statements have."""

    arches: tuple[str, ...] = ()
    module: str = ""
    cpes: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    note: str = ""


class PartInfo(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What `current.json` says of a part. `built` is the time (RFC 3339) of the content, `newest` that of its newest record."""

    file: str
    feed: str
    lineage: str
    n: int
    built: str = ""
    newest: str = ""
    advisories: int = 0
    statements: int = 0
    packages: int = 0
    notes: int = 0
    unread: int = 0
    size_bytes: int = 0
    licence: str = ""
    schemes: dict[str, int] = {}


class Current(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of `current.json`."""

    format: int = FORMAT
    parts: dict[str, PartInfo] = {}


class Statement(NamedTuple):
    """One row about a package that a version falls into, or may fall into when `undecided`."""

    part: str
    row: int
    advisory: str
    bundle: bool
    scope: str
    state: State
    undecided: bool
    introduced: str
    fixed: str
    last_affected: str
    level: Severity
    more: More
    by_list: bool


class Part:
    """One open part."""

    def __init__(self, key: str, info: PartInfo, path: Path) -> None:
        self.key = key
        self.info = info
        try:
            self._db = sqlite3.connect(
                f"file:{_quoted(path)}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
            self._db.execute("PRAGMA query_only=1")
        except sqlite3.Error as problem:
            raise FeedError(f"part {key} cannot be opened: {problem}", where=str(path)) from problem

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @functools.cached_property
    def _dictionary(self) -> zstd.ZstdDict | None:
        content = self._db.execute("SELECT content FROM dictionary").fetchone()
        return zstd.ZstdDict(content[0]) if content and content[0] else None

    def unpack(self, body: bytes) -> bytes:
        """Decompress a text of this part."""
        return zstd.decompress(body, zstd_dict=self._dictionary)

    def statements(
        self, name: str, scope: str, key: bytes | None, text: str, *, keyed: bool = True
    ) -> list[Statement]:
        """Give the statements on a package that hold for a version: `key` its sort key, None when it has none.

        With `keyed` false the range is not asked: every statement on the name is given.
        """
        rows = self._db.execute(
            _ALL if key is None or not keyed else _IN_RANGE, (name, SCOPES.index(scope), key, key)
        )
        found = []
        for row in rows:
            number, advisory, bundle, state, undecided, introduced, fixed, last, level, versions, more = row
            if versions is not None:
                listed = text in _VERSIONS.decode(versions)
                if not listed and keyed:
                    continue
            ranged = versions is None and (introduced or fixed or last)
            found.append(
                Statement(
                    self.key,
                    number,
                    advisory,
                    bool(bundle),
                    scope,
                    STATES[state],
                    bool(undecided) or (key is None and keyed and bool(ranged)),
                    introduced or "",
                    fixed or "",
                    last or "",
                    LEVELS[level],
                    _MORE.decode(more) if more is not None else _NO_MORE,
                    versions is not None,
                )
            )
        return found

    def speaks_of(self, name: str, flaw: str) -> bool:
        """Tell whether an advisory of its own (no bundle) speaks of a flaw in a package, whatever the version."""
        row = self._db.execute(
            "SELECT 1 FROM flaw JOIN affected USING (advisory) JOIN package ON package.id = affected.package"
            " WHERE flaw.id = ? AND flaw.kind < 2 AND package.name = ? LIMIT 1",
            (flaw, name),
        ).fetchone()
        return row is not None

    def advisory(self, number: int) -> Advisory:
        """Give an advisory's record, without its statements, by its row number."""
        row = self._db.execute("SELECT body FROM advisory WHERE id = ?", (number,)).fetchone()
        return _ADVISORY.decode(self.unpack(row[0]))

    def named(self, flaw: str) -> list[tuple[int, int]]:
        """Give (row number, kind) of the advisories that carry an id as their own (0), an alias (1) or a fix (2)."""
        return self._db.execute(
            "SELECT advisory, kind FROM flaw WHERE id = ? ORDER BY kind", (flaw,)
        ).fetchall()

    def packages_of(self, number: int) -> list[str]:
        """Give the packages that an advisory speaks of."""
        query = "SELECT DISTINCT name FROM package JOIN affected ON package = package.id WHERE advisory = ? ORDER BY 1"
        return [row[0] for row in self._db.execute(query, (number,))]

    def notes(self, ids: Iterable[str]) -> dict[str, Note]:
        """Give the notes on these ids."""
        found = {}
        for name in ids:
            row = self._db.execute("SELECT body FROM note WHERE id = ?", (name,)).fetchone()
            if row is not None:
                found[name] = _NOTE.decode(self.unpack(row[0]))
        return found

    def changes(self, n: int) -> list[str]:
        """Name the packages touched after revision `n` of this lineage, those that are gone included."""
        query = "SELECT name FROM package WHERE changed > ? UNION SELECT name FROM gone WHERE changed > ? ORDER BY 1"
        return [row[0] for row in self._db.execute(query, (n, n))]

    def meta(self) -> dict[str, str]:
        """Give what the part says of itself."""
        return dict(self._db.execute("SELECT key, value FROM meta"))

    def digests(self) -> dict[str, tuple[bytes, int]]:
        """Give content digest and last change of each package."""
        return {
            name: (digest, n)
            for name, digest, n in self._db.execute("SELECT name, digest, changed FROM package")
        }

    def gone(self) -> dict[str, int]:
        """Give the packages that this lineage once had, with the revision that dropped them."""
        return dict(self._db.execute("SELECT name, changed FROM gone"))


_COLUMNS = (
    "SELECT advisory, advisory.name, bundle, state, undecided, introduced, fixed, last_affected, level, versions, more"
    " FROM package JOIN affected ON affected.package = package.id JOIN advisory ON advisory.id = affected.advisory"
    " WHERE package.name = ?1 AND scope = ?2"
)
_ALL = _COLUMNS + " AND (?3 IS NULL OR 1) AND (?4 IS NULL OR 1) ORDER BY seq"
_IN_RANGE = (
    _COLUMNS + " AND (undecided OR ((low IS NULL OR low <= ?3)"
    " AND (high IS NULL OR ?4 < high OR (inclusive AND ?4 = high)))) ORDER BY seq"
)
_VERSIONS = msgspec.msgpack.Decoder(list[str])
_MORE = msgspec.msgpack.Decoder(More)
_NO_MORE = More()
_ADVISORY = msgspec.msgpack.Decoder(Advisory)
_NOTE: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Note)


class Database:
    """An advisory database as it was when it was opened."""

    def __init__(self, folder: Path, current: Current) -> None:
        self.folder = folder
        self.current = current
        self._open: dict[str, Part] = {}

    @classmethod
    def open(cls, folder: Path) -> "Database":
        """Open the database of a folder; one that is not there is empty. Raises `FeedError` when it is damaged."""
        return cls(folder, load_current(folder))

    def part(self, key: str) -> Part | None:
        """Give a part, opened when it is asked for first; None when the database lacks it."""
        if key not in self._open:
            info = self.current.parts.get(key)
            if info is None:
                return None
            self._open[key] = Part(key, info, self.folder / "parts" / info.file)
        return self._open[key]

    def parts_of_feed(self, feed: str) -> Iterator[Part]:
        """Give the parts that a feed has here."""
        for key, info in sorted(self.current.parts.items()):
            part = self.part(key) if info.feed == feed else None
            if part is not None:
                yield part

    def close(self) -> None:
        """Close all parts."""
        for part in self._open.values():
            part.close()
        self._open.clear()


def load_current(folder: Path) -> Current:
    """Read `current.json`. Raises `FeedError` when it is damaged or of a newer format."""
    path = folder / "current.json"
    try:
        current = msgspec.json.decode(path.read_bytes(), type=Current)
    except (FileNotFoundError, NotADirectoryError):
        return Current()
    except (OSError, msgspec.DecodeError) as problem:
        raise FeedError(
            f"cannot be read: {problem}", where=str(path), hint="hullmark db build makes it anew"
        ) from problem
    if current.format != FORMAT:
        raise FeedError(
            f"is of format {current.format}, this version reads {FORMAT}",
            where=str(path),
            hint="hullmark db build makes it anew",
        )
    return current


@contextlib.contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Hold the lock under which `current.json` is changed. The kernel lets go of it when the process dies."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def publish(folder: Path, parts: dict[str, PartInfo]) -> Current:
    """Make parts current: merged into what stands there now, whole or not at all."""
    with changing(folder):
        current = load_current(folder)
        merged = Current(FORMAT, dict(sorted((current.parts | parts).items())))
        beside = folder / f".current.{os.getpid()}"
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(merged), indent=1) + b"\n")
        beside.replace(folder / "current.json")
        return merged


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
