"""Mageia's security advisories (MGASA) as OSV documents. Format: `_formats/osv_linux.py`.

Publisher: https://advisories.mageia.org, exported by OSV.dev. Advisories that fix no vulnerability (MGAA) are passed over.
"""

from collections.abc import Iterator

from hullmark.advisories._formats import osv_linux
from hullmark.advisories.feed import Document, Feed, Group, Record
from hullmark.model.target import Target

_PUBLISHED = (osv_linux.Published("Mageia", "mageia", "rpm", r"\d{1,3}", 5_000_000),)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one bundle for each security advisory."""
    return osv_linux.parse(documents, "mageia", _PUBLISHED)


def parts(target: Target) -> tuple[str, ...] | None:
    """Speak for Mageia's own releases."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id != "mageia":
        return None
    part = _PUBLISHED[0].part(distribution.version_id)
    return (part,) if part else ()


def _group(part: str) -> Group | None:
    return osv_linux.group(part, _PUBLISHED)


FEED = Feed(
    name="mageia",
    title="Mageia advisories",
    licence="CC-BY-SA-4.0",
    homepage="https://advisories.mageia.org",
    files=osv_linux.files(_PUBLISHED),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("mageia-9",),
    version=2,
)
