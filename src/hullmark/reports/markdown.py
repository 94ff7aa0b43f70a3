"""Markdown for pull requests: the verdict, what to upgrade first, what was not checked, and secrets, misconfigurations and findings in folded tables.

Written for GitHub Flavored Markdown 0.29 and GitLab's, both of which know `<details>`. A comment on GitHub takes 65,536 characters:
the least severe findings are left out where there are too many, and counted.
"""

import re
from collections.abc import Iterator, Sequence

from hullmark.advice.action import fix
from hullmark.advice.decisions import exception, failure, headline
from hullmark.advice.decisions import numbers as reasons_said
from hullmark.advice.decisions import shown as first_reasons
from hullmark.advice.issues import doubt, from_base, mend, numbers, placed, silenced_said, totals
from hullmark.advice.removal import REMOVE
from hullmark.advice.upgrades import advised
from hullmark.advice.verdict import (
    is_matched,
    left_out,
    not_checked,
    not_shown,
    searched_for_less,
    shown,
    unread_counts,
    unread_place,
    verdict,
)
from hullmark.findings.aging import claims
from hullmark.findings.issues import NAMES, Issue, IssueKind, issues, silenced, subject
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.look import Look
from hullmark.model.markdown import code, prose
from hullmark.model.report import Finding, Report, ReportSet
from hullmark.model.sbom import flaw_url
from hullmark.model.words import WHOSE, amount, counts, sentence

LIMIT = 60_000
"""Bytes of a whole document; no text has more characters than bytes."""

