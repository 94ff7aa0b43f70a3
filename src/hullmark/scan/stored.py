"""Stored JSON reports, read back: what a scan wrote, of this schema version or an older one."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hullmark.findings.issues import every
from hullmark.model.errors import ImageError, UsageError
from hullmark.model.report import SCHEMA_VERSION, Report, ReportSet

MAX_BYTES = 1024 * 1024 * 1024
_HEAD = 4096
_MARK = b'"schema_version"'


_Kind = TypeVar("_Kind", "_Version", Report)


class _Version(msgspec.Struct, frozen=True):
    """What a report of any version says of itself; `reports` is there in one of several images."""

    schema_version: str
    reports: Any = None


def is_report(path: Path) -> bool:
    """Tell whether a file looks like a stored report."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except (OSError, ValueError):
        return False
    return head.lstrip().startswith(b"{") and _MARK in head


def read_report(name: str) -> Report | ReportSet:
    """Read a stored report from a file. Raises `ImageError` where it cannot be read, `UsageError` where it is no report of ours."""
    return read_stored(name)[0]


def read_stored(name: str) -> tuple[Report | ReportSet, bytes]:
    """Read a stored report; give the bytes of its file as well. Raises as `read_report` does."""
    try:
        with Path(name).open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise ImageError(
            f"cannot be read: {reason}", where=name, hint="a report of --format json"
        ) from problem
    return decode_report(body, name), body


def decode_report(body: bytes, name: str) -> Report | ReportSet:
    """Read a stored report; it is one of today's schema version then. Raises `UsageError`; `name` is the file's."""
    if len(body) > MAX_BYTES:
        raise UsageError(
            f"larger than {MAX_BYTES} bytes", where=name, hint="is it a report of --format json?"
        )
    try:
        # the whole at once: only what is no report of one image, or of another version, is looked at twice
        return _checked(_of_known_version(msgspec.json.decode(body, type=Report), name), name)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _otherwise(body, name)


def _otherwise(body: bytes, name: str) -> ReportSet:
    """Read a report of several images, or say what is wrong with what is no report."""
    try:
        version = _of_known_version(msgspec.json.decode(body, type=_Version), name)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise UsageError(
            f"is no report of --format json: {problem}", where=name, hint="it may have been cut short"
        ) from problem
    kind: type[Report | ReportSet] = Report if version.reports is None else ReportSet
    try:
        report = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise UsageError(f"is no report of its schema version: {problem}", where=name) from problem
    assert isinstance(report, ReportSet)
    checked = tuple(_checked(each, name) for each in report.reports)
    return msgspec.structs.replace(report, schema_version=SCHEMA_VERSION, reports=checked)


def _of_known_version(report: _Kind, name: str) -> _Kind:
    """Refuse what a later version of this program wrote: it may say what this one would lose."""
    if _parts(report.schema_version) > _parts(SCHEMA_VERSION):
        raise UsageError(
            f"has schema version {report.schema_version[:40]!r}, this program knows those up to {SCHEMA_VERSION}",
            where=name,
            hint="a later version of hullmark wrote it",
        )
    return report


def _parts(version: str) -> tuple[int, ...]:
    """Give the numbers of a version; what has none is later than all."""
    words = version.split(".")
    if len(words) != len(SCHEMA_VERSION.split(".")) or not all(
        word.isascii() and word.isdigit() and len(word) < 6 for word in words
    ):
        return (1 << 32,)
    return tuple(int(word) for word in words)


def _checked(report: Report, name: str) -> Report:
    """Refuse a report that speaks of packages, layers or statements which are not in it: no format guards against that."""
    problem = next(_faults(report), "")
    if problem:
        raise UsageError(f"is no whole report: {problem}", where=name)
    return msgspec.structs.replace(report, schema_version=SCHEMA_VERSION)


def _faults(report: Report) -> Iterator[str]:
    if not _is_time(report.as_of):
        yield f"its time is none: {report.as_of[:40]!r}"
    components = {component.id for component in report.packages}
    if len(components) != len(report.packages):
        yield "two of its packages have the same id"
    if [layer.index for layer in report.layers] != list(range(len(report.layers))):
        yield "its layers are not numbered from 0"
    findings = (*report.findings, *(each.finding for each in report.suppressed))
    for finding in findings:
        if finding.component and finding.component not in components:
            yield f"a finding is of a package that is not in it: {finding.component[:40]!r}"
    for each in report.suppressed:
        if not -1 <= each.by < len(report.suppressions):
            yield f"a finding is suppressed by a statement that is not in it: {each.by}"
    places = [place for component in report.packages for place in component.locations]
    places += [place for finding in findings for place in finding.locations]
    yield from _issue_faults(report)
    layers = [*(place.layer for place in places), *(issue.layer for issue in every(report))]
    for number in layers:
        if not -1 <= number < max(len(report.layers), 1):
            yield f"a place is in a layer that is not in it: {number}"


def _issue_faults(report: Report) -> Iterator[str]:
    for one in report.silenced:
        if not -1 <= one.by < len(report.suppressions):
            yield f"a secret or misconfiguration is silenced by a statement that is not in it: {one.by}"
    for issue in every(report):
        if min(issue.line, issue.column, issue.end_line, issue.end_column) < 0:
            yield f"a line or column is below 0 in {issue.file[:40]!r}"


def _is_time(text: str) -> bool:
    """Tell whether a text is a time that can be said in UTC, as formats say it that demand one."""
    try:
        dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return False
    return True
