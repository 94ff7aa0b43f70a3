"""Rocky Linux's errata as OSV documents. Format: `_formats/osv_rpm.py`.

Publisher: https://errata.rockylinux.org, exported by OSV.dev. Names are those of source packages.
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
        yield from osv_rpm.errata(document, "Rocky Linux", "rocky", source_names=True)


def parts(target: Target) -> tuple[str, ...] | None:
    """Rocky Linux speaks for its own major releases."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id != "rocky":
        return None
    match = _MAJOR.match(distribution.version_id)
    return (f"rocky-{match[0]}",) if match else ()


FEED = Feed(
    name="rocky",
    title="Rocky Linux errata",
    licence="BSD-3-Clause",
    homepage="https://errata.rockylinux.org",
    files=("osv/Rocky*/all.zip", "osv/Rocky*/*.json"),
    parse=parse,
    parts=parts,
    urls=("https://osv-vulnerabilities.storage.googleapis.com/Rocky%20Linux:{release}/all.zip",),
)
