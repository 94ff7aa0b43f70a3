"""NVD: the scores, weaknesses and affected products of each CVE, as pages of the interface 2.0.

Format: https://nvd.nist.gov/developers/vulnerabilities, JSON schema `cve_api_json_2.0.schema`; the yearly
`nvdcve-2.0-*.json` (https://nvd.nist.gov/vuln/data-feeds) are pages too, and the first choice: the interface is asked
where they are not there. What it says of products is read as `_formats/applicability.py` tells, and serves bare binaries only.
"""

import datetime as dt
import re
from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec

from hullmark.advisories._formats import applicability, cvss, decoding
from hullmark.advisories.feed import (
    Asked,
    Changes,
    Document,
    Feed,
    Group,
    Increments,
    Interface,
    Record,
    Source,
    moment,
    stamp,
)
from hullmark.model.advisory import Advisory, CveRecord, Reference, Score, Withdrawn
from hullmark.model.target import Target

_SOURCES = {
    "nvd@nist.gov": "nvd",
    "134c704f-9b21-4f2e-91b3-4a467353bcc0": "cisa-adp",
    "secalert@redhat.com": "cna:redhat",
    "security-advisories@github.com": "cna:github_m",
    "security@apache.org": "cna:apache",
    "cve@mitre.org": "cna:mitre",
    "cna@python.org": "cna:psf",
    "security@golang.org": "cna:go",
    "cna@vuldb.com": "cna:vuldb",
    "secalert_us@oracle.com": "cna:oracle",
    "security@debian.org": "cna:debian",
    "secure@microsoft.com": "cna:microsoft",
    "report@snyk.io": "cna:snyk",
}
"""Whose identifiers NVD names as sources; the short names are those of the CVE programme."""


class _Text(msgspec.Struct):
    lang: str = ""
    value: str = ""


class _CvssData(msgspec.Struct, frozen=True, rename="camel"):
    vector_string: str = ""
    base_score: float | None = None


class _Metric(msgspec.Struct, rename="camel"):
    source: str = ""
    cvss_data: _CvssData = _CvssData()


class _Metrics(msgspec.Struct, frozen=True):
    v40: list[_Metric] = msgspec.field(name="cvssMetricV40", default_factory=list)
    v31: list[_Metric] = msgspec.field(name="cvssMetricV31", default_factory=list)
    v30: list[_Metric] = msgspec.field(name="cvssMetricV30", default_factory=list)
    v2: list[_Metric] = msgspec.field(name="cvssMetricV2", default_factory=list)


class _Weakness(msgspec.Struct):
    description: list[_Text] = []


class _Link(msgspec.Struct):
    url: str = ""
    tags: list[str] = []


class _Cve(msgspec.Struct, rename="camel"):
    id: str
    vuln_status: str = ""
    published: str = ""
    last_modified: str = ""
    descriptions: list[_Text] = []
    metrics: _Metrics = _Metrics()
    weaknesses: list[_Weakness] = []
    configurations: list[applicability.Configuration] = []
    references: list[_Link] = []


class _Item(msgspec.Struct):
    cve: _Cve


class _Page(msgspec.Struct):
    """The items stay undecoded until their turn: a year's page has tens of thousands."""

    vulnerabilities: list[msgspec.Raw]


_PAGE = msgspec.json.Decoder(_Page)
_ITEM = msgspec.json.Decoder(_Item)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give what NVD says of each CVE, and an advisory where it names applications."""
    for document in documents:
        try:
            items = decoding.json(document.read(), _PAGE).vulnerabilities
        except decoding.UndecodableError as problem:
            yield document.unread(str(problem))
            continue
        for number, raw in enumerate(items):
            try:
                record = decoding.json(bytes(raw), _ITEM).cve
            except decoding.UndecodableError as problem:
                yield document.unread(str(problem), f"item {number}")
                continue
            yield from _records(document, record)


def _records(document: Document, record: _Cve) -> Iterator[Record]:
    if not record.id:
        yield document.unread("a record without id")
        return
    if record.vuln_status == "Rejected":
        yield Withdrawn(record.id)
        return
    yield CveRecord(
        id=record.id,
        details=next((text.value for text in record.descriptions if text.lang == "en"), ""),
        scores=tuple(dict.fromkeys(_scores(record.metrics))),
        cwes=tuple(
            dict.fromkeys(
                text.value
                for weakness in record.weaknesses
                for text in weakness.description
                if text.value.startswith("CWE-")
            )
        ),
        references=tuple(
            Reference(url) for url in dict.fromkeys(item.url for item in record.references) if url
        ),
        published=record.published,
        modified=record.last_modified,
    )
    affected, whole = applicability.affected(record.configurations)
    if not whole:
        yield document.unread(applicability.ABSURD, record.id)
    if affected:
        # The time of the last change is the note's: a new score must not make the packages look changed.
        yield Advisory(id=record.id, affected=affected, published=record.published)


def _scores(metrics: _Metrics) -> Iterator[Score]:
    kinds: tuple[tuple[cvss.Kind, list[_Metric]], ...] = (
        ("cvss4", metrics.v40),
        ("cvss3", metrics.v31),
        ("cvss3", metrics.v30),
        ("cvss2", metrics.v2),
    )
    for kind, found in kinds:
        for metric in found:
            value = metric.cvss_data.base_score
            if value is not None and 0 <= value <= 10:
                yield cvss.told(_source(metric.source), kind, metric.cvss_data.vector_string, value)


def _source(identifier: str) -> str:
    """Name a source: by its short name where we know it, else by the domain of its address."""
    return _SOURCES.get(identifier) or f"cna:{identifier.rpartition('@')[2].lower()}"


def parts(target: Target) -> tuple[str, ...] | None:
    """NVD's products serve bare binaries only."""
    return ("nvd-generic",) if target.ecosystem == "generic" else None


