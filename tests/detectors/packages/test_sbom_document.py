"""SBOM files in an image: which of their packages count beside a package database."""

import json

import pytest

from hullmark.detectors.detector import File, Seen, View, read_file
from hullmark.detectors.packages import sbom_document
from hullmark.model.facts import Distribution, FileFacts, Package, Unread


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


def said(body: bytes, path: str = "a.cdx.json") -> tuple[list[str], list[str]]:
    """Give the names of the packages, and why something could not be read."""
    found = read_file(sbom_document.DETECTOR, File(path, body)).facts
    packages = [fact.name for fact in found if isinstance(fact, Package)]
    return packages, [fact.reason for fact in found if isinstance(fact, Unread)]


def test_what_nests_too_deeply_is_unread() -> None:
    component: dict[str, object] = {"purl": "pkg:npm/inner@1"}
    for number in range(150):
        component = {"purl": f"pkg:npm/a{number}@1", "components": [component]}
    body = json.dumps({"bomFormat": "CycloneDX", "components": [component]}).encode()
    packages, unread = said(body)
    assert len(packages) == 101
    assert unread == ["components nested more than 100 deep"]


GOOD = '{"purl": "pkg:npm/good@1"}'


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        (f'{{"purl": "pkg:npm/{"a" * 1_000_000}@1"}}', "package URL too long"),
        ('{"purl": "pkg:npm/a%1b%5b31m@1"}', "package URL with a control character"),
        ('{"purl": "pkg:npm/a@1%00"}', "package URL with a control character"),
        ('{"purl": "pkg:npm/a\\u202eb@1"}', "package URL with a control character"),
        ('{"purl": "pkg:npm/%zz@1"}', "package URL with a broken escape"),
        ('{"purl": "npm/a@1"}', "not a package URL: no pkg:"),
    ],
)
def test_a_bad_component_costs_only_itself(component: str, reason: str) -> None:
    body = f'{{"bomFormat": "CycloneDX", "components": [{component}, {GOOD}]}}'
    assert said(body.encode()) == (["good"], [reason])


def test_an_escape_that_is_no_text_costs_only_itself() -> None:
    packages, unread = said(
        b'{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:npm/%ed%a0%80@1"}, {"purl": "pkg:npm/good@1"}]}'
    )
    assert packages == ["good"]
    assert len(unread) == 1


@pytest.mark.parametrize("odd", ["null", "1", "[]", "{}", "true", '""'])
@pytest.mark.parametrize(
    "frame",
    [
        '{"bomFormat": "CycloneDX", "components": %s}',
        '{"bomFormat": "CycloneDX", "components": [%s]}',
        '{"bomFormat": "CycloneDX", "components": [{"purl": %s, "licenses": %s, "supplier": %s}]}',
        '{"spdxVersion": "SPDX-2.3", "packages": %s}',
        '{"spdxVersion": "SPDX-2.3", "packages": [%s]}',
        '{"spdxVersion": "SPDX-2.3", "packages": [{"externalRefs": %s, "supplier": %s}]}',
        '{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [%s]}',
        '{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [{"externalIdentifier": [%s]}]}',
    ],
)
def test_wrong_types_are_nothing(frame: str, odd: str) -> None:
    assert said(frame.replace("%s", odd).encode()) == ([], [])


def test_of_two_equal_keys_the_last_counts_as_it_does_for_other_readers() -> None:
    body = b'{"bomFormat": "CycloneDX", "components": [], "components": [{"purl": "pkg:npm/a@1"}]}'
    assert said(body) == (["a"], [])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"bomFormat": "CycloneDX", "components": ' + b"[" * 100_000, "not JSON"),
        (b'{"bomFormat": "CycloneDX", "components": ' + b"[" * 600_000, "JSON of more than 500000 values"),
        (b'{"@context": ' + b"[" * 900 + b"]" * 900 + b"}", "not an SBOM: neither CycloneDX nor SPDX"),
        (b'{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:npm/\xff@1"}]}', "not JSON"),
    ],
)
def test_documents_that_cannot_be_read(body: bytes, reason: str) -> None:
    packages, (unread,) = said(body)
    assert packages == []
    assert unread.startswith(reason) or unread == "JSON nested too deeply"


def test_prose_is_no_licence() -> None:
    component = {
        "purl": "pkg:npm/a@1",
        "publisher": "x" * 1_000_000,
        "licenses": [{"license": {"name": "x" * 1_000_000}}, {"license": {"id": "MIT"}}],
    }
    body = json.dumps({"bomFormat": "CycloneDX", "components": [component]}).encode()
    (package,) = read_file(sbom_document.DETECTOR, File("a.cdx.json", body)).facts
    assert isinstance(package, Package)
    assert (package.licences, package.vendor) == (("MIT",), "")


def test_one_package_a_million_times() -> None:
    line = "PackageName: a\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\n"
    assert said(f"SPDXVersion: SPDX-2.3\n{line * 400_000}".encode(), "a.spdx") == (["a"], [])
