"""Arch Linux's security tracker: groups of flaws (AVG) of one version of some packages.

Format: https://security.archlinux.org/all.json. A rolling distribution: its one part is `arch`. `affected` is
the version on which a group was opened, not the first affected one.
"""

from collections.abc import Iterator

import msgspec

from hullmark.advisories._formats import decoding
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Advisory, Affected, Range, Reference, Score, Severity, State
from hullmark.model.target import Target

_SITE = "https://security.archlinux.org/"
_LEVELS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "unknown": Severity.UNKNOWN,
}
_STATES: dict[str, State] = {
    "fixed": "affected",
    "testing": "affected",
    "vulnerable": "affected",
    "not affected": "not_affected",
    "unknown": "under_investigation",
}


class _Group(msgspec.Struct):
    name: str
    packages: list[str]
    status: str
    severity: str = ""
    type: str = ""
    affected: str | None = None
    fixed: str | None = None
    issues: list[str] = []
    advisories: list[str] = []


_DOCUMENT = msgspec.json.Decoder(list[msgspec.Raw])
_GROUP = msgspec.json.Decoder(_Group)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give each group as a bundle."""
    for document in documents:
        try:
            entries = decoding.json(document.read(), _DOCUMENT)
        except decoding.UndecodableError as problem:
            yield document.unread(str(problem))
            continue
        for place, raw in enumerate(entries):
            try:
                group = decoding.json(bytes(raw), _GROUP)
            except decoding.UndecodableError as problem:
                yield document.unread(str(problem), f"entry {place}")
                continue
            state = _STATES.get(group.status.lower())
            if state is None:
                yield document.unread(f"the status {group.status[:40]!r} is not known", group.name)
            elif group.packages:
                yield _bundle(group, state)


def _bundle(group: _Group, state: State) -> Advisory:
    level = _LEVELS.get(group.severity.lower(), Severity.UNKNOWN)
    fixed = group.fixed or "" if state == "affected" else ""
    return Advisory(
        id=group.name,
        title=group.type,
        bundle=True,
        fixes=tuple(dict.fromkeys(group.issues)),
        affected=tuple(
            Affected(
                ecosystem="alpm",
                name=package,
                release="arch",
                state=state,
                ranges=(Range(fixed=fixed),),
                level=level,
                note="the fix is in the testing repository" if group.status.lower() == "testing" else "",
            )
            for package in dict.fromkeys(group.packages)
        ),
        scores=(Score("arch", "level", level),) if level is not Severity.UNKNOWN else (),
        references=tuple(Reference(_SITE + name, "ADVISORY") for name in (group.name, *group.advisories)),
    )


def parts(target: Target) -> tuple[str, ...] | None:
    """Arch speaks for itself; it has no releases."""
    distribution = target.distribution
    if target.ecosystem != "alpm" or distribution is None or distribution.id != "arch":
        return None
    return ("arch",)


_SOURCES = Group(
    name="arch",
    parts=("arch",),
    sources=(Source(url="https://security.archlinux.org/all.json", file="arch/all.json"),),
    size=1_500_000,
)


FEED = Feed(
    name="arch",
    title="Arch Linux security tracker",
    licence="MIT",
    homepage=_SITE,
    files=("arch/all.json", "arch/all.json.gz"),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("arch",),
)
