"""The Debian security tracker: its JSON export and its lists of advisories (DSA, DLA).

Formats: https://security-tracker.debian.org/tracker/data/json (package → flaw → release), and the lists
https://salsa.debian.org/security-tracker-team/security-tracker, `data/DSA/list` and `data/DLA/list`, described
in that project's `doc/security-team.d.o/security_tracker`. Either may be absent. Names are source packages.
"""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.advisories._formats import decoding
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Advisory, Affected, Range, Reference, Severity, State
from hullmark.model.target import Target

RELEASES = {
    "buzz": "1.1",
    "rex": "1.2",
    "bo": "1.3",
    "hamm": "2.0",
    "slink": "2.1",
    "potato": "2.2",
    "woody": "3.0",
    "sarge": "3.1",
    "etch": "4",
    "lenny": "5",
    "squeeze": "6",
    "wheezy": "7",
    "jessie": "8",
    "stretch": "9",
    "buster": "10",
    "bullseye": "11",
    "bookworm": "12",
    "trixie": "13",
    "forky": "14",
    "duke": "15",
    "sid": "sid",
}
"""Each codename's number. Before etch a release has two figures, since then the second counts updates."""

_FIRST_PLAIN_MAJOR = 4
_LEVELS = {
    "unimportant": Severity.NEGLIGIBLE,
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
}
_TRACKER = "https://security-tracker.debian.org/tracker/"

_HEADER = re.compile(r"\[(\d{1,2} [A-Z][a-z]{2} \d{4})\]\s+(D[SLT]A-\d+(?:-\d+)?)\s*(.*)")
_FLAWS = re.compile(r"\s+\{([^}]*)\}")
_FIX = re.compile(r"\s+\[([\w-]+)\]\s+-\s+(\S+)\s+(?:<([\w-]+)>|(\S+))\s*(?:\((.*)\))?")
_NOTE = re.compile(r"\s+(?:NOTE|TODO|REJECTED|RESERVED)\b")
_FLAW_ID = re.compile(r"(?<![A-Z0-9])[A-Z][A-Z0-9]*-[\w-]+")

_MARKS: dict[str, State] = {
    "not-affected": "not_affected",
    "unfixed": "affected",
    "end-of-life": "end_of_life",
    "undetermined": "under_investigation",
    "ignored": "will_not_fix",
    "postponed": "affected",
    "no-dsa": "affected",
}


class _Release(msgspec.Struct):
    status: str
    urgency: str = ""
    fixed_version: str | None = None
    nodsa: str | None = None
    nodsa_reason: str | None = None


class _Flaw(msgspec.Struct):
    # A flaw that no release has is written with an empty list in place of an object.
    releases: dict[str, _Release] | list[Any]
    description: str = ""


_DOCUMENT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PACKAGE = msgspec.json.Decoder(dict[str, _Flaw])
_PACKAGE_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ONE = msgspec.json.Decoder(_Flaw)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give the tracker's flaws, one advisory for each package and flaw, and each DSA and DLA as a bundle."""
    for document in documents:
        if document.path.endswith(".json"):
            yield from _tracker(document)
        else:
            yield from _list(document)


def _tracker(document: Document) -> Iterator[Record]:
    try:
        packages = decoding.json(document.read(), _DOCUMENT)
    except decoding.UndecodableError as problem:
        yield document.unread(str(problem))
        return
    unknown: set[str] = set()
    for package, raw in packages.items():
        try:
            flaws = decoding.json(bytes(raw), _PACKAGE)
        except decoding.UndecodableError:
            flaws = {}
            yield from _readable(document, package, raw, flaws)
        for name, flaw in flaws.items():
            releases = flaw.releases if isinstance(flaw.releases, dict) else {}
            statements: list[Affected] = []
            for codename, entry in releases.items():
                number = RELEASES.get(codename)
                if number is None:
                    unknown.add(codename)
                elif (statement := _statement(package, f"debian-{number}", entry)) is not None:
                    statements.append(statement)
                else:
                    yield document.unread(f"status {entry.status[:40]!r}", f"{package} {name} {codename}")
            if statements:
                yield Advisory(
                    id=name,
                    details=flaw.description,
                    affected=tuple(statements),
                    references=(Reference(_TRACKER + name, "ADVISORY"),),
                )
    for codename in sorted(unknown):
        yield document.unread(f"release {codename!r} is not known to this version of Hullmark")


def _readable(
    document: Document, package: str, raw: msgspec.Raw, flaws: dict[str, _Flaw]
) -> Iterator[Record]:
    """Collect those flaws of a package that are in order; the others are Unread."""
    try:
        entries = decoding.json(bytes(raw), _PACKAGE_RAW)
    except decoding.UndecodableError as problem:
        yield document.unread(str(problem), f"package {package}")
        return
    for name, entry in entries.items():
        try:
            flaws[name] = decoding.json(bytes(entry), _ONE)
        except decoding.UndecodableError as problem:
            yield document.unread(str(problem), f"{package} {name}")


