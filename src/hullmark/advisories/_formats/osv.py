"""OSV: the Open Source Vulnerability format, version 1.7. Specification: https://ossf.github.io/osv-schema/.

What several feeds share: tolerant types, events turned into ranges, severities into scores. A feed decides
itself which ecosystems it speaks for and whether its records are bundles.
"""

import bisect
import functools
import re
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from hullmark.advisories._formats import cvss, decoding
from hullmark.advisories.feed import Changes, Document, Group, Increments, Source, moment, stamp
from hullmark.advisories.feed import Record as FeedRecord
from hullmark.model.advisory import (
    Advisory,
    Affected,
    Range,
    Reference,
    Score,
    Severity,
    Withdrawn,
)
from hullmark.model.errors import VersionError
from hullmark.model.facts import Unread

LIBRARY_ECOSYSTEMS = {
    "PyPI": "pypi",
    "npm": "npm",
    "Go": "golang",
    "Maven": "maven",
    "crates.io": "cargo",
    "RubyGems": "gem",
    "Packagist": "composer",
    "NuGet": "nuget",
    "Hex": "hex",
    "Pub": "pub",
    "SwiftURL": "swift",
    "ConanCenter": "conan",
    "Bitnami": "bitnami",
    "CRAN": "cran",
    "Hackage": "hackage",
    "Julia": "julia",
    "opam": "opam",
}
"""OSV's names of language ecosystems and the purl types that they mean."""

LEVELS = {
    "critical": Severity.CRITICAL,
    "important": Severity.HIGH,
    "high": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.NEGLIGIBLE,
    "untriaged": Severity.UNKNOWN,
}
"""The words for severity that publishers of OSV documents use, in lower case."""

_WORD_TYPES = {"Ubuntu": "ubuntu"}  # severity types whose score is a word, and whose word it is
_SOURCES = {"CVE": "osv", "OSV": "osv", "MAL": "ossf", "BIT": "bitnami", "GO": "go"}
_BOUND = re.compile(r"(<=?)\s*(\S+)\Z")
_EMBEDDED_MALICIOUS_CODE = "CWE-506"
_PSEUDO_VERSION = re.compile(r"\d{14}-[0-9a-f]{12}\Z")
_NEVER = "0001-01-01"  # the zero time of the Go database's own tool


_BUCKET = "https://osv-vulnerabilities.storage.googleapis.com"
_ID = re.compile(r"[A-Za-z0-9][\w:.+-]{0,199}")


def exported(name: str, part: str, ecosystem: str, folder: str, *, size: int) -> Group:
    """Make the group of an ecosystem in OSV's export: `all.zip`, and `modified_id.csv` for what changed.

    `{release}` in the names is what follows the hyphen in `part`. Layout: https://google.github.io/osv.dev/data/.
    """
    release = part.rpartition("-")[2]
    address = f"{_BUCKET}/{quote(ecosystem.format(release=release))}"
    place = f"osv/{folder.format(release=release)}"
    return Group(
        name=name,
        parts=(part,),
        sources=(Source(url=f"{address}/all.zip", file=f"{place}/all.zip"),),
        increments=(
            Increments(
                source=Source(url=f"{address}/modified_id.csv", file=f"{place}/modified_id.csv"),
                changes=functools.partial(_changes, address, place),
            ),
        ),
        size=size,
    )


def _changes(address: str, place: str, body: bytes, since: str) -> Changes:
    """Read `modified_id.csv`: lines of time and id."""
    after = moment(since) if since else float("inf")
    newest, ids, files = 0.0, set(), []
    for line in body.decode("utf-8", "replace").splitlines():
        text, _, name = line.strip().partition(",")
        if not _ID.fullmatch(name):
            continue
        time = moment(text)
        newest = max(newest, time)
        ids.add(name)
        if time > after:
            files.append(Source(url=f"{address}/{quote(name)}.json", file=f"{place}/{name}.json"))
    if not ids:
        raise ValueError("it lists nothing")
    return Changes(stamp(newest), tuple(files), ids=frozenset(ids))


class Event(msgspec.Struct):
    """One event; exactly one of its fields is set."""

    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class RangeEntry(msgspec.Struct):
    """`affected[].ranges[]`; `type` is ECOSYSTEM, SEMVER or GIT."""

    type: str = ""
    events: list[Event] | None = None


class PackageName(msgspec.Struct):
    """`affected[].package`; the ecosystem may carry a release after a colon (`AlmaLinux:8`)."""

    ecosystem: str = ""
    name: str = ""
    purl: str | None = None


class SeverityEntry(msgspec.Struct):
    """`severity[]`: a CVSS vector, or the publisher's own word."""

    type: str = ""
    score: str = ""


