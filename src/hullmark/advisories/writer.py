"""Writes one part of the database: anew from all of a feed's records, or as a revision that follows the one before.

What a package's digest is made of is added up row by row, so that neither the order in which a publisher lists its
records today nor the way that led to a revision matters: what is taken out is subtracted again.
"""

import hashlib
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from hullmark.advisories.database import LEVELS, SCHEMA, SCOPES, STATES, More, Part, PartInfo
from hullmark.advisories.feed import Feed
from hullmark.advisories.registry import schemes
from hullmark.advisories.scheme import Scheme, sort_key
from hullmark.model.advisory import Advisory, Affected, Range

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_SAMPLES = 3000
_DICTIONARY_BYTES = 64 * 1024
_LARGE_DICTIONARY_BYTES = 112 * 1024
"""Of a part with more texts than the dictionary is trained on: each takes 2 to 5 % less."""
_LEVEL = 12
_ENCODE = msgspec.msgpack.Encoder().encode
_NO_MORE = More()
_DIGEST_BYTES = 16
_WHOLE = 1 << 8 * _DIGEST_BYTES
_ROW = "INSERT INTO affected VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class _Package:
    """What is known of a package while its part is written: its row, the next of its statements, the sum of their digests."""

    __slots__ = ("number", "seq", "total")

    def __init__(self, number: int, seq: int = 0, total: int = 0) -> None:
        self.number = number
        self.seq = seq
        self.total = total


