"""CycloneDX VEX: what a reference means, and what is said of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findings.statements.documents import DIGEST, IMAGE, LINK, OPENSSL, cyclonedx, flaw, read
from hullmark.findings.statements import read_vex
from hullmark.model.errors import UsageError
from hullmark.model.report import Suppression
from reports.sample import problems

PLAIN: dict[str, Any] = {"metadata": {}, "components": []}
QS = "pkg:npm/qs@6.7.0"


def test_a_statement_of_a_package_in_an_image() -> None:
    document = cyclonedx(flaw())
    assert problems(json.dumps(document).encode(), "bom-1.6.schema.json") == []
    (said,) = read(document).suppressions
    assert said.line > 1
    assert said == Suppression(
        source="vex.json",
        line=said.line,
        ids=("CVE-2023-5363", "GHSA-xw78-pcr6-wrg8"),
        packages=(OPENSSL,),
        products=(IMAGE, DIGEST),
        status="not_affected",
        justification="code_not_reachable",
        reason="no CBC here",
        author="Acme",
        said="2026-01-02T03:04:05Z",
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("resolved", "fixed"),
        ("resolved_with_pedigree", "fixed"),
        ("exploitable", "affected"),
        ("in_triage", "under_investigation"),
        ("false_positive", "not_affected"),
        ("not_affected", "not_affected"),
    ],
)
def test_states(state: str, status: str) -> None:
    (said,) = read(cyclonedx(flaw(analysis={"state": state, "lastUpdated": "2026-03-01"}))).suppressions
    assert (said.status, said.said) == (status, "2026-03-01")


@pytest.mark.parametrize(
    ("ref", "more", "packages", "products"),
    [
        ("inner", {}, ("pkg:npm/qs",), (IMAGE, DIGEST)),
        ("image", {}, (), (IMAGE, DIGEST)),
        (f"{LINK}#ssl", {}, (OPENSSL,), (IMAGE, DIGEST)),
        (QS, {}, (QS,), (IMAGE, DIGEST)),
        (QS, PLAIN, (QS,), ()),
        (f"urn:cdx:{'0' * 8}-0000-0000-0000-{'0' * 12}/1#pkg%3Anpm%2Fqs%406.7.0", {}, (QS,), (IMAGE, DIGEST)),
        (QS, {"metadata": {"component": {"type": "application", "name": "app", "version": "2"}}}, (QS,), ("app:2",)),
    ],
)  # fmt: skip
def test_references(ref: str, more: Any, packages: tuple[str, ...], products: tuple[str, ...]) -> None:
    (said,) = read(cyclonedx(flaw(affects=[{"ref": ref}]), **more)).suppressions
    assert (said.packages, said.products) == (packages, products)


def test_a_flaw_without_an_analysis_says_nothing() -> None:
    silent = flaw()
    del silent["analysis"]
    stated = read(cyclonedx(silent, flaw()))
    assert (len(stated.suppressions), stated.left_out) == (1, ())


def versions(*found: dict[str, str], ref: str = "inner") -> dict[str, Any]:
    return {"affects": [{"ref": ref, "versions": list(found)}]}


def test_versions_that_are_not_affected() -> None:
    more = versions(
        {"version": "6.7.0", "status": "unaffected"}, {"version": "6.8+b", "status": "unaffected"}
    )
    assert [said.packages for said in read(cyclonedx(flaw(**more))).suppressions] == [
        ("pkg:npm/qs@6.7.0",),
        ("pkg:npm/qs@6.8%2Bb",),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"id": ""},
        {"affects": []},
        {"analysis": {}},
        {"analysis": {"state": "fine"}},
        {"analysis": {"state": "not_affected", "justification": "because"}},
        {"affects": [{"ref": "gone"}]},
        {"affects": [{"ref": "nameless"}]},
        {"affects": [{"ref": "within"}]},
        {"id": "CVE-2023"},
        {"affects": [{"ref": "pkg:npm"}]},
        {"affects": [{"ref": "pkg:npm/*"}]},
        {"affects": [{"ref": "urn:cdx:00000000-0000-0000-0000-000000000000/1#ssl"}]},
        {"affects": [{"ref": "urn:cdx:00000000-0000-0000-0000-000000000000/1"}]},
        versions({"version": "6.7.0"}),
        versions({"version": "6.7.0", "status": "affected"}),
        versions({"version": "6.7.0", "status": "unknown"}),
        versions({"range": "vers:npm/>=6", "status": "unaffected"}),
        versions({"version": "1", "status": "unaffected"}, ref="ssl"),
        versions({"version": "1", "status": "unaffected"}, ref="image"),
        {"analysis": {"state": "resolved"}, "affects": [{"ref": "inner"}], "x": 1},
    ],
)
def test_what_cannot_be_said_suppresses_nothing(more: dict[str, Any]) -> None:
    stated = read(cyclonedx(flaw(**more), flaw()))
    assert [said.packages for said in stated.suppressions] == [(OPENSSL,)]
    assert len(stated.left_out) == 1
    assert stated.left_out[0].line > 1


def test_a_package_within_a_package_is_told_apart_from_no_other() -> None:
    app = {"metadata": {"component": {"type": "application", "name": "app", "purl": "pkg:npm/app@1"}}}
    stated = read(cyclonedx(flaw(), **app))
    assert stated.suppressions == ()
    assert "told apart" in stated.left_out[0].what


def test_a_reference_that_two_components_have_means_neither() -> None:
    twins = [{"type": "library", "bom-ref": "ssl", "name": str(n), "purl": f"pkg:npm/a{n}"} for n in range(2)]
    assert read(cyclonedx(flaw(), components=twins)).suppressions == ()


def test_a_link_into_another_document_names_nothing_where_the_image_is_not_named() -> None:
    ref = "urn:cdx:00000000-0000-0000-0000-000000000000/1#pkg%3Anpm%2Fqs%406.7.0"
    assert read(cyclonedx(flaw(affects=[{"ref": ref}]), **PLAIN)).suppressions == ()


@pytest.mark.parametrize(
    "body",
    [
        b'{"bomFormat": "CycloneDX", "vulnerabilities": [',
        b'{"bomFormat": "CycloneDX", "vulnerabilities": {}}',
        b'{"bomFormat": "CycloneDX", "vulnerabilities": [3]}',
        b'{"bomFormat": "CycloneDX", "vulnerabilities": [{"id": "a", "id": "b"}]}',
        b'{"bomFormat": "CycloneDX", "components": ' + b'[{"components": ' * 100_000,
    ],
)
def test_what_is_wrong_is_told(body: bytes) -> None:
    with pytest.raises(UsageError, match=r"vex\.json"):
        read_vex("vex.json", body)


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=9) | st.sampled_from(["ssl", "image", QS, "resolved", "unaffected"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "ref", "state", "versions", "version", "status", "range"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.fixed_dictionaries({"id": st.just("CVE-1") | VALUES, "analysis": VALUES, "affects": VALUES}))
def test_whatever_a_flaw_is_it_is_an_error_or_names_a_flaw_and_a_thing(value: dict[str, Any]) -> None:
    try:
        stated = read_vex("vex.json", json.dumps(cyclonedx(value)).encode())
    except UsageError:
        return
    for said in stated.suppressions:
        assert said.ids
        assert said.packages or all(said.products)
