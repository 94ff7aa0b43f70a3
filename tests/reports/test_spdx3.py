"""The schema is the official one (tests/data/schemas/README.md); `spdx_python_model` is the SPDX project's own reader."""

import io
import json
import re
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spdx_python_model import v3_0_1 as spdx

from hullmark.model.advisory import Epss, Score, Severity
from hullmark.model.errors import UsageError
from hullmark.model.look import Look
from hullmark.model.report import (
    Bundle,
    Component,
    Finding,
    Report,
    ReportDatabase,
    ReportSet,
    Suppressed,
    Suppression,
)
from hullmark.reports import render
from reports.sample import HOSTILE, LOG4J, SAMPLE, SCHEMAS

NO_ASSERTION = "https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertionLicense"


@cache
def schema() -> Any:
    return jsonschema_rs.validator_for(json.loads((SCHEMAS / "spdx-3.0.1.schema.json").read_text("utf-8")))


def problems(report: Report) -> list[str]:
    return [str(error)[:300] for error in schema().iter_errors(json.loads(render("spdx3", report)))]


class Graph:
    def __init__(self, report: Report = SAMPLE) -> None:
        self.elements = msgspec.json.decode(render("spdx3", report))["@graph"]
        self.names = {each["spdxId"]: each.get("name") for each in self.elements if "spdxId" in each}

    def all(self, kind: str) -> list[Any]:
        return [each for each in self.elements if each["type"] == kind]

    def one(self, kind: str, name: str = "") -> Any:
        (found,) = [each for each in self.all(kind) if not name or each.get("name") == name]
        return found

    def related(self, kind: str) -> list[tuple[str, list[str]]]:
        return [
            (self.names[each["from"]], [self.names.get(end, end) for end in each["to"]])
            for each in self.all("Relationship")
            if each["relationshipType"] == kind
        ]

    def assessed(self, kind: str) -> list[tuple[str, list[str], Any]]:
        return [
            (self.names[each["from"]], [self.names[end] for end in each["to"]], each)
            for each in self.all(f"security_{kind}VulnAssessmentRelationship")
        ]

    def values(self, identity: str) -> Any:
        found: dict[str, str] = {}
        for each in self.all("Annotation"):
            if each["subject"] == identity:
                found |= json.loads(each["statement"])
        return found


def suppressed_by(finding: Finding = SAMPLE.findings[0], **said: Any) -> Graph:
    report = msgspec.structs.replace(
        SAMPLE,
        findings=(),
        suppressed=(Suppressed("because", finding, by=0),),
        suppressions=(Suppression(source="x.json", line=3, **said),),
    )
    assert problems(report) == []
    return Graph(report)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"image": None},
        {"findings": (), "suppressed": (), "database": ReportDatabase(()), "packages": (), "errors": ()},
    ],
)
def test_is_valid_by_the_official_schema(changes: dict[str, Any]) -> None:
    assert problems(msgspec.structs.replace(SAMPLE, **changes)) == []


def test_the_schema_does_refuse() -> None:
    document = json.loads(render("spdx3", SAMPLE).replace(b'"contains"', b'"holds"'))
    assert not schema().is_valid(document)


def test_the_official_reader_reads_every_element_and_follows_every_reference() -> None:
    objects: Any = spdx.SHACLObjectSet()
    spdx.JSONLDDeserializer().read(io.BytesIO(render("spdx3", SAMPLE)), objects)
    assert objects.missing_ids == set()
    packages = {each.name for each in objects.foreach_type("software_Package")}
    assert packages >= {each.name for each in SAMPLE.packages}
    (said,) = objects.foreach_type("security_VexNotAffectedVulnAssessmentRelationship")
    assert said.from_.name == "CVE-2023-5363"
    assert [each.name for each in said.to] == ["libssl3"]


def test_same_report_same_bytes_and_other_report_other_namespace() -> None:
    other = msgspec.structs.replace(SAMPLE, as_of="2026-02-01T12:00:00Z")
    assert render("spdx3", SAMPLE) == render("spdx3", SAMPLE, Look(40, colour=True, suppressed=True))
    documents = {Graph(each).one("SpdxDocument")["spdxId"] for each in (SAMPLE, other)}
    assert len(documents) == 2
    assert Graph().one("CreationInfo")["created"] == "2026-01-31T12:00:00Z"


