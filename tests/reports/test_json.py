import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hullmark.model.advisory import EndOfLife, Epss, KnownExploited, Reference, Score
from hullmark.model.facts import Distribution, Unread
from hullmark.model.look import Look
from hullmark.model.report import (
    Bundle,
    Failure,
    Report,
    ReportDatabase,
    ReportImage,
    ReportSet,
    Suppressed,
)
from hullmark.model.whole import WHOLE
from hullmark.reports import formats, render
from hullmark.reports._schema import NAMES, document, schema
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from reports.sample import SAMPLE

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "docs" / "reference"
VALIDATOR = jsonschema.Draft202012Validator(schema())


def problems(report: Report | ReportSet) -> list[str]:
    found = VALIDATOR.iter_errors(json.loads(render("json", report)))
    return [f"{error.json_path}: {error.message}" for error in found]


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_in_the_documentation_is_that_of_the_types(
    golden: Callable[[Path, bytes], None], name: str
) -> None:
    golden(REFERENCE / f"{name}.schema.json", document(name))


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("report", "1.4"),
        ("diff", "1.1"),
        ("explanation", "1.1"),
        ("bases", "1.0"),
        ("rules", "1.0"),
        ("decision", "1.0"),
        ("policy-input", "1.4"),
    ],
)
def test_the_schema_is_one(name: str, version: str) -> None:
    made = schema(name)
    jsonschema.Draft202012Validator.check_schema(made)
    assert made["$id"] == f"https://hullmark.dev/schema/{name}-{version}.json"
    assert all("title" in part for part in made["$defs"].values())
    assert all(
        set(part["required"]) == set(part["properties"])
        for part in made["$defs"].values()
        if "properties" in part
    )


@pytest.mark.parametrize("changes", [{}, {"image": None, "findings": (), "database": ReportDatabase(())}])
def test_reports_satisfy_the_schema(changes: dict[str, Any]) -> None:
    report = replace(SAMPLE, **changes)
    assert problems(report) == []
    several = ReportSet(reports=(report,), failures=(Failure("a", "b"),), summary=SAMPLE.summary)
    assert problems(several) == []


def test_the_schema_does_refuse() -> None:
    document = json.loads(render("json", SAMPLE))
    del document["findings"]
    assert list(VALIDATOR.iter_errors(document))
    document = json.loads(render("json", SAMPLE))
    document["findings"][0]["severity"] = "dire"
    assert list(VALIDATOR.iter_errors(document))


def test_top_level_names_are_always_there() -> None:
    bare = replace(SAMPLE, image=None, layers=(), findings=(), packages=())
    assert list(json.loads(render("json", bare))) == [
        "schema_version",
        "tool",
        "as_of",
        "database",
        "image",
        "layers",
        "incomplete",
        "errors",
        "coverage",
        "summary",
        "packages",
        "findings",
        "suppressed",
        "suppressions",
        "secrets",
        "secrets_key",
        "config",
        "silenced",
        "decision",
    ]


BARE = replace(
    SAMPLE,
    image=ReportImage(name="a", source="dir", distribution=Distribution("debian")),
    errors=(Unread("layer", "damaged"), Unread("record", "odd", "a", "line 1", "sha256:1")),
    findings=(
        replace(
            SAMPLE.findings[0],
            scores=(Score("a"),),
            references=(Reference("https://example.org"),),
            kev=KnownExploited("CVE-2021-44228"),
            eol=EndOfLife("debian-12"),
            epss=Epss("CVE-2021-44228", 0.1, 0.2),
            bundles=(Bundle("DSA-1"),),
        ),
    ),
    suppressed=(Suppressed("--severity", replace(SAMPLE.findings[1], scores=(Score("a"),))),),
)


def test_each_name_is_always_there_and_the_schema_says_so() -> None:
    assert problems(BARE) == []
    assert problems(ReportSet(reports=(BARE,), summary=SAMPLE.summary)) == []
    document = json.loads(render("json", BARE))
    assert document["errors"][0] == {
        "type": "unread",
        "kind": "layer",
        "reason": "damaged",
        "path": "",
        "place": "",
        "layer": "",
    }
    assert document["findings"][0]["scores"] == [
        {"source": "a", "kind": "level", "level": "unknown", "vector": "", "value": None}
    ]
    parts = [part for part in schema()["$defs"].values() if "properties" in part]
    assert len(parts) > 20
    assert all(set(part["required"]) == set(part["properties"]) for part in parts)
    for part in document["errors"][0], document["image"]["platform"], document["findings"][0]["kev"]:
        for name in list(part):
            value = part.pop(name)
            assert list(VALIDATOR.iter_errors(document)), name
            part[name] = value
    assert not list(VALIDATOR.iter_errors(document))


def struct_types(kind: msgspec.inspect.Type, found: set[type]) -> set[type]:
    """Collect the types that a type can hold."""
    parts = [getattr(kind, name, None) for name in ("item_type", "value_type", "key_type")]
    parts += [*getattr(kind, "item_types", ()), *getattr(kind, "types", ())]
    if isinstance(kind, msgspec.inspect.StructType) and kind.cls not in found:
        found.add(kind.cls)
        parts += [field.type for field in kind.fields]
    for part in parts:
        if part is not None:
            struct_types(part, found)
    return found


def test_no_type_of_the_report_leaves_out_what_it_does_not_say() -> None:
    kinds = struct_types(msgspec.inspect.type_info(Report), set())
    assert {kind for kind in kinds if kind.__struct_config__.omit_defaults} == set(WHOLE)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", formats())
def test_every_format_says_the_same_of_a_report_that_was_stored(name: str) -> None:
    finding = SAMPLE.findings[0]
    links = (Reference("https://example.com/a"), Reference("https://example.com/b", "WEB"))
    report = replace(SAMPLE, findings=(replace(finding, references=links), *SAMPLE.findings[1:]))
    read = msgspec.json.decode(render("json", report), type=Report)
    look = Look(template="{{ report }}", template_name="own.j2")
    assert render(name, read, look) == render(name, report, look)


def test_what_is_written_reads_back() -> None:
    for report in (SAMPLE, BARE):
        assert msgspec.json.decode(render("json", report), type=Report) == report


@pytest.mark.parametrize("image", ["demo/image.tar"])
def test_a_real_report_satisfies_the_schema_and_is_the_same_twice(image: str, tmp_path: Path) -> None:
    request = ScanRequest(
        reference=os.fspath(ROOT / image), as_of="2026-01-31T12:00:00Z", cache=tmp_path / "cache"
    )
    first, second = run(request), run(request)
    assert first.packages
    assert problems(first) == []
    for name in ("json", "cyclonedx", "spdx", "table"):
        assert render(name, first) == render(name, second)


@given(st.permutations(SAMPLE.findings), st.text(), st.text())
def test_the_same_report_gives_the_same_bytes(findings: list[Any], name: str, title: str) -> None:
    assert SAMPLE.image is not None
    changed = replace(
        SAMPLE,
        findings=(replace(findings[0], title=title), *findings[1:]),
        image=replace(SAMPLE.image, name=name),
    )
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(changed), type=Report)
    for form in formats():
        assert render(form, changed) == render(form, again)
