"""Echo's security data on its rebuilds of Debian's packages as OSV documents. Format: `_formats/osv_linux.py`.

Publisher: https://advisory.echohq.com, exported by OSV.dev. A rolling distribution: its one part is named after it.
"""

from collections.abc import Iterator

from hullmark.advisories._formats import osv_linux
from hullmark.advisories.feed import Document, Feed, Group, Record
from hullmark.model.target import Target

_PUBLISHED = (osv_linux.Published("Echo", "echo", "deb", "", 5_000_000),)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one bundle for each record."""
    return osv_linux.parse(documents, "echo", _PUBLISHED)


def parts(target: Target) -> tuple[str, ...] | None:
    """Speak for Echo's images."""
    distribution = target.distribution
    if target.ecosystem != "deb" or distribution is None or distribution.id != "echo":
        return None
    return ("echo",)


def _group(part: str) -> Group | None:
    return osv_linux.group(part, _PUBLISHED)


FEED = Feed(
    name="echo",
    title="Echo advisories",
    licence="Echo, terms of the site",
    homepage="https://advisory.echohq.com",
    files=osv_linux.files(_PUBLISHED),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("echo",),
    version=2,
)
