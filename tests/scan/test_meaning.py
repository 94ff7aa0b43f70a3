"""What publishers mean: their own documents, and what is said of a package of that release because of them."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import GOLDEN
from hullmark.advisories.build import build
from hullmark.advisories.database import Database
from hullmark.advisories.registry import feeds
from hullmark.model.advisory import Ssvc
from hullmark.model.facts import Distribution, Package
from hullmark.model.report import Finding, Report, ReportImage, Tool
from hullmark.scan.matching import Inventory, Item, report
from hullmark.scan.request import ScanRequest

AS_OF = "2026-01-31T12:00:00Z"
DEBIAN_10, DEBIAN_11, DEBIAN_12 = (
    Distribution("debian", number, codename=name)
    for number, name in (("10", "buster"), ("11", "bullseye"), ("12", "bookworm"))
)
ALMA_9 = Distribution("almalinux", "9.7")
RHEL_7, RHEL_8, RHEL_9, RHEL_10 = (Distribution("rhel", f"{n}.0") for n in (7, 8, 9, 10))


class Said(NamedTuple):
    """What a finding says."""

    state: str
    severity: str
    source: str
    fixed: str = ""


def deb(name: str, version: str) -> Package:
    return Package("deb", name, version, source=name)


def apk(name: str, version: str) -> Package:
    return Package("apk", name, version, source=name)


def rpm(name: str, version: str, **more: str) -> Package:
    return Package("rpm", name, version, **more)  # type: ignore[arg-type]


def reported(folder: Path, package: Package, distribution: Distribution | None) -> Report:
    """Match one package against the database of a folder."""
    inventory = Inventory(
        tool=Tool("hullmark", "0", {}),
        image=ReportImage(name="x", source="dir"),
        layers=(),
        items=(Item(package, ()),),
        errors=(),
        distribution=distribution,
    )
    return report(inventory, ScanRequest(reference="x", as_of=AS_OF, database=folder))


def findings(
    folder: Path, case: str, package: Package, distribution: Distribution | None
) -> dict[str, Finding]:
    """Match one package against one publisher's documents."""
    feed, _, _ = case.partition("/")
    built = build(
        GOLDEN / "feeds" / case, folder, [each for each in feeds() if each.name == feed], built=AS_OF
    )
    assert not built.failed
    found = reported(folder, package, distribution)
    assert found.packages[0].coverage == "matched"
    return {finding.id: finding for finding in found.findings}


