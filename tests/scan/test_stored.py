"""Stored reports, read back: today's, older ones, and what is none."""

import json
from pathlib import Path
from typing import Any

import pytest

from hullmark.model.errors import ImageError, UsageError
from hullmark.model.report import SCHEMA_VERSION, Report, ReportSet
from hullmark.reports import render
from hullmark.scan.stored import decode_report, is_report, read_report
from reports.sample import SAMPLE

OLD = Path(__file__).parent.parent / "data" / "reports"
SET = ReportSet(reports=(SAMPLE,), summary=SAMPLE.summary)


@pytest.mark.parametrize("report", [SAMPLE, SET], ids=["one", "several"])
def test_what_is_read_back_is_written_the_same(report: Report | ReportSet) -> None:
    body = render("json", report)
    assert render("json", decode_report(body, "r.json")) == body


def test_a_report_of_an_older_schema_version_reads() -> None:
    one = read_report(str(OLD / "report-1.0.json"))
    assert isinstance(one, Report)
    assert one.schema_version == SCHEMA_VERSION
    assert one.findings == SAMPLE.findings
    assert one.suppressions == ()
    several = read_report(str(OLD / "set-1.0.json"))
    assert isinstance(several, ReportSet)
    assert several.schema_version == several.reports[0].schema_version == SCHEMA_VERSION
    assert several.failures[0].name == "a"


def changed(**parts: Any) -> bytes:
    return json.dumps(json.loads(render("json", SAMPLE)) | parts).encode()


def suppressed_in_layer(index: int) -> Any:
    found = json.loads(render("json", SAMPLE))["suppressed"]
    found[0]["finding"]["locations"] = [{"path": "a", "layer": index}]
    return found


MISPLACED: Any = {"rule": "a", "severity": "low", "message": "m"}
SECRET: Any = MISPLACED | {"confidence": "high", "source": "file", "path": "p"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "may have been cut short"),
        (render("json", SAMPLE)[:-200], "may have been cut short"),
        (b"[1, 2]", "no report of --format json"),
        (b'{"bomFormat": "CycloneDX"}', "no report of --format json"),
        (b"[" * 100_000, "no report of --format json"),
        (b"\xff\xfe{", "no report of --format json"),
        (changed(schema_version="1.5"), "a later version of hullmark wrote it"),
        (changed(schema_version="2.0"), "a later version of hullmark wrote it"),
        (changed(schema_version="one\x1b[2J"), "has schema version"),
        (changed(findings=[{"id": 7}]), "no report of its schema version"),
        (changed(packages=[]), "a package that is not in it"),
        (changed(suppressions=[]), "a statement that is not in it"),
        (changed(layers=[]), "a layer that is not in it"),
        (changed(suppressed=suppressed_in_layer(7)), "a layer that is not in it: 7"),
        (changed(silenced=[{"reason": "r", "rule": "a", "path": "p", "by": 9}]), "silenced by a statement"),
        (changed(config=[MISPLACED | {"layer": 7}]), "a layer that is not in it: 7"),
        (changed(config=[MISPLACED | {"line": -1}]), "a line or column is below 0"),
        (changed(secrets=[SECRET | {"layer": -2}]), "a layer that is not in it: -2"),
        (changed(secrets=[SECRET | {"column": -2}]), "a line or column is below 0"),
        (
            changed(silenced=[{"reason": "r", "rule": "a", "path": "p", "secret": SECRET | {"layer": 9}}]),
            "a layer that is not in it: 9",
        ),
        (changed(as_of=""), "its time is none"),
        (changed(as_of="yesterday"), "its time is none"),
        (changed(as_of="9999-12-31T23:59:59-23:59"), "its time is none"),
        (changed(as_of="0001-01-01T00:00:00+14:00"), "its time is none"),
    ],
)
def test_what_is_no_report_is_said(body: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said) as problem:
        decode_report(body, "r.json")
    assert problem.value.where == "r.json"


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        read_report(str(tmp_path / "none.json"))
    assert not is_report(tmp_path / "none.json")


def test_a_report_is_told_from_other_documents(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(render("json", SAMPLE))
    (tmp_path / "bom.json").write_bytes(render("cyclonedx", SAMPLE))
    assert is_report(tmp_path / "r.json")
    assert not is_report(tmp_path / "bom.json")
