"""Rocky Linux's errata as OSV documents. Format: `_formats/osv_rpm.py`.

Publisher: https://errata.rockylinux.org, exported by OSV.dev. Names are those of source packages.
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
        yield from osv_rpm.errata(document, "Rocky Linux", "rocky", source_names=True)


def parts(target: Target) -> tuple[str, ...] | None:
    """Rocky Linux speaks for its own major releases."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id != "rocky":
        return None
    match = _MAJOR.match(distribution.version_id)
    return (f"rocky-{match[0]}",) if match else ()


def _group(part: str) -> Group | None:
    release = part.removeprefix("rocky-")
    if release == part or not _MAJOR.fullmatch(release):
        return None
    return osv.exported(part, part, f"Rocky Linux:{release}", f"Rocky-Linux-{release}", size=3_000_000)


FEED = Feed(
    name="rocky",
    title="Rocky Linux errata",
    licence="BSD-3-Clause",
    homepage="https://errata.rockylinux.org",
    files=("osv/Rocky*/all.zip", "osv/Rocky*/*.json"),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("rocky-8", "rocky-9", "rocky-10"),
    version=2,
)