class ReferenceEntry(msgspec.Struct):
    """`references[]`."""

    url: str = ""
    type: str = "WEB"


class Entry(msgspec.Struct):
    """`affected[]`; what is specific to an ecosystem stays undecoded until a feed wants it."""

    package: PackageName | None = None
    ranges: list[RangeEntry] | None = None
    versions: list[str] | None = None
    severity: list[SeverityEntry] | None = None
    ecosystem_specific: msgspec.Raw = msgspec.Raw()
    database_specific: Any = None


class Record(msgspec.Struct):
    """One OSV document. Absent and null mean the same, since publishers write both."""

    id: str
    summary: str | None = None
    details: str | None = None
    aliases: list[str] | None = None
    related: list[str] | None = None
    upstream: list[str] | None = None
    published: str | None = None
    modified: str | None = None
    withdrawn: str | None = None
    affected: list[Entry] | None = None
    severity: list[SeverityEntry] | None = None
    references: list[ReferenceEntry] | None = None
    database_specific: Any = None


_DECODER = msgspec.json.Decoder(Record)


def decode(document: Document) -> Record | Unread:
    """Decode one document, or say why it is none."""
    try:
        record = decoding.json(document.read(), _DECODER)
    except decoding.UndecodableError as problem:
        return document.unread(str(problem))
    if not record.id:
        return document.unread("a record without id")
    return record


class Versions(NamedTuple):
    """The versions that an entry speaks of: those in a range or listed."""

    ranges: tuple[Range, ...]
    listed: tuple[str, ...]


def versions(entry: Entry, ecosystem: str) -> Versions:
    """Give an entry's ranges, and of its listed versions those that the ranges do not cover.

    `ecosystem` is the purl type, by whose order of versions that is decided; GIT ranges are passed over.
    """
    found: list[Range] = []
    extra: list[str] = []
    for item in entry.ranges or ():
        if item.type != "GIT":
            _add_range(item.events or (), ecosystem, found, extra)
    ranges = tuple(dict.fromkeys(found))
    listed = [*(entry.versions or ()), *extra]
    if ranges and listed:
        listed = _uncovered(listed, ranges, ecosystem)
    return Versions(ranges, tuple(dict.fromkeys(listed)))


def _add_range(events: Iterable[Event], ecosystem: str, found: list[Range], extra: list[str]) -> None:
    """Pair events as the specification's evaluation does: an introduction up to the next end.

    Further ends without an introduction between them change nothing there, but a further `last_affected`
    (`0.13.0, 0.14.1, 0.14.2`) names a version that the publisher holds for affected: it goes to `extra`.
    """
    points = [point for event in events if (point := _point(event)) is not None]
    if any(points[i][0] == points[i - 1][0] for i in range(1, len(points))):
        points = _in_order(points, ecosystem)
    opened: str | None = None
    any_opened = False
    for kind, version in points:
        if kind == "introduced":
            if opened is None:
                opened = "" if version == "0" else version
                any_opened = True
        elif opened is not None or not any_opened:
            # An end before any introduction: the schema forbids it; from the first version on is the safe reading.
            any_opened = True
            found.append(
                Range(opened or "", last_affected=version)
                if kind == "last_affected"
                else Range(opened or "", fixed=version)
            )
            opened = None
        elif kind == "last_affected":
            extra.append(version)
    if opened is not None:
        found.append(Range(opened))


def _point(event: Event) -> tuple[str, str] | None:
    if event.introduced is not None:
        return "introduced", event.introduced
    if event.last_affected is not None:
        return "last_affected", event.last_affected
    # A limit is an exclusive upper end like a fix; `*` means that there is none.
    end = event.fixed if event.fixed is not None else event.limit
    return None if end is None or end == "*" else ("fixed", end)


def _in_order(points: list[tuple[str, str]], ecosystem: str) -> list[tuple[str, str]]:
    """Sort events by version, introductions first; as published where the scheme cannot."""
    key = _scheme_key(ecosystem)
    if key is None:
        return points
    try:
        keyed = [
            (b"" if version == "0" else key(version), kind != "introduced", n, (kind, version))
            for n, (kind, version) in enumerate(points)
        ]
    except VersionError:
        return points
    return [item[3] for item in sorted(keyed)]


@functools.cache
def _scheme_key(ecosystem: str) -> Callable[[str], bytes] | None:
    from hullmark.advisories.registry import schemes

    scheme = schemes().get(ecosystem)
    return None if scheme is None else functools.lru_cache(maxsize=1 << 17)(scheme.key)


