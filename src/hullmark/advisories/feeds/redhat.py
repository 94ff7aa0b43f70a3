"""Red Hat's CSAF documents: a VEX document for each CVE, and security advisories (RHSA).

Format: `_formats/csaf.py`; https://security.access.redhat.com/data/csaf/v2/vex/ and `…/advisories/`; how Red
Hat fills them: https://redhatproductsecurity.github.io/security-data-guidelines/csaf-vex/. Both list deleted
documents in `deletions.csv`. Builds are binary packages with their purl; what has no fix is named without a
version.

What is left out: packages with debugging symbols only, whatever is no rpm (containers), and unaffected builds that
merely came with an erratum. EUS and layered products are kept apart by their CPE. What a layered product has no fix for is said
of its major version, which names no release of RHEL (`openshift:4`): that stands in every release, and the image's
repositories decide. Where some of its minor releases have a fix these are heard alone. A build of an extended stream that has the fix (`-14.el9_0.9`) is not affected, wherever it is found.
"""

import functools
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from hullmark.advisories._formats import csaf, decoding
from hullmark.advisories._formats.ordering import ordered
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
from hullmark.model.advisory import Advisory, Affected, Range, Reference, Score, Severity, State, Withdrawn
from hullmark.model.target import Target

# `cpe:/a:redhat:enterprise_linux:9::appstream`, `cpe:/o:redhat:rhel_eus:9.0::baseos`, `cpe:/a:redhat:openshift:4.16::el9`;
# since RHEL 10 `cpe:/o:redhat:enterprise_linux:10.1` and `cpe:/o:redhat:enterprise_linux_eus:10.0`
_CPE = re.compile(r"cpe:/[aoh]:redhat:([^:]+)(?::(\d+)[^:]*)?(?::[^:]*)?(?::(?:[^:]*\bel(\d+)\b)?[^:]*)?")
_MAIN = "enterprise_linux"
# Products whose version is the one of RHEL; that of others (`rhel_software_collections:3`) is their own.
_RHEL_VERSIONED = re.compile(
    r"(?:rhel|enterprise_linux)_(?:aus|e4s|eus|tus|els|extras|mission|eus_long_life|elseus)"
)
_EXTENDED = re.compile(r"redhat:(?:rhel|enterprise_linux)_(?:aus|e4s|eus|tus|els|eus_long_life|elseus):")
_DIST = re.compile(r"\.el(\d+)")
# The minor release that a build was made for: `.el9_2.4`, `.module+el8.9.0+19193+435404ae`.
_STREAM = re.compile(r"(\.el\d+_)(\d+)|(\.module\+el\d+\.)(\d+)")
_PLATFORM = re.compile(r"-\d+\.(\d+)\.")
_ERRATUM = re.compile(r"/errata/(RH[SBE]A-\d{4}:\d+)")
_DELETED = re.compile(r'"?(?:[^",/]+/)?(cve-\d{4}-\d+|rh[sbe]a-\d{4}_\d+)\.json"?', re.IGNORECASE)
_RELEASES = ("rhel-7", "rhel-8", "rhel-9", "rhel-10")
"""Where packages of products may be that name no release."""
_ENDED = "out of support scope"
"""Said of a product that is past the part of its life in which such a flaw is fixed, and is taken for affected unseen."""
_RPM_IDS = frozenset({"rhel", "centos", "redhat"})

_RANK: dict[str, int] = {
    "fixed": 0,
    "affected": 1,
    "will_not_fix": 1,
    "end_of_life": 1,
    "under_investigation": 2,
    "not_affected": 3,
}
_STATUSES: dict[str, State | Literal["fixed"]] = {
    "fixed": "fixed",
    "first_fixed": "fixed",
    "known_affected": "affected",
    "first_affected": "affected",
    "last_affected": "affected",
    "under_investigation": "under_investigation",
    "known_not_affected": "not_affected",
}


class _Place(NamedTuple):
    """Where a package belongs. `stem` is the product's CPE without the repository, empty for RHEL itself."""

    release: str
    stem: str
    cpe: str


class _Key(NamedTuple):
    """What one statement is about."""

    release: str
    stem: str
    name: str
    source: bool
    module: str