def test_every_element_has_an_identifier_of_its_own_and_is_in_the_document() -> None:
    graph = Graph()
    names = [each["spdxId"] for each in graph.elements[1:]]
    assert len(names) == len(set(names))
    document = graph.one("SpdxDocument")
    about = {document["spdxId"]} | {
        each["spdxId"] for each in graph.all("Annotation") if each["subject"] == document["spdxId"]
    }
    assert set(document["element"]) == set(names) - about
    assert document["rootElement"] == [graph.one("software_Sbom")["spdxId"]]
    assert graph.names[graph.one("software_Sbom")["rootElement"][0]] == "registry.example/team/app:1.2"


def test_profiles_are_those_that_are_used() -> None:
    assert Graph().one("SpdxDocument")["profileConformance"] == [
        "core",
        "software",
        "simpleLicensing",
        "security",
    ]
    unmatched = msgspec.structs.replace(SAMPLE, findings=(), database=ReportDatabase(()))
    graph = Graph(unmatched)
    assert "security" not in graph.one("SpdxDocument")["profileConformance"]
    assert not graph.all("security_Vulnerability")


def test_packages() -> None:
    graph = Graph()
    found = graph.one("software_Package", "libssl3")
    assert found["software_packageVersion"] == "3.0.11-1~deb12u2"
    assert found["software_packageUrl"].startswith("pkg:deb/debian/libssl3@")
    assert found["software_sourceInfo"].startswith(
        "installed: var/lib/dpkg/status in layer 0, built from openssl"
    )
    supplier = graph.one("Person", "Debian OpenSSL Team")
    assert found["suppliedBy"] == supplier["spdxId"]
    assert supplier["externalIdentifier"][0]["identifier"] == "pkg-openssl-devel@alioth-lists.debian.net"
    (cpe,) = graph.one("software_Package", "openssl")["externalIdentifier"]
    assert cpe["identifier"] == "cpe:2.3:a:openssl:openssl:1.1.1k:*:*:*:*:*:*:*"
    assert graph.values(found["spdxId"])["hullmark:coverage"] == "matched"


def test_what_contains_and_needs_what() -> None:
    graph = Graph()
    image = "registry.example/team/app:1.2"
    assert graph.related("contains") == [(image, ["debian", *(each.name for each in SAMPLE.packages)])]
    assert graph.related("dependsOn") == [("@scope/express", ["qs"])]
    (whole,) = [each for each in graph.all("Relationship") if each["relationshipType"] == "contains"]
    assert whole["completeness"] == "incomplete"


def test_an_image_without_a_distribution_does_not_contain_itself() -> None:
    graph = Graph(msgspec.structs.replace(SAMPLE, image=None))
    assert graph.related("contains") == [("image", [each.name for each in SAMPLE.packages])]


def test_licences() -> None:
    graph = Graph()
    identities = {each["spdxId"]: each for each in graph.all("simplelicensing_LicenseExpression")}
    declared = {
        graph.names[each["from"]]: identities[each["to"][0]]
        for each in graph.all("Relationship")
        if each["relationshipType"] == "hasDeclaredLicense"
    }
    assert declared["@scope/express"]["simplelicensing_licenseExpression"] == "MIT"
    several = declared["libssl3"]
    assert several["simplelicensing_licenseExpression"].startswith(
        "Apache-2.0 AND LicenseRef-Artistic-or-GPL-1-"
    )
    (entry,) = several["simplelicensing_customIdToUri"]
    text = graph.one("simplelicensing_SimpleLicensingText", entry["key"])
    assert entry["value"] == text["spdxId"]
    assert text["simplelicensing_licenseText"] == "Artistic or GPL-1+"
    concluded = graph.related("hasConcludedLicense")
    assert [name for name, _ in concluded] == [each.name for each in SAMPLE.packages]
    assert all(ends == [NO_ASSERTION] for _, ends in concluded)


def test_a_flaw_stands_once_with_all_its_names_and_links() -> None:
    graph = Graph()
    flaw = graph.one("security_Vulnerability", "CVE-2021-44228")
    assert flaw["summary"] == "Remote code injection in Log4j"
    assert [each["identifier"] for each in flaw["externalIdentifier"]] == [
        "CVE-2021-44228",
        "GHSA-jfh8-c2jp-5v3q",
    ]
    assert [each["locator"][0] for each in flaw["externalRef"]] == [
        "https://logging.apache.org/log4j/2.x/security.html",
        "https://cwe.mitre.org/data/definitions/502.html",
        "https://cwe.mitre.org/data/definitions/20.html",
    ]
    assert flaw["security_publishedTime"] == "2021-12-10T00:40:56Z"
    assert flaw["security_modifiedTime"] == "2025-10-22T00:00:00Z"
    associated = dict(graph.related("hasAssociatedVulnerability"))
    assert "CVE-2023-5363" not in {end for ends in associated.values() for end in ends}
    assert ("qs", ["GHSA-hrpp-h998-j3pp"]) in graph.related("hasAssociatedVulnerability")


