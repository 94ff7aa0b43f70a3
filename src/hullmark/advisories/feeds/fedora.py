"""Fedora's updates from Bodhi, one JSON document an update, or a page of several.

Format: https://bodhi.fedoraproject.org/docs/server_api/. A build is a source package; the flaws are named in
the titles of the bugs that an update closes, or else in its own words. EPEL's updates belong to the release
`epel-9`, from 10 on `epel-10.1` and the like.
"""

import re
from collections.abc import Iterator

import msgspec

from hullmark.advisories._formats import decoding
from hullmark.advisories.feed import Document, Feed, Group, Record, Source
from hullmark.model.advisory import Advisory, Affected, Range, Reference, Score, Severity
from hullmark.model.target import Target

_LEVELS = {
    "urgent": Severity.CRITICAL,
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
}
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_BUILD = re.compile(r"(\S+)-([^-\s]+-[^-\s]+)")
_NUMBER = re.compile(r"(\d{1,3})(?!\d)(?:\.(\d{1,2})(?!\d))?")
_FIRST_WITH_MINORS = 10
_PREFIXES = {"FEDORA": "fedora", "FEDORA-EPEL": "epel"}


class _Release(msgspec.Struct):
    version: str
    id_prefix: str


class _Bug(msgspec.Struct):
    title: str | None = None


class _Build(msgspec.Struct):
    nvr: str
    type: str = "rpm"
    epoch: int | None = None


class _Update(msgspec.Struct):
    alias: str
    release: _Release
    builds: list[_Build] = []
    bugs: list[_Bug] = []
    type: str = ""
    status: str = ""
    severity: str | None = None
    title: str | None = None
    display_name: str | None = None
    notes: str | None = None
    url: str | None = None
    date_stable: str | None = None
    date_pushed: str | None = None
    date_modified: str | None = None


class _Page(msgspec.Struct):
    updates: list[msgspec.Raw]


_UPDATE = msgspec.json.Decoder(_Update)
_PAGE = msgspec.json.Decoder(_Page)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give each security update that reached the stable repository as a bundle."""
    for document in documents:
        body = document.read()
        try:
            entries = [bytes(raw) for raw in decoding.json(body, _PAGE).updates]
        except decoding.UndecodableError:
            entries = [body]
        for place, entry in enumerate(entries):
            try:
                update = decoding.json(entry, _UPDATE)
            except decoding.UndecodableError as problem:
                yield document.unread(str(problem), f"update {place}")
                continue
            if update.type == "security" and update.status == "stable":
                yield from _bundle(document, update)


def _bundle(document: Document, update: _Update) -> Iterator[Record]:
    prefix = _PREFIXES.get(update.release.id_prefix)
    if prefix is None or not update.release.version.split(".")[0].isdecimal():
        yield document.unread(f"the release {update.release.id_prefix[:40]!r} is not known", update.alias)
        return
    release = f"{prefix}-{update.release.version}"
    level = _LEVELS.get((update.severity or "").lower(), Severity.UNKNOWN)
    affected = []
    for build in update.builds:
        match = _BUILD.fullmatch(build.nvr)
        if build.type != "rpm" or match is None:
            if match is None:
                yield document.unread(f"the build {build.nvr[:80]!r} is not understood", update.alias)
            continue
        affected.append(
            Affected(
                ecosystem="rpm",
                name=match[1],
                release=release,
                scope="source",
                ranges=(Range(fixed=f"{build.epoch}:{match[2]}" if build.epoch else match[2]),),
                level=level,
            )
        )
    if affected:
        yield Advisory(
            id=update.alias,
            title=update.display_name or update.title or "",
            details=update.notes or "",
            bundle=True,
            fixes=_flaws(update),
            affected=tuple(affected),
            scores=(Score("fedora", "level", level),) if level is not Severity.UNKNOWN else (),
            references=(
                Reference(
                    update.url or f"https://bodhi.fedoraproject.org/updates/{update.alias}", "ADVISORY"
                ),
            ),
            published=_time(update.date_stable or update.date_pushed),
            modified=_time(update.date_modified),
        )


def _flaws(update: _Update) -> tuple[str, ...]:
    """Name the flaws; the notes, which also tell old stories, only where nothing else does."""
    words = " ".join(
        [*(bug.title or "" for bug in update.bugs), update.display_name or "", update.title or ""]
    )
    return tuple(dict.fromkeys(_CVE.findall(words) or _CVE.findall(update.notes or "")))


def _time(text: str | None) -> str:
    """Turn Bodhi's `2025-01-15 12:00:00`, which is UTC, into RFC 3339."""
    if not text:
        return ""
    return f"{text.replace(' ', 'T')}Z" if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text) else text


def parts(target: Target) -> tuple[str, ...] | None:
    """Fedora speaks for its own releases and for EPEL's.

    From 10 on EPEL has minor releases, as RHEL has. Each begins with what the one before it has, whose updates hold
    for it too. CentOS Stream uses the leading one and does not say which that is.
    """
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id not in ("fedora", "epel"):
        return None
    match = _NUMBER.match(distribution.version_id)
    if match is None:
        return ()
    major, minor = match.groups()
    if distribution.id == "fedora" or int(major) < _FIRST_WITH_MINORS:
        return (f"{distribution.id}-{major}",)
    return tuple(f"epel-{major}.{number}" for number in range(int(minor) + 1)) if minor else ()


def _group(part: str) -> Group | None:
    match = re.fullmatch(r"(fedora|epel)-(\d{1,3}(?:\.\d{1,2})?)", part)
    if match is None:
        return None
    name = f"F{match[2]}" if match[1] == "fedora" else f"EPEL-{match[2]}"
    return Group(
        name=part,
        parts=(part,),
        sources=(
            Source(
                url="https://bodhi.fedoraproject.org/updates/"
                f"?type=security&status=stable&releases={name}&rows_per_page=100",
                file=f"fedora/{name}-{{page}}.json",
                pages="page",
            ),
        ),
        size=20_000_000,
    )


FEED = Feed(
    name="fedora",
    title="Fedora updates",
    licence="CC-BY-SA-4.0",
    homepage="https://bodhi.fedoraproject.org",
    files=("fedora/**/*.json", "fedora/**/*.json.gz", "fedora/*.tar.gz"),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=(
        "fedora-42",
        "fedora-43",
        "fedora-44",
        "epel-8",
        "epel-9",
        "epel-10.0",
        "epel-10.1",
        "epel-10.2",
    ),
)
