"""JUnit XML, held against `junit-10.xsd` of the Jenkins xUnit plugin (MIT) and read by `junitparser`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import junitparser
import pytest
import xmlschema
from hypothesis import given

from conftest import GOLDEN
from hullmark.model.look import Look
from hullmark.model.report import Coverage, Failure, Report, ReportSet
from hullmark.reports import render
from reports.hostile import change, huge, many, reports
from reports.sample import FINDINGS, LINTED, QS, SAMPLE, SCHEMAS, WHOLE, found

SCHEMA = xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))
ALL = Look(suppressed=True)


def root(report: Report | ReportSet = SAMPLE, look: Look = ALL) -> ET.Element:
    body = render("junit", report, look)
    SCHEMA.validate(body.decode())
    return ET.fromstring(body)  # noqa: S314  # our own bytes, and what they must be is what is tested


def cases(report: Report | ReportSet = SAMPLE, outcome: str = "failure", look: Look = ALL) -> list[Any]:
    return [case for case in root(report, look).iter("testcase") if case.find(outcome) is not None]


def test_golden(golden: Callable[[Path, bytes], None]) -> None:
    golden(GOLDEN / "reports" / "junit" / "sample.xml", render("junit", WHOLE, ALL))
    golden(GOLDEN / "reports" / "junit" / "lint.xml", render("junit", LINTED))


def test_the_schema_does_refuse() -> None:
    body = render("junit", SAMPLE).decode().replace(" tests=", " test=")
    assert not SCHEMA.is_valid(body)


def test_a_reader_counts_what_there_is() -> None:
    (suite,) = junitparser.JUnitXml.fromstring(render("junit", SAMPLE, ALL))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (18, 11, 4, 3)
    counted = [type(result).__name__ for case in suite for result in case.result]
    assert [counted.count(name) for name in ("Failure", "Error", "Skipped")] == [11, 4, 3]
    assert suite.name == "registry.example/team/app:1.2"
    log4j = next(case for case in suite if case.name == "CVE-2021-44228")
    assert log4j.result[0].type == "critical"
    for word in (
        "fix: fixed in 2.15.0",
        "path: app/a.jar",
        "layer: 1 sha256:111",
        "url: https://www.cve.org/",
    ):
        assert word in log4j.result[0].text


def test_suppressed_is_only_counted_unless_asked_for() -> None:
    assert not cases(outcome="skipped", look=Look())
    said = [p.get("value") for p in root(look=Look()).iter("property") if p.get("name") == "suppressed"]
    assert said == [
        "3 findings not shown: 1 by --fixable-only, 1 by .hullmark-ignore.yaml, 1 by app.vex.json"
    ]
    assert len(cases(outcome="skipped")) == 3


def test_what_was_not_checked_is_an_error() -> None:
    names = {case.get("name") for case in cases(outcome="error")}
    assert "npm: no feed speaks for them" in names
    assert "package database sha256:111111111111 var/lib/rpm/Packages page 3" in names


def test_one_case_passes_where_nothing_was_found() -> None:
    clean = change(SAMPLE, findings=(), suppressed=(), errors=(), packages=SAMPLE.packages[:2])
    assert [case.get("name") for case in root(clean).iter("testcase")] == ["no findings"]
    blind = change(clean, packages=(change(QS, coverage="no_feed"),))
    assert [case.get("name") for case in root(blind).iter("testcase")] == ["npm: no feed speaks for them"]
    unasked = change(clean, coverage=Coverage())
    assert [case.get("name") for case in cases(unasked, "skipped")] == ["findings"]


def test_malicious_is_removed_not_upgraded() -> None:
    (case,) = (case for case in cases() if case.get("name") == "MAL-2024-1")
    assert "fix: remove it and rotate every credential" in case.find("failure").text


def test_names_are_unique_and_the_same_under_another_version() -> None:
    twice = change(SAMPLE, findings=(FINDINGS[0], change(FINDINGS[0], version="2.14.0")))
    names = [(case.get("classname"), case.get("name")) for case in cases(twice)]
    assert len(set(names)) == 2
    assert names[0] == next((case.get("classname"), case.get("name")) for case in cases())


def test_several_images() -> None:
    several = ReportSet(
        reports=(SAMPLE, SAMPLE),
        failures=(Failure("gone:1", "no such image", "log in"),),
        summary=SAMPLE.summary,
    )
    suites = root(several).findall("testsuite")
    assert [suite.get("errors") for suite in suites] == ["4", "4", "1"]
    assert suites[2].get("name") == "gone:1"
    assert root(ReportSet(reports=(), summary=SAMPLE.summary)).get("tests") == "0"


@given(reports)
def test_hostile_words_are_valid_xml(report: Report) -> None:
    root(report)


def test_texts_of_a_megabyte_are_cut() -> None:
    assert len(render("junit", huge())) < 1_000_000
    root(huge())


@pytest.mark.parametrize("word", ["\x00", "\x08", "\x1b", "\ufffe", "\uffff", "\ud800", "\u202e"])
def test_a_forbidden_character_is_shown_by_its_number(word: str) -> None:
    report = change(SAMPLE, findings=(found(f"CVE-1{word}", QS, title=word),))
    (case,) = cases(report)
    assert case.get("name").startswith("CVE-1\\")
    assert word not in ET.tostring(root(report), "unicode")


def test_as_many_cases_as_findings() -> None:
    assert len(cases(many(3000), look=Look())) == 3000
