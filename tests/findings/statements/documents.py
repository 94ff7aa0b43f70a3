"""VEX documents that say one thing each, to be made wrong by the tests, and the schemas that those which are right satisfy."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from hullmark.findings.statements import Stated, read_vex

SCHEMAS = Path(__file__).parents[2] / "data" / "schemas"
OPENSSL = "pkg:deb/debian/libssl3@3.0.11-1~deb12u2"
DIGEST = "sha256:" + "d" * 64
IMAGE = f"pkg:oci/app@{DIGEST}?repository_url=ghcr.io/acme/app"
LINK = "urn:cdx:11111111-2222-3333-4444-555555555555/1"


def openvex(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://acme.example/vex/1",
        "author": "Acme",
        "timestamp": "2026-01-02T03:04:05Z",
        "version": 1,
        "statements": list(statements),
    } | more


def statement(**more: Any) -> dict[str, Any]:
    return {
        "vulnerability": {"name": "CVE-2023-5363", "aliases": ["GHSA-xw78-pcr6-wrg8"]},
        "products": [{"@id": IMAGE, "subcomponents": [{"@id": OPENSSL}]}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    } | more


def cyclonedx(*vulnerabilities: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:11111111-2222-3333-4444-555555555555",
        "version": 1,
        "metadata": {
            "timestamp": "2026-01-02T03:04:05Z",
            "authors": [{"name": "Acme"}],
            "component": {"type": "container", "bom-ref": "image", "name": "ghcr.io/acme/app", "version": DIGEST, "purl": IMAGE},
        },
        "components": [
            {"type": "library", "bom-ref": "ssl", "name": "libssl3", "purl": OPENSSL, "components": [{"type": "library", "bom-ref": "within", "name": "qs", "purl": "pkg:npm/qs"}]},
            {"type": "operating-system", "name": "debian", "components": [{"type": "library", "bom-ref": "inner", "name": "qs", "purl": "pkg:npm/qs"}]},
            {"type": "library", "bom-ref": "nameless", "name": "x"},
        ],
        "vulnerabilities": list(vulnerabilities),
    } | more  # fmt: skip


def flaw(**more: Any) -> dict[str, Any]:
    return {
        "id": "CVE-2023-5363",
        "references": [{"id": "GHSA-xw78-pcr6-wrg8", "source": {"name": "GitHub"}}],
        "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "no CBC here"},
        "affects": [{"ref": "ssl"}],
    } | more


def csaf(
    *vulnerabilities: dict[str, Any], category: str = "csaf_vex", status: str = "final"
) -> dict[str, Any]:
    def product(name: str, purl: str = "") -> dict[str, Any]:
        helper = {"product_identification_helper": {"purl": purl}} if purl else {}
        return {
            "category": "product_version",
            "name": name,
            "product": {"product_id": name, "name": name, **helper},
        }

    def part(name: str, inner: str, outer: str) -> dict[str, Any]:
        return {
            "category": "default_component_of",
            "full_product_name": {"product_id": name, "name": name},
            "product_reference": inner,
            "relates_to_product_reference": outer,
        }

    return {
        "document": {
            "category": category,
            "csaf_version": "2.0",
            "publisher": {"category": "vendor", "name": "Acme", "namespace": "https://acme.example"},
            "title": "VEX",
            "tracking": {
                "current_release_date": "2026-01-02T03:04:05Z",
                "id": "ACME-1",
                "initial_release_date": "2026-01-01T00:00:00Z",
                "revision_history": [{"date": "2026-01-01T00:00:00Z", "number": "1", "summary": "first"}],
                "status": status,
                "version": "1",
            },
        },
        "product_tree": {
            "branches": [
                {
                    "category": "vendor",
                    "name": "Acme",
                    "branches": [
                        product("image", IMAGE),
                        product("ssl", OPENSSL),
                        product("anyssl", "pkg:deb/debian/libssl3"),
                        product("qs", "pkg:npm/qs@6.7.0"),
                        product("express", "pkg:npm/express@4.17.1"),
                        product("debian"),
                    ],
                }
            ],
            "relationships": [
                part("image:ssl", "ssl", "image"),
                part("debian:ssl", "ssl", "debian"),
                part("debian:anyssl", "anyssl", "debian"),
                part("debian:qs", "qs", "debian"),
                part("express:qs", "qs", "express"),
                part("image:express:qs", "express:qs", "image"),
            ],
            "product_groups": [{"group_id": "all", "product_ids": ["image:ssl", "ssl"]}],
        },
        "vulnerabilities": list(vulnerabilities),
    }  # fmt: skip


def said(products: list[str], word: str = "known_not_affected", **more: Any) -> dict[str, Any]:
    about = {"flags": [{"label": "vulnerable_code_not_present", "product_ids": products}]}
    return {
        "cve": "CVE-2023-5363",
        "notes": [{"category": "description", "text": "a flaw"}],
        "product_status": {word: products},
    } | (about if word == "known_not_affected" else {}) | more  # fmt: skip


def read(document: dict[str, Any]) -> Stated:
    return read_vex("vex.json", json.dumps(document, indent=1, ensure_ascii=False).encode())


def validate(document: Any, schema: str) -> None:
    """Hold a document against an official schema. Raises `jsonschema.ValidationError`."""
    jsonschema.Draft202012Validator(
        json.loads((SCHEMAS / schema).read_bytes()), format_checker=jsonschema.FormatChecker()
    ).validate(document)
