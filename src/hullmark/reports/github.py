"""Annotations of GitHub Actions: workflow commands that the runner takes from a step's standard output.

Specification: docs.github.com, "Workflow commands for GitHub Actions"; the escaping is that of the runner's `ActionCommand`. A step
shows ten errors, ten warnings and ten notices: the worst findings come first, and the last notice sums up all of them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hullmark.findings.issues import NAMES, shown
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.look import Look
from hullmark.model.report import Report, ReportSet
from hullmark.model.words import amount, counts
from hullmark.reports import _sentences as say
from hullmark.reports import failures_of, reports_of

_SHOWN = 10  # of each kind in a step
_COMMANDS: dict[say.Level, str] = {"error": "error", "warning": "warning", "note": "notice"}


class _Annotation(NamedTuple):
    level: say.Level
    title: str
    text: str
    path: str = ""
    line: int = 0
    column: int = 0
    last: tuple[int, int] = (0, 0)
    rank: int = 0


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Write one command a line, errors first. Nothing but them begins a line."""
    reports = reports_of(report)
    several = not isinstance(report, Report)
    every = [
        each
        for one in reports
        for each in (*_issues(one, look, several=several), *_findings(one, look, several=several))
    ]
    every.sort(key=lambda each: each.rank)
    # What could not be checked is worth more than the tenth warning.
    about = [each for one in reports for each in _scan(one, several=several)]
    failures = failures_of(report)
    about += [
        _Annotation("error", "not scanned", f"{say.plain(each.name)}: {say.plain(each.reason)}")
        for each in failures
    ]
    lines = []
    left = 0
    for level in _COMMANDS:
        room = _SHOWN - (level == "note")
        asked = [each for each in (*about, *every) if each.level == level]
        lines += [_line(each) for each in asked[:room]]
        left += len(asked[room:])
    lines.append(_line(_Annotation("note", "hullmark", _sum(reports, len(failures), left))))
    return ("\n".join(lines) + "\n").encode()


def _findings(report: Report, look: Look, *, several: bool) -> Iterator[_Annotation]:
    end = say.about(report) if several else ""
    for finding, taken in say.shown(report, suppressed=look.suppressed):
        what = say.plain(finding.id, say.NAME)
        title = f"{what}: {say.subject(finding)} ({finding.severity})"
        yield _Annotation(
            "note" if taken is not None else say.level_of(finding),
            f"Suppressed: {title}" if taken is not None else title,
            say.message(finding, taken) + end,
            say.main_path(report, finding),
            say.line_of(finding.locations[0]) if finding.locations else 0,
            rank=_rank(finding.severity, taken=taken is not None),
        )


def _issues(report: Report, look: Look, *, several: bool) -> Iterator[_Annotation]:
    end = say.about(report) if several else ""
    for issue, reason in say.shown_issues(report, suppressed=look.suppressed):
        title = f"{say.rule(issue)} ({issue.severity})"
        yield _Annotation(
            "note" if reason else say.issue_level(issue),
            f"Suppressed: {title}" if reason else title,
            say.issue_message(issue, reason) + end,
            say.issue_path(report, issue),
            issue.line,
            issue.column,
            say.last(issue),
            _rank(issue.severity, taken=bool(reason)),
        )


def _rank(severity: Severity, *, taken: bool) -> int:
    """Give the place among those of one level: what was taken out comes last."""
    return SEVERITY_RANK[severity] + 100 * taken


def _scan(report: Report, *, several: bool) -> Iterator[_Annotation]:
    """Give what is to be said of a scan, in one annotation for each kind and level, so that findings keep their room."""
    name = f"{say.image_name(report)}: " if several else ""
    texts: dict[tuple[str, say.Level], list[str]] = {}
    for note in say.notes(report):
        texts.setdefault((note.kind, note.level), []).append(note.text)
    for (kind, level), said in texts.items():
        more = f"; and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
        yield _Annotation(level, kind.replace("-", " "), f"{name}{'; '.join(said[:_SHOWN])}{more}")


def _sum(reports: Iterable[Report], failed: int, left: int) -> str:
    found: Counter[str] = Counter()
    packages = suppressed = 0
    names = []
    issues: Counter[str] = Counter()
    for one in reports:
        names.append(say.image_name(one) or "files")
        issues.update(issue.kind for issue in shown(one))
        found.update(str(finding.severity) for finding in one.findings)
        packages += len(one.packages)
        suppressed += len(one.suppressed) + len(one.silenced)
    said = [f"{counts(found) or 'nothing found'} in {amount(packages, 'package')}"]
    others = [amount(issues[kind], name) for kind, name in NAMES.items() if issues[kind]]
    if others and not packages:
        said = []
    image = names[0] if len(names) == 1 else f"{len(names)} images"
    words = [f"{image}: {'; '.join([*said, *others])}"]
    if suppressed:
        words.append(f"{suppressed} suppressed")
    if failed:
        words.append(f"{failed} not scanned")
    if left:
        words.append(
            f"{left} of these annotations are not shown: GitHub shows {_SHOWN} of each kind in a step"
        )
    return "; ".join(words)


def _line(said: _Annotation) -> str:
    numbers = {"line": said.line}
    if said.line and said.column:
        line, column = said.last
        # GitHub takes columns of one line alone.
        numbers |= {"endLine": line} if line > said.line else {"col": said.column, "endColumn": column}
    values = {
        "file": said.path,
        **{name: str(number) for name, number in numbers.items() if number},
        "title": said.title,
    }
    properties = ",".join(f"{name}={_property(value)}" for name, value in values.items() if value)
    return f"::{_COMMANDS[said.level]} {properties}::{_data(said.text)}"


def _data(text: str) -> str:
    # The runner still knows commands of the form `##[…]`, wherever in a line they stand.
    return text.replace("##[", "## [").replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
