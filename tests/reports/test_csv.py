"""CSV: read back by Python's own reader, which follows RFC 4180."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given

from conftest import GOLDEN
from hullmark.model.look import Look
from hullmark.model.report import Failure, Report, ReportSet
from hullmark.reports import render
from hullmark.reports.csv import COLUMNS
from reports.hostile import change, huge, reports
from reports.sample import FINDINGS, LINTED, QS, SAMPLE, WHOLE, found

ALL = Look(suppressed=True)
FORMULA = re.compile(r"""(?:\A|[;,|"])\s*[=+\-@＝＋－＠]""")


def rows(report: Report | ReportSet = SAMPLE, look: Look = ALL) -> list[dict[str, str]]:
    text = render("csv", report, look).decode()
    read = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert all(len(row) == len(COLUMNS) and None not in row.values() for row in read)
    return read


def test_golden(golden: Callable[[Path, bytes], None]) -> None:
    golden(GOLDEN / "reports" / "csv" / "sample.csv", render("csv", WHOLE, ALL).replace(b"\r\n", b"\n"))
    golden(GOLDEN / "reports" / "csv" / "lint.csv", render("csv", LINTED).replace(b"\r\n", b"\n"))


def test_form() -> None:
    body = render("csv", SAMPLE, ALL)
    assert body.split(b"\r\n")[0].decode().split(",") == list(COLUMNS)
    assert body.count(b"\n") == body.count(b"\r\n") == len(rows()) + 1


def test_a_row_each_finding_and_what_was_not_checked() -> None:
    kinds = [row["kind"] for row in rows(look=Look())]
    assert len(kinds) == len(FINDINGS) + 2 + 2
    assert kinds[-4:] == ["unread", "unread", "not_checked", "not_checked"]
    assert all(row["suppressed"] != "true" for row in rows(look=Look()))
    taken_out = [row for row in rows() if row["suppressed"] == "true"]
    assert [row["suppressed_by"] for row in taken_out] == [
        "filter",
        ".hullmark-ignore.yaml:3",
        "app.vex.json",
    ]


def test_columns_of_a_finding() -> None:
    row = rows()[0]
    for name, value in {
        "id": "CVE-2021-44228",
        "severity": "critical",
        "severity_source": "ghsa",
        "fixed_version": "2.15.0",
        "layer": "1",
        "from_base": "false",
        "path": "app/a.jar",
        "epss": "0.94358",
        "kev": "true",
        "cvss_score": "9.1",
        "cvss_source": "ghsa",
        "created_by": "RUN make step1",
    }.items():
        assert row[name] == value
    assert "not a url" not in row["urls"]


def test_malicious_is_never_upgraded() -> None:
    bad = change(FINDINGS[8], fixed_version="2.0")
    (row, *_) = rows(change(SAMPLE, findings=(bad,)))
    assert row["fixed_version"] == ""
    assert row["advice"].startswith("Remove it and rotate")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'=1"),
        ("\r\n=1", "'=1"),
        ("  =1", "'=1"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("﹦1", "'﹦1"),
        ('"=1', "\"'=1"),
        ("'=1", "''=1"),
        ("x;=1", "x;'=1"),
        ("x, =1", "x, '=1"),
        ("a\nb\r\nc", "a b c"),
        ("1.2.3-4+b", "1.2.3-4+b"),
        ("a=b", "a=b"),
        ("\x1b[2J\ud800", "\\x1b[2J\\ud800"),
    ],
)
def test_formulas_do_no_harm(text: str, cell: str) -> None:
    assert rows(change(SAMPLE, findings=(found("CVE-1", QS, title=text),)))[0]["title"] == cell


@given(reports)
def test_no_cell_is_a_formula(report: Report) -> None:
    for row in rows(report):
        for cell in row.values():
            assert not FORMULA.search(cell)
            assert "\n" not in cell
            assert "\r" not in cell


def test_several_images() -> None:
    several = ReportSet(
        reports=(SAMPLE, SAMPLE), failures=(Failure("=gone", "no image"),), summary=SAMPLE.summary
    )
    read = rows(several)
    assert len(read) == 2 * len(rows()) + 1
    assert (read[-1]["image"], read[-1]["kind"]) == ("'=gone", "not_scanned")


def test_texts_of_a_megabyte_are_cut() -> None:
    assert all(len(cell) <= 32_000 for row in rows(huge()) for cell in row.values())
