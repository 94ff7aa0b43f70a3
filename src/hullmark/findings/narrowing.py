"""Which findings of a report are shown: what people and suppliers said of flaws beforehand, then what a reader asks for.

A scan and a stored report are narrowed by the same code, so that a filter means the same wherever it is asked for.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hullmark.findings.baseline import Baseline
from hullmark.findings.issues import Issue, every, is_keyed, issue_of, keys, shown, taken_out
from hullmark.findings.issues import worst_first as worst_issue_first
from hullmark.findings.sameness import Flaw, flaw_of, flaws_of, shared
from hullmark.findings.suppression import KERNEL_HEADERS, Outcome, applied, is_headers, may_suppress
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.facts import SYSTEM
from hullmark.model.fingerprint import repository
from hullmark.model.globs import fits_any
from hullmark.model.report import (
    Component,
    Coverage,
    Finding,
    Misconfiguration,
    Report,
    SecretFinding,
    Summary,
    Suppressed,
    Suppression,
    is_unchecked,
    package_type,
)


class KnownReport(Struct, frozen=True):
    """What one report has: its flaws with their other ids, and its issues, with the id of the key for its secrets."""

    flaws: dict[Flaw, frozenset[str]]
    secrets_key: str = ""
    issues: tuple[Issue, ...] = ()


class Known(Struct, frozen=True):
    """What was there before, in the image or file that `name` names: of each report there all that it has, suppressed or not."""

    name: str
    reports: tuple[Report, ...]

    def to(self, report: Report) -> tuple[KnownReport, ...]:
        """Give what this report is compared with."""
        return tuple(map(_known, counterparts(self.reports, report)))


def _known(report: Report) -> KnownReport:
    findings = (*report.findings, *(each.finding for each in report.suppressed))
    return KnownReport(flaws_of(findings), report.secrets_key, tuple(every(report)))


def counterparts(reports: Sequence[Report], report: Report) -> list[Report]:
    """Give those of several reports that are of this one's platform and repository; where none is, all of the platform, else all.

    What another platform or image has is no excuse for a flaw that is new in this one.
    """
    found = list(reports)
    for mark in (_platform, _repository):
        found = [each for each in found if mark(each) == mark(report)] or found
    return found


def _platform(report: Report) -> str:
    return str(report.image.platform) if report.image is not None else ""


def _repository(report: Report) -> str:
    return repository(report.image.name) if report.image is not None else ""


class Narrowing(Struct, frozen=True, kw_only=True):
    """Which findings are shown. What is taken out is counted as suppressed, never lost.

    `pkg_types` holds `os` and `library`. `ignore_states` are finding states. `known` takes out what another report has already,
    `baseline` the secrets that are in it.
    """

    severities: tuple[Severity, ...] = ()
    fixable_only: bool = False
    pkg_types: tuple[str, ...] = ()
    ignore_states: tuple[str, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    known: Known | None = None
    baseline: Baseline | None = None


def narrowed(report: Report, asked: Narrowing, skip_paths: Sequence[str] = ()) -> Report:
    """Take out of a report's findings, secrets and misconfigurations what the statements and filters say; what was taken out before stays so.

    The severities come last: what only they hide still counts for a gate, so statements and filters are about that too.
    """
    before = asked.known.to(report) if asked.known is not None else ()
    hidden = {id(entry.finding): entry for entry in report.suppressed if entry.gated}
    counted = (*report.findings, *(entry.finding for entry in hidden.values()))
    issues = _Issues(report, asked, skip_paths, before)
    outcome = applied(replace(report, findings=counted), asked.suppressions, issues.every)
    components = {component.id: component for component in report.packages}
    every_one = (*counted, *(entry.finding for entry in report.suppressed))
    known = frozenset(flaw for one in before for flaw in shared(one.flaws, every_one))
    shown: list[Finding] = []
    suppressed = [*(entry for entry in report.suppressed if not entry.gated), *outcome.suppressed]
    for finding in outcome.left:
        reason, gated = _reason(finding, components.get(finding.component), asked, known)
        if id(finding) in hidden and (gated or not reason):
            suppressed.append(hidden[id(finding)])
        elif reason:
            suppressed.append(Suppressed(reason, finding, gated))
        else:
            shown.append(finding)
    coverage = _coverage(report, asked.pkg_types)
    report = issues.narrowed(outcome)
    return replace(
        report,
        incomplete=is_incomplete(report, coverage),
        coverage=coverage,
        summary=_summary(report, shown),
        findings=tuple(sorted(shown, key=worst_first)),
        suppressed=tuple(sorted(suppressed, key=lambda entry: (entry.reason, worst_first(entry.finding)))),
        suppressions=outcome.suppressions,
    )


def _reason(
    finding: Finding, component: Component | None, asked: Narrowing, known: Collection[Flaw]
) -> tuple[str, bool]:
    """Say which filter takes a finding out, if one does, and whether a gate counts it all the same.

    What no filter may take out is always shown. A fix that is an attack counts as one: whoever asks for what can be fixed must
    learn of it.
    """
    if not may_suppress(finding):
        return "", False
    kind = package_type(component.ecosystem) if component is not None else "os"
    no_fix = not finding.fixed_version and not finding.fix_is_malicious
    filters = (
        (bool(known) and flaw_of(finding) in known, f"--new-since {asked.known.name if asked.known else ''}"),
        (component is not None and _is_headers(component), KERNEL_HEADERS),
        (asked.pkg_types and kind not in asked.pkg_types, f"--pkg-types {','.join(asked.pkg_types)}"),
        (asked.fixable_only and no_fix, "--fixable-only"),
        (finding.state in asked.ignore_states, f"--ignore-status {finding.state}"),
    )
    reason = next((words for takes, words in filters if takes), "")
    if not reason and asked.severities and finding.severity not in asked.severities:
        return f"--severity {','.join(asked.severities)}", True
    return reason, False


class _Issues:
    """The secrets and misconfigurations of a report while they are narrowed. Filters that are about packages are none for them."""

    def __init__(
        self, report: Report, asked: Narrowing, skip_paths: Sequence[str], before: Sequence[KnownReport]
    ) -> None:
        self._report = report
        self._asked = asked
        self._hidden = {
            id(said): each for each in report.silenced if each.gated and (said := each.secret or each.config)
        }
        hidden = (said for each in self._hidden.values() if (said := each.secret or each.config))
        self.every = [*shown(report), *map(issue_of, hidden)]
        self._is_skipped = fits_any(skip_paths)
        self._known = self._known_issues(before)
        if asked.baseline is not None:
            asked.baseline.check(report.secrets_key)

    def _known_issues(self, before: Sequence[KnownReport]) -> set[int]:
        """Give the objects that another report has already."""
        found: set[int] = set()
        for one in before:
            keyed = is_keyed(one.secrets_key, self._report.secrets_key)
            there = {name for name, _ in keys(one.issues, keyed=keyed)}
            own = keys(every(self._report), keyed=keyed)
            found |= {id(issue.said) for name, issue in own if name in there}
        return found

    def narrowed(self, outcome: Outcome) -> Report:
        """Give the report with those that are left after the statements and the filters."""
        kept = [each for each in self._report.silenced if id(each.secret or each.config) not in self._hidden]
        kept += outcome.silenced
        left: list[Issue] = []
        for issue in outcome.issues:
            reason, gated = self._reason(issue)
            before = self._hidden.get(id(issue.said))
            if before is not None and (gated or not reason):
                kept.append(before)
            elif reason:
                kept.append(taken_out(issue, reason, gated=gated))
            else:
                left.append(issue)
        left.sort(key=worst_issue_first)
        secrets = tuple(said for issue in left if isinstance(said := issue.said, SecretFinding))
        config = tuple(said for issue in left if isinstance(said := issue.said, Misconfiguration))
        order = sorted(
            kept, key=lambda each: (each.reason, each.path, each.line, each.rule, each.fingerprint)
        )
        return replace(self._report, secrets=secrets, config=config, silenced=tuple(order))

    def _reason(self, issue: Issue) -> tuple[str, bool]:
        asked = self._asked
        is_file = issue.layer >= 0 or self._report.image is None
        if is_file and self._is_skipped(issue.file.lstrip("/")):
            return "--skip-path", False
        if asked.baseline is not None and (issue.rule, issue.fingerprint) in asked.baseline.secrets:
            return f"--baseline {asked.baseline.name}", False
        if asked.known is not None and id(issue.said) in self._known:
            return f"--new-since {asked.known.name}", False
        if asked.severities and issue.severity not in asked.severities:
            return f"--severity {','.join(asked.severities)}", True
        return "", False


def _is_headers(component: Component) -> bool:
    return component.ecosystem in SYSTEM and is_headers(component.name, component.source or component.name)


def worst_first(finding: Finding) -> tuple[object, ...]:
    """Give what findings are sorted by."""
    return (
        SEVERITY_RANK[finding.severity],
        finding.kind != "malicious",
        finding.kev is None,
        -(finding.epss.probability if finding.epss else 0.0),
        not finding.fixed_version,
        finding.name,
        finding.version,
        finding.id,
        finding.component,
    )


def _coverage(report: Report, pkg_types: Collection[str]) -> Coverage:
    """Say what was checked of the packages that are asked for."""
    coverage = report.coverage
    if not pkg_types:
        return coverage
    asked = tuple(pkg_types)
    return replace(
        coverage,
        not_checked=sum(is_unchecked(component, asked) for component in report.packages),
        pkg_types=asked,
        release="" if "os" not in asked else coverage.release,
        dev_unchecked=0 if "library" not in asked else coverage.dev_unchecked,
    )


def is_incomplete(report: Report, coverage: Coverage) -> bool:
    """Tell whether anything could not be read or was not checked."""
    return (
        bool(report.errors)
        or coverage.not_checked > 0
        or coverage.dev_unchecked > 0
        or coverage.release == "feed_missing"
    )


def _summary(report: Report, findings: Sequence[Finding]) -> Summary:
    bases = Counter(finding.from_base for finding in findings)
    return replace(
        report.summary,
        findings=len(findings),
        by_severity=by_severity(findings),
        fixable=sum(bool(finding.fixed_version) and finding.kind != "end_of_life" for finding in findings),
        from_base=bases[True],
        from_own_layers=bases[False],
        unattributed=bases[None],
        secrets=by_severity(report.secrets),
        config=by_severity(report.config),
    )


def by_severity(found: Iterable[Finding | SecretFinding | Misconfiguration]) -> dict[str, int]:
    """Give the numbers of each severity, zeros too."""
    levels = Counter(each.severity for each in found)
    return {str(level): levels[level] for level in Severity}
