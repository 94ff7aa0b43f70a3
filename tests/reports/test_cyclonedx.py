import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hullmark.model.errors import UsageError
from hullmark.model.look import Look
from hullmark.model.report import Failure, Report, ReportDatabase, ReportSet, Suppressed, Suppression, Tool
from hullmark.reports import render
from reports.sample import EXPRESS, LOG4J, SAMPLE, WHOLE, problems


def bom(report: Report | ReportSet = SAMPLE) -> Any:
    return msgspec.json.decode(render("cyclonedx", report))


def component(name: str) -> Any:
    return next(entry for entry in bom()["components"] if entry["name"] == name)


def flaw(name: str) -> Any:
    return next(entry for entry in bom()["vulnerabilities"] if entry["id"] == name)


def test_is_valid_by_the_official_schema() -> None:
    assert problems(render("cyclonedx", SAMPLE), "bom-1.6.schema.json") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"image": None},
        {"findings": (), "database": ReportDatabase(())},
        {"tool": Tool("hullmark", "1" * 2000, {})},
    ],
)
def test_is_valid_with_less_and_with_more(changes: dict[str, Any]) -> None:
    report = msgspec.structs.replace(SAMPLE, **changes)
    assert problems(render("cyclonedx", report), "bom-1.6.schema.json") == []


def test_is_valid_with_what_else_was_looked_for() -> None:
    assert problems(render("cyclonedx", WHOLE), "bom-1.6.schema.json") == []
    assert problems(render("spdx", WHOLE), "spdx-2.3.schema.json") == []


def test_the_schema_does_refuse() -> None:
    body = render("cyclonedx", SAMPLE).replace(b'"severity": "critical"', b'"severity": "dire"')
    assert problems(body, "bom-1.6.schema.json")


def test_same_report_same_bytes_and_other_report_other_serial_number() -> None:
    other = msgspec.structs.replace(SAMPLE, as_of="2026-02-01T12:00:00Z")
    assert render("cyclonedx", SAMPLE) == render("cyclonedx", SAMPLE, Look(40, colour=True))
    assert bom(SAMPLE)["serialNumber"] != bom(other)["serialNumber"]


def test_metadata() -> None:
    metadata = bom()["metadata"]
    assert metadata["timestamp"] == "2026-01-31T12:00:00Z"
    assert metadata["tools"]["components"][0]["name"] == "hullmark"
    image = metadata["component"]
    assert image["type"] == "container"
    assert image["purl"] == (
        f"pkg:oci/app@sha256:{'a' * 64}?arch=arm64&repository_url=registry.example/team/app&tag=1.2"
    )


def test_the_time_is_given_in_utc() -> None:
    assert bom(msgspec.structs.replace(SAMPLE, as_of="2026-01-31T14:00:00+02:00"))["metadata"][
        "timestamp"
    ] == ("2026-01-31T12:00:00Z")


def test_references_are_unique() -> None:
    document = bom()
    refs = [entry["bom-ref"] for entry in document["components"]]
    assert len(refs) == len(set(refs)) == len(SAMPLE.packages) + 1
    known = {*refs, document["metadata"]["component"]["bom-ref"]}
    affected = {affect["ref"] for entry in document["vulnerabilities"] for affect in entry["affects"]}
    depended = {ref for entry in document["dependencies"] for ref in (entry["ref"], *entry["dependsOn"])}
    assert affected <= known
    assert depended <= known


def test_operating_system() -> None:
    system = next(entry for entry in bom()["components"] if entry["type"] == "operating-system")
    assert (system["name"], system["version"]) == ("debian", "12")


def test_names_are_parted_as_package_urls_part_them() -> None:
    assert component("log4j-core")["group"] == "org.apache.logging.log4j"
    assert component("express")["group"] == "@scope"


def test_licences() -> None:
    several = component("libssl3")["licenses"]
    assert [entry["license"].get("id") for entry in several] == ["Apache-2.0", None, "MIT"]
    assert several[1]["license"]["name"] == "Artistic or GPL-1+"
    assert component("log4j-core")["licenses"] == [
        {"expression": "(Apache-2.0 OR MIT) AND BSD-3-Clause", "acknowledgement": "declared"}
    ]


def test_cpe_of_a_bare_binary() -> None:
    assert component("openssl")["cpe"] == "cpe:2.3:a:openssl:openssl:1.1.1k:*:*:*:*:*:*:*"


def test_occurrences() -> None:
    assert component("log4j-core")["evidence"]["occurrences"] == [
        {"location": "app/a.jar", "additionalContext": "entry BOOT-INF/lib/log4j-core-2.14.1.jar"},
        {"location": "app/b.jar", "line": 7},
    ]


