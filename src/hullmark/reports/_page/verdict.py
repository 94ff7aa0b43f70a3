"""What to know and what to do first: the verdict, what to remove, what to upgrade."""

from collections import Counter
from collections.abc import Iterator, Sequence

from hullmark.advice.removal import REMOVE
from hullmark.advice.upgrades import Line
from hullmark.model.advisory import Severity
from hullmark.model.report import CHECKED, Report, is_unchecked
from hullmark.reports._page.text import amount, mark, text

_SHOWN = 10
_GATES = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


def is_matched(report: Report) -> bool:
    """Tell whether vulnerabilities were looked for."""
    return "vuln" in report.coverage.scanners


def tone(report: Report) -> str:
    """Give how bad it is: `bad`, `fair` (something lesser, or something that is not known) or `good`."""
    levels = {finding.severity for finding in report.findings}
    if any(f.kind == "malicious" for f in report.findings) or {Severity.CRITICAL, Severity.HIGH} & levels:
        return "bad"
    unsure = report.incomplete or bool(unchecked(report)) or not is_matched(report)
    return "fair" if unsure or report.findings or report.suppressed else "good"


def unchecked(report: Report) -> int:
    """Count the packages that should have been compared with advisories and were not."""
    return sum(is_unchecked(component, report.coverage.pkg_types) for component in report.packages)


def unsure(report: Report, ident: str = "") -> str:
    """Say how much was not checked or not read, with a link to it where `ident` is given."""
    words = []
    if number := unchecked(report):
        words.append(f"{amount(number, 'package')} not checked")
    if report.errors:
        words.append(f"{amount(len(report.errors), 'thing')} could not be read")
    elif report.incomplete:
        words.append("not all could be read")
    said = ", ".join(words)
    return f'<a href="#{ident}-gaps">{said}</a>.' if said and ident else said


def verdict(report: Report, upgrades: Sequence[Line]) -> str:
    """Say in a sentence or two what is wrong with an image, and how much of it upgrades mend."""
    packages = amount(len(report.packages), "package")
    if not is_matched(report):
        return f"{packages}; no vulnerabilities were looked for."
    malicious = len({finding.component for finding in report.findings if finding.kind == "malicious"})
    words = [f"{amount(malicious, 'malicious package')}: {REMOVE}."] if malicious else []
    if report.findings:
        words.append(_numbers(report, upgrades))
    elif report.packages and not any(component.coverage in CHECKED for component in report.packages):
        words.append(f"None of {packages} was checked.")
    else:
        what = "Nothing else found" if report.suppressed else "Nothing found"
        unsure = ", but not all of it could be checked" if report.incomplete or unchecked(report) else ""
        words.append(f"{what} in {packages}{unsure}.")
    return " ".join(words)


def _numbers(report: Report, upgrades: Sequence[Line]) -> str:
    found = Counter(finding.severity for finding in report.findings)
    worst = [f"{found[level]:,} {level}" for level in (Severity.CRITICAL, Severity.HIGH) if found[level]]
    words = f"{amount(len(report.findings), 'finding')}, {' and '.join(worst) or 'none critical or high'}"
    if found[Severity.UNKNOWN]:
        words += f", {found[Severity.UNKNOWN]:,} of unknown severity"
    fixable = sum(finding.state == "fixed_available" for finding in report.findings)
    by = f", by {amount(len(upgrades), 'upgrade')}" if upgrades else ""
    return f"{words}. {fixable:,} can be fixed{by}."


def tiles(report: Report) -> str:
    """Give the numbers of findings by severity, and of what can be fixed and what is exploited."""
    found = Counter(finding.severity for finding in report.findings)
    drawn = "".join(
        f'<li class="{level if found[level] else "none"}"><b>{found[level]:,}</b> {level}</li>'
        for level in Severity
    )
    exploited = sum(finding.kev is not None for finding in report.findings)
    return f'<ul class="tiles">{drawn}<li class="{"kev" if exploited else "none"}"><b>{exploited:,}</b> exploited</li></ul>'


def gate(report: Report) -> str:
    """Say which gate would fail; what is only not shown counts."""
    if not is_matched(report):
        return ""
    hidden = [entry.finding for entry in report.suppressed if entry.gated]
    found = {finding.severity for finding in (*report.findings, *hidden)}
    worst = next((level for level in _GATES if level in found), None)
    if worst is None:
        return "No gate of --fail-on critical to low would fail."
    return f"A gate of --fail-on {worst} would fail."


def first(report: Report, upgrades: Sequence[Line], ident: str) -> str:
    """Give what to do, the worst first."""
    steps = [*_removals(report), *map(_upgrade, upgrades[:_SHOWN])]
    if not steps:
        return ""
    more = [_upgrade(each) for each in upgrades[_SHOWN:]]
    rest = (
        f"<details><summary>{amount(len(more), 'more upgrade')}</summary><ol>{''.join(more)}</ol></details>"
        if more
        else ""
    )
    return (
        f'<section class="first" aria-labelledby="{ident}-first {ident}-name"><h3 id="{ident}-first">What to do first</h3>'
        f"<ol>{''.join(steps)}</ol>{rest}</section>"
    )


def _removals(report: Report) -> Iterator[str]:
    malicious = {finding.component for finding in report.findings if finding.kind == "malicious"}
    for component in report.packages:
        if component.id in malicious:
            path = text(component.locations[0].path) if component.locations else ""
            yield (
                f"<li>{mark(Severity.CRITICAL)}<span>Remove <b>{text(component.name)}</b> {text(component.version)}"
                f" and rotate every credential that it could have read: it is malicious"
                f"{f' (<code>{path}</code>)' if path else ''}</span></li>"
            )


def _upgrade(line: Line) -> str:
    number = amount(line.count, "finding")
    return f"<li>{mark(line.worst)}<span><b>{text(line.name)}</b> {text(line.rest)}: {number}</span></li>"
