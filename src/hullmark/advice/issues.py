"""What to do about a secret or a misconfiguration, and how many there are, in words that all formats share.

Advice on a misconfiguration is its rule's and may name what stands in the image: whoever shows it escapes it first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from hullmark.findings.issues import NAMES, Issue, IssueKind, shown, silenced
from hullmark.model.report import Report, Summary
from hullmark.model.words import amount, counts

_REVOKE = "revoke it"
_INSTEAD = "give it with RUN --mount=type=secret, or when the container runs; ARG and ENV stay in the image"
_MENDS = {
    "file": f"{_REVOKE} and take it out of the image: {_INSTEAD}",
    "deleted_file": f"{_REVOKE}: the layer that has it can still be pulled; build again without it: {_INSTEAD}",
    "environment": f"{_REVOKE} and take it out of the configuration: {_INSTEAD}",
    "label": f"{_REVOKE} and take it out of the labels, which everybody can read",
    "history": f"{_REVOKE}: who can pull the image reads its history; {_INSTEAD}",
    "command": f"{_REVOKE} and take it out of the command: {_INSTEAD}",
    "dockerfile": f"{_REVOKE} and take it out of the file: {_INSTEAD}",
}
_RULES_NAMED = 5


def mend(issue: Issue) -> str:
    """Say what to do, nothing where nobody has said it."""
    if issue.kind == "config":
        return issue.advice
    return _MENDS.get(issue.source, _REVOKE)


def doubt(issue: Issue) -> str:
    """Say how certain a secret is one, nothing where it is beyond doubt."""
    if issue.is_sure:
        return ""
    return f"{issue.confidence} confidence" + (f": {issue.reason}" if issue.reason else "")


def issues_said(report: Report) -> Iterator[str]:
    """Say how many secrets and how many misconfigurations are shown, a clause each."""
    found = shown(report)
    for kind in NAMES:
        some = [issue for issue in found if issue.kind == kind]
        if some:
            yield numbers(kind, some)


def numbers(kind: IssueKind, found: Iterable[Issue]) -> str:
    """Give the number of issues of one kind, by severity; those that are not certain are counted apart."""
    every = list(found)
    sure = [issue for issue in every if issue.is_sure]
    unsure = len(every) - len(sure)
    if not sure:
        return amount(unsure, f"uncertain {NAMES[kind]}")
    levels = Counter(str(issue.severity) for issue in sure)
    if len(levels) == 1:
        said = amount(len(sure), f"{sure[0].severity} {NAMES[kind]}")
    else:
        said = f"{amount(len(sure), NAMES[kind])}: {counts(levels)}"
    return said + f" ({unsure:,} not certain beside)" * bool(unsure)


def silenced_said(report: Report) -> str:
    """Say how many secrets and misconfigurations were taken out and by what, nothing where none were."""
    if not report.silenced:
        return ""
    reasons: Counter[str] = Counter()
    for each in report.silenced:
        told = report.suppressions
        reasons[told[each.by].source if 0 <= each.by < len(told) else each.reason] += 1
    kinds = Counter(issue.kind for issue, _ in silenced(report))
    what = " and ".join(amount(kinds[kind], name) for kind, name in NAMES.items() if kinds[kind])
    return f"{what} not shown: {taken_by(reasons)}"


def taken_by(reasons: Mapping[str, int]) -> str:
    """Say how many were taken out by what; what a baseline has was there before."""
    return ", ".join(
        f"{count:,} {'was' if count == 1 else 'were'} there before ({reason})"
        if reason.startswith("--new-since ")
        else f"{count:,} by {reason}"
        for reason, count in sorted(reasons.items())
    )


def placed(issue: Issue) -> str:
    """Give file, line and column as compilers do."""
    places = [str(number) for number in (issue.line, issue.column * bool(issue.line)) if number]
    return ":".join([issue.file, *places])


def from_base(found: Sequence[Issue]) -> str:
    """Say in one line what came with the base image, which nobody mends here."""
    rules = list(dict.fromkeys(issue.rule for issue in found))
    more = f" and {len(rules) - _RULES_NAMED} more" if len(rules) > _RULES_NAMED else ""
    return f"from the base image: {numbers('config', found)} ({', '.join(rules[:_RULES_NAMED])}{more})"


def totals(summary: Summary) -> list[str]:
    """Give the numbers of secrets and misconfigurations over all images; those of which there are none are not named."""
    both = (("secret", summary.secrets), ("misconfiguration", summary.config))
    return [amount(total, name) for name, levels in both if (total := sum(levels.values()))]
