"""SQLite files whose bodies are compressed with a dictionary of their own: what parts and records have in common."""

import contextlib
import functools
import os
import shutil
import sqlite3
import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hullmark.model.errors import FeedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
-- what the bodies of a table are compressed with
CREATE TABLE dictionary (of_table TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
"""
_PAGE_BYTES = 16 * 1024
"""Bodies of two or three KiB would leave a third of pages of 4 KiB empty."""
_SMALL_BYTES, _SMALL_PAGE_BYTES = 1024 * 1024, 4096
"""In a small file it is the tables that leave pages empty."""
_MOST_BODY_BYTES = 16 * 1024 * 1024
"""More than any has by far; what a body says takes up to eighty times as much when it is unpacked."""
_LEVEL = 7
SAMPLES = 3000
_SAMPLE_BYTES = 1024
_SPREAD = 3
"""How many times as many bodies as samples are looked at for samples."""
_LEAST_GAIN = 8
"""How many times as large as the dictionary the samples are at least: with less there is less to gain than it takes itself."""

DEFLATED = frozenset({"package"})
"""Tables of many small bodies: deflate begins in a microsecond, zstd takes twenty, and what it gains is not worth it."""
_DEFLATE_DICTIONARY_BYTES = 32 * 1024
_RAW = -15
"""Deflate without a header (RFC 1951), of the largest window."""

Dictionary = zstd.ZstdDict | bytes | None
"""What the bodies of a table are compressed with; deflate takes the bytes."""
_Key = TypeVar("_Key", bytes, int)


class BodyFile:
    """One open file, `label` in errors. Opening it, and whatever is asked, raises `FeedError` where it is damaged.

    It may be a stranger's: it has the tables that it should have and nothing else (a view may compute without end), and no
    value is larger than a body may be.
    """

    tables = ""

    def __init__(self, label: str, path: Path) -> None:
        self.label = label
        self.path = path
        self._dictionaries: dict[str, Dictionary] = {}
        try:
            self._db = sqlite3.connect(
                f"file:{_quoted(path)}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        except sqlite3.Error as problem:
            raise self.damaged(problem) from problem
        self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BODY_BYTES)
        try:
            found = {sql for (sql,) in self.ask("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
            if found != _statements(TABLES + self.tables):
                raise self.damaged(ValueError("it has not the tables of a database"))
        except FeedError:
            self.close()
            raise

    def damaged(self, problem: Exception) -> FeedError:
        """Make an error of what is wrong with the file."""
        return FeedError(
            f"{self.label} cannot be read: {problem}",
            where=str(self.path),
            hint="hullmark db build makes it anew",
        )

    def ask(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Give the rows that answer a query."""
        try:
            return self._db.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as problem:
            raise self.damaged(problem) from problem

    def decoded(self, decode: Callable[[Any], Any], body: Any) -> Any:
        """Give what `decode` makes of a body."""
        try:
            return decode(body)
        except (
            msgspec.DecodeError,
            zstd.ZstdError,
            zlib.error,
            ValueError,
            TypeError,
            IndexError,
        ) as problem:
            raise self.damaged(problem) from problem

    def dictionary(self, table: str) -> Dictionary:
        """Give what the bodies of a table are compressed with."""
        if table not in self._dictionaries:
            rows = self.ask("SELECT content FROM dictionary WHERE of_table = ?", (table,))
            known = self.decoded(lambda content: _dictionary(table, content), rows[0][0]) if rows else None
            self._dictionaries[table] = known
        return self._dictionaries[table]

    def inflated(self, table: str, body: bytes) -> bytes:
        """Decompress a body of a table."""
        dictionary = self.dictionary(table)
        inflated: bytes = self.decoded(lambda packed: _inflated(table, dictionary, packed), body)
        return inflated

    def meta(self) -> dict[str, str]:
        """Give what the file says of itself."""
        return dict(self.ask("SELECT key, value FROM meta"))

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class BodyWriter:
    """Such a file while it is written beside its place; it starts as a copy of another, or with empty tables."""

    def __init__(self, folder: Path, name: str, tables: str, before: BodyFile | None = None) -> None:
        self.path = folder / f".{name}.{os.getpid()}.tmp"
        self._tables = tables
        self._before = before
        self._dictionaries: dict[str, Dictionary] = {}
        self._compressors: dict[str, zstd.ZstdCompressor] = {}

    @functools.cached_property
    def db(self) -> sqlite3.Connection:
        """Begin the file when there is something to write: a feed may have more parts than a process may have files open."""
        self.path.unlink(missing_ok=True)
        if self._before is not None:
            shutil.copyfile(self._before.path, self.path)
        db = sqlite3.connect(self.path, isolation_level=None)
        pragmas = f"PRAGMA page_size={_PAGE_BYTES}; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
        db.executescript(pragmas if self._before is not None else pragmas + TABLES + self._tables)
        db.execute("BEGIN")
        return db

    def number(self, query: str, *values: object) -> int:
        """Give the one number that answers a query; 0 for none."""
        (number,) = self.db.execute(query, values).fetchone()
        return int(number or 0)

    def train(self, table: str, bodies: list[bytes], size: int) -> None:
        """Make the dictionary of a table, of at most so many bytes, out of some of its bodies."""
        samples = [body[:_SAMPLE_BYTES] for body in bodies if body]
        dictionary = None
        if sum(map(len, samples)) >= _LEAST_GAIN * size:
            with contextlib.suppress(zstd.ZstdError, ValueError):
                content = zstd.train_dict(samples, size).dict_content
                dictionary = _dictionary(table, content)
                self.db.execute("INSERT INTO dictionary VALUES (?, ?)", (table, content))
        self.use(table, dictionary)

    def use(self, table: str, dictionary: Dictionary) -> None:
        """Compress the bodies of a table with this dictionary."""
        self._dictionaries[table] = dictionary
        if table in DEFLATED:
            words: dict[str, Any] = {"zdict": dictionary} if isinstance(dictionary, bytes) else {}
            self._deflater = zlib.compressobj(9, wbits=_RAW, memLevel=9, **words)
        else:
            # Whoever reads it knows the dictionary: its number in every body would only take room.
            options: dict[int, int] = {
                zstd.CompressionParameter.compression_level: _LEVEL,
                zstd.CompressionParameter.dict_id_flag: 0,
            }
            known = dictionary if isinstance(dictionary, zstd.ZstdDict) else None
            self._compressors[table] = zstd.ZstdCompressor(options=options, zstd_dict=known)

    def packed(self, table: str, body: bytes) -> bytes:
        """Compress a body of a table."""
        if table in DEFLATED:
            deflater = self._deflater.copy()
            return deflater.compress(body) + deflater.flush()
        return self._compressors[table].compress(body, zstd.ZstdCompressor.FLUSH_FRAME)

    def inflated(self, table: str, body: bytes) -> bytes:
        """Decompress a body of a table."""
        return _inflated(table, self._dictionaries[table], body)

    def trained(
        self, table: str, found: Iterator[tuple[_Key, bytes]], size: int
    ) -> Iterator[tuple[_Key, bytes]]:
        """Pass the bodies of a table on, compressed with a dictionary that is trained on the first of them."""
        first = list(islice(found, _SPREAD * SAMPLES))
        self.train(table, [body for _, body in first[:: -(-len(first) // SAMPLES) or 1]], size)
        for key, body in chain(first, found):
            yield key, self.packed(table, body)

    def end(self, *, in_order: bool = True) -> None:
        """Write all of it to the disk, and close it. A new file that was not written `in_order` is packed."""
        self.db.execute("COMMIT")
        is_small = self.number("PRAGMA page_count") * _PAGE_BYTES < _SMALL_BYTES
        packed = self._before is None and (is_small or not in_order)
        if packed:
            # by way of a file that is named: SQLite's own temporary ones are in no folder of ours
            self.path.with_suffix(".packed").unlink(missing_ok=True)
            self.db.execute(f"PRAGMA page_size={_SMALL_PAGE_BYTES if is_small else _PAGE_BYTES}")
            self.db.execute("VACUUM INTO ?", (str(self.path.with_suffix(".packed")),))
        self.close()
        if packed:
            self.path.with_suffix(".packed").replace(self.path)
        with self.path.open("rb") as file:
            os.fsync(file.fileno())

    def close(self) -> None:
        """Close the file."""
        if "db" in vars(self):
            self.db.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        self.close()
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".packed").unlink(missing_ok=True)


def _dictionary(table: str, content: bytes) -> zstd.ZstdDict | bytes:
    """Make a dictionary of what is stored. Deflate uses the end of it, which is what there is most of."""
    return content[-_DEFLATE_DICTIONARY_BYTES:] if table in DEFLATED else zstd.ZstdDict(content)


def _statements(script: str) -> set[str]:
    """Give the statements of a script as SQLite keeps them: without the comments before them."""
    lines = (line for line in script.splitlines() if not line.startswith("--"))
    return {statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()}


def _inflated(table: str, dictionary: Dictionary, body: bytes) -> bytes:
    """Decompress one body of a table. Raises `ValueError` for one that is cut short or too large, and what its kind raises."""
    inflater = _inflater(table, dictionary)
    inflated: bytes = inflater.decompress(body, _MOST_BODY_BYTES)
    if not inflater.eof:
        raise ValueError("a body is cut short, or too large")
    return inflated


def _inflater(table: str, dictionary: Dictionary) -> Any:
    """Give what decompresses one body of a table."""
    if isinstance(dictionary, bytes):
        return zlib.decompressobj(_RAW, dictionary)
    if table in DEFLATED:
        return zlib.decompressobj(_RAW)
    return zstd.ZstdDecompressor(zstd_dict=dictionary)


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