def _statement(package: str, release: str, entry: _Release) -> Affected | None:
    """Turn one release's entry into a statement; None for a status that the tracker does not have yet."""
    urgency = entry.urgency.rstrip("*")  # the stars mark that NVD's word was taken over
    state: State
    fixed = ""
    if entry.status == "resolved":
        # A version `0` says that no version in this release was ever affected.
        state = "not_affected" if entry.fixed_version == "0" else "affected"
        fixed = "" if state == "not_affected" else entry.fixed_version or ""
        if state == "affected" and not fixed:
            return None
    elif entry.status == "undetermined":
        state = "under_investigation"
    elif entry.status == "open":
        if urgency == "end-of-life":
            state = "end_of_life"
        else:
            state = "will_not_fix" if entry.nodsa_reason == "ignored" else "affected"
    else:
        return None
    return Affected(
        ecosystem="deb",
        name=package,
        release=release,
        scope="source",
        state=state,
        ranges=(Range(fixed=fixed),),
        level=_LEVELS.get(urgency, Severity.UNKNOWN),
        note=entry.nodsa or "",
    )


class _Bundle:
    """One advisory of a list, while its lines are read."""

    __slots__ = ("affected", "date", "flaws", "name", "title")

    def __init__(self, name: str, date: str, title: str) -> None:
        self.name = name
        self.date = date
        self.title = title
        self.flaws: dict[str, None] = {}
        self.affected: list[Affected] = []

    def advisory(self) -> Iterator[Advisory]:
        """Give the bundle, unless it only announces something and names no package."""
        if self.affected:
            yield Advisory(
                id=self.name,
                title=self.title,
                bundle=True,
                fixes=tuple(self.flaws),
                affected=tuple(self.affected),
                references=(Reference(_TRACKER + self.name, "ADVISORY"),),
                published=self.date,
            )


def _list(document: Document) -> Iterator[Record]:
    bundle: _Bundle | None = None
    unknown: set[str] = set()
    for number, line in enumerate(document.read().decode("utf-8", "replace").split("\n"), 1):
        if not line.strip():
            continue
        header = _HEADER.match(line)
        if header:
            if bundle is not None:
                yield from bundle.advisory()
            bundle = _Bundle(header[2], _date(header[1]), header[3].strip(" -"))
            continue
        if bundle is None or not _take(bundle, line, unknown):
            yield document.unread(f"line not understood: {line.strip()[:80]!r}", f"line {number}")
    if bundle is not None:
        yield from bundle.advisory()
    for codename in sorted(unknown):
        yield document.unread(f"release {codename!r} is not known to this version of Hullmark")


def _take(bundle: _Bundle, line: str, unknown: set[str]) -> bool:
    """Add what one indented line says to the bundle; false when it says nothing that is known."""
    flaws = _FLAWS.match(line)
    if flaws:
        bundle.flaws.update(dict.fromkeys(_FLAW_ID.findall(flaws[1])))
        return True
    fix = _FIX.match(line)
    if fix is None:
        return _NOTE.match(line) is not None
    codename, package, mark, version, remark = fix.groups()
    release = RELEASES.get(codename)
    if release is None:
        unknown.add(codename)
        return True
    state = _MARKS.get(mark) if mark else "affected"
    if state is None:
        return False
    bundle.affected.append(
        Affected(
            ecosystem="deb",
            name=package,
            release=f"debian-{release}",
            scope="source",
            state=state,
            ranges=(Range(fixed=version or ""),),
            note=remark or "",
        )
    )
    return True


def _date(text: str) -> str:
    try:
        return dt.datetime.strptime(text, "%d %b %Y").replace(tzinfo=dt.UTC).date().isoformat()
    except ValueError:
        return ""


def parts(target: Target) -> tuple[str, ...] | None:
    """Debian speaks for its numbered releases and for sid; testing goes by what it will become, or by sid."""
    distribution = target.distribution
    if target.ecosystem != "deb" or distribution is None or distribution.id != "debian":
        return None
    version, codename = distribution.version_id, distribution.codename
    # An unreleased system has no number, only `trixie/sid` in `debian_version` and in its pretty name.
    if "sid" in (version, codename) or "/sid" in f"{version} {distribution.pretty_name}":
        return ("debian-sid",)
    match = re.match(r"(\d+)(\.\d+)?", version)
    if match:
        old = int(match[1]) < _FIRST_PLAIN_MAJOR if len(match[1]) < 3 else False
        return (f"debian-{match[1]}{match[2] or '' if old else ''}",)
    release = RELEASES.get(version) or RELEASES.get(codename)
    return (f"debian-{release}",) if release else ()


_SOURCES = Group(
    name="debian",
    parts=("debian-*",),
    sources=(
        Source(url="https://security-tracker.debian.org/tracker/data/json", file="debian/tracker.json"),
        Source(
            url="https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DSA/list",
            file="debian/DSA-list",
        ),
        Source(
            url="https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DLA/list",
            file="debian/DLA-list",
        ),
    ),
    size=85_000_000,
)


FEED = Feed(
    name="debian",
    title="Debian security tracker",
    licence="MIT",
    homepage="https://security-tracker.debian.org",
    files=tuple(
        f"debian/{name}{suffix}"
        for name in ("tracker.json", "debian.json", "DSA-list", "DLA-list", "DTSA-list")
        for suffix in ("", ".gz")
    ),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("debian-12",),
)