class _Said:
    """What a flaw's product statuses say of one package in one product."""

    __slots__ = ("builds", "cpes", "level", "notes", "state")

    def __init__(self, state: State | Literal["fixed"]) -> None:
        self.state = state
        self.builds: dict[str, int] = {}  # version -> minor release
        self.cpes: dict[str, None] = {}
        self.notes: dict[str, None] = {}
        self.level = Severity.UNKNOWN


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each VEX document, and a bundle for each security advisory.

    The list of what was deleted keeps what was published again since: documents that are there outweigh it.
    """
    there: set[str] = set()
    lists: list[Document] = []
    for document in documents:
        if document.path.endswith(".csv"):
            lists.append(document)
            continue
        try:
            content = csaf.decode(document.read())
        except decoding.UndecodableError as problem:
            yield document.unread(str(problem))
            continue
        if content.deleted:
            yield Withdrawn(content.document.tracking.id)
            continue
        there.add(content.document.tracking.id)
        if content.document.category == "csaf_security_advisory":
            yield from _bundles(document, content)
        else:
            yield from _flaws(document, content)
    for document in lists:
        for record in _deletions(document):
            if not (isinstance(record, Withdrawn) and record.id in there):
                yield record


def _deletions(document: Document) -> Iterator[Record]:
    for line in document.read().decode("utf-8", "replace").split("\n"):
        match = _DELETED.match(line)
        if match:
            yield Withdrawn(match[1].upper().replace("_", ":"))
        elif line.strip():
            yield document.unread(f"line not understood: {line[:80]!r}")


def _flaws(document: Document, content: csaf.Csaf) -> Iterator[Record]:
    tracking = content.document.tracking
    products = csaf.Products(content)
    for flaw in content.vulnerabilities:
        statements = _Statements(flaw, products)
        affected = statements.affected()
        yield from statements.unread(document)
        severity = csaf.LEVELS.get(content.document.aggregate_severity.text.lower())
        scores = (Score("redhat", "level", severity),) if severity else ()
        yield Advisory(
            id=flaw.cve or tracking.id,
            title=flaw.title or content.document.title,
            details=flaw.description(),
            affected=affected,
            scores=scores + flaw.vectors("redhat"),
            cwes=(flaw.cwe.id,) if flaw.cwe and flaw.cwe.id else (),
            references=flaw.links() + statements.errata(),
            published=flaw.release_date,
            modified=tracking.current_release_date,
        )


def _bundles(document: Document, content: csaf.Csaf) -> Iterator[Record]:
    """Give an erratum, once for each set of builds: not every flaw in it touches every package."""
    tracking = content.document.tracking
    products = csaf.Products(content)
    flaws: dict[tuple[Affected, ...], list[str]] = {}
    for flaw in content.vulnerabilities:
        statements = _Statements(flaw, products)
        yield from statements.unread(document)
        fixed = tuple(
            msgspec.structs.replace(entry, note="", level=Severity.UNKNOWN)
            for entry in statements.affected()
            if entry.state == "affected"
        )
        if fixed and flaw.cve:
            flaws.setdefault(fixed, []).append(flaw.cve)
    severity = csaf.LEVELS.get(content.document.aggregate_severity.text.lower())
    for affected, names in flaws.items():
        yield Advisory(
            id=tracking.id,
            title=content.document.title,
            bundle=True,
            fixes=tuple(names),
            affected=affected,
            scores=(Score("redhat", "level", severity),) if severity else (),
            references=(Reference(f"https://access.redhat.com/errata/{tracking.id}", "ADVISORY"),),
            published=tracking.initial_release_date,
            modified=tracking.current_release_date,
        )


class _Statements:
    """The statements of one flaw, gathered from its product statuses."""

    def __init__(self, flaw: csaf.Vulnerability, products: csaf.Products) -> None:
        self._products = products
        self._said: dict[_Key, _Said] = {}
        self._problems: dict[str, str] = {}
        self._errata: dict[str, str] = {}
        self._remedies: dict[str, tuple[str, str]] = {}
        self._notes: dict[str, str] = {}
        self._levels: dict[str, Severity] = {}
        for threat in flaw.threats:
            level = csaf.LEVELS.get(threat.details.lower())
            if threat.category == "impact" and level:
                self._levels.update(dict.fromkeys(threat.product_ids, level))
        for remedy in flaw.remediations:
            match = _ERRATUM.search(remedy.url) if remedy.category == "vendor_fix" else None
            if match:
                self._errata[match[1]] = remedy.url
                self._notes.update(dict.fromkeys(remedy.product_ids, match[1]))
            elif remedy.category in ("none_available", "no_fix_planned"):
                self._remedies.update(dict.fromkeys(remedy.product_ids, (remedy.category, remedy.details)))
        for status, ids in flaw.product_status.items():
            for product_id in ids:
                self._take(status, product_id)

    def unread(self, document: Document) -> Iterator[Record]:
        """Give what could not be understood."""
        for place, reason in self._problems.items():
            yield document.unread(reason, place)

    def errata(self) -> tuple[Reference, ...]:
        """Link the errata that fix the flaw."""
        return tuple(Reference(url, "FIX") for url in dict.fromkeys(self._errata.values()))

    def _take(self, status: str, product_id: str) -> None:
        state = _STATUSES.get(status)
        if state is None:
            if status != "recommended":
                self._problems[f"status {status[:40]}"] = (
                    "a status that this version of Hullmark does not know"
                )
            return
        try:
            found = self._place(product_id)
        except ValueError as problem:
            self._problems[f"product {product_id[:120]}"] = str(problem)
            return
        if found is None:
            return
        product, package, places = found
        if state == "not_affected" and (package.evr or len(places) > 1):
            return
        if state == "fixed" and not package.evr:
            self._problems[f"product {product_id[:120]}"] = "fixed, but no build is named"
            return
        note = self._notes.get(product_id, "")
        if state == "affected" and product_id in self._remedies:
            category, details = self._remedies[product_id]
            state = _unfixed(category, details)
            note = "" if details.lower() == "affected" else details
        for place in places:
            said = self._said_of(place, package, state)
            if said is None:
                continue
            if state == "fixed":
                said.builds.setdefault(package.evr, _minor(product, package.evr))
            if place.stem:
                said.cpes[place.cpe] = None
            if note:
                said.notes[note] = None
            said.level = self._levels.get(product_id, said.level)

    def _place(self, product_id: str) -> tuple[csaf.Product, csaf.Rpm, tuple[_Place, ...]] | None:
        """Find what a product is, and where it belongs; None for what is left out. Raises `ValueError` for what is not understood."""
        product = self._products.get(product_id)
        if product is None:
            raise ValueError("not defined in the product tree")
        package = next((found for purl in product.purls if (found := csaf.rpm(purl)) is not None), None)
        if package is None or package.is_debug:
            return None
        places = _places(product, package)
        return (product, package, places) if places else None

    def _said_of(self, place: _Place, package: csaf.Rpm, state: State | Literal["fixed"]) -> _Said | None:
        """Give the statement to add to; None where another status of the same package outranks this one."""
        key = _Key(place.release, place.stem, package.name, package.arch == "src", package.module)
        said = self._said.get(key)
        if said is None or _RANK[state] < _RANK[said.state]:
            said = self._said[key] = _Said(state)
        return said if _RANK[state] <= _RANK[said.state] else None

    def affected(self) -> tuple[Affected, ...]:
        """Give the statements. A source that its binaries speak for, build by build, is not repeated."""
        spoken: dict[tuple[str, str, str], set[str]] = {}
        for key, said in self._said.items():
            if not key.source:
                builds = {_bare(build) for build in said.builds}
                spoken.setdefault((key.release, key.stem, key.module), set()).update(builds)
        own = {key for key in self._said if not key.stem}
        exact = {
            key._replace(stem=key.stem.rpartition(".")[0])
            for key, said in self._said.items()
            if said.state == "fixed" and "." in key.stem
        }
        found: list[Affected] = []
        for key, said in self._said.items():
            if key.stem and key in exact:
                continue
            is_repeated = (
                key.source
                and said.state == "fixed"
                and {_bare(build) for build in said.builds}
                <= spoken.get((key.release, key.stem, key.module), set())
            )
            if not is_repeated:
                found.append(_affected(key, said))
            if key._replace(stem="") in own and not key.source and _EXTENDED.match(key.stem):
                found += _spared(key, said.builds)
        return tuple(found)


def _unfixed(category: str, details: str) -> State:
    """Say what becomes of a flaw that has no fix, by the remediation that stands there in place of one."""
    if category != "no_fix_planned":
        return "affected"
    return "end_of_life" if details.lower() == _ENDED else "will_not_fix"


def _places(product: csaf.Product, package: csaf.Rpm) -> tuple[_Place, ...]:
    """Name a product's release, or all of them where a layered product names none; nothing where it is no product of theirs."""
    layered: tuple[_Place, ...] = ()
    for cpe in product.cpes:
        match = _CPE.match(cpe)
        if match is None:
            continue
        name, major, dist = match.groups()
        if name == _MAIN:
            if major:
                return (_Place(f"rhel-{major}", "", cpe),)
            continue
        if not dist and _RHEL_VERSIONED.match(name):
            dist = major
        if not dist and (build := _DIST.search(package.evr)):
            dist = build[1]
        stem = ":".join(cpe.split(":")[2:5])
        if dist:
            return (_Place(f"rhel-{dist}", stem, cpe),)
        layered = layered or tuple(_Place(release, stem, cpe) for release in _RELEASES)
    return layered


