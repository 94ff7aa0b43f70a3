"""JUnit XML, as CI systems show test results: a suite for each image, a failed case for each finding, secret and misconfiguration.

No body publishes the format; this is what the Jenkins xUnit plugin's `junit-10.xsd` allows and GitLab and GitHub's actions read.
What could not be read or was not checked is an error, what was suppressed (where it is asked for) is skipped.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from hullmark.advice.action import fix
from hullmark.advice.issues import doubt, mend, placed, silenced_said
from hullmark.advice.verdict import (
    is_matched,
    is_none_checked,
    is_of_files,
    left_out,
    not_checked,
    not_shown,
    shown,
    unread_place,
    verdict,
)
from hullmark.findings.issues import NAMES, Issue, subject
from hullmark.model.look import Look
from hullmark.model.printable import printable
from hullmark.model.purl import type_of
from hullmark.model.report import Failure, Finding, Report, ReportSet
from hullmark.model.sbom import flaw_url
from hullmark.reports import _sentences as say

_FORBIDDEN = re.compile("[\ufffe\uffff]")
"""What XML 1.0, section 2.2 forbids beside what `printable` escapes."""
_MESSAGE = 300
_LONGEST = 2_000


class _Case(Struct, frozen=True):
    """One test case. `outcome` is the element that says why it did not pass, empty where it did."""

    group: str
    name: str
    outcome: str = ""
    kind: str = ""
    message: str = ""
    lines: tuple[str, ...] = ()


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Render a suite for each image, in order; an image that could not be scanned is a suite with one error."""
    if isinstance(report, Report):
        suites = [_Suite(_name(report), list(_cases(report, look)), report)]
    else:
        suites = [_Suite(_name(one), list(_cases(one, look)), one) for one in report.reports]
        suites += [_Suite(failure.name, [_failed(failure)]) for failure in report.failures]
    total, failures, errors = (sum(suite.numbers()[which] for suite in suites) for which in range(3))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="hullmark" tests="{total}" failures="{failures}" errors="{errors}">',
    ]
    for suite in suites:
        lines += suite.lines()
    return ("\n".join([*lines, "</testsuites>"]) + "\n").encode()


class _Suite:
    def __init__(self, name: str, cases: list[_Case], report: Report | None = None) -> None:
        self.name = name
        self.cases = cases
        self.report = report

    def numbers(self) -> tuple[int, int, int, int]:
        """Count cases, failures, errors and those skipped."""
        outcomes = [case.outcome for case in self.cases]
        return len(outcomes), outcomes.count("failure"), outcomes.count("error"), outcomes.count("skipped")

    def lines(self) -> Iterator[str]:
        tests, failures, errors, skipped = self.numbers()
        time = _time(self.report.as_of) if self.report is not None else ""
        yield (
            f'  <testsuite name={_attribute(self.name)} tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}"'
            + (f' timestamp="{time}"' if time else "")
            + ">"
        )
        if self.report is not None:
            yield "    <properties>"
            for name, value in _properties(self.report):
                yield f"      <property name={_attribute(name)} value={_attribute(value)}/>"
            yield "    </properties>"
        taken: set[tuple[str, str]] = set()
        for case in self.cases:
            name, number = case.name, 1
            while (case.group, name) in taken:
                number += 1
                name = f"{case.name} #{number}"
            taken.add((case.group, name))
            yield from _case_lines(case, name)
        yield "  </testsuite>"


def _case_lines(case: _Case, name: str) -> Iterator[str]:
    head = f"    <testcase classname={_attribute(case.group)} name={_attribute(name)}"
    if not case.outcome:
        yield f"{head}/>"
        return
    yield f"{head}>"
    inner = f"      <{case.outcome} type={_attribute(case.kind)} message={_attribute(case.message)}"
    if case.lines:
        body = "\n".join(_text(line) for line in case.lines)
        yield f"{inner}>{body}</{case.outcome}>"
    else:
        yield f"{inner}/>"
    yield "    </testcase>"


def _name(report: Report) -> str:
    return subject(report) or "image"


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    yield "tool", f"{report.tool.name} {report.tool.version}"
    if report.image is not None:
        yield "digest", report.image.digest
        yield "platform", str(report.image.platform)
    yield "packages", str(len(report.packages))
    for part in report.database.parts:
        yield f"database {part.part}", part.revision + (", stale" if part.stale else "")
    said = verdict(report)
    yield "verdict", said.text + said.command
    for gap in not_checked(report):
        if gap.checked:
            yield "warning", str(gap)
    for suppressed in filter(None, (not_shown(report), silenced_said(report))):
        yield "suppressed", suppressed
    for line in left_out(report):
        yield "left out", line


