import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt
from msgspec.structs import replace

from conftest import GOLDEN
from hullmark.advice.removal import REMOVE
from hullmark.model.advisory import Score, Severity
from hullmark.model.image import Platform
from hullmark.model.look import Look
from hullmark.model.report import Failure, Finding, Report, ReportSet
from hullmark.reports import render, sarif
from reports.sample import FINDINGS, LINTED, LOG4J, OPENSSL, PERL, QS, SAMPLE, SCHEMAS, WHOLE, at, found
from reports.strange import ANY_TEXT, TEXTS, several, strange

SCHEMA = jsonschema.Draft4Validator(
    json.loads((SCHEMAS / "sarif-2.1.0.schema.json").read_text("utf-8")),
    format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER,
)
SUPPRESSED = Look(suppressed=True)


def log(report: Report | ReportSet = SAMPLE, look: Look | None = None) -> Any:
    return json.loads(render("sarif", report, look))


def run(report: Report = SAMPLE, look: Look | None = None) -> Any:
    return log(report, look)["runs"][0]


def of(*findings: Finding, **more: Any) -> Any:
    return run(replace(SAMPLE, findings=findings, **more))


def fingerprints(made: Any) -> set[str]:
    return {result["partialFingerprints"]["hullmark/v1"] for result in made["results"]}


def said(made: Any, kind: str) -> list[str]:
    notifications = made["invocations"][0]["toolExecutionNotifications"]
    return [each["message"]["text"] for each in notifications if each["descriptor"]["id"] == kind]


def named(image: str, *tags: str, source: str = "registry", digest: str = "") -> Report:
    assert SAMPLE.image is not None
    return replace(SAMPLE, image=replace(SAMPLE.image, name=image, tags=tags, source=source, digest=digest))


def problems(document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in SCHEMA.iter_errors(document)]


@pytest.mark.parametrize(
    ("name", "report", "look"),
    [("plain", WHOLE, Look()), ("suppressed", WHOLE, SUPPRESSED), ("lint", LINTED, Look())],
)
def test_documents(name: str, report: Report, look: Look, golden: Callable[[Path, bytes], None]) -> None:
    body = render("sarif", report, look)
    assert problems(json.loads(body)) == []
    golden(GOLDEN / "reports" / "sarif" / f"{name}.json", body)


def test_the_schema_does_refuse() -> None:
    assert problems(json.loads(render("sarif", SAMPLE).replace(b'"level": "note"', b'"level": "mild"')))


@pytest.mark.parametrize("changes", [{"image": None}, {"findings": ()}, {"errors": (), "packages": ()}])
def test_is_valid_with_less(changes: dict[str, Any]) -> None:
    assert problems(log(replace(SAMPLE, **changes))) == []


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_strange_texts(text: str) -> None:
    for report in (strange(text), several(text)):
        body = render("sarif", report, SUPPRESSED)
        assert problems(json.loads(body)) == []
        assert len(body) < 500_000
        for made in json.loads(body)["runs"]:
            assert made["tool"]["driver"]["name"]
            assert all(result["message"]["text"] for result in made["results"])