def _uncovered(listed: list[str], ranges: tuple[Range, ...], ecosystem: str) -> list[str]:
    """Leave out what a range covers anyway; PyPI's database lists every version by name besides the ranges."""
    key = _scheme_key(ecosystem)
    if key is None:
        return listed
    spans: list[tuple[bytes, bytes | None]] = []
    try:
        for item in ranges:
            low = key(item.introduced) if item.introduced else b""
            # The next place after a version that belongs to the range is the least that comes after its key.
            end = (
                key(item.fixed)
                if item.fixed
                else key(item.last_affected) + b"\0"
                if item.last_affected
                else None
            )
            spans.append((low, end))
    except VersionError:
        return listed
    bounds = _union(spans)
    kept = []
    for version in listed:
        try:
            is_covered = bisect.bisect_right(bounds, key(version)) & 1
        except VersionError:
            is_covered = False
        if not is_covered:
            kept.append(version)
    return kept


def _union(spans: list[tuple[bytes, bytes | None]]) -> list[bytes]:
    """Give the places where what is in any span begins and ends, by turns: a version need be looked for once.

    A span is its first place and the first after it, None where it has no end.
    """
    bounds: list[bytes] = []
    for low, end in sorted(spans, key=itemgetter(0)):
        if bounds and len(bounds) % 2:
            break  # what has begun has no end
        if end is not None and end <= low:
            continue  # its end comes before its beginning
        if bounds and low <= bounds[-1]:
            last = bounds.pop()
            if end is not None:
                bounds.append(max(last, end))
        else:
            bounds += [low] if end is None else [low, end]
    return bounds


def source_of(record_id: str) -> str:
    """Say whose word a record is, from the prefix of its id (`GHSA-…` is `ghsa`)."""
    prefix = record_id.partition("-")[0].upper()
    return _SOURCES.get(prefix, prefix.lower())


def scores(record: Record, source: str) -> Iterator[Score]:
    """Give a record's vectors and words; `source` is whose word they are."""
    entries = list(record.severity or ())
    for affected in record.affected or ():
        entries += affected.severity or ()
    for item in entries:
        if item.type.startswith("CVSS"):
            score = cvss.score(source, item.score)
            if score is not None:
                yield score
        elif item.type in _WORD_TYPES:
            yield Score(_WORD_TYPES[item.type], level=LEVELS.get(item.score.lower(), Severity.UNKNOWN))
    specific = record.database_specific
    if isinstance(specific, dict):
        word = specific.get("severity")
        level = LEVELS.get(word.lower()) if isinstance(word, str) else None
        if level is not None:
            yield Score(source, level=level)


def cwes(record: Record) -> tuple[str, ...]:
    """Give the weaknesses that GitHub (of the record) and OpenSSF (of each package) put beside the format."""
    found = _listed(record.database_specific, "cwe_ids")
    for affected in record.affected or ():
        entries = _listed(affected.database_specific, "cwes")
        found += [entry.get("cweId") for entry in entries if isinstance(entry, dict)]
    return tuple(dict.fromkeys(item for item in found if isinstance(item, str)))


def _listed(specific: Any, name: str) -> list[Any]:
    found = specific.get(name) if isinstance(specific, dict) else None
    return list(found) if isinstance(found, list) else []


def is_malicious(names: Iterable[str], weaknesses: Iterable[str]) -> bool:
    """Tell whether a record is about a package that is itself the attack: GitHub marks it by its weakness alone."""
    return _EMBEDDED_MALICIOUS_CODE in weaknesses or any(name.startswith("MAL-") for name in names)


def advisory(
    record: Record,
    affected: Iterable[Affected],
    *,
    source: str = "",
    extra_scores: Iterable[Score] = (),
    bundle: bool = False,
    fixes: tuple[str, ...] = (),
) -> Advisory:
    """Make the advisory of a record; the statements are the feed's. `related` is never an alias."""
    aliases = tuple(name for name in dict.fromkeys(record.aliases or ()) if name and name != record.id)
    weaknesses = cwes(record)
    return Advisory(
        id=record.id,
        title=record.summary or "",
        details=record.details or "",
        aliases=aliases,
        bundle=bundle,
        fixes=fixes,
        affected=tuple(affected),
        scores=tuple(dict.fromkeys((*scores(record, source or source_of(record.id)), *extra_scores))),
        cwes=weaknesses,
        references=tuple(
            dict.fromkeys(Reference(item.url, item.type) for item in record.references or () if item.url)
        ),
        published=_time(record.published),
        modified=_time(record.modified),
        malicious=is_malicious((record.id, *aliases), weaknesses),
    )


def _time(text: str | None) -> str:
    return "" if text is None or text.startswith(_NEVER) else text


def split_ecosystem(text: str) -> tuple[str, str]:
    """Part `AlmaLinux:8` into its name and its release."""
    name, _, release = text.partition(":")
    return name, release