@pytest.mark.parametrize(
    ("case", "distribution", "package", "flaw", "said"),
    [
        # Debian: fixed, no-dsa, postponed, end of life, urgency.
        (
            "debian/tracker",
            DEBIAN_12,
            deb("chromium", "97.0-1"),
            "CVE-2022-0456",
            Said("fixed_available", "unknown", "", "98.0.4758.80-1"),
        ),
        (
            "debian/tracker",
            DEBIAN_11,
            deb("pcre2", "10.36-2"),
            "CVE-2022-41409",
            Said("will_not_fix", "low", "debian"),
        ),
        (
            "debian/tracker",
            DEBIAN_10,
            deb("pcre2", "10.32-5"),
            "CVE-2022-41409",
            Said("affected", "low", "debian"),
        ),
        (
            "debian/tracker",
            DEBIAN_10,
            deb("chromium", "90.0-1"),
            "CVE-2022-0456",
            Said("end_of_life", "unknown", ""),
        ),
        (
            "debian/tracker",
            DEBIAN_12,
            deb("tar", "1.34+dfsg-1.2"),
            "CVE-2005-2541",
            Said("affected", "negligible", "debian"),
        ),
        # Ubuntu: its priority, what it will not fix, the end of a package in a release.
        (
            "ubuntu/osv",
            Distribution("ubuntu", "16.04"),
            deb("unzip", "6.0-20ubuntu1"),
            "CVE-2014-9913",
            Said("fixed_available", "negligible", "ubuntu", "6.0-20ubuntu1.1"),
        ),
        (
            "ubuntu/osv",
            Distribution("ubuntu", "16.04"),
            deb("gitlab", "8.5.8-1"),
            "CVE-2026-1403",
            Said("affected", "medium", "ubuntu"),
        ),
        (
            "ubuntu/vex-and-tracker",
            Distribution("ubuntu", "22.04"),
            deb("glibc", "2.35-0ubuntu3"),
            "CVE-2016-20013",
            Said("will_not_fix", "unknown", ""),
        ),
        (
            "ubuntu/vex-and-tracker",
            Distribution("ubuntu", "10.04"),
            deb("chromium-browser", "30.0-0ubuntu0.10.04.1"),
            "CVE-2013-6627",
            Said("end_of_life", "medium", "ubuntu"),
        ),
        # RHEL: its own severity whatever the vector amounts to, and its words on each release.
        (
            "redhat/vex",
            RHEL_9,
            rpm("curl", "7.76.1-23.el9_2.1"),
            "CVE-2023-38545",
            Said("fixed_available", "high", "redhat", "7.76.1-23.el9_2.4"),
        ),
        (
            "redhat/vex",
            RHEL_7,
            rpm("example", "1.0-1.el7", source="example"),
            "CVE-2099-0001",
            Said("end_of_life", "low", "redhat"),
        ),
        (
            "redhat/vex",
            RHEL_8,
            rpm("example", "1.0-1.el8", source="example"),
            "CVE-2099-0001",
            Said("will_not_fix", "medium", "redhat"),
        ),
        (
            "redhat/vex",
            RHEL_10,
            rpm("example", "1.0-1.el10", source="example"),
            "CVE-2099-0001",
            Said("under_investigation", "low", "redhat"),
        ),
        # A module's stream.
        (
            "redhat/advisories",
            RHEL_8,
            rpm("ruby", "2.7.6-138.module+el8.6.0+16148+54a2ba8c", module="ruby:2.7"),
            "CVE-2023-28755",
            Said("fixed_available", "medium", "redhat", "2.7.8-139.module+el8.8.0+18745+f1bef313"),
        ),
        # Architectures: the fix for aarch64 is another one.
        (
            "oracle/elsa",
            Distribution("ol", "7.9"),
            rpm("rsyslog", "8.24.0-57.0.1.el7_9.3", arch="aarch64"),
            "CVE-2022-24903",
            Said("fixed_available", "high", "oracle", "8.24.0-57.0.4.el7_9.3"),
        ),
        # Arch's 'unknown' status.
        (
            "arch/groups",
            Distribution("arch", "", id_like=()),
            Package("alpm", "a", "1-1"),
            "CVE-2099-3",
            Said("under_investigation", "unknown", ""),
        ),
        # Libraries: branches, the last affected version, lists.
        (
            "osv/pypi",
            None,
            Package("pypi", "tryton", "6.0.4"),
            "PYSEC-2022-43170",
            Said("fixed_available", "medium", "pysec", "6.0.5"),
        ),
        (
            "osv/pypi",
            None,
            Package("pypi", "wasmtime", "19.0.0"),
            "PYSEC-2024-311",
            Said("affected", "low", "pysec"),
        ),
        (
            "osv/pypi",
            None,
            Package("pypi", "wasmtime", "25.0.0"),
            "PYSEC-2024-311",
            Said("affected", "low", "pysec"),
        ),
        (
            "osv/npm-maven",
            None,
            Package("maven", "xerces:xercesImpl", "2.9.1"),
            "CVE-2009-2625",
            Said("affected", "unknown", ""),
        ),
    ],
)
def test_there_is_a_finding(
    tmp_path: Path, case: str, distribution: Distribution | None, package: Package, flaw: str, said: Said
) -> None:
    finding = next(
        each
        for each in findings(tmp_path, case, package, distribution).values()
        if flaw in {each.id, *each.aliases}
    )
    assert Said(finding.state, finding.severity, finding.severity_source, finding.fixed_version) == said


@pytest.mark.parametrize(
    ("case", "distribution", "package", "flaw"),
    [
        ("debian/tracker", DEBIAN_10, deb("prototypejs", "1.7.1-3"), "CVE-2007-2383"),
        ("debian/tracker", DEBIAN_12, deb("chromium", "98.0.4758.80-1"), "CVE-2022-0456"),
        # "0" in Alpine's and Wolfi's lists: the flaw never was in the package.
        ("alpine/zero", Distribution("alpine", "3.8.5"), apk("db", "5.3.28-r0"), "CVE-2016-0682"),
        ("redhat/vex", RHEL_9, rpm("samba", "4.17.5-0.el9", source="samba"), "CVE-2023-4154"),
        # Fixed in 9.7; that the erratum of 9.8 has a higher version is nothing to this package.
        ("almalinux/minor", ALMA_9, rpm("capstone", "4.0.2-11.el9_7"), "CVE-2025-68114"),
        (
            "oracle/elsa",
            Distribution("ol", "7.9"),
            rpm("rsyslog", "8.24.0-57.0.1.el7_9.3", arch="x86_64"),
            "CVE-2022-24903",
        ),
        (
            "redhat/advisories",
            RHEL_8,
            rpm("ruby", "2.5.9-110.module+el8.6.0+15956+aa803fc1", module="ruby:2.5"),
            "CVE-2023-28755",
        ),
        ("osv/pypi", None, Package("pypi", "tryton", "6.1.0"), "PYSEC-2022-43170"),
        ("osv/pypi", None, Package("pypi", "wasmtime", "25.0.2"), "PYSEC-2024-311"),
    ],
)
def test_there_is_none(
    tmp_path: Path, case: str, distribution: Distribution | None, package: Package, flaw: str
) -> None:
    assert flaw not in findings(tmp_path, case, package, distribution)


