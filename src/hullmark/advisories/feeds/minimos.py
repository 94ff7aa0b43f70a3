"""Minimus's security data on MinimOS as OSV documents. Format: `_formats/osv_linux.py`.

Publisher: https://packages.mini.dev/advisories/, exported by OSV.dev. A rolling distribution: its one part is named after it.
"""

from collections.abc import Iterator

from hullmark.advisories._formats import osv_linux
from hullmark.advisories.feed import Document, Feed, Group, Record
from hullmark.model.target import Target

_PUBLISHED = (osv_linux.Published("MinimOS", "minimos", "apk", "", 45_000_000),)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one bundle for each record."""
    return osv_linux.parse(documents, "minimos", _PUBLISHED)


def parts(target: Target) -> tuple[str, ...] | None:
    """Speak for MinimOS, whatever the date that it gives as its version."""
    distribution = target.distribution
    if target.ecosystem != "apk" or distribution is None or distribution.id != "minimos":
        return None
    return ("minimos",)


def _group(part: str) -> Group | None:
    return osv_linux.group(part, _PUBLISHED)


FEED = Feed(
    name="minimos",
    title="MinimOS advisories",
    licence="said to be CC-BY-NC-ND-4.0, see Minimus's site",
    homepage="https://www.minimus.io",
    files=osv_linux.files(_PUBLISHED),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("minimos",),
    reserved="Minimus's feed is said to be under CC-BY-NC-ND-4.0",
    version=2,
)