def _minor(product: csaf.Product, evr: str) -> int:
    match = _STREAM.search(evr)
    if match:
        return int(match[2] or match[4])
    platform = _PLATFORM.search(product.platform)
    return int(platform[1]) if platform else 0


def _bare(evr: str) -> str:
    return evr.rpartition(":")[2]


def _ranges(builds: dict[str, int]) -> tuple[Range, ...]:
    """Give the affected versions where each minor release has a build of its own with the fix.

    9.2's fix `-23.el9_2.4` is older than 9.3's unfixed `-26.el9`, and is none the worse for it: what lies
    between the fix of one minor release and the first build that a later one can have is not affected.
    """
    first: dict[int, str] = {}
    for build in ordered("rpm", builds):
        first.setdefault(builds[build], build)
    fixes = [first[minor] for minor in sorted(first)]
    starts = [_next_stream(build) for build in fixes[:-1]]
    if not all(starts):
        return tuple(Range(fixed=build) for build in fixes)
    return tuple(Range(start, build) for start, build in zip(["", *starts], fixes, strict=True))


def _next_stream(build: str) -> str:
    match = _STREAM.search(build)
    if match is None:
        return ""
    return f"{build[: match.start()]}{match[1] or match[3]}{int(match[2] or match[4]) + 1}"


