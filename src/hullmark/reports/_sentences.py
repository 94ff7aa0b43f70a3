"""What formats for other tools say of findings, of their places, and of what a scan could not do: one plain line each.

Every text that comes out may stand in a terminal, a log or a document: nothing in it acts, ends a line or has no end.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from hullmark.advice.removal import REMOVE
from hullmark.findings.narrowing import worst_first
from hullmark.model.advisory import Severity
from hullmark.model.facts import UnreadKind
from hullmark.model.printable import printable
from hullmark.model.report import (
    Finding,
    Location,
    Report,
    ReportSet,
    Suppressed,
    is_unchecked,
    package_type,
)

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
_STATES = {
    "affected": "No fix is known",
    "fixed_available": "A fix is known",
    "will_not_fix": "It will not be fixed",
    "end_of_life": "The package gets no fixes any more",
    "under_investigation": "Its maintainers are looking into it",
    "undecided": "Whether it is affected is undecided: the versions could not be ordered",
}
_UNCHECKED = {
    "no_feed": "not checked, no feed speaks for them",
    "feed_missing": "not checked, their feed is not in the database",
    "feed_stale": "checked against stale advisories",
    "release_unknown": "not checked, the release is not known",
    "release_eol": "checked, but the release is past its end of life",
}
_RELEASE = {
    "feed_missing": "whether the release is past its end of life: no end-of-life dates are in the database",
    "no_feed": "whether the release is past its end of life is not known",
}
_UNREAD: dict[UnreadKind, tuple[str, Level]] = {
    "layer": ("layer", "error"),
    "package_database": ("package database", "error"),
    "file": ("file", "warning"),
    "record": ("record", "warning"),
}


class Note(NamedTuple):
    """Something about the scan itself: `kind` is `unread`, `not-checked`, `left-out` or `suppressed`; `path` is a file of the image."""

    kind: str
    level: Level
    text: str
    path: str = ""


def plain(text: str, most: int = LINE) -> str:
    """Give a text in one line of at most so many signs; what a terminal would act on is escaped."""
    head = text[: 2 * most]
    line = head.strip() if head.isascii() and head.isprintable() else printable(" ".join(head.split()))
    if len(line) > most or len(text) > len(head):
        return line[: most - 1] + "…"
    return line


def reports_of(report: Report | ReportSet) -> tuple[Report, ...]:
    """Give the reports, whether it is one or several."""
    return (report,) if isinstance(report, Report) else report.reports


def image_name(report: Report) -> str:
    """Give the name of the image."""
    return plain(report.image.name, PATH) if report.image is not None else ""


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
    if finding.kind == "malicious":
        return f"{REMOVE[0].upper()}{REMOVE[1:]}"
    target = plain(finding.fixed_version, NAME)
    if finding.kind == "end_of_life":
        return f"Upgrade to release {target}" if target else "Upgrade the release"
    if finding.fix_is_malicious:
        return "The version that would fix it is malicious: do not upgrade to it"
    return f"Fixed in {target}" if target else _STATES[finding.state]


def layer(place: Location) -> str:
    """Say which layer brought it and whose that is, as a sentence without its full stop; nothing where that is not known."""
    if place.layer < 0:
        return ""
    whose = {True: ", of the base image", False: ", of the image's own", None: ""}[place.from_base]
    made = f" ({plain(place.created_by, NAME)})" if place.created_by else ""
    return f"Layer {place.layer}{whose}{made}"


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


def notes(report: Report) -> Iterator[Note]:
    """Say what could not be read, what was not checked, what was left out on purpose, and how much was suppressed."""
    for unread in report.errors:
        what, level = _UNREAD[unread.kind]
        where = [plain(unread.layer[:19]), inner(unread.path), plain(unread.place, NAME)]
        words = " ".join(word for word in where if word)
        if not words.startswith(f"{what} "):
            words = f"{what} {words}".rstrip()
        yield Note("unread", level, f"could not be read: {words}: {plain(unread.reason)}", inner(unread.path))
    yield from _not_checked(report)
    coverage = report.coverage
    if coverage.dev_packages:
        missing = f", {coverage.dev_unchecked} of them not checked for malicious ones"
        text = f"{_amount(coverage.dev_packages, 'development package')} of lock files left out"
        yield Note("left-out", "note", text + (missing if coverage.dev_unchecked else ""))
    if coverage.skipped_files:
        yield Note(
            "left-out", "note", f"{_amount(coverage.skipped_files, 'file')} passed over by --skip-path"
        )
    if report.suppressed:
        reasons = Counter(_reason(report, each) for each in report.suppressed)
        said = plain(", ".join(f"{count} by {reason}" for reason, count in sorted(reasons.items())))
        yield Note("suppressed", "note", f"{_amount(len(report.suppressed), 'finding')} suppressed: {said}")


def _not_checked(report: Report) -> Iterator[Note]:
    if "vuln" not in report.coverage.scanners:
        yield Note("not-checked", "warning", "no vulnerabilities were looked for")
        return
    types = report.coverage.pkg_types
    groups: dict[str, Counter[str]] = {}
    for component in report.packages:
        state = component.coverage
        old = state in {"feed_stale", "release_eol"} and (
            not types or package_type(component.ecosystem) in types
        )
        if state is not None and (old or is_unchecked(component, types)):
            groups.setdefault(state, Counter())[component.ecosystem] += 1
    for unchecked, words in _UNCHECKED.items():
        if counts := groups.get(unchecked):
            named = plain(", ".join(sorted(counts)))
            yield Note("not-checked", "warning", f"{_amount(counts.total(), 'package')} ({named}): {words}")
    if report.coverage.release in _RELEASE:
        yield Note("not-checked", "warning", f"not checked: {_RELEASE[report.coverage.release]}")


def bounded(said: Iterable[Note], most: int) -> list[Note]:
    """Give so many notes, the worst first; the last one says how many there are beyond."""
    ranks = {"error": 0, "warning": 1, "note": 2}
    every = sorted(said, key=lambda note: ranks[note.level])
    if len(every) <= most:
        return every
    left = len(every) - most + 1
    kept, first = every[: most - 1], every[most - 1]
    return [*kept, Note(first.kind, first.level, f"and {left} more like these, all in the JSON report")]


def _reason(report: Report, taken: Suppressed) -> str:
    known = 0 <= taken.by < len(report.suppressions)
    return report.suppressions[taken.by].source if known else taken.reason


def _amount(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
