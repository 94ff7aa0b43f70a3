"""Ubuntu's security data: OSV documents on flaws and notices (USN), OpenVEX documents, and tracker entries.

Formats: `_formats/osv.py` (https://github.com/canonical/ubuntu-security-notices, `osv/`), OpenVEX 0.2.0 of the
same repository (`vex/`), and the entries of https://launchpad.net/ubuntu-cve-tracker as JSON, a file a CVE with
`patches` by release and package. Names are source packages.

`UBUNTU-CVE-…` is the CVE of that number. What only Ubuntu Pro offers carries the name of its archive in
`repositories` (`esm-infra`, `esm-apps`). The CVSS vectors are NVD's, as the tracker marks them; Ubuntu's own word is its
priority. VEX names the version in the archive and not the one that fixed a flaw,
so of VEX only what has no fix is used. Builds for FIPS, real time and the like are counted and passed over.
"""

import re
from collections.abc import Iterator

import msgspec

from hullmark.advisories._formats import decoding, osv
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Advisory, Affected, Range, Reference, Severity, State, Withdrawn
from hullmark.model.facts import Unread
from hullmark.model.target import Target

RELEASES = {
    "warty": "4.10",
    "hoary": "5.04",
    "breezy": "5.10",
    "dapper": "6.06",
    "edgy": "6.10",
    "feisty": "7.04",
    "gutsy": "7.10",
    "hardy": "8.04",
    "intrepid": "8.10",
    "jaunty": "9.04",
    "karmic": "9.10",
    "lucid": "10.04",
    "maverick": "10.10",
    "natty": "11.04",
    "oneiric": "11.10",
    "precise": "12.04",
    "quantal": "12.10",
    "raring": "13.04",
    "saucy": "13.10",
    "trusty": "14.04",
    "utopic": "14.10",
    "vivid": "15.04",
    "wily": "15.10",
    "xenial": "16.04",
    "yakkety": "16.10",
    "zesty": "17.04",
    "artful": "17.10",
    "bionic": "18.04",
    "cosmic": "18.10",
    "disco": "19.04",
    "eoan": "19.10",
    "focal": "20.04",
    "groovy": "20.10",
    "hirsute": "21.04",
    "impish": "21.10",
    "jammy": "22.04",
    "kinetic": "22.10",
    "lunar": "23.04",
    "mantic": "23.10",
    "noble": "24.04",
    "oracular": "24.10",
    "plucky": "25.04",
    "questing": "25.10",
    "resolute": "26.04",
}
"""Each codename's number."""

_NUMBER = re.compile(r"\d{1,2}\.\d\d")
_DISTRO = re.compile(r"[?&]distro=([^&#]+)")
_PURL = re.compile(r"pkg:deb/ubuntu/([^@?#]+)(?:@[^?#]*)?\?(?:[^#]*&)?arch=source(?:&|$)")
_CVE = re.compile(r"(?:UBUNTU-)?(CVE-\d{4}-\d{4,})")
_PRO_ARCHIVES = frozenset({"esm-infra", "esm-apps", "esm-infra-legacy"})
_PAGE = "https://ubuntu.com/security/"
_ENDED = re.compile(r"end[ -]of[ -](?:life|[\w ]{0,20}support)|out of [\w ]{0,20}support", re.IGNORECASE)
"""How the tracker's people write that nobody looks at a package any more: `reached end-of-life`, `out of standard support` …"""

# https://git.launchpad.net/ubuntu-cve-tracker, README, "Package status"
_STATES: dict[str, State | None] = {
    "released": "affected",
    "needed": "affected",
    "active": "affected",
    "pending": "affected",
    "deferred": "affected",
    "needs-triage": "under_investigation",
    "ignored": "will_not_fix",
    "not-affected": "not_affected",
    "DNE": None,
}


class _Case(msgspec.Struct):
    """One CVE in `cves_map`."""

    id: str = ""


