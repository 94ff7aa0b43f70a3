"""SBOM files in an image: which of their packages count beside a package database."""

import json

import pytest

from hullmark.detectors.detector import File, Seen, View, read_file
from hullmark.detectors.packages import sbom_document
from hullmark.model.facts import Distribution, FileFacts, Package


def facts(*purls: str) -> FileFacts:
    components = [{"type": "library", "name": "x", "purl": purl} for purl in purls]
    body = json.dumps({"bomFormat": "CycloneDX", "components": components}).encode()
    return read_file(sbom_document.DETECTOR, File("opt/app.cdx.json", body))


def assembled(*purls: str, database: bool, system: str) -> list[str]:
    files = {"sbom_document": [Seen(0, "opt/app.cdx.json", facts(*purls).facts)]}
    if database:
        files["dpkg"] = [Seen(0, "var/lib/dpkg/status", (Package("deb", "base-files", "12"),))]
    view = View(files, Distribution(system) if system else None)
    return [package.name for package, _ in sbom_document.assemble(view)]


@pytest.mark.parametrize(
    ("database", "system", "expected"),
    [
        (True, "debian", ["requests"]),
        (False, "debian", ["requests", "libc6"]),
        (False, "centos", ["requests", "pcre"]),
        (False, "", ["requests"]),
    ],
)
def test_a_system_has_its_own_packages_only(database: bool, system: str, expected: list[str]) -> None:  # noqa: FBT001  # a table's column
    purls = ("pkg:pypi/requests@2.31.0", "pkg:deb/debian/libc6@2.36-9", "pkg:rpm/centos/pcre@8.32-17.el7")
    assert assembled(*purls, database=database, system=system) == expected


def test_a_package_counts_once_for_a_document() -> None:
    found = facts("pkg:pypi/pillow@13.0.0#c-ext/PIL._webp", "pkg:pypi/pillow@13.0.0#c-ext/PIL._avif")
    assert [fact.name for fact in found.facts if isinstance(fact, Package)] == ["pillow"]


def test_nesting_has_a_bound() -> None:
    component: dict[str, object] = {"purl": "pkg:npm/a@1"}
    for _ in range(90):
        component = {"purl": "pkg:npm/a@1", "components": [component]}
    body = json.dumps({"bomFormat": "CycloneDX", "components": [component]}).encode()
    found = read_file(sbom_document.DETECTOR, File("a.cdx.json", body))
    assert len(found.facts) == 1
