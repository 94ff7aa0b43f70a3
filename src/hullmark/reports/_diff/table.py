"""The comparison for a terminal: what is new, gone and otherwise, the findings first, and what keeps it from being certain."""

from collections.abc import Iterator, Sequence

from hullmark.advice.issues import placed
from hullmark.advice.removal import REMOVE, REMOVE_BRIEFLY
from hullmark.model.diff import Diff, FindingChange, PackageChange
from hullmark.model.image import Layer
from hullmark.model.look import Look
from hullmark.model.words import amount, size
from hullmark.reports._diff import words
from hullmark.reports._terminal import BOLD, COLOURS, YELLOW, Text

_HEADINGS = {
    "new": "New findings",
    "gone": "Gone",
    "changed": "Changed",
    "unchanged": "Still there after the package changed",
}
_PACKAGES = {"new": "New packages", "gone": "Packages gone", "changed": "Changed packages"}
_SHOWN = 50
"""Packages of each kind; the JSON has all."""


def render(found: Diff, look: Look) -> bytes:
    """Render a comparison."""
    page = _Page(found, look)
    return page.encoded(page.lines())


class _Page(Text):
    def __init__(self, found: Diff, look: Look) -> None:
        super().__init__(look)
        self.found = found
        self.shown = [change for change in found.findings if change.is_shown or look.suppressed]

    def lines(self) -> Iterator[str]:
        yield from self._head()
        yield from self._caveats()
        for change, heading in _HEADINGS.items():
            yield from self._findings(heading, [each for each in self.shown if each.change == change])
        yield from self._issues("New secrets and misconfigurations", "new")
        yield from self._issues("Secrets and misconfigurations gone", "gone")
        yield from self._packages()
        yield from self._layers()
        yield from self._last()

    def _head(self) -> Iterator[str]:
        for mark, side in (("-", self.found.before), ("+", self.found.after)):
            packages = amount(side.packages, "package") if side.source or side.packages else ""
            about = self.joined((side.distribution, side.platform, packages, side.digest[:19]))
            yield f"{mark} {self.paint(self.plain(side.name or 'no image'), BOLD)}"
            if about:
                yield f"  {self.cut(about, self.look.width - 2)}"

    def _caveats(self) -> Iterator[str]:
        if not self.found.caveats:
            return
        yield ""
        yield self.paint("Compared with reserve", BOLD)
        for said in self.found.caveats:
            why, names = words.caveat(said)
            yield self.paint(f"  {self.plain(why + (f' ({names})' if names else ''))}", YELLOW)
            if said.kind == "database":
                yield from self._parts()

    def _parts(self) -> Iterator[str]:
        changed = self.found.database
        rows = [(part.part, part.before or "none", f"now {part.after or 'none'}") for part in changed]
        for cells in self.aligned(rows[:_SHOWN], (32, 32), indent=4):
            yield f"    {'  '.join(cells)}"
        yield from self._more(len(changed), "    ")

    def _more(self, count: int, indent: str = "  ") -> Iterator[str]:
        if count > _SHOWN:
            yield f"{indent}and {count - _SHOWN} more, all in the JSON"

    def _findings(self, heading: str, found: Sequence[FindingChange]) -> Iterator[str]:
        if not found:
            return
        yield ""
        yield self.paint(heading, BOLD)
        groups: dict[tuple[str, ...], list[FindingChange]] = {}
        for change in found:
            said = (words.versions(change), words.place(change.latest), words.because(change))
            groups.setdefault((change.package, change.name, *said), []).append(change)
        for (_, name, *about), group in groups.items():
            yield self.cut(self.joined([f"{name} {about[0]}", *about[1:]]), self.look.width)
            rows = [(each.latest.severity, each.id, self.joined(self._about(each))) for each in group]
            for change, (level, *cells) in zip(group, self.aligned(rows, (10, 28)), strict=True):
                yield f"  {self.paint(level, COLOURS[change.latest.severity])}  {'  '.join(cells)}".rstrip()
                if change.unsure:
                    yield self.paint(f"    not certain: {self.plain(change.unsure)}", YELLOW)

    def _issues(self, heading: str, change: str) -> Iterator[str]:
        found = words.issues(self.found, change, suppressed=self.look.suppressed)
        if not found:
            return
        yield ""
        yield self.paint(heading, BOLD)
        rows = [
            (issue.severity, issue.rule, placed(issue), self.joined(words.about_issue(issue, suppressed)))
            for issue, suppressed, _ in found
        ]
        for (issue, _, unsure), (level, *cells) in zip(
            found, self.aligned(rows, (10, 28, 60), whole=True), strict=True
        ):
            yield f"  {self.paint(level, COLOURS[issue.severity])}  {'  '.join(cells)}".rstrip()
            if unsure:
                yield self.paint(f"    not certain: {self.plain(unsure)}", YELLOW)

    def _about(self, change: FindingChange) -> list[str]:
        latest = change.latest
        said = words.changes(change) if change.change == "changed" else []
        if change.change in {"new", "unchanged"}:
            said.append(REMOVE_BRIEFLY if change.kind == "malicious" else words.fix(latest))
        if latest.suppressed and change.change != "changed":
            said.append(f"suppressed: {words.listed(latest.suppressed, 2)}")
        return [
            "MALICIOUS" if change.kind == "malicious" else "",
            "exploited (KEV)" if latest.exploited and "exploited" not in change.aspects else "",
            *said,
            change.title,
        ]

    def _packages(self) -> Iterator[str]:
        for kind, heading in _PACKAGES.items():
            found = [change for change in self.found.packages if change.change == kind]
            if not found:
                continue
            yield ""
            yield self.paint(heading, BOLD)
            rows = [self._package(change) for change in found[:_SHOWN]]
            third = self.look.width // 3
            for change, cells in zip(found, self.aligned(rows, (third, third)), strict=False):
                yield f"  {'  '.join(cells)}".rstrip()
                if change.unsure:
                    yield self.paint(f"    not certain: {self.plain(change.unsure)}", YELLOW)
            yield from self._more(len(found))

    def _package(self, change: PackageChange) -> tuple[str, str, str]:
        sides = [side for side in (change.before, change.after) if side is not None]
        names = " ".join(word for word in (change.name, f"({change.ecosystem})", change.arch) if word)
        versions = " to ".join(dict.fromkeys(side.version for side in sides))
        path = sides[-1].locations[0].path if sides[-1].locations else ""
        where = [words.place(sides[-1]), path] if len(sides) == 1 else []
        return (
            names,
            versions,
            self.joined([words.direction(change), *words.package_changes(change), *where]),
        )

    def _layers(self) -> Iterator[str]:
        layers = self.found.layers
        for heading, found in (("New layers", layers.new), ("Layers gone", layers.gone)):
            if not found:
                continue
            yield ""
            yield self.paint(heading, BOLD)
            for cells in self.aligned([_layer(layer) for layer in found[:_SHOWN]], (5, 19, 12)):
                yield f"  {'  '.join(cells)}".rstrip()
            yield from self._more(len(found))

    def _last(self) -> Iterator[str]:
        found = self.found
        yield ""
        for said in (words.layers_said(found), words.packages_said(found)):
            if said:
                yield said
        if found.summary.suppressed:
            yield f"{amount(found.summary.suppressed, 'finding')} not shown in either"
        if found.summary.unsure:
            yield self.paint(
                f"{amount(found.summary.unsure, 'difference')} not certain: not all could be read or checked",
                "33",
            )
        yield from words.issues_said(found)
        yield words.findings_said(found)
        malicious = {c.package for c in self.shown if c.kind == "malicious" and c.change == "new"}
        if malicious:
            yield f"{amount(len(malicious), 'new malicious package')}: {REMOVE}"


def _layer(layer: Layer) -> tuple[str, str, str, str]:
    return str(layer.index), layer.digest[:19] or "no digest", size(layer.size_bytes), layer.created_by
