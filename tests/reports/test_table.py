import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from conftest import GOLDEN
from hullmark.model.advisory import Severity
from hullmark.model.facts import Unread
from hullmark.model.look import Look
from hullmark.model.printable import columns
from hullmark.model.report import Component, Failure, Report, ReportSet
from hullmark.reports import render
from reports.sample import FINDINGS, LINTED, LOG4J, SAMPLE, WHOLE, found

PLAIN = Look(80)
SGR = re.compile(r"\x1b\[[0-9;]*m")


def page(report: Report | ReportSet = SAMPLE, look: Look = PLAIN) -> str:
    return render("table", report, look).decode()


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("plain", PLAIN),
        ("colour", Look(80, colour=True)),
        ("ascii", Look(80, unicode=False)),
        ("wide", Look(160)),
        ("suppressed", Look(100, suppressed=True)),
    ],
)
def test_pages(name: str, look: Look, golden: Callable[[Path, bytes], None]) -> None:
    golden(GOLDEN / "reports" / "table" / f"{name}.txt", render("table", WHOLE, look))


def test_a_page_of_files(golden: Callable[[Path, bytes], None]) -> None:
    golden(GOLDEN / "reports" / "table" / "lint.txt", render("table", LINTED))


def test_the_base_image_stands_where_its_worst_finding_would() -> None:
    lines = page().partition("Upgrade first\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == ["critical", "high", "high", "negligible"]
    worse = tuple(
        msgspec.structs.replace(each, severity=Severity.CRITICAL) if each.from_base else each
        for each in FINDINGS
    )
    first = (
        page(msgspec.structs.replace(SAMPLE, findings=worse)).partition("Upgrade first\n")[2].splitlines()[0]
    )
    assert "base image debian:12 to a newer build of it; 2 more of its findings have no fix yet" in first


def test_ascii_is_ascii() -> None:
    assert render("table", SAMPLE, Look(80, unicode=False)).isascii()


def test_colour_adds_nothing_but_colour() -> None:
    assert SGR.sub("", page(look=Look(80, colour=True))) == page()


@pytest.mark.parametrize("colour", [False, True])
def test_no_control_character_of_an_image_reaches_the_terminal(*, colour: bool) -> None:
    text = SGR.sub("", page(look=Look(80, colour=colour)))
    assert "evil\\x1b[2J" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_a_newline_in_a_name_starts_no_line() -> None:
    names = "clean 1.0\nevil name"
    bad = Component(id="p0", purl="pkg:npm/x@1", ecosystem="npm", name=names, version="1")
    report = msgspec.structs.replace(
        SAMPLE, packages=(bad,), findings=(found("CVE-2000-1\nevil id", bad, title="a\r\nevil title"),)
    )
    assert page(report).count("evil") == 3
    assert not any(line.startswith("evil") for line in page(report).splitlines())


def test_no_line_of_findings_is_wider_than_the_terminal() -> None:
    for width in (80, 120):
        text = page(look=Look(width))
        lines = text.partition("Findings\n")[2].partition("\n\nChecked")[0].splitlines()
        assert all(columns(line) <= width for line in lines)


def test_columns_are_aligned() -> None:
    lines = page().partition("Checked\n")[2].partition("\n\n")[0].splitlines()
    assert {line.index("package") for line in lines} == {lines[0].index("package")}
    assert len({re.split(r"  +", line.strip())[2] and line.rindex("  ") for line in lines}) == 1


def test_what_was_not_checked_is_not_counted_as_checked() -> None:
    lines = page().partition("Checked\n")[2].partition("\n\n")[0].splitlines()
    counts = {line.split()[0]: line.split()[1:4] for line in lines}
    assert counts["npm"] == ["2", "of", "3"]
    assert counts["generic"] == ["0", "of", "1"]


def test_whose_a_package_and_a_severity_is_stands_in_narrow_lines_too() -> None:
    lines = page(look=Look(60)).splitlines()
    assert any(line.startswith("libssl3 ") and "base image, layer 0" in line for line in lines)
    assert any(re.match(r"  critical +ghsa +CVE-2021-44228 ", line) for line in lines)


def test_the_upgrade_has_all_fixes() -> None:
    assert "log4j-core (maven) 2.14.1 to 2.16.0" in page()


def test_a_first_screen_says_what_was_found_and_what_was_not_checked() -> None:
    head = page().partition("Upgrade first")[0]
    assert "11 findings: 3 critical, 4 high, " in head
    assert "2 packages not checked" in head
    assert "could not be read: 1 package database, 1 record" in head
    assert "3 not shown" in head
    assert "findings:" not in page(msgspec.structs.replace(SAMPLE, findings=()))


def test_packages_of_which_no_feed_speaks_are_not_looked_for_in_the_database() -> None:
    packages = tuple(msgspec.structs.replace(each, coverage="no_feed") for each in SAMPLE.packages)
    text = page(msgspec.structs.replace(SAMPLE, packages=packages, findings=(), suppressed=()))
    assert text.endswith("none of 9 packages was checked: no feed speaks for them\n")


def test_place_without_a_known_layer() -> None:
    place = msgspec.structs.replace(LOG4J.locations[0], layer=-1)
    component = msgspec.structs.replace(LOG4J, locations=(place,))
    report = msgspec.structs.replace(SAMPLE, packages=(component,), findings=FINDINGS[:1])
    assert "layer -1" not in page(report, Look(200))


def test_the_command_that_would_fail_can_be_copied() -> None:
    assert SAMPLE.image is not None
    image = msgspec.structs.replace(SAMPLE.image, name="a; rm -rf ~")
    assert "hullmark scan 'a; rm -rf ~' --fail-on critical" in page(
        msgspec.structs.replace(SAMPLE, image=image)
    )
    for source, shown in (
        ("podman", "podman:app:1"),
        ("docker-daemon", "docker:app:1"),
        ("registry", "app:1"),
    ):
        store = msgspec.structs.replace(image, name="app:1", source=source)
        text = page(msgspec.structs.replace(SAMPLE, image=store))
        assert text.endswith(f"This would fail: hullmark scan {shown} --fail-on critical\n")
    sbom = msgspec.structs.replace(image, source="sbom")
    assert page(msgspec.structs.replace(SAMPLE, image=sbom)).endswith(
        "With --fail-on critical this would fail\n"
    )


def test_nothing_found_is_not_said_lightly() -> None:
    clean = msgspec.structs.replace(SAMPLE, findings=())
    assert page(clean).endswith("nothing else found in 9 packages, but not all of it could be checked\n")
    alone = msgspec.structs.replace(clean, suppressed=())
    assert page(alone).endswith("nothing found in 9 packages, but not all of it could be checked\n")
    whole = msgspec.structs.replace(alone, incomplete=False)
    assert page(whole).endswith("nothing found in 9 packages\n")


def test_nothing_checked_is_not_nothing_found() -> None:
    unknown = tuple(
        msgspec.structs.replace(component, coverage="feed_missing") for component in SAMPLE.packages
    )
    report = msgspec.structs.replace(SAMPLE, findings=(), suppressed=(), packages=unknown)
    said = "none of 9 packages was checked: hullmark db status shows what the database has\n"
    assert page(report).endswith(said)
    assert "nothing found" not in page(report)
    assert page(msgspec.structs.replace(report, packages=(), incomplete=False)).endswith(
        "nothing found in 0 packages\n"
    )


def test_what_could_not_be_asked_is_said() -> None:
    enough = msgspec.structs.replace(SAMPLE.coverage.ecosystems[0], missing=("ghsa-npm",))
    coverage = msgspec.structs.replace(SAMPLE.coverage, ecosystems=(enough,))
    text = page(msgspec.structs.replace(SAMPLE, coverage=coverage))
    assert "not in the database: ghsa-npm" not in text
    entry = msgspec.structs.replace(enough, states={"feed_missing": 2})
    for release, said in (("matched", False), ("no_feed", True), ("feed_missing", True)):
        coverage = msgspec.structs.replace(SAMPLE.coverage, ecosystems=(entry,), release=release)
        text = page(msgspec.structs.replace(SAMPLE, coverage=coverage))
        assert "not in the database: ghsa-npm" in text
        assert ("past its end of life" in text.partition("Checked")[2]) is said


def test_a_layer_without_a_digest_is_named_once() -> None:
    errors = (
        Unread("layer", "truncated", layer="layer 2"),
        Unread("file", "no jar", path="a.jar", layer="layer 0"),
    )
    text = page(msgspec.structs.replace(SAMPLE, errors=errors))
    assert "\n  layer 2: truncated\n  file layer 0 a.jar: no jar\n" in text


def test_a_layer_with_several_faults_is_one_layer() -> None:
    wrong = [Unread(kind="layer", layer="layer 0", reason=reason) for reason in ("too short", "other digest")]
    text = page(
        msgspec.structs.replace(SAMPLE, errors=(*wrong, Unread(kind="layer", layer="layer 1", reason="gone")))
    )
    assert "incomplete: could not be read: 2 layers\n" in text
    assert "layer 0: too short\n  layer 0: other digest\n" in text


def test_how_much_was_checked_is_never_cut() -> None:
    entry = msgspec.structs.replace(
        SAMPLE.coverage.ecosystems[0], packages=1_234_567, states={"matched": 1_234_567}
    )
    coverage = msgspec.structs.replace(SAMPLE.coverage, ecosystems=(entry,))
    text = page(msgspec.structs.replace(SAMPLE, coverage=coverage))
    assert "1,234,567 of 1,234,567 packages" in text


def test_several() -> None:
    both = ReportSet(
        reports=(SAMPLE, SAMPLE), failures=(Failure("x\x1b", "not there"),), summary=SAMPLE.summary
    )
    lines = page(both).splitlines()
    assert lines[-2] == "x\\x1b: not scanned: not there"
    assert lines[-1].startswith("2 images scanned, 1 failed: 9 packages, 3 critical")
