"""The records of a group of parts: what advisories say apart from packages, and the ids that they are found by.

    parts/records-<group>-<digest>.db

The releases of a distribution have most of their advisories in common, so a record is stored once for all parts that are made
of the same files. A statement names its record by the advisory's id and the digest of what the record says, so that records can be
written anew without touching parts that have not changed.
"""

import hashlib
import zlib
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec

from hullmark.advisories.bodies import SAMPLES, BodyFile, BodyWriter
from hullmark.advisories.spool import Shed
from hullmark.model.advisory import Advisory, Note
from hullmark.model.errors import FeedError

_TABLES = """
-- _BLOCK records together, by number // _BLOCK; what was taken out is null there
CREATE TABLE records (block INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
-- ids by hash: in each bucket their texts, and record * 4 + kind; kind 0 its own id, 1 an alias, 2 a flaw that the bundle fixes
CREATE TABLE ids (bucket INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
"""
OWN, ALIAS, FIX = range(3)
"""Kinds of ids."""
_BLOCK = 16
_IDS_IN_BUCKET = 200
_CROWDED = 4
"""How many times as many records as a bucket is meant to have ids it may have on average before ids are dealt anew."""
_KEPT_BODIES = 128
_RECORDS_DICTIONARY, _IDS_DICTIONARY = 112 * 1024, 16 * 1024
_BLOCK_ROW = "INSERT OR REPLACE INTO records VALUES (?, ?)"
_IDS_ROW = "INSERT OR REPLACE INTO ids VALUES (?, ?)"


class Record(msgspec.Struct, frozen=True, array_like=True):
    """An advisory without its statements, packed, and the names of the packages that it speaks of."""

    body: bytes
    packages: tuple[str, ...]


Id = tuple[str, int, int]
"""An id, the number of a record that it finds, and its kind."""
_ENCODE = msgspec.msgpack.Encoder().encode
_NO_RECORD = _ENCODE(None)
_ADVISORY = msgspec.msgpack.Decoder(Advisory)
_RECORDS = msgspec.msgpack.Decoder(list[Record | None])
_IDS = msgspec.msgpack.Decoder(tuple[list[str], list[int]])
_IDS_HERE = msgspec.msgpack.Decoder(list[Id])


def body_of(record: Advisory | Note) -> bytes:
    """Pack a note, or an advisory without its statements."""
    return _ENCODE(msgspec.structs.replace(record, affected=()) if isinstance(record, Advisory) else record)


def mark_of(body: bytes) -> int:
    """Give the digest by which the records of one id are told apart, 32 bits of it."""
    return int.from_bytes(hashlib.blake2b(body, digest_size=4).digest(), "big")


class Records(BodyFile):
    """The open records of a group."""

    tables = _TABLES

    def __init__(self, path: Path) -> None:
        super().__init__(path.name.removesuffix(".db"), path)
        self._blocks: dict[int, list[Record | None]] = {}
        self._ids: dict[int, dict[str, list[tuple[int, int]]]] = {}
        self._buckets = 0

    def record(self, number: int) -> Record:
        """Give a record by its number."""
        block, at = divmod(number, _BLOCK)
        if block not in self._blocks:
            rows = self.ask("SELECT body FROM records WHERE block = ?", (block,))
            if len(self._blocks) >= _KEPT_BODIES:
                self._blocks.clear()
            self._blocks[block] = (
                self.decoded(_RECORDS.decode, self.inflated("records", rows[0][0])) if rows else []
            )
        found = self._blocks[block][at] if at < len(self._blocks[block]) else None
        if found is None:
            raise self.damaged(ValueError(f"record {number} is missing"))
        return found

    def read(self, number: int) -> Advisory:
        """Give an advisory, without its statements, by the number of its record."""
        advisory: Advisory = self.decoded(_ADVISORY.decode, self.record(number).body)
        return advisory

    def advisory(self, name: str, mark: int) -> Advisory:
        """Give the advisory of this id whose record has this mark."""
        for number, kind in self.named(name):
            if kind == OWN and mark_of(self.record(number).body) == mark:
                found = self.read(number)
                if found.id == name:
                    return found
        raise self.damaged(ValueError(f"the record of {name} is missing"))

    def named(self, flaw: str) -> list[tuple[int, int]]:
        """Give (number, kind) of the records that carry an id as their own (0), an alias (1) or a fix (2)."""
        if not self._buckets:
            self._buckets = self.decoded(_buckets_of, self.meta())
        bucket = _bucket_of(flaw, self._buckets)
        if bucket not in self._ids:
            rows = self.ask("SELECT body FROM ids WHERE bucket = ?", (bucket,))
            if len(self._ids) >= _KEPT_BODIES:
                self._ids.clear()
            self._ids[bucket] = {}
            for name, number, kind in (
                self.decoded(_read_ids, self.inflated("ids", rows[0][0])) if rows else ()
            ):
                self._ids[bucket].setdefault(name, []).append((number, kind))
        return sorted(self._ids[bucket].get(flaw, ()), key=lambda found: found[::-1])

    def ids(self) -> frozenset[str]:
        """Give the publisher's ids of all records."""
        return frozenset(
            name
            for (body,) in self.ask("SELECT body FROM ids")
            for name, _, kind in self.decoded(_read_ids, self.inflated("ids", body))
            if kind == OWN
        )

    def is_whole(self) -> bool:
        """Tell whether all of the file can be read."""
        try:
            self.ids()
            self.ask("SELECT count(*), sum(length(body)) FROM records")
        except FeedError:
            return False
        return True


