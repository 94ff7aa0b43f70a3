"""AlmaLinux's errata as OSV documents, by release. Format: `_formats/osv_rpm.py`.

Publisher: https://github.com/AlmaLinux/osv-database. Names are those of binary packages. Errata that fix no
vulnerability (ALBA, ALEA) are no advisories.
"""

import re
from collections.abc import Iterator

from hullmark.advisories._formats import osv_rpm
from hullmark.advisories.feed import Document, Feed, Record
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


FEED = Feed(
    name="almalinux",
    title="AlmaLinux errata",
    licence="MIT",
    homepage="https://errata.almalinux.org",
    files=("osv/AlmaLinux*/all.zip", "osv/AlmaLinux*/*.json"),
    parse=parse,
    parts=parts,
    urls=("https://osv-vulnerabilities.storage.googleapis.com/AlmaLinux:{release}/all.zip",),
)