_FIRST_YEAR = 2002
_FEEDS = "https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-"
_MODIFIED_DAYS = 7
"""What was modified in the last eight days stands in a file of its own."""
_SERVICE = "https://services.nvd.nist.gov/rest/json/cves/2.0"
_PAGE_SIZE = 2000
_LONGEST_DAYS = 119
"""The interface answers for 120 days at most."""
_INTERFACE = Interface(
    step=_PAGE_SIZE,
    every_s=6.0,  # 5 requests in 30 s, 50 with a key
    every_with_key_s=0.6,
    window_s=30.0,
    header="apiKey",
)


def _changes(body: bytes, since: str) -> Changes | None:
    """Read `nvdcve-2.0-modified.meta`: the time at which the file beside it was made."""
    match = re.search(rb"lastModifiedDate:(\S+)", body)
    if match is None:
        raise ValueError("it does not say when it was modified")
    newest = moment(match[1].decode("ascii", "replace"))
    if since and newest - moment(since) > _MODIFIED_DAYS * 24 * 3600:
        return None
    file = Source(url=f"{_FEEDS}modified.json.gz", file="nvd/nvdcve-2.0-modified.json.gz")
    return Changes(stamp(newest), (file,) if since and newest > moment(since) else ())


def _modified(since: str, until: str) -> Source | None:
    """Ask the interface for what was modified between two times."""
    if moment(until) - moment(since) > _LONGEST_DAYS * 24 * 3600:
        return None
    start, end = (
        dt.datetime.fromtimestamp(moment(time), dt.UTC).isoformat(timespec="milliseconds")
        for time in (since, until)
    )
    span = urlencode({"lastModStartDate": start, "lastModEndDate": end})
    return _pages(f"&{span}", "nvd/modified-{page}.json")


def _pages(query: str, file: str) -> Source:
    url = f"{_SERVICE}?resultsPerPage={_PAGE_SIZE}{query}"
    return Source(url=url, file=file, pages="startIndex", interface=_INTERFACE)


_PARTS = ("nvd", "nvd-generic")


def _group(part: str) -> Group | None:
    if part not in _PARTS:
        return None
    this_year = dt.datetime.now(dt.UTC).year
    interface = Group(
        name="nvd",
        parts=_PARTS,
        sources=(_pages("", "nvd/page-{page}.json"),),
        asked=Asked(name="modified", source=_modified),
        size=1_500_000_000,
    )
    return Group(
        name="nvd",
        parts=_PARTS,
        sources=tuple(
            Source(
                url=f"{_FEEDS}{year}.json.gz",
                file=f"nvd/nvdcve-2.0-{year}.json.gz",
                optional=year == this_year,  # NVD's year begins some hours later than ours
            )
            for year in range(_FIRST_YEAR, this_year + 1)
        ),
        increments=(
            Increments(
                source=Source(url=f"{_FEEDS}modified.meta", file="nvd/nvdcve-2.0-modified.meta"),
                changes=_changes,
            ),
        ),
        otherwise=interface,
        size=240_000_000,
    )


FEED = Feed(
    name="nvd",
    title="National Vulnerability Database",
    licence="Public domain",
    homepage="https://nvd.nist.gov",
    files=("nvd/*.json", "nvd/*.json.gz"),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("nvd",),
    version=4,
)
