"""The records that speak of one flaw, by whichever of its ids it is asked for: a CVE, a GHSA, a publisher's own, a notice's."""

import contextlib
import re
from collections.abc import Container, Iterable, Iterator
from typing import Literal, NamedTuple

from hullmark.advisories.database import Database, Part
from hullmark.advisories.lookup import spellings
from hullmark.model.advisory import Advisory
from hullmark.model.errors import FeedError

By = Literal["id", "alias", "bundle"]
_CVE = re.compile(r"CVE-\d{4}-\d{4,}\Z")
_OWN = 0
_STEPS = 3
"""Aliases lead from one record to the next: a distribution's to the CVE, that to the GHSA, that to the ecosystem's own."""
_MOST_IDS = 5_000


class Record(NamedTuple):
    """A record of the flaw: how it speaks of it, what it says, and the packages that it names in any part that shares it."""

    by: By
    advisory: Advisory
    packages: tuple[str, ...]


class Flaw:
    """One flaw as a database knows it. No two CVEs are taken for one, unless a notice or a record that names both is asked for.

    `ids` are its names, the one that was asked for first as its publisher writes it; `also` are names that a report knows.
    """

    def __init__(self, database: Database, asked: str, also: Iterable[str] = ()) -> None:
        self._groups: dict[str, Part] = {}
        for key, info in sorted(database.current.parts.items()):
            if info.records and info.records not in self._groups:
                with contextlib.suppress(FeedError):  # what nobody needs for this image may be damaged
                    part = database.part(key)
                    if part is not None and part.records is not None:
                        self._groups[info.records] = part
        self._found: dict[str, dict[tuple[str, int], Record]] = {}
        self._asked = frozenset(spellings(asked))
        self._cves = {name for name in self._asked if _CVE.match(name)}
        self._ids: dict[str, None] = {}
        waiting = list(dict.fromkeys((*self._asked, *also)))
        for _step in range(_STEPS):
            new = [name for name in waiting if name not in self._ids]
            waiting = []
            for name in new[:_MOST_IDS]:
                self._ids[name] = None
                waiting += [each for file in self._groups for each in self._take(file, name)]
        known = {record.advisory.id for found in self._found.values() for record in found.values()}
        known.update(
            name for found in self._found.values() for r in found.values() for name in _names(r.advisory)
        )
        self.id = next((name for name in spellings(asked) if name in known), _as_published(asked))
        self.ids = (self.id, *sorted(name for name in self._ids if name in {*known, *also} - {self.id}))

    def _take(self, file: str, name: str) -> Iterator[str]:
        """Take in the records of a group that carry an id; give the further ids that they lead to."""
        part = self._groups[file]
        with contextlib.suppress(FeedError):
            for number, kind in part.named(name):
                own, mark, packages = part.record(number)
                advisory = part.advisory(own, mark)
                is_asked = bool({own} & self._asked)
                if self._is_another(advisory, is_asked=is_asked):
                    continue
                by: By = "bundle" if advisory.bundle else "id" if kind == _OWN and is_asked else "alias"
                self._found.setdefault(file, {}).setdefault((own, mark), Record(by, advisory, packages))
                yield from self._further(advisory, is_asked=is_asked)

    def _is_another(self, advisory: Advisory, *, is_asked: bool) -> bool:
        """Tell whether a record is of other CVEs, and only shares a name with the flaw."""
        cves = {name for name in (advisory.id, *advisory.aliases) if _CVE.match(name)}
        return not (is_asked or advisory.bundle or not cves or not self._cves or cves & self._cves)

    def _further(self, advisory: Advisory, *, is_asked: bool) -> Iterator[str]:
        if advisory.bundle:
            if is_asked:
                self._cves.update(advisory.fixes)
                yield from advisory.fixes
            return
        names = [advisory.id, *advisory.aliases]
        if advisory.malicious:
            # An attack is no flaw: its names lead to no CVE, and a CVE to none of its names.
            yield from (name for name in names if is_asked and not _CVE.match(name))
            return
        if not self._cves:
            self._cves.update(name for name in names if _CVE.match(name))
        yield from (name for name in names if name in self._cves or not _CVE.match(name))

    def records(self, part: Part) -> dict[tuple[str, int], Record]:
        """Give the records on the flaw that a part shares, by id and mark; it need not speak of all of them."""
        return self._found.get(part.info.records, {})

    def all_records(self, files: Container[str] | None = None) -> Iterator[Record]:
        """Give every record on the flaw, or those of these files (`PartInfo.records`)."""
        for file, found in self._found.items():
            if files is None or file in files:
                yield from found.values()


def _names(advisory: Advisory) -> tuple[str, ...]:
    return advisory.fixes if advisory.bundle else advisory.aliases


def _as_published(asked: str) -> str:
    """Give an id that nobody knows as its publisher would write it."""
    head, dash, rest = asked.partition("-")
    if head.upper() == "CVE":
        return asked.upper()
    return f"GHSA-{rest.lower()}" if dash and head.upper() == "GHSA" else asked