class _CasesMap(msgspec.Struct):
    cves: list[_Case] = []


class _Specific(msgspec.Struct):
    cves_map: _CasesMap | None = None


class _Flaw(msgspec.Struct):
    name: str = ""
    description: str = ""


class _VexProduct(msgspec.Struct):
    id: str = msgspec.field(default="", name="@id")


class _Statement(msgspec.Struct):
    vulnerability: _Flaw
    status: str
    products: list[_VexProduct] = []
    justification: str = ""
    action_statement: str = ""
    impact_statement: str = ""


class _Vex(msgspec.Struct):
    statements: list[_Statement]
    timestamp: str = ""


class _Patch(msgspec.Struct):
    distro: str
    status: str
    package: str
    version: str | None = None
    priority: str | None = None


class _Entry(msgspec.Struct):
    name: str
    priority: str | None = None
    patches: list[_Patch] = []
    ignored_patches: list[_Patch] = []
    description: str | None = None
    references: list[str] = []


_VEX = msgspec.json.Decoder(_Vex)
_ENTRY = msgspec.json.Decoder(_Entry)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give advisories for flaws, bundles for notices, and what VEX and the tracker say besides."""
    passed: dict[str, int] = {}
    for document in documents:
        if "/vex" in document.path:
            yield from _vex(document)
        elif "/tracker" in document.path:
            yield from _tracker(document)
        else:
            yield from _osv(document, passed)
    for variant, count in sorted(passed.items()):
        yield Unread(
            kind="record",
            path="ubuntu",
            place=variant,
            reason=f"{count} statements on builds that no image can be told to hold",
        )


def _place(distro: str) -> tuple[str, tuple[str, ...]] | None:
    """Read `xenial`, `esm-apps/xenial`, `trusty/esm`: the release, and the archive if it is one of Ubuntu Pro."""
    first, _, second = distro.replace("%2F", "/").partition("/")
    if second == "esm":
        first, second = "esm-infra", first
    codename, archive = (second, first) if second else (first, "")
    if codename not in RELEASES or (archive and archive not in _PRO_ARCHIVES):
        return None
    return f"ubuntu-{RELEASES[codename]}", (archive,) if archive else ()


def _ecosystem(text: str, purl: str) -> tuple[str, tuple[str, ...]] | None:
    """Read `Ubuntu:22.04:LTS`, `Ubuntu:Pro:18.04:LTS`; None for special builds (`Ubuntu:Pro:FIPS:…`)."""
    words = text.split(":")[1:]
    pro = bool(words) and words[0] == "Pro"
    number = words[1] if pro and len(words) > 1 else words[0] if words else ""
    if not _NUMBER.fullmatch(number):
        return None
    if not pro:
        return f"ubuntu-{number}", ()
    match = _DISTRO.search(purl)
    place = _place(match[1]) if match else None
    return f"ubuntu-{number}", (place[1] if place else ()) or ("esm",)


def _osv(document: Document, passed: dict[str, int]) -> Iterator[Record]:
    record = osv.decode(document)
    if isinstance(record, Unread):
        yield record
        return
    if record.withdrawn:
        yield Withdrawn(record.id)
        return
    level = _level(record.severity)
    groups: dict[tuple[str, ...], list[Affected]] = {}
    is_notice = record.id.startswith(("USN-", "LSN-"))
    named = _cves([*(record.upstream or ()), *(record.related or ())]) if is_notice else ()
    for entry in record.affected or ():
        package = entry.package
        if package is None or not package.name:
            yield document.unread("an affected package without name", record.id)
            continue
        place = _ecosystem(package.ecosystem, package.purl or "")
        if place is None:
            variant = ":".join(word for word in package.ecosystem.split(":") if word != "LTS")
            passed[variant] = passed.get(variant, 0) + 1
            continue
        if entry.ranges:
            entry.versions = None  # every version up to the fix is listed besides the range
        found = osv.versions(entry, "deb")
        if not found.ranges and not found.listed:
            yield document.unread(f"no versions of {package.name} that could be compared", record.id)
            continue
        release, repositories = place
        statement = Affected(
            ecosystem="deb",
            name=package.name,
            release=release,
            scope="source",
            ranges=found.ranges,
            versions=found.listed,
            repositories=repositories,
            level=level if (own := _level(entry.severity)) is Severity.UNKNOWN else own,
        )
        groups.setdefault(_fixes(entry, named) if is_notice else (), []).append(statement)
    for fixes, statements in groups.items():
        advisory = osv.advisory(record, statements, source="nvd", bundle=is_notice, fixes=fixes)
        page = Reference(f"{_PAGE}{'notices/' if is_notice else ''}{_page_id(record.id)}", "ADVISORY")
        others = tuple(reference for reference in advisory.references if reference.url != page.url)
        match = None if is_notice else _CVE.fullmatch(record.id)
        names = {match[1]} - {record.id} if match else set()
        yield msgspec.structs.replace(
            advisory,
            aliases=tuple(dict.fromkeys((*sorted(names), *advisory.aliases))),
            references=(page, *others),
        )


def _page_id(name: str) -> str:
    return name.removeprefix("UBUNTU-")


def _level(entries: list[osv.SeverityEntry] | None) -> Severity:
    for entry in entries or ():
        if entry.type == "Ubuntu":
            return osv.LEVELS.get(entry.score.lower(), Severity.UNKNOWN)
    return Severity.UNKNOWN


def _cves(names: list[str]) -> tuple[str, ...]:
    """Give the ids of flaws among a notice's links, those of CVEs without Ubuntu's prefix."""
    found: dict[str, None] = {}
    for name in names:
        match = _CVE.fullmatch(name)
        if match:
            found[match[1]] = None
    return tuple(found)


def _fixes(entry: osv.Entry, named: tuple[str, ...]) -> tuple[str, ...]:
    """Give the flaws that a notice fixes in one release: they differ from release to release."""
    try:
        specific = msgspec.convert(entry.database_specific or {}, _Specific)
    except msgspec.ValidationError:
        return named
    cases = specific.cves_map.cves if specific.cves_map else []
    return _cves([case.id for case in cases]) or named


def _vex(document: Document) -> Iterator[Record]:
    try:
        content = decoding.json(document.read(), _VEX)
    except decoding.UndecodableError as problem:
        yield document.unread(str(problem))
        return
    flaws: dict[str, dict[Affected, None]] = {}
    details: dict[str, str] = {}
    for statement in content.statements:
        said = _vex_state(statement)
        if said is None:
            continue
        state, note = said
        name = statement.vulnerability.name
        if not name:
            yield document.unread("a statement on no flaw")
            continue
        details.setdefault(name, statement.vulnerability.description)
        affected = flaws.setdefault(name, {})
        for product in statement.products:
            match, distro = _PURL.match(product.id), _DISTRO.search(product.id)
            place = _place(distro[1]) if match and distro else None
            if match and place:
                release, repositories = place
                affected[
                    Affected(
                        ecosystem="deb",
                        name=match[1].replace("%2B", "+"),
                        release=release,
                        scope="source",
                        state=state,
                        ranges=(Range(),),
                        repositories=repositories,
                        note=note,
                    )
                ] = None
    for name, said_of in flaws.items():
        statements = _without_guesses(said_of)
        if statements:
            yield Advisory(
                id=name,
                details=details[name],
                affected=statements,
                references=(Reference(_PAGE + name, "ADVISORY"),),
                modified=content.timestamp,
            )


def _without_guesses(statements: dict[Affected, None]) -> tuple[Affected, ...]:
    """Leave out that a release without support is affected, where its Pro archive proves the contrary.

    Nobody looks at a package when its support has ended; `affected` is then assumed (curl in xenial,
    CVE-2023-38545).
    """
    proven = {(entry.release, entry.name) for entry in statements if entry.state == "not_affected"}
    return tuple(
        entry
        for entry in statements
        if entry.state != "end_of_life" or (entry.release, entry.name) not in proven
    )


def _vex_state(statement: _Statement) -> tuple[State, str] | None:
    """Give a state and a remark, or None for what VEX cannot tell exactly or what is not there at all."""
    text = (statement.action_statement or statement.impact_statement).partition(" CVE Notes")[0]
    if statement.status == "not_affected":
        # A package that is not in the archive says nothing of one that somebody installed all the same.
        return None if statement.justification == "component_not_present" else ("not_affected", text)
    if statement.status == "under_investigation":
        return "under_investigation", text
    if statement.status != "affected":
        return None
    if "no longer supported" in text:
        return "end_of_life", text
    return ("will_not_fix" if "decided to not fix" in text else "affected"), text


def _tracker(document: Document) -> Iterator[Record]:
    try:
        content = decoding.json(document.read(), _ENTRY)
    except decoding.UndecodableError as problem:
        yield document.unread(str(problem))
        return
    level = osv.LEVELS.get((content.priority or "").lower(), Severity.UNKNOWN)
    statements: list[Affected] = []
    for patch in (*content.patches, *content.ignored_patches):
        if patch.distro in ("upstream", "devel"):
            continue
        place = _place(patch.distro)
        if place is None or patch.status not in _STATES:
            yield document.unread(f"{patch.distro[:40]!r} with status {patch.status[:40]!r}", patch.package)
            continue
        state = _STATES[patch.status]
        fixed = patch.version or "" if patch.status == "released" else ""
        if state is None or (patch.status == "released" and not fixed):
            continue
        if state == "will_not_fix" and _ENDED.search(patch.version or ""):
            state = "end_of_life"
        statements.append(
            Affected(
                ecosystem="deb",
                name=patch.package,
                release=place[0],
                scope="source",
                state=state,
                ranges=(Range(fixed=fixed),),
                repositories=place[1],
                level=osv.LEVELS.get((patch.priority or "").lower(), level),
                note="" if patch.status == "released" else patch.version or "",
            )
        )
    if statements:
        yield Advisory(
            id=content.name,
            details=content.description or "",
            affected=tuple(statements),
            references=(
                Reference(_PAGE + content.name, "ADVISORY"),
                *(Reference(url) for url in content.references),
            ),
        )


def parts(target: Target) -> tuple[str, ...] | None:
    """Ubuntu speaks for its own releases."""
    distribution = target.distribution
    if target.ecosystem != "deb" or distribution is None or distribution.id != "ubuntu":
        return None
    match = _NUMBER.match(distribution.version_id)
    if match:
        return (f"ubuntu-{match[0]}",)
    release = RELEASES.get(distribution.codename)
    return (f"ubuntu-{release}",) if release else ()


_SOURCES = Group(
    name="ubuntu",
    parts=("ubuntu-*",),
    sources=(
        Source(
            url="https://security-metadata.canonical.com/osv/osv-all.tar.xz", file="ubuntu/osv-all.tar.xz"
        ),
        Source(
            url="https://security-metadata.canonical.com/vex/vex-all.tar.xz", file="ubuntu/vex-all.tar.xz"
        ),
    ),
    size=115_000_000,
)


FEED = Feed(
    name="ubuntu",
    title="Ubuntu security notices and CVE tracker",
    licence="CC-BY-SA-4.0",
    homepage="https://ubuntu.com/security/cves",
    files=(
        "ubuntu/osv/**/*.json",
        "ubuntu/osv*.zip",
        "ubuntu/osv*.tar.gz",
        "ubuntu/osv*.tar.xz",
        "ubuntu/vex/**/*.json",
        "ubuntu/vex*.tar.gz",
        "ubuntu/vex*.tar.xz",
        "ubuntu/tracker/CVE-*",
    ),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("ubuntu-24.04",),
    version=2,
)
