"""SonarQube publishes no schema: `problems` asks for what its documentation demands and its importer checks."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from msgspec.structs import replace

from conftest import GOLDEN
from hullmark.advice.removal import REMOVE
from hullmark.model.advisory import Severity
from hullmark.model.look import Look
from hullmark.model.report import Failure, Report, ReportSet
from hullmark.reports import render
from reports.sample import FINDINGS, LINTED, LOG4J, OPENSSL, SAMPLE, WHOLE, found
from reports.strange import ANY_TEXT, TEXTS, several, strange

SUPPRESSED = Look(suppressed=True)
RULE = {"id", "name", "description", "engineId", "cleanCodeAttribute", "type", "severity", "impacts"}


def document(report: Report | ReportSet = SAMPLE, look: Look | None = None) -> Any:
    return json.loads(render("sonarqube", report, look))


def problems(made: Any) -> list[str]:
    found = []
    if set(made) != {"rules", "issues"}:
        found.append("top")
    ids = [rule.get("id") for rule in made["rules"]]
    if len(ids) != len(set(ids)):
        found.append("a rule twice")
    for rule in made["rules"]:
        if not {"id", "name", "engineId", "impacts"} <= set(rule) <= RULE:
            found.append(f"names of {rule}")
        if not (rule["id"] and rule["name"] and rule["engineId"]) or len(rule["id"]) > 200:
            found.append(f"empty or long: {rule}")
        if ("type" in rule) != ("severity" in rule) or not rule["impacts"]:
            found.append(f"type, severity, impacts of {rule}")
        if rule["severity"] not in {"BLOCKER", "CRITICAL", "MAJOR", "MINOR", "INFO"}:
            found.append(f"severity of {rule}")
        if any(set(impact) != {"softwareQuality", "severity"} for impact in rule["impacts"]):
            found.append(f"impacts of {rule}")
        if not {impact["severity"] for impact in rule["impacts"]} <= {"HIGH", "MEDIUM", "LOW"}:
            found.append(f"severity of an impact of {rule}")
    for issue in made["issues"]:
        place = issue["primaryLocation"]
        if set(issue) != {"ruleId", "primaryLocation"} or issue["ruleId"] not in ids:
            found.append(f"names of {issue}")
        if set(place) - {"textRange"} != {"message", "filePath"} or not (
            place["message"] and place["filePath"]
        ):
            found.append(f"place of {issue}")
        found += [f"range of {issue}"] * (not is_range(place.get("textRange", {"startLine": 1})))
    return found


def is_range(made: Any) -> bool:
    """Tell whether SonarQube takes it for one: lines from 1, columns from 0, both columns or none, and not empty."""
    columns = [made[name] for name in ("startColumn", "endColumn") if name in made]
    start, end = made["startLine"], made.get("endLine", made["startLine"])
    return (
        made.keys() <= {"startLine", "endLine", "startColumn", "endColumn"}
        and 1 <= start <= end
        and len(columns) != 1
        and (not columns or (columns[0] >= 0 and (start, columns[0]) < (end, columns[1])))
    )


def rules(report: Report | ReportSet = SAMPLE, look: Look | None = None) -> dict[str, Any]:
    return {rule["id"]: rule for rule in document(report, look)["rules"]}


def messages(rule: str, report: Report | ReportSet = SAMPLE, look: Look | None = None) -> list[str]:
    issues = document(report, look)["issues"]
    return [issue["primaryLocation"]["message"] for issue in issues if issue["ruleId"] == rule]


@pytest.mark.parametrize(
    ("name", "report", "look"),
    [("plain", WHOLE, Look()), ("suppressed", WHOLE, SUPPRESSED), ("lint", LINTED, Look())],
)
def test_documents(name: str, report: Report, look: Look, golden: Callable[[Path, bytes], None]) -> None:
    assert problems(document(report, look)) == []
    golden(GOLDEN / "reports" / "sonarqube" / f"{name}.json", render("sonarqube", report, look))


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_strange_texts(text: str) -> None:
    made = document(strange(text), SUPPRESSED)
    assert problems(made) == []
    assert len(made["issues"]) == len(document(strange("a"), SUPPRESSED)["issues"])
    assert len(render("sonarqube", strange(text))) < 200_000


@settings(max_examples=100)
@given(ANY_TEXT)
@example("-")
def test_any_text_gives_what_sonarqube_takes(text: str) -> None:
    made = document(several(text), SUPPRESSED)
    assert problems(made) == []
    shown = json.dumps(made, ensure_ascii=False)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    assert not any("<" in rule.get("description", "") for rule in made["rules"])


def test_issues_stand_at_a_file_that_a_project_has() -> None:
    assert {issue["primaryLocation"]["filePath"] for issue in document()["issues"]} == {"Dockerfile"}
    assert messages("CVE-2021-44228")[0].endswith("Path: app/a.jar")


def test_rules_say_how_bad_they_are_in_both_ways() -> None:
    made = rules()
    assert made["CVE-2021-44228"]["severity"] == "BLOCKER"
    assert made["CVE-2021-44228"]["impacts"] == [{"softwareQuality": "SECURITY", "severity": "HIGH"}]
    assert made["CVE-2014-7191"]["severity"] == "MAJOR"
    assert made["CVE-2011-4116"]["severity"] == "MINOR"
    assert made["CVE-2024-5535"]["severity"] == "INFO"
    assert {finding.id.replace("\x07", r"\x07") for finding in FINDINGS} <= set(made)


def test_a_rule_is_as_bad_as_its_worst_finding() -> None:
    both = (found("CVE-1", OPENSSL, Severity.LOW), found("CVE-1", LOG4J, Severity.CRITICAL))
    report = replace(SAMPLE, findings=both)
    assert rules(report)["CVE-1"]["severity"] == "BLOCKER"
    assert len(messages("CVE-1", report)) == 2


def test_a_finding_cannot_take_the_name_of_our_own_rules() -> None:
    report = replace(SAMPLE, findings=(found("hullmark.unread.error", LOG4J, Severity.LOW),))
    assert rules(report)["hullmark.unread.error"]["severity"] == "CRITICAL"
    assert rules(report)["_hullmark.unread.error"]["severity"] == "MINOR"


def test_what_could_not_be_read_or_checked_is_told() -> None:
    assert "var/lib/rpm/Packages" in messages("hullmark.unread.error")[0]
    assert "app/yarn.lock" in messages("hullmark.unread.warning")[0]
    assert len(messages("hullmark.not-checked.warning")) == 2
    assert "3 findings not shown" in messages("hullmark.suppressed.note")[0]
    many = replace(SAMPLE, errors=SAMPLE.errors * 1000)
    assert len(document(many)["issues"]) == len(FINDINGS) + 100


def test_several_images() -> None:
    both = ReportSet(
        reports=(SAMPLE, SAMPLE), failures=(Failure("a/b:1", "no such image"),), summary=SAMPLE.summary
    )
    made = document(both)
    assert problems(made) == []
    assert len(made["issues"]) == 2 * len(document()["issues"]) + 1
    assert messages("hullmark.failed.error", both) == ["Not scanned: a/b:1: no such image."]
    assert messages("CVE-2021-44228", both)[0].endswith("Image: registry.example/team/app:1.2")


def test_suppressed_findings_have_a_rule_of_their_own() -> None:
    assert not any("CVE-2023-5363" in issue["primaryLocation"]["message"] for issue in document()["issues"])
    made = messages("hullmark.suppressed-finding", SAMPLE, SUPPRESSED)
    assert len(made) == 3
    assert made[0].startswith("CVE-2023-5363: Suppressed: not_affected")
    assert rules(SAMPLE, SUPPRESSED)["hullmark.suppressed-finding"]["severity"] == "INFO"


def test_a_malicious_package_is_to_be_removed() -> None:
    bad = found("MAL-1", LOG4J, fixed="9.9", kind="malicious")
    (text,) = messages("MAL-1", replace(SAMPLE, findings=(bad,)))
    assert REMOVE[1:] in text
    assert "9.9" not in text
