"""Checkstyle's XML report in its form of version 4.3, which many tools that show warnings read.

There is no specification; Checkstyle's `XMLLogger` writes it and `checkstyle-report-1.0.0.xsd` in its repository describes it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from hullmark.model.look import Look
from hullmark.model.report import Report, ReportSet
from hullmark.model.words import sentence
from hullmark.reports import _sentences as say
from hullmark.reports import failures_of, reports_of

_SEVERITIES: dict[say.Level, str] = {"error": "error", "warning": "warning", "note": "info"}
_REFERENCES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\ufffe": "\\ufffe",  # no characters in XML 1.0, section 2.2; `plain` has escaped the others
        "\uffff": "\\uffff",
    }
)


class _Error(NamedTuple):
    path: str
    line: int
    severity: str
    message: str
    source: str
    column: int = 0


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Write an element for each file that proves a finding; what concerns the scan itself stands under the image's name."""
    several = not isinstance(report, Report)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<checkstyle version="4.3">']
    for one in reports_of(report):
        files: dict[str, list[_Error]] = {}
        for error in _errors(one, look, several=several):
            files.setdefault(error.path, []).append(error)
        for path, errors in sorted(files.items()):
            lines += _file(path, errors)
    for failure in failures_of(report):
        name = say.plain(failure.name, say.PATH) or "image"
        text = f"Not scanned: {say.plain(failure.reason)}"
        lines += _file(name, [_Error(name, 1, "error", text, "hullmark.failed")])
    return ("\n".join([*lines, "</checkstyle>"]) + "\n").encode()


def _errors(report: Report, look: Look, *, several: bool) -> Iterator[_Error]:
    image = say.image_name(report) or "image"
    end = say.about(report) if several else ""
    for finding, taken in say.shown(report, suppressed=look.suppressed):
        yield _Error(
            say.main_path(report, finding),
            (say.line_of(finding.locations[0]) if finding.locations else 0) or 1,
            # A suppressed finding is none that must be looked at; Checkstyle itself leaves such ones out.
            "info" if taken is not None else _SEVERITIES[say.level_of(finding)],
            say.message(finding, taken) + end,
            say.plain(finding.id, say.NAME) or "unnamed",
        )
    for issue, reason in say.shown_issues(report, suppressed=look.suppressed):
        yield _Error(
            say.issue_path(report, issue),
            issue.line or 1,
            "info" if reason else _SEVERITIES[say.issue_level(issue)],
            say.issue_message(issue, reason) + end,
            say.rule(issue),
            issue.column,
        )
    for note in say.notes(report):
        text = f"{sentence(note.text)}."
        yield _Error(note.path or image, 1, _SEVERITIES[note.level], text + end, f"hullmark.{note.kind}")


def _file(path: str, errors: list[_Error]) -> Iterator[str]:
    yield f'  <file name="{_attribute(path)}">'
    for error in errors:
        column = f' column="{error.column}"' if error.column else ""
        yield (
            f'    <error line="{error.line}"{column} severity="{error.severity}" '
            f'message="{_attribute(error.message)}" source="{_attribute(error.source)}"/>'
        )
    yield "  </file>"


def _attribute(text: str) -> str:
    return text.translate(_REFERENCES)
