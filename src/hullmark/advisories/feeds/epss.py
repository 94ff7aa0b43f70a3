"""FIRST's Exploit Prediction Scoring System: the daily scores of all CVEs.

Format: https://www.first.org/epss/data_stats, CSV with the columns cve, epss and percentile, after a comment
line with the model's version and the date.
"""

import re
from collections.abc import Iterator

from hullmark.advisories.feed import Document, Feed, Group, Record, Source, only
from hullmark.model.advisory import Epss
from hullmark.model.target import Target

_DATE = re.compile(r"score_date:(\d{4}-\d{2}-\d{2})")
_HEADER = "cve,epss,percentile"
_ROW = re.compile(r"(CVE-\d{4}-\d{4,}),(\d(?:\.\d+)?(?:e-\d+)?),(\d(?:\.\d+)?(?:e-\d+)?)\Z")


def parse(documents: Iterator[Document]) -> Iterator[Record]:
    """Give one note for each CVE."""
    for document in documents:
        lines = document.read().decode("ascii", "replace").splitlines()
        match = _DATE.search(lines[0]) if lines and lines[0].startswith("#") else None
        date = match[1] if match else ""
        start = 1 if lines and lines[0].startswith("#") else 0
        if lines[start : start + 1] != [_HEADER]:
            yield document.unread(f"the columns are not {_HEADER}")
            continue
        for number, line in enumerate(lines[start + 1 :], start + 2):
            row = _ROW.match(line)
            probability, percentile = (float(row[2]), float(row[3])) if row else (-1.0, -1.0)
            if row and probability <= 1 and percentile <= 1:
                yield Epss(row[1], probability, percentile, date)
            elif line.strip():
                yield document.unread("not a CVE with two numbers from 0 to 1", f"line {number}")


def parts(_target: Target) -> tuple[str, ...] | None:
    """Speak for no package: notes are joined by CVE."""
    return None


_SOURCES = Group(
    name="epss",
    parts=("epss",),
    sources=(
        Source(
            url="https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
            file="epss/epss_scores-current.csv.gz",
        ),
    ),
    size=2_500_000,
)


FEED = Feed(
    name="epss",
    title="Exploit Prediction Scoring System",
    licence="Free use with attribution to FIRST",
    homepage="https://www.first.org/epss",
    files=("epss/*.csv", "epss/*.csv.gz"),
    parse=parse,
    parts=parts,
    group=only(_SOURCES),
    all_parts=("epss",),
)
