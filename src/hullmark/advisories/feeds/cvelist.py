"""The CVE List: what the numbering authority (CNA) and CISA's ADP say of each CVE.

Format: https://github.com/CVEProject/cve-schema, version 5; CISA's SSVC stands among the metrics of its container as
https://certcc.github.io/SSVC/data/schema/v1/Decision_Point_Value_Selection-1-0-1.schema.json has it. Scores and weaknesses serve every CVE. Affected
products are taken where they are known by a package URL (`packageURL`, since 5.2), by a package registry (`collectionURL` and
`packageName`) or by CPE names, and where CPE names are all there is (`cpeApplicability`, since 5.1). What is said of versions means what
schema/v5.0/docs/versions.md has: a version has the status of the entry that it falls into, else `defaultStatus`, and `unknown` where
there is none; so with `defaultStatus: affected` the entries are exceptions. By the letter all else would be affected, whatever comes;
but who lists affected ranges beside it (Django, Fortra), or nothing that is not affected, means these, and is taken so. Only 'affected' becomes a statement. Versions that are commits
say nothing here, and nor does a default that has such exceptions; what is said of other systems than Linux (`platforms`) is passed over.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.advisories._formats import applicability, constraints, cpe, cvss, decoding
from hullmark.advisories.feed import (
    Changes,
    Document,
    Feed,
    Group,
    Increments,
    Record,
    Source,
    moment,
    only,
    stamp,
)
from hullmark.advisories.registry import schemes
from hullmark.model.advisory import Advisory, Affected, CveRecord, Range, Reference, Score, Ssvc, Withdrawn
from hullmark.model.errors import VersionError
from hullmark.model.purl import parse_purl, whole_name
from hullmark.model.target import Target

_REGISTRIES = (
    ("cpan.org", "cpan"),
    ("crates.io", "cargo"),
    ("hex.pm", "hex"),
    ("nuget.org", "nuget"),
    ("packagist.org", "composer"),
    ("pkg.go.dev", "golang"),
    ("pub.dev", "pub"),
    ("pypi.org", "pypi"),
    ("pypi.python.org", "pypi"),
    ("registry.npmjs.org", "npm"),
    ("npmjs.com", "npm"),
    ("repo.hex.pm", "hex"),
    ("repo.maven.apache.org", "maven"),
    ("repo1.maven.org", "maven"),
    ("rubygems.org", "gem"),
)
_LIBRARIES = frozenset(purl_type for _host, purl_type in _REGISTRIES)
_ECOSYSTEMS = frozenset({"generic", *_LIBRARIES})
_FILE = re.compile(r"CVE-\d{4}-\d{4,}\.json\Z")
_HOST = re.compile(r"https?://(?:www\.)?([^/]+)")
_NO_VERSION = frozenset({"", "*", "-", "0", "n/a", "unspecified", "unknown", "all"})
_ALL = frozenset({"*", "all"})
_ANY_END = frozenset({"", "*", "unspecified"})
_SERIES = re.compile(r"(.*\d)\.\*\Z")
_ENDLESS = "99999999"
"""A version number above all, for the `*` in `2.*`, which stands for one (versions.md)."""
_COMPARED = re.compile(r"\s*[<>=]")
"""GitHub writes its ranges as text (`>= 1.0, < 1.2.3`)."""
_COMMITS = frozenset({"git", "hg"})
_ELSEWHERE = ("android", "ios", "ipad", "iphone", "mac", "os x", "tvos", "visionos", "watchos", "windows")
_CISA = "CISA-ADP"
_LONGEST_POINT = 40


class _Text(msgspec.Struct):
    lang: str = ""
    value: str = ""


class _Change(msgspec.Struct):
    at: str = ""
    status: str = ""


class _Version(msgspec.Struct, rename="camel"):
    version: str = ""
    status: str = ""
    less_than: str | None = None
    less_than_or_equal: str | None = None
    version_type: str | None = None
    changes: list[_Change] | None = None


class _Product(msgspec.Struct, rename="camel"):
    collection_url: str | None = msgspec.field(name="collectionURL", default=None)
    package_name: str | None = None
    package_url: str | None = msgspec.field(name="packageURL", default=None)
    default_status: str | None = None
    platforms: list[str] | None = None
    versions: list[_Version] | None = None
    cpes: list[str] | None = None


class _Provider(msgspec.Struct, frozen=True, rename="camel"):
    short_name: str = ""


class _Cwe(msgspec.Struct, rename="camel"):
    cwe_id: str | None = None


class _Problem(msgspec.Struct):
    descriptions: list[_Cwe] | None = None


class _Link(msgspec.Struct):
    url: str = ""


class _Container(msgspec.Struct, frozen=True, rename="camel"):
    provider_metadata: _Provider = _Provider()
    title: str | None = None
    descriptions: list[_Text] | None = None
    affected: list[_Product] | None = None
    cpe_applicability: list[msgspec.Raw] | None = None
    metrics: list[dict[str, Any]] | None = None
    problem_types: list[_Problem] | None = None
    references: list[_Link] | None = None


class _Containers(msgspec.Struct, frozen=True):
    cna: _Container = _Container()
    adp: list[_Container] | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    cve_id: str
    state: str = ""
    date_published: str | None = None
    date_updated: str | None = None


class _Cve(msgspec.Struct, rename="camel"):
    cve_metadata: _Metadata
    containers: _Containers = _Containers()


_CVE = msgspec.json.Decoder(_Cve)
_CONFIGURATION = msgspec.json.Decoder(applicability.Configuration)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give what the CVE List says of each CVE, and an advisory where it names packages."""
    for document in documents:
        if _FILE.search(document.path) is None:
            continue  # lists of recent changes lie beside the records
        try:
            record = decoding.json(document.read(), _CVE)
        except decoding.UndecodableError as problem:
            yield document.unread(str(problem))
            continue
        yield from _records(document, record)


