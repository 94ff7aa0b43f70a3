import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given, settings
from msgspec.structs import replace

from conftest import GOLDEN
from hullmark.advice.removal import REMOVE
from hullmark.model.look import Look
from hullmark.model.report import Failure, Report, ReportSet
from hullmark.reports import render
from reports.sample import FINDINGS, LINTED, LOG4J, SAMPLE, SCHEMAS, WHOLE, found
from reports.strange import ANY_TEXT, TEXTS, several, strange

SCHEMA = xmlschema.XMLSchema(str(SCHEMAS / "checkstyle-report-1.0.0.xsd"))
SUPPRESSED = Look(suppressed=True)


def tree(report: Report | ReportSet = SAMPLE, look: Look | None = None) -> ET.Element:
    body = render("checkstyle", report, look)
    read = ET.fromstring(body)  # noqa: S314  # our own
    SCHEMA.validate(read)
    return read


def errors(report: Report | ReportSet = SAMPLE, look: Look | None = None) -> list[tuple[str, ET.Element]]:
    return [(file.get("name", ""), error) for file in tree(report, look) for error in file]


def sources(*args: Any) -> dict[str, ET.Element]:
    return {error.get("source", ""): error for _, error in errors(*args)}


@pytest.mark.parametrize(
    ("name", "report", "look"),
    [("plain", WHOLE, Look()), ("suppressed", WHOLE, SUPPRESSED), ("lint", LINTED, Look())],
)
def test_documents(name: str, report: Report, look: Look, golden: Callable[[Path, bytes], None]) -> None:
    tree(report, look)
    golden(GOLDEN / "reports" / "checkstyle" / f"{name}.xml", render("checkstyle", report, look))


def test_the_schema_does_refuse() -> None:
    body = render("checkstyle", SAMPLE).replace(b'severity="info"', b'severity="mild"')
    assert not SCHEMA.is_valid(ET.fromstring(body))  # noqa: S314  # our own


def test_findings_stand_at_their_files() -> None:
    by_source = {error.get("source"): (file, error) for file, error in errors()}
    file, error = by_source["CVE-2021-44228"]
    assert (file, error.get("line"), error.get("severity")) == ("app/a.jar", "1", "error")
    assert by_source["CVE-2011-4116"][1].get("severity") == "info"
    assert by_source["CVE-2014-7191"][1].get("severity") == "warning"
    assert by_source["EOL-debian-12"][0] == "etc/os-release"
    assert tree().get("version") == "4.3"
    assert {finding.id.replace("\x07", r"\x07") for finding in FINDINGS} <= set(by_source)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_strange_texts(text: str) -> None:
    expected = sorted(str(error.get("severity")) for _, error in errors(strange("a"), SUPPRESSED))
    made = errors(strange(text), SUPPRESSED)
    assert sorted(str(error.get("severity")) for _, error in made) == expected
    assert len(render("checkstyle", strange(text))) < 200_000


@settings(max_examples=100)
@given(ANY_TEXT)
def test_any_text_gives_a_valid_document(text: str) -> None:
    made = errors(several(text), SUPPRESSED)
    assert len(made) == len(errors(several("a"), SUPPRESSED))
    for file, error in made:
        shown = "".join([file, *error.attrib.values()])
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]", shown)


def test_what_could_not_be_read_or_checked_is_told() -> None:
    made = [(file, error.get("source"), error.get("severity")) for file, error in errors()]
    assert ("var/lib/rpm/Packages", "hullmark.unread", "error") in made
    assert ("app/yarn.lock", "hullmark.unread", "warning") in made
    assert ("registry.example/team/app:1.2", "hullmark.not-checked", "warning") in made
    assert ("registry.example/team/app:1.2", "hullmark.suppressed", "info") in made


def test_several_images() -> None:
    both = ReportSet(
        reports=(SAMPLE, SAMPLE), failures=(Failure("a/b:1", "no such image"),), summary=SAMPLE.summary
    )
    made = errors(both)
    assert len(made) == 2 * len(errors()) + 1
    assert made[-1][0] == "a/b:1"
    assert made[-1][1].get("message") == "Not scanned: no such image"
    assert all("registry.example/team/app:1.2" in str(error.get("message")) for _, error in made[:-1])


def test_suppressed_findings_are_said_to_be() -> None:
    assert "CVE-2023-5363" not in sources()
    made = sources(SAMPLE, SUPPRESSED)["CVE-2023-5363"]
    assert made.get("severity") == "info"
    assert str(made.get("message")).startswith("Suppressed: not_affected")


def test_a_malicious_package_is_to_be_removed() -> None:
    bad = found("MAL-1", LOG4J, fixed="9.9", kind="malicious")
    made = sources(replace(SAMPLE, findings=(bad,)))["MAL-1"]
    assert made.get("severity") == "error"
    assert REMOVE[1:] in str(made.get("message"))
    assert "9.9" not in str(made.get("message"))
