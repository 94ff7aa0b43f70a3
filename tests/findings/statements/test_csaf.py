"""CSAF VEX: products through branches, relationships and groups, and what the profile asks of a statement."""

import json
from typing import Any

import pytest

from findings.statements.documents import IMAGE, OPENSSL, csaf, read, said, validate
from hullmark.findings.statements import read_vex
from hullmark.model.errors import UsageError
from hullmark.model.report import Suppression


def test_a_statement_of_a_package_in_an_image() -> None:
    document = csaf(said(["image:ssl"]))
    (found,) = read(document).suppressions
    assert found == Suppression(
        source="vex.json",
        line=found.line,
        ids=("CVE-2023-5363",),
        packages=(OPENSSL,),
        products=(IMAGE,),
        status="not_affected",
        justification="vulnerable_code_not_present",
        author="Acme",
        said="2026-01-02T03:04:05Z",
    )
    assert found.line > 100


@pytest.mark.parametrize(
    ("product", "packages", "products"),
    [
        ("image", (), (IMAGE,)),
        ("ssl", (OPENSSL,), ()),
        ("anyssl", ("pkg:deb/debian/libssl3",), ()),
        ("debian:ssl", (OPENSSL,), ()),
    ],
)
def test_products(product: str, packages: tuple[str, ...], products: tuple[str, ...]) -> None:
    (found,) = read(csaf(said([product]))).suppressions
    assert (found.packages, found.products) == (packages, products)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("known_not_affected", "not_affected"),
        ("fixed", "fixed"),
        ("first_fixed", "fixed"),
        ("known_affected", "affected"),
        ("last_affected", "affected"),
        ("under_investigation", "under_investigation"),
    ],
)
def test_statuses(word: str, status: str) -> None:
    (found,) = read(csaf(said(["ssl"], word))).suppressions
    assert found.status == status
    assert read(csaf(said(["ssl"], "recommended"))).suppressions == ()


def test_a_group_stands_for_its_products_and_an_impact_for_all_where_it_names_none() -> None:
    by_group = said(["ssl"], flags=[{"label": "component_not_present", "group_ids": ["all"]}])
    (found,) = read(csaf(by_group)).suppressions
    assert found.justification == "component_not_present"
    by_impact = said(["ssl"], flags=[], threats=[{"category": "impact", "details": "removed"}])
    (found,) = read(csaf(by_impact)).suppressions
    assert (found.justification, found.reason) == ("", "removed")


@pytest.mark.parametrize(
    "vulnerability",
    [
        said(["gone"]),
        said(["debian"]),
        said(["debian:anyssl"]),
        said(["debian:qs"]),
        said(["express:qs"]),
        said(["image:express:qs"]),
        said(["anyssl"], "fixed"),
        said(["ssl"], flags=[]),
        said(["ssl"], flags=[], threats=[{"category": "impact", "details": "x", "product_ids": ["qs"]}]),
        said(["ssl"], flags=[{"label": "fine", "product_ids": ["ssl"]}]),
        said(["ssl"], cve=""),
        said(["ssl"], cve="CVE-2023"),
    ],
)
def test_what_cannot_be_said_suppresses_nothing(vulnerability: dict[str, Any]) -> None:
    stated = read(csaf(vulnerability, said(["ssl"])))
    assert [found.packages for found in stated.suppressions] == [(OPENSSL,)]
    assert len(stated.left_out) == 1
    assert stated.left_out[0].line > 1


@pytest.mark.parametrize("product", ["ssl", "debian:ssl", "image:ssl"])
def test_a_product_that_is_defined_twice_is_neither(product: str) -> None:
    document = csaf(said([product]))
    again = {
        "product_id": "ssl",
        "name": "other",
        "product_identification_helper": {"purl": "pkg:deb/debian/x@1"},
    }
    document["product_tree"]["full_product_names"] = [again]
    stated = read(document)
    assert stated.suppressions == ()
    assert [each.what for each in stated.left_out] == [
        "the document defines the product 'ssl' more than once"
    ]


def test_a_thousand_products_are_told_in_a_few_lines() -> None:
    stated = read(csaf(said([f"gone{number}" for number in range(1000)])))
    assert [each.what for each in stated.left_out][-1] == "and 997 more products"


@pytest.mark.parametrize("more", [{"status": "deleted"}, {"category": "csaf_withdrawn"}])
def test_a_document_that_was_taken_back_says_nothing(more: dict[str, str]) -> None:
    stated = read(csaf(said(["ssl"]), **more))
    assert stated.suppressions == ()
    assert "took the document back" in stated.left_out[0].what


def test_an_advisory_is_no_vex_document() -> None:
    with pytest.raises(UsageError, match="csaf_security_advisory"):
        read(csaf(said(["ssl"]), category="csaf_security_advisory"))


@pytest.mark.parametrize(
    "body",
    [
        b'{"document": {"csaf_version": "2.0", "category": "csaf_vex"}, "product_tree": {"branches": ' + b'[{"branches": ' * 100_000,
        b'{"document": {"csaf_version": "2.0", "category": "csaf_vex"}}',
        b'{"document": {"csaf_version": "2.0", "category": "csaf_vex", "tracking": {"id": "1"}}, "vulnerabilities": [{"cve": 1}]}',
        b'{"document": {"csaf_version": "2.0", "category": "csaf_vex", "tracking": {"id": "1"}}, "vulnerabilities": [{"cve": "a", "cve": "b"}]}',
        b'{"csaf_version": "2.0"}',
        b'{"document": {"csaf_version": ',
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(body: bytes) -> None:
    with pytest.raises(UsageError, match=r"vex\.json"):
        read_vex("vex.json", body)


def test_the_document_of_these_tests_is_one() -> None:
    validate(json.loads(json.dumps(csaf(said(["image:ssl"])))), "csaf-2.0.schema.json")
