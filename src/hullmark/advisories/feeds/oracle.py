"""Oracle Linux security errata (ELSA) as OVAL.

Format: `_formats/oval.py`; https://linux.oracle.com/security/oval/. The comments of criteria hold all that the
tests do. Builds for Ksplice and FIPS, which replace an ordinary package only where somebody chose them, are
passed over: their versions (`1.1.1g-15.ksplice1.el8_3`, `1.1.1k-12.el8_9_fips`) would make every ordinary build
look old.
"""

import re
from collections.abc import Iterator

from hullmark.advisories._formats import oval
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Advisory, Reference
from hullmark.model.target import Target

_RELEASE = re.compile(r"Oracle (?:Linux|VM Server) (\d+)(?:\.\d+)? is installed")
_ARCH = re.compile(r"Oracle Linux arch is (\w+)")
_BUILD = re.compile(r"(\S+) is earlier than (\S+)")
_MODULE = re.compile(r"Module (\S+) is enabled")
_DECIDES_NOTHING = re.compile(r"\S+ is (?:signed with|ksplice-based|fips-based)")
_SPECIAL = re.compile(r"\.ksplice\d|fips")
_ERRATUM = re.compile(r"EL[SBE]A-\d{4}-\d+")


def _classify(criterion: oval.Criterion) -> oval.Fact:
    comment = criterion.comment
    if match := _BUILD.match(comment):
        return oval.Bound(match[1], fixed=match[2].removeprefix("0:"))
    if match := _RELEASE.match(comment):
        return oval.Release(f"oracle-{match[1]}" if "Linux" in comment else "")
    if match := _ARCH.match(comment):
        return oval.Arch(match[1])
    if match := _MODULE.match(comment):
        return oval.Module(match[1])
    if _DECIDES_NOTHING.match(comment):
        return None
    raise oval.OvalError(f"the criterion {comment[:60]!r} is not understood")


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give each erratum as a bundle."""
    for document in documents:
        try:
            for definition in oval.Reader(document, keep_tests=False).definitions():
                yield from _erratum(document, definition)
        except oval.OvalError as problem:
            yield document.unread(str(problem))


def _erratum(document: Document, definition: oval.Definition) -> Iterator[Record]:
    title = definition.texts.get("title", "")
    match = _ERRATUM.search(title)
    if match is None:
        yield document.unread("no erratum is named", definition.id)
        return
    try:
        affected = tuple(
            entry
            for entry in oval.statements(definition, _classify)
            if not _SPECIAL.search(entry.ranges[0].fixed)
            and not entry.name.endswith(("-debuginfo", "-debugsource"))
        )
    except oval.OvalError as problem:
        yield document.unread(str(problem), match[0])
        return
    if affected:
        yield Advisory(
            id=match[0],
            title=title.removeprefix(match[0]).lstrip(": "),
            details=definition.texts.get("description", ""),
            bundle=True,
            fixes=tuple(dict.fromkeys(cve.name for cve in definition.cves if cve.name.startswith("CVE-"))),
            affected=affected,
            scores=definition.scores("oracle"),
            references=tuple(
                Reference(url, "ADVISORY")
                for source, _, url in definition.references
                if source == "elsa" and url
            ),
            published=definition.date("issued"),
        )


def parts(target: Target) -> tuple[str, ...] | None:
    """Oracle speaks for its own Linux, by the major version."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id not in ("ol", "oracle"):
        return None
    match = re.match(r"\d{1,3}(?!\d)", distribution.version_id)
    return (f"oracle-{match[0]}",) if match else ()


_SOURCES = Group(
    name="oracle",
    parts=("oracle-*",),
    sources=(
        Source(
            url="https://linux.oracle.com/security/oval/com.oracle.elsa-all.xml.bz2",
            file="oracle/com.oracle.elsa-all.xml.bz2",
        ),
    ),
    size=12_000_000,
)


FEED = Feed(
    name="oracle",
    title="Oracle Linux errata",
    licence="UPL-1.0",
    homepage="https://linux.oracle.com/security/",
    files=("oracle/*.xml", "oracle/*.xml.bz2", "oracle/*.xml.gz"),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("oracle-9",),
)
