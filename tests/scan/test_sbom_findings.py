"""Findings of an SBOM are those of the image that it was made from: the demo image against the demo feeds."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hullmark.advisories.build import build
from hullmark.advisories.registry import feeds
from hullmark.model.report import Report, Suppressed, Suppression
from hullmark.reports import render
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run

DEMO = Path(__file__).parent.parent.parent / "demo"


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> tuple[ScanRequest, Report]:
    folder = tmp_path_factory.mktemp("sbom")
    build(DEMO / "feeds", folder / "db", feeds(), built="2026-01-31T00:00:00Z")
    request = ScanRequest(
        reference=str(DEMO / "image.tar"),
        as_of="2026-01-31T12:00:00Z",
        cache=folder / "cache",
        database=folder / "db",
    )
    return request, run(request)


@pytest.mark.parametrize("form", ["cyclonedx", "spdx"])
def test_findings_packages_and_layers_are_the_same(
    form: str, scanned: tuple[ScanRequest, Report], tmp_path: Path
) -> None:
    request, image = scanned
    assert image.findings
    unmatched = run(msgspec.structs.replace(request, database=None))
    path = tmp_path / "bom.json"
    path.write_bytes(render(form, unmatched))
    sbom = run(msgspec.structs.replace(request, reference=str(path)))
    names: tuple[Any, ...] = ("findings", "packages", "layers", "coverage", "summary", "errors", "database")
    for name in names:
        assert getattr(sbom, name) == getattr(image, name), name
    assert sbom.image is not None
    assert sbom.image.source == "sbom"
    assert image.image is not None
    assert sbom.image.digest == image.image.digest


def test_vulnerabilities_and_statements_in_an_sbom_are_not_findings(
    scanned: tuple[ScanRequest, Report], tmp_path: Path
) -> None:
    request, image = scanned
    entry = Suppressed("not_affected: never called", image.findings[0], by=0)
    statement = Suppression(source="x.json", status="not_affected", reason="never called")
    told = msgspec.structs.replace(image, suppressed=(entry,), suppressions=(statement,))
    path = tmp_path / "bom.json"
    path.write_bytes(render("cyclonedx", told))
    assert b'"not_affected"' in path.read_bytes()
    sbom = run(msgspec.structs.replace(request, reference=str(path)))
    assert sbom.findings == image.findings
    assert sbom.suppressed == ()
    without = run(msgspec.structs.replace(request, reference=str(path), database=None))
    assert without.findings == ()
    assert without.packages