@pytest.mark.parametrize("version", ["4.0.2-10.el9_7", "4.0.2-10.el9", "4.0.2-11.el9_6", "4.0.2-12.el9_8"])
def test_the_erratum_of_another_minor_release_is_no_fix(tmp_path: Path, version: str) -> None:
    found = findings(tmp_path, "almalinux/minor", rpm("capstone", version), ALMA_9)
    assert found["CVE-2025-68114"].fixed_version == "4.0.2-13.el9_8"


def test_what_a_publisher_took_back_is_no_finding(tmp_path: Path) -> None:
    path = GOLDEN / "feeds/osv/pypi/records.json"
    (withdrawn,) = (each for each in json.loads(path.read_bytes()) if each["kind"] == "Withdrawn")
    findings(tmp_path, "osv/pypi", Package("pypi", "django", "5.1"), None)
    part = Database.open(tmp_path).part("osv-pypi")
    assert part is not None
    assert part.ids()
    assert withdrawn["id"] not in part.ids()


@pytest.mark.parametrize(
    ("status", "words", "state"),
    [
        ("affected", "Canonical has decided to not fix it", "will_not_fix"),
        ("affected", "This package is no longer supported", "end_of_life"),
        ("under_investigation", "", "under_investigation"),
        ("affected", "This package is vulnerable", "affected"),
    ],
)
def test_what_ubuntus_vex_says_of_a_flaw_without_a_fix_is_not_lost_beside_its_osv(
    tmp_path: Path, status: str, words: str, state: str
) -> None:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    source = "pkg:deb/ubuntu/curl@7.81.0-1?arch=source&distro=jammy"
    osv = {
        "id": "UBUNTU-CVE-2024-0004",
        "upstream": ["CVE-2024-0004"],
        "severity": [{"type": "CVSS_V3", "score": vector}, {"type": "Ubuntu", "score": "untriaged"}],
        "affected": [
            {
                "package": {"ecosystem": "Ubuntu:22.04:LTS", "name": "curl", "purl": source},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
            }
        ],
    }
    statement = {
        "vulnerability": {"name": "CVE-2024-0004"},
        "products": [{"@id": source}],
        "status": status,
        "action_statement": words,
    }
    documents = {"ubuntu/osv/a.json": osv, "ubuntu/vex/b.json": {"statements": [statement]}}
    (finding,) = made(tmp_path, documents, deb("curl", "7.81.0-1"), Distribution("ubuntu", "22.04"))
    assert (finding.id, finding.state) == ("CVE-2024-0004", state)
    assert (finding.severity, finding.severity_source) == ("critical", "nvd"), (
        "Ubuntu passes NVD's vectors on"
    )


def test_cisas_decision_is_joined_from_the_cve_list(tmp_path: Path) -> None:
    entry = {
        "package": {"ecosystem": "PyPI", "name": "a"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
    }
    options = [{"Exploitation": "active"}, {"Automatable": "yes"}, {"Technical Impact": "total"}]
    content = {"options": options, "timestamp": "2025-01-02T00:00:00Z"}
    cisa = {
        "providerMetadata": {"shortName": "CISA-ADP"},
        "metrics": [{"other": {"type": "ssvc", "content": content}}],
    }
    cve = {
        "cveMetadata": {"cveId": "CVE-2025-1000", "state": "PUBLISHED"},
        "containers": {"cna": {}, "adp": [cisa]},
    }
    documents = {
        "osv/PyPI/PYSEC-2025-1.json": {
            "id": "PYSEC-2025-1",
            "aliases": ["CVE-2025-1000"],
            "affected": [entry],
        },
        "cvelist/cves/2025/1xxx/CVE-2025-1000.json": cve,
    }
    (finding,) = made(tmp_path, documents, Package("pypi", "a", "1.0"), None)
    assert finding.ssvc == Ssvc("active", "yes", "total", "2025-01-02T00:00:00Z")
    assert finding.severity == "unknown", "a decision is no severity"


def made(
    folder: Path, documents: dict[str, object], package: Package, distribution: Distribution | None
) -> tuple[Finding, ...]:
    """Match one package against these documents, by their places on a mirror."""
    for path, body in documents.items():
        file = folder / "feeds" / path
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(body))
    assert not build(folder / "feeds", folder / "db", feeds(), built=AS_OF).failed
    return reported(folder / "db", package, distribution).findings