def _records(document: Document, record: _Cve) -> Iterator[Record]:
    head = record.cve_metadata
    if not head.cve_id:
        yield document.unread("a record without id")
        return
    if head.state == "REJECTED":
        yield Withdrawn(head.cve_id)
        return
    cna = record.containers.cna
    containers = [cna, *(record.containers.adp or ())]
    published, modified = head.date_published or "", head.date_updated or ""
    yield CveRecord(
        id=head.cve_id,
        details=_english(cna),
        scores=tuple(dict.fromkeys(score for item in containers for score in _scores(item, item is cna))),
        cwes=tuple(
            dict.fromkeys(
                text.cwe_id
                for item in containers
                for problem in item.problem_types or ()
                for text in problem.descriptions or ()
                if text.cwe_id
            )
        ),
        references=tuple(
            Reference(url)
            for url in dict.fromkeys(link.url for item in containers for link in item.references or ())
            if url
        ),
        published=published,
        modified=modified,
        ssvc=next((found for item in containers if (found := _ssvc(item)) is not None), None),
    )
    affected: dict[Affected, None] = {}
    for item in containers:
        for product in item.affected or ():
            try:
                affected.update(dict.fromkeys(_affected(product)))
            except constraints.ConstraintError as problem:
                yield document.unread(f"exceptions that cannot be ordered: {problem}", head.cve_id)
        configurations, problems = _configurations(item)
        said, whole = applicability.affected(configurations)
        for reason in [*problems, *([] if whole else [applicability.ABSURD])]:
            yield document.unread(reason, head.cve_id)
        affected.update(dict.fromkeys(said))
    if affected:
        # The time of the last change is the note's: a new score must not make the packages look changed.
        yield Advisory(id=head.cve_id, title=cna.title or "", affected=tuple(affected), published=published)


def _english(container: _Container) -> str:
    texts = container.descriptions or ()
    return next((text.value for text in texts if text.lang.lower().startswith("en")), "")


def _scores(container: _Container, is_cna: bool) -> Iterator[Score]:  # noqa: FBT001 - called by position once
    short_name = container.provider_metadata.short_name
    source = f"cna:{short_name.lower()}" if is_cna else short_name.lower()
    for metric in container.metrics or ():
        for name, content in metric.items():
            score = _score(source, name, content)
            if score is not None:
                yield score


def _score(source: str, name: str, content: Any) -> Score | None:
    """Read one metric: `cvssV2_0`, `cvssV3_0`, `cvssV3_1` or `cvssV4_0`; others (SSVC) are no severity."""
    if not name.startswith("cvssV") or name[5:6] not in ("2", "3", "4") or not isinstance(content, dict):
        return None
    vector = decoding.string(content.get("vectorString"))
    value = content.get("baseScore")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10:
        return cvss.score(source, vector)
    kinds: dict[str, cvss.Kind] = {"2": "cvss2", "3": "cvss3", "4": "cvss4"}
    return cvss.told(source, kinds[name[5]], vector, float(value))