def _affected(key: _Key, said: _Said) -> Affected:
    state: State = "affected" if said.state == "fixed" else said.state
    return Affected(
        ecosystem="rpm",
        name=key.name,
        release=key.release,
        scope="source" if key.source else "binary",
        state=state,
        ranges=_ranges(said.builds) if said.builds else (Range(),),
        module=key.module,
        cpes=tuple(said.cpes),
        level=said.level,
        note=", ".join(said.notes),
    )


def _spared(key: _Key, builds: dict[str, int]) -> Iterator[Affected]:
    """Say of RHEL's own package that an extended stream's builds with the fix have it; the next stream's may not."""
    ranges = tuple(Range(build, end) for build in builds if (end := _next_stream(build)))
    if ranges:
        yield Affected(
            ecosystem="rpm",
            name=key.name,
            release=key.release,
            scope="binary",
            state="not_affected",
            ranges=ranges,
            module=key.module,
        )


def parts(target: Target) -> tuple[str, ...] | None:
    """Red Hat speaks for RHEL (UBI calls itself so) and for CentOS, which is built from the same sources."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id not in _RPM_IDS:
        return None
    match = re.match(r"\d{1,3}(?!\d)", distribution.version_id)
    return (f"rhel-{match[0]}",) if match else ()


_BASE = "https://security.access.redhat.com/data/csaf/v2/"
_CHANGED = re.compile(
    r'"?(\d{4}/(?:cve|rh[sbe]a)-\d{4}[-_]\d{1,19}\.json)"?,"?([^",\s]+)"?\s*\Z', re.IGNORECASE
)


def _named(body: bytes, url: str) -> str:
    """Read `archive_latest.txt`: the name of the newest archive beside it."""
    name = body.decode("ascii", "replace").strip()
    if not re.fullmatch(r"[\w.-]{1,200}\.tar\.(?:zst|xz|gz)", name):
        raise ValueError(f"{name[:80]!r} is no archive's name")
    return url.rpartition("/")[0] + f"/{name}"


def _changes(kind: str, body: bytes, since: str) -> Changes:
    """Read `changes.csv`: each document with the time of its last change."""
    after = moment(since) if since else float("inf")
    newest = 0.0
    found: dict[str, Source] = {}
    for line in body.decode("utf-8", "replace").splitlines():
        match = _CHANGED.match(line)
        if match is None:
            continue
        time = moment(match[2])
        newest = max(newest, time)
        if time > after:
            found[match[1]] = Source(url=f"{_BASE}{kind}/{match[1]}", file=f"redhat/{kind}/{match[1]}")
    if not newest:
        raise ValueError("it lists nothing")
    return Changes(stamp(newest), tuple(found.values()))


_KINDS = ("vex", "advisories")
_SOURCES = Group(
    name="redhat",
    parts=("rhel-*",),
    sources=tuple(
        Source(url=f"{_BASE}{kind}/archive_latest.txt", file=f"redhat/{kind}.tar.zst", follow=(_named,))
        for kind in _KINDS
    ),
    increments=tuple(
        Increments(
            source=Source(url=f"{_BASE}{kind}/changes.csv", file=f"redhat/{kind}/changes.csv"),
            changes=functools.partial(_changes, kind),
            removals=Source(url=f"{_BASE}{kind}/deletions.csv", file=f"redhat/{kind}/deletions.csv"),
        )
        for kind in _KINDS
    ),
    size=350_000_000,
)


FEED = Feed(
    name="redhat",
    title="Red Hat CSAF and VEX",
    licence="CC-BY-4.0",
    homepage="https://security.access.redhat.com/data/csaf/v2/",
    files=tuple(
        f"redhat/{pattern}"
        for pattern in (
            "**/*.json",
            "**/*.json.gz",
            "*.zip",
            "*.tar.gz",
            "*.tar.zst",
            "**/deletions.csv",
        )
    ),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("rhel-9",),
    version=5,
)
