"""One flaw, one finding, where it takes several publishers to tell that two ids are of one flaw."""

import json
import zipfile
from pathlib import Path

import pytest

from hullmark.advisories.build import build
from hullmark.advisories.database import load_current
from hullmark.advisories.registry import feeds
from hullmark.model.facts import Distribution, Package
from hullmark.model.report import Report, ReportImage, Tool
from hullmark.scan.matching import Inventory, Item, report
from hullmark.scan.request import ScanRequest

AS_OF = "2026-01-31T12:00:00Z"
WOLFI = Distribution("wolfi", "20230201")
CVE, GHSA = "CVE-2024-24786", "GHSA-8r3f-844c-mc37"
"""One flaw in Go's protobuf; Wolfi's database lists both ids with each version that fixes it."""


def secdb(mirror: Path, *ids: str) -> None:
    place = mirror / "wolfi" / "security.json"
    place.parent.mkdir(parents=True)
    packages = [{"pkg": {"name": "apko", "secfixes": {"0.14-r2": list(ids)}}}]
    label = {"urlprefix": "https://packages.wolfi.dev", "reponame": "os"}
    place.write_text(json.dumps({**label, "packages": packages}))


def osv(mirror: Path, *records: dict[str, object], ecosystem: str = "Go") -> None:
    place = mirror / "osv" / ecosystem / "all.zip"
    place.parent.mkdir(parents=True)
    entry = {"package": {"ecosystem": ecosystem, "name": "google.golang.org/protobuf"}, "versions": ["1.0.0"]}
    with zipfile.ZipFile(place, "w") as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps({"affected": [entry], **record}))


def scanned(tmp_path: Path) -> Report:
    assert not build(tmp_path / "mirror", tmp_path / "db", feeds(), built=AS_OF).failed
    return matched(tmp_path)


def matched(tmp_path: Path) -> Report:
    inventory = Inventory(
        tool=Tool("hullmark", "0", {}),
        image=ReportImage(name="x", source="dir"),
        layers=(),
        items=(Item(Package("apk", "apko", "0.13-r0", source="apko"), ()),),
        errors=(),
        distribution=WOLFI,
    )
    return report(inventory, ScanRequest(reference="x", as_of=AS_OF, database=tmp_path / "db"))


def parts(found: Report) -> list[str]:
    return [part.part for part in found.database.parts]


def test_a_cve_and_the_ghsa_that_another_publisher_says_is_it(tmp_path: Path) -> None:
    secdb(tmp_path / "mirror", CVE, GHSA)
    osv(tmp_path / "mirror", {"id": "GO-2024-2611", "aliases": [CVE, GHSA]})
    osv(tmp_path / "mirror", {"id": "GHSA-aaaa-bbbb-cccc"}, ecosystem="npm")
    found = scanned(tmp_path)
    (finding,) = found.findings
    assert (finding.id, finding.aliases, finding.fixed_version) == (CVE, (GHSA,), "0.14-r2")
    assert [each.record for each in finding.evidence] == [CVE, GHSA]
    assert parts(found) == ["osv-golang", "wolfi"], "what told it is named, and what did not is not"


def test_a_ghsa_alone_has_the_cve_that_another_publisher_says_it_is(tmp_path: Path) -> None:
    secdb(tmp_path / "mirror", GHSA)
    osv(tmp_path / "mirror", {"id": GHSA, "aliases": [CVE]})
    (finding,) = scanned(tmp_path).findings
    assert (finding.id, finding.aliases) == (CVE, (GHSA,))


@pytest.mark.parametrize(
    "record",
    [
        {"id": "GO-2024-2611", "aliases": ["CVE-2020-1000"], "related": [GHSA]},
        {"id": "GO-2024-2611", "aliases": [CVE]},
        {"id": "MAL-2024-1", "aliases": [GHSA, CVE]},
        {"id": GHSA},
    ],
    ids=["related", "another id", "an attack", "no alias"],
)
def test_what_nobody_says_is_one_stays_two(tmp_path: Path, record: dict[str, object]) -> None:
    secdb(tmp_path / "mirror", CVE, GHSA)
    osv(tmp_path / "mirror", record)
    assert {finding.id for finding in scanned(tmp_path).findings} == {CVE, GHSA}


def test_of_two_cves_neither_takes_the_other(tmp_path: Path) -> None:
    secdb(tmp_path / "mirror", CVE, "CVE-2024-1000", GHSA)
    osv(tmp_path / "mirror", {"id": GHSA, "aliases": [CVE, "CVE-2024-1000"]})
    found = scanned(tmp_path).findings
    assert {finding.id: finding.aliases for finding in found} == {CVE: (GHSA,), "CVE-2024-1000": (GHSA,)}


def test_a_damaged_part_that_nothing_else_asks_for(tmp_path: Path) -> None:
    secdb(tmp_path / "mirror", CVE, GHSA)
    osv(tmp_path / "mirror", {"id": GHSA, "aliases": [CVE]})
    scanned(tmp_path)
    info = load_current(tmp_path / "db").parts["osv-golang"]
    for name in (info.file, info.records):
        (tmp_path / "db" / "parts" / name).write_bytes(b"\0" * 4096)
    assert {finding.id for finding in matched(tmp_path).findings} == {CVE, GHSA}
