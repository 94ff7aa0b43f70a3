"""The advisory database: a folder of immutable SQLite files, one a part, and `current.json` that names them.

    current.json                           which file is the current one of each part
    parts/<part>-<lineage>-<n>.db          the parts; a file is never changed once its name is known
    parts/records-<group>-<digest>.db      what their advisories say, for all parts that are made of the same files

A part's revision is `(part, lineage, n)`. Within a lineage `changes(n)` names the packages touched since `n`;
between lineages there is only comparing. `current.json` is replaced by rename under a lock, and the change is
merged into what stands there, so two writers of different parts both keep theirs and a reader goes on with the
files that it has open; a file that is no longer current is removed hours later, so that a reader which has not
opened it yet still finds it. Reading needs no lock and works on a read-only folder.

Version ranges are stored with the sort keys of their scheme, so no version is parsed but the package's own. What is said of
a package is one row (`statements.py`).
"""

import contextlib
import datetime as dt
import fcntl
import functools
import os
import time
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hullmark.advisories.bodies import BodyFile
from hullmark.advisories.records import Records, mark_of
from hullmark.advisories.statements import (
    LEVELS,
    SCOPES,
    STATES,
    More,
    Piece,
    Row,
    Statement,
    holding,
    rows,
    unpack,
)
from hullmark.model.advisory import Advisory, Note, Severity, State
from hullmark.model.errors import FeedError

FORMAT = 3
_KEPT_S = 6 * 3600
"""How long a file stays that is no longer current: longer than any reader takes to open it."""
TABLES = """
-- body is a piece, see statements.py
CREATE TABLE package (name TEXT PRIMARY KEY, digest BLOB NOT NULL, changed INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE gone (name TEXT PRIMARY KEY, changed INTEGER NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE note (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID, STRICT;
"""
_KEPT_PIECES = 2048


