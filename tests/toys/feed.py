"""A feed of records that a test makes up, and a database built of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hullmark.advisories.build import Built, build
from hullmark.advisories.database import Database, Part
from hullmark.advisories.feed import Document, Feed, Record
from hullmark.advisories.registry import schemes
from hullmark.model.advisory import Advisory, Affected, Range
from hullmark.model.errors import VersionError
from hullmark.model.target import Target

TIME = "2026-01-01T00:00:00Z"
FILE = "toy.json"


def feed(
    *records: Record,
    name: str = "toy",
    parse: Callable[[Iterator[Document]], Iterator[Record]] | None = None,
) -> Feed:
    def parts(target: Target) -> tuple[str, ...] | None:
        return (f"{name}-{target.ecosystem}",) if target.distribution is None else None

    return Feed(
        name=name,
        title="Toy",
        licence="CC0-1.0",
        homepage="",
        files=(FILE,),
        parse=parse or (lambda _documents: iter(records)),
        parts=parts,
    )


def built(folder: Path, *records: Record, name: str = "toy", at: str = TIME) -> Built:
    """Build a database of these records alone."""
    mirror = folder / "mirror"
    mirror.mkdir(exist_ok=True, parents=True)
    (mirror / FILE).write_bytes(b"{}")
    return build(mirror, folder / "db", [feed(*records, name=name)], built=at)


def part_of(folder: Path, key: str = "toy-pypi") -> Part:
    part = Database.open(folder / "db").part(key)
    assert part is not None
    return part


def advisory(name: str, *affected: Affected, **more: object) -> Advisory:
    return Advisory(id=name, affected=affected, **more)  # type: ignore[arg-type]


def affected(
    name: str,
    *ranges: Range,
    ecosystem: str = "pypi",
    versions: Sequence[str] = (),
    **more: object,
) -> Affected:
    return Affected(ecosystem=ecosystem, name=name, ranges=ranges, versions=tuple(versions), **more)  # type: ignore[arg-type]


def key_of(ecosystem: str, text: str) -> bytes | None:
    try:
        return schemes()[ecosystem].key(text)
    except VersionError:
        return None


def said(part: Part, name: str, version: str, ecosystem: str = "pypi", scope: str = "binary") -> list[str]:
    """Give the records that hold for a version, undecided ones with a question mark."""
    found = part.statements(
        name,
        scope,
        key_of(ecosystem, version),
        version,
        key_of=lambda text: key_of(ecosystem, text),
    )
    return [each.advisory + "?" * each.undecided for each in found]