def _cases(report: Report, look: Look) -> Iterator[_Case]:
    paths = {component.id: component.via for component in report.packages}
    for finding, reason in shown(report, suppressed=look.suppressed):
        via = paths.get(finding.component, ())
        yield _finding_case(finding, via, "skipped" if reason else "failure", reason)
    for issue, reason in say.shown_issues(report, suppressed=look.suppressed):
        yield _issue_case(issue, reason)
    clean = not (report.findings or report.secrets or report.config)
    if clean and (is_of_files(report) or (is_matched(report) and not is_none_checked(report))):
        yield _Case("hullmark", "no findings")
    if not is_matched(report) and not is_of_files(report):
        yield _Case("hullmark", "findings", "skipped", "skipped", "no vulnerabilities were looked for")
    for unread in report.errors:
        yield _Case("hullmark.unread", unread_place(unread), "error", "unread", unread.reason)
    for gap in not_checked(report):
        # The number of packages is no part of the name: the same gap is the same case in the next build.
        if not gap.checked:
            yield _Case("hullmark.not_checked", f"{gap.what}: {gap.reason}", "error", "not checked", str(gap))


def _finding_case(finding: Finding, via: Iterable[str], outcome: str, reason: str) -> _Case:
    ecosystem = type_of(finding.purl) or finding.kind
    advice = fix(finding)
    title = (finding.title or finding.details)[:_MESSAGE]
    # Jenkins and GitLab follow a case over builds by these two names, so that the version is in neither.
    return _Case(
        f"{ecosystem}.{finding.name}",
        finding.id,
        outcome,
        str(finding.severity),
        reason or f"{finding.name} {finding.version}: {advice}" + (f": {title}" if title else ""),
        tuple(_facts(finding, via, advice)),
    )


def _facts(finding: Finding, via: Iterable[str], advice: str) -> Iterator[str]:
    said = [
        ("package", finding.purl or f"{finding.name} {finding.version}"),
        (
            "severity",
            f"{finding.severity}" + (f" ({finding.severity_source})" * bool(finding.severity_source)),
        ),
        ("fix", advice),
        ("aliases", ", ".join(finding.aliases)),
        ("via", " > ".join(via)),
    ]
    for place in finding.locations:
        said.append(("path", " ".join(word for word in (place.path, place.place) if word)))
        if place.layer >= 0:
            said.append(("layer", f"{place.layer} {place.layer_digest} {place.created_by}"))
    if finding.from_base is not None:
        said.append(("from", "base image" if finding.from_base else "own layers"))
    if finding.kev is not None:
        said.append(("exploited", f"known since {finding.kev.added} (KEV)"))
    if finding.epss is not None:
        said.append(("EPSS", f"{finding.epss.probability:.1%}"))
    said += [("notice", f"{bundle.id} {bundle.url}") for bundle in finding.bundles]
    said += [("url", flaw_url(finding)), ("title", finding.title), ("details", finding.details[:_LONGEST])]
    for name, value in said:
        if value:
            yield f"{name}: {value}"


def _issue_case(issue: Issue, reason: str) -> _Case:
    # A secret that may be none is no failure: no gate counts it either.
    outcome = "failure" if issue.is_sure and not reason else "skipped"
    what = f"{placed(issue)}: {say.issue_problem(issue)}"
    return _Case(
        f"{NAMES[issue.kind]}.{issue.file}",
        f"{issue.rule} {issue.resource}".strip(),
        outcome,
        str(issue.severity),
        reason or (what if issue.is_sure else f"{doubt(issue)}: {what}"),
        tuple(_issue_facts(issue)),
    )


def _issue_facts(issue: Issue) -> Iterator[str]:
    said = [
        ("what", issue.message),
        ("severity", str(issue.severity)),
        ("confidence", issue.confidence if issue.kind == "secret" else ""),
        ("doubt", issue.reason),
        ("fix", mend(issue)),
        ("place", placed(issue)),
        ("places", f"{issue.count:,}" if issue.count > 1 else ""),
        ("layer", f"{issue.layer} {issue.layer_digest} {issue.created_by}" if issue.layer >= 0 else ""),
        ("from", {True: "base image", False: "own layers", None: ""}[issue.from_base]),
        ("fingerprint", issue.fingerprint),
        ("controls", ", ".join(issue.controls)),
        ("also known as", ", ".join(issue.same_as)),
    ]
    yield from (f"{name}: {value}" for name, value in said if value)


def _failed(failure: Failure) -> _Case:
    message = failure.reason + (f" ({failure.hint})" if failure.hint else "")
    return _Case("hullmark", "not scanned", "error", "not scanned", message)


def _time(as_of: str) -> str:
    """Give the time as ISO 8601 in UTC without a zone, as the schemas of the format have it; nothing for what is none."""
    try:
        time = dt.datetime.fromisoformat(as_of)
        return (time.astimezone(dt.UTC) if time.tzinfo else time).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError):
        return ""


def _line(text: str) -> str:
    line = printable(" ".join(text[:_LONGEST].split()))
    return line if line.isascii() else _FORBIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _text(text: str) -> str:
    return escape(_line(text))


def _attribute(text: str) -> str:
    return quoteattr(_line(text))
