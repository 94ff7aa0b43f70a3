"""Fixes that only subscribers get, in Ubuntu's own documents."""

from pathlib import Path

import pytest

from conftest import GOLDEN
from e2e.program import layer, write_layout
from hullmark.advisories.build import build
from hullmark.advisories.feeds.ubuntu import FEED
from hullmark.model.report import Finding
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run

AS_OF = "2026-01-31T12:00:00Z"
MIRROR = GOLDEN / "feeds/ubuntu/osv"


def findings(folder: Path, release: str, name: str, version: str) -> tuple[Finding, ...]:
    build(MIRROR, folder / "db", [FEED], built=AS_OF)
    status = f"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: all\n\n"
    files = {
        "etc/os-release": f'ID=ubuntu\nVERSION_ID="{release}"\n'.encode(),
        "var/lib/dpkg/status": status.encode(),
    }
    write_layout(folder / "image", [layer(files)])
    report = run(ScanRequest(reference=str(folder / "image"), as_of=AS_OF, database=folder / "db"))
    return tuple(finding for finding in report.findings if finding.kind == "vulnerability")


@pytest.mark.parametrize(
    ("release", "name", "version", "archive"),
    [
        ("18.04", "netty", "1:4.1.7-4ubuntu0.1", "esm-apps"),
        ("22.04", "netty", "1:4.1.48-4+deb11u2", "esm-apps"),
        ("14.04", "unzip", "6.0-9ubuntu1.5", "esm-infra"),
        ("16.04", "wayland", "1.12.0-1~ubuntu16.04.3", "esm-infra"),
    ],
)
def test_a_fix_in_ubuntu_pro_is_no_fix_for_everybody(
    tmp_path: Path, release: str, name: str, version: str, archive: str
) -> None:
    (finding,) = findings(tmp_path, release, name, version)
    assert (finding.state, finding.fixed_version) == ("affected", "")
    assert [evidence.note for evidence in finding.evidence] == [f"the fix is only in {archive}"]
    assert all(bundle.fixed_version == "" for bundle in finding.bundles)


@pytest.mark.parametrize(
    ("release", "name", "version"),
    [("16.04", "unzip", "6.0-20ubuntu1"), ("18.04", "wayland", "1.16.0-1ubuntu1.1~18.04.3")],
)
def test_a_fix_that_everybody_gets(tmp_path: Path, release: str, name: str, version: str) -> None:
    (finding,) = findings(tmp_path, release, name, version)
    assert finding.state == "fixed_available"
    assert finding.fixed_version.startswith(version[:-1])
    assert {bundle.fixed_version for bundle in finding.bundles} <= {finding.fixed_version}


def test_whoever_has_a_build_of_ubuntu_pro_gets_the_next(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path / "old", "18.04", "netty", "1:4.1.7-4ubuntu0.1+esm2")
    assert (finding.state, finding.fixed_version) == ("fixed_available", "1:4.1.7-4ubuntu0.1+esm3")
    assert not findings(tmp_path / "new", "18.04", "netty", "1:4.1.7-4ubuntu0.1+esm3")


def test_what_pro_has_not_fixed_either(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, "14.04", "netty", "1:3.2.6.Final-2+deb8u2ubuntu0.1~esm1")
    assert (finding.state, finding.fixed_version) == ("affected", "")