@settings(max_examples=40)
@given(ANY_TEXT)
def test_any_text_gives_a_valid_document_with_relative_paths(text: str) -> None:
    document = log(several(text), SUPPRESSED)
    assert problems(document) == []
    shown = json.dumps(document, ensure_ascii=False)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    for uri in re.findall(r'"uri": "([^"]*)"', shown):
        assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri), uri
        assert not uri.startswith("/")
        assert ".." not in uri.split("/")
    for made in document["runs"]:
        assert made["automationDetails"]["id"].endswith("/")
        for result in made["results"]:
            assert made["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


@settings(max_examples=60)
@given(ANY_TEXT)
def test_help_has_no_markup_of_an_image(text: str) -> None:
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    for rule in run(strange(text))["tool"]["driver"]["rules"]:
        html = markdown.render(rule["help"]["markdown"])
        allowed = f'<a href="{rule["helpUri"].replace("&", "&amp;")}">' if "helpUri" in rule else "<p>"
        assert not re.search(r"<(?!/?(?:p|ul|li|strong)>|/a>)", html.replace(allowed, "")), html


def test_an_own_link_is_none_in_messages() -> None:
    text = "[all is well](http://evil.example)"
    made = of(found("CVE-2000-1", LOG4J, title=text))
    assert r"\[all is well\](http" in made["results"][0]["message"]["text"]
    assert r"\[all is well\](http" in made["tool"]["driver"]["rules"][0]["shortDescription"]["text"]


def test_same_image_under_two_tags_has_the_same_fingerprints() -> None:
    first = run(named("registry.example/team/app:1.2", digest=f"sha256:{'a' * 64}"))
    second = run(named("registry.example/team/app:1.3", digest=f"sha256:{'b' * 64}"))
    assert fingerprints(first) == fingerprints(second)
    assert len(fingerprints(first)) == len(first["results"]) == len(FINDINGS)
    assert first["automationDetails"] == second["automationDetails"]


def test_a_fingerprint_is_of_rule_package_and_path_without_version() -> None:
    old = replace(LOG4J, locations=(at(1, "app/log4j-core-2.14.1.jar"),))
    new = replace(
        old,
        purl=old.purl.replace("2.14", "2.15"),
        version="2.15.1",
        locations=(at(2, "app/log4j-core-2.15.1.jar"),),
    )
    before = fingerprints(of(found("CVE-1", old)))
    assert before == fingerprints(of(found("CVE-1", new, Severity.HIGH, "3")))
    assert before != fingerprints(of(found("CVE-2", old)))
    assert before != fingerprints(of(found("CVE-1", replace(old, name="other"))))
    assert before != fingerprints(of(found("CVE-1", replace(old, purl="pkg:npm/log4j@1"))))
    assert before != fingerprints(of(found("CVE-1", replace(old, locations=(at(1, "app/other.jar"),)))))


def test_a_version_that_only_looks_like_part_of_a_path_stays() -> None:
    def path_of(version: str, path: str) -> set[str]:
        return fingerprints(of(found("CVE-1", replace(LOG4J, version=version, locations=(at(1, path),)))))

    assert path_of("3", "usr/lib/python3/a.egg") != path_of("3", "usr/lib/python*/a.egg")
    assert path_of("1", "lib/a-2.1.jar") != path_of("1", "lib/a-2.*.jar")


def test_two_versions_in_one_lock_file_are_two_alerts() -> None:
    other = replace(QS, id="p9", version="1.0.0")
    made = of(found("CVE-1", QS), found("CVE-1", other))
    hashes = [each["partialFingerprints"]["primaryLocationLineHash"] for each in made["results"]]
    assert [each.rpartition(":")[2] for each in hashes] == ["1", "2"]
    assert len({each.rpartition(":")[0] for each in hashes}) == 1


@pytest.mark.parametrize(
    ("report", "category"),
    [
        (named("registry.example:5000/team/app:1.2"), "registry.example%3A5000/team/app"),
        (named("registry.example/team/app@sha256:" + "a" * 64), "registry.example/team/app"),
        (named("debian:12", digest="sha256:" + "a" * 64), "docker.io/library/debian"),
        (named("app:1", "app:1", "app:2", source="docker-daemon"), "app"),
        (named("/tmp/app-1.2.tar", "team/app:1.2", source="docker-archive"), "team/app"),
        (named("./a/../app.tar", source="docker-archive"), "a/app.tar"),
        (named("\ud800\n:1"), "%5Cud800"),
    ],
)  # fmt: skip
def test_a_run_is_of_repository_and_platform(report: Report, category: str) -> None:
    assert run(report)["automationDetails"]["id"] == f"hullmark/{category}/linux/arm64/v8/"


def test_a_run_of_no_image() -> None:
    assert run(replace(SAMPLE, image=None))["automationDetails"]["id"] == "hullmark/"


def test_no_two_runs_of_a_file_have_one_category() -> None:
    assert SAMPLE.image is not None
    other = replace(SAMPLE, image=replace(SAMPLE.image, platform=Platform("linux", "amd64")))
    reports = (SAMPLE, named("registry.example/team/app:1.3"), other, SAMPLE)
    ids = [
        made["automationDetails"]["id"]
        for made in log(ReportSet(reports=reports, summary=SAMPLE.summary))["runs"]
    ]
    assert ids == [
        "hullmark/registry.example/team/app/linux/arm64/v8/app%3A1.2/",
        "hullmark/registry.example/team/app/linux/arm64/v8/app%3A1.3/",
        "hullmark/registry.example/team/app/linux/amd64/",
        "hullmark/registry.example/team/app/linux/arm64/v8/2/",
    ]


def test_an_image_that_was_not_scanned_closes_nobodys_alerts() -> None:
    both = ReportSet(reports=(SAMPLE,), failures=(Failure("a/b:1", "no such image"),), summary=SAMPLE.summary)
    first, failed = log(both)["runs"]
    assert first["automationDetails"]["id"] == "hullmark/registry.example/team/app/linux/arm64/v8/"
    assert failed["automationDetails"]["id"] == "hullmark/not-scanned/"
    assert failed["invocations"][0]["executionSuccessful"] is False
    assert said(failed, "failed") == ["Not scanned: a/b:1: no such image."]


def test_more_runs_than_code_scanning_takes_are_said() -> None:
    many = [named(f"a/b{number}:1") for number in range(21)]
    first = log(ReportSet(reports=tuple(many), summary=SAMPLE.summary))["runs"][0]
    assert "more than 20 images" in said(first, "cut")[0]
    assert said(log(ReportSet(reports=tuple(many[:20]), summary=SAMPLE.summary))["runs"][0], "cut") == []


def scored(severity: Severity, *scores: Score, source: str = "nvd") -> str | None:
    finding = found("CVE-1", LOG4J, severity, severity_source=source, scores=scores)
    value: str | None = of(finding)["tool"]["driver"]["rules"][0]["properties"].get("security-severity")
    return value


def test_security_severity_is_the_score_that_counts() -> None:
    high = Score("nvd", "cvss3", Severity.HIGH, "", 8.1)
    assert scored(Severity.HIGH, high) == "8.1"
    assert scored(Severity.HIGH, replace(high, source="redhat", value=7.7), high) == "8.1"


def test_security_severity_says_the_level_that_counts() -> None:
    bounds = {"critical": (9.0, 10.0), "high": (7.0, 8.9), "medium": (4.0, 6.9), "low": (0.1, 3.9)}
    for level in Severity:
        for value in (None, 0.0, 3.3, 9.8):
            score = scored(level, Score("nvd", "cvss2", level, "", value))
            if level == Severity.UNKNOWN:
                assert score is None
            else:
                least, greatest = bounds["low" if level == Severity.NEGLIGIBLE else level]
                assert least <= float(score or 0) <= greatest
    nvd = Score("nvd", "cvss3", Severity.CRITICAL, "", 9.8)
    assert scored(Severity.LOW, nvd, source="debian") == "2.0"


def test_a_rule_is_as_bad_as_its_worst_finding() -> None:
    made = of(found("CVE-1", OPENSSL, Severity.LOW), found("CVE-1", LOG4J, Severity.CRITICAL))
    assert len(made["tool"]["driver"]["rules"]) == 1
    assert made["tool"]["driver"]["rules"][0]["properties"]["security-severity"] == "9.5"
    assert [each["level"] for each in made["results"]] == ["error", "note"]


def test_rules() -> None:
    rules = {rule["id"]: rule for rule in run()["tool"]["driver"]["rules"]}
    rule = rules["CVE-2021-44228"]
    assert rule["helpUri"] == "https://www.cve.org/CVERecord?id=CVE-2021-44228"
    assert rule["properties"]["tags"] == [
        "security",
        "vulnerability",
        "known-exploited",
        "external/cwe/cwe-20",
        "external/cwe/cwe-502",
        "GHSA-jfh8-c2jp-5v3q",
    ]
    assert rules["MAL-2024-1"]["name"] == "MaliciousPackage"
    assert rules["EOL-debian-12"]["name"] == "EndOfLifeRelease"


def test_texts_and_tags_stay_inside_what_code_scanning_takes() -> None:
    finding = found(
        "CVE-1",
        LOG4J,
        title="t" * 5000,
        details="d\n\n" * 5000,
        aliases=tuple(f"GHSA-{n}" for n in range(40)),
        cwes=tuple(f"CWE-{n}" for n in range(40)),
    )
    rule = of(finding)["tool"]["driver"]["rules"][0]
    assert len(rule["name"]) <= 255
    assert len(rule["shortDescription"]["text"]) <= 1024
    assert len(rule["fullDescription"]["text"]) <= 1024
    assert len(rule["properties"]["tags"]) == 10


def test_components_of_one_package_are_one_result_with_their_places() -> None:
    twins = [replace(PERL, id=f"q{n}", locations=(at(n % 3, f"a/{n:02}"),)) for n in range(12)]
    made = of(*(found("CVE-1", twin) for twin in reversed(twins)))
    assert len(made["results"]) == 1
    locations = made["results"][0]["locations"]
    uris = [each["physicalLocation"]["artifactLocation"]["uri"] for each in locations]
    assert uris == [f"a/{n:02}" for n in range(10)]
    assert "In 12 places." in made["results"][0]["message"]["text"]
    assert locations[1]["message"]["text"] == "Layer 1, of the image's own (RUN make step1)."


def test_locations() -> None:
    made = {result["ruleId"]: result["locations"] for result in run()["results"]}
    second = made["CVE-2021-44228"][1]["physicalLocation"]
    assert second == {
        "artifactLocation": {"uri": "app/b.jar", "uriBaseId": "IMAGE"},
        "region": {"startLine": 7},
    }
    assert made["EOL-debian-12"][0]["physicalLocation"]["artifactLocation"]["uri"] == "etc/os-release"
    assert all(made.values())


def test_worst_first_and_cut() -> None:
    levels = (Severity.LOW, Severity.CRITICAL, Severity.MEDIUM)
    many = tuple(found(f"CVE-1-{n}", LOG4J, levels[n % 3]) for n in range(6000))
    made = of(*many)
    assert len(made["results"]) == len(made["tool"]["driver"]["rules"]) == 5000
    shown = [result["properties"]["severity"] for result in made["results"]]
    assert shown == ["critical"] * 2000 + ["medium"] * 2000 + ["low"] * 1000
    assert said(made, "cut") == [
        "1000 of 6000 results, the least severe, are left out: code scanning takes no more."
    ]


def test_a_file_is_no_larger_than_code_scanning_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "_MOST_BYTES", 20_000)
    many = tuple(found(f"CVE-1-{n}", LOG4J, Severity.HIGH, title=f"t{n * 7919}" * 9) for n in range(2000))
    body = render("sarif", replace(SAMPLE, findings=many))
    assert len(gzip.compress(body)) <= 20_000
    made = json.loads(body)["runs"][0]
    assert 0 < len(made["results"]) < 2000
    assert len(said(made, "cut")) == 1


