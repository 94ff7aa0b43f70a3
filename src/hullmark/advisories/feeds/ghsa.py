"""GitHub's advisories: the OSV documents of its advisory database, or pages of its GraphQL interface.

Formats: https://github.com/github/advisory-database (`advisories/github-reviewed/…/GHSA-….json`, see
`_formats/osv.py`; the unreviewed half names no packages), and
https://docs.github.com/graphql/reference/objects#securityvulnerability, a page of `securityVulnerabilities`
as answered. Where such an answer does not ask for the ecosystem, the file is named by it (`npm.json`).
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.advisories._formats import constraints, cvss, decoding, osv
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Advisory, Affected, Range, Reference, Score, Severity, Withdrawn
from hullmark.model.target import Target

_GRAPHQL = {
    "COMPOSER": "composer",
    "ERLANG": "hex",
    "GO": "golang",
    "MAVEN": "maven",
    "NPM": "npm",
    "NUGET": "nuget",
    "PIP": "pypi",
    "PUB": "pub",
    "RUBYGEMS": "gem",
    "RUST": "cargo",
    "SWIFT": "swift",
}
_TYPES = frozenset(_GRAPHQL.values())
_ECOSYSTEMS = {name: purl_type for name, purl_type in osv.LIBRARY_ECOSYSTEMS.items() if purl_type in _TYPES}
_STEMS = {purl_type: purl_type for purl_type in _TYPES} | {
    name.lower(): purl_type for name, purl_type in _GRAPHQL.items()
}


class _Identifier(msgspec.Struct):
    type: str = ""
    value: str = ""


class _Link(msgspec.Struct):
    url: str = ""


class _Weakness(msgspec.Struct, rename="camel"):
    cwe_id: str = ""


class _Weaknesses(msgspec.Struct):
    nodes: list[_Weakness] | None = None


class _Vector(msgspec.Struct, rename="camel"):
    vector_string: str | None = None


class _Vectors(msgspec.Struct):
    cvss_v3: _Vector | None = msgspec.field(default=None, name="cvssV3")
    cvss_v4: _Vector | None = msgspec.field(default=None, name="cvssV4")


class _Advisory(msgspec.Struct, rename="camel"):
    identifiers: list[_Identifier] | None = None
    ghsa_id: str | None = None
    summary: str | None = None
    description: str | None = None
    classification: str | None = None
    severity: str | None = None
    references: list[_Link] | None = None
    cwes: _Weaknesses | None = None
    cvss: _Vector | None = None
    cvss_severities: _Vectors | None = None
    published_at: str | None = None
    updated_at: str | None = None
    withdrawn_at: str | None = None


class _Package(msgspec.Struct):
    name: str = ""
    ecosystem: str | None = None


class _Version(msgspec.Struct):
    identifier: str = ""


class _Node(msgspec.Struct, rename="camel"):
    advisory: _Advisory
    package: _Package
    first_patched_version: _Version | None = None
    vulnerable_version_range: str = ""


class _Edge(msgspec.Struct):
    node: _Node


class _Edges(msgspec.Struct):
    edges: list[_Edge] | None = None
    nodes: list[_Node] | None = None


class _Data(msgspec.Struct, rename="camel"):
    security_vulnerabilities: _Edges


class _Page(msgspec.Struct):
    data: _Data


_PAGE = msgspec.json.Decoder(_Page)
_GRAPHQL_MARK = b'"securityVulnerabilities"'


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each reviewed document, or for each advisory of a page."""
    for document in documents:
        if not document.path.endswith(".json") or "/unreviewed/" in document.path:
            continue
        body = document.read()
        # A page says within its first characters what it answers; an OSV document begins with its own fields.
        if _GRAPHQL_MARK in body[:1000]:
            yield from _page(document, body)
        else:
            yield from osv.libraries(document, _ECOSYSTEMS)


