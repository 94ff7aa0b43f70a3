"""The report for people: what to upgrade first, the findings worst first, and what was not checked."""

from collections import Counter
from collections.abc import Iterator, Sequence

from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.look import Look
from hullmark.model.printable import printable
from hullmark.model.report import Component, Finding, Report, ReportSet

_COLOURS = {
    Severity.CRITICAL: "1;35",
    Severity.HIGH: "31",
    Severity.MEDIUM: "33",
    Severity.LOW: "36",
    Severity.NEGLIGIBLE: "2",
    Severity.UNKNOWN: "2",
}
_STATES = {
    "fixed_available": "",
    "affected": "no fix yet",
    "will_not_fix": "will not be fixed",
    "end_of_life": "end of life",
    "under_investigation": "under investigation",
    "undecided": "versions could not be ordered",
}
_COVERAGE = {
    "no_feed": "no feed speaks for them",
    "feed_missing": "their feed is not in the database",
    "feed_stale": "checked against stale advisories",
    "release_unknown": "the release is not known",
    "release_eol": "the release is past its end of life",
}
_UNREAD = {
    "layer": "layers",
    "package_database": "package databases",
    "file": "files",
    "record": "records",
}
_UPGRADES_SHOWN = 10
_EXAMPLES = 5


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Render one report, or several one after the other with a summary."""
    if isinstance(report, Report):
        lines = list(_Page(report, look).lines())
    else:
        lines = []
        for one in report.reports:
            lines += [*_Page(one, look).lines(), ""]
        lines += [_plain(f"{failure.name}: not scanned: {failure.reason}") for failure in report.failures]
        counts = _counts(report.summary.by_severity) or "no findings"
        scanned = f"{len(report.reports)} images scanned, {len(report.failures)} failed"
        lines.append(f"{scanned}: {report.summary.packages} packages, {counts}")
    return ("\n".join(lines) + "\n").encode("utf-8" if look.unicode else "ascii", "replace")


def _plain(text: str) -> str:
    return printable(" ".join(text.split()))


def _counts(by_severity: dict[str, int]) -> str:
    return ", ".join(f"{by_severity[level]} {level}" for level in Severity if by_severity.get(level))


class _Page:
    def __init__(self, report: Report, look: Look) -> None:
        self.report = report
        self.look = look

    def lines(self) -> Iterator[str]:
        yield from self._head()
        yield from self._upgrades()
        yield from self._findings()
        yield from self._coverage()
        yield from self._last()

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.look.colour and code else text

    def _cut(self, text: str, width: int) -> str:
        clean = _plain(text)
        mark = "…" if self.look.unicode else "..."
        return clean if len(clean) <= width else clean[: max(width - len(mark), 0)] + mark

    def _head(self) -> Iterator[str]:
        image = self.report.image
        if image is None:
            return
        yield self._paint(_plain(image.name), "1")
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
        words += [f"{len(self.report.layers)} layers", f"{len(self.report.packages)} packages"]
        if image.digest:
            words.append(image.digest[:19])
        yield _plain(" · ".join(words) if self.look.unicode else ", ".join(words))
        base = image.base
        if base.layers:
            yield _plain(f"base image: {base.name}, {base.layers} layers (known by {base.evidence})")
        elif base.evidence == "claimed":
            yield _plain(f"base image: {base.name} {base.digest[:19]} is claimed by a label, not proven")

    def _upgrades(self) -> Iterator[str]:
        groups: dict[tuple[str, str], list[Finding]] = {}
        for finding in self.report.findings:
            if finding.fixed_version and finding.kind != "end_of_life":
                groups.setdefault((finding.name, finding.version), []).append(finding)
        if not groups:
            return
        ranked = sorted(
            groups.items(),
            key=lambda entry: (min(SEVERITY_RANK[f.severity] for f in entry[1]), -len(entry[1]), entry[0]),
        )
        yield ""
        yield self._paint("Upgrade first", "1")
        for (name, version), found in ranked[:_UPGRADES_SHOWN]:
            worst = min((f.severity for f in found), key=lambda level: SEVERITY_RANK[level])
            highest = self._highest_fix(found)
            where = "; comes with the base image" if found[0].from_base else ""
            amount = f"{len(found)} finding{'s' if len(found) > 1 else ''}"
            text = f"{name} {version} to {highest}: {amount}, worst {worst}{where}"
            yield f"  {self._paint(_plain(text), _COLOURS[worst])}"
        if len(ranked) > _UPGRADES_SHOWN:
            yield f"  and {len(ranked) - _UPGRADES_SHOWN} more packages"

    def _highest_fix(self, found: Sequence[Finding]) -> str:
        """Name one fixed version where all agree, else the one that most of them name."""
        return Counter(finding.fixed_version for finding in found).most_common(1)[0][0]

    def _findings(self) -> Iterator[str]:
        if not self.report.findings:
            return
        yield ""
        yield self._paint("Findings", "1")
        by_package: dict[str, list[Finding]] = {}
        for finding in self.report.findings:
            by_package.setdefault(finding.component, []).append(finding)
        components = {component.id: component for component in self.report.packages}
        for name, found in by_package.items():
            yield self._package_line(components.get(name), found[0])
            for finding in found:
                yield self._finding_line(finding)

    def _package_line(self, component: Component | None, finding: Finding) -> str:
        if component is None:
            return self._paint(_plain(f"{finding.name} {finding.version}"), "1")
        words = [f"{component.name} {component.version} ({component.ecosystem})"]
        if component.locations:
            place = component.locations[0]
            words.append(f"{place.path}{f' › {place.place}' if place.place else ''}, layer {place.layer}")
            more = len(component.locations) - 1
            if more:
                words.append(f"and {more} more place{'s' if more > 1 else ''}")
        if component.from_base is not None:
            words.append("base image" if component.from_base else "own layer")
        if component.via:
            words.append("via " + " › ".join(component.via))
        if component.direct:
            words.append("direct dependency")
        return self._cut(" · ".join(words), self.look.width)

    def _finding_line(self, finding: Finding) -> str:
        fix = f"fixed in {finding.fixed_version}" if finding.fixed_version else _STATES[finding.state]
        if finding.kind == "end_of_life":
            fix = "upgrade the release"
        marks = []
        if finding.kind == "malicious":
            marks.append("MALICIOUS")
        if finding.kev is not None:
            marks.append("exploited (KEV)")
        if finding.epss is not None:
            marks.append(f"EPSS {finding.epss.probability:.1%}")
        marks += [bundle.id for bundle in finding.bundles[:2]]
        words = [fix, *marks, finding.title or " ".join(finding.details.split())[:200]]
        start = f"  {finding.severity:<10} {finding.id:<20} "
        rest = self._cut(" · ".join(word for word in words if word), max(self.look.width - len(start), 20))
        painted = self._paint(f"{finding.severity:<10}", _COLOURS[finding.severity])
        return f"  {painted} {_plain(finding.id):<20} {rest}"

    def _coverage(self) -> Iterator[str]:
        entries = self.report.coverage.ecosystems
        if not entries:
            return
        yield ""
        yield self._paint("Checked", "1")
        for entry in entries:
            feeds = ", ".join(entry.feeds) or "no feed"
            age = f", {_age(entry.age_hours)} old" if entry.age_hours is not None else ""
            count = f"{entry.packages} package{'s' if entry.packages > 1 else ''}"
            yield _plain(f"  {entry.ecosystem:<10} {count:<16} {feeds}{age}")

    def _last(self) -> Iterator[str]:
        report = self.report
        yield ""
        if report.image is not None and report.image.base.layers:
            summary = report.summary
            yield f"{summary.from_base} findings come with the base image, {summary.from_own_layers} from this image's own layers"
        yield from self._not_checked()
        yield from self._unread()
        if report.suppressed:
            reasons = Counter(suppressed.reason for suppressed in report.suppressed)
            said = ", ".join(f"{count} by {reason}" for reason, count in sorted(reasons.items()))
            yield _plain(f"{len(report.suppressed)} findings not shown: {said}")
        if report.coverage.dev_packages:
            yield f"{report.coverage.dev_packages} development dependencies of lock files left out (--include-dev)"
        if report.coverage.skipped_files:
            yield f"{report.coverage.skipped_files} files passed over by --skip-path"
        yield self._verdict()

    def _not_checked(self) -> Iterator[str]:
        states: Counter[str] = Counter(component.coverage for component in self.report.packages)
        for state, words in _COVERAGE.items():
            if states[state]:
                ecosystems = sorted({c.ecosystem for c in self.report.packages if c.coverage == state})
                text = f"{states[state]} packages ({', '.join(ecosystems)}): {words}"
                yield self._paint(_plain(text), "33")

    def _unread(self) -> Iterator[str]:
        errors = self.report.errors
        if not errors:
            return
        kinds: Counter[str] = Counter(unread.kind for unread in errors)
        said = ", ".join(f"{kinds[kind]} {words}" for kind, words in _UNREAD.items() if kinds[kind])
        yield self._paint(f"incomplete: could not be read: {said}", "33")
        for unread in errors[:_EXAMPLES]:
            where = " ".join(part for part in (unread.layer[:19], unread.path, unread.place) if part)
            yield _plain(f"  {unread.kind} {where}: {unread.reason}")
        if len(errors) > _EXAMPLES:
            yield f"  and {len(errors) - _EXAMPLES} more, all in the JSON report"

    def _verdict(self) -> str:
        report = self.report
        name = report.image.name if report.image is not None else "IMAGE"
        if not report.findings:
            unsure = ", but not all of it could be checked" if report.incomplete else ""
            return _plain(f"nothing found in {len(report.packages)} packages{unsure}")
        counts = _counts(report.summary.by_severity)
        levels = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
        gate = next((level for level in levels if report.summary.by_severity.get(level)), None)
        text = f"{counts}; {report.summary.fixable} can be fixed"
        if gate is None:
            return _plain(f"{text}. No gate of --fail-on critical to low would fail")
        return _plain(f"{text}. This would fail: hullmark scan {name} --fail-on {gate}")


def _age(hours: float) -> str:
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
