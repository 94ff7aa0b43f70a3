"""AlmaLinux's errata as OSV documents, by release. Format: `_formats/osv_rpm.py`.

Publisher: https://github.com/AlmaLinux/osv-database. Names are those of binary packages. Errata that fix no
vulnerability (ALBA, ALEA) are no advisories.
"""

import re
from collections.abc import Iterator

from hullmark.advisories._formats import osv, osv_rpm
from hullmark.advisories.feed import Document, Feed, Group, Record
from hullmark.model.target import Target

_MAJOR = re.compile(r"\d+")


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one bundle for each security erratum."""
    for document in documents:
        yield from osv_rpm.errata(document, "AlmaLinux", "almalinux", source_names=False)


def parts(target: Target) -> tuple[str, ...] | None:
    """AlmaLinux speaks for its own major releases."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id != "almalinux":
        return None
    match = _MAJOR.match(distribution.version_id)
    return (f"almalinux-{match[0]}",) if match else ()


def _group(part: str) -> Group | None:
    release = part.removeprefix("almalinux-")
    if release == part or not _MAJOR.fullmatch(release):
        return None
    return osv.exported(part, part, f"AlmaLinux:{release}", f"AlmaLinux-{release}", size=3_000_000)


FEED = Feed(
    name="almalinux",
    title="AlmaLinux errata",
    licence="MIT",
    homepage="https://errata.almalinux.org",
    files=("osv/AlmaLinux*/all.zip", "osv/AlmaLinux*/*.json"),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("almalinux-8", "almalinux-9", "almalinux-10"),
)