def test_dependencies() -> None:
    edges = {entry["ref"]: entry["dependsOn"] for entry in bom()["dependencies"]}
    assert edges[EXPRESS.purl] == ["pkg:npm/qs@0.6.6"]
    assert EXPRESS.purl in edges["image"]
    assert "pkg:npm/qs@0.6.6" not in edges["image"]


def test_ratings_are_those_of_all_sources_the_counting_one_first() -> None:
    ratings = flaw("CVE-2021-44228")["ratings"]
    assert [(entry["source"]["name"], entry["method"]) for entry in ratings] == [
        ("ghsa", "CVSSv4"),
        ("nvd", "CVSSv2"),
        ("nvd", "CVSSv31"),
        ("redhat", "other"),
        ("old", "CVSSv3"),
    ]


def test_severity_that_no_score_gives_stands_alone() -> None:
    assert flaw("CVE-2024-5535")["ratings"] == [{"source": {"name": "debian"}, "severity": "info"}]


def test_times_are_made_whole_or_left_out() -> None:
    whole, other = flaw("CVE-2021-44228"), flaw("CVE-2024-5535")
    assert (whole["published"], whole["updated"]) == ("2021-12-10T00:40:56Z", "2025-10-22T00:00:00Z")
    assert other["published"] == "2024-06-27T00:00:00Z"
    assert "updated" not in other
    for time in (whole["published"], whole["updated"], other["published"]):
        dt.datetime.fromisoformat(time)


def test_flaw() -> None:
    told = flaw("CVE-2021-44228")
    assert told["cwes"] == [20, 502]
    assert told["advisories"] == [{"url": "https://logging.apache.org/log4j/2.x/security.html"}]
    assert told["analysis"] == {"state": "exploitable", "response": ["update"]}
    assert told["affects"] == [
        {
            "ref": LOG4J.purl,
            "versions": [
                {"version": "2.14.1", "status": "affected"},
                {"version": "2.15.0", "status": "unaffected"},
            ],
        }
    ]
    assert flaw("CVE-2023-31484")["analysis"]["response"] == ["will_not_fix"]
    assert flaw("CVE-2011-4116")["analysis"] == {"state": "in_triage"}
    assert flaw("EOL-debian-12")["affects"][0]["ref"] == "operating-system"


def test_without_a_database_there_is_no_word_on_flaws() -> None:
    unmatched = msgspec.structs.replace(SAMPLE, findings=(), database=ReportDatabase(()))
    assert "vulnerabilities" not in bom(unmatched)
    assert bom(msgspec.structs.replace(SAMPLE, findings=(), suppressed=()))["vulnerabilities"] == []


def test_each_part_of_the_database_with_its_revision_time_and_count() -> None:
    values = {each["name"]: each["value"] for each in bom(SAMPLE)["metadata"]["properties"]}
    part = json.loads(values["hullmark:database:epss"])
    assert (part["revision"], part["built"], part["advisories"]) == ("def.7", "2026-01-20", 1)
    assert (part["age_hours"], part["stale"]) == (300.0, True)
    assert r"\\\"stale\\\":true" in render("spdx", SAMPLE).decode()


def suppressed_by(**said: Any) -> Any:
    """Give the vulnerability of which one statement speaks."""
    report = msgspec.structs.replace(
        SAMPLE,
        findings=(),
        suppressed=(Suppressed("because", SAMPLE.findings[0], by=0),),
        suppressions=(Suppression(source="x.json", line=3, **said),),
    )
    assert problems(render("cyclonedx", report), "bom-1.6.schema.json") == []
    (entry,) = bom(report)["vulnerabilities"]
    return entry


def test_what_a_vex_statement_says_is_said() -> None:
    entry = flaw("CVE-2023-5363")
    assert entry["analysis"] == {
        "state": "not_affected",
        "justification": "code_not_reachable",
        "detail": "the parser is never called",
        "lastUpdated": "2025-11-01T00:00:00Z",
    }
    assert [version["status"] for version in entry["affects"][0]["versions"]] == ["unaffected"]
    values = {each["name"]: each["value"] for each in entry["properties"]}
    assert values["hullmark:statement:source"] == "app.vex.json"
    assert values["hullmark:statement:author"] == "Example Inc."


def test_what_is_merely_ignored_is_not_said_to_be_harmless() -> None:
    entry = flaw("CVE-2022-40897")
    assert entry["analysis"]["state"] == "exploitable"
    assert entry["analysis"]["response"] == ["will_not_fix"]
    assert entry["analysis"]["detail"].startswith("=HYPERLINK(1): only tests")
    assert entry["affects"][0]["versions"][0]["status"] == "affected"
    values = {each["name"]: each["value"] for each in entry["properties"]}
    assert values["hullmark:statement:source"] == ".hullmark-ignore.yaml:3"
    assert values["hullmark:statement:expires"] == "2026-06-30"


