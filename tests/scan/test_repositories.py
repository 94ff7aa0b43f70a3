"""Which product of Red Hat's a package is from, by the repositories that the image names."""

import json
from pathlib import Path

import pytest

from conftest import GOLDEN
from e2e import program
from e2e.program import layer, write_layout
from hullmark.advisories.build import build
from hullmark.advisories.database import load_current
from hullmark.advisories.feed import Record
from hullmark.advisories.feeds import repositories
from hullmark.model.advisory import Affected, Range
from hullmark.model.report import Report
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from toys.feed import advisory, feed
from toys.publisher import publishing

AS_OF = "2026-01-31T12:00:00Z"
MAPPING = GOLDEN / "feeds/repositories/mapping"
OCP, EUS = "rhocp-4.16-for-rhel-9-x86_64-rpms", "rhel-9-for-x86_64-appstream-eus-rpms__9_DOT_2"
BASE = "rhel-9-for-aarch64-baseos-rpms"


def said(name: str, package: str, cpe: str = "", fixed: str = "") -> Record:
    statement = Affected(
        ecosystem="rpm",
        name=package,
        release="rhel-9",
        ranges=(Range(fixed=fixed),),
        cpes=(f"cpe:/a:redhat:{cpe}",) if cpe else (),
    )
    return advisory(name, statement)


def image(folder: Path, *packages: tuple[str, str], sets: tuple[str, ...]) -> None:
    lines = [
        f"{name}\t{version}\t0\t0\tRed Hat, Inc.\t(none)\t1\tx86_64\t0\t{name}-{version}.src.rpm\n"
        for name, version in packages
    ]
    files = {
        "etc/os-release": b'ID="rhel"\nVERSION_ID="9.2"\n',
        "var/lib/rpmmanifest/container-manifest-2": "".join(lines).encode(),
    }
    if sets:
        manifest = json.dumps({"content_sets": list(sets)}).encode()
        files["root/buildinfo/content_manifests/app-1-1.json"] = manifest
    write_layout(folder / "image", [layer(files)])


def scan(folder: Path, *records: Record, mapping: bool = True) -> Report:
    (folder / "mirror").mkdir()
    build(folder / "mirror", folder / "db", [feed(*records, name="redhat")], built=AS_OF)
    if mapping:
        build(MAPPING, folder / "db", [repositories.FEED], built=AS_OF)
    return run(ScanRequest(reference=str(folder / "image"), as_of=AS_OF, database=folder / "db"))


def found(report: Report) -> dict[str, tuple[str, str]]:
    return {finding.id: (finding.state, finding.fixed_version) for finding in report.findings}


PRODUCTS = (
    said("CVE-2025-0001", "openshift-clients", "openshift:4.15::el9", "4.15.9-1.el9"),
    said("CVE-2025-0002", "openshift-clients", "openshift:4.16::el9", "4.16.9-1.el9"),
    said("CVE-2025-0003", "openshift-clients", "openshift:4"),
)


def test_a_layered_products_package_is_asked_of_that_product(tmp_path: Path) -> None:
    image(tmp_path, ("openshift-clients", "4.15.1-1.el9"), sets=(OCP, BASE))
    report = scan(tmp_path, *PRODUCTS)
    assert found(report) == {
        "CVE-2025-0002": ("fixed_available", "4.16.9-1.el9"),
        "CVE-2025-0003": ("affected", ""),
    }
    evidence = [each.note for finding in report.findings for each in finding.evidence]
    assert evidence == ["said of redhat:openshift:4.16", "said of redhat:openshift:4"]
    assert "repositories" in {part.part for part in report.database.parts}


@pytest.mark.parametrize(
    ("sets", "mapping"), [((), True), ((OCP,), False), (("of nobody",), True), ((BASE,), True)]
)
def test_where_the_product_is_not_known_it_is_undecided(
    tmp_path: Path, sets: tuple[str, ...], *, mapping: bool
) -> None:
    image(tmp_path, ("openshift-clients", "4.15.1-1.el9"), sets=sets)
    report = scan(tmp_path, *PRODUCTS, mapping=mapping)
    assert {state for state, _ in found(report).values()} == {"undecided"}
    assert len(found(report)) == 3


PODMAN = (
    said("CVE-2025-0004", "podman", "", "4.9.0-1.el9"),
    said("CVE-2025-0005", "podman", "openshift:4.16::el9", "4.4.2-1.rhaos4.16.el9"),
)


def test_a_package_of_both_is_told_by_its_build(tmp_path: Path) -> None:
    image(tmp_path, ("podman", "4.4.1-1.rhaos4.16.el9"), sets=(OCP, BASE))
    assert found(scan(tmp_path, *PODMAN)) == {"CVE-2025-0005": ("fixed_available", "4.4.2-1.rhaos4.16.el9")}


def test_rhels_own_build_is_none_of_the_product(tmp_path: Path) -> None:
    image(tmp_path, ("podman", "4.4.1-3.el9"), sets=(OCP, BASE))
    assert found(scan(tmp_path, *PODMAN)) == {"CVE-2025-0004": ("fixed_available", "4.9.0-1.el9")}


CURL = advisory(
    "CVE-2025-0006",
    *(
        Affected(ecosystem="rpm", name="curl", release="rhel-9", ranges=(Range(fixed=fixed),), cpes=cpes)
        for fixed, cpes in (
            ("7.76.1-29.el9_4", ()),
            ("7.76.1-23.el9_2.4", ("cpe:/a:redhat:rhel_eus:9.2::appstream",)),
        )
    ),
)


@pytest.mark.parametrize(("sets", "fixed"), [(BASE, "7.76.1-29.el9_4"), (EUS, "7.76.1-23.el9_2.4")])
def test_the_fix_is_the_one_of_the_stream_that_the_image_is_of(tmp_path: Path, sets: str, fixed: str) -> None:
    image(tmp_path, ("curl", "7.76.1-23.el9_2.1"), sets=(sets,))
    assert found(scan(tmp_path, CURL)) == {"CVE-2025-0006": ("fixed_available", fixed)}


def test_a_scan_fetches_the_list_only_for_an_image_that_names_repositories(tmp_path: Path) -> None:
    with publishing(tmp_path / "published") as server:
        name = "redhat-repositories/repository-to-cpe.json"
        server.put(name, (MAPPING / name).read_bytes())
        for sets in ((OCP,), ()):
            image(tmp_path, ("curl", "7.76.1-23.el9"), sets=sets)
            cache = tmp_path / f"cache{len(sets)}"
            program.run(
                cache, "scan", f"oci:{tmp_path / 'image'}", "--format", "json", HULLMARK_DB_MIRROR=server.url
            )
            assert server.count(name) == 1, sets
            assert ("repositories" in load_current(cache / "db").parts) == bool(sets)