def _ssvc(container: _Container) -> Ssvc | None:
    """Read the newest of CISA's SSVC decisions in its container, `{"other": {"type": "ssvc", "content": …}}`."""
    if container.provider_metadata.short_name.upper() != _CISA:
        return None
    contents = [
        content
        for metric in container.metrics or ()
        if isinstance(other := metric.get("other"), dict)
        and other.get("type") == "ssvc"
        and isinstance(content := other.get("content"), dict)
    ]
    found: list[Ssvc] = []
    for content in contents:
        options = content.get("options")
        points = {
            name: decoding.string(value)[:_LONGEST_POINT].lower()
            for option in (options if isinstance(options, list) else ())
            if isinstance(option, dict)
            for name, value in option.items()
        }
        decided = Ssvc(
            points.get("Exploitation", ""), points.get("Automatable", ""), points.get("Technical Impact", "")
        )
        if decided != Ssvc():
            date = decoding.string(content.get("timestamp"))
            found.append(msgspec.structs.replace(decided, date=date))
    return max(found, key=lambda each: each.date, default=None)


def _configurations(container: _Container) -> tuple[list[applicability.Configuration], list[str]]:
    """Read `cpeApplicability`, and say what of it is none."""
    found, problems = [], []
    for raw in container.cpe_applicability or ():
        try:
            found.append(decoding.json(bytes(raw), _CONFIGURATION))
        except decoding.UndecodableError as problem:
            problems.append(f"cpeApplicability: {problem}")
    return found, problems


def _affected(product: _Product) -> Iterator[Affected]:
    """Give what a product says. Raises `ConstraintError`."""
    platforms = product.platforms or ()
    if platforms and all(name.strip().lower().startswith(_ELSEWHERE) for name in platforms):
        return
    package = _package(product)
    if package is not None:
        ecosystem, name = package
        ranges, exact = _versions(product, ecosystem)
        if ranges or exact:
            yield Affected(ecosystem=ecosystem, name=name, ranges=ranges, versions=exact)
        return
    names: dict[str, list[str]] = {}
    for text in product.cpes or ():
        item = cpe.parse(text)
        if item is not None and item.part == "a" and not item.is_elsewhere:
            names.setdefault(item.name, []).append(item.exact_version)
    if not names:
        return
    ranges, exact = _versions(product, "generic")
    for name, versions in names.items():
        # With nothing but a default, the names themselves tell which versions it is of.
        named = () if product.versions or "" in versions else tuple(each for each in versions if each != "-")
        if ranges or exact:
            yield Affected(
                ecosystem="generic",
                name=name.partition(":")[2],
                ranges=() if named else ranges,
                versions=named or exact,
                cpes=(name,),
            )


def _package(product: _Product) -> tuple[str, str] | None:
    """Give the ecosystem and the name of a package of a registry."""
    if product.package_url:
        try:
            parsed = parse_purl(product.package_url)
        except ValueError:
            return None
        return (parsed.type, whole_name(parsed)) if parsed.type in _LIBRARIES else None
    host = _HOST.match(product.collection_url or "")
    ecosystem = dict(_REGISTRIES).get(host[1].lower()) if host else None
    return (ecosystem, product.package_name) if ecosystem and product.package_name else None


def _versions(product: _Product, ecosystem: str) -> tuple[tuple[Range, ...], tuple[str, ...]]:
    """Give the ranges and the single versions that are affected. Raises `ConstraintError`."""
    entries = product.versions or []
    if product.default_status == "affected" and _are_exceptions(entries):
        return _all_but(entries, ecosystem), ()
    ranges: list[Range] = []
    exact: list[str] = []
    for entry in entries:
        if entry.version_type not in _COMMITS:
            for status, span in _spans(entry, ecosystem):
                if status != "affected":
                    continue
                if isinstance(span, str):
                    exact.append(span)
                else:
                    ranges.append(span)
    return tuple(ranges), tuple(exact)


def _are_exceptions(entries: list[_Version]) -> bool:
    """Tell whether entries are exceptions to 'affected', not the list of what is affected."""
    if any(entry.status == "affected" and _is_range(entry) for entry in entries):
        return False
    return not entries or any(entry.status != "affected" for entry in entries)


def _is_range(entry: _Version) -> bool:
    return entry.less_than is not None or entry.less_than_or_equal is not None


def _all_but(entries: list[_Version], ecosystem: str) -> tuple[Range, ...]:
    """Give what lies outside the exceptions to 'affected': what is not affected, and of what that is unknown."""
    exceptions = []
    for entry in entries:
        if entry.version_type in _COMMITS:
            return ()
        spans = list(_spans(entry, ecosystem))
        if not spans and entry.status != "affected":
            return ()  # there is an exception, and nobody knows which
        for status, span in spans:
            if status == "affected":
                continue
            if isinstance(span, str):
                exceptions.append([("=", span)])
            else:
                exceptions.append(constraints.comparisons_of(span))
    return constraints.complement(exceptions, ecosystem)


