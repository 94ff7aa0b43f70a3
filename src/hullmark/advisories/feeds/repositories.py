"""Red Hat's list of which product each of its repositories belongs to.

Format: https://redhatproductsecurity.github.io/security-data-guidelines/ ('RPM Repository to CPE mapping'): `data` has for
each repository its `cpes`. Images say in their content manifests from which repositories their packages are.
"""

from collections.abc import Iterator

import msgspec

from hullmark.advisories._formats import decoding
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Repository
from hullmark.model.target import Target


class _Entry(msgspec.Struct):
    cpes: list[str] = []


class _Mapping(msgspec.Struct):
    data: dict[str, msgspec.Raw]


_MAPPING = msgspec.json.Decoder(_Mapping)
_ENTRY = msgspec.json.Decoder(_Entry)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one note for each repository that belongs to a product."""
    for document in documents:
        try:
            entries = decoding.json(document.read(), _MAPPING).data
        except decoding.UndecodableError as problem:
            yield document.unread(str(problem))
            continue
        for name, raw in entries.items():
            try:
                cpes = decoding.json(bytes(raw), _ENTRY).cpes
            except decoding.UndecodableError as problem:
                yield document.unread(str(problem), name[:100])
                continue
            if name and cpes:
                yield Repository(name, tuple(dict.fromkeys(cpes)))


def parts(_target: Target) -> tuple[str, ...] | None:
    """Speak for no package: an image's repositories are looked up by name."""
    return None


_SOURCES = Group(
    name="repositories",
    parts=("repositories",),
    sources=(
        Source(
            url="https://security.access.redhat.com/data/metrics/repository-to-cpe.json",
            file="redhat-repositories/repository-to-cpe.json",
        ),
    ),
    size=15_000_000,
)


FEED = Feed(
    name="repositories",
    title="Red Hat repositories and their products",
    licence="CC-BY-4.0",
    homepage="https://redhatproductsecurity.github.io/security-data-guidelines/",
    files=("redhat-repositories/*.json", "redhat-repositories/*.json.gz"),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("repositories",),
)
