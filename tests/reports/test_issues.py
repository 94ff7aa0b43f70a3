"""Secrets and misconfigurations in every format: what each says of one in a Dockerfile and of one in an image, and of hostile ones."""

import csv
import io
import json
import re
from typing import Any, get_args
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from hullmark.advice.issues import mend
from hullmark.findings.issues import every, issue_of
from hullmark.findings.narrowing import Narrowing, narrowed
from hullmark.model.advisory import Severity
from hullmark.model.look import Look
from hullmark.model.report import Report, ReportSet, SecretSource
from hullmark.reports import formats, render
from reports.sample import CONFIG, FINDINGS, LINTED, LINTED_CONFIG, SAMPLE, SECRETS, WHOLE
from reports.strange import TEXTS, linted
from reports.test_html import read, safe
from reports.test_sarif import problems

ALL = Look(suppressed=True)
PEOPLE = ("html", "markdown", "table")
WITHOUT = {"template", "json", "gitlab", "cyclonedx", "spdx", "spdx3"}
SHOWING = sorted(set(formats()) - WITHOUT)
CLEAN: Report = replace(LINTED, secrets=(), config=(), summary=replace(LINTED.summary, secrets={}, config={}))


def page(name: str, report: Report | ReportSet, look: Look | None = None) -> str:
    return render(name, report, look).decode()


def sarif(report: Report, look: Look | None = None) -> Any:
    return json.loads(render("sarif", report, look))["runs"][0]


def alone(*found: Any, start: Report = WHOLE, **changes: Any) -> Report:
    made: Report = replace(
        start,
        findings=(),
        suppressed=(),
        silenced=(),
        errors=(),
        secrets=tuple(each for each in found if each in SECRETS or hasattr(each, "fingerprint")),
        config=tuple(each for each in found if not hasattr(each, "fingerprint")),
        **changes,
    )
    return made


@pytest.mark.parametrize("name", SHOWING)
def test_each_is_there_with_its_rule_and_its_file(name: str) -> None:
    for report in (WHOLE, LINTED):
        shown = page(name, report).replace("%20", " ").replace("%23", "#")
        for issue in [*map(issue_of, report.secrets[:4]), *map(issue_of, report.config[:3])]:
            # What the base image brought is one line for people, and GitHub shows ten of a kind.
            if name == "github" and issue.severity == "low":
                continue
            if name == "table" and issue.confidence == "low":
                continue  # only counted, for people
            assert issue.rule in shown, issue.rule
            assert issue.file in shown or (name == "sonarqube" and report is WHOLE), issue.file


@pytest.mark.parametrize("name", SHOWING)
def test_what_was_taken_out_is_there_only_if_asked_for_and_counted_always(name: str) -> None:
    assert "app/tests/token.txt" not in page(name, WHOLE)
    if name != "github":  # which shows ten of a kind
        assert "app/tests/token.txt" in page(name, WHOLE, ALL)
    if name not in {"codequality", "csv"}:  # have no place for it, as for suppressed findings
        assert "2 secrets and 1 misconfiguration not shown" in page(name, WHOLE)


@pytest.mark.parametrize("name", sorted({*formats()} - {"template", "json"}))
def test_a_report_of_files_speaks_of_no_image(name: str) -> None:
    for report in (LINTED, CLEAN):
        shown = page(name, report)
        assert "no image" not in shown
        assert "not checked" not in shown
        if name != "gitlab":
            assert "no vulnerabilities were looked for" not in shown
            assert "would fail" not in shown


@pytest.mark.parametrize("name", sorted(set(formats()) - {"template"}))
@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_strange_files_do_no_harm(name: str, number: int) -> None:
    body = render(name, linted(TEXTS[number]), ALL)
    if name in SHOWING:
        # A hundred texts of a megabyte; a cell of a spreadsheet may hold 32,000 signs.
        assert len(body) < (4_000_000 if name == "csv" else 1_000_000)
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]", body.decode())
    if name == "sarif":
        assert problems(json.loads(body)) == []
    if name == "html":
        safe(body.decode())


def test_no_advice_is_to_use_an_argument_or_a_variable_of_the_build() -> None:
    for source in get_args(SecretSource):
        said = mend(issue_of(replace(SECRETS[0], source=source)))
        assert said.startswith("revoke it")
        assert "ARG and ENV stay in the image" in said or source == "label"


# ── the line and the column ─────────────────────────────────────────────────────────────────────────────


