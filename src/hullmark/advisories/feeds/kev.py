"""CISA's catalogue of known exploited vulnerabilities.

Format: https://www.cisa.gov/known-exploited-vulnerabilities-catalog, one JSON document with its own schema.
"""

from collections.abc import Iterator

import msgspec

from hullmark.advisories._formats import decoding
from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import KnownExploited
from hullmark.model.target import Target


class _Entry(msgspec.Struct, rename="camel"):
    cve_id: str = msgspec.field(name="cveID", default="")
    date_added: str = ""
    due_date: str = ""
    known_ransomware_campaign_use: str = ""
    vulnerability_name: str = ""
    required_action: str = ""


class _Catalogue(msgspec.Struct):
    vulnerabilities: list[_Entry]


_CATALOGUE = msgspec.json.Decoder(_Catalogue)


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one note for each entry."""
    for document in documents:
        try:
            content = decoding.json(document.read(), _CATALOGUE)
        except decoding.UndecodableError as problem:
            yield document.unread(str(problem))
            continue
        for number, entry in enumerate(content.vulnerabilities):
            if not entry.cve_id:
                yield document.unread("an entry without CVE id", f"entry {number}")
                continue
            yield KnownExploited(
                id=entry.cve_id,
                added=entry.date_added,
                due=entry.due_date,
                ransomware=entry.known_ransomware_campaign_use == "Known",
                name=entry.vulnerability_name,
                action=entry.required_action,
            )


def parts(_target: Target) -> tuple[str, ...] | None:
    """Speak for no package: notes are joined by CVE."""
    return None


_SOURCES = Group(
    name="kev",
    parts=("kev",),
    sources=(
        Source(
            url="https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
            file="kev/known_exploited_vulnerabilities.json",
        ),
    ),
    size=1_500_000,
)


FEED = Feed(
    name="kev",
    title="CISA Known Exploited Vulnerabilities",
    licence="CC0-1.0",
    homepage="https://www.cisa.gov/known-exploited-vulnerabilities-catalog",
    files=("kev/*.json", "kev/*.json.gz"),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("kev",),
)