def test_what_a_filter_took_out_is_counted_only() -> None:
    assert "CVE-2000-1" not in {entry["id"] for entry in bom()["vulnerabilities"]}
    values = {each["name"]: each["value"] for each in bom()["metadata"]["properties"]}
    assert values["hullmark:suppressed"] == "3"


def test_statements_are_written_whether_suppressed_findings_are_asked_for_or_not() -> None:
    assert render("cyclonedx", SAMPLE) == render("cyclonedx", SAMPLE, Look(suppressed=True))


@pytest.mark.parametrize(
    ("justification", "said"),
    [
        ("component_not_present", "code_not_present"),
        ("vulnerable_code_not_present", "code_not_present"),
        ("vulnerable_code_not_in_execute_path", "code_not_reachable"),
        ("inline_mitigations_already_exist", "protected_by_mitigating_control"),
        ("vulnerable_code_cannot_be_controlled_by_adversary", None),
        ("", None),
    ],
)
def test_justifications(justification: str, said: str | None) -> None:
    analysis = suppressed_by(status="not_affected", justification=justification)["analysis"]
    assert analysis == {"state": "not_affected", **({"justification": said} if said else {})}


def test_fixed_is_resolved() -> None:
    entry = suppressed_by(status="fixed", reason="patched by hand", said="2025-11-01")
    assert entry["analysis"] == {
        "state": "resolved",
        "detail": "patched by hand",
        "lastUpdated": "2025-11-01T00:00:00Z",
    }
    assert entry["affects"][0]["versions"][0]["status"] == "unaffected"


def test_the_same_flaw_of_two_packages_of_which_only_one_is_ignored_stands_twice() -> None:
    report = msgspec.structs.replace(
        SAMPLE,
        findings=SAMPLE.findings[:1],
        suppressed=(Suppressed("x", msgspec.structs.replace(SAMPLE.findings[0], component="p0"), by=1),),
    )
    states = [(entry["id"], entry["analysis"]["state"]) for entry in bom(report)["vulnerabilities"]]
    assert states == [("CVE-2021-44228", "exploitable"), ("CVE-2021-44228", "not_affected")]


def test_a_finding_told_twice_stands_once() -> None:
    report = msgspec.structs.replace(SAMPLE, findings=(SAMPLE.findings[0], SAMPLE.findings[0]))
    assert problems(render("cyclonedx", report), "bom-1.6.schema.json") == []


def test_a_damaged_number_of_a_statement_is_none() -> None:
    report = msgspec.structs.replace(SAMPLE, suppressed=(Suppressed("x", SAMPLE.findings[0], by=99),))
    assert problems(render("cyclonedx", report), "bom-1.6.schema.json") == []


def test_lone_surrogates_do_no_harm() -> None:
    flawed = msgspec.structs.replace(SAMPLE.findings[0], id="CVE-\ud800", title="\udfff")
    report = msgspec.structs.replace(
        SAMPLE,
        findings=(flawed,),
        packages=(
            *SAMPLE.packages,
            msgspec.structs.replace(LOG4J, id="p9", name="x\ud800", licences=("\ud800",)),
        ),
    )
    for form in ("cyclonedx", "spdx"):
        assert "ud800" in render(form, report).decode()
    assert problems(render("cyclonedx", report), "bom-1.6.schema.json") == []


def test_cvss_4_is_valid() -> None:
    ratings = flaw("CVE-2021-44228")["ratings"]
    (four,) = [entry for entry in ratings if entry["method"] == "CVSSv4"]
    assert four["vector"].startswith("CVSS:4.0/")
    assert four["score"] == 9.1


def test_is_of_one_image() -> None:
    one = ReportSet(reports=(SAMPLE,), failures=(Failure("x", "y"),), summary=SAMPLE.summary)
    assert render("cyclonedx", one) == render("cyclonedx", SAMPLE)
    with pytest.raises(UsageError, match="an SBOM is of one image"):
        render("cyclonedx", ReportSet(reports=(SAMPLE, SAMPLE), summary=SAMPLE.summary))


def test_every_name_of_our_own_is_documented() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "reference" / "sbom.md").read_text("utf-8")
    written = b"".join(render(form, WHOLE) for form in ("cyclonedx", "spdx", "spdx3"))
    names = set(re.findall(rb'"(hullmark:[a-z_]+)', written))
    assert names
    assert {name for name in names if f"`{name.decode()}" not in page} == set()