def test_the_place_is_exact_in_every_format_for_machines() -> None:
    region = sarif(LINTED)["results"][2]["locations"][0]["physicalLocation"]
    assert region == {
        "artifactLocation": {"uri": "docker/Dockerfile"},
        "region": {"startLine": 5, "startColumn": 8, "endLine": 5, "endColumn": 14},
    }
    assert "file=docker/Dockerfile,line=5,col=8,endColumn=13," in page("github", LINTED)
    assert '<error line="5" column="8" ' in page("checkstyle", LINTED)
    issue = json.loads(page("sonarqube", LINTED))["issues"][2]["primaryLocation"]
    assert issue["filePath"] == "docker/Dockerfile"
    assert issue["textRange"] == {"startLine": 5, "endLine": 5, "startColumn": 7, "endColumn": 13}
    place = json.loads(page("codequality", LINTED))[2]["location"]
    assert (place["path"], place["lines"]) == ("docker/Dockerfile", {"begin": 5, "end": 5})
    assert place["positions"]["end"] == {"line": 5, "column": 13}
    row = list(csv.DictReader(io.StringIO(page("csv", LINTED))))[2]
    assert [row[name] for name in ("path", "line", "column", "end_line", "end_column")] == [
        "docker/Dockerfile",
        "5",
        "8",
        "5",
        "14",
    ]
    for name in (*PEOPLE, "junit"):
        assert "docker/Dockerfile:5:8" in page(name, LINTED)


def test_what_ends_with_a_line_ends_on_it() -> None:
    """Line 10, column 1 is where the next thing begins."""
    assert "line=7,endLine=9,title" in page("github", LINTED)
    assert json.loads(page("sonarqube", LINTED))["issues"][3]["primaryLocation"]["textRange"] == {
        "startLine": 7,
        "endLine": 9,
    }
    lines = json.loads(page("codequality", LINTED))[3]["location"]["lines"]
    assert lines == {"begin": 7, "end": 9}


