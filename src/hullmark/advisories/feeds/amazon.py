"""Amazon Linux security bulletins (ALAS): repository metadata, or the bulletins' web pages with their RSS.

Formats: `_formats/updateinfo.py`, and the pages of https://alas.aws.amazon.com, whose section `new_packages`
lists the fixed builds. Pages name no epochs, so a page's fix holds within each epoch that packages of this
family have; the metadata are exact and the better source. The feeds only tell whether a page is missing.

Amazon Linux 2 keeps what is newer than its core in extras, a repository a topic, which a catalogue lists; their
bulletins carry the topic in their id (`ALASKERNEL-5.10-2022-005`, in the metadata also `ALAS2KERNEL-5.10-…`).
Several topics and the core have packages of one name (`kernel` 4.14, 5.4, 5.10, 5.15), and no package says which it
is from: a topic that is named by a version speaks of the versions from that one on, so that the fix of 5.15 is
never asked of 5.10. Livepatches have bulletins like topics, and names of their own.
"""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from hullmark.advisories._formats import updateinfo
from hullmark.advisories._formats.ordering import ordered
from hullmark.advisories.feed import Document, Feed, Group, List, Record, Source
from hullmark.model.advisory import Advisory, Affected, Range, Reference, Score, Severity
from hullmark.model.target import Target

_LEVELS = {
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "important": Severity.HIGH,
    "critical": Severity.CRITICAL,
}
_EPOCHS = ("", *(f"{epoch}:" for epoch in (*range(1, 18), 20, 30, 31, 32)))
"""bind has 32, squid 7, tcpdump 14; no package of RHEL 7 to 9 or Fedora has one that is not here."""

_PAGE_RELEASE = re.compile(r"Amazon Linux (AMI|\d+) Security Advisory")
_PAGE_ID = re.compile(r"<h1[^<>]*>\s*(ALAS[\w.-]{0,60}-\d{4}-\d+)\s*</h1>")
_PAGE_DATE = re.compile(r"Advisory (Release|Updated) Date:</b>\s*(\d{4}-\d\d-\d\d)")
_ID = re.compile(r"ALAS(20[2-9]\d|2)?([A-Z][\w.-]{0,60}?)?-(\d{4}-\d+)")
_TOPIC_VERSION = re.compile(r"(?<![\d.])\d+(?:\.\d+)*\Z")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_BUILD = re.compile(r"(?<![^\s/])([^\s/]+)-([^-\s]+-[^-\s]+)\.(\w+)")
_TAG = re.compile(r"<[^<>]*>")
_RSS_ITEM = re.compile(r"<title>\s*(ALAS[\w.-]{0,60}-\d{4}-\d+) \(")
_RSS_LINK = re.compile(r"<link>\s*https?://[^/<]+/(?:(AL\d+)/)?[^<]*</link>")
_RELEASE_ID = re.compile(r"(\d{4})\.(\d\d)")
_MAX_DETAILS = 1 << 14


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give each bulletin as a bundle."""
    pages: set[str] = set()
    listed: list[tuple[Document, list[str]]] = []
    for document in documents:
        if "updateinfo" in document.path:
            yield from _metadata(document)
            continue
        text = document.read().decode("utf-8", "replace")
        if "<rss" in text[:1000]:
            listed.append((document, _feed_ids(text)))
        else:
            for record in _page(document, text):
                if isinstance(record, Advisory):
                    pages.add(record.id)
                yield record
    for document, ids in listed:
        missing = [name for name in ids if name not in pages]
        if missing:
            yield document.unread(f"{len(missing)} bulletins without a page, {missing[0]} among them")


class _Bulletin(NamedTuple):
    """What a bulletin's id says. `version` is the one that names the topic, as in `KERNEL-5.10`."""

    id: str
    release: str
    version: str


def _bulletin(name: str, release: str = "") -> _Bulletin | None:
    """Read an id; None where it is none. `release` is where it was found: pages number each release anew as ALAS-….

    The id is the one that the repository's metadata mostly have, with the release's number before the topic.
    """
    match = _ID.fullmatch(name)
    if match is None:
        return None
    number, topic, rest = match[1], match[2] or "", match[3]
    # The first Amazon Linux had no topics.
    number = number or release.removeprefix("amazon-") or ("2" if topic else "1")
    shown = "" if number == "1" else number
    version = _TOPIC_VERSION.search(topic)
    return _Bulletin(f"ALAS{shown}{topic}-{rest}", f"amazon-{number}", version[0] if version else "")