class RecordsWriter(BodyWriter):
    """The records of a group while they are written: anew, or as those before with some put in and taken out."""

    def __init__(self, folder: Path, group: str, shed: Shed, before: Records | None = None) -> None:
        name = before.path.stem if before is not None else f"records-{group}"
        super().__init__(folder, name, _TABLES, before)
        self.group = group
        self.before = before
        self._waiting: list[bytes] | None = []  # before there is a dictionary
        self._block = [_NO_RECORD]  # the last one, as it fills up; number 0 is no record
        self._full_blocks = 0
        self._last = 0
        self._spooled = shed.spool()  # ids by hash
        self._ids: dict[int, list[Id]] = {}  # of `before`, in buckets that something was done to
        self._blocks: dict[int, list[Record | None]] = {}
        self._buckets = 1
        if before is not None:
            self._go_on(before)

    def _go_on(self, before: Records) -> None:
        self._waiting = None
        for table in ("records", "ids"):
            self.use(table, before.dictionary(table))
        last = self.number("SELECT max(block) FROM records")
        if not self._block_of(last):
            self._block_of(last).append(None)
        self._last = last * _BLOCK + len(self._block_of(last)) - 1
        self._buckets = _buckets_of(before.meta())

    def add(self, advisory: Advisory, body: bytes, packages: Iterable[str]) -> None:
        """Put a record in: what `body_of` made of an advisory, and the packages that it speaks of."""
        self._last += 1
        record = Record(body, tuple(dict.fromkeys(packages)))
        ids = _ids_of(advisory, self._last)
        if self.before is None:
            for each in ids:
                self._spooled.add(_hash_of(each[0]), _ENCODE(each))
            self._put(_ENCODE(record))
        else:
            for each in ids:
                self._ids_near(each[0]).append(each)
            self._block_of(self._last // _BLOCK).append(record)

    def _put(self, record: bytes) -> None:
        if self._waiting is not None:
            self._waiting.append(record)
            if len(self._waiting) >= SAMPLES:
                self._train()
            return
        self._block.append(record)
        if len(self._block) == _BLOCK:
            self._end_block()

    def _train(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        self.train("records", waiting, _RECORDS_DICTIONARY)
        for record in waiting:
            self._put(record)

    def _end_block(self) -> None:
        body = _ENCODE([msgspec.Raw(each) for each in self._block])
        self.db.execute(_BLOCK_ROW, (self._full_blocks, self.packed("records", body)))
        self._full_blocks += 1
        self._block = []

    def remove(self, name: str) -> list[str]:
        """Take out the records of this id; give the packages that they spoke of, one entry for each record."""
        found = [number for each, number, kind in self._ids_near(name) if each == name and kind == OWN]
        packages: list[str] = []
        for number in found:
            block, at = divmod(number, _BLOCK)
            record = self._block_of(block)[at]
            assert record is not None
            self._block_of(block)[at] = None
            for each in _ids_of(_ADVISORY.decode(record.body), number):
                self._ids_near(each[0]).remove(each)
            packages += record.packages
        return packages

    def _ids_near(self, name: str) -> list[Id]:
        """Give the ids of an id's bucket, to be changed."""
        bucket = _bucket_of(name, self._buckets)
        if bucket not in self._ids:
            known = self.db.execute("SELECT body FROM ids WHERE bucket = ?", (bucket,)).fetchone()
            self._ids[bucket] = _read_ids(self.inflated("ids", known[0])) if known else []
        return self._ids[bucket]

    def _block_of(self, number: int) -> list[Record | None]:
        """Give a block of records, to be changed."""
        if number not in self._blocks:
            known = self.db.execute("SELECT body FROM records WHERE block = ?", (number,)).fetchone()
            self._blocks[number] = _RECORDS.decode(self.inflated("records", known[0])) if known else []
        return self._blocks[number]

    def finish(self, folder: Path) -> tuple[str, int]:
        """Write what is left, give the file its name; give that and its size."""
        if self.before is None:
            if self._waiting is not None:
                self._train()
            self._end_block()
            self._deal_ids()
        else:
            self._finish_changed()
        self.db.execute("INSERT OR REPLACE INTO meta VALUES ('buckets', ?)", (str(self._buckets),))
        self.end()
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
        path = folder / f"records-{self.group}-{digest}.db"
        self.path.replace(path)
        return path.name, path.stat().st_size

    def _finish_changed(self) -> None:
        for number, block in sorted(self._blocks.items()):
            if any(block):
                self.db.execute(_BLOCK_ROW, (number, self.packed("records", _ENCODE(block))))
            else:
                self.db.execute("DELETE FROM records WHERE block = ?", (number,))
        for bucket, ids in sorted(self._ids.items()):
            self.db.execute(_IDS_ROW, (bucket, self.packed("ids", _written_ids(ids))))
        if self._last > _CROWDED * _IDS_IN_BUCKET * self._buckets:
            self._deal_anew()

    def _deal_anew(self) -> None:
        """Deal all ids to more buckets, since a group that has grown has too many in each."""
        for (body,) in self.db.execute("SELECT body FROM ids ORDER BY bucket").fetchall():
            for each in _read_ids(self.inflated("ids", body)):
                self._spooled.add(_hash_of(each[0]), _ENCODE(each))
        self.db.execute("DELETE FROM ids")
        self.db.execute("DELETE FROM dictionary WHERE of_table = 'ids'")
        self._deal_ids()

    def _deal_ids(self) -> None:
        """Write the ids that were gathered into as many buckets as they need."""
        count = sum(count for _, count, _ in self._spooled.merged())
        self._buckets = max(1, -(-count // _IDS_IN_BUCKET))
        found = (
            (int.from_bytes(key, "big") * self._buckets >> 32, each)
            for key, count, body in self._spooled.merged()
            for each in _IDS_HERE.decode(array_of(count) + body)
        )
        buckets = (
            (bucket, _written_ids(each for _, each in group))
            for bucket, group in groupby(found, itemgetter(0))
        )
        self.db.executemany(_IDS_ROW, self.trained("ids", buckets, _IDS_DICTIONARY))

    def close(self) -> None:
        """Close the file."""
        super().close()
        self._spooled.close()


def array_of(count: int) -> bytes:
    """Give what begins an array of so many values (MessagePack specification, `array 32`)."""
    return b"\xdd" + count.to_bytes(4, "big")


def _ids_of(advisory: Advisory, number: int) -> list[Id]:
    """Give the ids that an advisory is found by, each once."""
    kinds = {advisory.id: OWN}
    for kind, names in ((ALIAS, advisory.aliases), (FIX, advisory.fixes)):
        for name in names:
            kinds.setdefault(name, kind)
    return [(name, number, kind) for name, kind in kinds.items()]


def _read_ids(body: bytes) -> list[Id]:
    names, found = _IDS.decode(body)
    if any(each & 3 > FIX for each in found):
        raise ValueError("an id is of a kind that there is not")
    return [(name, each >> 2, each & 3) for name, each in zip(names, found, strict=True)]


def _written_ids(ids: Iterable[Id]) -> bytes:
    chosen = sorted(ids)
    return _ENCODE(([name for name, _, _ in chosen], [number << 2 | kind for _, number, kind in chosen]))


def _hash_of(name: str) -> bytes:
    """Give four bytes of an id by which ids are dealt to buckets, which are in the order of the hashes."""
    return zlib.crc32(name.encode("utf-8", "replace")).to_bytes(4, "big")


def _bucket_of(name: str, buckets: int) -> int:
    return int.from_bytes(_hash_of(name), "big") * buckets >> 32


def _buckets_of(meta: dict[str, str]) -> int:
    buckets = int(meta.get("buckets", ""))
    if not 0 < buckets < 1 << 32:
        raise ValueError(f"{buckets} is no number of buckets")
    return buckets