def test_scores() -> None:
    graph = Graph()
    package = [LOG4J.name]
    ((name, to, two),) = graph.assessed("CvssV2")
    assert (name, to, two["security_score"]) == ("CVE-2021-44228", package, "9.3")
    three = {graph.names[each["suppliedBy"]]: each for _, _, each in graph.assessed("CvssV3")}
    assert (three["nvd"]["security_score"], three["nvd"]["security_severity"]) == ("10", "critical")
    assert three["old"]["security_severity"] == "high"
    ((_, _, four),) = graph.assessed("CvssV4")
    assert (four["security_score"], four["security_vectorString"][:8]) == ("9.1", "CVSS:4.0")


@pytest.mark.parametrize(
    ("value", "word"), [(0.0, "none"), (0.1, "low"), (4.0, "medium"), (7.0, "high"), (9.0, "critical")]
)
def test_ratings_are_those_of_cvss(value: float, word: str) -> None:
    scored = msgspec.structs.replace(
        SAMPLE.findings[0], scores=(Score("nvd", "cvss3", Severity.NEGLIGIBLE, "x", value),)
    )
    report = msgspec.structs.replace(SAMPLE, findings=(scored,))
    assert problems(report) == []
    ((_, _, made),) = Graph(report).assessed("CvssV3")
    assert made["security_severity"] == word


def test_impossible_numbers_are_left_out() -> None:
    flawed = msgspec.structs.replace(
        SAMPLE.findings[0],
        scores=(
            Score("nvd", "cvss3", Severity.HIGH, "x", -1.0),
            Score("nvd", "cvss3", Severity.HIGH, "x", 1e300),
        ),
        epss=Epss("CVE-1", float("nan"), 0.5),
    )
    report = msgspec.structs.replace(SAMPLE, findings=(flawed,))
    assert problems(report) == []
    assert Graph(report).assessed("CvssV3") == Graph(report).assessed("Epss") == []


def test_what_is_known_of_exploits() -> None:
    graph = Graph()
    ((_, _, epss),) = graph.assessed("Epss")
    assert (epss["security_probability"], epss["security_percentile"]) == ("0.94358", "0.99957")
    assert epss["security_publishedTime"] == "2026-01-31T00:00:00Z"
    ((_, to, kev),) = graph.assessed("ExploitCatalog")
    assert to == [LOG4J.name]
    assert (kev["security_catalogType"], kev["security_exploited"]) == ("kev", True)
    assert kev["security_publishedTime"] == "2021-12-10T00:00:00Z"


def test_what_is_affected_says_what_to_do() -> None:
    graph = Graph()
    said = {name: each["security_actionStatement"] for name, _, each in graph.assessed("VexAffected")}
    assert said["CVE-2021-44228"] == "Upgrade to 2.15.0"
    assert said["CVE-2023-31484"] == "Will not be fixed"
    assert said["MAL-2024-1"] == "Remove it and rotate every credential that it could have read"
    identity = next(
        each["spdxId"] for name, _, each in graph.assessed("VexAffected") if name == "CVE-2023-31484"
    )
    values = graph.values(identity)
    assert (values["hullmark:severity"], values["hullmark:severity_source"]) == ("high", "debian")


def test_what_is_not_decided_is_under_investigation() -> None:
    notes = {
        name: each.get("security_statusNotes") for name, _, each in Graph().assessed("VexUnderInvestigation")
    }
    assert notes == {"CVE-2011-4116": None, "NSWG-ECO-1\x07": "the versions could not be ordered"}


def test_a_vex_statement_is_written() -> None:
    graph = Graph()
    ((name, to, said),) = graph.assessed("VexNotAffected")
    assert (name, to) == ("CVE-2023-5363", ["libssl3"])
    assert said["security_justificationType"] == "vulnerableCodeNotInExecutePath"
    assert said["security_impactStatement"] == "the parser is never called"
    assert said["security_publishedTime"] == "2025-11-01T00:00:00Z"
    assert graph.names[said["suppliedBy"]] == "Example Inc."
    assert graph.values(said["spdxId"])["hullmark:statement:source"] == "app.vex.json"