def _feed_ids(text: str) -> list[str]:
    found = []
    for item in text.split("<item>")[1:]:
        title, link = _RSS_ITEM.search(item), _RSS_LINK.search(item)
        if title:
            site = link[1] if link and link[1] else "AL1"
            bulletin = _bulletin(title[1], f"amazon-{site.removeprefix('AL')}")
            found.append(bulletin.id if bulletin else title[1])
    return found


def _section(text: str, name: str, end: str) -> str:
    """Give what stands in the page's element with an id, up to a closing tag."""
    for quote in "'\"":
        start = text.find(f"id={quote}{name}{quote}")
        if start >= 0:
            return text[start : text.find(end, start)]
    return ""


def _plain(markup: str) -> str:
    inner = markup.partition(">")[2][: 4 * _MAX_DETAILS]
    return " ".join(html.unescape(_TAG.sub(" ", inner)).split())[:_MAX_DETAILS]


def _page(document: Document, text: str) -> Iterator[Record]:
    title, named = _PAGE_ID.search(text), _PAGE_RELEASE.search(text)
    bulletin = (
        _bulletin(title[1], f"amazon-{'1' if named[1] == 'AMI' else named[1]}") if title and named else None
    )
    if bulletin is None:
        yield document.unread("a page without bulletin or release")
        return
    name, release = bulletin.id, bulletin.release
    builds: dict[str, set[str]] = {}
    for line in _section(text, "new_packages", "</pre>").partition("<pre>")[2].split("<br"):
        match = _BUILD.search(html.unescape(line))
        if match and match[3] != "src" and not _is_debug(match[1]):
            builds.setdefault(match[1], set()).add(match[2])
    if not builds:
        yield document.unread("a page without new packages", name)
        return
    level = _LEVELS.get(
        _plain(_section(text, "severity", "</div>")).rpartition(" ")[2].lower(), Severity.UNKNOWN
    )
    dates = dict(_PAGE_DATE.findall(text))
    flaws = _CVE.findall(_section(text, "references", "</div>"))
    affected = []
    for package, versions in sorted(builds.items()):
        lowest = ordered("rpm", sorted(versions))[0]
        first = _first(lowest, bulletin.version)
        spans = tuple(
            Range(f"{epoch}{first or 0}" if epoch or first else "", f"{epoch}{lowest}") for epoch in _EPOCHS
        )
        affected.append(Affected(ecosystem="rpm", name=package, release=release, ranges=spans, level=level))
    yield Advisory(
        id=name,
        title=_plain(_section(text, "affected_packages", "</div>")).removeprefix("Affected Packages: "),
        details=_plain(_section(text, "issue_overview", "</div>")).removeprefix("Issue Overview: "),
        bundle=True,
        fixes=tuple(dict.fromkeys(flaws)),
        affected=tuple(affected),
        scores=_scores(level),
        references=(_link(name, release),),
        published=dates.get("Release", ""),
        modified=dates.get("Updated", ""),
    )


def _first(build: str, version: str) -> str:
    """Give the version that a topic's builds begin with, epoch included; empty where its name does not say."""
    epoch, colon, rest = build.rpartition(":")
    is_of = version and re.match(rf"{re.escape(version)}(?![0-9])", rest)
    return f"{epoch}{colon}{version}" if is_of else ""


def _is_debug(name: str) -> bool:
    return name.endswith(("-debuginfo", "-debugsource")) or "-debuginfo-common" in name


def _scores(level: Severity) -> tuple[Score, ...]:
    return (Score("amazon", "level", level),) if level is not Severity.UNKNOWN else ()


def _link(name: str, release: str) -> Reference:
    """Link a bulletin's page, whose address has the number without the release (`AL2/ALAS-2018-939`)."""
    number = release.removeprefix("amazon-")
    site = "" if number == "1" else f"AL{number}/"
    page = name if number == "1" else name.replace(f"ALAS{number}", "ALAS", 1)
    return Reference(f"https://alas.aws.amazon.com/{site}{page}.html", "ADVISORY")


def _metadata(document: Document) -> Iterator[Record]:
    try:
        for update in updateinfo.updates(document):
            yield from _update(document, update)
    except updateinfo.UpdateinfoError as problem:
        yield document.unread(str(problem))


