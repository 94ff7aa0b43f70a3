import subprocess
import sys
from typing import Literal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hullmark.advice.upgrades import BaseUpgrade, Upgrade, advised, plan, upgrades
from hullmark.advisories.registry import schemes
from hullmark.model.advisory import Severity
from hullmark.model.report import BaseImage, Evidence, Finding, ReportImage
from reports.sample import SAMPLE


def finding(
    fixed: str,
    severity: Severity = Severity.HIGH,
    *,
    purl: str = "pkg:npm/x@1.0.0",
    from_base: bool | None = None,
    name: str = "x",
    kind: Literal["vulnerability", "end_of_life", "malicious"] = "vulnerability",
) -> Finding:
    ecosystem = purl.removeprefix("pkg:").partition("/")[0]
    scheme = "semver" if ecosystem == "npm" else ecosystem
    return Finding(
        id="CVE-1",
        kind=kind,
        component="p0",
        purl=purl,
        name=name,
        version="1.0.0",
        severity=severity,
        fixed_version=fixed,
        from_base=from_base,
        evidence=(
            Evidence(
                feed="f", part="p", revision="1", record="r", range="*", scheme=scheme, compared="1.0.0"
            ),
        ),
    )


def test_the_highest_by_the_ecosystems_order_not_by_letters_or_by_number_of_mentions() -> None:
    (upgrade,) = upgrades([finding("1.9.0"), finding("1.9.0"), finding("1.10.0", Severity.LOW)])
    assert upgrade == Upgrade(
        ecosystem="npm",
        name="x",
        installed="1.0.0",
        to="1.10.0",
        count=3,
        worst=Severity.HIGH,
        components=("p0",),
    )


def test_each_ecosystem_has_its_own_order() -> None:
    versions = ("1.0~rc1-1", "1.0-1")
    (upgrade,) = upgrades([finding(version, purl="pkg:deb/debian/x@0.9") for version in versions])
    assert upgrade.to == "1.0-1"


def test_what_cannot_be_ordered_is_an_upgrade_of_its_own() -> None:
    found = upgrades([finding("1.2.0"), finding("1.1.0"), finding("see the vendor", Severity.LOW)])
    assert [(upgrade.to, upgrade.count) for upgrade in found] == [("1.2.0", 2), ("see the vendor", 1)]


def test_an_ecosystem_without_order_groups_equal_words_only() -> None:
    found = upgrades([finding(version, purl="pkg:unheard-of/x@1") for version in ("2", "3", "2")])
    assert [(upgrade.to, upgrade.count) for upgrade in found] == [("2", 2), ("3", 1)]


def test_without_a_fix_there_is_no_upgrade() -> None:
    assert upgrades([finding(""), finding("debian-13", kind="end_of_life")]) == []


def test_the_worst_come_first_then_the_most() -> None:
    found = upgrades(
        [
            finding("2", Severity.LOW, name="a"),
            finding("2", Severity.HIGH, name="b"),
            finding("2", Severity.HIGH, name="c"),
            finding("2", Severity.LOW, name="c"),
            finding("2", Severity.CRITICAL, name="d"),
        ]
    )
    assert [upgrade.name for upgrade in found] == ["d", "c", "b", "a"]


def test_packages_of_one_name_in_two_ecosystems_stay_apart() -> None:
    found = upgrades([finding("2"), finding("2", purl="pkg:pypi/x@1.0.0")])
    assert [upgrade.ecosystem for upgrade in found] == ["npm", "pypi"]


def test_packages_of_one_source_are_upgraded_together() -> None:
    names = ("libssl3", "openssl", "libssl-dev")
    purl = "pkg:deb/debian/{}@1.0.0?arch=amd64&upstream=openssl"
    (upgrade,) = upgrades([finding("1.0.1", purl=purl.format(name), name=name) for name in names])
    assert (upgrade.name, upgrade.packages, upgrade.count) == ("openssl", tuple(sorted(names)), 3)
    (alone,) = upgrades([finding("1.0.1", purl="pkg:deb/debian/g%2B%2B@1?upstream=g%2B%2B", name="g++")])
    assert (alone.name, alone.packages) == ("g++", ())


def test_a_newer_base_image_stands_for_all_that_comes_with_it() -> None:
    base = BaseImage("option", "debian:12", "", 1)
    found = (
        finding("2", Severity.LOW, from_base=True, name="a"),
        finding("", Severity.CRITICAL, from_base=True, name="b"),
        finding("2", from_base=False, name="c"),
        finding("debian-13", from_base=True, kind="end_of_life"),
    )
    image = ReportImage(name="app", source="dir", base=base)
    report = msgspec.structs.replace(SAMPLE, image=image, findings=found)
    made = plan(report)
    assert made.base == BaseUpgrade("debian:12", 4, 3, 2, Severity.HIGH, "debian-13")
    assert [upgrade.name for upgrade in made.upgrades] == ["c"]
    assert [(line.name, line.count) for line in advised(report)] == [("base image debian:12", 2), ("c", 1)]
    unknown = msgspec.structs.replace(report, image=ReportImage(name="app", source="dir"))
    assert plan(unknown).base is None
    assert [upgrade.name for upgrade in plan(unknown).upgrades] == ["c", "a"]
    assert [line.name for line in advised(unknown)] == ["release x", "c", "a"]


def test_base_image() -> None:
    both = upgrades([finding("2", from_base=True), finding("2", from_base=False)])
    base = upgrades([finding("2", from_base=True), finding("3", from_base=True)])
    assert [upgrade.from_base for upgrade in (*both, *base)] == [None, True]


@given(
    st.lists(st.tuples(*[st.integers(0, 30)] * 3).map(lambda parts: ".".join(map(str, parts))), min_size=1)
)
def test_the_target_has_every_fix_that_it_counts(versions: list[str]) -> None:
    key = schemes()["npm"].key
    (upgrade,) = upgrades([finding(version) for version in versions])
    assert upgrade.count == len(versions)
    assert all(key(version) <= key(upgrade.to) for version in versions)


def test_only_the_orders_that_are_needed_are_imported() -> None:
    program = """
import sys
from hullmark.advice.upgrades import upgrades
from hullmark.model.report import Evidence, Finding
evidence = Evidence(feed="f", part="p", revision="1", record="r", range="*", scheme="semver", compared="1")
group = [
    Finding(id=f"CVE-{n}", component="c", purl="pkg:npm/x@1", name="x", version="1", fixed_version=f"{n}", evidence=(evidence,))
    for n in (9, 10)
]
assert [upgrade.to for upgrade in upgrades(group)] == ["10"]
print(*sorted(name for name in sys.modules if name.startswith("hullmark.advisories.versions.")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["hullmark.advisories.versions.semver"]


def test_a_malicious_package_is_not_upgraded() -> None:
    flaw = finding("2.0.0")
    attack = finding("", Severity.CRITICAL, kind="malicious")
    assert upgrades([flaw])
    assert upgrades([flaw, attack]) == []