class PartWriter:
    """One part while it is written, in a file beside its place.

    With `before` it starts as that revision is, and records are put in and taken out; else it starts empty.
    """

    def __init__(self, folder: Path, key: str, before: Part | None = None) -> None:
        self.key = key
        self.before = before
        self.path = folder / f".{key}.{os.getpid()}.tmp"
        self.path.unlink(missing_ok=True)
        if before is not None:
            shutil.copyfile(before.path, self.path)
        self._db = sqlite3.connect(self.path, isolation_level=None)
        self._db.executescript("PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
        if before is None:
            self._db.executescript(SCHEMA)
        self._db.execute("BEGIN")
        self._waiting: list[tuple[str, tuple[object, ...], bytes]] | None = []
        self._dictionary: zstd.ZstdDict | None = None
        self._compress: Callable[[bytes], bytes] | None = None
        self._packages: dict[str, _Package] = {}  # of `before` only those that something was done to
        self._last_package = self._last_advisory = 0
        self.advisories = self.statements = 0
        self.newest = ""
        self.used: dict[str, int] = {}
        if before is not None:
            self._go_on(before)

    def _go_on(self, before: Part) -> None:
        self._waiting = None
        self._dictionary = before.dictionary
        self._use_dictionary()
        self._last_advisory = self._number("SELECT max(id) FROM advisory")
        self._last_package = self._number("SELECT max(id) FROM package")
        info = before.info
        self.advisories, self.statements = info.advisories, info.statements
        self.newest = info.newest
        self.used = dict(info.schemes)

    def _number(self, query: str, *values: object) -> int:
        (number,) = self._db.execute(query, values).fetchone()
        return int(number or 0)

    @property
    def records(self) -> int:
        """Give how many records the part has; several notes of one id are one."""
        if self._waiting is not None:
            self._train()
        return self.advisories + self._number("SELECT count(*) FROM note")

    def note(self, name: str, body: bytes, modified: str = "") -> None:
        """Put a note in; it takes the place of one of the same name."""
        self.newest = max(self.newest, modified)
        self._put("INSERT OR REPLACE INTO note VALUES (?, ?)", (name,), body)

    def advisory(self, advisory: Advisory, statements: Iterable[Affected]) -> None:
        """Put an advisory in with what it says in this part."""
        self.advisories += 1
        self._last_advisory += 1
        self.newest = max(self.newest, advisory.modified or advisory.published)
        number = self._last_advisory
        body = _ENCODE(msgspec.structs.replace(advisory, affected=()))
        self._put(
            "INSERT INTO advisory VALUES (?, ?, ?, ?)", (number, advisory.id, int(advisory.bundle)), body
        )
        self._db.executemany("INSERT OR IGNORE INTO flaw VALUES (?, ?, ?)", _flaws(advisory, number))
        digest = _of_body(body)
        for affected in statements:
            self._affected(affected, number, digest)

    def remove(self, ids: Iterable[str]) -> int:
        """Take out the advisories and notes of these ids; give how many there were."""
        gone: dict[int, bytes] = {}
        notes = 0
        for name in ids:
            rows = self._db.execute(
                "SELECT advisory.id, body FROM advisory JOIN flaw ON flaw.advisory = advisory.id"
                " WHERE flaw.id = ? AND kind = 0",
                (name,),
            ).fetchall()
            for number, packed in rows:
                body = zstd.decompress(packed, zstd_dict=self._dictionary)
                gone[number] = _of_body(body)
                self._db.executemany(
                    "DELETE FROM flaw WHERE id = ? AND advisory = ?",
                    [row[:2] for row in _flaws(msgspec.msgpack.decode(body, type=Advisory), number)],
                )
            notes += self._db.execute("DELETE FROM note WHERE id = ?", (name,)).rowcount
        if gone:
            self._remove_statements(gone)
        self.advisories -= len(gone)
        return len(gone) + notes

    def _remove_statements(self, gone: dict[int, bytes]) -> None:
        """Take out what these advisories say: one pass over the table, which has no index by advisory."""
        self._db.execute("CREATE TEMP TABLE gone_advisory (id INTEGER PRIMARY KEY)")
        self._db.executemany("INSERT INTO gone_advisory VALUES (?)", [(number,) for number in gone])
        rows = self._db.execute(
            "SELECT package.name, affected.* FROM affected JOIN package ON package.id = affected.package"
            " WHERE advisory IN (SELECT id FROM gone_advisory)"
        ).fetchall()
        for name, package, seq, number, *row in rows:
            entry = self._entry(name)
            entry.total = (entry.total - _of_row(tuple(row), gone[number])) % _WHOLE
            self._db.execute("DELETE FROM affected WHERE package = ? AND seq = ?", (package, seq))
        self.statements -= len(rows)
        self._db.execute("DELETE FROM advisory WHERE id IN (SELECT id FROM gone_advisory)")
        self._db.execute("DROP TABLE gone_advisory")

    def _put(self, query: str, values: tuple[object, ...], body: bytes) -> None:
        """Insert a row whose last column is a text, once there is a dictionary to compress it with."""
        if self._waiting is not None:
            self._waiting.append((query, values, body))
            if len(self._waiting) >= _SAMPLES:
                self._train()
            return
        assert self._compress is not None
        self._db.execute(query, (*values, self._compress(body)))

    def _train(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        samples = [body for _, _, body in waiting if body]
        dictionary = b""
        if len(samples) >= 100:  # zstd's trainer needs some; a tiny part gains nothing from one
            try:
                size = _DICTIONARY_BYTES if len(samples) < _SAMPLES else _LARGE_DICTIONARY_BYTES
                self._dictionary = zstd.train_dict(samples, size)
                dictionary = self._dictionary.dict_content
            except (zstd.ZstdError, ValueError):
                self._dictionary = None
        self._db.execute("INSERT INTO dictionary VALUES (?)", (dictionary,))
        self._use_dictionary()
        assert self._compress is not None
        for query, values, body in waiting:
            self._db.execute(query, (*values, self._compress(body)))

    def _use_dictionary(self) -> None:
        # Whoever reads it knows the dictionary: its number in every text would only take room.
        options: dict[int, int] = {
            zstd.CompressionParameter.compression_level: _LEVEL,
            zstd.CompressionParameter.dict_id_flag: 0,
        }
        compressor = zstd.ZstdCompressor(options=options, zstd_dict=self._dictionary)
        self._compress = lambda body: compressor.compress(body, zstd.ZstdCompressor.FLUSH_FRAME)

    def _entry(self, name: str) -> _Package:
        """Give what is known of a package, looked up in the revision before when it is met first."""
        entry = self._packages.get(name)
        if entry is not None:
            return entry
        known = None
        if self.before is not None:
            known = self._db.execute("SELECT id, digest FROM package WHERE name = ?", (name,)).fetchone()
        if known is not None:
            seq = self._number("SELECT max(seq) + 1 FROM affected WHERE package = ?", known[0])
            entry = _Package(known[0], seq, int.from_bytes(known[1], "big"))
        else:
            self._last_package += 1
            entry = _Package(self._last_package)
        self._packages[name] = entry
        return entry

    def _affected(self, affected: Affected, number: int, digest: bytes) -> None:
        scheme = schemes().get(affected.ecosystem)
        if scheme is None:
            return
        self.used[scheme.name] = scheme.revision
        entry = self._entry(scheme.fold(affected.name))
        rows = _rows(affected, scheme)
        self._db.executemany(
            _ROW, [(entry.number, entry.seq + at, number, *row) for at, row in enumerate(rows)]
        )
        self.statements += len(rows)
        entry.seq += len(rows)
        for row in rows:
            entry.total = (entry.total + _of_row(row, digest)) % _WHOLE

    def finish(self, feed: Feed, folder: Path, old: Part | None, built: str, unread: int) -> PartInfo | None:
        """Write what is left, give the file its name; None when nothing changed since the old revision."""
        if self._waiting is not None:
            self._train()
        lineage, n = (old.info.lineage, old.info.n + 1) if old is not None else ("", 1)
        if self.before is not None:
            self._finish_changed(n)
        else:
            self._finish_all(old, n)
        state = self._content()
        if old is not None and old.meta().get("content") == state:
            self.discard()
            return None
        lineage = lineage or state
        meta = {
            "part": self.key,
            "lineage": lineage,
            "n": str(n),
            "feed": feed.name,
            "content": state,
            "built": built,
        }
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", sorted(meta.items()))
        packages = self._number("SELECT count(*) FROM package")
        notes = self._number("SELECT count(*) FROM note")
        self._db.execute("COMMIT")
        if self.before is None:
            self._db.execute("VACUUM")
        self._db.close()
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        name = f"{self.key}-{lineage}-{n}.db"
        self.path.replace(folder / name)
        return PartInfo(
            file=name,
            feed=feed.name,
            lineage=lineage,
            n=n,
            built=built,
            newest=self.newest[:20],
            advisories=self.advisories,
            statements=self.statements,
            packages=packages,
            notes=notes,
            unread=unread,
            size_bytes=(folder / name).stat().st_size,
            licence=feed.licence,
            schemes=self.used,
        )

    def _finish_all(self, old: Part | None, n: int) -> None:
        """Write the packages of a part that was written anew, each with the revision that touched it last."""
        digests = {name: _packed(entry.total) for name, entry in self._packages.items()}
        before = old.digests() if old is not None else {}
        self._db.executemany(
            "INSERT INTO package VALUES (?, ?, ?, ?)",
            [
                (
                    entry.number,
                    name,
                    digests[name],
                    before[name][1] if name in before and before[name][0] == digests[name] else n,
                )
                for name, entry in self._packages.items()
            ],
        )
        gone = {**(old.gone() if old is not None else {}), **dict.fromkeys(before.keys() - digests.keys(), n)}
        self._db.executemany(
            "INSERT INTO gone VALUES (?, ?)",
            [(name, at) for name, at in sorted(gone.items()) if name not in digests],
        )

    def _finish_changed(self, n: int) -> None:
        """Write the packages that something was done to."""
        for name, entry in sorted(self._packages.items()):
            known = self._db.execute("SELECT digest FROM package WHERE id = ?", (entry.number,)).fetchone()
            left = self._number("SELECT count(*) FROM affected WHERE package = ?", entry.number)
            if not left and known:
                self._db.execute("DELETE FROM package WHERE id = ?", (entry.number,))
                self._db.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (name, n))
            elif left and (not known or known[0] != _packed(entry.total)):
                values = (entry.number, name, _packed(entry.total), n)
                self._db.execute("INSERT OR REPLACE INTO package VALUES (?, ?, ?, ?)", values)
                self._db.execute("DELETE FROM gone WHERE name = ?", (name,))

    def _content(self) -> str:
        """Give a digest of all that the part says."""
        content = hashlib.blake2b(digest_size=8)
        for row in self._db.execute("SELECT name, digest FROM package ORDER BY name"):
            content.update(repr(row).encode())
        for name, packed in self._db.execute("SELECT id, body FROM note ORDER BY id"):
            content.update(repr((name, zstd.decompress(packed, zstd_dict=self._dictionary))).encode())
        return content.hexdigest()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._db.close()
        self.path.unlink(missing_ok=True)


def _flaws(advisory: Advisory, number: int) -> list[tuple[str, int, int]]:
    """Give the ids that an advisory is found by."""
    flaws = [(advisory.id, number, 0)]
    flaws += [(alias, number, 1) for alias in advisory.aliases]
    return flaws + [(fix, number, 2) for fix in advisory.fixes]


def _rows(affected: Affected, scheme: Scheme) -> list[tuple[object, ...]]:
    """Give the rows of one statement, without package, number and advisory."""
    more = More(affected.arches, affected.module, affected.cpes, affected.repositories, affected.note)
    shared = (SCOPES.index(affected.scope), STATES.index(affected.state))
    tail = (LEVELS.index(affected.level), None, _ENCODE(more) if more != _NO_MORE else None)
    rows: list[tuple[object, ...]] = []
    for span in affected.ranges or (() if affected.versions else (Range(),)):
        low, high, undecided = _keys(scheme, span)
        started = span.introduced if span.introduced not in {"", "0"} else None
        last = span.last_affected or None if not span.fixed else None
        texts = (started, span.fixed or None, last)
        inclusive = int((undecided or not span.fixed) and bool(texts[1] or last))
        rows.append((*shared, low, high, inclusive, int(undecided), *texts, *tail))
    if affected.versions:
        listed = _ENCODE(sorted(set(affected.versions)))
        rows.append((*shared, None, None, 0, 0, None, None, None, tail[0], listed, tail[2]))
    return rows


def _keys(scheme: Scheme, span: Range) -> tuple[bytes | None, bytes | None, bool]:
    """Give the sort keys of a range's ends; undecided when one of them cannot be ordered.

    Ends the wrong way round are a slip of the publisher's: what lies between them is undecided.
    """
    start = span.introduced if span.introduced != "0" else ""
    end = span.fixed or span.last_affected
    low = sort_key(scheme, start) if start else None
    high = sort_key(scheme, end) if end else None
    if (start and low is None) or (end and high is None):
        return None, None, True
    if low is not None and high is not None and low > high:
        return high, low, True
    return low, high, False


def _of_body(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()


def _of_row(row: tuple[object, ...], body_digest: bytes) -> int:
    content = hashlib.blake2b(repr(row).encode() + body_digest, digest_size=_DIGEST_BYTES)
    return int.from_bytes(content.digest(), "big")


def _packed(total: int) -> bytes:
    return total.to_bytes(_DIGEST_BYTES, "big")