def _page(document: Document, body: bytes) -> Iterator[Record]:
    try:
        content = decoding.json(body, _PAGE).data.security_vulnerabilities
    except decoding.UndecodableError as problem:
        yield document.unread(str(problem))
        return
    stem = document.path.rpartition("/")[2].partition(".")[0].partition("-")[0].lower()
    nodes = [*(edge.node for edge in content.edges or ()), *(content.nodes or ())]
    groups: dict[str, list[_Node]] = {}
    for node in nodes:
        groups.setdefault(_id(node.advisory), []).append(node)
    for name, group in groups.items():
        if not name:
            yield document.unread("advisories without a GHSA id", f"{len(group)} of them")
            continue
        yield from _group(document, name, group, _STEMS.get(stem, ""))


def _id(advisory: _Advisory) -> str:
    named = (item.value for item in advisory.identifiers or () if item.type == "GHSA")
    return advisory.ghsa_id or next(named, "")


def _group(document: Document, name: str, group: list[_Node], ecosystem: str) -> Iterator[Record]:
    first = group[0].advisory
    if first.withdrawn_at:
        yield Withdrawn(name)
        return
    affected = []
    for node in group:
        own = node.package.ecosystem
        purl_type = _GRAPHQL.get(own) if own else ecosystem
        if purl_type is None:
            continue  # GitHub's actions and what is no library
        if not purl_type or not node.package.name:
            yield document.unread("a package without name or ecosystem", name)
            continue
        try:
            versions = _range(node, purl_type)
        except constraints.ConstraintError as problem:
            yield document.unread(str(problem), name)
            continue
        affected.append(Affected(ecosystem=purl_type, name=node.package.name, ranges=(versions,)))
    if affected:
        aliases = tuple(
            dict.fromkeys(item.value for item in first.identifiers or () if item.value and item.value != name)
        )
        cwes = tuple(item.cwe_id for item in (first.cwes and first.cwes.nodes) or () if item.cwe_id)
        yield Advisory(
            id=name,
            title=first.summary or "",
            details=first.description or "",
            aliases=aliases,
            affected=osv.merged(affected),
            scores=tuple(dict.fromkeys(score for node in group for score in _scores(node.advisory))),
            cwes=cwes,
            references=tuple(
                dict.fromkeys(Reference(item.url) for item in first.references or () if item.url)
            ),
            published=first.published_at or "",
            modified=first.updated_at or "",
            malicious=first.classification == "MALWARE" or osv.is_malicious((name, *aliases), cwes),
        )


def _range(node: _Node, purl_type: str) -> Range:
    """Give the vulnerable range; up to the patched version where it ends with the last vulnerable one."""
    found = constraints.published(constraints.comparisons(node.vulnerable_version_range), purl_type)
    patched = node.first_patched_version.identifier if node.first_patched_version else ""
    return Range(found.introduced, fixed=patched) if patched and found.last_affected else found


def _scores(advisory: _Advisory) -> Iterator[Score]:
    kinds = advisory.cvss_severities or _Vectors()
    vectors: tuple[Any, ...] = (kinds.cvss_v4, kinds.cvss_v3, advisory.cvss)
    for vector in vectors:
        score = cvss.score("ghsa", vector.vector_string) if vector and vector.vector_string else None
        if score is not None:
            yield score
    level = osv.LEVELS.get((advisory.severity or "").lower(), Severity.UNKNOWN)
    if level is not Severity.UNKNOWN:
        yield Score("ghsa", level=level)


def parts(target: Target) -> tuple[str, ...] | None:
    """Each ecosystem is a part of its own."""
    return (f"ghsa-{target.ecosystem}",) if target.ecosystem in _TYPES else None


_SOURCES = Group(
    name="ghsa",
    parts=("ghsa-*",),
    sources=(
        Source(
            url="https://codeload.github.com/github/advisory-database/tar.gz/refs/heads/main",
            file="ghsa/advisory-database.tar.gz",
        ),
    ),
    size=150_000_000,
)


FEED = Feed(
    name="ghsa",
    title="GitHub Advisory Database",
    licence="CC-BY-4.0",
    homepage="https://github.com/advisories",
    files=("ghsa/**/*.json", "ghsa/*.json.gz", "ghsa/*.tar.gz", "ghsa/*.zip"),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("ghsa-npm",),
    version=3,
)