def libraries(document: Document, ecosystems: dict[str, str]) -> Iterator[FeedRecord]:
    """Read one document about libraries, for the ecosystems given (OSV's name → purl type).

    Entries of other ecosystems are passed over: they stand in those ecosystems' own documents too.
    """
    record = decode(document)
    if isinstance(record, Unread):
        yield record
        return
    if record.withdrawn:
        yield Withdrawn(record.id)
        return
    statements: list[Affected] = []
    extra_scores: list[Score] = []
    source = source_of(record.id)
    for entry in record.affected or ():
        package = entry.package
        ecosystem = ecosystems.get(split_ecosystem(package.ecosystem)[0]) if package else None
        if package is None or not ecosystem or not _is_vulnerability(entry):
            continue
        if not package.name:
            yield document.unread("an affected package without name", record.id)
            continue
        statement = _library(record, entry, package, ecosystem)
        if not statement.ranges and not statement.versions:
            yield document.unread(f"no versions of {package.name} that could be compared", record.id)
            continue
        statements.append(statement)
        extra_scores += _entry_scores(entry, source)
    if statements:
        yield advisory(record, merged(statements), source=source, extra_scores=extra_scores)


def merged(statements: Iterable[Affected]) -> tuple[Affected, ...]:
    """Join the statements about one package, where they differ in versions only; GitHub makes one a range."""
    found: dict[Affected, tuple[list[Range], list[str]]] = {}
    for statement in statements:
        rest = msgspec.structs.replace(statement, ranges=(), versions=())
        ranges, listed = found.setdefault(rest, ([], []))
        ranges += statement.ranges
        listed += statement.versions
    return tuple(
        msgspec.structs.replace(
            rest, ranges=tuple(dict.fromkeys(ranges)), versions=tuple(dict.fromkeys(listed))
        )
        for rest, (ranges, listed) in found.items()
    )


def _is_vulnerability(entry: Entry) -> bool:
    """RustSec marks notices and unmaintained crates; neither is a flaw of the versions it names."""
    specific = entry.database_specific
    return not (isinstance(specific, dict) and specific.get("informational") in ("unmaintained", "notice"))


def _entry_scores(entry: Entry, source: str) -> Iterator[Score]:
    """Give the vector that RustSec's export keeps beside the affected versions."""
    specific = entry.database_specific
    vector = specific.get("cvss") if isinstance(specific, dict) else None
    score = cvss.score(source, vector) if isinstance(vector, str) else None
    if score is not None:
        yield score


def _library(record: Record, entry: Entry, package: PackageName, ecosystem: str) -> Affected:
    found = versions(entry, ecosystem)
    ranges, note = found.ranges, ""
    if record.id.startswith("GHSA-"):
        ranges = _last_known(entry, ranges)
    elif ecosystem == "golang" and ranges == (Range(),):
        ranges, note = _unmapped(entry, ranges)
    return Affected(ecosystem=ecosystem, name=package.name, ranges=ranges, versions=found.listed, note=note)


def _last_known(entry: Entry, ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """Close an open range with the end that GitHub keeps beside it where no version is fixed."""
    specific = entry.database_specific
    text = specific.get("last_known_affected_version_range") if isinstance(specific, dict) else None
    match = _BOUND.match(text.strip()) if isinstance(text, str) else None
    if match is None or len(ranges) != 1 or ranges[0].fixed or ranges[0].last_affected:
        return ranges
    introduced = ranges[0].introduced
    if match[1] == "<":
        return (Range(introduced, fixed=match[2]),)
    return (Range(introduced, last_affected=match[2]),)


class _GoSpecific(msgspec.Struct):
    custom_ranges: list[RangeEntry] | None = None


def _unmapped(entry: Entry, ranges: tuple[Range, ...]) -> tuple[tuple[Range, ...], str]:
    """Take the ranges that the Go database could not map to module versions, where it says 'all versions'.

    They hold for versions like those of the releases; `v0.0.0-…` pseudo-versions tell no release and stay
    affected, as the database says. An end that is a pseudo-version is only noted: it stands on whichever tag
    its branch last had, so that old releases of other branches would sort after it.
    """
    raw = bytes(entry.ecosystem_specific)
    if b'"custom_ranges"' not in raw:
        return ranges, ""
    try:
        custom = msgspec.json.decode(raw, type=_GoSpecific).custom_ranges
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ranges, ""
    found = versions(Entry(ranges=custom), "golang").ranges
    fixes = [item.fixed for item in found if _PSEUDO_VERSION.search(item.fixed)]
    if fixes:
        return ranges, f"no release is known to have the fix, which is in {', '.join(fixes)}"
    if not found:
        return ranges, ""
    if all(item.introduced for item in found):
        found = (Range(last_affected="0.0.1-0"), *found)
    return found, "the release versions named here are not all versions of the Go module"
