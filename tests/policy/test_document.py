"""The input of a policy: what stands in it, that it is the same whatever happened to the report before, and its published schema."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
from msgspec.structs import replace

from e2e.program import AS_OF, ROOT
from hullmark.model.decision import Decision
from hullmark.model.report import Report
from hullmark.policy.deciding import Policies
from hullmark.policy.document import context_of, document, nanoseconds
from hullmark.reports import render
from hullmark.reports._schema import schema
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from hullmark.scan.stored import read_report
from policy.samples import fault, finding, package, report, secret
from reports.sample import SAMPLE

INPUT = jsonschema.Draft202012Validator(schema("policy-input"))
DECISION = jsonschema.Draft202012Validator(schema("decision"))
STORED = ROOT / "tests" / "data" / "reports" / "report-1.0.json"


def made(one: Report, **context: Any) -> bytes:
    return document(one, context_of(one, context))


def reports(folder: Path) -> Iterator[Report]:
    stored = read_report(str(STORED))
    assert isinstance(stored, Report)
    yield from (
        SAMPLE,
        stored,
        report(image=None),
        report(packages=[package()], findings=[finding()], secrets=[secret()]),
    )
    for path in ("demo/image.tar", "demo"):
        asked = ScanRequest(
            reference=f"dir:{ROOT / path}" if path == "demo" else os.fspath(ROOT / path),
            as_of=AS_OF,
            cache=folder,
        )
        yield run(asked)


def test_inputs_satisfy_the_schema_and_so_do_decisions(tmp_path: Path) -> None:
    policies = Policies(["development", "strict"])
    for one in reports(tmp_path / "cache"):
        said = json.loads(made(one, namespace="shop", pod={"kind": "Job"}, attestations=[{"verified": True}]))
        assert [f"{error.json_path}: {error.message}" for error in INPUT.iter_errors(said)] == []
        decision = json.loads(msgspec.json.encode(policies.decide(one)))
        assert decision["reasons"]
        assert [f"{error.json_path}: {error.message}" for error in DECISION.iter_errors(decision)] == []
        decided = replace(one, decision=policies.decide(one))
        whole = json.loads(render("json", decided))
        assert list(jsonschema.Draft202012Validator(schema()).iter_errors(whole)) == []


def test_the_schemas_do_refuse() -> None:
    said = json.loads(made(SAMPLE))
    del said["context"]["namespace"]
    assert list(INPUT.iter_errors(said))
    said = json.loads(made(SAMPLE))
    del said["findings"]
    assert list(INPUT.iter_errors(said))
    decision = json.loads(msgspec.json.encode(Decision(verdict="allow")))
    assert list(DECISION.iter_errors(decision)) == []
    assert list(DECISION.iter_errors(decision | {"verdict": "perhaps"}))


def test_a_stored_report_gives_the_same_input_as_the_one_just_made(tmp_path: Path) -> None:
    for one in reports(tmp_path / "cache"):
        path = tmp_path / "report.json"
        path.write_bytes(render("json", one))
        again = read_report(str(path))
        assert isinstance(again, Report)
        assert made(again) == made(one)


def test_a_decision_leaves_no_trace_in_the_input() -> None:
    assert made(replace(SAMPLE, decision=Decision(verdict="deny"))) == made(SAMPLE)
    assert json.loads(made(SAMPLE))["decision"] is None


def test_what_is_only_not_shown_comes_back_and_what_is_suppressed_does_not() -> None:
    one = report(
        findings=[finding()],
        suppressed=[
            {"reason": "--severity", "finding": finding(id="CVE-2026-0002"), "gated": True},
            {"reason": "--fixable-only", "finding": finding(id="CVE-2026-0003")},
        ],
        silenced=[
            {"reason": "--severity", "rule": "a", "path": "p", "gated": True, "secret": secret()},
            {"reason": "--severity", "rule": "b", "path": "p", "gated": True, "config": fault("image-shell")},
            {"reason": "ignored", "rule": "c", "path": "p", "by": 0},
        ],
    )
    said = json.loads(made(one))
    assert [each["id"] for each in said["findings"]] == ["CVE-2026-0001", "CVE-2026-0002"]
    assert [each["rule"] for each in said["secrets"]] == ["aws-secret-key"]
    assert [each["rule"] for each in said["config"]] == ["image-shell"]
    shown = report(
        findings=[finding(), finding(id="CVE-2026-0002")], secrets=[secret()], config=[fault("image-shell")]
    )
    strict = Policies(["strict"])
    assert strict.decide(one).reasons == strict.decide(shown).reasons


def test_the_context_is_the_images_own_and_over_it_what_is_known() -> None:
    own = context_of(report(), {})
    assert (own.registry, own.repository, own.tag) == ("registry.example", "shop/app", "1.0")
    assert own.labels == {"team": "shop"}
    assert own.place == "pipeline"
    assert own.as_of_ns == 1_781_524_800_000_000_000
    known = context_of(report(), {"namespace": "prod", "tag": "2", "pod": {"kind": "Job", "name": "a"}})
    assert (known.namespace, known.tag, known.repository) == ("prod", "2", "shop/app")
    assert known.pod is not None
    assert known.pod.kind == "Job"
    with pytest.raises(msgspec.ValidationError):
        context_of(report(), {"namespace": 3})


@pytest.mark.parametrize(
    "config", [{}, {"config": None}, {"config": []}, {"config": {"Labels": []}}, {"config": {"Labels": None}}]
)
def test_labels_of_another_form_are_none(config: Any) -> None:
    image = {"name": "dir:.", "source": "folder", "digest": "", "config": config}
    assert context_of(report(image=image), {}).labels == {}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01", 1_000_000_000),
        ("1970-01-01T02:00:00.000001+02:00", 1_000),
        ("1969-12-31T23:59:59Z", -1_000_000_000),
    ],
)
def test_times_are_counted_in_nanoseconds(text: str, number: int) -> None:
    assert nanoseconds(text) == number
