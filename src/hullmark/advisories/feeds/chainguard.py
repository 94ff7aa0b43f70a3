"""Chainguard's security database. A rolling distribution: its one part is named after it.

Format: `_formats/secdb.py`; the document names no release. Its publisher has announced its end for the end of 2026, in favour
of OSV documents (https://www.chainguard.dev/unchained/secdb-is-the-past-osv-is-the-future): where it is not there any more, OSV's export
of these is read (`_formats/osv_linux.py`), whose records name installed packages.
"""

from collections.abc import Iterator

from hullmark.advisories._formats import osv_linux, secdb
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Reference
from hullmark.model.target import Target

_PUBLISHED = (osv_linux.Published("Chainguard", "chainguard", "apk", "", 330_000_000, "binary"),)

_LABEL = secdb.Label("packages.cgr.dev", "chainguard")


def _release(_version: str) -> str:
    return "chainguard"


def _links(name: str) -> tuple[Reference, ...]:
    if name.startswith(("CVE-", "GHSA-")):
        return (Reference(f"https://images.chainguard.dev/security/{name}", "ADVISORY"),)
    return secdb.xen(name)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each flaw of a source package, or a bundle for each OSV document."""
    for document in documents:
        if document.path.startswith("osv/"):
            yield from osv_linux.parse(iter((document,)), "chainguard", _PUBLISHED)
        else:
            yield from secdb.parse(iter((document,)), _release, _links, _LABEL)


def parts(target: Target) -> tuple[str, ...] | None:
    """Chainguard speaks for itself, whatever the date that it gives as its version."""
    distribution = target.distribution
    if target.ecosystem != "apk" or distribution is None or distribution.id != "chainguard":
        return None
    return ("chainguard",)


_SOURCES = Group(
    name="chainguard",
    parts=("chainguard",),
    sources=(
        Source(url="https://packages.cgr.dev/chainguard/security.json", file="chainguard/security.json"),
    ),
    otherwise=osv_linux.group("chainguard", _PUBLISHED),
    size=6_000_000,
)


FEED = Feed(
    name="chainguard",
    title="Chainguard security database",
    licence="none named (security.json), CC-BY-NC-ND-4.0 (OSV)",
    homepage="https://packages.cgr.dev/chainguard/security.json",
    files=("chainguard/security.json", "chainguard/security.json.gz", *osv_linux.files(_PUBLISHED)),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("chainguard",),
    reserved="Chainguard's OSV feed is under CC-BY-NC-ND-4.0",
    version=2,
)
