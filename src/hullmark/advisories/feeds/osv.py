"""OSV.dev's export of the language ecosystems: one `all.zip` of OSV documents for each.

Format: https://ossf.github.io/osv-schema/ (see `_formats/osv.py`), layout:
https://google.github.io/osv.dev/data/. A record about several ecosystems stands in the archive of each; of
each archive only the statements about its own ecosystem are taken.
"""

from collections.abc import Iterator

from hullmark.advisories._formats import osv
from hullmark.advisories.feed import Document, Feed, Group, Record
from hullmark.model.target import Target

_NAMES = {purl_type: name for name, purl_type in osv.LIBRARY_ECOSYSTEMS.items()}


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give the records of each ecosystem's folder."""
    for document in documents:
        folder = document.path.removeprefix("osv/").partition("/")[0]
        yield from osv.libraries(document, {folder: osv.LIBRARY_ECOSYSTEMS.get(folder, "")})


def parts(target: Target) -> tuple[str, ...] | None:
    """Each ecosystem is a part of its own."""
    return (f"osv-{target.ecosystem}",) if target.ecosystem in _NAMES else None


_SIZES = {
    "npm": 190_000_000,
    "PyPI": 25_000_000,
    "Maven": 12_000_000,
    "Go": 12_000_000,
    "Packagist": 8_000_000,
}


def _group(part: str) -> Group | None:
    name = _NAMES.get(part.removeprefix("osv-")) if part.startswith("osv-") else None
    if name is None:
        return None
    return osv.exported(part, part, name, name, size=_SIZES.get(name, 2_000_000))


FEED = Feed(
    name="osv",
    title="OSV.dev",
    licence="CC-BY-4.0 and others, by source",
    homepage="https://osv.dev",
    files=tuple(
        f"osv/{name}/{pattern}" for name in osv.LIBRARY_ECOSYSTEMS for pattern in ("all.zip", "*.json")
    ),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=tuple(f"osv-{ecosystem}" for ecosystem in _NAMES),
    version=4,
)