def test_not_affected_has_a_justification_or_an_impact_statement() -> None:
    ((_, _, bare),) = suppressed_by(status="not_affected").assessed("VexNotAffected")
    assert bare["security_impactStatement"] == "stated without a reason"
    ((_, _, justified),) = suppressed_by(
        status="not_affected", justification="component_not_present"
    ).assessed("VexNotAffected")
    assert "security_impactStatement" not in justified
    assert justified["security_justificationType"] == "componentNotPresent"


def test_fixed() -> None:
    ((_, _, said),) = suppressed_by(status="fixed", reason="patched by hand").assessed("VexFixed")
    assert said["relationshipType"] == "fixedIn"
    assert said["security_statusNotes"] == "patched by hand"


def test_what_is_merely_ignored_is_not_said_to_be_harmless() -> None:
    graph = suppressed_by(reason="accepted until spring", expires="2026-06-30")
    assert not graph.assessed("VexNotAffected")
    ((_, _, said),) = graph.assessed("VexAffected")
    assert said["security_statusNotes"] == "accepted until spring"
    values = graph.values(said["spdxId"])
    assert values["hullmark:statement:source"] == "x.json:3"
    assert values["hullmark:statement:expires"] == "2026-06-30"


def test_what_a_filter_took_out_is_counted_only() -> None:
    graph = Graph()
    assert "CVE-2000-1" not in graph.names.values()
    assert graph.values(graph.one("SpdxDocument")["spdxId"])["hullmark:suppressed"] == "3"


def test_what_could_not_be_read_is_not_lost() -> None:
    graph = Graph()
    values = graph.values(graph.one("SpdxDocument")["spdxId"])
    assert "no database" in values["hullmark:unread:0"]
    assert values["hullmark:dev_packages"] == "4"


def test_the_end_of_a_release_is_a_level_of_support() -> None:
    graph = Graph()
    system = graph.one("software_Package", "debian")
    assert system["supportLevel"] == ["endOfSupport"]
    assert system["validUntilTime"] == "2026-06-10T00:00:00Z"
    assert graph.values(system["spdxId"])["hullmark:kind"] == "end_of_life"
    assert "EOL-debian-12" not in graph.names.values()


def test_is_of_one_image() -> None:
    with pytest.raises(UsageError, match="an SBOM is of one image"):
        render("spdx3", ReportSet(reports=(), summary=SAMPLE.summary))


def test_a_finding_told_twice_stands_once() -> None:
    report = msgspec.structs.replace(SAMPLE, findings=(SAMPLE.findings[0], SAMPLE.findings[0]))
    assert problems(report) == []
    assert len(Graph(report).assessed("VexAffected")) == 2  # itself and the ignored one


def test_a_lone_surrogate_does_no_harm() -> None:
    report = msgspec.structs.replace(
        SAMPLE, packages=(*SAMPLE.packages, msgspec.structs.replace(HOSTILE, id="p9", name="\ud800"))
    )
    assert problems(report) == []
    assert "\\ud800" in Graph(report).names.values()


WORD = st.text(max_size=12) | st.sampled_from(
    ["\ud800", "<script>", "\x1b[2J", "\u202e", "a" * 3000, "_:x", ""]
)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_is_valid_whatever_the_words(data: st.DataObject) -> None:
    def word() -> str:
        return data.draw(WORD)

    component = Component(
        id=word(),
        purl=word(),
        ecosystem=word(),
        name=word(),
        version=word(),
        licences=(word(), word()),
        vendor=word(),
        cpe=word(),
        via=(word(),),
    )
    finding = msgspec.structs.replace(
        SAMPLE.findings[0],
        id=word(),
        component=data.draw(st.sampled_from([component.id, "", "nothing"])),
        title=word(),
        details=word(),
        aliases=(word(), word()),
        cwes=(word(),),
        published=word(),
        bundles=(Bundle(word(), word(), word()),),
        scores=(Score(word(), "cvss4", Severity.LOW, word(), 5.0),),
        fixed_version=word(),
    )
    said = Suppression(
        source=word(), status="not_affected", justification=word(), reason=word(), author=word(), said=word()
    )
    report = msgspec.structs.replace(
        SAMPLE,
        packages=(component, component),
        findings=(finding,),
        suppressed=(Suppressed(word(), finding, by=0),),
        suppressions=(said,),
    )
    assert problems(report) == []
    assert re.search(rb"[\x00-\x08\x1b]", render("spdx3", report)) is None
