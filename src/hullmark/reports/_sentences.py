"""What formats for other tools say of findings, of their places, and of what a scan could not do: one plain line each.

Every text that comes out may stand in a terminal, a log or a document: nothing in it acts, ends a line or has no end.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from hullmark.advice import action as advice
from hullmark.advice.issues import doubt, mend, silenced_said
from hullmark.advice.verdict import is_matched, is_of_files, left_out, not_checked, not_shown, unread_place
from hullmark.findings.issues import Issue, issues, silenced
from hullmark.findings.issues import subject as subject_of
from hullmark.findings.narrowing import worst_first
from hullmark.model.advisory import Severity
from hullmark.model.printable import printable
from hullmark.model.report import Finding, Location, Report, Suppressed
from hullmark.model.words import sentence

Level = Literal["error", "warning", "note"]

NAME = 200
"""The most signs of a name, a version or an id."""
LINE = 600
"""The most signs of a title or a reason."""
PATH = 1000
"""The most signs of a path: whole for every path that a person has made."""

_LEVELS: dict[Severity, Level] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.LOW: "note",
    Severity.NEGLIGIBLE: "note",
}
_GRAVE = frozenset({"layer", "package_database"})


class Note(NamedTuple):
    """Something about the scan itself: `kind` is `unread`, `not-checked`, `left-out` or `suppressed`; `path` is a file of the image."""

    kind: str
    level: Level
    text: str
    path: str = ""


def plain(text: str, most: int = LINE) -> str:
    """Give a text in one line of at most so many signs; what a terminal would act on is escaped."""
    if len(text) <= most and text.isascii() and text.isprintable():
        return text.strip()
    head = text[: 2 * most]
    line = head.strip() if head.isascii() and head.isprintable() else printable(" ".join(head.split()))
    if len(line) > most or len(text) > len(head):
        return line[: most - 1] + "…"
    return line


def image_name(report: Report) -> str:
    """Give the name of the image, else those of the files."""
    return plain(subject_of(report), PATH)


def about(report: Report) -> str:
    """Give what stands behind a message where several are reported on: of which image it is."""
    return f" Image: {image_name(report)}" if report.image is not None else ""


def shown(report: Report, *, suppressed: bool) -> list[tuple[Finding, Suppressed | None]]:
    """Give the findings worst first, and behind them those that were taken out, where these are asked for."""
    found: list[tuple[Finding, Suppressed | None]] = [
        (finding, None) for finding in sorted(report.findings, key=worst_first)
    ]
    if suppressed:
        taken = sorted(report.suppressed, key=lambda each: (worst_first(each.finding), each.reason))
        found += [(each.finding, each) for each in taken]
    return found


def level_of(finding: Finding) -> Level:
    """Give one of three levels. What nobody has judged may be anything: a warning."""
    return "error" if finding.kind == "malicious" else _LEVELS.get(finding.severity, "warning")


def subject(finding: Finding) -> str:
    """Name the package and its version."""
    return f"{plain(finding.name, NAME)} {plain(finding.version, NAME)}".strip()


def problem(finding: Finding) -> str:
    """Say what is wrong with what; a flaw without a title is told by its id and how its description begins."""
    name = plain(finding.id, NAME)
    title = plain(finding.title) or plain(finding.details, NAME)
    if finding.kind == "end_of_life":
        return title or f"{subject(finding)} is past its end of life"
    if finding.kind == "malicious":
        return f"{subject(finding)} is malicious: {title or name}"
    if finding.title:
        return f"{subject(finding)}: {title}"
    return f"{subject(finding)} has {name}: {title}" if title else f"{subject(finding)} has {name}"


def severity(finding: Finding) -> str:
    """Give the severity that counts and whose it is."""
    source = plain(finding.severity_source, NAME)
    return f"{finding.severity} ({source})" if source else str(finding.severity)


def fix(finding: Finding) -> str:
    """Say what to do, as a sentence without its full stop."""
    return plain(sentence(advice.fix(finding)))


def layer(place: Location) -> str:
    """Say which layer brought it and whose that is, as a sentence without its full stop; nothing where that is not known."""
    return _layer(place.layer, place.from_base, place.created_by)


def _layer(number: int, from_base: bool | None, created_by: str) -> str:  # noqa: FBT001  # the value itself
    if number < 0:
        return ""
    whose = {True: ", of the base image", False: ", of the image's own", None: ""}[from_base]
    made = f" ({plain(created_by, NAME)})" if created_by else ""
    return f"Layer {number}{whose}{made}"


def message(finding: Finding, taken: Suppressed | None = None) -> str:
    """Say what is wrong, how bad it is, what to do, and where it comes from."""
    words = [problem(finding), f"Severity: {severity(finding)}"]
    if finding.kev is not None:
        words.append("Known to be exploited (CISA KEV)")
    words.append(fix(finding))
    if finding.locations:
        words.append(layer(finding.locations[0]))
    if taken is not None:
        words.insert(0, f"Suppressed: {plain(taken.reason)}")
    return " ".join(f"{word.rstrip('.')}." for word in words if word)


def line_of(place: Location) -> int:
    """Give the line of the file where that is known, else 0."""
    word = place.place.removeprefix("line ")
    known = word != place.place and word.isascii() and word.isdigit() and len(word) < 10
    return int(word) if known else 0


def inner(path: str) -> str:
    """Give a path below the root of the image: no slash before it, no step upwards."""
    steps = [step for step in plain(path, PATH).split("/") if step not in {"", ".", ".."}]
    return "/".join(steps)


def main_path(report: Report, finding: Finding) -> str:
    """Give the first file that proves a finding; for a release the file that names it. Never empty."""
    place = finding.locations[0] if finding.locations else None
    if place is None and finding.kind == "end_of_life":
        place = report.image.release if report.image is not None else None
        return inner(place.path if place is not None else "") or "etc/os-release"
    return (inner(place.path) if place is not None else "") or "image"


def shown_issues(report: Report, *, suppressed: bool) -> list[tuple[Issue, str]]:
    """Give secrets and misconfigurations worst first, and behind them those that were taken out, where these are asked for, with the reason."""
    found = [(issue, "") for issue in issues(report)]
    if suppressed:
        found += [(issue, each.reason or "suppressed") for issue, each in silenced(report)]
    return found


def issue_level(issue: Issue) -> Level:
    """Give one of three levels. A secret that may be none is a warning at most."""
    level = _LEVELS.get(issue.severity, "warning")
    if issue.is_sure:
        return level
    return "note" if issue.confidence == "low" or level == "note" else "warning"


def rule(issue: Issue) -> str:
    """Give the rule's id, never empty."""
    return plain(issue.rule, NAME) or "unnamed"


