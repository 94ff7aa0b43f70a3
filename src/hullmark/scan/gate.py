"""The gate of `--fail-on`: which findings make a scan fail, and what keeps its answer from being whole."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from hullmark.findings.issues import NAMES, counted, subject
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.errors import UsageError
from hullmark.model.report import Report, is_unchecked

_KINDS = ("vuln", "secret", "config")


class Gate(Struct, frozen=True):
    """For each kind of finding the severities that fail; `named` are the kinds that the gate spells out."""

    levels: dict[str, frozenset[Severity]]
    named: frozenset[str] = frozenset()

    @property
    def on_packages(self) -> bool:
        """Tell whether the gate is about vulnerabilities, so that packages which nobody checked keep its answer open."""
        return bool(self.levels.get("vuln"))

    def over(self, report: Report) -> list[str]:
        """Say for each severity how many vulnerabilities, secrets and misconfigurations are over the gate; nothing when none is.

        Malicious packages are over every gate, whatever severities and kinds it names. Of secrets those alone count that are certain.
        """
        flaws: Counter[Severity] = Counter()
        malicious = 0
        hidden = (suppressed.finding for suppressed in report.suppressed if suppressed.gated)
        for finding in (*report.findings, *hidden):
            if finding.kind == "malicious":
                malicious += 1
            elif finding.severity in self.levels.get("vuln", frozenset()):
                flaws[finding.severity] += 1
        issues: Counter[tuple[str, Severity]] = Counter(
            (issue.kind, issue.severity)
            for issue in counted(report)
            if issue.severity in self.levels.get(issue.kind, frozenset())
        )
        words = [f"{malicious} malicious"] * bool(malicious)
        words += [f"{flaws[level]} {level}" for level in Severity if flaws[level]]
        words += [
            _number(issues[kind, level], f"{level} {name}")
            for kind, name in NAMES.items()
            for level in Severity
            if issues[kind, level]
        ]
        return [f"{_name(report)}over the gate: {', '.join(words)}"] if words else []

    def not_looked_for(self, report: Report, asked: Iterable[str]) -> list[str]:
        """Say which kinds the gate relies on and no scanner looked for: those that it or `--scanners` (`asked`) names.

        A bare severity is for whatever is looked for.
        """
        relied = (self.named | set(asked)) & self.levels.keys()
        name = _name(report)
        ran = report.coverage.scanners
        if not ran and not relied:  # as in a stored report, which does not tell what was asked for
            return [f"{name}not checked: no scanner ran"]
        return [
            f"{name}not checked: no {kind} scanner ran"
            for kind in _KINDS
            if kind in relied and kind not in ran
        ]


def parse_gate(text: str) -> Gate | None:
    """Read a `--fail-on` text: `high`, `critical,unknown`, `vuln:critical,secret:high`. Empty: no gate.

    A severity means itself and all that is worse; 'unknown' means only itself.
    """
    if not text:
        return None
    words = [word.strip().lower() for word in text.split(",") if word.strip()] or [text]
    levels: dict[str, set[Severity]] = {}
    named: set[str] = set()
    for word in words:
        kind, colon, level = word.rpartition(":")
        if (colon and kind not in _KINDS) or level not in set(Severity):
            raise UsageError(
                f"--fail-on does not understand {word!r}",
                hint=f"severities: {', '.join(Severity)}; kinds: {', '.join(_KINDS)}",
            )
        named.update((kind,) if colon else ())
        for name in (kind,) if colon else _KINDS:
            levels.setdefault(name, set()).update(_at_least(Severity(level)))
    return Gate({name: frozenset(found) for name, found in levels.items()}, frozenset(named))


def _at_least(level: Severity) -> Iterable[Severity]:
    if level is Severity.UNKNOWN:
        return (level,)
    return (other for other in Severity if SEVERITY_RANK[other] <= SEVERITY_RANK[level])


def incomplete(report: Report, *, relies: bool, strict: bool) -> list[str]:
    """Say what a gate (`relies`) or `--fail-on-incomplete` (`strict`) must not overlook."""
    name = _name(report)
    found = []
    for kind, words in (("layer", "layer"), ("package_database", "package database")):
        # Several things may be wrong with one of them.
        count = len({(unread.layer, unread.path) for unread in report.errors if unread.kind == kind})
        if count:
            found.append(f"{name}{_number(count, words)} could not be read")
    if relies:
        states: dict[str, int] = {}
        asked = report.coverage.pkg_types
        for component in report.packages:
            if is_unchecked(component, asked):
                state = str(component.coverage)
                states[state] = states.get(state, 0) + 1
        found += [
            f"{name}{_number(count, 'package')} not checked ({state})"
            for state, count in sorted(states.items())
        ]
        if report.coverage.dev_unchecked:
            unchecked = _number(report.coverage.dev_unchecked, "development package")
            found.append(f"{name}{unchecked} not checked for malicious ones (feed_missing)")
        if report.coverage.release == "feed_missing":
            found.append(f"{name}the database has no end-of-life dates, so the release was not checked")
    if strict:
        count = sum(report.summary.unread.get(kind, 0) for kind in ("file", "record"))
        if count:
            found.append(f"{name}{_number(count, 'file or record', 'files or records')} could not be read")
    return found


def refusals(report: Report) -> list[str]:
    """Say that a policy denies, in one line; nothing where none does."""
    decision = report.decision
    if decision is None or decision.verdict != "deny":
        return []
    denied = [reason for reason in decision.reasons if reason.level == "deny"]
    said = [_number(len(denied), "reason")] if denied else []
    if decision.error:
        said.append(f"a policy could not be evaluated: {decision.error}")
    return [f"{_name(report)}denied by {', '.join(decision.policies)}: {'; '.join(said)}"]


def _name(report: Report) -> str:
    """Name what it is about, with a colon; nothing where there is nothing to name."""
    name = subject(report)
    return f"{name}: " if name else ""


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
