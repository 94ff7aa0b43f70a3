import re
from typing import Any

import msgspec
import pytest

from hullmark.model.errors import UsageError
from hullmark.model.report import Report, ReportDatabase, ReportSet
from hullmark.model.spdx import expression
from hullmark.reports import render
from reports.sample import SAMPLE, problems


def document(report: Report | ReportSet = SAMPLE) -> Any:
    return msgspec.json.decode(render("spdx", report))


def package(name: str) -> Any:
    return next(entry for entry in document()["packages"] if entry["name"] == name)


@pytest.mark.parametrize(
    "changes", [{}, {"image": None}, {"findings": (), "database": ReportDatabase(()), "packages": ()}]
)
def test_is_valid_by_the_official_schema(changes: dict[str, Any]) -> None:
    assert problems(render("spdx", msgspec.structs.replace(SAMPLE, **changes)), "spdx-2.3.schema.json") == []


def test_the_schema_does_refuse() -> None:
    body = render("spdx", SAMPLE).replace(b'"CONTAINS"', b'"HOLDS"')
    assert problems(body, "spdx-2.3.schema.json")


def test_same_report_same_bytes_and_other_report_other_namespace() -> None:
    other = msgspec.structs.replace(SAMPLE, as_of="2026-02-01T12:00:00Z")
    assert render("spdx", SAMPLE) == render("spdx", SAMPLE)
    assert document()["documentNamespace"] != document(other)["documentNamespace"]
    assert document()["creationInfo"]["created"] == "2026-01-31T12:00:00Z"


def test_ids_are_unique_and_well_formed() -> None:
    names = [entry["SPDXID"] for entry in document()["packages"]]
    assert len(names) == len(set(names)) == len(SAMPLE.packages) + 2
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in names)


def test_relationships() -> None:
    edges = [
        (entry["spdxElementId"], entry["relationshipType"], entry["relatedSpdxElement"])
        for entry in document()["relationships"]
    ]
    assert edges[0] == ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image")
    assert ("SPDXRef-image", "CONTAINS", "SPDXRef-operating-system") in edges
    assert ("SPDXRef-p4", "DEPENDS_ON", "SPDXRef-p5") in edges
    names = {entry["SPDXID"] for entry in document()["packages"]} | {"SPDXRef-DOCUMENT"}
    assert {end for start, _, other in edges for end in (start, other)} <= names


def test_every_licence_expression_is_valid_or_defined() -> None:
    made = document()
    defined = {entry["licenseId"]: entry["extractedText"] for entry in made["hasExtractedLicensingInfos"]}
    for entry in made["packages"]:
        declared = entry["licenseDeclared"]
        bare = re.sub(r"LicenseRef-[A-Za-z0-9.-]+", "MIT", declared)
        assert declared == "NOASSERTION" or expression(bare)
        assert set(re.findall(r"LicenseRef-[A-Za-z0-9.-]+", declared)) <= set(defined)
    assert sorted(defined.values()) == ["\x1b]0;title\x07", "Artistic or GPL-1+"]
    assert package("libssl3")["licenseDeclared"].startswith("Apache-2.0 AND LicenseRef-Artistic-or-GPL-1-")


def test_references() -> None:
    found = {
        (entry["referenceCategory"], entry["referenceType"]): entry["referenceLocator"]
        for entry in package("openssl")["externalRefs"]
    }
    assert found == {
        ("PACKAGE-MANAGER", "purl"): "pkg:generic/openssl@1.1.1k",
        ("SECURITY", "cpe23Type"): "cpe:2.3:a:openssl:openssl:1.1.1k:*:*:*:*:*:*:*",
    }


def test_flaws_are_references_of_their_package() -> None:
    (flaw,) = [
        entry
        for entry in package("org.apache.logging.log4j:log4j-core")["externalRefs"]
        if entry.get("comment", "").startswith("CVE-2021-44228")
    ]
    assert flaw == {
        "referenceCategory": "SECURITY",
        "referenceType": "advisory",
        "referenceLocator": "https://www.cve.org/CVERecord?id=CVE-2021-44228",
        "comment": "CVE-2021-44228: critical, fixed in 2.15.0",
    }
    comments = [entry["comment"] for entry in package("debian")["externalRefs"]]
    assert comments == ["EOL-debian-12: high, upgrade to release debian-13"]


def test_locators_hold_no_space_or_control_character() -> None:
    for entry in document()["packages"]:
        for reference in entry.get("externalRefs", ()):
            assert re.fullmatch(r"[!-~]+", reference["referenceLocator"])


def test_supplier() -> None:
    assert package("libssl3")["supplier"] == (
        "Person: Debian OpenSSL Team (pkg-openssl-devel@alioth-lists.debian.net)"
    )


def test_is_of_one_image() -> None:
    with pytest.raises(UsageError, match="an SBOM is of one image"):
        render("spdx", ReportSet(reports=(), summary=SAMPLE.summary))
