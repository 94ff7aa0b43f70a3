"""Photon OS: a JSON list of flaws for each release, and its OVAL, whose definitions are bundles (PHSA).

Formats: https://packages.vmware.com/photon/photon_cve_metadata/ (`cve_data_photon4.0.json`), and
`com.vmware.phsa-photon3.xml` as in `_formats/oval.py`. The list mixes names of source and binary packages
(`curl`, `curl-libs`), so a name is taken for either.
"""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from hullmark.advisories._formats import cvss, decoding, oval
from hullmark.advisories.feed import Document, Feed, Group, Record, Source
from hullmark.model.advisory import Advisory, Affected, Range, Reference, Score, State
from hullmark.model.target import Target

_FILE = re.compile(r"photon(\d+)(?:\.0)?\.json\Z")
_RELEASE = re.compile(r"Photon OS (\d+) is installed")
_BUILD = re.compile(r"(\S+) is earlier than (\S+)")
_SIGNED = re.compile(r"\S+ is signed with")
_BUNDLE = re.compile(r"PHSA-\d{4}[:-][\d.:-]*\d")
_STATES: dict[str, State] = {
    "fixed": "affected",
    "not affected": "not_affected",
    "unfixed": "affected",
    "open": "affected",
    "affected": "affected",
    "under investigation": "under_investigation",
    "will not fix": "will_not_fix",
}
_SCOPES: tuple[Literal["source", "binary"], ...] = ("source", "binary")


class _Entry(msgspec.Struct):
    cve_id: str
    pkg: str
    status: str
    cve_score: float | None = None
    aff_ver: str = ""
    res_ver: str = ""


_DOCUMENT = msgspec.json.Decoder(list[msgspec.Raw])
_ENTRY = msgspec.json.Decoder(_Entry)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one advisory for each entry of a list, and a bundle for each definition."""
    for document in documents:
        if document.path.endswith(".json"):
            yield from _list(document)
        else:
            yield from _definitions(document)


def _list(document: Document) -> Iterator[Record]:
    match = _FILE.search(document.path)
    if match is None:
        yield document.unread("the file's name does not tell a release")
        return
    try:
        entries = decoding.json(document.read(), _DOCUMENT)
    except decoding.UndecodableError as problem:
        yield document.unread(str(problem))
        return
    for place, raw in enumerate(entries):
        try:
            entry = decoding.json(bytes(raw), _ENTRY)
        except decoding.UndecodableError as problem:
            yield document.unread(str(problem), f"entry {place}")
            continue
        state = _STATES.get(entry.status.lower())
        fixed = "" if entry.res_ver in ("", "NA") else entry.res_ver
        if state is None or (entry.status.lower() == "fixed" and not fixed):
            yield document.unread(
                f"status {entry.status[:40]!r} without a fixed version", f"{entry.cve_id} {entry.pkg}"
            )
            continue
        yield Advisory(
            id=entry.cve_id,
            affected=tuple(
                Affected(
                    ecosystem="rpm",
                    name=entry.pkg,
                    release=f"photon-{match[1]}",
                    scope=scope,
                    state=state,
                    ranges=(Range(fixed=fixed),),
                )
                for scope in _SCOPES
            ),
            scores=_score(entry.cve_score),
        )


def _score(value: float | None) -> tuple[Score, ...]:
    if value is None or not 0 <= value <= 10:
        return ()
    return (Score("photon", "cvss3", cvss.level(value), "", value),)


def _classify(criterion: oval.Criterion) -> oval.Fact:
    comment = criterion.comment
    if match := _BUILD.match(comment):
        return oval.Bound(match[1], fixed=match[2].removeprefix("0:"))
    if match := _RELEASE.match(comment):
        return oval.Release(f"photon-{match[1]}")
    if _SIGNED.match(comment):
        return None
    raise oval.OvalError(f"the criterion {comment[:60]!r} is not understood")


def _definitions(document: Document) -> Iterator[Record]:
    try:
        for definition in oval.Reader(document, keep_tests=False).definitions():
            yield from _bundle(document, definition)
    except oval.OvalError as problem:
        yield document.unread(str(problem))


def _bundle(document: Document, definition: oval.Definition) -> Iterator[Record]:
    title = definition.texts.get("title", "")
    match = _BUNDLE.match(title)
    if match is None:
        yield document.unread("no advisory is named", definition.id)
        return
    try:
        affected = tuple(oval.statements(definition, _classify))
    except oval.OvalError as problem:
        yield document.unread(str(problem), match[0])
        return
    if affected:
        yield Advisory(
            id=match[0],
            title=title.removeprefix(match[0]).strip(),
            details=definition.texts.get("description", ""),
            bundle=True,
            fixes=tuple(dict.fromkeys(cve.name for cve in definition.cves)),
            affected=affected,
            scores=definition.scores("photon"),
            references=tuple(
                Reference(url, "ADVISORY")
                for source, _, url in definition.references
                if source == "PHSA" and url
            ),
            published=definition.date("issued"),
            modified=definition.date("updated"),
        )


def parts(target: Target) -> tuple[str, ...] | None:
    """Photon speaks for its releases, `4.0` and `5.0`."""
    distribution = target.distribution
    if target.ecosystem != "rpm" or distribution is None or distribution.id != "photon":
        return None
    match = re.match(r"\d{1,3}(?!\d)", distribution.version_id)
    return (f"photon-{match[0]}",) if match else ()


_SIZES = {"3": 1_500_000, "4": 13_000_000}


def _group(part: str) -> Group | None:
    match = re.fullmatch(r"photon-(\d{1,3})", part)
    if match is None:
        return None
    file = f"cve_data_photon{match[1]}.0.json"
    return Group(
        name=part,
        parts=(part,),
        sources=(
            Source(
                url=f"https://packages.broadcom.com/photon/photon_cve_metadata/{file}", file=f"photon/{file}"
            ),
        ),
        size=_SIZES.get(match[1], 15_000_000),
    )


FEED = Feed(
    name="photon",
    title="Photon OS security data",
    licence="GPL-2.0-only OR Apache-2.0",
    homepage="https://github.com/vmware/photon/wiki/Security-Advisories",
    files=("photon/*.json", "photon/*.json.gz", "photon/*.xml", "photon/*.xml.gz"),
    parse=parse,
    parts=parts,
    group=_group,
    all_parts=("photon-3", "photon-4", "photon-5"),
)
