"""The SQLite form of rpm's database (`rpmdb.sqlite`), read from memory, and the journal beside it.

Formats: rpm's lib/backend/sqlite.c (table `Packages`, a header blob for each package number); SQLite's database and
WAL file formats, https://www.sqlite.org/fileformat2.html.
"""

import re
import sqlite3
import struct
from collections.abc import Iterator

from hullmark.detectors.detector import MalformedError

MAGIC = b"SQLite format 3\0"
_HEADER = 100
_SIZE_FIELDS = (
    (16, 2),
    (24, 4),
    (28, 4),
    (92, 4),
)  # page size, change counter, pages, counter at which pages was right
_MAX_STEPS = 2_000_000  # thousands of instructions of SQLite's machine for each package would still fit
_STEPS_AT_ONCE = 10_000
_MAX_SCHEMA = 1_000
_PLAIN_TABLE = re.compile(
    rb"CREATE TABLE\s+['\"`\[]?Packages['\"`\]]?\s*\(\s*hnum\s+INTEGER\s+PRIMARY\s+KEY(?:\s+AUTOINCREMENT)?\s*,"
    rb"\s*blob\s+BLOB(?:\s+NOT\s+NULL)?\s*\)",
    re.IGNORECASE,
)
_LIMITS = {
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 20,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 1,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 10_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 2,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 10,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_SETTINGS = (
    "trusted_schema = off",
    "cell_size_check = on",
    "mmap_size = 0",
    "query_only = on",
    "temp_store = memory",
)

_WAL_HEADER, _FRAME_HEADER = 32, 24
_MAX_FRAMES = 1_000


def blobs(body: bytes) -> Iterator[tuple[str, bytes | MalformedError]]:
    """Give each package's number and header blob."""
    connection = sqlite3.connect(":memory:")
    try:
        for limit, value in (*_LIMITS.items(), (sqlite3.SQLITE_LIMIT_LENGTH, max(len(body), 10_000))):
            connection.setlimit(limit, value)
        steps = 0

        def tick() -> bool:
            nonlocal steps
            steps += 1
            return steps > _MAX_STEPS // _STEPS_AT_ONCE

        connection.set_progress_handler(tick, _STEPS_AT_ONCE)
        connection.text_factory = bytes
        connection.deserialize(_without_wal(body))
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        _check_schema(connection)
        # An index that a stranger added must not be read in the table's place.
        for number, blob in connection.execute("SELECT hnum, blob FROM Packages NOT INDEXED"):
            place = f"package {number}"
            yield place, blob if isinstance(blob, bytes) else MalformedError("not a header")
    except (
        sqlite3.Error,
        UnicodeDecodeError,
    ) as problem:  # the latter where SQLite quotes the file in its message
        raise MalformedError(f"SQLite: {problem}") from problem
    finally:
        connection.close()
    # SQLite itself says nothing of pages that are missing as long as it needs none of them.
    page_size, changes, pages, valid_for = (
        int.from_bytes(body[at : at + n], "big") for at, n in _SIZE_FIELDS
    )
    if changes == valid_for and pages * (page_size if page_size > 1 else 65536) > len(body):
        raise MalformedError(f"cut short: {pages} pages were promised")


def _without_wal(body: bytes) -> bytes | bytearray:
    """Mark the file as one without journal: in WAL mode SQLite would look for files that are not there."""
    if len(body) < _HEADER:
        raise MalformedError("cut short")
    if body[18:20] == b"\1\1":
        return body
    changed = bytearray(body)
    changed[18:20] = b"\1\1"
    return changed


def _check_schema(connection: sqlite3.Connection) -> None:
    """Insist on the table as rpm makes it: a view, a virtual table or a computed column could do anything."""
    query = f"SELECT type, sql FROM sqlite_master WHERE lower(tbl_name) = 'packages' OR lower(name) = 'packages' LIMIT {_MAX_SCHEMA}"  # noqa: S608  # a number of our own
    tables = [sql for kind, sql in connection.execute(query) if kind != b"index"]
    if not tables:
        raise MalformedError("SQLite database without rpm's table of packages")
    if len(tables) != 1 or not isinstance(tables[0], bytes) or not _PLAIN_TABLE.fullmatch(tables[0].strip()):
        raise MalformedError("SQLite database whose table of packages is not rpm's")


def is_pending(wal: bytes) -> bool:
    """Tell whether a write-ahead log holds a transaction, which the database beside it may lack.

    A frame counts if it carries the log's own salt and the running checksum is right, a transaction if its last frame
    is there; whatever follows is left over from earlier use. Whether it was copied into the database already stands
    nowhere in the log. One that is too long to tell is taken as pending.
    """
    if len(wal) < _WAL_HEADER:
        return False
    magic, _version, page_size = struct.unpack_from(">3I", wal)
    order = ">" if magic & 1 else "<"
    state = _checksum(order, wal[:24], (0, 0))
    known = magic & ~1 == 0x377F0682 and page_size in {1 << bit for bit in range(9, 17)}
    if not known or state != struct.unpack_from(">2I", wal, 24):
        return False
    frame_size = _FRAME_HEADER + page_size
    for number, at in enumerate(range(_WAL_HEADER, len(wal) - frame_size + 1, frame_size)):
        state = _checksum(order, wal[at : at + 8], state)
        state = _checksum(order, wal[at + _FRAME_HEADER : at + frame_size], state)
        if wal[at + 8 : at + 16] != wal[16:24] or struct.unpack_from(">2I", wal, at + 16) != state:
            return False
        if (
            number == _MAX_FRAMES or wal[at + 4 : at + 8] != b"\0\0\0\0"
        ):  # the database's size, after a commit
            return True
    return False


def _checksum(order: str, data: bytes, state: tuple[int, int]) -> tuple[int, int]:
    first, second = state
    for low, high in struct.iter_unpack(f"{order}2I", data):
        first = (first + low + second) & 0xFFFFFFFF
        second = (second + high + first) & 0xFFFFFFFF
    return first, second
