"""What the database says of a flaw, or of a package: for people and their scripts, no image needed."""

from collections.abc import Iterator

from msgspec import Struct

from hullmark.advisories.database import Database, Part, Spoken
from hullmark.advisories.registry import schemes
from hullmark.model.advisory import Advisory, Note, Severity, State
from hullmark.model.errors import FeedError

_NOTES = ("cvelist", "nvd", "epss", "kev")
_MOST = 10_000
"""What one question is answered with at most: a kernel's list is long, and nobody reads more."""


class Said(Struct, frozen=True, kw_only=True):
    """What one advisory says of one package: the range as published, or the versions that it lists."""

    package: str
    scope: str
    state: State
    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""
    versions: tuple[str, ...] = ()
    severity: Severity = Severity.UNKNOWN
    module: str = ""
    cpes: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    arches: tuple[str, ...] = ()
    note: str = ""


class Found(Struct, frozen=True, kw_only=True):
    """One advisory with its evidence. `matched` says by what it was found: its `id`, an `alias`, or as a `bundle`."""

    part: str
    feed: str
    revision: str
    built: str
    matched: str
    advisory: Advisory
    statements: tuple[Said, ...]


_MATCHED = ("id", "alias", "bundle")


def flaw(database: Database, name: str) -> list[Found]:
    """Give every advisory that has this id, is another name for it, or fixes it. Raises `FeedError`."""
    found: list[Found] = []
    for part in _parts(database):
        kinds = {number: kind for each in spellings(name) for number, kind in part.named(each)}
        for number, kind in kinds.items():
            name, mark, packages = part.record(number)
            rows = part.spoken(*packages, advisory=name, mark=mark)
            if rows:
                found.append(_found(part, _MATCHED[kind], rows))
    return found[:_MOST]


def spellings(name: str) -> tuple[str, ...]:
    """Give an id as it was written, and as publishers write it: people type `cve-2026-1` and `ghsa-…`."""
    head, dash, rest = name.partition("-")
    return tuple(dict.fromkeys((name, name.upper(), f"{head.upper()}{dash}{rest.lower()}")))


def notes(database: Database, name: str) -> list[Note]:
    """Give what catalogues say of a flaw: CVE records, EPSS, KEV."""
    parts = [part for key in _NOTES if (part := database.part(key)) is not None]
    return [note for part in parts for note in part.notes(list(spellings(name))).values()]


def package(database: Database, name: str, ecosystem: str = "") -> list[Found]:
    """Give every advisory that speaks of a package, in the parts of an ecosystem (`pypi`), a release (`debian:12`) or all of them.

    Raises `FeedError` where no such part is here.
    """
    end = ecosystem.replace(":", "-").lower()
    keys = [key for key in database.current.parts if not end or f"-{end}-" in f"-{key}-"]
    if not keys:
        raise FeedError(
            f"the database has no part for {ecosystem}, so nothing can be said",
            hint="hullmark db status lists the parts; hullmark db update --part fetches one",
        )
    names = sorted({scheme.fold(name) for scheme in schemes().values()} | {name})
    found = []
    for part in _parts(database):
        if part.key not in keys:
            continue
        rows: dict[tuple[str, int], list[Spoken]] = {}
        for row in part.spoken(*names):
            rows.setdefault((row.advisory, row.mark), []).append(row)
        found += [_found(part, "id", spoken) for _, spoken in sorted(rows.items())]
    return found[:_MOST]


def _parts(database: Database) -> Iterator[Part]:
    for key in database.current.parts:
        part = database.part(key)
        if part is not None:
            yield part


def _found(part: Part, matched: str, rows: list[Spoken]) -> Found:
    """Give an advisory with what it says, at least one row."""
    info = part.info
    return Found(
        part=part.key,
        feed=info.feed,
        revision=f"{info.lineage}.{info.n}",
        built=info.built,
        matched=matched,
        advisory=part.advisory(rows[0].advisory, rows[0].mark),
        statements=tuple(map(_said, rows)),
    )


def _said(row: Spoken) -> Said:
    more = row.more
    return Said(
        package=row.package,
        scope=row.scope,
        state=row.state,
        introduced=row.introduced,
        fixed=row.fixed,
        last_affected=row.last_affected,
        versions=row.versions,
        severity=row.level,
        module=more.module,
        cpes=more.cpes,
        repositories=more.repositories,
        arches=more.arches,
        note=more.note,
    )
