"""What differs between two reports: nothing between a report and itself, the same either way round, and never more than is known."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.findings.diff import diff, only_new
from hullmark.findings.pairing import paired
from hullmark.findings.sameness import flaw_of
from hullmark.model.advisory import KnownExploited, Severity
from hullmark.model.diff import Diff, FindingChange, PackageChange
from hullmark.model.facts import Distribution, Unread, UnreadKind
from hullmark.model.image import Layer, Platform
from hullmark.model.report import (
    Component,
    Coverage,
    DatabasePart,
    EcosystemCoverage,
    Finding,
    Location,
    Report,
    ReportDatabase,
    ReportImage,
    Summary,
    Suppressed,
    Tool,
)

DIGESTS = tuple(f"sha256:{letter * 64}" for letter in "abcde")


def package(
    name: str, version: str, *, layer: str = DIGESTS[0], path: str = "app/lock", **more: Any
) -> Component:
    ecosystem = more.pop("ecosystem", "npm")
    return Component(
        **{
            "id": f"{name}@{version}@{path}",
            "purl": f"pkg:{ecosystem}/{name}@{version}",
            "ecosystem": ecosystem,
            "name": name,
            "version": version,
            "locations": (Location(path, 0, layer_digest=layer),),
            **more,
        }
    )


def flaw(name: str, of: Component, severity: Severity = Severity.HIGH, **more: Any) -> Finding:
    return Finding(
        id=name,
        component=of.id,
        purl=of.purl,
        name=of.name,
        version=of.version,
        severity=severity,
        locations=of.locations,
        from_base=of.from_base,
        **more,
    )


def report(packages: Sequence[Component] = (), findings: Sequence[Finding] = (), **more: Any) -> Report:
    layers = more.pop("layers", DIGESTS[:1])
    return Report(
        **{
            "tool": Tool("hullmark", "1", {"npm": 1}),
            "as_of": "2026-01-31T12:00:00Z",
            "database": ReportDatabase((DatabasePart("osv-npm", "osv", "a.1"),)),
            "image": ReportImage(name="app", source="registry", platform=Platform("linux", "amd64")),
            "layers": tuple(
                Layer(index=index, digest=digest, size_bytes=10) for index, digest in enumerate(layers)
            ),
            "coverage": Coverage(scanners=("vuln",)),
            "summary": Summary(packages=len(packages)),
            "packages": tuple(packages),
            "findings": tuple(findings),
            **more,
        }
    )


def only(before: Report, after: Report) -> PackageChange:
    (change,) = diff(before, after).packages
    return change


def only_flaw(before: Report, after: Report) -> FindingChange:
    (change,) = diff(before, after).findings
    return change


# ── properties ──────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def reports(draw: st.DrawFn) -> Report:
    count = draw(st.integers(0, 6))
    packages = [
        package(
            draw(st.sampled_from("xy")),
            draw(st.sampled_from(["1.0.0", "1.5.0", "2.0.0", "2.1.0", "10.0.0", "none", ""])),
            layer=draw(st.sampled_from([*DIGESTS, ""])),
            path=draw(st.sampled_from(["app/lock", "a/package.json", "b/package.json"])),
            id=f"p{number}",
            ecosystem=draw(st.sampled_from(["npm", "deb"])),
            arch=draw(st.sampled_from(["", "amd64", "arm64"])),
            licences=draw(st.sampled_from([(), ("MIT",), ("MIT", "GPL-2.0")])),
            from_base=draw(st.sampled_from([None, True, False])),
            coverage=draw(st.sampled_from(["matched", "no_feed", None])),
        )
        for number in range(count)
    ]
    findings = [
        flaw(
            draw(st.sampled_from(["CVE-1", "CVE-2", "GHSA-1"])),
            draw(st.sampled_from(packages)),
            draw(st.sampled_from(Severity)),
            aliases=draw(st.sampled_from([(), ("GHSA-1",), ("CVE-1", "GHSA-1")])),
            fixed_version=draw(st.sampled_from(["", "3.0.0"])),
            state=draw(st.sampled_from(["affected", "fixed_available"])),
        )
        for _ in range(draw(st.integers(0, 6)) if packages else 0)
    ]
    cut = draw(st.integers(0, len(findings)))
    errors = st.builds(
        Unread,
        st.sampled_from(["layer", "package_database", "file", "record"]),
        st.just("broken"),
        st.sampled_from(["", "app/lock"]),
    )
    return report(
        packages,
        findings[:cut],
        suppressed=tuple(Suppressed("--fixable-only", finding) for finding in findings[cut:]),
        layers=draw(st.lists(st.sampled_from([*DIGESTS, ""]), max_size=4)),
        errors=tuple(draw(st.lists(errors, max_size=2))),
        image=ReportImage(
            name="app",
            source="registry",
            platform=Platform("linux", draw(st.sampled_from(["amd64", "arm64"]))),
        ),
        database=ReportDatabase((DatabasePart("osv-npm", "osv", draw(st.sampled_from(["a.1", "a.2"]))),)),
    )


@given(reports())
def test_nothing_differs_between_a_report_and_itself(one: Report) -> None:
    found = diff(one, one)
    named = [layer for layer in one.layers if layer.digest]
    assert (found.packages, found.findings, found.database) == ((), (), ())
    assert found.layers.common == len(named)
    assert only_new(one, found).findings == ()
    assert {caveat.kind for caveat in found.caveats} <= {"unread", "not_checked"}


SWAPPED = {
    "new": "gone",
    "gone": "new",
    "up": "down",
    "down": "up",
    "before": "after",
    "after": "before",
}


def mirrored(found: Diff) -> Any:
    def turned(change: Any) -> Any:
        words = change.unsure.replace("first", "1").replace("second", "first").replace("1", "second")
        more = (
            {"direction": SWAPPED.get(change.direction, change.direction), "arch": ""}
            if isinstance(change, PackageChange)
            else {"id": "", "title": "", "kind": ""}  # those of the latest
        )
        return msgspec.structs.replace(
            change,
            change=SWAPPED.get(change.change, change.change),
            before=change.after,
            after=change.before,
            unsure=words,
            **more,
        )

    return {
        "sides": (found.after, found.before),
        "caveats": {(c.kind, SWAPPED.get(c.side, c.side), frozenset(c.names)) for c in found.caveats},
        "database": [(part.part, part.after, part.before) for part in found.database],
        "layers": (found.layers.common, found.layers.gone, found.layers.new),
        "packages": sorted(map(repr, map(turned, found.packages))),
        "findings": sorted(map(repr, map(turned, found.findings))),
    }


def plain(found: Diff) -> Any:
    nameless = [msgspec.structs.replace(c, id="", title="", kind="") for c in found.findings]
    return {
        "sides": (found.before, found.after),
        "caveats": {(c.kind, c.side, frozenset(c.names)) for c in found.caveats},
        "database": [(part.part, part.before, part.after) for part in found.database],
        "layers": (found.layers.common, found.layers.new, found.layers.gone),
        "packages": sorted(repr(msgspec.structs.replace(c, arch="")) for c in found.packages),
        "findings": sorted(map(repr, nameless)),
    }


@given(reports(), reports())
def test_the_other_way_round_it_is_the_mirror(one: Report, other: Report) -> None:
    assert mirrored(diff(one, other)) == plain(diff(other, one))


@given(reports(), reports())
def test_the_counts_add_up(one: Report, other: Report) -> None:
    found = diff(one, other)
    counts = found.summary.packages
    assert counts["gone"] + counts["changed"] + counts["unchanged"] == len(one.packages)
    assert counts["new"] + counts["changed"] + counts["unchanged"] == len(other.packages)
    assert len(found.packages) == counts["new"] + counts["gone"] + counts["changed"]
    assert sum(found.summary.versions.values()) == sum("version" in each.aspects for each in found.packages)
    layers = found.layers
    assert layers.common + len(layers.gone) == len(one.layers)
    assert layers.common + len(layers.new) == len(other.layers)
    shown = [each for each in found.findings if each.is_shown]
    for change in ("new", "gone", "changed"):
        assert found.summary.findings[change] == sum(each.change == change for each in shown)
    flaws = {flaw_of(finding) for finding in one.findings}
    assert found.summary.findings["gone"] <= len(flaws)
    assert sum(found.summary.new_by_severity.values()) == found.summary.findings["new"]
    assert sum(found.summary.gone_by_severity.values()) == found.summary.findings["gone"]


@given(reports(), reports())
def test_what_a_gate_counts_is_what_is_called_new(one: Report, other: Report) -> None:
    found = diff(one, other)
    new = {(each.id, each.package) for each in found.findings if each.change == "new" and each.is_shown}
    assert {flaw_of(finding) for finding in only_new(other, found).findings} == new
    assert not new & {flaw_of(finding) for finding in one.findings}


@given(reports(), reports())
def test_it_survives_json(one: Report, other: Report) -> None:
    found = diff(one, other)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Diff) == found


# ── packages ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ecosystem", "old", "now", "said"),
    [
        ("npm", "1.9.0", "1.10.0", "up"),
        ("npm", "2.0.0", "2.0.0-rc.1", "down"),
        ("deb", "1:1.0-1", "2.0-1", "down"),
        ("deb", "1.0~rc1-1", "1.0-1", "up"),
        ("unheard-of", "1", "2", "unordered"),
        ("npm", "1.0.0", "?", "unordered"),
    ],
)
def test_a_version_goes_up_or_down_by_its_ecosystems_order(
    ecosystem: str, old: str, now: str, said: str
) -> None:
    change = only(
        report([package("x", old, ecosystem=ecosystem)]), report([package("x", now, ecosystem=ecosystem)])
    )
    assert (change.change, change.aspects, change.direction) == ("changed", ("version",), said)


def versions(
    before: Sequence[Component], after: Sequence[Component]
) -> tuple[set[tuple[str, str]], list[str], list[str]]:
    found = paired(before, after)
    return (
        {(old.version, now.version) for old, now in found.both},
        [c.version for c in found.gone],
        [c.version for c in found.new],
    )


@pytest.mark.parametrize(
    ("before", "after", "pairs", "gone", "new"),
    [
        ("1.0.0 2.0.0", "1.0.0 2.1.0", "1.0.0-1.0.0 2.0.0-2.1.0", "", ""),
        ("1.0.0 2.0.0", "1.1.0 2.1.0", "1.0.0-1.1.0 2.0.0-2.1.0", "", ""),
        ("1.0.0 2.0.0", "2.1.0", "2.0.0-2.1.0", "1.0.0", ""),
        ("1.0.0", "1.1.0 2.0.0", "1.0.0-1.1.0", "", "2.0.0"),
        ("1.0.0 9.0.0", "10.0.0", "9.0.0-10.0.0", "1.0.0", ""),
        ("1.0.0 2.0.0 3.0.0", "2.0.0", "2.0.0-2.0.0", "1.0.0 3.0.0", ""),
        ("1.0.0 4.0.0", "1.1.0 2.0.0 4.1.0", "1.0.0-1.1.0 4.0.0-4.1.0", "", "2.0.0"),
        ("1.2.0 2.9.0", "1.3.0", "1.2.0-1.3.0", "2.9.0", ""),
        ("2.9.0", "1.0.0 3.0.0", "2.9.0-3.0.0", "", "1.0.0"),
        ("1.0.0 1.1.0 1.2.0", "5.0.0", "1.2.0-5.0.0", "1.0.0 1.1.0", ""),
    ],
)
def test_versions_side_by_side_meet_their_neighbours(
    before: str, after: str, pairs: str, gone: str, new: str
) -> None:
    found = versions(*([package("x", version) for version in text.split()] for text in (before, after)))
    assert found == ({tuple(pair.split("-")) for pair in pairs.split()}, gone.split(), new.split())


def test_the_same_file_tells_more_than_the_order() -> None:
    before = [package("x", "1.0.0", path="a/package.json"), package("x", "2.0.0", path="b/package.json")]
    after = [package("x", "3.0.0", path="a/package.json"), package("x", "2.1.0", path="b/package.json")]
    assert versions(before, after)[0] == {("1.0.0", "3.0.0"), ("2.0.0", "2.1.0")}


def test_thousands_of_versions_of_one_package_take_no_time() -> None:
    before = [package("x", f"1.{number}.0") for number in range(3000)]
    after = [package("x", f"1.{number}.1") for number in range(2999)]
    pairs, gone, new = versions(before, after)
    assert (len(pairs), len(gone), len(new)) == (2999, 1, 0)


def test_a_package_moves_when_a_layer_that_both_have_loses_or_gets_it() -> None:
    old = report([package("x", "1.0.0", layer=DIGESTS[0])], layers=DIGESTS[:2])
    moved = report([package("x", "1.0.0", layer=DIGESTS[1])], layers=DIGESTS[:2])
    assert only(old, moved).aspects == ("layer",)
    rebuilt = report([package("x", "1.0.0", layer=DIGESTS[2])], layers=DIGESTS[2:4])
    assert diff(old, rebuilt).packages == ()


def test_base_licences_and_places() -> None:
    old = package("x", "1.0.0", from_base=True, licences=("MIT", "ISC"))
    assert only(
        report([old]), report([package("x", "1.0.0", from_base=False, licences=("ISC", "MIT"))])
    ).aspects == ("base",)
    assert only(
        report([old]), report([package("x", "1.0.0", from_base=True, licences=("MIT",))])
    ).aspects == ("licences",)
    other = package("x", "1.0.0", from_base=True, licences=("MIT", "ISC"), path="b/lock")
    assert only(report([old]), report([other])).aspects == ("places",)


def test_between_platforms_packages_are_the_same_whatever_their_architecture() -> None:
    arm = ReportImage(name="app", source="registry", platform=Platform("linux", "arm64"))
    one = report([package("x", "1.0", arch="amd64", ecosystem="deb")])
    other = report([package("x", "1.0", arch="arm64", ecosystem="deb")], image=arm)
    found = diff(one, other)
    assert found.packages == ()
    assert [(caveat.kind, caveat.names) for caveat in found.caveats] == [
        ("platform", ("linux/amd64", "linux/arm64"))
    ]


# ── findings ────────────────────────────────────────────────────────────────────────────────────────────

OLD, NEW, OTHER = package("x", "1.0.0"), package("x", "1.1.0"), package("y", "1.0.0")


def test_why_a_flaw_is_new_or_gone() -> None:
    has = report([OLD, OTHER], [flaw("CVE-1", OLD)])
    for without, why in (
        (report([OTHER]), "package"),
        (report([NEW, OTHER]), "version"),
        (report([OLD, OTHER]), "advisories"),
    ):
        gone, new = only_flaw(has, without), only_flaw(without, has)
        assert (gone.change, gone.why, gone.unsure) == ("gone", why, "")
        assert (new.change, new.why, new.unsure) == ("new", why, "")


def test_a_flaw_that_an_upgrade_left_is_not_new() -> None:
    before, after = report([OLD], [flaw("CVE-1", OLD)]), report([NEW], [flaw("CVE-1", NEW)])
    change = only_flaw(before, after)
    assert (change.change, change.aspects) == ("unchanged", ("version",))
    assert change.before is not None
    assert change.after is not None
    assert (change.before.versions, change.after.versions) == (("1.0.0",), ("1.1.0",))
    assert only_new(after, diff(before, after)).findings == ()


def test_a_second_version_with_the_same_flaw_is_no_new_flaw() -> None:
    before = report([OLD], [flaw("CVE-1", OLD)])
    after = report([OLD, NEW], [flaw("CVE-1", OLD), flaw("CVE-1", NEW)])
    change = only_flaw(before, after)
    assert change.change == "unchanged"
    assert change.latest.versions == ("1.0.0", "1.1.0")


@pytest.mark.parametrize(
    ("more", "aspect"),
    [
        ({"severity": Severity.CRITICAL}, "severity"),
        ({"state": "will_not_fix"}, "state"),
        ({"fixed_version": "2.0.0"}, "fixed_version"),
        ({"kev": KnownExploited("CVE-1")}, "exploited"),
    ],
)
def test_what_is_otherwise_in_a_flaw(more: dict[str, Any], aspect: str) -> None:
    old = flaw("CVE-1", OLD)
    now = msgspec.structs.replace(old, **more)
    change = only_flaw(report([OLD], [old]), report([OLD], [now]))
    assert (change.change, change.aspects) == ("changed", (aspect,))


def test_suppressed_now_is_not_gone_and_suppressed_no_more_is_not_new() -> None:
    shown = report([OLD], [flaw("CVE-1", OLD)])
    hidden = report([OLD], suppressed=(Suppressed("not_affected: never called", flaw("CVE-1", OLD)),))
    for before, after in ((shown, hidden), (hidden, shown)):
        found = diff(before, after)
        assert [(each.change, each.aspects) for each in found.findings] == [("changed", ("suppressed",))]
        assert only_new(after, found).findings == ()
    found = diff(report([OLD]), hidden)
    assert [(each.change, each.is_shown) for each in found.findings] == [("new", False)]
    assert (found.summary.findings["new"], found.summary.suppressed) == (0, 1)


def test_a_flaw_that_got_its_cve_meanwhile_is_the_same() -> None:
    before = report([OLD], [flaw("GHSA-1", OLD)])
    after = report([OLD], [flaw("CVE-1", OLD, aliases=("GHSA-1",))])
    for one, other in ((before, after), (after, before)):
        found = diff(one, other)
        assert found.findings == ()
        assert found.summary.findings["unchanged"] == 1
    third = report([OLD], [flaw("CVE-2", OLD, aliases=("GHSA-1",))])
    assert {each.change for each in diff(after, third).findings} == {"new", "gone"}


# ── what is not certain ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "path", "of", "unsure"),
    [
        ("layer", "", OLD, True),
        ("file", "app/lock", OLD, True),
        ("record", "app/lock", OLD, True),
        ("record", "", OLD, True),
        ("file", "app/other", OLD, False),
        ("package_database", "var/lib/rpm/Packages", package("z", "1", ecosystem="rpm", path="p"), True),
        ("package_database", "var/lib/rpm/Packages", OLD, False),
    ],
)
def test_what_was_not_read_is_not_gone(kind: UnreadKind, path: str, of: Component, *, unsure: bool) -> None:
    has = report([of], [flaw("CVE-1", of)])
    broken = report(errors=(Unread(kind, "broken", path),))
    for before, after in ((has, broken), (broken, has)):
        found = diff(before, after)
        assert [bool(each.unsure) for each in found.packages] == [unsure]
        assert [bool(each.unsure) for each in found.findings] == [unsure]
        assert found.summary.unsure == 2 * unsure
        assert [caveat.kind for caveat in found.caveats] == ["unread"]


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_what_was_not_checked_is_not_gone(version: str) -> None:
    has = report([OLD], [flaw("CVE-1", OLD)])
    change = only_flaw(has, report([package("x", version, coverage="feed_missing")]))
    assert change.unsure == "the package was not checked in the second (feed_missing)"


def test_an_end_of_life_that_was_not_looked_up_is_not_gone() -> None:
    release = ReportImage(name="app", source="registry", distribution=Distribution("debian", "10"))
    ended = Finding(
        id="EOL-debian-10", kind="end_of_life", component="", purl="", name="debian", version="10"
    )
    has = report((), [ended], image=release, coverage=Coverage(scanners=("vuln",), release="matched"))
    matched = Coverage(scanners=("vuln",), release="matched")
    for coverage, unsure in (
        (matched, False),
        (msgspec.structs.replace(matched, release="feed_missing"), True),
    ):
        other = report(image=release, coverage=coverage)
        change = only_flaw(has, other)
        assert (change.why, bool(change.unsure)) == ("advisories", unsure)


def test_other_advisories_are_said_by_part() -> None:
    parts = (DatabasePart("osv-npm", "osv", "a.2"), DatabasePart("debian-12", "debian", "b.1"))
    other = report(database=ReportDatabase(parts))
    found = diff(report(), other)
    assert [(part.part, part.before, part.after) for part in found.database] == [("osv-npm", "a.1", "a.2")]
    assert [(caveat.kind, caveat.names) for caveat in found.caveats] == [("database", ("osv-npm",))]
    lacks = EcosystemCoverage("deb", 1, {"feed_missing": 1}, missing=("debian-12",))
    found = diff(report(coverage=Coverage((lacks,), scanners=("vuln",))), other)
    assert [(part.part, part.before, part.after) for part in found.database] == [
        ("debian-12", "", "b.1"),
        ("osv-npm", "a.1", "a.2"),
    ]


def test_other_detectors_scanners_filters_and_sources_are_said() -> None:
    suppressed = (Suppressed("--fixable-only", flaw("CVE-1", OLD)),)
    before = report([OLD], suppressed=suppressed, coverage=Coverage(skipped_files=3))
    after = report(
        [OLD],
        tool=Tool("hullmark", "2", {"npm": 2}),
        image=ReportImage(name="app.cdx.json", source="sbom"),
        layers=(),
    )
    said = {(caveat.kind, caveat.side): caveat.names for caveat in diff(before, after).caveats}
    assert said == {
        ("source", "after"): (),
        ("detectors", "both"): ("npm",),
        ("scanners", "both"): ("vuln",),
        ("filters", "both"): ("--fixable-only",),
        ("scanners", "before"): (),
        ("skipped", "before"): (),
    }


def test_layers_that_are_packed_otherwise_are_said() -> None:
    def layered(digest: str) -> Report:
        layers = (Layer(index=0, digest=digest, diff_id=DIGESTS[4]),)
        return msgspec.structs.replace(report(), layers=layers)

    assert [caveat.kind for caveat in diff(layered(DIGESTS[0]), layered(DIGESTS[1])).caveats] == ["layers"]
    assert diff(layered(DIGESTS[0]), layered(DIGESTS[0])).caveats == ()
