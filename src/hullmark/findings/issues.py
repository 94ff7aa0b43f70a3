"""Secrets and misconfigurations alike: what they are sorted, counted, found again and taken out by."""

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.report import Misconfiguration, Report, SecretFinding, SecretSource, Silenced
from hullmark.model.rule import Confidence
from hullmark.model.words import amount

IssueKind = Literal["secret", "config"]
NAMES: dict[IssueKind, str] = {"secret": "secret", "config": "misconfiguration"}
_FILES_NAMED = 3
Key = tuple[str, ...]
_CONFIDENCE: tuple[Confidence, ...] = ("high", "medium", "low")


class Issue(Struct, frozen=True, kw_only=True):
    """A secret or a misconfiguration in one form; `said` is what the report holds of it, None where that is little.

    `file` is a file or a field of the configuration. What is at `end_line` and `end_column` is not part of it any more. A misconfiguration
    is always certain.
    """

    kind: IssueKind
    rule: str
    file: str
    severity: Severity = Severity.UNKNOWN
    confidence: Confidence = "high"
    message: str = ""
    advice: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    resource: str = ""
    count: int = 1
    source: SecretSource | Literal[""] = ""
    fingerprint: str = ""
    reason: str = ""
    layer: int = -1
    layer_digest: str = ""
    created_by: str = ""
    from_base: bool | None = None
    same_as: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    said: SecretFinding | Misconfiguration | None = None

    @property
    def is_sure(self) -> bool:
        """Tell whether a gate counts it."""
        return self.confidence == "high"


def issue_of(said: SecretFinding | Misconfiguration) -> Issue:
    """Give what the report holds in the one form."""
    if isinstance(said, SecretFinding):
        return Issue(
            kind="secret",
            rule=said.rule,
            file=said.path,
            severity=said.severity,
            confidence=said.confidence,
            message=said.message,
            line=said.line,
            column=said.column,
            end_line=said.line if said.end_column else 0,
            end_column=said.end_column,
            source=said.source,
            fingerprint=said.fingerprint,
            reason=said.reason,
            layer=said.layer,
            layer_digest=said.layer_digest,
            created_by=said.created_by,
            from_base=said.from_base,
            same_as=said.same_as,
            controls=said.controls,
            said=said,
        )
    return Issue(
        kind="config",
        rule=said.rule,
        file=said.file,
        severity=said.severity,
        message=said.message,
        advice=said.advice,
        line=said.line,
        column=said.column,
        end_line=said.end_line,
        end_column=said.end_column,
        resource=said.resource,
        count=said.count,
        layer=said.layer,
        layer_digest=said.layer_digest,
        created_by=said.created_by,
        from_base=said.from_base,
        same_as=said.same_as,
        controls=said.controls,
        said=said,
    )


def shown(report: Report) -> list[Issue]:
    """Give what is shown, in the report's order."""
    return [*map(issue_of, report.secrets), *map(issue_of, report.config)]


def issues(report: Report) -> list[Issue]:
    """Give what is shown, worst first."""
    return sorted(shown(report), key=worst_first)


def every(report: Report) -> list[Issue]:
    """Give what is shown and what was taken out, worst first."""
    return sorted([*issues(report), *(issue for issue, _ in silenced(report))], key=worst_first)


def silenced(report: Report) -> list[tuple[Issue, Silenced]]:
    """Give what was taken out, worst first."""
    found = [(_silenced_issue(each), each) for each in report.silenced]
    return sorted(found, key=lambda one: (worst_first(one[0]), one[1].reason))


def _silenced_issue(each: Silenced) -> Issue:
    whole = each.secret or each.config
    if whole is not None:
        return issue_of(whole)
    return Issue(
        kind="secret" if each.fingerprint else "config",
        rule=each.rule,
        file=each.path,
        line=each.line,
        message=each.rule,
        fingerprint=each.fingerprint,
    )


def counted(report: Report) -> Iterator[Issue]:
    """Give what a gate counts: what is certain, shown or only hidden."""
    hidden = [said for each in report.silenced if each.gated and (said := each.secret or each.config)]
    yield from (issue for issue in (*shown(report), *map(issue_of, hidden)) if issue.is_sure)


def taken_out(issue: Issue, reason: str, *, gated: bool = False, by: int = -1) -> Silenced:
    """Give what says that an issue was taken out."""
    said = issue.said
    return Silenced(
        reason,
        issue.rule,
        issue.file,
        issue.line,
        issue.fingerprint,
        gated,
        by,
        said if isinstance(said, SecretFinding) else None,
        said if isinstance(said, Misconfiguration) else None,
    )


def worst_first(issue: Issue) -> tuple[object, ...]:
    """Give what issues are sorted by."""
    return (
        SEVERITY_RANK[issue.severity],
        issue.kind != "secret",
        _CONFIDENCE.index(issue.confidence),
        issue.from_base is True,
        issue.file,
        issue.line,
        issue.column,
        issue.rule,
        issue.resource,
        issue.fingerprint,
    )


def subject(report: Report) -> str:
    """Name what a report is of: the image, else the files that something was found in. The words are hostile."""
    if report.image is not None:
        return report.image.name
    files = list(dict.fromkeys(issue.file for issue in shown(report) if issue.file))
    more = len(files) - _FILES_NAMED
    return ", ".join(sorted(files)[:_FILES_NAMED]) + (f" and {amount(more, 'more file')}" if more > 0 else "")


def key_of(issue: Issue, *, keyed: bool) -> Key:
    """Give what an issue is the same by in another image or at another time.

    A secret's fingerprint tells something only where both were made with one key (`keyed`).
    """
    if issue.kind == "secret":
        return "secret", issue.rule, issue.file, issue.fingerprint if keyed else ""
    return "config", issue.rule, issue.file, issue.resource


def keys(found: Iterable[Issue], *, keyed: bool) -> Iterator[tuple[Key, Issue]]:
    """Give each issue with its key; those of one rule that nothing else tells apart are numbered in their order."""
    seen: dict[Key, int] = {}
    for issue in found:
        key = key_of(issue, keyed=keyed)
        seen[key] = seen.get(key, 0) + 1
        yield (*key, str(seen[key])), issue


def is_keyed(before: str, after: str) -> bool:
    """Tell whether the fingerprints of two reports can be compared, by the ids of their keys."""
    return bool(before) and before == after
