"""Markdown, read by GitHub's own reader (cmark-gfm) and by markdown-it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings

from conftest import GOLDEN
from hullmark.model.look import Look
from hullmark.model.report import Coverage, Failure, Report, ReportSet
from hullmark.reports import render
from hullmark.reports.markdown import LIMIT
from reports.hostile import change, huge, many, reports
from reports.pages import Texts, github, other
from reports.sample import FINDINGS, LINTED, QS, SAMPLE, WHOLE, found

ALL = Look(suppressed=True)
OURS = {
    *("h3", "p", "strong", "ul", "li", "code", "a", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
LINK = re.compile(
    r"https://www\.cve\.org/CVERecord\?id=CVE-\d{4}-\d{4,}|https://github\.com/advisories/GHSA[0-9a-z-]+"
)


def text(report: Report | ReportSet = SAMPLE, look: Look = ALL) -> str:
    return render("markdown", report, look).decode()


def read(report: Report | ReportSet = SAMPLE, look: Look = ALL) -> list[Texts]:
    """Read a page as both readers do, raw HTML left in as both platforms do."""
    body = text(report, look)
    return [github(body), other(body)]


def test_golden(golden: Callable[[Path, bytes], None]) -> None:
    golden(GOLDEN / "reports" / "markdown" / "sample.md", render("markdown", WHOLE))
    golden(GOLDEN / "reports" / "markdown" / "suppressed.md", render("markdown", WHOLE, ALL))
    golden(GOLDEN / "reports" / "markdown" / "lint.md", render("markdown", LINTED))


def test_the_verdict_and_the_upgrades_lead() -> None:
    lines = [line for line in text().splitlines() if line]
    assert lines[1].startswith("**3 critical, 4 high,")
    assert lines[1].endswith("`hullmark scan registry.example/team/app:1.2 --fail-on critical`")
    assert lines.index("**Upgrade first**") < lines.index("<details>")
    assert (
        "- `org.apache.logging.log4j:log4j-core` (maven) 2.14.1 to 2.16.0; 1 exploited (KEV): 3 findings, worst critical"
        in lines
    )


def test_tables_are_folded_worst_first() -> None:
    for page in read(look=Look()):
        summaries = [line for line in page.bare if re.fullmatch(r"\w+: \d+ findings?", line)]
        assert [line.partition(":")[0] for line in summaries] == [
            "critical",
            "high",
            "medium",
            "low",
            "negligible",
            "unknown",
        ]
        assert page.tags == OURS


def test_what_was_not_checked_is_said() -> None:
    page = text()
    assert "- not checked: 1 package (npm): no feed speaks for them" in page
    assert "- **incomplete: could not be read: 1 package database, 1 record**" in page
    assert "- left out of lock files: 4 development packages" in page
    assert "- 3 findings not shown: " in page
    assert "suppressed: " not in text(look=Look())
    assert text().count("suppressed: ") == 6
    blind = change(SAMPLE, findings=(), suppressed=(), packages=(change(QS, coverage="no_feed"),))
    assert "**none of 1 package was checked" in text(blind)
    assert "no vulnerabilities were looked for" in text(change(SAMPLE, coverage=Coverage()))


def test_malicious_is_removed_not_upgraded() -> None:
    bad = change(FINDINGS[8], fixed_version="2.0")
    page = text(change(SAMPLE, findings=(bad,)))
    assert "`evil\\x1b[2J\\u202e 1.0`: remove it and rotate" in page
    assert "| remove, rotate credentials | **malicious**;" in page
    assert "2.0" not in page.partition("<details>")[2]


@pytest.mark.parametrize("number", [500, 5_000])
def test_a_comment_takes_it_and_what_is_left_out_is_counted(number: int) -> None:
    body = render("markdown", many(number), ALL)
    assert len(body) <= LIMIT
    rows = [line for line in body.decode().splitlines() if line.startswith("| [")]
    (note,) = re.findall(
        r"^([\d,]+) more findings left out for want of room: the JSON report has all\.$",
        body.decode(),
        re.MULTILINE,
    )
    assert len(rows) + int(note.replace(",", "")) == number + 3
    assert len(body) > LIMIT * 0.98
    assert body.count(b"<details>") == body.count(b"</details>")


def test_all_findings_are_there_where_there_is_room() -> None:
    assert "left out for" not in text(many(200))


@pytest.mark.parametrize("number", [2, 30, 300])
def test_several_images_share_the_room(number: int) -> None:
    several = ReportSet(
        reports=(many(400),) * number,
        failures=(Failure("gone|`:1", "no @image"),) * number,
        summary=SAMPLE.summary,
    )
    body = render("markdown", several)
    assert len(body) <= LIMIT
    shown = body.count(b"### Hullmark")
    assert shown == number or f"{number - shown} more images left out".encode() in body
    assert shown >= min(number, 15)
    assert b"- `gone\\x7c``:1`" not in body
    assert all(page.tags <= OURS for page in read(several))


@settings(max_examples=60)
@given(reports)
def test_hostile_words_stay_text(report: Report) -> None:
    for page in read(report):
        assert page.tags <= OURS
        assert all(link and LINK.fullmatch(link) for link in page.links)
        bare = " ".join(page.bare)
        assert not re.search(r"@|#\d|://|www\.|\bjavascript|\{\{|\$\{", bare)


def test_a_row_stays_a_row() -> None:
    title = "a | b\n\n| c | d |\n</details><img src=x> @user #1 `"
    report = change(SAMPLE, findings=(found("CVE-1|2", QS, title=title),), suppressed=())
    for page in read(report):
        assert any("@user #1 `" in one for one in page.code)
        assert "img" not in page.tags
    assert len([line for line in text(report).splitlines() if line.startswith("|")]) == 3


def test_texts_of_a_megabyte_are_cut() -> None:
    assert len(render("markdown", huge())) < LIMIT
    assert all(page.tags <= OURS for page in read(huge()))
