"""CleanStart's security data as OSV documents. Format: `_formats/osv_linux.py`.

Publisher: https://github.com/cleanstart-dev/cleanstart-security-advisories, exported by OSV.dev. A rolling distribution of apk packages: its
one part is named after it. Its images call themselves `clnstrt`, and are to call themselves `cleanstart`
(https://github.com/anchore/grype/pull/3281).
"""

from collections.abc import Iterator

from hullmark.advisories._formats import osv_linux
from hullmark.advisories.feed import Document, Feed, Group, Record
from hullmark.model.target import Target

_PUBLISHED = (osv_linux.Published("CleanStart", "cleanstart", "apk", "", 15_000_000),)
_IDS = frozenset({"cleanstart", "clnstrt"})


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one bundle for each record."""
    return osv_linux.parse(documents, "cleanstart", _PUBLISHED)


def parts(target: Target) -> tuple[str, ...] | None:
    """Speak for CleanStart's images, whatever they give as their version."""
    distribution = target.distribution
    if target.ecosystem != "apk" or distribution is None or distribution.id not in _IDS:
        return None
    return ("cleanstart",)


def _group(part: str) -> Group | None:
    return osv_linux.group(part, _PUBLISHED)


FEED = Feed(
    name="cleanstart",
    title="CleanStart advisories",
    licence="none named",
    homepage="https://www.cleanstart.com",
    files=osv_linux.files(_PUBLISHED),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("cleanstart",),
)
