"""Writes one part of the database: anew from all of a feed's records, or as a revision that follows the one before.

What a package's digest is made of is added up row by row, so that neither the order in which a publisher lists its
records today nor the way that led to a revision matters: what is taken out is subtracted again.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hullmark.advisories.bodies import SAMPLES, BodyWriter
from hullmark.advisories.database import TABLES, Part, PartInfo
from hullmark.advisories.feed import Feed, whole_seconds
from hullmark.advisories.records import array_of
from hullmark.advisories.registry import schemes
from hullmark.advisories.scheme import Scheme, sort_key
from hullmark.advisories.spool import Shed
from hullmark.advisories.statements import LEVELS, SCOPES, STATES, More, Row, pack, rows, unpack
from hullmark.model.advisory import Advisory, Affected, Range

_NOTES_DICTIONARY, _PACKAGES_DICTIONARY = 64 * 1024, 32 * 1024
_PACKAGE_ROW = "INSERT OR REPLACE INTO package VALUES (?, ?, ?, ?)"
_ENCODE = msgspec.msgpack.Encoder().encode
_ROWS = msgspec.msgpack.Decoder(list[Row])
_NO_MORE = More()
_DIGEST_BYTES = 8
_WHOLE = 1 << 8 * _DIGEST_BYTES


class PartWriter(BodyWriter):
    """One part while it is written, in a file beside its place.

    With `before` it starts as that revision is, and statements are put in and taken out; else it starts empty, and what does not
    fit into memory waits on the disk.
    """

    def __init__(self, folder: Path, key: str, shed: Shed, before: Part | None = None) -> None:
        super().__init__(folder, key, TABLES, before)
        self.key = key
        self.before = before
        self._notes: list[tuple[str, bytes]] | None = []  # before there is a dictionary
        self._spooled = shed.spool()  # rows by package
        self._totals: dict[str, int] = {}  # the sum of the digests of each package's rows
        self._rows: dict[str, list[Row]] = {}  # of `before`, of packages that something was done to
        self.advisories = self.statements = 0
        self._counted: set[int] = set()  # hashes of the advisories: one that comes twice counts once
        self.newest = ""
        self.used: dict[str, int] = {}
        if before is not None:
            self._go_on(before)

    def _go_on(self, before: Part) -> None:
        self._notes = None
        for table in ("note", "package"):
            self.use(table, before.dictionary(table))
        info = before.info
        self.advisories, self.statements = info.advisories, info.statements
        self.newest = info.newest
        self.used = dict(info.schemes)

    @property
    def records(self) -> int:
        """Give how many records the part has; several notes of one id are one."""
        self._train()
        return self.advisories + self.number("SELECT count(*) FROM note")

    def note(self, name: str, body: bytes, modified: str = "") -> None:
        """Put a note in; it takes the place of one of the same name."""
        self.newest = max(self.newest, modified)
        if self._notes is None:
            self.db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, self.packed("note", body)))
            return
        self._notes.append((name, body))
        if len(self._notes) >= SAMPLES:
            self._train()

    def _train(self) -> None:
        """Put the first notes in, compressed with a dictionary that is made of them."""
        if self._notes is not None:
            notes, self._notes = self._notes, None
            self.train("note", [body for _, body in notes], _NOTES_DICTIONARY)
            for name, body in notes:
                self.note(name, body)

    def advisory(self, advisory: Advisory, mark: int, statements: Iterable[Affected]) -> list[str]:
        """Put in what an advisory says in this part, `mark` is that of its record; give the packages that it speaks of."""
        self.newest = max(self.newest, advisory.modified or advisory.published)
        names = []
        for affected in statements:
            scheme = schemes().get(affected.ecosystem)
            if scheme is None:
                continue
            self.used[scheme.name] = scheme.revision
            name = scheme.fold(affected.name)
            names.append(name)
            made = _rows(affected, scheme, advisory, mark)
            self.statements += len(made)
            if self.before is None:
                key = name.encode()
                for row in made:
                    self._spooled.add(key, _ENCODE(row))
            else:
                self._rows_of(name).extend(made)
            self._totals[name] = (self._totals.get(name, 0) + sum(map(_of_row, made))) % _WHOLE
        if names and (each := hash((advisory.id, mark))) not in self._counted:
            self._counted.add(each)
            self.advisories += 1
        return names

    def _rows_of(self, name: str) -> list[Row]:
        """Give the rows of a package of the revision before, to be changed."""
        if name not in self._rows:
            query = "SELECT body, digest FROM package WHERE name = ?"
            known = self.db.execute(query, (name,)).fetchone()
            self._rows[name] = rows(unpack(self.inflated("package", known[0]))) if known else []
            self._totals[name] = int.from_bytes(known[1], "big") if known else 0
        return self._rows[name]

    def remove(self, name: str, packages: Iterable[str]) -> None:
        """Take out the note of this id, and what advisories of this id say of these packages."""
        self.db.execute("DELETE FROM note WHERE id = ?", (name,))
        marks: set[int] = set()
        for package in packages:
            held = self._rows_of(package)
            own = [row for row in held if row.advisory == name]
            held[:] = [row for row in held if row.advisory != name]
            marks.update(row.mark for row in own)
            self.statements -= len(own)
            self._totals[package] = (self._totals[package] - sum(map(_of_row, own))) % _WHOLE
        self.advisories -= len(marks)
        self._counted.difference_update(hash((name, mark)) for mark in marks)

    def finish(self, feed: Feed, folder: Path, old: Part | None, built: str, unread: int) -> PartInfo | None:
        """Write what is left, give the file its name; None when nothing changed since the old revision."""
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
        self.db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", sorted(meta.items()))
        packages = self.number("SELECT count(*) FROM package")
        notes = self.number("SELECT count(*) FROM note")
        self.end(in_order=False)
        name = f"{self.key}-{lineage}-{n}.db"
        self.path.replace(folder / name)
        return PartInfo(
            file=name,
            feed=feed.name,
            lineage=lineage,
            n=n,
            built=built,
            newest=whole_seconds(self.newest),
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
        before = old.digests() if old is not None else {}
        gone = {
            **(old.gone() if old is not None else {}),
            **dict.fromkeys(before.keys() - self._totals.keys(), n),
        }
        pieces = (
            (key, pack(_ROWS.decode(array_of(count) + body))) for key, count, body in self._spooled.merged()
        )
        for key, body in self.trained("package", pieces, _PACKAGES_DICTIONARY):
            name = key.decode()
            digest = _as_bytes(self._totals[name])
            changed = before[name][1] if name in before and before[name][0] == digest else n
            self.db.execute(_PACKAGE_ROW, (name, digest, changed, body))
        self.db.executemany(
            "INSERT INTO gone VALUES (?, ?)",
            [(name, at) for name, at in sorted(gone.items()) if name not in self._totals],
        )

    def _finish_changed(self, n: int) -> None:
        """Write the packages that something was done to."""
        for name, held in sorted(self._rows.items()):
            query = "SELECT digest, changed FROM package WHERE name = ?"
            known = self.db.execute(query, (name,)).fetchone()
            if held:
                digest = _as_bytes(self._totals[name])
                changed = known[1] if known and known[0] == digest else n
                body = self.packed("package", pack(held))
                self.db.execute(_PACKAGE_ROW, (name, digest, changed, body))
                self.db.execute("DELETE FROM gone WHERE name = ?", (name,))
            elif known:
                self.db.execute("DELETE FROM package WHERE name = ?", (name,))
                self.db.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (name, n))

    def _content(self) -> str:
        """Give a digest of all that the part says."""
        content = hashlib.blake2b(digest_size=8)
        for row in self.db.execute("SELECT name, digest FROM package ORDER BY name"):
            content.update(repr(row).encode())
        for name, packed in self.db.execute("SELECT id, body FROM note ORDER BY id"):
            content.update(repr((name, self.inflated("note", packed))).encode())
        return content.hexdigest()

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._spooled.close()


def _rows(affected: Affected, scheme: Scheme, advisory: Advisory, mark: int) -> list[Row]:
    """Give the rows of one statement of an advisory, whose record has this mark."""
    more = More(affected.arches, affected.module, affected.cpes, affected.repositories, affected.note)
    scope, state, level = (
        SCOPES.index(affected.scope),
        STATES.index(affected.state),
        LEVELS.index(affected.level),
    )
    shared = advisory.id, mark, advisory.bundle, scope, state, level
    kept = more if more != _NO_MORE else None
    made = []
    for span in affected.ranges or (() if affected.versions else (Range(),)):
        started = span.introduced if span.introduced != "0" else ""
        last = span.last_affected if not span.fixed else ""
        low, high, undecided = _keys(scheme, started, span.fixed or last)
        made.append(Row(*shared, started, span.fixed, last, low, high, undecided, None, kept))
    if affected.versions:
        listed = tuple(sorted(set(affected.versions)))
        made.append(Row(*shared, listed=listed, more=kept))
    return made


def _keys(scheme: Scheme, start: str, end: str) -> tuple[bytes | None, bytes | None, bool]:
    """Give the sort keys of a range's ends; undecided when one of them cannot be ordered.

    Ends the wrong way round are a slip of the publisher's: what lies between them is undecided.
    """
    low = sort_key(scheme, start) if start else None
    high = sort_key(scheme, end) if end else None
    unordered = (start and low is None) or (end and high is None)
    return low, high, bool(unordered or (low is not None and high is not None and low > high))


def _of_row(row: Row) -> int:
    """Give the digest of a row, and with its mark that of what the advisory says."""
    return int.from_bytes(hashlib.blake2b(_ENCODE(row), digest_size=_DIGEST_BYTES).digest(), "big")


def _as_bytes(total: int) -> bytes:
    return total.to_bytes(_DIGEST_BYTES, "big")
