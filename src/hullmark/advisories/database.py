"""The advisory database: a folder of immutable SQLite files, one a part, and `current.json` that names them.

    current.json                     which file is the current one of each part
    parts/<part>-<lineage>-<n>.db    the parts; a file is never changed once its name is known

A part's revision is `(part, lineage, n)`. Within a lineage `changes(n)` names the packages touched since `n`;
between lineages there is only comparing. `current.json` is replaced by rename under a lock, and the change is
merged into what stands there, so two writers of different parts both keep theirs and a reader goes on with the
files that it has open; a file that is no longer current is removed hours later, so that a reader which has not
opened it yet still finds it. Reading needs no lock and works on a read-only folder.

Version ranges are stored as the sort keys of their scheme, so SQL answers which of a package's rows a version
falls into. Texts are compressed with a dictionary that is trained on the part itself.
"""

import contextlib
import datetime as dt
import fcntl
import functools
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hullmark.model.advisory import Advisory, Note, Severity, State
from hullmark.model.errors import FeedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMAT = 2
_KEPT_S = 6 * 3600
"""How long a file stays that is no longer current: longer than any reader takes to open it."""
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE dictionary (content BLOB NOT NULL) STRICT;
CREATE TABLE advisory (id INTEGER PRIMARY KEY, name TEXT NOT NULL, bundle INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
-- kind: 0 its own id, 1 an alias, 2 a flaw that the bundle fixes
CREATE TABLE flaw (id TEXT, advisory INTEGER, kind INTEGER, PRIMARY KEY (id, advisory)) WITHOUT ROWID, STRICT;
CREATE TABLE package (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, changed INTEGER NOT NULL) STRICT;
CREATE TABLE gone (name TEXT PRIMARY KEY, changed INTEGER NOT NULL) WITHOUT ROWID, STRICT;
-- low and high are sort keys: NULL is open; `inclusive` is about high; `undecided` rows could not be ordered,
-- or have the published ends the wrong way round;
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
    """What `current.json` says of a part.

    `built` is the time (RFC 3339) of the content, `newest` that of its newest record, `checked` when the publisher was
    asked last whether there is anything newer.
    """

    file: str
    feed: str
    lineage: str
    n: int
    built: str = ""
    checked: str = ""
    newest: str = ""
    advisories: int = 0
    statements: int = 0
    packages: int = 0
    notes: int = 0
    unread: int = 0
    size_bytes: int = 0
    licence: str = ""
    schemes: dict[str, int] = {}


class Current(msgspec.Struct, frozen=True):
    """The content of `current.json`; one that does not say its format is of the first."""

    format: int = 1
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


class Spoken(NamedTuple):
    """One row as published: a range, or a list of versions."""

    advisory: int
    package: str
    scope: str
    state: State
    introduced: str
    fixed: str
    last_affected: str
    level: Severity
    versions: tuple[str, ...]
    more: More


_Rows = list[tuple[Any, ...]]


class Part:
    """One open part. Whatever is asked raises `FeedError` where the file is damaged."""

    def __init__(self, key: str, info: PartInfo, path: Path) -> None:
        self.key = key
        self.info = info
        self.path = path
        try:
            self._db = sqlite3.connect(
                f"file:{_quoted(path)}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        except sqlite3.Error as problem:
            raise self._damaged(problem) from problem

    def _damaged(self, problem: Exception) -> FeedError:
        return FeedError(
            f"part {self.key} cannot be read: {problem}",
            where=str(self.path),
            hint="hullmark db build makes it anew",
        )

    def _ask(self, query: str, values: tuple[object, ...] = ()) -> _Rows:
        try:
            return self._db.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as problem:
            raise self._damaged(problem) from problem

    def _decoded(self, decode: Callable[[bytes], Any], body: bytes) -> Any:
        try:
            return decode(body)
        except (msgspec.DecodeError, zstd.ZstdError, ValueError, TypeError) as problem:
            raise self._damaged(problem) from problem

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @functools.cached_property
    def dictionary(self) -> zstd.ZstdDict | None:
        """Give what the texts are compressed with."""
        content = self._ask("SELECT content FROM dictionary")
        return self._decoded(zstd.ZstdDict, content[0][0]) if content and content[0][0] else None

    def unpack(self, body: bytes) -> bytes:
        """Decompress a text of this part."""
        dictionary = self.dictionary
        unpacked: bytes = self._decoded(lambda packed: zstd.decompress(packed, zstd_dict=dictionary), body)
        return unpacked

    def statements(
        self,
        name: str,
        scope: str,
        key: bytes | None,
        text: str,
        *,
        keyed: bool = True,
        key_of: Callable[[str], bytes | None] = lambda _text: None,
    ) -> list[Statement]:
        """Give the statements on a package that hold for a version: `key` its sort key, None when it has none.

        With `keyed` false the range is not asked: every statement on the name is given. `key_of` gives the sort
        keys of listed versions, so that `1.0` is on a list that has `1.0.0`.
        """
        rows = self._ask(
            _ALL if key is None or not keyed else _IN_RANGE, (name, SCOPES.index(scope), key, key)
        )
        found = []
        for row in rows:
            try:
                statement = self._statement(scope, row, key, text, key_of, keyed=keyed)
            except (IndexError, TypeError) as problem:
                raise self._damaged(problem) from problem
            if statement is not None:
                found.append(statement)
        return found

    def _statement(
        self,
        scope: str,
        row: tuple[Any, ...],
        key: bytes | None,
        text: str,
        key_of: Callable[[str], bytes | None],
        *,
        keyed: bool,
    ) -> Statement | None:
        """Make the statement of a row, None where its list of versions lacks the version."""
        number, advisory, bundle, state, undecided, introduced, fixed, last, level, versions, more = row
        if versions is not None and keyed:
            texts = self._decoded(_VERSIONS.decode, versions)
            if text not in texts and (key is None or key not in map(key_of, texts)):
                return None
        ranged = versions is None and (introduced or fixed or last)
        return Statement(
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
            self._decoded(_MORE.decode, more) if more is not None else _NO_MORE,
            versions is not None,
        )

    def products(self, names: Iterable[str]) -> frozenset[str]:
        """Give the CPEs of the products that all statements on these packages are on; nothing where one is on none."""
        found: set[str] = set()
        query = (
            "SELECT more FROM affected JOIN package ON package.id = affected.package WHERE package.name = ?"
        )
        for name in names:
            for (more,) in self._ask(query, (name,)):
                cpes = self._decoded(_MORE.decode, more).cpes if more is not None else ()
                if not cpes:
                    return frozenset()
                found.update(cpes)
        return frozenset(found)

    def speaks_of(self, name: str, flaw: str) -> bool:
        """Tell whether an advisory of its own (no bundle) speaks of a flaw in a package, whatever the version."""
        query = (
            "SELECT 1 FROM flaw JOIN advisory ON advisory.id = flaw.advisory JOIN affected USING (advisory)"
            " JOIN package ON package.id = affected.package"
            " WHERE flaw.id = ? AND NOT advisory.bundle AND package.name = ? LIMIT 1"
        )
        return bool(self._ask(query, (flaw, name)))

    def bundled_fixes(self, name: str, scope: str, flaw: str) -> list[str]:
        """Give the versions in which bundles on a package fix a flaw, one for each of them."""
        query = (
            "SELECT DISTINCT affected.fixed FROM flaw JOIN advisory ON advisory.id = flaw.advisory"
            " JOIN affected USING (advisory) JOIN package ON package.id = affected.package"
            " WHERE flaw.id = ? AND advisory.bundle AND package.name = ? AND scope = ?"
        )
        return [fixed for (fixed,) in self._ask(query, (flaw, name, SCOPES.index(scope))) if fixed]

    def advisory(self, number: int) -> Advisory:
        """Give an advisory's record, without its statements, by its row number."""
        rows = self._ask("SELECT body FROM advisory WHERE id = ?", (number,))
        if not rows:
            raise self._damaged(ValueError(f"record {number} is missing"))
        record: Advisory = self._decoded(_ADVISORY.decode, self.unpack(rows[0][0]))
        return record

    def named(self, flaw: str) -> list[tuple[int, int]]:
        """Give (row number, kind) of the advisories that carry an id as their own (0), an alias (1) or a fix (2)."""
        rows = self._ask("SELECT advisory, kind FROM flaw WHERE id = ? ORDER BY kind, advisory", (flaw,))
        return [(number, kind) for number, kind in rows]

    def spoken(self, *, advisory: int = 0, package: str = "") -> list["Spoken"]:
        """Give what an advisory says of all packages, or all advisories of a package, as published.

        By advisory it reads the whole table, which has no index for that.
        """
        rows = self._ask(
            "SELECT advisory, package.name, scope, state, introduced, fixed, last_affected, level, versions, more"
            " FROM affected JOIN package ON package.id = affected.package"
            " WHERE advisory = ?1 OR package.name = ?2 ORDER BY 2, seq"
            if advisory
            else "SELECT advisory, ?2, scope, state, introduced, fixed, last_affected, level, versions, more"
            " FROM affected WHERE package = (SELECT id FROM package WHERE name = ?2) AND ?1 = 0 ORDER BY seq",
            (advisory, package),
        )
        try:
            return [
                Spoken(
                    number,
                    name,
                    SCOPES[scope],
                    STATES[state],
                    introduced or "",
                    fixed or "",
                    last or "",
                    LEVELS[level],
                    tuple(self._decoded(_VERSIONS.decode, versions)) if versions is not None else (),
                    self._decoded(_MORE.decode, more) if more is not None else _NO_MORE,
                )
                for number, name, scope, state, introduced, fixed, last, level, versions, more in rows
            ]
        except (IndexError, TypeError) as problem:
            raise self._damaged(problem) from problem

    def notes(self, ids: Iterable[str]) -> dict[str, Note]:
        """Give the notes on these ids."""
        found = {}
        for name in ids:
            for (body,) in self._ask("SELECT body FROM note WHERE id = ?", (name,)):
                found[name] = self._decoded(_NOTE.decode, self.unpack(body))
        return found

    def changes(self, n: int) -> list[str]:
        """Name the packages touched after revision `n` of this lineage, those that are gone included."""
        query = "SELECT name FROM package WHERE changed > ? UNION SELECT name FROM gone WHERE changed > ? ORDER BY 1"
        return [name for (name,) in self._ask(query, (n, n))]

    def meta(self) -> dict[str, str]:
        """Give what the part says of itself."""
        return dict(self._ask("SELECT key, value FROM meta"))

    def ids(self) -> frozenset[str]:
        """Give the publisher's ids of all records."""
        return frozenset(name for (name,) in self._ask("SELECT name FROM advisory UNION SELECT id FROM note"))

    def digests(self) -> dict[str, tuple[bytes, int]]:
        """Give content digest and last change of each package."""
        rows = self._ask("SELECT name, digest, changed FROM package")
        return {name: (digest, n) for name, digest, n in rows}

    def gone(self) -> dict[str, int]:
        """Give the packages that this lineage once had, with the revision that dropped them."""
        return dict(self._ask("SELECT name, changed FROM gone"))


_COLUMNS = (
    "SELECT advisory, advisory.name, bundle, state, undecided, introduced, fixed, last_affected, level, versions, more"
    " FROM package JOIN affected ON affected.package = package.id JOIN advisory ON advisory.id = affected.advisory"
    " WHERE package.name = ?1 AND scope = ?2"
)
_ALL = _COLUMNS + " AND (?3 IS NULL OR 1) AND (?4 IS NULL OR 1) ORDER BY seq"
_IN_RANGE = (
    _COLUMNS + " AND (low IS NULL OR low <= ?3)"
    " AND (high IS NULL OR ?4 < high OR (inclusive AND ?4 = high)) ORDER BY seq"
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
def changing(folder: Path, what: str = "lock", *, shared: bool = False) -> Iterator[None]:
    """Hold the lock under which `current.json` (or another thing) is changed; the kernel lets go of a dead process's.

    Any number may hold it `shared`, but none of them while somebody holds it alone.
    """
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(folder / what, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def publish(folder: Path, parts: dict[str, PartInfo]) -> Current:
    """Make parts current: merged into what stands there now, whole or not at all. What is damaged there is replaced."""
    with changing(folder):
        try:
            current = load_current(folder)
        except FeedError:
            current = Current()
        merged = Current(FORMAT, dict(sorted((current.parts | parts).items())))
        beside = folder / f".current.{os.getpid()}"
        with beside.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(merged), indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(folder / "current.json")
        _sweep(folder, {info.file for info in current.parts.values()}, merged)
        return merged


def _sweep(folder: Path, before: set[str], current: Current) -> None:
    """Remove the files that ceased to be current hours ago, and what a killed builder has left."""
    named = {info.file for info in current.parts.values()}
    now = time.time()
    found = [*(folder / "parts").glob("*"), *folder.glob(".current.*")]
    for path in (path for path in found if path.name not in named):
        with contextlib.suppress(OSError):
            if path.name in before:
                os.utime(path)  # the hours begin now
            elif now - path.stat().st_mtime > _KEPT_S:
                path.unlink()


def written(seconds: float) -> str:
    """Write a time as a part's are: RFC 3339, in UTC, to the second."""
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age_s(info: PartInfo, now: float) -> float:
    """Give for how many seconds nobody has asked whether a part is still right; infinite where that is not known."""
    times = [dt.datetime.fromisoformat(text).timestamp() for text in (info.checked, info.built) if text]
    return now - max(times) if times else float("inf")


def meet(folder: Path, parts: Iterable[str]) -> None:
    """Remember that parts were wanted (`met/<part>`), so that an update fetches them."""
    with contextlib.suppress(OSError):
        (folder / "met").mkdir(parents=True, exist_ok=True)
        for part in parts:
            if "/" not in part and not part.startswith("."):
                (folder / "met" / part).touch()


def note_failure(folder: Path, part: str, reason: str) -> None:
    """Keep why a part could not be had (`failed/<part>`)."""
    path = folder / "failed" / part
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(reason, "utf-8")


def failed_lately(folder: Path, part: str, within_s: float) -> str:
    """Give why a part could not be had, if that was tried lately; else nothing."""
    path = folder / "failed" / part
    try:
        lately = time.time() - path.stat().st_mtime < within_s
        return path.read_text("utf-8", "replace") if lately else ""
    except OSError:
        return ""


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
