"""GitLab's code quality report: a JSON list of issues, the part of Code Climate's format that GitLab reads.

Specification: https://docs.gitlab.com/ci/testing/code_quality/ (code quality report format). What could not be read or was not
checked are issues too, since the format has no other place for them.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.advice.action import fix
from hullmark.advice.verdict import not_checked, shown, unread_place
from hullmark.findings.issues import Issue
from hullmark.model.advisory import Severity
from hullmark.model.fingerprint import digest, fingerprints, repository
from hullmark.model.look import Look
from hullmark.model.printable import printable
from hullmark.model.report import Finding, Report, ReportSet
from hullmark.reports import _sentences as say
from hullmark.reports import failures_of, reports_of

Document = dict[str, Any]

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.NEGLIGIBLE: "info",
    Severity.UNKNOWN: "info",
}
_LINE = re.compile(r"line (\d{1,9})", re.ASCII)
_DESCRIPTION = 500


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Give the issues of all images in one list, each with a fingerprint of its own."""
    issues: list[Document] = []
    for one in reports_of(report):
        issues += _issues(one, look)
    for failure in failures_of(report):
        mark = digest(repository(failure.name), "not scanned")
        issues.append(_issue("not_scanned", mark, "major", f"{failure.name}: not scanned: {failure.reason}"))
    taken: set[str] = set()
    for issue in issues:
        # Several images of one repository (its platforms) share a fingerprint, of which GitLab would keep one.
        mark, number = issue["fingerprint"], 1
        while issue["fingerprint"] in taken:
            number += 1
            issue["fingerprint"] = digest(mark, str(number))
        taken.add(issue["fingerprint"])
    return msgspec.json.format(msgspec.json.encode(issues), indent=2) + b"\n"


def _issues(report: Report, look: Look) -> Iterator[Document]:
    image = report.image
    base = repository(image.name) if image is not None else ""
    release = image.release.path if image is not None and image.release is not None else "etc/os-release"
    told = shown(report, suppressed=look.suppressed)
    marks = fingerprints(image, (finding for finding, _ in told))
    for (finding, reason), mark in zip(told, marks, strict=True):
        said = f"suppressed ({reason}): {_said(finding)}" if reason else _said(finding)
        severity = "info" if reason else _SEVERITIES[finding.severity]
        place = finding.locations[0] if finding.locations else None
        where = (
            (place.path, place.place) if place is not None else (release if not finding.component else "",)
        )
        yield _issue(finding.id, mark, severity, said, *where)
    seen: Counter[str] = Counter()
    for issue, reason in say.shown_issues(report, suppressed=look.suppressed):
        mark = digest(base, issue.kind, issue.rule, issue.file, issue.resource)
        seen[mark] += 1
        yield _of_issue(issue, reason, digest(mark, str(seen[mark])) if seen[mark] > 1 else mark)
    for unread in report.errors:
        mark = digest(base, "unread", unread.kind, unread.path, unread.place, unread.reason)
        said = f"could not be read: {unread_place(unread)}: {unread.reason}"
        yield _issue("unread", mark, "major", said, unread.path, unread.place)
    for gap in not_checked(report):
        if not gap.checked:
            mark = digest(base, "not checked", gap.what, gap.reason)
            yield _issue("not_checked", mark, "major", str(gap))


def _said(finding: Finding) -> str:
    title = finding.title or finding.details[:_DESCRIPTION]
    return f"{finding.id}: {finding.name} {finding.version}: {fix(finding)}" + (f": {title}" if title else "")


def _of_issue(issue: Issue, reason: str, mark: str) -> Document:
    severity = "info" if reason or issue.confidence == "low" else _SEVERITIES[issue.severity]
    made = _issue(issue.rule or "unnamed", mark, severity, say.issue_message(issue, reason), issue.file)
    line, column = say.last(issue)
    begin = max(issue.line, 1)
    made["location"]["lines"] = {"begin": begin, "end": max(line, begin)}
    if issue.line and issue.column and column:
        end = {"line": max(line, begin), "column": column}
        made["location"]["positions"] = {"begin": {"line": begin, "column": issue.column}, "end": end}
    return made


def _issue(
    name: str, fingerprint: str, severity: str, description: str, path: str = "", place: str = ""
) -> Document:
    line = _LINE.fullmatch(place)
    return {
        "description": _cut(description),
        "check_name": _cut(name),
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {
            "path": _path(path),
            "lines": {"begin": max(int(line[1]), 1) if line else 1},
        },
    }


def _path(path: str) -> str:
    """Give a path below the image's root: without a leading slash and without steps upwards; the root itself is a dot."""
    steps = [step for step in printable(path).split("/") if step not in {"", ".", ".."}]
    return "/".join(steps)[:4096] or "."


def _cut(text: str) -> str:
    line = printable(" ".join(text[: 4 * _DESCRIPTION].split()))
    return line if len(line) <= _DESCRIPTION else line[: _DESCRIPTION - 1] + "…"
