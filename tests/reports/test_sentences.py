import pytest
from msgspec.structs import replace

from hullmark.model.advisory import Severity
from hullmark.reports import _sentences as say
from reports.sample import FINDINGS, LOG4J, SAMPLE, found


def test_a_text_is_one_line_of_bounded_length() -> None:
    assert say.plain(" a\r\n\t b\u2028c ") == "a b c"
    assert say.plain("a" * 10, 10) == "a" * 10
    assert say.plain("a" * 11, 10) == "a" * 9 + "…"
    assert len(say.plain("\x1b" * 1_000_000)) == say.LINE
    assert say.plain("a" + " " * 10_000 + "b", 10) == "a…"


def test_a_path_never_leaves_the_image() -> None:
    assert say.inner("/a/../../b/./c//d") == "a/b/c/d"
    assert say.inner("..") == ""
    assert say.inner("a/..b/...") == "a/..b/..."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fixed_version": "2"}, "Fixed in 2"),
        ({"state": "will_not_fix"}, "Will not be fixed"),
        ({"fix_is_malicious": True}, "The version that would fix it is malicious: do not upgrade to it"),
        ({"kind": "end_of_life"}, "Upgrade the release"),
        ({"kind": "end_of_life", "fixed_version": "debian-13"}, "Upgrade to release debian-13"),
    ],
)
def test_what_to_do(changes: dict[str, object], words: str) -> None:
    assert say.fix(replace(found("CVE-1", LOG4J), **changes)) == words


def test_what_is_wrong() -> None:
    log4j = "org.apache.logging.log4j:log4j-core 2.14.1"
    assert say.problem(found("CVE-1", LOG4J, title="It is open")) == f"{log4j}: It is open"
    assert say.problem(found("CVE-1", LOG4J)) == f"{log4j} has CVE-1"
    told = say.problem(found("CVE-1", LOG4J, details="word " * 1000))
    assert told.startswith(f"{log4j} has CVE-1: word word")
    assert len(told) < 300


def test_levels() -> None:
    levels = {level: say.level_of(found("CVE-1", LOG4J, level)) for level in Severity}
    assert levels == {
        "critical": "error",
        "high": "error",
        "medium": "warning",
        "low": "note",
        "negligible": "note",
        "unknown": "warning",
    }
    assert say.level_of(found("MAL-1", LOG4J, Severity.LOW, kind="malicious")) == "error"


def test_a_scan_that_looked_for_no_vulnerabilities_says_so() -> None:
    coverage = replace(SAMPLE.coverage, scanners=())
    texts = [note.text for note in say.notes(replace(SAMPLE, coverage=coverage, findings=()))]
    assert "no vulnerabilities were looked for" in texts
    assert not any("no feed" in text for text in texts)


def test_packages_that_were_not_asked_for_are_not_missed() -> None:
    coverage = replace(SAMPLE.coverage, pkg_types=("os",), release="feed_missing", dev_unchecked=2)
    texts = [note.text for note in say.notes(replace(SAMPLE, coverage=coverage))]
    assert not any("no feed speaks" in text for text in texts)
    assert any("no end-of-life dates" in text for text in texts)
    assert any("2 not checked for malicious ones" in text for text in texts)


def test_stale_and_ended_are_said() -> None:
    packages = tuple(
        replace(each, coverage=state)
        for each, state in zip(SAMPLE.packages, ("feed_stale", "release_eol"), strict=False)
    )
    texts = [note.text for note in say.notes(replace(SAMPLE, packages=packages))]
    assert "1 package (deb): checked against stale advisories" in texts
    assert (
        "1 package (deb): checked, but the release is past its end of life, and later flaws are in no advisory"
        in texts
    )


def test_bounded_notes_are_the_worst_and_count_the_rest() -> None:
    made = say.bounded([say.Note("unread", level, level) for level in ("note", "warning", "error") * 4], 6)
    assert [note.level for note in made] == ["error"] * 4 + ["warning"] * 2
    assert made[-1].text == "and 7 more like these, all in the JSON report"


def test_findings_come_worst_first() -> None:
    turned = replace(SAMPLE, findings=FINDINGS[::-1])
    assert [finding.id for finding, _ in say.shown(turned, suppressed=False)][:2] == [
        "MAL-2024-1",
        "CVE-2021-44228",
    ]
