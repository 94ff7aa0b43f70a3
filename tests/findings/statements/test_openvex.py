"""OpenVEX read, against the specification, and written, against its schema."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findings.statements.documents import DIGEST, IMAGE, OPENSSL, openvex, read, statement, validate
from hullmark.findings.statements import read_vex
from hullmark.model.errors import UsageError
from hullmark.model.report import Suppression

SCHEMA = "openvex-0.2.0.schema.json"


def test_a_statement_of_a_package_in_an_image() -> None:
    document = openvex(statement())
    validate(document, SCHEMA)
    assert read(document).suppressions == (
        Suppression(
            source="vex.json",
            line=8,
            ids=("CVE-2023-5363", "GHSA-xw78-pcr6-wrg8"),
            packages=(OPENSSL,),
            products=(IMAGE,),
            status="not_affected",
            justification="vulnerable_code_not_in_execute_path",
            author="Acme",
            said="2026-01-02T03:04:05Z",
        ),
    )


def test_each_product_is_one_statement_with_its_own_line() -> None:
    document = openvex(
        statement(products=[{"@id": "pkg:npm/a@1"}, {"identifiers": {"purl": "pkg:npm/b@1"}}]),
        statement(products=[{"@id": "https://acme.example/p", "hashes": {"sha-256": "D" * 64}}], timestamp="2026-02-02T00:00:00Z"),
    )  # fmt: skip
    first, second, third = read(document).suppressions
    assert (first.packages, second.packages, third.packages) == (("pkg:npm/a@1",), ("pkg:npm/b@1",), ())
    assert third.products == (DIGEST,)
    assert first.line == second.line < third.line
    assert third.said == "2026-02-02T00:00:00Z"


def test_a_digest_says_more_than_a_name_that_moves() -> None:
    other = "pkg:oci/app@sha256:" + "e" * 64
    for thing in (
        {"@id": "ghcr.io/acme/app:1", "identifiers": {"purl": other}},
        {"@id": other, "identifiers": {"purl": "pkg:oci/app?tag=1"}},
    ):
        (said,) = read(openvex(statement(products=[thing]))).suppressions
        assert said.products == (other,)


def test_the_first_version_of_the_format() -> None:
    old = {
        "vulnerability": "CVE-2023-1001",
        "products": [IMAGE],
        "subcomponents": [OPENSSL],
        "status": "fixed",
    }
    (said,) = read(openvex(old, **{"@context": "https://openvex.dev/ns"})).suppressions
    assert (said.ids, said.packages, said.products) == (("CVE-2023-1001",), (OPENSSL,), (IMAGE,))


@pytest.mark.parametrize(
    "more",
    [
        {"status": "not affected"},
        {"vulnerability": {"description": "x"}},
        {"vulnerability": ""},
        {"vulnerability": "*"},
        {"vulnerability": {"name": "CVE-2023"}},
        {"products": []},
        {"products": [{}]},
        {"products": [{"@id": ""}]},
        {"justification": "it is fine"},
        {"justification": "", "impact_statement": ""},
        {"products": [{"@id": "pkg:npm"}]},
        {"products": [{"@id": "pkg:npm/*"}]},
        {"products": [{"@id": "pkg:npm/express@4", "subcomponents": [{"@id": "pkg:npm/qs@6"}]}]},
        {"products": [{"@id": IMAGE, "subcomponents": [{"@id": "https://acme.example/part"}]}]},
        {"products": [{"@id": IMAGE, "subcomponents": [{"hashes": {"md5": "0"}}]}]},
        {"products": [{"@id": "pkg:npm/qs"}], "status": "fixed"},
        {"products": [{"@id": "pkg:oci/app"}], "status": "fixed"},
    ],
)
def test_what_the_specification_forbids_or_we_cannot_say_suppresses_nothing(more: dict[str, Any]) -> None:
    stated = read(openvex(statement(**more), statement()))
    assert len(stated.suppressions) == 1
    assert [each.line for each in stated.left_out] == [8]


@pytest.mark.parametrize("status", ["affected", "under_investigation"])
def test_of_a_statement_that_takes_nothing_out_less_is_asked(status: str) -> None:
    (said,) = read(openvex(statement(status=status, justification="whatever"))).suppressions
    assert said.status == status


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b'{"@context": "https://openvex.dev/ns",\n"statements": [\n{]}', ":3"),
        (b'{"@context": "https://openvex.dev/ns",\n"statements": [\n{"status": 1}]}', ":3"),
        (b'{"@context": "https://openvex.dev/ns",\n"statements": [\n{}]}', ":3"),
        (b'{"@context": "https://openvex.dev/ns",\n"statements": [\n7]}', ":3"),
        (b'{"@context": "https://openvex.dev/ns",\n"statements": [\n{"status": "fixed", "status": "affected"}]}', ":3"),
        (b'{"@context": "https://openvex.dev/ns",\n"statements": [\n{"status": "fixed", "x": ' + b"[" * 100_000, ""),
        (b'{"@context": "https://openvex.dev/ns",\n"statements": 3}', ""),
        (b'{"@context": "https://openvex.dev/ns"}', ""),
        (b'["https://openvex.dev/ns"]', ""),
        (b"https://openvex.dev/ns", ":1"),
        (b'{"@context": "https://openvex.dev/ns",\n"statements": ["\xff"]}', ":2"),
        (b'{"@context": "https://openvex.dev/ns",\n"statements": [],\n"statement\\u0073" : []}', ":3"),
        (b'{"@context": "https://openvex.dev/ns",\n"x": [{"a": "{\\"b\\":", "b": 1}, {"b": {"b": 1}}],\n"author": "A", "author": "B",\n"statements": []}', ":3"),
        (b'{"@context": "https://openvex.dev/ns", "statements": [], "x": ' + b"1" * 5000 + b"}", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(body: bytes, line: str) -> None:
    with pytest.raises(UsageError) as told:
        read_vex("vex.json", body)
    assert told.value.where.startswith(f"vex.json{line}")


@pytest.mark.slow
def test_large_documents_take_no_more_than_their_size() -> None:
    """What went by each key for each other, and each product for each part, took minutes."""
    keys = b",".join(b'"%d": 0' % number for number in range(200_000))
    with pytest.raises(UsageError, match="the key '7' stands twice"):
        read_vex("vex.json", b'{"@context": "https://openvex.dev/ns", %s, "7": 0, "statements": []}' % keys)
    many = [{"@id": f"{IMAGE}{number}"} for number in range(30_000)]
    stated = read(openvex(statement(products=many, subcomponents=many), statement()))
    assert len(stated.suppressions) == 1
    assert "pairs" in stated.left_out[0].what


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from([IMAGE, OPENSSL, "fixed"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["status", "vulnerability", "products", "@id", "subcomponents", "name", "identifiers"]), inner, max_size=4
    ),
    max_leaves=10,
)  # fmt: skip


@given(VALUES)
def test_whatever_a_statement_is_it_is_an_error_or_names_a_flaw_and_a_thing(value: object) -> None:
    try:
        stated = read_vex("vex.json", json.dumps(openvex() | {"statements": [value]}).encode())
    except UsageError:
        return
    for said in stated.suppressions:
        assert said.ids
        assert said.packages or all(said.products)
