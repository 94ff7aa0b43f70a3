"""BellSoft's security data on Alpaquita Linux and its Hardened Containers as OSV documents. Format: `_formats/osv_linux.py`.

Publisher: https://docs.bell-sw.com/security/, exported by OSV.dev. Both have releases by year and the rolling `stream`.
"""

from collections.abc import Iterator

from hullmark.advisories._formats import osv_linux
from hullmark.advisories.feed import Document, Feed, Group, Record
from hullmark.model.target import Target

_RELEASE = r"stream|\d{2}"
_PUBLISHED = (
    osv_linux.Published("Alpaquita", "alpaquita", "apk", _RELEASE, 8_000_000),
    osv_linux.Published(
        "BellSoft Hardened Containers", "bellsoft-hardened-containers", "apk", _RELEASE, 1_000_000
    ),
)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one bundle for each record."""
    return osv_linux.parse(documents, "bellsoft", _PUBLISHED)


def parts(target: Target) -> tuple[str, ...] | None:
    """Speak for BellSoft's two distributions, which call themselves like Alpine."""
    distribution = target.distribution
    if target.ecosystem != "apk" or distribution is None:
        return None
    published = next((each for each in _PUBLISHED if each.id == distribution.id), None)
    if published is None:
        return None
    part = published.part(distribution.version_id)
    return (part,) if part else ()


def _group(part: str) -> Group | None:
    return osv_linux.group(part, _PUBLISHED)


FEED = Feed(
    name="bellsoft",
    title="BellSoft security advisories",
    licence="BellSoft, terms of the site",
    homepage="https://docs.bell-sw.com/security/",
    files=osv_linux.files(_PUBLISHED),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("alpaquita-stream", "bellsoft-hardened-containers-stream"),
    version=2,
)
