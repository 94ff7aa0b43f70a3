"""SonarQube's generic issue import format, the form with `rules` and `issues` that SonarQube has had since 10.3.

Specification: docs.sonarsource.com, "Generic formatted reports".

SonarQube passes silently over issues of files that are not in the project, and no file of an image is. The issues therefore stand at
the project's `Dockerfile`, which is what makes the image and where most fixes go; the path in the image is in the message. What is
wrong in a file of the project itself stands there.
"""

import html
from collections.abc import Iterable
from typing import Any

import msgspec

from hullmark.advice.issues import placed
from hullmark.findings.issues import Issue
from hullmark.findings.narrowing import worst_first
from hullmark.model.advisory import Severity
from hullmark.model.look import Look
from hullmark.model.report import Finding, Report, ReportSet, Suppressed
from hullmark.model.sbom import flaw_url, is_url
from hullmark.model.words import sentence
from hullmark.reports import _sentences as say
from hullmark.reports import failures_of, reports_of

Document = dict[str, Any]

_ENGINE = "hullmark"
_FILE = "Dockerfile"
_MOST_NOTES = 100
_MOST_NAME = 200  # what SonarQube stores of a rule's name
_MOST_MESSAGE = 1300  # what it stores of a message
_MOST_DESCRIPTION = 2000
# Severity where types are used (standard experience), and of the impact. Impacts are only those that every version knows.
_SEVERITIES = {
    Severity.CRITICAL: ("BLOCKER", "HIGH"),
    Severity.HIGH: ("CRITICAL", "HIGH"),
    Severity.MEDIUM: ("MAJOR", "MEDIUM"),
    Severity.LOW: ("MINOR", "LOW"),
    Severity.NEGLIGIBLE: ("INFO", "LOW"),
    Severity.UNKNOWN: ("MAJOR", "MEDIUM"),
}
_NOTES: dict[say.Level, Severity] = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.NEGLIGIBLE,
}
_OURS = ("hullmark.", "secret.", "config.")
_SUPPRESSED = "hullmark.suppressed-finding"


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Encode the rules, each once and as bad as its worst finding, and the issues, worst first."""
    several = not isinstance(report, Report)
    told = _Issues()
    for one in reports_of(report):
        end = say.about(one) if several else ""
        for finding, taken in say.shown(one, suppressed=look.suppressed):
            told.finding(one, finding, taken, end)
        for issue, reason in say.shown_issues(one, suppressed=look.suppressed):
            told.issue(one, issue, reason, end)
        for note in say.bounded(say.notes(one), _MOST_NOTES):
            told.note(note, end)
    for failure in failures_of(report):
        text = f"not scanned: {say.plain(failure.name)}: {say.plain(failure.reason)}"
        told.note(say.Note("failed", "error", text), "")
    return msgspec.json.format(msgspec.json.encode(told.document()), indent=2) + b"\n"


class _Issues:
    def __init__(self) -> None:
        self.flaws: dict[str, list[Finding]] = {}
        self.rules: dict[str, Issue] = {}
        self.others: dict[str, Document] = {}
        self.issues: list[Document] = []

    def document(self) -> Document:
        rules = [_flaw_rule(name, found) for name, found in self.flaws.items()]
        rules += [_issue_rule(name, worst) for name, worst in self.rules.items()]
        return {"rules": [*rules, *self.others.values()], "issues": self.issues}

    def finding(self, report: Report, finding: Finding, taken: Suppressed | None, end: str) -> None:
        name = say.plain(finding.id, _MOST_NAME) or "unnamed"
        if name.startswith(_OURS):
            name = f"_{name}"  # SonarQube refuses a report with two rules of one id, and these are ours
        text = f"{name}: {say.message(finding, taken)} Path: {say.main_path(report, finding)}{end}"
        if taken is None:
            self.flaws.setdefault(name, []).append(finding)
        else:
            name = self._suppressed()
        self._issue(name, text)

    def issue(self, report: Report, issue: Issue, reason: str, end: str) -> None:
        name = say.plain(f"{issue.kind}.{say.rule(issue)}", _MOST_NAME)
        text = say.issue_message(issue, reason)
        if report.image is not None:
            text = f"{say.rule(issue)}: {text} Path: {say.plain(placed(issue), say.PATH)}{end}"
        if reason:
            name = self._suppressed()
        else:
            self.rules.setdefault(name, issue)  # the worst comes first
        self._issue(name, text, *((say.issue_path(report, issue), issue) if report.image is None else ()))

    def _suppressed(self) -> str:
        # A rule has one severity for all its issues, so what is suppressed has a rule of its own.
        title = "A finding that was suppressed"
        self.others.setdefault(_SUPPRESSED, _rule(_SUPPRESSED, title, "", Severity.NEGLIGIBLE))
        return _SUPPRESSED

    def note(self, note: say.Note, end: str) -> None:
        # The level is part of the name for the same reason.
        name = f"hullmark.{note.kind}.{note.level}"
        title = f"About the scan: {note.kind.replace('-', ' ')}"
        self.others.setdefault(name, _rule(name, title, "", _NOTES[note.level]))
        self._issue(name, f"{sentence(note.text)}.{end}")

    def _issue(self, rule: str, text: str, path: str = _FILE, issue: Issue | None = None) -> None:
        # Without a range an issue is one of the whole file; the line of the instruction would stand here, were it known.
        place: Document = {"message": say.plain(text, _MOST_MESSAGE), "filePath": path}
        if issue is not None and issue.line:
            place["textRange"] = _range(issue)
        self.issues.append({"ruleId": rule, "primaryLocation": place})


def _range(issue: Issue) -> Document:
    """Give the place in a file. Lines count from 1 and columns from 0; what is at the last column is not part of it."""
    line, column = say.last(issue)
    made = {"startLine": issue.line, "endLine": max(line, issue.line)}
    if issue.column and column and (line, column) >= (issue.line, issue.column):
        made |= {"startColumn": issue.column - 1, "endColumn": column}
    return made


def _issue_rule(name: str, worst: Issue) -> Document:
    words = [say.issue_advice(worst)]
    words += [f"Controls: {say.plain(', '.join(worst.controls))}"] * bool(worst.controls)
    return _rule(name, say.rule_title(worst), ". ".join(word for word in words if word), worst.severity)


def _flaw_rule(name: str, found: Iterable[Finding]) -> Document:
    worst = min(found, key=worst_first)
    title = say.plain(worst.title or worst.details)
    head = f"Malicious package {name}" if worst.kind == "malicious" else name
    url = flaw_url(worst) if worst.id.isascii() and len(worst.id) < _MOST_NAME else ""
    words = [
        say.plain(worst.details or worst.title, _MOST_DESCRIPTION),
        say.plain(url, say.PATH) if is_url(url) else "",
    ]
    return _rule(
        name, f"{head}: {title}" if title else head, " ".join(word for word in words if word), worst.severity
    )


def _rule(name: str, title: str, description: str, severity: Severity) -> Document:
    standard, impact = _SEVERITIES[severity]
    made: Document = {"id": name, "name": say.plain(title, _MOST_NAME) or name}
    if description:
        # It is shown as HTML.
        made["description"] = html.escape(description)
    return {
        **made,
        "engineId": _ENGINE,
        "cleanCodeAttribute": "TRUSTWORTHY",
        "type": "VULNERABILITY",
        "severity": standard,
        "impacts": [{"softwareQuality": "SECURITY", "severity": impact}],
    }
