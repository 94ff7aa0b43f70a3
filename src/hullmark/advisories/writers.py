"""Deals a feed's records to the parts that they speak of, and to the records that these parts share."""

import re
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from hullmark.advisories.database import Part, PartInfo
from hullmark.advisories.feed import Feed, Group, part_of
from hullmark.advisories.records import RecordsWriter, mark_of
from hullmark.advisories.spool import Shed
from hullmark.advisories.writer import PartWriter
from hullmark.model.advisory import Advisory, Affected

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
"""What may be a part's key, since it becomes a file's name."""


class Writers:
    """All that is written of a feed (of one group of it, where that is given), in the folder `store`.

    With `olds` they start as these parts are.
    """

    def __init__(
        self, feed: Feed, store: Path, only: Group | None = None, olds: dict[str, Part] | None = None
    ) -> None:
        self.feed = feed
        self.parts: dict[str, PartWriter] = {}
        self._store = store
        self._only = only
        self._olds = olds or {}
        self._shed = Shed(store)
        self._records: dict[str, RecordsWriter] = {}
        self._shared: dict[str, str] = {}  # which records each part has
        for key in self._olds:
            self.part(key)

    def part(self, key: str) -> PartWriter:
        """Give the writer of a part."""
        if key not in self.parts:
            self.parts[key] = PartWriter(self._store, key, self._shed, self._olds.get(key))
        return self.parts[key]

    def _records_of(self, key: str) -> RecordsWriter:
        """Give the records of a part: those of the other parts that are made of the same files."""
        if key not in self._shared:
            old = self._olds.get(key)
            before = old.records if old is not None else None
            group = self._only or self.feed.group(key)
            name = group.name if group is not None and _KEY.fullmatch(group.name) else self.feed.name
            shared = before.path.name if before is not None else name
            if before is None and self._olds and self._records:
                shared = next(iter(self._records))  # a part that is new among old ones takes any of theirs
            self._shared[key] = shared
            if shared not in self._records:
                self._records[shared] = RecordsWriter(self._store, name, self._shed, before)
        return self._records[self._shared[key]]

    def advisory(self, advisory: Advisory, body: bytes) -> list[str]:
        """Put an advisory in, and what `body_of` made of it; give those of its parts whose name is none."""
        by_part: dict[str, list[Affected]] = {}
        for affected in advisory.affected:
            by_part.setdefault(part_of(self.feed, affected), []).append(affected)
        mine = {key: said for key, said in by_part.items() if self._only is None or self._only.makes(key)}
        good = {key: said for key, said in mine.items() if _KEY.fullmatch(key)}
        mark = mark_of(body)
        spoken_of: dict[RecordsWriter, list[str]] = {}
        for key, statements in good.items():
            names = self.part(key).advisory(advisory, mark, statements)
            spoken_of.setdefault(self._records_of(key), []).extend(names)
        for records, packages in spoken_of.items():
            records.add(advisory, body, packages)
        return [key for key in mine if key not in good]

    def remove(self, ids: Collection[str], but: frozenset[str] | None = None) -> None:
        """Take out of the old parts the records and notes of these ids, and those that are not among `but`, where that is given."""

        def gone(here: Callable[[], frozenset[str]]) -> list[str]:
            return sorted(ids if but is None else here().difference(but).union(ids))

        for key, old in self._olds.items():
            for name in gone(old.noted):
                self.part(key).remove(name, ())
            if old.records is not None:
                self._records_of(key)
        for shared, records in self._records.items():
            parts = [key for key, of in self._shared.items() if of == shared]
            assert records.before is not None
            for name in gone(records.before.ids):
                packages = records.remove(name)
                for key in parts:
                    self.part(key).remove(name, packages)

    def with_records(self, made: dict[str, PartInfo], unchanged: Collection[str]) -> dict[str, PartInfo]:
        """Finish the records of the parts that were made, and give these parts with them.

        Parts that are unchanged take the new records too. Where all are, the old ones stay.
        """
        joined = dict(made)
        for shared, records in self._records.items():
            parts = [key for key, of in self._shared.items() if of == shared and key in made]
            if all(key in unchanged for key in parts):
                continue
            name, size = records.finish(self._store)
            for key in parts:
                joined[key] = msgspec.structs.replace(made[key], records=name, records_bytes=size)
        return joined

    def discard(self) -> None:
        """Leave nothing behind but what has its name."""
        for writer in (*self.parts.values(), *self._records.values()):
            writer.discard()
        self._shed.close()