@pytest.mark.parametrize(
    "odd",
    [
        {"line": 0, "column": 3},
        {"line": 4, "column": 0, "end_line": 0, "end_column": 0},
        {"line": 4, "column": 5, "end_line": 4, "end_column": 5},
        {"line": 4, "column": 5, "end_line": 3, "end_column": 9},
        {"line": 4, "column": 5, "end_line": 4, "end_column": 2},
    ],
)
def test_a_place_that_is_none_makes_no_document_invalid(odd: dict[str, int]) -> None:
    from reports.test_sonarqube import problems as sonar

    report = alone(replace(LINTED_CONFIG[0], **odd), start=LINTED)
    body = json.loads(render("sarif", report))
    assert problems(body) == []
    region = body["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    start = region["startLine"], region.get("startColumn", 1)
    assert (region.get("endLine", start[0]), region.get("endColumn", start[1])) >= start
    assert sonar(json.loads(render("sonarqube", report))) == []


# ── SARIF ───────────────────────────────────────────────────────────────────────────────────────────────


def test_sarif_of_files_has_no_root_of_an_image_and_of_an_image_has() -> None:
    assert "originalUriBaseIds" not in sarif(LINTED)
    assert "uriBaseId" not in json.dumps(sarif(LINTED))
    places = [result["locations"][0]["physicalLocation"] for result in sarif(WHOLE)["results"]]
    assert {place["artifactLocation"]["uriBaseId"] for place in places} == {"IMAGE"}


@pytest.mark.parametrize(
    ("path", "folder", "uri"),
    [
        ("/srv/a b/Dockerfile", "/srv", "a%20b/Dockerfile"),
        ("/srv/a/Dockerfile", "/", "srv/a/Dockerfile"),
        ("/srv/a/Dockerfile", "/srv/b", "srv/a/Dockerfile"),
        ("/srv/ab/Dockerfile", "/srv/a", "srv/ab/Dockerfile"),
        ("/srv/a/../../etc/x", "/srv", "etc/x"),
        ("/srv/a/Dockerfile", "", "srv/a/Dockerfile"),
        ("../a/Dockerfile", "/srv/a", "Dockerfile"),
        ("../../x/Dockerfile", "/srv/a", "x/Dockerfile"),
        ("./a/./Dockerfile", "/srv", "a/Dockerfile"),
        ("a/../Dockerfile", "", "Dockerfile"),
        ("/", "/srv", "file"),
    ],
)
def test_a_file_is_named_as_seen_from_the_working_folder_and_never_above_it(
    path: str, folder: str, uri: str
) -> None:
    report = alone(replace(LINTED_CONFIG[0], file=path), start=LINTED)
    (result,) = sarif(report, Look(folder=folder))["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": uri}


@pytest.mark.parametrize(
    "file", ["config.User", "", "/", "..", "../../etc/passwd", "/etc/passwd", "history[3]"]
)
def test_what_an_image_says_of_itself_has_a_place_that_code_scanning_takes(file: str) -> None:
    report = alone(replace(CONFIG[0], file=file))
    (result,) = sarif(report)["results"]
    (location,) = result["locations"]
    uri = location["physicalLocation"]["artifactLocation"]["uri"]
    assert uri
    assert not uri.startswith("/")
    assert ".." not in uri.split("/")


def test_an_alert_stays_the_same_when_lines_move_and_keys_change() -> None:
    moved = alone(
        replace(SECRETS[1], line=9, fingerprint="00"), replace(CONFIG[0], message="x", severity=Severity.LOW)
    )

    def marks(report: Report) -> list[str]:
        return [each["partialFingerprints"]["primaryLocationLineHash"] for each in sarif(report)["results"]]

    assert marks(moved) == marks(alone(SECRETS[1], CONFIG[0]))
    for change in ({"rule": "x"}, {"file": "x"}, {"resource": "x"}):
        assert marks(alone(replace(CONFIG[0], **change))) != marks(alone(CONFIG[0]))
    assert len(set(marks(alone(CONFIG[0], replace(CONFIG[0], line=9))))) == 2


def test_a_rule_that_is_called_as_a_flaw_is_another_rule() -> None:
    report = replace(
        WHOLE, findings=FINDINGS[:1], config=(replace(CONFIG[0], rule="CVE-2021-44228"),), secrets=()
    )
    made = sarif(report)
    assert [rule["id"] for rule in made["tool"]["driver"]["rules"]] == [
        "CVE-2021-44228",
        "config/CVE-2021-44228",
    ]
    for result in made["results"]:
        assert made["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_rules_say_how_bad_and_how_certain_they_are() -> None:
    rules = {rule["id"]: rule for rule in sarif(WHOLE)["tool"]["driver"]["rules"]}
    known = {name: rule["properties"] for name, rule in rules.items()}
    assert [known[secret.rule]["precision"] for secret in SECRETS[:4]] == ["high", "high", "medium", "low"]
    assert known["private-key"]["security-severity"] == "9.5"
    assert {"security", "misconfiguration", "DL3002"} <= set(known["runs-as-root"]["tags"])
    assert all(len(properties["tags"]) <= 10 for properties in known.values())
    assert "CIS-Docker 4.1" in rules["runs-as-root"]["help"]["text"]
    levels = {result["ruleId"]: result["level"] for result in sarif(WHOLE)["results"]}
    assert [levels[secret.rule] for secret in SECRETS[:4]] == ["error", "error", "warning", "note"]


def test_the_least_severe_are_left_out_whatever_they_are() -> None:
    many = tuple(replace(CONFIG[0], file=f"f{number}") for number in range(4_995))
    report = replace(WHOLE, findings=FINDINGS, config=many, secrets=SECRETS)
    made = sarif(report)
    kept = {result["ruleId"] for result in made["results"]}
    assert len(made["results"]) == 5_000
    assert {"private-key", "aws-access-key", "runs-as-root", "CVE-2021-44228"} <= kept
    assert not {"exposed-port", "CVE-2011-4116"} & kept


# ── JUnit, CSV, GitLab, SBOMs ───────────────────────────────────────────────────────────────────────────


def test_a_case_each_and_what_is_not_certain_fails_nothing() -> None:
    suite = ET.fromstring(page("junit", alone(*SECRETS, *CONFIG)))[0]  # noqa: S314  # our own bytes
    outcomes = [case[0].tag for case in suite.iter("testcase") if len(case)]
    assert (outcomes.count("failure"), outcomes.count("skipped")) == (8, 2)
    names = {case.get("name") for case in suite.iter("testcase")}
    assert {"exposed-port 22/tcp", "private-key", "runs-as-root"} <= names
    assert "no findings" in page("junit", CLEAN)
    assert "no findings" not in page("junit", alone(CONFIG[0]))


def test_rows_of_their_own_kinds() -> None:
    rows = list(csv.DictReader(io.StringIO(page("csv", WHOLE, ALL))))
    kinds = [row["kind"] for row in rows]
    assert (kinds.count("secret"), kinds.count("misconfiguration")) == (7, 6)
    aws = next(row for row in rows if row["id"] == "aws-access-key")
    assert (aws["layer"], aws["from_base"], aws["source"], aws["confidence"]) == (
        "2",
        "false",
        "file",
        "high",
    )
    assert aws["fingerprint"] == "b2" * 16
    taken = next(row for row in rows if row["id"] == "generic-token")
    assert (taken["suppressed"], taken["suppressed_by"]) == ("true", ".hullmark-ignore.yaml:15")
    hostile = next(row for row in rows if row["id"].startswith("world-writable"))
    assert hostile["resource"] == "'=1+1"


def test_container_scanning_says_how_many_it_has_no_place_for() -> None:
    messages = [each["value"] for each in json.loads(page("gitlab", WHOLE))["scan"]["messages"]]
    assert any(
        said.startswith("3 secrets: 1 critical, 1 high") and "codequality" in said for said in messages
    )
    assert not any(
        "codequality" in each["value"] for each in json.loads(page("gitlab", SAMPLE))["scan"]["messages"]
    )


@pytest.mark.parametrize("name", ["cyclonedx", "spdx", "spdx3"])
def test_an_sbom_counts_them_and_no_more(name: str) -> None:
    shown = page(name, WHOLE)
    assert "hullmark:secrets:high" in shown
    assert "hullmark:misconfigurations:medium" in shown
    assert "hullmark:secrets" not in page(name, SAMPLE)
    for issue in every(WHOLE):
        assert f'"{issue.rule}"' not in shown


# ── for people ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_table_says_what_came_with_the_base_in_one_line() -> None:
    shown = page("table", WHOLE)
    assert "  from the base image: 1 low misconfiguration (suid-file)\n" in shown
    assert "usr/bin/chsh" not in shown
    assert "usr/bin/chsh" not in page("markdown", WHOLE)
    # What is hardly a secret is only counted.
    assert "etc/apt/sources.list.d/base.list:2:5" not in shown
    assert "1 more place of low confidence" in shown
    sections = [shown.index(f"\n{name}\n") for name in ("Findings", "Secrets", "Misconfiguration", "Checked")]
    assert sections == sorted(sections)
    head = shown.partition("\n\n")[0]
    assert "3 secrets: 1 critical, 1 high, 1 low (2 not certain beside)" in head
    assert "5 misconfigurations: 1 high, 1 medium, 3 low" in head


def test_a_page_has_lists_that_are_searched_and_filtered_as_findings_are() -> None:
    made = read(page("html", WHOLE))
    lists = {attrs.get("id"): attrs for tag, attrs in made.tags if attrs.get("class") == "list"}
    assert [lists[f"i0-{kind}"]["data-rows"] for kind in ("secret", "config")] == ["5", "5"]
    rows = [attrs for tag, attrs in made.tags if tag == "li" and "data-s" in attrs]
    assert all({"data-s", "data-o", "data-l"} <= attrs.keys() for attrs in rows)
    assert len(rows) == len(FINDINGS) + 10


@pytest.mark.parametrize(
    ("changes", "tone"),
    [
        ({"secrets": SECRETS[1:2]}, "bad"),
        ({"secrets": SECRETS[2:3]}, "fair"),
        ({"config": CONFIG[:1]}, "bad"),
        ({"config": CONFIG[2:3]}, "fair"),
        ({}, "good"),
    ],
)
def test_a_high_secret_is_not_clean(changes: dict[str, Any], tone: str) -> None:
    report = replace(CLEAN, **changes)
    assert f'class="verdict {tone}"' in page("html", report)
    said = page("table", report).splitlines()[-1]
    assert ("nothing found" in said) is (tone == "good")


@pytest.mark.parametrize("count", [1, 200])
def test_a_comment_stays_short(count: int) -> None:
    long = tuple(
        replace(CONFIG[0], message="`|" * 500, advice="a " * 500, file=f"{number}" * 300)
        for number in range(count)
    )
    for report in (replace(WHOLE, config=long, secrets=SECRETS * 50), replace(LINTED, config=long)):
        both = ReportSet(reports=(report,) * 12, summary=report.summary)
        for each in (report, both):
            body = render("markdown", each, ALL)
            assert len(body) <= 60_000
            assert body.count(b"<details>") == body.count(b"</details>")
    assert (b"left out for want of room" in render("markdown", replace(LINTED, config=long))) is (count > 1)


@pytest.mark.parametrize("name", [*PEOPLE, "github"])
def test_the_sum_over_several_counts_them(name: str) -> None:
    report = narrowed(WHOLE, Narrowing())
    whole = ReportSet(
        reports=(report, report), summary=replace(report.summary, secrets={"high": 10}, config={"low": 8})
    )
    shown = " ".join(read(page(name, whole)).words) if name == "html" else page(name, whole)
    if name == "html":
        assert re.search(r"Secrets\s+Misconfigurations", shown)
    else:
        assert "10 secrets" in shown
        assert ("10" if name == "github" else "8") + " misconfigurations" in shown


def test_a_template_sees_them_and_can_say_what_to_do() -> None:
    text = "{% for each in report.secrets %}{{ each.path }}: {{ each | action }}\n{% endfor %}{{ report.config | worst }}"
    shown = page("template", LINTED, Look(template=text))
    assert shown.startswith("docker/Dockerfile: Revoke it and take it out of the file: ")
    assert shown.endswith("\nhigh")
