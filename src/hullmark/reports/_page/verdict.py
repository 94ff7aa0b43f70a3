"""What to know and what to do first: the verdict, what to remove, what to upgrade."""

from collections import Counter
from collections.abc import Iterator, Sequence

from hullmark.advice.removal import REMOVE
from hullmark.advice.upgrades import Line
from hullmark.advice.verdict import is_matched, is_of_files, verdict
from hullmark.findings.issues import shown
from hullmark.model.advisory import Severity
from hullmark.model.report import Report
from hullmark.model.words import amount, sentence
from hullmark.reports._page.text import mark, text

_SHOWN = 10


def tone(report: Report) -> str:
    """Give how bad it is: `bad`, `fair` (something lesser, or something that is not known) or `good`."""
    levels = {finding.severity for finding in report.findings}
    levels |= {issue.severity for issue in shown(report) if issue.is_sure}
    if any(f.kind == "malicious" for f in report.findings) or {Severity.CRITICAL, Severity.HIGH} & levels:
        return "bad"
    unsure = report.incomplete or not (is_matched(report) or is_of_files(report))
    lesser = report.findings or report.suppressed or report.secrets or report.config or report.silenced
    return "fair" if unsure or lesser else "good"


def unsure(report: Report, ident: str = "") -> str:
    """Say how much was not checked or not read, with a link to it where `ident` is given."""
    words = []
    if number := report.coverage.not_checked:
        words.append(f"{amount(number, 'package')} not checked")
    if report.errors:
        words.append(f"{amount(len(report.errors), 'thing')} could not be read")
    elif report.incomplete:
        words.append("not all could be read")
    said = ", ".join(words)
    return f'<a href="#{ident}-gaps">{said}</a>.' if said and ident else said


def said(report: Report) -> str:
    """Say what was found and which gate would fail."""
    found = verdict(report)
    command = f"<code>{text(found.command)}</code>" if found.command else "."
    return f"{text(sentence(found.text))}{command}"


def tiles(report: Report) -> str:
    """Give the numbers of findings by severity, and of what can be fixed and what is exploited."""
    found = Counter(finding.severity for finding in report.findings)
    drawn = "".join(
        f'<li class="{level if found[level] else "none"}"><b>{found[level]:,}</b> {level}</li>'
        for level in Severity
    )
    exploited = sum(finding.kev is not None for finding in report.findings)
    return f'<ul class="tiles">{drawn}<li class="{"kev" if exploited else "none"}"><b>{exploited:,}</b> exploited</li></ul>'


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
                f"<li>{mark(Severity.CRITICAL)}<span>Malicious: <b>{text(component.name)}</b> {text(component.version)}"
                f"{f' (<code>{path}</code>)' if path else ''}: {REMOVE}</span></li>"
            )


def _upgrade(line: Line) -> str:
    number = line.number
    return f"<li>{mark(line.worst)}<span><b>{text(line.name)}</b> {text(line.rest)}: {number}</span></li>"
