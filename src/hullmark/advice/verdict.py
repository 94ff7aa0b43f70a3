"""What a report comes to, in sentences that every format for people says alike.

The words are the report's own and as hostile as the image: whoever shows them escapes them first. Only `Verdict.text` and what is said
of packages that were not checked hold no word of an image but the names of ecosystems.
"""

import shlex
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from hullmark.advice.removal import REMOVE
from hullmark.model.advisory import Severity
from hullmark.model.facts import Unread
from hullmark.model.report import CHECKED, Finding, Report

STATES = {
    "fixed_available": "fixed",
    "affected": "no known fix",
    "will_not_fix": "will not be fixed",
    "end_of_life": "end of life",
    "under_investigation": "under investigation",
    "undecided": "versions could not be ordered",
}
"""What a finding's state says of a fix, where there is no version that has one."""
_COVERAGE = {
    "no_feed": "no feed speaks for them",
    "feed_missing": "their feed is not in the database",
    "feed_stale": "checked against stale advisories",
    "release_unknown": "the release is not known",
    "release_eol": "the release is past its end of life",
}
_RELEASE = {
    "feed_missing": "whether the release is past its end of life: no end-of-life dates are in the database",
    "no_feed": "whether the release is past its end of life is not known",
}
_UNREAD = {
    "layer": "layer",
    "package_database": "package database",
    "file": "file",
    "record": "record",
}
_STORES = {"docker-daemon": "docker:", "podman": "podman:", "containerd": "containerd:"}
"""Places on a machine, and the prefix without which an image's name means a registry's."""


class Verdict(Struct, frozen=True):
    """`text` says what was found and what a gate would make of it; `command`, where there is one, would show it."""

    text: str
    command: str = ""


class Gap(Struct, frozen=True):
    """What was not checked: packages of these ecosystems, or the release itself. `checked` ones were, but not as well as they should be."""

    what: str
    reason: str
    packages: int = 0
    checked: bool = False

    def __str__(self) -> str:
        """Give the line that says so."""
        return (
            f"{amount(self.packages, 'package')} ({self.what}): {self.reason}"
            if self.packages
            else self.reason
        )


def amount(count: int, what: str) -> str:
    """Give a number with its noun, in the plural where it is not one."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def counts(by_severity: dict[str, int]) -> str:
    """Give the numbers of findings, worst first; those of which there are none are not named."""
    return ", ".join(f"{by_severity[level]} {level}" for level in Severity if by_severity.get(level))


def is_matched(report: Report) -> bool:
    """Tell whether vulnerabilities were looked for at all."""
    return "vuln" in report.coverage.scanners


def is_none_checked(report: Report) -> bool:
    """Tell whether there are packages and not one of them was compared with advisories."""
    return bool(report.packages) and not any(c.coverage in CHECKED for c in report.packages)


def shown(report: Report, *, suppressed: bool) -> list[tuple[Finding, str]]:
    """Give the findings, and where they are asked for those taken out, each of these with the reason."""
    found = [(finding, "") for finding in report.findings]
    if suppressed:
        found += [(each.finding, each.reason or "suppressed") for each in report.suppressed]
    return found


def fix(finding: Finding) -> str:
    """Say in a few words what to do about one finding."""
    if finding.kind == "end_of_life":
        return f"upgrade to {finding.fixed_version}" if finding.fixed_version else "upgrade the release"
    if finding.kind == "malicious":
        return "remove, rotate credentials"
    return f"fixed in {finding.fixed_version}" if finding.fixed_version else STATES[finding.state]


def not_checked(report: Report) -> Iterator[Gap]:
    """Say which packages were not compared with advisories, or not with fresh ones, and why."""
    states: Counter[str | None] = Counter(component.coverage for component in report.packages)
    for state, words in _COVERAGE.items():
        if states[state]:
            ecosystems = sorted({c.ecosystem for c in report.packages if c.coverage == state})
            yield Gap(", ".join(ecosystems), words, states[state], state in CHECKED)
    if report.coverage.release in _RELEASE:
        yield Gap("release", _RELEASE[report.coverage.release])


def unread_counts(report: Report) -> str:
    """Say how much could not be read; several things may be wrong with one layer or database."""
    things = {
        (e.kind, e.layer, e.path, "" if e.kind in {"layer", "package_database"} else (e.place, e.reason))
        for e in report.errors
    }
    kinds: Counter[str] = Counter(kind for kind, *_ in things)
    return ", ".join(amount(kinds[kind], words) for kind, words in _UNREAD.items() if kinds[kind])


def unread_place(unread: Unread) -> str:
    """Say what could not be read and where it is."""
    where = " ".join(part for part in (unread.layer[:19], unread.path, unread.place) if part)
    return where if where.startswith(f"{unread.kind} ") else f"{_UNREAD[unread.kind]} {where}".rstrip()


def not_shown(report: Report) -> str:
    """Say how many findings were taken out and by what, nothing where none were."""
    if not report.suppressed:
        return ""
    reasons = Counter(
        report.suppressions[each.by].source if each.by >= 0 else each.reason for each in report.suppressed
    )
    said = ", ".join(f"{count} by {reason}" for reason, count in sorted(reasons.items()))
    return f"{amount(len(report.suppressed), 'finding')} not shown: {said}"


def left_out(report: Report) -> Iterator[str]:
    """Say what was passed over on purpose."""
    coverage = report.coverage
    if coverage.dev_packages:
        unchecked = coverage.dev_unchecked
        yield (
            f"left out of lock files: {amount(coverage.dev_packages, 'development package')} (--include-dev)"
            + (
                f"; {unchecked} not checked for malicious ones: their feed is not in the database"
                if unchecked
                else ""
            )
        )
    if coverage.skipped_files:
        yield f"{amount(coverage.skipped_files, 'file')} passed over by --skip-path"


def verdict(report: Report) -> Verdict:
    """Say what was found, and which gate would fail; what is not shown but counts for a gate is part of that."""
    if not is_matched(report):
        return Verdict(f"{amount(len(report.packages), 'package')}; no vulnerabilities were looked for")
    hidden = [suppressed.finding for suppressed in report.suppressed if suppressed.gated]
    levels = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    found = {finding.severity for finding in (*report.findings, *hidden)}
    gate = next((level for level in levels if level in found), None)
    if is_none_checked(report) and gate is None:
        none = f"none of {amount(len(report.packages), 'package')} was checked"
        return Verdict(f"{none}: hullmark db status shows what the database has")
    if not report.findings:
        unsure = ", but not all of it could be checked" if report.incomplete else ""
        what = "nothing else found" if report.suppressed else "nothing found"
        text = f"{what} in {amount(len(report.packages), 'package')}{unsure}"
        if gate is None:
            return Verdict(text)
    else:
        text = f"{counts(report.summary.by_severity)}; {report.summary.fixable} can be fixed"
        malicious = len({f.component for f in report.findings if f.kind == "malicious"})
        if malicious:
            text += f". {amount(malicious, 'malicious package')}: {REMOVE}"
    if gate is None:
        return Verdict(f"{text}. No gate of --fail-on critical to low would fail")
    if report.image is None or report.image.source == "sbom":
        return Verdict(f"{text}. With --fail-on {gate} this would fail")
    reference = shlex.quote(_STORES.get(report.image.source, "") + report.image.name)
    return Verdict(f"{text}. This would fail: ", f"hullmark scan {reference} --fail-on {gate}")