def test_what_could_not_be_read_or_checked_is_told() -> None:
    made = run()
    assert made["invocations"][0]["executionSuccessful"] is False
    assert len(said(made, "unread")) == 2
    assert len(said(made, "not-checked")) == 2
    whole = run(replace(SAMPLE, errors=SAMPLE.errors[1:]))
    assert whole["invocations"][0]["executionSuccessful"] is True
    many = run(replace(SAMPLE, errors=SAMPLE.errors * 1000))
    notifications = many["invocations"][0]["toolExecutionNotifications"]
    assert len(notifications) == 500
    assert re.fullmatch(
        r"And [\d,]+ more like these, all in the JSON report\.", notifications[-1]["message"]["text"]
    )


def test_suppressed_findings_are_marked_and_shown_only_if_asked_for() -> None:
    assert len(run()["results"]) == len(FINDINGS)
    assert "suppressions" not in run()["results"][0]
    assert "3 findings not shown" in said(run(), "suppressed")[0]
    results = run(look=SUPPRESSED)["results"]
    assert len(results) == len(FINDINGS) + 3
    marked = [result for result in results if result["suppressions"]]
    assert len(marked) == 3
    assert marked[0]["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "not_affected: vulnerable_code_not_in_execute_path: the parser is never called",
        }
    ]
    assert all("suppressions" in result for result in results)


def test_nobody_is_told_to_upgrade_a_malicious_package() -> None:
    bad = found("MAL-1", LOG4J, Severity.CRITICAL, "9.9", kind="malicious")
    text = of(bad)["results"][0]["message"]["text"]
    assert REMOVE[1:] in text
    assert "9.9" not in text
    attack = replace(FINDINGS[1], fixed_version="", fix_is_malicious=True)
    assert "do not upgrade" in of(attack)["results"][0]["message"]["text"]


def test_same_report_same_bytes() -> None:
    turned = replace(SAMPLE, findings=SAMPLE.findings[::-1])
    assert (
        render("sarif", SAMPLE) == render("sarif", turned) == render("sarif", SAMPLE, Look(40, colour=True))
    )