_KNOWN = re.compile(r"CVE-\d{4}-\d{4,19}|GHSA(?:-[0-9a-z]{4}){3}", re.ASCII)
_HEAD = ("| Finding | Package | Fix | What | Where |", "| --- | --- | --- | --- | --- |")
_ISSUE_HEAD = ("| Severity | Rule | What | Where |", "| --- | --- | --- | --- |")
_ISSUES_SHOWN = 50
_UPGRADES = 10
_REST = 400
_EXAMPLES = 5
_LEAST = 1_500  # bytes for the tables of one image, where there are many


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Render one report, or several one after the other; never more than `LIMIT` bytes."""
    lines = _section(report, look, LIMIT) if isinstance(report, Report) else _several(report, look)
    return ("\n".join(lines) + "\n").encode()


def _several(report: ReportSet, look: Look) -> list[str]:
    found = ", ".join([counts(report.summary.by_severity) or "no findings", *totals(report.summary)])
    scanned = f"{amount(len(report.reports), 'image')} scanned, {len(report.failures)} failed"
    lines = [f"**{scanned}: {amount(report.summary.packages, 'package')}, {found}**"]
    failed = [f"- {code(f.name)}: not scanned: {prose(f.reason)}" for f in report.failures]
    lines += ["", *failed[: 2 * _UPGRADES]] if failed else []
    if len(failed) > 2 * _UPGRADES:
        lines.append(f"- and {amount(len(failed) - 2 * _UPGRADES, 'more image')} not scanned")
    room = LIMIT - _size(lines) - 200
    for number, one in enumerate(report.reports):
        rest = len(report.reports) - number
        section = ["", *_section(one, look, max(room // rest, min(room, _size(_head(one)) + _LEAST)))]
        if _size(section) > room:
            lines += ["", f"{amount(rest, 'more image')} left out for want of room: the JSON report has all."]
            break
        lines += section
        room -= _size(section)
    return lines


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def _section(report: Report, look: Look, limit: int) -> list[str]:
    lines = _head(report)
    most = (limit - _size(lines)) // 3
    for kind in NAMES:
        lines += _issues(report, kind, look, most)
    lines += _tables(report, look, limit - _size(lines))
    return lines


def _head(report: Report) -> list[str]:
    """Say all that must not be left out, which is of bounded length."""
    image = report.image
    lines = []
    if image is not None:
        platform = f" ({prose(str(image.platform))})" if str(image.platform) not in {"", "linux"} else ""
        lines += [f"### Hullmark: {code(image.name)}{platform}", ""]
    elif name := subject(report):
        lines += [f"### Hullmark: {code(name)}", ""]
    said = verdict(report)
    lines.append(f"**{said.text.strip()}**" + (f" {code(said.command, 400)}" if said.command else ""))
    lines += _decision(report)
    lines += _removals(report)
    lines += _upgrades(report)
    notes = list(_notes(report))
    return [*lines, "", *notes] if notes else lines


def _decision(report: Report) -> Iterator[str]:
    decision = report.decision
    if decision is None:
        return
    said = ": ".join(filter(None, (headline(decision), reasons_said(decision))))
    yield from ("", f"**{prose(said)}**", "")
    if told := failure(decision):
        yield f"- {prose(told, _REST)}"
    first, more = first_reasons((reason for reason in decision.reasons), _UPGRADES)
    for reason in first:
        fix = f". {prose(reason.fix, _REST)}" if reason.fix else ""
        yield f"- {reason.level}: {prose(reason.message, _REST)} ({code(reason.rule)}){fix}"
    if more:
        yield f"- and {more:,} more, all in the JSON report"
    first, more = first_reasons(decision.excepted, _EXAMPLES)
    for reason in first:
        yield f"- excepted: {prose(reason.message, _REST)} ({prose(exception(reason), _REST)})"
    if more:
        yield f"- and {more:,} more excepted"


def _removals(report: Report) -> Iterator[str]:
    malicious = list(dict.fromkeys((f.name, f.version) for f in report.findings if f.kind == "malicious"))
    if not malicious:
        return
    yield from ("", "**Malicious: remove first**", "")
    for name, version in malicious[:_UPGRADES]:
        yield f"- {code(f'{name} {version}')}: {REMOVE}"
    if len(malicious) > _UPGRADES:
        yield f"- and {amount(len(malicious) - _UPGRADES, 'more malicious package')}"


def _upgrades(report: Report) -> Iterator[str]:
    found = advised(report)
    if not found:
        return
    yield from ("", "**Upgrade first**", "")
    for line in found[:_UPGRADES]:
        number = f"{line.number}, worst {line.worst}"
        yield f"- {code(line.name)} {prose(line.rest, _REST)}: {number}"
    if len(found) > _UPGRADES:
        yield f"- and {amount(len(found) - _UPGRADES, 'more upgrade')}"


def _notes(report: Report) -> Iterator[str]:
    for gap in not_checked(report):
        yield f"- {prose(str(gap), _REST)}"
    if report.errors:
        yield f"- **incomplete: could not be read: {unread_counts(report)}**"
        for unread in report.errors[:_EXAMPLES]:
            yield f"  - {code(unread_place(unread))}: {prose(unread.reason)}"
        if len(report.errors) > _EXAMPLES:
            yield f"  - and {len(report.errors) - _EXAMPLES} more, all in the JSON report"
    if suppressed := not_shown(report):
        what, _, by = suppressed.partition(": ")
        yield f"- {what}: {prose(by)}"
    if silenced := silenced_said(report):
        what, _, by = silenced.partition(": ")
        yield f"- {what}: {prose(by)}"
    if claimed := claims(report):
        what, _, by = claimed.partition(": ")
        yield f"- {what}: {prose(by, _REST)}"
    for line in filter(None, (*left_out(report), searched_for_less(report))):
        yield f"- {line}"
    if report.image is not None and report.image.base.layers:
        summary = report.summary
        yield (
            f"- {amount(summary.from_base, 'finding')} with the base image {code(report.image.base.name)}, "
            f"{summary.from_own_layers} with this image's own layers"
        )


def _tables(report: Report, look: Look, room: int) -> list[str]:
    """Give a folded table for each severity, as far as there is room; what is left out is counted."""
    if not is_matched(report):
        return []
    told = shown(report, suppressed=look.suppressed)
    groups: dict[tuple[bool, Severity], list[tuple[Finding, str]]] = {}
    for finding, reason in told:
        groups.setdefault((bool(reason), finding.severity), []).append((finding, reason))
    lines: list[str] = []
    written = 0
    room -= 150  # the note below
    for taken_out, level in sorted(groups, key=lambda key: (key[0], SEVERITY_RANK[key[1]])):
        found = groups[taken_out, level]
        what = f"{level}, suppressed" if taken_out else str(level)
        head = ["", "<details>", f"<summary>{what}: {amount(len(found), 'finding')}</summary>", "", *_HEAD]
        tail = ["", "</details>"]
        rest = room - _size(head) - _size(tail)
        rows = list(_fitting(found, rest))
        if not rows:
            break
        lines += [*head, *rows, *tail]
        room = rest - _size(rows)
        written += len(rows)
        if len(rows) < len(found):
            break
    if written < len(told):
        more = amount(len(told) - written, "more finding")
        lines += ["", f"{more} left out for want of room: the JSON report has all."]
    return lines


def _issues(report: Report, kind: IssueKind, look: Look, room: int) -> list[str]:
    """Give the secrets or the misconfigurations, folded; they stand before the findings, which take all the room that is left."""
    found = [issue for issue in issues(report) if issue.kind == kind]
    taken = silenced(report) if look.suppressed else []
    told = [(issue, "") for issue in found if kind == "secret" or not issue.from_base]
    told += [(issue, each.reason or "suppressed") for issue, each in taken if issue.kind == kind]
    if not found and not told:
        return []
    summary = numbers(kind, found) if found else f"no {NAMES[kind]} but what was suppressed"
    lines = ["", "<details>", f"<summary>{summary}</summary>"]
    tail = ["", "</details>"]
    if kind == "secret":
        # Our own words: nothing of an image is in them.
        tail[:0] = ["", *(f"- {sentence(advice)}" for advice in dict.fromkeys(map(mend, found)))]
    elif inherited := [issue for issue in found if issue.from_base]:
        what, _, rules = from_base(inherited).partition(" (")
        tail[:0] = ["", f"- {what}: {prose(rules.removesuffix(')'))}"]
    rows = _fitting_rows(told, room - _size(lines) - _size(tail) - 200)
    if rows:
        lines += ["", *_ISSUE_HEAD, *rows]
    if len(rows) < len(told):
        lines += ["", f"{len(told) - len(rows):,} more left out for want of room: the JSON report has all."]
    return [*lines, *tail]


def _fitting_rows(told: Sequence[tuple[Issue, str]], room: int) -> list[str]:
    rows: list[str] = []
    for issue, reason in told[:_ISSUES_SHOWN]:
        row = _issue_row(issue, reason)
        room -= _size([row])
        if room < 0:
            break
        rows.append(row)
    return rows


def _issue_row(issue: Issue, reason: str) -> str:
    words = [prose(doubt(issue), 120), prose(issue.message, 120)]
    if issue.count > 1:
        words.append(f"{issue.count:,} places")
    if issue.source == "deleted_file":
        words.append("a later layer hides it")
    if issue.kind == "config":
        words.append(prose(issue.advice, 160))
    if reason:
        words.append(f"suppressed: {prose(reason, 120)}")
    level = f"**{issue.severity}**" if issue.severity in {"critical", "high"} else str(issue.severity)
    layer = f"layer {issue.layer}" if issue.layer >= 0 else ""
    where = ", ".join(filter(None, (WHOSE[issue.from_base], layer, code(placed(issue), 120))))
    return f"| {level} | {code(issue.rule, 60)} | {'; '.join(filter(None, words))} | {where} |"


def _fitting(found: Sequence[tuple[Finding, str]], room: int) -> Iterator[str]:
    for finding, reason in found:
        row = _row(finding, reason)
        room -= _size([row])
        if room < 0:
            return
        yield row


def _row(finding: Finding, reason: str) -> str:
    name = code(finding.id, 60)
    if _KNOWN.fullmatch(finding.id):
        name = f"[{name}]({flaw_url(finding)})"
    words = []
    if finding.kind == "malicious":
        words.append("**malicious**")
    if finding.kev is not None:
        words.append("**exploited (KEV)**")
    if finding.epss is not None:
        words.append(f"EPSS {finding.epss.probability:.1%}")
    words.append(prose(finding.title or finding.details, 120))
    if reason:
        words.append(f"suppressed: {prose(reason, 120)}")
    if finding.kind == "malicious" or not finding.fixed_version or finding.kind == "end_of_life":
        advice = prose(fix(finding, brief=True), 80)
    else:
        advice = code(finding.fixed_version, 60)
    cells = (
        name,
        code(f"{finding.name} {finding.version}", 100),
        advice,
        "; ".join(filter(None, words)),
        _where(finding),
    )
    return f"| {' | '.join(cells)} |"


def _where(finding: Finding) -> str:
    if not finding.locations:
        return ""
    place = finding.locations[0]
    layer = f"layer {place.layer}" if place.layer >= 0 else ""
    more = len(finding.locations) - 1
    also = f" and {amount(more, 'more place')}" if more else ""
    return ", ".join(filter(None, (WHOSE[finding.from_base], layer, code(place.path, 80)))) + also
