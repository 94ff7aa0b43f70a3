"""Wolfi's security database. A rolling distribution: its one part is named after it.

Format: `_formats/secdb.py`; the document names no release.
"""

from collections.abc import Iterator

from hullmark.advisories._formats import secdb
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Reference
from hullmark.model.target import Target


def _release(_version: str) -> str:
    return "wolfi"


def _links(name: str) -> tuple[Reference, ...]:
    if name.startswith(("CVE-", "GHSA-")):
        return (Reference(f"https://images.chainguard.dev/security/{name}", "ADVISORY"),)
    return secdb.xen(name)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each flaw of a source package."""
    return secdb.parse(documents, _release, _links)


def parts(target: Target) -> tuple[str, ...] | None:
    """Wolfi speaks for itself, whatever the date that it gives as its version."""
    distribution = target.distribution
    if target.ecosystem != "apk" or distribution is None or distribution.id != "wolfi":
        return None
    return ("wolfi",)


_SOURCES = Group(
    name="wolfi",
    parts=("wolfi",),
    sources=(Source(url="https://packages.wolfi.dev/os/security.json", file="wolfi/security.json"),),
    size=3_000_000,
)


FEED = Feed(
    name="wolfi",
    title="Wolfi security database",
    licence="Chainguard, its own terms",
    homepage="https://packages.wolfi.dev/os/security.json",
    files=("wolfi/security.json", "wolfi/security.json.gz"),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("wolfi",),
)
