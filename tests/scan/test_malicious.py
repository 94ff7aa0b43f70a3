"""Malicious packages: always critical, over every gate, hidden by no filter; what to do is to remove them."""

import json
from pathlib import Path

import pytest

from conftest import GOLDEN
from e2e.program import layer, write_layout
from hullmark.advice.upgrades import upgrades
from hullmark.advisories.build import build
from hullmark.advisories.registry import feeds
from hullmark.model.advisory import Affected, Range, Score, Severity
from hullmark.model.look import Look
from hullmark.model.report import Report
from hullmark.reports import render
from hullmark.scan.gate import incomplete, parse_gate
from hullmark.scan.request import Filters, ScanRequest
from hullmark.scan.run import run
from toys.feed import advisory, affected, built

AS_OF = "2026-09-01T00:00:00Z"
MIRROR = GOLDEN / "feeds" / "osv" / "malicious"
ADVICE = "remove it and rotate every credential that it could have read"


def node(name: str, version: str) -> dict[str, bytes]:
    return {f"srv/node_modules/{name}/package.json": json.dumps({"name": name, "version": version}).encode()}


DEBUG = node("debug", "4.4.2")
LOCKED = {
    "srv/package-lock.json": json.dumps(
        {
            "lockfileVersion": 3,
            "packages": {
                "": {},
                "node_modules/@solana/web3.js": {"version": "1.95.7", "dev": True},
                "node_modules/mocha": {"version": "1.0.0", "dev": True},
            },
        }
    ).encode()
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("db")
    osv = [feed for feed in feeds() if feed.name == "osv"]
    assert not build(MIRROR, folder, osv, built="2026-08-31T23:00:00Z").failed
    return folder


def scan(folder: Path, database: Path, files: dict[str, bytes], **filters: object) -> Report:
    write_layout(folder / "image", [layer(files)])
    return run(
        ScanRequest(
            reference=str(folder / "image"),
            as_of=AS_OF,
            database=database,
            filters=Filters(**filters),  # type: ignore[arg-type]
        )
    )


def test_real_records_are_found(tmp_path: Path, database: Path) -> None:
    files = (
        DEBUG
        | node("@solana/web3.js", "1.95.6")
        | node("oscar-vanilla-tkpx", "9.9.9")
        | node("@ctrl/plex", "6.0.0")
    )
    report = scan(tmp_path, database, files)
    found = {finding.name: finding for finding in report.findings}
    assert {name: finding.id for name, finding in found.items()} == {
        "debug": "GHSA-4x49-vf9v-38px",
        "@solana/web3.js": "GHSA-2mhj-xmf4-pr8m",
        "oscar-vanilla-tkpx": "MAL-2025-28563",
    }, "what was withdrawn is no finding"
    for finding in found.values():
        assert (finding.kind, finding.severity, finding.severity_source) == (
            "malicious",
            Severity.CRITICAL,
            "hullmark",
        )
        assert (finding.state, finding.fixed_version) == ("affected", "")
    assert found["debug"].cwes == ("CWE-506",)
    assert found["@solana/web3.js"].evidence[0].range == ">= 1.95.6, < 1.95.8"
    assert report.summary.fixable == 0


def test_versions_that_are_not_named_are_clean(tmp_path: Path, database: Path) -> None:
    report = scan(tmp_path, database, node("debug", "4.4.1") | node("@solana/web3.js", "1.95.8"))
    assert report.findings == ()


@pytest.mark.parametrize(
    "filters",
    [
        {"severities": (Severity.LOW,)},
        {"fixable_only": True},
        {"pkg_types": ("os",)},
        {"ignore_states": ("affected", "undecided", "fixed_available")},
        {
            "severities": (Severity.UNKNOWN,),
            "fixable_only": True,
            "pkg_types": ("os",),
            "ignore_states": ("affected",),
        },
    ],
    ids="+".join,
)
def test_no_filter_hides_them(tmp_path: Path, database: Path, filters: dict[str, object]) -> None:
    report = scan(tmp_path, database, DEBUG, **filters)
    assert [finding.name for finding in report.findings] == ["debug"]
    assert report.suppressed == ()


GATES = [
    "low",
    "critical",
    "unknown",
    "vuln:low",
    "secret:high",
    "config:negligible",
    "secret:high,config:low",
]


@pytest.mark.parametrize("text", GATES)
def test_every_gate_fails(tmp_path: Path, database: Path, text: str) -> None:
    gate = parse_gate(text)
    assert gate is not None
    (said,) = gate.over(scan(tmp_path, database, DEBUG, severities=(Severity.LOW,)))
    assert said.endswith("over the gate: 1 malicious")
    assert gate.over(scan(tmp_path, database, node("debug", "4.4.1"))) == []


def test_a_development_dependency_that_is_malicious_is_listed(tmp_path: Path, database: Path) -> None:
    report = scan(tmp_path, database, LOCKED)
    assert [(component.name, component.dev) for component in report.packages] == [("@solana/web3.js", True)]
    (finding,) = report.findings
    assert (finding.kind, finding.component) == ("malicious", report.packages[0].id)
    assert finding.locations[0].path == "srv/package-lock.json"
    assert report.coverage.dev_packages == 1, "the others are left out and counted"
    whole = scan(tmp_path, database, LOCKED, include_dev=True)
    assert [component.name for component in whole.packages] == ["@solana/web3.js", "mocha"]
    assert [each.id for each in whole.findings] == [finding.id]
    installed = scan(tmp_path, database, LOCKED | node("@solana/web3.js", "1.95.7"))
    assert [(component.name, component.dev) for component in installed.packages] == [
        ("@solana/web3.js", False)
    ]
    assert len(installed.findings) == 1


def test_each_report_says_what_to_do(tmp_path: Path, database: Path) -> None:
    report = scan(tmp_path, database, DEBUG)
    page = render("table", report, Look(120)).decode()
    assert "Malicious: remove first\n  debug 4.4.2 (npm)" in page
    assert f"Each: {ADVICE}\n" in page
    assert f"1 malicious package: {ADVICE}." in page.splitlines()[-1]
    assert "pgrade" not in page
    (vulnerability,) = json.loads(render("cyclonedx", report))["vulnerabilities"]
    assert vulnerability["recommendation"] == f"{ADVICE[0].upper()}{ADVICE[1:]}"
    assert vulnerability["ratings"][0] == {"source": {"name": "hullmark"}, "severity": "critical"}
    assert vulnerability["analysis"] == {"state": "exploitable"}
    assert f"malicious, {ADVICE}" in render("spdx", report).decode()
    told = json.loads(render("json", report))["findings"][0]
    assert (told["kind"], told["fixed_version"]) == ("malicious", "")


def test_they_come_first(tmp_path: Path) -> None:
    worst = Score("ghsa", level=Severity.CRITICAL)
    built(
        tmp_path,
        advisory("CVE-2021-1000", affected("debug", Range(fixed="5"), ecosystem="npm"), scores=(worst,)),
        advisory("MAL-1", affected("z", ecosystem="npm"), malicious=True),
        name="osv",
    )
    report = scan(tmp_path, tmp_path / "db", DEBUG | node("z", "1.0.0"))
    assert [finding.id for finding in report.findings] == ["MAL-1", "CVE-2021-1000"]


@pytest.mark.parametrize(
    ("attack", "to", "state"),
    [
        (affected("x", ecosystem="npm", versions=["2.0.0"]), "", "affected"),
        (affected("x", Range("2.0.0", "2.0.3"), ecosystem="npm"), "2.0.3", "fixed_available"),
        (affected("x", ecosystem="npm", versions=["2.0.1"]), "2.0.0", "fixed_available"),
    ],
)
def test_no_upgrade_leads_to_a_malicious_version(
    tmp_path: Path, attack: Affected, to: str, state: str
) -> None:
    flaw = advisory("CVE-2026-1", affected("x", Range(fixed="2.0.0"), ecosystem="npm"))
    built(tmp_path, flaw, advisory("MAL-2026-1", attack, malicious=True), name="osv", at=AS_OF)
    report = scan(tmp_path, tmp_path / "db", node("x", "1.0.0"))
    (finding,) = report.findings
    assert (finding.id, finding.fixed_version, finding.state) == ("CVE-2026-1", to, state)
    assert [each.to for each in upgrades(report.findings)] == ([to] if to else [])
    said = "2.0.0 has the fix and is itself malicious (MAL-2026-1)" if to != "2.0.0" else ""
    assert finding.evidence[0].note == said
    fixable = scan(tmp_path / "fixable", tmp_path / "db", node("x", "1.0.0"), fixable_only=True)
    assert fixable.findings == (finding,), "that the fix is an attack is hidden from nobody"


def test_development_packages_that_nobody_could_look_at_are_not_clean(tmp_path: Path) -> None:
    built(tmp_path, advisory("PYSEC-2026-1", affected("x", Range(fixed="2"))), name="osv", at=AS_OF)
    report = scan(tmp_path, tmp_path / "db", LOCKED)
    assert (report.packages, report.coverage.dev_packages, report.coverage.dev_unchecked) == ((), 2, 2)
    assert report.incomplete
    page = render("table", report, Look(200)).decode()
    assert "2 development packages (--include-dev); 2 not checked for malicious ones" in page
    gate = parse_gate("critical")
    assert gate is not None
    name = report.image.name if report.image else ""
    assert incomplete(report, relies=True, strict=False) == [
        f"{name}: 2 development packages not checked for malicious ones (feed_missing)"
    ]
