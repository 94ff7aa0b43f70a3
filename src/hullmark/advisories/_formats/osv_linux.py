"""Linux distributions' security data as OSV documents, one archive for all releases of a distribution.

Format: `osv.py`; export: https://google.github.io/osv.dev/data/. A record names the flaws that it fixes in `upstream` (older
ones in `related`), so it is a bundle, even where it is of one flaw (`BELL-CVE-2025-59375`). Names are those of source
packages; Mageia's versions, and some of openEuler's, begin with them (`gtk+2.0-2.24.33-5.1.mga9`).
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from hullmark.advisories._formats import osv
from hullmark.advisories.feed import Document, Group, Record
from hullmark.model.advisory import Affected, Range, Severity, Withdrawn
from hullmark.model.facts import Unread

_CVE = re.compile(r"CVE-\d{4}-\d{4,}", re.IGNORECASE)
_OTHER_FLAW = re.compile(r"(?:GHSA|GO|PYSEC|RUSTSEC)-[\w-]+", re.IGNORECASE)
_NO_SECURITY = re.compile(r"MGAA-")
_ARCH = re.compile(r"[?&]arch=(\w+)")


class Published(NamedTuple):
    """A distribution: its name at OSV's, its `ID` in lower case, its type of package, and what its releases look like.

    A rolling one has no release; its one part is named after it. `size` is that of its archive, in bytes. `scope` tells whether
    its records name source packages or those that are installed.
    """

    name: str
    id: str
    ecosystem: str
    release: str
    size: int
    scope: Literal["source", "binary"] = "source"

    @property
    def folder(self) -> str:
        """Name its folder below `osv/` of a mirror."""
        return self.name.replace(" ", "-")

    def part(self, release: str) -> str:
        """Name the part of a release; empty where there is no such release."""
        if not re.fullmatch(self.release, release):
            return ""
        return f"{self.id}-{release}" if release else self.id


def parse(documents: Iterator[Document], source: str, published: tuple[Published, ...]) -> Iterator[Record]:
    """Give a bundle for each record; `source` is whose word it is."""
    for document in documents:
        folder = document.path.removeprefix("osv/").partition("/")[0]
        of = next((each for each in published if each.folder == folder), None)
        record = osv.decode(document)
        if isinstance(record, Unread):
            yield record
        elif record.withdrawn:
            yield Withdrawn(record.id)
        elif of is not None and not _NO_SECURITY.match(record.id):
            yield from _bundle(document, record, source, of)


def _bundle(document: Document, record: osv.Record, source: str, of: Published) -> Iterator[Record]:
    level = _level(record)
    affected: dict[Affected, None] = {}
    for entry in record.affected or ():
        package = entry.package
        name, release = osv.split_ecosystem(package.ecosystem) if package else ("", "")
        if package is None or name != of.name:  # another distribution's, whose archive has the record as well
            continue
        part = of.part(release)
        if not part:
            if of.release:  # Echo's builds of libraries (`Echo:PyPI`) are no packages of the system
                yield document.unread(f"{package.ecosystem[:60]!r} is no release", record.id)
            continue
        found = osv.versions(entry, of.ecosystem)
        if not package.name or not (found.ranges or found.listed):
            yield document.unread("a package without name or versions", record.id)
            continue
        statement = Affected(
            ecosystem=of.ecosystem,
            name=package.name,
            release=part,
            scope=of.scope,
            ranges=tuple(_bare(item, package.name) for item in found.ranges),
            versions=found.listed,
            arches=_arches(package.purl or "") if of.scope == "binary" else (),
            level=level,
        )
        affected[statement] = None
    if affected:
        yield osv.advisory(record, affected, source=source, bundle=True, fixes=_fixes(record))


def _arches(purl: str) -> tuple[str, ...]:
    match = _ARCH.search(purl)
    return (match[1],) if match and match[1] != "source" else ()


def _bare(span: Range, name: str) -> Range:
    return Range(
        span.introduced.removeprefix(f"{name}-"),
        span.fixed.removeprefix(f"{name}-"),
        span.last_affected.removeprefix(f"{name}-"),
    )


def _fixes(record: osv.Record) -> tuple[str, ...]:
    """Give the flaws: CVE ids first. What stands with one CVE is that flaw by another name, beside several it may be one more."""
    named = (*(record.upstream or ()), *(record.aliases or ()), *(record.related or ()))
    cves = list(dict.fromkeys(item.upper() for item in named if _CVE.fullmatch(item)))
    others = dict.fromkeys(_spelt(item) for item in named if _OTHER_FLAW.fullmatch(item))
    return tuple(cves if len(cves) == 1 else [*cves, *others])


def _spelt(name: str) -> str:
    """Give an id as its publisher writes it: CleanStart has `GHSA-F6X5-JH6R-WRFV` and `ghsa-…`."""
    head, dash, rest = name.partition("-")
    return f"GHSA-{rest.lower()}" if head.upper() == "GHSA" else f"{head.upper()}{dash}{rest}"


def _level(record: osv.Record) -> Severity:
    specific = record.database_specific
    word = specific.get("severity") if isinstance(specific, dict) else None
    return osv.LEVELS.get(word.lower(), Severity.UNKNOWN) if isinstance(word, str) else Severity.UNKNOWN


def files(published: tuple[Published, ...]) -> tuple[str, ...]:
    """Name the files below a mirror."""
    return tuple(f"osv/{each.folder}/{end}" for each in published for end in ("all.zip", "*.json"))


def group(part: str, published: tuple[Published, ...]) -> Group | None:
    """Give the archive that a part is made of, with all releases."""
    for each in published:
        if part == each.part(part.removeprefix(f"{each.id}-") if each.release else ""):
            exported = osv.exported(each.id, part, each.name, each.folder, size=each.size)
            return msgspec.structs.replace(exported, parts=(f"{each.id}-*" if each.release else each.id,))
    return None
