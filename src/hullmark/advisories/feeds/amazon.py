"""Amazon Linux security bulletins (ALAS): repository metadata, or the bulletins' web pages with their RSS.

Formats: `_formats/updateinfo.py`, and the pages of https://alas.aws.amazon.com, whose section `new_packages`
lists the fixed builds. Pages name no epochs, so a page's fix holds within each epoch that packages of this
family have; the metadata are exact and the better source. The feeds only tell whether a page is missing.
"""

import html
import re
from collections.abc import Iterator

from hullmark.advisories._formats import updateinfo
from hullmark.advisories._formats.ordering import ordered
from hullmark.advisories.feed import Document, Feed, Group, Record, Source
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
_PAGE_ID = re.compile(r"<h1[^<>]*>\s*(ALAS[\w-]*-\d{4}-\d+)\s*</h1>")
_PAGE_DATE = re.compile(r"Advisory (Release|Updated) Date:</b>\s*(\d{4}-\d\d-\d\d)")
_ID = re.compile(r"(ALAS\w*)-(\d{4}-\d+)")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_BUILD = re.compile(r"(?<![^\s/])([^\s/]+)-([^-\s]+-[^-\s]+)\.(\w+)")
_TAG = re.compile(r"<[^<>]*>")
_RSS_ITEM = re.compile(r"<title>\s*(ALAS\w*-\d{4}-\d+) \(")
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


def _identity(name: str, release: str) -> str:
    """Give a bulletin the id that the repository's metadata use: pages number each release anew as ALAS-…."""
    match = _ID.fullmatch(name)
    number = release.removeprefix("amazon-")
    if match and match[1] == "ALAS" and number != "1":
        return f"ALAS{number}-{match[2]}"
    return name


def _feed_ids(text: str) -> list[str]:
    found = []
    for item in text.split("<item>")[1:]:
        title, link = _RSS_ITEM.search(item), _RSS_LINK.search(item)
        if title:
            site = link[1] if link and link[1] else "AL1"
            found.append(_identity(title[1], f"amazon-{site.removeprefix('AL')}"))
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
    if title is None or named is None:
        yield document.unread("a page without bulletin or release")
        return
    release = f"amazon-{'1' if named[1] == 'AMI' else named[1]}"
    name = _identity(title[1], release)
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
        spans = tuple(Range(f"{epoch}0" if epoch else "", f"{epoch}{lowest}") for epoch in _EPOCHS)
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


def _is_debug(name: str) -> bool:
    return name.endswith(("-debuginfo", "-debugsource")) or "-debuginfo-common" in name


def _scores(level: Severity) -> tuple[Score, ...]:
    return (Score("amazon", "level", level),) if level is not Severity.UNKNOWN else ()


def _link(name: str, release: str) -> Reference:
    """Link a bulletin's page, whose address has the number without the release (`AL2/ALAS-2018-939`)."""
    number = release.removeprefix("amazon-")
    site = "" if number == "1" else f"AL{number}/"
    page = name.replace(f"ALAS{number}-", "ALAS-", 1)
    return Reference(f"https://alas.aws.amazon.com/{site}{page}.html", "ADVISORY")


def _metadata(document: Document) -> Iterator[Record]:
    try:
        for update in updateinfo.updates(document):
            yield from _update(document, update)
    except updateinfo.UpdateinfoError as problem:
        yield document.unread(str(problem))


def _update(document: Document, update: updateinfo.Update) -> Iterator[Record]:
    match = _ID.fullmatch(update.id)
    if match is None:
        yield document.unread("an erratum that is no bulletin", update.id[:80])
        return
    number = re.match(r"ALAS(2023|2022|2)", match[1])
    release = f"amazon-{number[1] if number else '1'}"
    builds: dict[str, set[str]] = {}
    for build in update.builds:
        if build.arch != "src" and not _is_debug(build.name):
            builds.setdefault(build.name, set()).add(build.evr)
    if not builds:
        return
    level = _LEVELS.get(update.severity.lower(), Severity.UNKNOWN)
    yield Advisory(
        id=update.id,
        title=update.title,
        details=update.description,
        bundle=True,
        fixes=tuple(dict.fromkeys(name for kind, name, _ in update.references if kind == "cve")),
        affected=tuple(
            Affected(
                ecosystem="rpm",
                name=package,
                release=release,
                ranges=(Range(fixed=ordered("rpm", sorted(versions))[0]),),
                level=level,
            )
            for package, versions in sorted(builds.items())
        ),
        scores=_scores(level),
        references=(_link(update.id, release),),
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


_MIRRORS = {
    "1": "http://repo.us-west-2.amazonaws.com/2018.03/updates/x86_64/mirror.list",
    "2": "https://cdn.amazonlinux.com/2/core/latest/x86_64/mirror.list",
    "2023": "https://cdn.amazonlinux.com/al2023/core/mirrors/latest/x86_64/mirror.list",
}


def _group(part: str) -> Group | None:
    release = part.removeprefix("amazon-")
    mirror = _MIRRORS.get(release) if release != part else None
    if mirror is None:
        return None
    source = Source(
        url=mirror,
        file=f"amazon/{release}-updateinfo.xml.gz",
        follow=(updateinfo.first_mirror, updateinfo.location),
    )
    return Group(name=part, parts=(part,), sources=(source,), size=1_500_000)


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
)