class PartInfo(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What `current.json` says of a part.

    `records` is the file with what its advisories say apart from packages; other parts may share it. `built` is the time (RFC 3339) of the content, `newest` that of its newest record, `checked` when the publisher was
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
    records: str = ""
    records_bytes: int = 0
    licence: str = ""
    schemes: dict[str, int] = {}

    def files(self) -> list[str]:
        """Name the files that the part is made of."""
        return [file for file in (self.file, self.records) if file]


class Current(msgspec.Struct, frozen=True):
    """The content of `current.json`; one that does not say its format is of the first."""

    format: int = 1
    parts: dict[str, PartInfo] = {}


class Spoken(NamedTuple):
    """One row as published: a range, or a list of versions."""

    advisory: str
    mark: int
    package: str
    scope: str
    state: State
    introduced: str
    fixed: str
    last_affected: str
    level: Severity
    versions: tuple[str, ...]
    more: More


class Part(BodyFile):
    """One open part. Whatever is asked raises `FeedError` where the file, or that of its records, is damaged."""

    tables = TABLES

    def __init__(
        self, key: str, info: PartInfo, path: Path, records: Callable[[Path], Records] = Records
    ) -> None:
        super().__init__(f"part {key}", path)
        self.key = key
        self.info = info
        self._records_of = records
        self._pieces: dict[str, Piece | None] = {}
        self._marks: dict[str, set[tuple[str, int]]] = {}

    @functools.cached_property
    def records(self) -> Records | None:
        """Open the records that it shares with other parts; None where it has notes only."""
        return self._records_of(self.path.with_name(self.info.records)) if self.info.records else None

    def piece(self, name: str) -> Piece | None:
        """Give all that is said of a package; None where that is nothing."""
        if name not in self._pieces:
            rows = self.ask("SELECT body FROM package WHERE name = ?", (name,))
            if len(self._pieces) >= _KEPT_PIECES:
                self._pieces.clear()
            self._pieces[name] = self.decoded(unpack, self.inflated("package", rows[0][0])) if rows else None
        return self._pieces[name]

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
        """Give the statements on a package that hold for a version, see `statements.holding`."""
        piece = self.piece(name)
        if piece is None:
            return []

        def hold(known: Piece) -> list[Statement]:
            return holding(known, self.key, scope, key, text, keyed=keyed, key_of=key_of)

        found: list[Statement] = self.decoded(hold, piece)
        return found

    def rows(self, name: str, only: Container[tuple[str, int]] | None = None) -> list[Row]:
        """Give what is said of a package (by `only` these records), as the writer put it in."""
        piece = self.piece(name)
        return self.decoded(lambda known: rows(known, only), piece) if piece is not None else []

    def products(self, names: Iterable[str]) -> frozenset[str]:
        """Give the CPEs of the products that all statements on these packages are on; nothing where one is on none."""
        found: set[str] = set()
        for name in names:
            for row in self.rows(name):
                cpes = row.more.cpes if row.more is not None else ()
                if not cpes:
                    return frozenset()
                found.update(cpes)
        return frozenset(found)

    def speaks_of(self, name: str, flaw: str) -> bool:
        """Tell whether an advisory of its own (no bundle) speaks of a flaw in a package, whatever the version."""
        return any(not row.bundle for row in self._rows_on(name, flaw))

    def bundled_fixes(self, name: str, scope: str, flaw: str) -> list[str]:
        """Give the versions in which bundles on a package fix a flaw, each once."""
        found = (
            row.fixed
            for row in self._rows_on(name, flaw)
            if row.bundle and SCOPES[row.scope] == scope and row.fixed
        )
        return list(dict.fromkeys(found))

    def _rows_on(self, name: str, flaw: str) -> list[Row]:
        """Give what is said of a package by the records that carry an id."""
        if flaw not in self._marks:
            if len(self._marks) >= _KEPT_PIECES:
                self._marks.clear()
            self._marks[flaw] = {self.record(number)[:2] for number, _ in self.named(flaw)}
        marks = self._marks[flaw]
        return self.rows(name, marks) if marks else []

    def record(self, number: int) -> tuple[str, int, tuple[str, ...]]:
        """Give id and mark of a record that `named` gave, and the packages that it speaks of in any part."""
        if self.records is None:
            raise self.damaged(ValueError(f"record {number} is missing"))
        record = self.records.record(number)
        return self.records.read(number).id, mark_of(record.body), record.packages

    def advisory(self, name: str, mark: int) -> Advisory:
        """Give an advisory, without its statements, by its id and the mark of its record."""
        if self.records is None:
            raise self.damaged(ValueError(f"the record of {name} is missing"))
        return self.records.advisory(name, mark)

    def named(self, flaw: str) -> list[tuple[int, int]]:
        """Give (number, kind) of the records that carry an id as their own (0), an alias (1) or a fix (2).

        They are those of all parts that share them: this one need not speak of it.
        """
        return self.records.named(flaw) if self.records is not None else []

    def spoken(self, *names: str, advisory: str = "", mark: int = 0) -> list["Spoken"]:
        """Give what is said of packages, or what one advisory says of them, as published."""
        return [
            Spoken(
                row.advisory,
                row.mark,
                name,
                SCOPES[row.scope],
                STATES[row.state],
                row.introduced,
                row.fixed,
                row.last_affected,
                LEVELS[row.level],
                row.listed or (),
                row.more or More(),
            )
            for name in names
            for row in self.rows(name, {(advisory, mark)} if advisory else None)
        ]

    def notes(self, ids: Iterable[str]) -> dict[str, Note]:
        """Give the notes on these ids."""
        found = {}
        for name in ids:
            for (body,) in self.ask("SELECT body FROM note WHERE id = ?", (name,)):
                found[name] = self.decoded(_NOTE.decode, self.inflated("note", body))
        return found

    def changes(self, n: int) -> list[str]:
        """Name the packages touched after revision `n` of this lineage, those that are gone included."""
        query = "SELECT name FROM package WHERE changed > ? UNION SELECT name FROM gone WHERE changed > ? ORDER BY 1"
        return [name for (name,) in self.ask(query, (n, n))]

    def noted(self) -> frozenset[str]:
        """Give the ids of all notes."""
        return frozenset(name for (name,) in self.ask("SELECT id FROM note"))

    def ids(self) -> frozenset[str]:
        """Give the publisher's ids of all notes, and of all records of the parts that share them."""
        return self.noted().union(self.records.ids() if self.records is not None else ())

    def digests(self) -> dict[str, tuple[bytes, int]]:
        """Give content digest and last change of each package."""
        rows = self.ask("SELECT name, digest, changed FROM package")
        return {name: (digest, n) for name, digest, n in rows}

    def gone(self) -> dict[str, int]:
        """Give the packages that this lineage once had, with the revision that dropped them."""
        return dict(self.ask("SELECT name, changed FROM gone"))


_NOTE: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Note)


class Database:
    """An advisory database as it was when it was opened."""

    def __init__(self, folder: Path, current: Current) -> None:
        self.folder = folder
        self.current = current
        self._open: dict[str, Part] = {}
        self._records: dict[Path, Records] = {}

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
            self._open[key] = Part(key, info, self.folder / "parts" / info.file, self._records_at)
        return self._open[key]

    def _records_at(self, path: Path) -> Records:
        """Open records once, for all parts that share them."""
        if path not in self._records:
            self._records[path] = Records(path)
        return self._records[path]

    def parts_of_feed(self, feed: str) -> Iterator[Part]:
        """Give the parts that a feed has here."""
        for key, info in sorted(self.current.parts.items()):
            part = self.part(key) if info.feed == feed else None
            if part is not None:
                yield part

    def close(self) -> None:
        """Close all parts."""
        for file in (*self._open.values(), *self._records.values()):
            file.close()
        self._open.clear()
        self._records.clear()


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
        _sweep(folder, _files(current), merged)
        return merged


def _files(current: Current) -> set[str]:
    return {file for info in current.parts.values() for file in info.files()}


def _sweep(folder: Path, before: set[str], current: Current) -> None:
    """Remove the files that ceased to be current hours ago, and what a killed builder has left."""
    named = _files(current)
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
