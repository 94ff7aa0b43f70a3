"""What a report comes to, in sentences that every format for people says alike.

The words are the report's own and as hostile as the image: whoever shows them escapes them first. Only `Verdict.text` and what is said
of packages that were not checked hold no word of an image but the names of ecosystems.
"""

import shlex
from collections import Counter
from collections.abc import Collection, Iterator

from msgspec import Struct

from hullmark.advice.issues import issues_said, taken_by
from hullmark.advice.removal import REMOVE
from hullmark.findings.issues import counted
from hullmark.model.advisory import Severity
from hullmark.model.facts import Unread
from hullmark.model.report import CHECKED, Component, Finding, Report, package_type
from hullmark.model.sbom_flaws import statement_on
from hullmark.model.words import COVERAGE, RELEASE, UNREAD, amount, counts

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
        about = f"{amount(self.packages, 'package')} ({self.what}): " if self.packages else ""
        return f"{'' if self.checked else 'not checked: '}{about}{self.reason}"


def is_matched(report: Report) -> bool:
    """Tell whether vulnerabilities were looked for at all."""
    return "vuln" in report.coverage.scanners


def asked(report: Report) -> list[Component]:
    """Give the packages that should be checked: all, or those of the types that were asked for (--pkg-types)."""
    types = report.coverage.pkg_types
    return [each for each in report.packages if not types or package_type(each.ecosystem) in types]


def is_none_checked(report: Report) -> bool:
    """Tell whether there are packages to check and not one of them was compared with advisories."""
    packages = asked(report)
    return bool(packages) and not any(each.coverage in CHECKED for each in packages)


def shown(report: Report, *, suppressed: bool) -> list[tuple[Finding, str]]:
    """Give the findings, and where they are asked for those taken out, each of these with the reason."""
    found = [(finding, "") for finding in report.findings]
    if suppressed:
        found += [(each.finding, each.reason or "suppressed") for each in report.suppressed]
    return found


def not_checked(report: Report) -> Iterator[Gap]:
    """Say which packages were not compared with advisories, or not with fresh ones, and why."""
    groups: dict[str | None, Counter[str]] = {}
    for component in asked(report):
        groups.setdefault(component.coverage, Counter())[component.ecosystem] += 1
    for state, words in COVERAGE.items():
        if found := groups.get(state):
            yield Gap(", ".join(sorted(found)), words, found.total(), state in CHECKED)
    if report.coverage.release in RELEASE:
        yield Gap("release", RELEASE[report.coverage.release])


def unread_counts(report: Report) -> str:
    """Say how much could not be read; several things may be wrong with one layer or database."""
    things = {
        (e.kind, e.layer, e.path, "" if e.kind in {"layer", "package_database"} else (e.place, e.reason))
        for e in report.errors
    }
    kinds: Counter[str] = Counter(kind for kind, *_ in things)
    return ", ".join(amount(kinds[kind], words) for kind, words in UNREAD.items() if kinds[kind])


def unread_place(unread: Unread) -> str:
    """Say what could not be read and where it is."""
    where = " ".join(part for part in (unread.layer[:19], unread.path, unread.place) if part)
    return where if where.startswith(f"{unread.kind} ") else f"{UNREAD[unread.kind]} {where}".rstrip()


def not_shown(report: Report) -> str:
    """Say how many findings were taken out and by what, nothing where none were."""
    if not report.suppressed:
        return ""
    reasons: Counter[str] = Counter()
    for each in report.suppressed:
        said = statement_on(report, each)
        reasons[said.source if said is not None else each.reason] += 1
    return f"{amount(len(report.suppressed), 'finding')} not shown: {taken_by(reasons)}"


def left_out(report: Report) -> Iterator[str]:
    """Say what was passed over on purpose."""
    coverage = report.coverage
    if coverage.dev_packages:
        unchecked = coverage.dev_unchecked
        yield (
            f"left out of lock files: {amount(coverage.dev_packages, 'development package')} (--include-dev)"
            + (
                f"; {unchecked:,} not checked for malicious ones: their feed is not in the database"
                if unchecked
                else ""
            )
        )
    if coverage.skipped_files:
        yield f"{amount(coverage.skipped_files, 'file')} passed over by --skip-path"


def searched_for_less(report: Report) -> str:
    """Say in how many files not all secrets were looked for, nothing where there are none."""
    count = report.coverage.binary_files
    return (
        f"{amount(count, 'binary file')} searched only for private keys and for tokens of unmistakable form"
        if count
        else ""
    )


def is_of_files(report: Report) -> bool:
    """Tell whether files were checked rather than an image, so that there are no packages to speak of."""
    return report.image is None and not report.packages


def verdict(report: Report) -> Verdict:
    """Say what was found, and which gate would fail; what is not shown but counts for a gate is part of that."""
    hidden = [suppressed.finding for suppressed in report.suppressed if suppressed.gated]
    flaws = {finding.severity for finding in (*report.findings, *hidden)}
    gate = _gate({*flaws, *(issue.severity for issue in counted(report))})
    issues = list(issues_said(report))
    head = _of_packages(report, others=bool(issues), flawed=_gate(flaws) is not None)
    text = ". ".join([head, *issues] if head else issues)
    if is_of_files(report):
        return Verdict(text)
    if gate is None:
        none = ". No gate of --fail-on critical to low would fail"
        return Verdict(text + none * bool(issues or (report.findings and is_matched(report))))
    if report.image is None or report.image.source == "sbom":
        return Verdict(f"{text}. With --fail-on {gate} this would fail")
    reference = shlex.quote(_STORES.get(report.image.source, "") + report.image.name)
    return Verdict(f"{text}. This would fail: ", f"hullmark scan {reference} --fail-on {gate}")


def _gate(found: Collection[Severity]) -> Severity | None:
    levels = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    return next((level for level in levels if level in found), None)


def _of_packages(report: Report, *, others: bool, flawed: bool) -> str:
    """Say what was found in packages; `others`: secrets or misconfigurations were, `flawed`: a gate would count something here."""
    packages = amount(len(report.packages), "package")
    if is_of_files(report):
        return "" if others else "nothing else found" if report.silenced else "nothing found"
    if not is_matched(report):
        return f"{packages}; no vulnerabilities were looked for"
    if is_none_checked(report) and not flawed:
        none = f"none of {amount(len(asked(report)), 'package')} was checked"
        spoken_of = any(each.coverage != "no_feed" for each in asked(report))
        why = "hullmark db status shows what the database has" if spoken_of else COVERAGE["no_feed"]
        return f"{none}: {why}"
    if not report.findings:
        unsure = ", but not all of it could be checked" if report.incomplete else ""
        what = "no vulnerabilities found" if others else "nothing found"
        if report.suppressed or (report.silenced and not others):
            what = "no other vulnerabilities found" if others else "nothing else found"
        return f"{what} in {packages}{unsure}"
    text = f"{counts(report.summary.by_severity)}; {report.summary.fixable:,} can be fixed"
    malicious = len({f.component for f in report.findings if f.kind == "malicious"})
    return text + (f". {amount(malicious, 'malicious package')}: {REMOVE}" if malicious else "")
