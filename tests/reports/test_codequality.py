"""Code quality, held against the schema that GitLab itself holds it against (`codeclimate.json` of gitlab-foss, MIT)."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from hypothesis import given

from conftest import GOLDEN
from hullmark.model.look import Look
from hullmark.model.report import Failure, Report, ReportSet
from hullmark.reports import render
from reports.hostile import change, huge, reports
from reports.sample import FINDINGS, LINTED, SAMPLE, SCHEMAS, WHOLE

ALL = Look(suppressed=True)
SCHEMA = json.loads((SCHEMAS / "gitlab-codeclimate.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def issues(report: Report | ReportSet = SAMPLE, look: Look = ALL) -> list[Any]:
    made: list[Any] = json.loads(render("codequality", report, look))
    for issue in made:
        VALIDATOR.validate(issue)
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        path = issue["location"]["path"]
        assert path
        assert not path.startswith("/")
        assert ".." not in path.split("/")
        assert issue["location"]["lines"]["begin"] >= 1
        assert re.fullmatch("[0-9a-f]{64}", issue["fingerprint"])
    assert len({issue["fingerprint"] for issue in made}) == len(made)
    return made


def marks(report: Report) -> list[str]:
    return [issue["fingerprint"] for issue in issues(report)]


def test_golden(golden: Callable[[Path, bytes], None]) -> None:
    golden(GOLDEN / "reports" / "codequality" / "sample.json", render("codequality", WHOLE, ALL))
    assert len(issues(LINTED)) == 4
    golden(GOLDEN / "reports" / "codequality" / "lint.json", render("codequality", LINTED, ALL))


def test_an_issue() -> None:
    first = issues()[0]
    assert first["check_name"] == "CVE-2021-44228"
    assert first["severity"] == "blocker"
    assert first["location"] == {"path": "app/a.jar", "lines": {"begin": 1}}
    assert first["description"].endswith("log4j-core 2.14.1: fixed in 2.15.0: Remote code injection in Log4j")


def test_the_line_is_named_where_it_is_known() -> None:
    log4j = change(FINDINGS[0], locations=FINDINGS[0].locations[1:])
    assert issues(change(SAMPLE, findings=(log4j,)))[0]["location"] == {
        "path": "app/b.jar",
        "lines": {"begin": 7},
    }


def test_fingerprints_know_neither_tag_nor_digest_nor_version() -> None:
    assert SAMPLE.image is not None
    other = change(
        SAMPLE,
        image=change(SAMPLE.image, name="registry.example/team/app:2.0@sha256:abc", digest="sha256:abc"),
        findings=tuple(change(one, version="9", fixed_version="10") for one in FINDINGS),
    )
    assert marks(SAMPLE)[: len(FINDINGS)] == marks(other)[: len(FINDINGS)]
    elsewhere = change(SAMPLE, image=change(SAMPLE.image, name="registry.example:5000/other"))
    assert not set(marks(SAMPLE)) & set(marks(elsewhere))


def test_what_was_not_checked_is_an_issue() -> None:
    names = [issue["check_name"] for issue in issues(look=Look())]
    assert names[len(FINDINGS) :] == ["unread", "unread", "not_checked", "not_checked"]


def test_suppressed_is_marked_and_only_there_when_asked_for() -> None:
    assert not [issue for issue in issues(look=Look()) if issue["description"].startswith("suppressed")]
    taken_out = [issue for issue in issues() if issue["description"].startswith("suppressed (")]
    assert [issue["severity"] for issue in taken_out] == ["info"] * 3


def test_several_images_and_platforms() -> None:
    several = ReportSet(
        reports=(SAMPLE, SAMPLE), failures=(Failure("gone:1", "no image"),), summary=SAMPLE.summary
    )
    made = issues(several)
    assert len(made) == 2 * len(issues()) + 1
    assert made[-1]["description"] == "gone:1: not scanned: no image"


@given(reports)
def test_hostile_words_are_valid(report: Report) -> None:
    issues(report)


def test_texts_of_a_megabyte_are_cut() -> None:
    assert all(len(issue["description"]) <= 500 for issue in issues(huge()))
