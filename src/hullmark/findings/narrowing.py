"""Which findings of a report are shown: what people and suppliers said of flaws beforehand, then what a reader asks for.

A scan and a stored report are narrowed by the same code, so that a filter means the same wherever it is asked for.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hullmark.findings.sameness import Flaw, flaw_of, shared
from hullmark.findings.suppression import KERNEL_HEADERS, applied, is_headers, may_suppress
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.facts import SYSTEM
from hullmark.model.report import (
    Component,
    Coverage,
    Finding,
    Report,
    Summary,
    Suppressed,
    Suppression,
    is_unchecked,
    package_type,
)


class Known(Struct, frozen=True):
    """The flaws of another report, that of `name`, with their other ids."""

    name: str
    flaws: dict[Flaw, frozenset[str]]


class Narrowing(Struct, frozen=True, kw_only=True):
    """Which findings are shown. What is taken out is counted as suppressed, never lost.

    `pkg_types` holds `os` and `library`. `ignore_states` are finding states. `known` takes out what another report has already.
    """

    severities: tuple[Severity, ...] = ()
    fixable_only: bool = False
    pkg_types: tuple[str, ...] = ()
    ignore_states: tuple[str, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    known: Known | None = None


def narrowed(report: Report, asked: Narrowing) -> Report:
    """Take out of a report's findings what the statements and filters say; what was taken out before stays so.

    The severities come last: what only they hide still counts for a gate, so statements and filters are about that too.
    """
    hidden = {id(entry.finding): entry for entry in report.suppressed if entry.gated}
    counted = (*report.findings, *(entry.finding for entry in hidden.values()))
    outcome = applied(replace(report, findings=counted), asked.suppressions)
    components = {component.id: component for component in report.packages}
    known = (
        shared(asked.known.flaws, (*counted, *(entry.finding for entry in report.suppressed)))
        if asked.known is not None
        else frozenset()
    )
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
    levels = Counter(finding.severity for finding in findings)
    bases = Counter(finding.from_base for finding in findings)
    return replace(
        report.summary,
        findings=len(findings),
        by_severity={str(level): levels[level] for level in Severity},
        fixable=sum(bool(finding.fixed_version) and finding.kind != "end_of_life" for finding in findings),
        from_base=bases[True],
        from_own_layers=bases[False],
        unattributed=bases[None],
    )