def _spans(entry: _Version, ecosystem: str) -> Iterator[tuple[str, Range | str]]:
    """Give the ranges of an entry with their status, or its one version; the changes within it are where it changes."""
    first = "" if entry.version.strip().lower() in _NO_VERSION else entry.version
    if not _is_range(entry) and not entry.changes:
        # `n/a` alone names no version, and does not say that all are affected; nor are words one (`1.2 and before`).
        if entry.version.lower() in _ALL:
            yield entry.status, Range()
        elif _COMPARED.match(first):
            with contextlib.suppress(constraints.ConstraintError):
                yield entry.status, constraints.published(constraints.comparisons(first), ecosystem)
        elif first and " " not in first.strip():
            yield entry.status, first
        return
    status, start = entry.status, first
    for change in _in_order(entry.changes or [], ecosystem):
        if change.status != status:
            yield status, Range(start, fixed=change.at)
            status, start = change.status, change.at
    below, last = entry.less_than or "", entry.less_than_or_equal or ""
    end = below if below not in _ANY_END else last
    if end in _ANY_END:
        yield status, Range(start)
    elif series := _SERIES.match(end):
        yield status, Range(start, last_affected=_last_of(series[1], ecosystem))
    else:
        yield status, Range(start, fixed=end) if end == below else Range(start, last_affected=end)


def _in_order(changes: list[_Change], ecosystem: str) -> list[_Change]:
    """Sort changes by their versions, since nobody promises that they are, as far as these have an order."""
    scheme = schemes()[ecosystem]
    try:
        return sorted(changes, key=lambda change: scheme.key(change.at))
    except VersionError:
        return changes


def _last_of(series: str, ecosystem: str) -> str:
    """Give a version that is the last of a series (`2` of `2.*`), whatever comes."""
    missing = 3 - len(series.split(".")) if ecosystem in constraints.SEMANTIC else 1
    return ".".join([series, *([_ENDLESS] * max(missing, 1))])


def parts(target: Target) -> tuple[str, ...] | None:
    """Name the part of the target's ecosystem, where CNAs name its packages."""
    return (f"cvelist-{target.ecosystem}",) if target.ecosystem in _ECOSYSTEMS else None


_RAW = "https://raw.githubusercontent.com/CVEProject/cvelistV5/main/"
_PLACE = re.compile(r"cves/\d{4}/\w{1,8}xxx/CVE-\d{4}-\d{4,19}\.json\Z")


class _Entry(msgspec.Struct, rename="camel"):
    github_link: str = ""


class _Batch(msgspec.Struct, rename="camel"):
    fetch_time: str
    new: list[_Entry] = []
    updated: list[_Entry] = []


def _changes(body: bytes, since: str) -> Changes | None:
    """Read `deltaLog.json`: what was published in each batch of the last thirty days."""
    batches = msgspec.json.decode(body, type=list[_Batch])
    times = [moment(batch.fetch_time) for batch in batches]
    if not times:
        raise ValueError("it lists nothing")
    after = moment(since) if since else float("inf")
    if after < min(times):
        return None
    found: dict[str, Source] = {}
    for time, batch in zip(times, batches, strict=True):
        for entry in (*batch.new, *batch.updated) if time > after else ():
            match = _PLACE.search(entry.github_link)
            if match:
                found[match[0]] = Source(url=f"{_RAW}{match[0]}", file=f"cvelist/{match[0]}")
    return Changes(stamp(max(times)), tuple(found.values()))


_SOURCES = Group(
    name="cvelist",
    parts=("cvelist", "cvelist-*"),
    sources=(
        Source(
            url="https://codeload.github.com/CVEProject/cvelistV5/tar.gz/refs/heads/main",
            file="cvelist/cvelistV5.tar.gz",
        ),
    ),
    increments=(
        Increments(
            source=Source(url=f"{_RAW}cves/deltaLog.json", file="cvelist/cves/deltaLog.json"),
            changes=_changes,
        ),
    ),
    size=550_000_000,
)


FEED = Feed(
    name="cvelist",
    title="CVE List",
    licence="CVE terms of use",
    homepage="https://www.cve.org",
    files=("cvelist/**/*.json", "cvelist/*.zip", "cvelist/*.tar.gz"),
    parse=parse,
    parts=parts,
    supplements=tuple(sorted(_ECOSYSTEMS)),
    group=only(_SOURCES),
    all_parts=("cvelist",),
    version=5,
)