def rule_title(issue: Issue) -> str:
    """Give what a rule is about, in its own words: its id."""
    return sentence(rule(issue).replace("-", " "))


def issue_problem(issue: Issue) -> str:
    """Say what is wrong, as a sentence without its full stop."""
    return _begun(plain(issue.message)) or rule_title(issue)


def issue_advice(issue: Issue) -> str:
    """Say what to do, as a sentence without its full stop; nothing where nobody has said it."""
    return _begun(plain(mend(issue)))


def _begun(words: str) -> str:
    """Begin with a capital letter, unless the first word is none: a path, a name of a program."""
    return sentence(words) if words.partition(" ")[0].isalpha() else words


def issue_message(issue: Issue, taken: str = "") -> str:
    """Say what is wrong, how bad and how certain it is, what to do, and where it comes from. `taken` is why it was taken out."""
    words = [f"Suppressed: {plain(taken)}"] if taken else []
    words += [issue_problem(issue), f"Severity: {issue.severity}", sentence(plain(doubt(issue)))]
    if issue.count > 1:
        words.append(f"In {issue.count:,} places")
    words.append(issue_advice(issue))
    if issue.source == "deleted_file":
        words.append("A later layer hides the file")
    words.append(_layer(issue.layer, issue.from_base, issue.created_by))
    return " ".join(f"{word.rstrip('.')}." for word in words if word)


def issue_path(report: Report, issue: Issue) -> str:
    """Give the file, or the field of the configuration. Never empty."""
    if report.image is None:
        return plain(issue.file, PATH).removeprefix("./") or "Dockerfile"
    return inner(issue.file) or "image"


def last(issue: Issue) -> tuple[int, int]:
    """Give the line and the column of the last sign that is part of it; 0 for what is not known, or goes to the line's end."""
    if not issue.end_line:
        return issue.line, 0
    if issue.end_column > 1:
        return issue.end_line, issue.end_column - 1
    return max(issue.end_line - (issue.end_column == 1), issue.line), 0


def notes(report: Report) -> Iterator[Note]:
    """Say what could not be read, what was not checked, what was left out on purpose, and how much was suppressed."""
    for unread in report.errors:
        level: Level = "error" if unread.kind in _GRAVE else "warning"
        words = f"could not be read: {plain(unread_place(unread), PATH)}: {plain(unread.reason)}"
        yield Note("unread", level, words, inner(unread.path))
    if is_matched(report):
        for gap in not_checked(report):
            yield Note("not-checked", "warning", plain(str(gap)))
    elif not is_of_files(report):
        yield Note("not-checked", "warning", "no vulnerabilities were looked for")
    for words in left_out(report):
        yield Note("left-out", "note", words)
    if report.suppressed:
        yield Note("suppressed", "note", plain(not_shown(report)))
    if report.silenced:
        yield Note("suppressed", "note", plain(silenced_said(report)))


def bounded(said: Iterable[Note], most: int) -> list[Note]:
    """Give so many notes, the worst first; the last one says how many there are beyond."""
    ranks = {"error": 0, "warning": 1, "note": 2}
    every = sorted(said, key=lambda note: ranks[note.level])
    if len(every) <= most:
        return every
    left = len(every) - most + 1
    kept, first = every[: most - 1], every[most - 1]
    return [*kept, Note(first.kind, first.level, f"and {left:,} more like these, all in the JSON report")]