def _update(document: Document, update: updateinfo.Update) -> Iterator[Record]:
    bulletin = _bulletin(update.id)
    if bulletin is None:
        yield document.unread("an erratum that is no bulletin", update.id[:80])
        return
    release = bulletin.release
    builds: dict[str, set[str]] = {}
    for build in update.builds:
        if build.arch != "src" and not _is_debug(build.name):
            builds.setdefault(build.name, set()).add(build.evr)
    if not builds:
        return
    level = _LEVELS.get(update.severity.lower(), Severity.UNKNOWN)
    affected = []
    for package, versions in sorted(builds.items()):
        lowest = ordered("rpm", sorted(versions))[0]
        span = Range(_first(lowest, bulletin.version), lowest)
        affected.append(Affected(ecosystem="rpm", name=package, release=release, ranges=(span,), level=level))
    yield Advisory(
        id=bulletin.id,
        title=update.title,
        details=update.description,
        bundle=True,
        fixes=tuple(dict.fromkeys(name for kind, name, _ in update.references if kind == "cve")),
        affected=tuple(affected),
        scores=_scores(level),
        references=(_link(bulletin.id, release),),
        published=update.issued,
        modified=update.updated,
    )


def parts(target: Target) -> tuple[str, ...] | None:
    """Amazon speaks for its Linux; the first one numbered itself by month (`2018.03`)."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id != "amzn":
        return None
    version = distribution.version_id
    if _RELEASE_ID.fullmatch(version):
        return ("amazon-1",)
    match = re.match(r"\d+", version)
    return (f"amazon-{match[0]}",) if match and len(match[0]) <= 4 else ()


_CDN = "https://cdn.amazonlinux.com"
_REPOSITORIES = {
    "1": {"": "http://repo.us-west-2.amazonaws.com/2018.03/updates/x86_64/mirror.list"},
    "2": {"": f"{_CDN}/2/core/latest/x86_64/mirror.list"},
    "2023": {
        "": f"{_CDN}/al2023/core/mirrors/latest/x86_64/mirror.list",
        "kernel-livepatch-": f"{_CDN}/al2023/kernel-livepatch/mirrors/latest/x86_64/mirror.list",
    },
}
"""The list of mirrors of each repository; the errata of one architecture name the builds of all."""
_TOPIC = re.compile(r"[A-Za-z0-9][\w.+-]{0,60}")
_MAX_TOPICS = 500


class _Topic(msgspec.Struct):
    n: str


class _Catalogue(msgspec.Struct):
    topics: list[_Topic]


def _extras(body: bytes, url: str) -> tuple[Source, ...]:
    """Read the catalogue of extras: give the errata of each topic, where it has any. Raises ValueError."""
    try:
        names = {topic.n for topic in msgspec.json.decode(body, type=_Catalogue).topics}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise ValueError(str(problem)) from problem
    if len(names) > _MAX_TOPICS or not all(_TOPIC.fullmatch(name) for name in names):
        raise ValueError("its topics are none")
    root = url.rpartition("/")[0]
    return tuple(
        Source(
            url=f"{root}/extras/{name}/latest/x86_64/mirror.list",
            file=f"amazon/2-extras-{name}-updateinfo.xml.gz",
            follow=(updateinfo.first_mirror, updateinfo.location_if_any),
            optional=True,
        )
        for name in sorted(names)
    )


def _group(part: str) -> Group | None:
    release = part.removeprefix("amazon-")
    repositories = _REPOSITORIES.get(release) if release != part else None
    if repositories is None:
        return None
    sources = [
        Source(
            url=mirror,
            file=f"amazon/{release}-{repository}updateinfo.xml.gz",
            follow=(updateinfo.first_mirror, updateinfo.location),
        )
        for repository, mirror in repositories.items()
    ]
    lists = (List(url=f"{_CDN}/2/extras-catalog.json", file="amazon/2-extras-catalog.json", read=_extras),)
    return Group(
        name=part,
        parts=(part,),
        sources=tuple(sources),
        lists=lists if release == "2" else (),
        size=1_500_000,
    )


FEED = Feed(
    name="amazon",
    title="Amazon Linux security bulletins",
    licence="Amazon, terms of the site",
    homepage="https://alas.aws.amazon.com",
    files=(
        "amazon/**/*.html",
        "amazon/**/ALAS*[0-9]",
        "amazon/**/*.rss",
        "amazon/**/*rss.xml",
        "amazon/**/*updateinfo.xml",
        "amazon/**/*updateinfo.xml.gz",
        "amazon/*.tar.gz",
    ),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("amazon-1", "amazon-2", "amazon-2023"),
    version=2,
)
