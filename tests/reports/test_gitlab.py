"""GitLab's container scanning report, held against its schema 15.2.1 (security-report-schemas, as gitlab-foss has it, MIT)."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings

from conftest import GOLDEN
from hullmark.model.errors import UsageError
from hullmark.model.look import Look
from hullmark.model.report import Coverage, Report, ReportSet
from hullmark.reports import is_of_one_image, render
from reports.hostile import change, huge, reports
from reports.pages import github
from reports.sample import FINDINGS, LINTED, QS, SAMPLE, SCHEMAS, WHOLE, found

ALL = Look(suppressed=True)
SCHEMA = json.loads((SCHEMAS / "gitlab-container-scanning-15.2.1.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def document(report: Report | ReportSet = SAMPLE, look: Look = ALL) -> Any:
    made = json.loads(render("gitlab", report, look))
    assert [f"{error.json_path}: {error.message}"[:300] for error in VALIDATOR.iter_errors(made)] == []
    return made


def flaws(report: Report = SAMPLE, look: Look = ALL) -> list[Any]:
    made: list[Any] = document(report, look)["vulnerabilities"]
    assert len({one["id"] for one in made}) == len(made)
    return made


def test_golden(golden: Callable[[Path, bytes], None]) -> None:
    golden(GOLDEN / "reports" / "gitlab" / "sample.json", render("gitlab", WHOLE, ALL))
    golden(GOLDEN / "reports" / "gitlab" / "lint.json", render("gitlab", LINTED))


def test_the_schema_does_refuse() -> None:
    broken = document()
    broken["vulnerabilities"][0]["severity"] = "Dire"
    assert not VALIDATOR.is_valid(broken)


def test_the_scan() -> None:
    scan = document()["scan"]
    assert scan["start_time"] == scan["end_time"] == "2026-01-31T12:00:00"
    assert (scan["type"], scan["status"]) == ("container_scanning", "success")
    said = [message["value"] for message in scan["messages"] if message["level"] == "warn"]
    assert "not checked: 1 package (npm): no feed speaks for them" in said
    assert any(line.startswith("could not be read: package database") for line in said)
    info = [message["value"] for message in scan["messages"] if message["level"] == "info"]
    assert any(line.startswith("3 findings not shown") for line in info)


@pytest.mark.parametrize(
    "changes", [{"coverage": Coverage()}, {"packages": (change(QS, coverage="no_feed"),)}]
)
def test_a_scan_that_checked_nothing_is_no_success(changes: dict[str, Any]) -> None:
    scan = document(change(SAMPLE, findings=(), suppressed=(), **changes))["scan"]
    assert scan["status"] == "failure"
    assert scan["messages"][0]["level"] == "fatal"


def test_a_vulnerability() -> None:
    flaw = flaws()[0]
    assert flaw["name"] == "CVE-2021-44228: Remote code injection in Log4j"
    assert flaw["severity"] == "Critical"
    assert flaw["solution"] == "Upgrade `org.apache.logging.log4j:log4j-core` `2.14.1` to `2.15.0`."
    assert [(one["type"], one["value"]) for one in flaw["identifiers"]] == [
        ("cve", "CVE-2021-44228"),
        ("ghsa", "GHSA-jfh8-c2jp-5v3q"),
        ("cwe", "502"),
        ("cwe", "20"),
    ]
    assert flaw["location"] == {
        "dependency": {"package": {"name": "org.apache.logging.log4j:log4j-core"}, "version": "2.14.1"},
        "operating_system": "debian 12",
        "image": "registry.example/team/app:1.2",
    }
    assert [one["url"] for one in flaw["links"]] == [
        "https://www.cve.org/CVERecord?id=CVE-2021-44228",
        "https://logging.apache.org/log4j/2.x/security.html",
    ]
    assert [one["vendor"] for one in flaw["cvss_vectors"]] == ["nvd", "nvd", "old"]


def test_notices_are_identifiers() -> None:
    flaw = next(one for one in flaws() if one["name"].startswith("CVE-2024-5535"))
    assert {
        "type": "dsa",
        "name": "DSA-5764-1",
        "value": "DSA-5764-1",
        "url": "https://www.debian.org/security/dsa-5764",
    } in flaw["identifiers"]
    assert flaw["severity"] == "Info"


def test_malicious_is_removed() -> None:
    bad = change(FINDINGS[8], fixed_version="2.0")
    assert flaws(change(SAMPLE, findings=(bad,)))[0]["solution"].startswith(
        "Remove it and rotate every credential"
    )


def test_ids_are_the_same_in_the_next_build() -> None:
    assert SAMPLE.image is not None
    image = change(SAMPLE.image, name="registry.example/team/app:2.0", digest="sha256:abc", config_digest="")
    other = change(SAMPLE, image=image, as_of="2026-03-01T00:00:00Z", findings=FINDINGS[3:])
    before = {one["id"] for one in flaws()}
    assert {one["id"] for one in flaws(other)} <= before
    assert all(uuid.UUID(one).version == 8 for one in before)


def test_suppressed_is_flagged_and_only_there_when_asked_for() -> None:
    assert len(flaws(look=Look())) == len(FINDINGS)
    flagged = [one["flags"][0]["description"] for one in flaws() if "flags" in one]
    assert len(flagged) == 3
    assert flagged[0] == "--fixable-only"


def test_is_of_one_image() -> None:
    assert is_of_one_image("gitlab")
    with pytest.raises(UsageError):
        render("gitlab", ReportSet(reports=(SAMPLE, SAMPLE), summary=SAMPLE.summary))


@settings(max_examples=40)
@given(reports)
def test_hostile_words_are_valid_and_stay_text(report: Report) -> None:
    for flaw in flaws(report):
        for text in (flaw["description"], flaw["solution"]):
            page = github(text)
            assert page.tags <= {"p", "code"}
            assert not page.links


def test_a_description_keeps_its_paragraphs() -> None:
    details = "First of all.\n\n- see https://evil.example @user\n    code #1\nLast words."
    flaw = flaws(change(SAMPLE, findings=(found("CVE-1", QS, details=details),)))[0]
    assert (
        flaw["description"]
        == "First of all.\n\n`- see https://evil.example @user`\n\n`code #1`\n\nLast words."
    )


def test_texts_of_a_megabyte_are_cut() -> None:
    assert len(render("gitlab", huge())) < 1_000_000
    flaws(huge())
