from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from conftest import GOLDEN
from hullmark.advice.removal import REMOVE
from hullmark.model.advisory import Severity
from hullmark.model.look import Look
from hullmark.model.report import Failure, Report, ReportSet
from hullmark.reports import render
from reports.sample import LINTED, LOG4J, SAMPLE, WHOLE, found
from reports.strange import ANY_TEXT, TEXTS, several, strange

SUPPRESSED = Look(suppressed=True)
PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    text: str


def unescaped(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for escape, sign in escapes:
        text = text.replace(escape, sign)
    return text


def commands(body: bytes) -> list[Command]:
    """Read a step's output as the runner does: a command begins a line, its values end at commas and at the next `::`."""
    made = []
    for line in body.decode("utf-8").splitlines():
        if "##[" in line:
            made.append(Command("old form", {}, line))
        if not line.lstrip().startswith("::"):
            continue
        head, _, text = line.lstrip()[2:].partition("::")
        name, _, values = head.partition(" ")
        pairs = [pair.partition("=") for pair in values.split(",")]
        properties = {key: unescaped(value, PROPERTY) for key, _, value in pairs}
        made.append(Command(name, properties, unescaped(text, DATA)))
    return made


def annotations(report: Report | ReportSet = SAMPLE, look: Look | None = None) -> list[Command]:
    return commands(render("github", report, look))


@pytest.mark.parametrize(
    ("name", "report", "look"),
    [("plain", WHOLE, Look()), ("suppressed", WHOLE, SUPPRESSED), ("lint", LINTED, Look())],
)
def test_pages(name: str, report: Report, look: Look, golden: Callable[[Path, bytes], None]) -> None:
    golden(GOLDEN / "reports" / "github" / f"{name}.txt", render("github", report, look))


def test_what_is_written_is_what_the_runner_reads() -> None:
    text = "100%25 of %0A [a], b: c"
    made = annotations(
        replace(SAMPLE, errors=(), findings=(found("CVE-1", LOG4J, Severity.HIGH, title=text),))
    )
    (error,) = [each for each in made if each.name == "error"]
    assert error.properties == {
        "file": "app/a.jar",
        "title": "CVE-1: org.apache.logging.log4j:log4j-core 2.14.1 (high)",
    }
    assert error.text == (
        f"org.apache.logging.log4j:log4j-core 2.14.1: {text}. Severity: high. No known fix. "
        "Layer 1, of the image's own (RUN make step1)."
    )


def test_a_line_that_is_known_is_given() -> None:
    place = replace(LOG4J.locations[0], place="line 7")
    made = annotations(replace(SAMPLE, findings=(found("CVE-1", replace(LOG4J, locations=(place,))),)))
    assert [each.properties["line"] for each in made if "line" in each.properties] == ["7"]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_nothing_of_an_image_is_a_command(text: str) -> None:
    expected = [each.name for each in annotations(strange("a"), SUPPRESSED)]
    body = render("github", strange(text), SUPPRESSED)
    assert [each.name for each in commands(body)] == expected
    assert len(body.decode("utf-8").splitlines()) == body.count(b"\n") == len(expected)
    assert len(body) < 100_000


@settings(max_examples=100)
@given(ANY_TEXT)
def test_any_text_is_no_command(text: str) -> None:
    for report, same in ((strange(text), strange("a")), (several(text), several("a"))):
        made = annotations(report, SUPPRESSED)
        assert [each.name for each in made] == [each.name for each in annotations(same, SUPPRESSED)]
        assert {key for each in made for key in each.properties} <= {
            *("file", "line", "endLine", "col", "endColumn", "title")
        }


def test_no_more_than_github_shows_and_the_rest_summed_up() -> None:
    levels = [Severity.HIGH] * 12 + [Severity.CRITICAL] * 3 + [Severity.MEDIUM] * 20 + [Severity.LOW] * 30
    many = tuple(found(f"CVE-1-{n}", LOG4J, level) for n, level in enumerate(levels))
    made = annotations(replace(SAMPLE, findings=many))
    names = [each.name for each in made]
    assert [names.count(name) for name in ("error", "warning", "notice")] == [10, 10, 10]
    assert sum("(critical)" in each.properties["title"] for each in made) == 3
    # The unread package database, the unread record and the unchecked packages stand among them.
    assert made[-1].text == (
        "registry.example/team/app:1.2: 3 critical, 12 high, 20 medium, 30 low in 9 packages; 3 suppressed; "
        "41 of these annotations are not shown: GitHub shows 10 of each kind in a step"
    )


def test_what_could_not_be_read_or_checked_is_told() -> None:
    made = {(each.name, each.properties["title"]): each.text for each in annotations()}
    assert "var/lib/rpm/Packages" in made["error", "unread"]
    assert "app/yarn.lock" in made["warning", "unread"]
    assert "no feed speaks for them" in made["warning", "not checked"]
    many = annotations(replace(SAMPLE, errors=SAMPLE.errors * 40))
    assert sum(each.properties["title"] == "unread" for each in many) == 2
    assert many[0].text.endswith("; and 30 more")


def test_a_clean_image_is_one_notice() -> None:
    clean = replace(
        SAMPLE, findings=(), suppressed=(), errors=(), packages=SAMPLE.packages[:2], coverage=replace(
            SAMPLE.coverage, dev_packages=0, skipped_files=0
        )
    )  # fmt: skip
    assert render("github", clean).decode() == (
        "::notice title=hullmark::registry.example/team/app:1.2: nothing found in 2 packages\n"
    )


def test_several_images_share_the_room_of_a_step() -> None:
    both = ReportSet(
        reports=(SAMPLE, SAMPLE), failures=(Failure("a/b:1", "no such image"),), summary=SAMPLE.summary
    )
    made = annotations(both)
    assert sum(each.name == "error" for each in made) == 10
    assert any(each.text == "a/b:1: no such image" for each in made)
    assert made[-1].text.startswith("2 images: 6 critical, 8 high")
    assert "1 not scanned" in made[-1].text


def test_suppressed_findings_are_notices_and_said_to_be() -> None:
    assert not any("CVE-2023-5363" in each.text for each in annotations())
    (made,) = [each for each in annotations(look=SUPPRESSED) if "CVE-2023-5363" in each.text]
    assert made.name == "notice"
    assert made.text.startswith("Suppressed: not_affected")


def test_a_malicious_package_is_an_error_and_to_be_removed() -> None:
    bad = found("MAL-1", LOG4J, Severity.UNKNOWN, "9.9", kind="malicious")
    (made,) = [
        each for each in annotations(replace(SAMPLE, errors=(), findings=(bad,))) if each.name == "error"
    ]
    assert REMOVE[1:] in made.text
    assert "9.9" not in made.text
