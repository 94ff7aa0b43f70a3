"""openEuler's security advisories (OESA) as OSV documents. Format: `_formats/osv_linux.py`.

Publisher: https://repo.openeuler.org/security/data/osv/, exported by OSV.dev. Each service pack is a release of its own,
which os-release tells only in its `PRETTY_NAME`: `openEuler 24.03 (LTS-SP1)`.
"""

import re
from collections.abc import Iterator

from hullmark.advisories._formats import osv_linux
from hullmark.advisories.feed import Document, Feed, Group, Record
from hullmark.model.target import Target

_PACK = re.compile(r"\b(LTS(?:-SP\d+)?)\b")
_PUBLISHED = (
    osv_linux.Published("openEuler", "openeuler", "rpm", r"\d\d\.\d\d(?:-LTS(?:-Next|-SP\d+)?)?", 9_000_000),
)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one bundle for each advisory."""
    return osv_linux.parse(documents, "openeuler", _PUBLISHED)


def parts(target: Target) -> tuple[str, ...] | None:
    """Speak for openEuler's own releases."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id.lower() != "openeuler":
        return None
    pack = _PACK.search(distribution.pretty_name)
    version = f"{distribution.version_id}-{pack[1]}" if pack else distribution.version_id
    part = _PUBLISHED[0].part(version)
    return (part,) if part else ()


def _group(part: str) -> Group | None:
    return osv_linux.group(part, _PUBLISHED)


FEED = Feed(
    name="openeuler",
    title="openEuler security advisories",
    licence="openEuler, terms of the site",
    homepage="https://www.openeuler.org/en/security/security-bulletins/",
    files=osv_linux.files(_PUBLISHED),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("openeuler-24.03-LTS",),
    version=2,
)
