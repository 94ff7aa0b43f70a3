"""The report for people: what to upgrade first, the findings worst first, and what was not checked."""

from collections.abc import Iterator, Sequence

from hullmark.advice.action import fix
from hullmark.advice.decisions import exception, failure, headline, numbers
from hullmark.advice.decisions import shown as first_reasons
from hullmark.advice.issues import doubt, from_base, issues_said, mend, placed, silenced_said, totals
from hullmark.advice.removal import REMOVE
from hullmark.advice.upgrades import advised
from hullmark.advice.verdict import (
    is_matched,
    left_out,
    not_checked,
    not_shown,
    searched_for_less,
    unread_counts,
    unread_place,
    verdict,
)
from hullmark.findings.aging import notes
from hullmark.findings.issues import Issue, issues, silenced, subject
from hullmark.model.advisory import Severity
from hullmark.model.decision import Decision
from hullmark.model.look import Look
from hullmark.model.report import CHECKED, Component, EcosystemCoverage, Finding, Report, ReportSet
from hullmark.model.sbom_flaws import statement_on
from hullmark.model.words import WHOSE, age, amount, counts, sentence, stands
from hullmark.reports._terminal import BOLD, COLOURS, YELLOW, Text

_UPGRADES_SHOWN = 10
_REASONS_SHOWN = 20
_EXAMPLES = 5
_BEFORE = 14  # columns of indent and severity
_DETAILS = 400


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Render one report, or several one after the other with a summary."""
    if isinstance(report, Report):
        return Text(look).encoded(_Page(report, look).lines())
    text = Text(look)
    lines: list[str] = []
    for one in report.reports:
        lines += [*_Page(one, look).lines(), ""]
    lines += [text.plain(f"{failure.name}: not scanned: {failure.reason}") for failure in report.failures]
    found = counts(report.summary.by_severity) or "no findings"
    found = ", ".join([found, *totals(report.summary)])
    scanned = f"{amount(len(report.reports), 'image')} scanned, {len(report.failures)} failed"
    lines.append(f"{scanned}: {amount(report.summary.packages, 'package')}, {found}")
    return text.encoded(lines)


def decision_lines(decision: Decision, look: Look) -> Iterator[str]:
    """Give what policies decided, and the first of the reasons."""
    text = Text(look)
    yield text.paint(text.plain(": ".join(filter(None, (headline(decision), numbers(decision))))), BOLD)
    if told := failure(decision):
        yield f"  {text.paint(text.plain(told), YELLOW)}"
    for reasons, excepted in ((decision.reasons, False), (decision.excepted, True)):
        some, more = first_reasons(reasons, _REASONS_SHOWN)
        rows = [
            (
                "excepted" if excepted else reason.level,
                reason.rule,
                text.joined([reason.message, exception(reason) if excepted else reason.fix]),
            )
            for reason in some
        ]
        for reason, (level, *cells) in zip(some, text.aligned(rows, (8, 28), whole=True), strict=True):
            colour = "" if excepted else COLOURS[Severity.HIGH] if reason.level == "deny" else YELLOW
            yield f"  {text.paint(level, colour)}  {'  '.join(cells)}".rstrip()
        if more:
            yield f"  and {more:,} more, which the JSON report lists"


class _Page(Text):
    def __init__(self, report: Report, look: Look) -> None:
        super().__init__(look)
        self.report = report
        self.components = {component.id: component for component in report.packages}

    def lines(self) -> Iterator[str]:
        yield from self._head()
        yield from self._removals()
        yield from self._upgrades()
        yield from self._findings()
        yield from self._secrets()
        yield from self._misconfigurations()
        yield from self._suppressed()
        yield from self._coverage()
        yield from self._database()
        yield from self._decision()
        yield from self._last()

    def _head(self) -> Iterator[str]:
        image = self.report.image
        if image is None:
            yield self.paint(self.plain(subject(self.report) or "files"), BOLD)
            return
        yield self.paint(self.plain(image.name), BOLD)
        words = []
        if image.distribution is not None:
            system = (
                image.distribution.pretty_name or f"{image.distribution.id} {image.distribution.version_id}"
            )
            words.append(system + (f" (taken for {image.derived_from})" if image.derived_from else ""))
        elif image.source != "sbom":
            words.append("no distribution")
        if str(image.platform) not in {"", "linux"}:
            words.append(str(image.platform))
        words += [amount(len(self.report.layers), "layer"), amount(len(self.report.packages), "package")]
        if image.digest:
            words.append(image.digest[:19])
        yield self.plain(self.joined(words))
        base = image.base
        for name in base.rejected:
            yield self.plain(f"not its base image: {name} (its layers do not stand at the bottom)")
        if base.layers:
            yield self.plain(
                f"base image: {base.name}, {amount(base.layers, 'layer')} (known by {base.evidence})"
            )
        elif base.evidence == "claimed":
            yield self.plain(f"base image: {base.name} {base.digest[:19]} is claimed by a label, not proven")
        if self.report.findings or self.report.secrets or self.report.config:
            yield self.plain(self.joined(list(self._outcome())))

    def _outcome(self) -> Iterator[str]:
        """Say in short what stands below in full: a screen may end before that."""
        report = self.report
        if report.findings:
            yield f"{amount(len(report.findings), 'finding')}: {counts(report.summary.by_severity)}"
        yield from issues_said(report)
        if unchecked := sum(gap.packages for gap in not_checked(report) if not gap.checked):
            yield f"{amount(unchecked, 'package')} not checked"
        if report.errors:
            yield f"could not be read: {unread_counts(report)}"
        if report.suppressed or report.silenced:
            yield f"{len(report.suppressed) + len(report.silenced):,} not shown"

    def _removals(self) -> Iterator[str]:
        malicious = {finding.component for finding in self.report.findings if finding.kind == "malicious"}
        if not malicious:
            return
        yield ""
        yield self.paint("Malicious: remove first", BOLD)
        for component in self.report.packages:
            if component.id in malicious:
                yield "  " + self._package_line(component, indent=2)
        yield f"  Each: {REMOVE}"

    def _upgrades(self) -> Iterator[str]:
        found = advised(self.report)
        if not found:
            return
        yield ""
        yield self.paint("Upgrade first", BOLD)
        shown = found[:_UPGRADES_SHOWN]
        rows = [(each.worst, each.number, f"{each.name} {each.rest}") for each in shown]
        for (worst, *_), (level, *others) in zip(rows, self.aligned(rows, (10, 24), whole=True), strict=True):
            yield f"  {self.paint(level, COLOURS[worst])}  {'  '.join(others)}"
        if len(found) > _UPGRADES_SHOWN:
            yield f"  and {amount(len(found) - _UPGRADES_SHOWN, 'more upgrade')}"

    def _findings(self) -> Iterator[str]:
        if not self.report.findings:
            return
        yield ""
        yield self.paint("Findings", BOLD)
        by_package: dict[str, list[Finding]] = {}
        for finding in self.report.findings:
            by_package.setdefault(finding.component, []).append(finding)
        for name, found in by_package.items():
            component = self.components.get(name)
            if component is not None:
                yield self._package_line(component)
            else:
                yield self.paint(self.plain(f"{found[0].name} {found[0].version}"), BOLD)
            rows = [
                (finding.severity_source, finding.id, fix(finding, brief=True), self.joined(_words(finding)))
                for finding in found
            ]
            for finding, cells in zip(found, self.aligned(rows, (12, 28, 60), indent=_BEFORE), strict=True):
                severity = self.paint(f"{finding.severity:<10}", COLOURS[finding.severity])
                yield f"  {severity}  {'  '.join(cells)}".rstrip()

    def _secrets(self) -> Iterator[str]:
        found = [issue for issue in issues(self.report) if issue.kind == "secret"]
        if not found:
            return
        yield ""
        yield self.paint("Secrets", BOLD)
        likely = [issue for issue in found if issue.confidence != "low"]
        yield from self._issues(likely)
        if few := len(found) - len(likely):
            told = amount(few, "more place" if likely else "place")
            yield f"  {told} of low confidence (examples, tests, documentation and the like), which the other formats list"
        # What to do is the same for all of a kind.
        for advice in dict.fromkeys(map(mend, likely)):
            yield f"  {self.plain(sentence(advice))}"

    def _misconfigurations(self) -> Iterator[str]:
        found = [issue for issue in issues(self.report) if issue.kind == "config"]
        if not found:
            return
        yield ""
        yield self.paint("Misconfiguration", BOLD)
        yield from self._issues([issue for issue in found if not issue.from_base])
        if inherited := [issue for issue in found if issue.from_base]:
            yield f"  {self.plain(from_base(inherited))}"

    def _issues(self, found: Sequence[Issue]) -> Iterator[str]:
        rows = [(issue.severity, issue.rule, placed(issue), self.joined(_told(issue))) for issue in found]
        bounds = (10, 28, 60)
        for issue, (level, *cells) in zip(found, self.aligned(rows, bounds, whole=True), strict=True):
            yield f"  {self.paint(level, COLOURS[issue.severity])}  {'  '.join(cells)}".rstrip()

    def _suppressed(self) -> Iterator[str]:
        if not self.look.suppressed or not (self.report.suppressed or self.report.silenced):
            return
        yield ""
        yield self.paint("Suppressed", BOLD)
        rows = []
        for each in self.report.suppressed:
            said = statement_on(self.report, each)
            place = stands(said) if said is not None else ""
            until = f"until {said.expires}" if said is not None and said.expires else ""
            finding = each.finding
            rows.append(
                (
                    finding.severity,
                    finding.id,
                    f"{finding.name} {finding.version}",
                    self.joined([place, until, each.reason]),
                )
            )
        for issue, one in silenced(self.report):
            told = self.report.suppressions
            place = stands(told[one.by]) if 0 <= one.by < len(told) else ""
            rows.append((issue.severity, issue.rule, placed(issue), self.joined([place, one.reason])))
        for (level, *_), (first, *others) in zip(rows, self.aligned(rows, (10, 28, 40)), strict=True):
            yield f"  {self.paint(first, COLOURS[level])}  {'  '.join(others)}".rstrip()

    def _package_line(self, component: Component, *, indent: int = 0) -> str:
        words = [f"{component.name} {component.version} ({component.ecosystem})", _origin(component)]
        if component.via:
            words.append(f"via {self.path(component.via)}")
        if component.direct:
            words.append("direct dependency")
        if component.dev:
            words.append("for development")
        if component.locations:
            place = component.locations[0]
            more = len(component.locations) - 1
            also = f" and {amount(more, 'more place')}" if more else ""
            words.append(self.path([place.path, place.place] if place.place else [place.path]) + also)
        return self.cut(self.joined(words), self.look.width - indent)

    def _decision(self) -> Iterator[str]:
        if self.report.decision is not None:
            yield ""
            yield from decision_lines(self.report.decision, self.look)

    def _coverage(self) -> Iterator[str]:
        entries = self.report.coverage.ecosystems
        if not entries or not is_matched(self.report):
            return
        yield ""
        yield self.paint("Checked", BOLD)
        rows = [
            (
                entry.ecosystem,
                _checked(entry),
                (", ".join(entry.feeds) or "no feed")
                + (f", {age(entry.age_hours)} old" if entry.age_hours is not None else "")
                + (f"; not in the database: {', '.join(entry.missing)}" if _is_unsure(entry) else ""),
            )
            for entry in entries
        ]
        for cells in self.aligned(rows, (20, 32), whole=True):
            yield f"  {'  '.join(cells)}"

    def _database(self) -> Iterator[str]:
        parts = self.report.database.parts
        if not parts:
            return
        yield ""
        yield self.paint("Advisories", BOLD)
        rows = [
            (
                part.part,
                amount(part.advisories, "record"),
                age(part.age_hours) + " old" if part.age_hours is not None else "of unknown age",
                part.revision + ("; stale" if part.stale else ""),
            )
            for part in parts
        ]
        for part, cells in zip(parts, self.aligned(rows, (32, 20, 20), whole=True), strict=True):
            yield "  " + self.paint("  ".join(cells), YELLOW if part.stale else "")

    def _last(self) -> Iterator[str]:
        report = self.report
        yield ""
        if report.image is not None and report.image.base.layers:
            summary = report.summary
            yield (
                f"{amount(summary.from_base, 'finding')} with the base image, "
                f"{summary.from_own_layers} with this image's own layers"
            )
        for gap in not_checked(report):
            yield self.paint(self.plain(str(gap)), YELLOW)
        yield from self._unread()
        for suppressed in filter(None, (not_shown(report), silenced_said(report))):
            yield self.plain(suppressed)
        yield from self._notes()
        yield from filter(None, (*left_out(report), searched_for_less(report)))
        said = verdict(report)
        yield self.plain(said.text + said.command)

    def _notes(self) -> Iterator[str]:
        """Say which statements should be looked at again."""
        found = notes(self.report)
        for note in found[:_EXAMPLES]:
            yield self.paint(self.plain(note), YELLOW)
        if len(found) > _EXAMPLES:
            yield f"and {amount(len(found) - _EXAMPLES, 'more statement')} to look at, all in the JSON report"

    def _unread(self) -> Iterator[str]:
        errors = self.report.errors
        if not errors:
            return
        yield self.paint(f"incomplete: could not be read: {unread_counts(self.report)}", YELLOW)
        for unread in errors[:_EXAMPLES]:
            yield "  " + self.plain(f"{unread_place(unread)}: {unread.reason}")
        if len(errors) > _EXAMPLES:
            yield f"  and {len(errors) - _EXAMPLES} more, all in the JSON report"


def _origin(component: Component) -> str:
    """Say whose a package is; the layer is that of its first place."""
    layer = component.locations[0].layer if component.locations else -1
    words = (WHOSE[component.from_base], f"layer {layer}" if layer >= 0 else "")
    return ", ".join(word for word in words if word)


def _checked(entry: EcosystemCoverage) -> str:
    """Say how many of an ecosystem's packages were compared with advisories."""
    checked = sum(entry.states.get(state, 0) for state in CHECKED)
    return f"{checked:,} of {amount(entry.packages, 'package')}"


def _is_unsure(entry: EcosystemCoverage) -> bool:
    """Tell whether parts that were not there matter: where others were enough, only the JSON report names them."""
    return bool(entry.missing) and bool(entry.states.get("feed_missing"))


def _told(issue: Issue) -> list[str]:
    """Say what is wrong, and of a misconfiguration what to do; a secret that may be none is marked."""
    layer = f"layer {issue.layer}" if issue.layer >= 0 else ""
    return [
        doubt(issue)[:_DETAILS],
        issue.message[:_DETAILS],
        f"{issue.count:,} places" if issue.count > 1 else "",
        "a later layer hides it" if issue.source == "deleted_file" else "",
        ", ".join(word for word in (WHOSE[issue.from_base], layer) if word),
        issue.advice[:_DETAILS],
    ]


def _words(finding: Finding) -> list[str]:
    words = []
    if finding.kind == "malicious":
        words.append("MALICIOUS")
    if finding.kev is not None:
        words.append("exploited (KEV)")
    if finding.epss is not None:
        words.append(f"EPSS {finding.epss.probability:.1%}")
    words += [bundle.id for bundle in finding.bundles[:2]]
    return [*words, finding.title or " ".join(finding.details[:_DETAILS].split())]
