"""The report for people: what to upgrade first, the findings worst first, and what was not checked."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from hullmark.advice.removal import REMOVE
from hullmark.advice.upgrades import BaseUpgrade, Upgrade, plan
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.look import Look
from hullmark.model.printable import columns, cut, printable
from hullmark.model.report import CHECKED, Component, EcosystemCoverage, Finding, Report, ReportSet

_COLOURS = {
    Severity.CRITICAL: "1;35",
    Severity.HIGH: "31",
    Severity.MEDIUM: "33",
    Severity.LOW: "36",
    Severity.NEGLIGIBLE: "2",
    Severity.UNKNOWN: "2",
}
_STATES = {
    "fixed_available": "fixed",
    "affected": "no known fix",
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
_STORES = {"docker-daemon": "docker:", "podman": "podman:", "containerd": "containerd:"}
"""Places on a machine, and the prefix without which an image's name means a registry's."""
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
_UPGRADES_SHOWN = 10
_EXAMPLES = 5
_BEFORE = 14  # columns of indent and severity
_LEAST_REST = 16
_DETAILS = 400


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
        scanned = f"{_amount(len(report.reports), 'image')} scanned, {len(report.failures)} failed"
        lines.append(f"{scanned}: {_amount(report.summary.packages, 'package')}, {counts}")
    return ("\n".join(lines) + "\n").encode("utf-8" if look.unicode else "ascii", "backslashreplace")


def _plain(text: str) -> str:
    return printable(" ".join(text.split()))


def _counts(by_severity: dict[str, int]) -> str:
    return ", ".join(f"{by_severity[level]} {level}" for level in Severity if by_severity.get(level))


class _Page:
    def __init__(self, report: Report, look: Look) -> None:
        self.report = report
        self.look = look
        self.components = {component.id: component for component in report.packages}

    def lines(self) -> Iterator[str]:
        yield from self._head()
        yield from self._removals()
        yield from self._upgrades()
        yield from self._findings()
        yield from self._suppressed()
        yield from self._coverage()
        yield from self._database()
        yield from self._last()

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.look.colour and code else text

    def _cut(self, text: str, width: int) -> str:
        return cut(_plain(text), width, "…" if self.look.unicode else "...")

    def _joined(self, words: Sequence[str]) -> str:
        return (" · " if self.look.unicode else ", ").join(word for word in words if word)

    def _path(self, steps: Sequence[str]) -> str:
        return (" › " if self.look.unicode else " > ").join(steps)

    def _aligned(
        self, rows: Sequence[Sequence[str]], bounds: Sequence[int], *, whole: bool = False
    ) -> Iterator[list[str]]:
        """Give the rows with every cell but the last as wide as its column; `bounds` are the columns' widest.

        The last cell takes the rest of the line, or, where it must be read `whole`, more.
        """
        cut_rows = [
            [self._cut(cell, bound) for cell, bound in zip(row, bounds, strict=False)] for row in rows
        ]
        widths = [max(map(columns, column)) for column in zip(*cut_rows, strict=True)]
        rest = max(self.look.width - sum(widths) - 2 * len(widths) - _BEFORE, _LEAST_REST)
        for row, cells in zip(rows, cut_rows, strict=True):
            padded = [cell + " " * (width - columns(cell)) for cell, width in zip(cells, widths, strict=True)]
            yield [*padded, _plain(row[-1]) if whole else self._cut(row[-1], rest)]

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
        words += [_amount(len(self.report.layers), "layer"), _amount(len(self.report.packages), "package")]
        if image.digest:
            words.append(image.digest[:19])
        yield _plain(self._joined(words))
        base = image.base
        for name in base.rejected:
            yield _plain(f"not its base image: {name} (its layers do not stand at the bottom)")
        if base.layers:
            yield _plain(
                f"base image: {base.name}, {_amount(base.layers, 'layer')} (known by {base.evidence})"
            )
        elif base.evidence == "claimed":
            yield _plain(f"base image: {base.name} {base.digest[:19]} is claimed by a label, not proven")

    def _removals(self) -> Iterator[str]:
        malicious = {finding.component for finding in self.report.findings if finding.kind == "malicious"}
        if not malicious:
            return
        yield ""
        yield self._paint("Malicious: remove first", "1")
        for component in self.report.packages:
            if component.id in malicious:
                yield "  " + self._package_line(component, indent=2)
        yield f"  Each: {REMOVE}"

    def _upgrades(self) -> Iterator[str]:
        advice = plan(self.report)
        shown = advice.upgrades[:_UPGRADES_SHOWN]
        rows = [(each.worst, _amount(each.count, "finding"), self._upgrade(each)) for each in shown]
        if (base := advice.base) is not None:
            worse = sum(SEVERITY_RANK[each.worst] < SEVERITY_RANK[base.worst] for each in shown)
            rows.insert(worse, (base.worst, _amount(base.fixable, "finding"), _base(base)))
        if not rows:
            return
        yield ""
        yield self._paint("Upgrade first", "1")
        for (worst, *_), (level, *others) in zip(
            rows, self._aligned(rows, (10, 20), whole=True), strict=True
        ):
            yield f"  {self._paint(level, _COLOURS[worst])}  {'  '.join(others)}"
        if len(advice.upgrades) > _UPGRADES_SHOWN:
            yield f"  and {_amount(len(advice.upgrades) - _UPGRADES_SHOWN, 'more package')}"

    def _upgrade(self, upgrade: Upgrade) -> str:
        ways = {self.components[name].via[:1] for name in upgrade.components if name in self.components}
        through = sorted({step for way in ways for step in way}) if () not in ways else []
        words = [
            f"{upgrade.name} {upgrade.installed} to {upgrade.to}",
            f"({', '.join(upgrade.packages)})" if upgrade.packages else "",
            f"through {', '.join(through)}" if through else "",
        ]
        notes = [
            " ".join(word for word in words if word),
            f"{upgrade.exploited} exploited (KEV)" if upgrade.exploited else "",
            "comes with the base image" if upgrade.from_base else "",
        ]
        return "; ".join(note for note in notes if note)

    def _findings(self) -> Iterator[str]:
        if not self.report.findings:
            return
        yield ""
        yield self._paint("Findings", "1")
        by_package: dict[str, list[Finding]] = {}
        for finding in self.report.findings:
            by_package.setdefault(finding.component, []).append(finding)
        for name, found in by_package.items():
            component = self.components.get(name)
            if component is not None:
                yield self._package_line(component)
            else:
                yield self._paint(_plain(f"{found[0].name} {found[0].version}"), "1")
            rows = [
                (finding.severity_source, finding.id, _fix(finding), self._joined(_words(finding)))
                for finding in found
            ]
            for finding, cells in zip(found, self._aligned(rows, (12, 28, 60)), strict=True):
                severity = self._paint(f"{finding.severity:<10}", _COLOURS[finding.severity])
                shown = cells if cells[0] else cells[1:]
                yield f"  {severity}  {'  '.join(shown)}".rstrip()

    def _suppressed(self) -> Iterator[str]:
        if not self.look.suppressed or not self.report.suppressed:
            return
        yield ""
        yield self._paint("Suppressed", "1")
        rows = []
        for each in self.report.suppressed:
            said = self.report.suppressions[each.by] if each.by >= 0 else None
            place = f"{said.source}:{said.line}" if said is not None and said.line else said and said.source
            until = f"until {said.expires}" if said is not None and said.expires else ""
            finding = each.finding
            rows.append(
                (
                    finding.severity,
                    finding.id,
                    f"{finding.name} {finding.version}",
                    self._joined([place or "", until, each.reason]),
                )
            )
        for (level, *_), (first, *others) in zip(rows, self._aligned(rows, (10, 28, 40)), strict=True):
            yield f"  {self._paint(first, _COLOURS[level])}  {'  '.join(others)}".rstrip()

    def _package_line(self, component: Component, *, indent: int = 0) -> str:
        words = [f"{component.name} {component.version} ({component.ecosystem})", _origin(component)]
        if component.via:
            words.append(f"via {self._path(component.via)}")
        if component.direct:
            words.append("direct dependency")
        if component.dev:
            words.append("for development")
        if component.locations:
            place = component.locations[0]
            more = len(component.locations) - 1
            also = f" and {_amount(more, 'more place')}" if more else ""
            words.append(self._path([place.path, place.place] if place.place else [place.path]) + also)
        return self._cut(self._joined(words), self.look.width - indent)

    def _is_matched(self) -> bool:
        return "vuln" in self.report.coverage.scanners

    def _coverage(self) -> Iterator[str]:
        entries = self.report.coverage.ecosystems
        if not entries or not self._is_matched():
            return
        yield ""
        yield self._paint("Checked", "1")
        rows = [
            (
                entry.ecosystem,
                _checked(entry),
                (", ".join(entry.feeds) or "no feed")
                + (f", {_age(entry.age_hours)} old" if entry.age_hours is not None else "")
                + (f"; not in the database: {', '.join(entry.missing)}" if _is_unsure(entry) else ""),
            )
            for entry in entries
        ]
        for cells in self._aligned(rows, (20, 32), whole=True):
            yield f"  {'  '.join(cells)}"

    def _database(self) -> Iterator[str]:
        parts = self.report.database.parts
        if not parts:
            return
        yield ""
        yield self._paint("Advisories", "1")
        rows = [
            (
                part.part,
                _amount(part.advisories, "record"),
                _age(part.age_hours) + " old" if part.age_hours is not None else "of unknown age",
                part.revision + ("; stale" if part.stale else ""),
            )
            for part in parts
        ]
        for part, cells in zip(parts, self._aligned(rows, (32, 20, 20), whole=True), strict=True):
            yield "  " + self._paint("  ".join(cells), "33" if part.stale else "")

    def _last(self) -> Iterator[str]:
        report = self.report
        yield ""
        if report.image is not None and report.image.base.layers:
            summary = report.summary
            yield (
                f"{_amount(summary.from_base, 'finding')} with the base image, "
                f"{summary.from_own_layers} with this image's own layers"
            )
        yield from self._not_checked()
        yield from self._unread()
        if report.suppressed:
            reasons = Counter(
                report.suppressions[each.by].source if each.by >= 0 else each.reason
                for each in report.suppressed
            )
            said = ", ".join(f"{count} by {reason}" for reason, count in sorted(reasons.items()))
            yield _plain(f"{_amount(len(report.suppressed), 'finding')} not shown: {said}")
        if report.coverage.dev_packages:
            unchecked = report.coverage.dev_unchecked
            yield (
                f"left out of lock files: {_amount(report.coverage.dev_packages, 'development package')} (--include-dev)"
                + (
                    f"; {unchecked} not checked for malicious ones: their feed is not in the database"
                    if unchecked
                    else ""
                )
            )
        if report.coverage.skipped_files:
            yield f"{_amount(report.coverage.skipped_files, 'file')} passed over by --skip-path"
        yield self._verdict()

    def _not_checked(self) -> Iterator[str]:
        states: Counter[str | None] = Counter(component.coverage for component in self.report.packages)
        for state, words in _COVERAGE.items():
            if states[state]:
                ecosystems = sorted({c.ecosystem for c in self.report.packages if c.coverage == state})
                text = f"{_amount(states[state], 'package')} ({', '.join(ecosystems)}): {words}"
                yield self._paint(_plain(text), "33")
        if self.report.coverage.release in _RELEASE:
            yield self._paint(_RELEASE[self.report.coverage.release], "33")

    def _unread(self) -> Iterator[str]:
        errors = self.report.errors
        if not errors:
            return
        # Several things may be wrong with one layer or database.
        things = {
            (e.kind, e.layer, e.path, "" if e.kind in {"layer", "package_database"} else (e.place, e.reason))
            for e in errors
        }
        kinds: Counter[str] = Counter(kind for kind, *_ in things)
        said = ", ".join(_amount(kinds[kind], words) for kind, words in _UNREAD.items() if kinds[kind])
        yield self._paint(f"incomplete: could not be read: {said}", "33")
        for unread in errors[:_EXAMPLES]:
            where = " ".join(part for part in (unread.layer[:19], unread.path, unread.place) if part)
            what = where if where.startswith(f"{unread.kind} ") else f"{_UNREAD[unread.kind]} {where}"
            yield "  " + _plain(f"{what}: {unread.reason}")
        if len(errors) > _EXAMPLES:
            yield f"  and {len(errors) - _EXAMPLES} more, all in the JSON report"

    def _verdict(self) -> str:
        report = self.report
        if not self._is_matched():
            return f"{_amount(len(report.packages), 'package')}; no vulnerabilities were looked for"
        name = report.image.name if report.image is not None else ""
        hidden = [suppressed.finding for suppressed in report.suppressed if suppressed.gated]
        levels = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
        found = {finding.severity for finding in (*report.findings, *hidden)}
        gate = next((level for level in levels if level in found), None)
        if report.packages and not any(c.coverage in CHECKED for c in report.packages) and gate is None:
            none = f"none of {_amount(len(report.packages), 'package')} was checked"
            return f"{none}: hullmark db status shows what the database has"
        if not report.findings:
            unsure = ", but not all of it could be checked" if report.incomplete else ""
            what = "nothing else found" if report.suppressed else "nothing found"
            text = f"{what} in {_amount(len(report.packages), 'package')}{unsure}"
            if gate is None:
                return _plain(text)
        else:
            text = f"{_counts(report.summary.by_severity)}; {report.summary.fixable} can be fixed"
            malicious = len({f.component for f in report.findings if f.kind == "malicious"})
            if malicious:
                text += f". {_amount(malicious, 'malicious package')}: {REMOVE}"
        if gate is None:
            return _plain(f"{text}. No gate of --fail-on critical to low would fail")
        if report.image is None or report.image.source == "sbom":
            return _plain(f"{text}. With --fail-on {gate} this would fail")
        reference = shlex.quote(_STORES.get(report.image.source, "") + name)
        return _plain(f"{text}. This would fail: hullmark scan {reference} --fail-on {gate}")


def _base(base: BaseUpgrade) -> str:
    brought = f"{base.fixable} of its {_amount(base.count, 'finding')} gone, of {base.findings} in all"
    if base.successor:
        return f"base image {base.name} to {base.successor}: {brought}"
    return f"base image {base.name} to a newer build of it: {brought}"


def _origin(component: Component) -> str:
    """Say whose a package is; the layer is that of its first place."""
    layer = component.locations[0].layer if component.locations else -1
    if component.from_base is None:
        return f"layer {layer}" if layer >= 0 else ""
    whose = "base image" if component.from_base else "own"
    return f"{whose}, layer {layer}" if layer >= 0 else whose


def _checked(entry: EcosystemCoverage) -> str:
    """Say how many of an ecosystem's packages were compared with advisories."""
    checked = sum(entry.states.get(state, 0) for state in CHECKED)
    return f"{checked} of {_amount(entry.packages, 'package')}"


def _is_unsure(entry: EcosystemCoverage) -> bool:
    """Tell whether parts that were not there matter: where others were enough, only the JSON report names them."""
    return bool(entry.missing) and bool(entry.states.get("feed_missing"))


def _fix(finding: Finding) -> str:
    if finding.kind == "end_of_life":
        return f"upgrade to {finding.fixed_version}" if finding.fixed_version else "upgrade the release"
    if finding.kind == "malicious":
        return "remove, rotate credentials"
    return f"fixed in {finding.fixed_version}" if finding.fixed_version else _STATES[finding.state]


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


def _amount(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _age(hours: float) -> str:
    return _amount(round(hours), "hour") if hours < 48 else _amount(round(hours / 24), "day")
