"""The comparison for a terminal: what is new, gone and otherwise, the findings first, and what keeps it from being certain."""

from collections.abc import Iterable, Iterator, Sequence

from hullmark.advice.removal import REMOVE
from hullmark.model.advisory import Severity
from hullmark.model.diff import Diff, FindingChange, PackageChange
from hullmark.model.image import Layer
from hullmark.model.look import Look
from hullmark.model.printable import columns, cut, printable
from hullmark.reports._diff import words

_COLOURS = {
    Severity.CRITICAL: "1;35",
    Severity.HIGH: "31",
    Severity.MEDIUM: "33",
    Severity.LOW: "36",
    Severity.NEGLIGIBLE: "2",
    Severity.UNKNOWN: "2",
}
_HEADINGS = {
    "new": "New findings",
    "gone": "Gone",
    "changed": "Changed",
    "unchanged": "Still there after the package changed",
}
_PACKAGES = {"new": "New packages", "gone": "Packages gone", "changed": "Changed packages"}
_SHOWN = 50
"""Packages of each kind; the JSON has all."""
_LEAST_REST = 16
_LONGEST = 1000


def render(found: Diff, look: Look) -> bytes:
    """Render a comparison."""
    lines = _Page(found, look).lines()
    return ("\n".join(lines) + "\n").encode("utf-8" if look.unicode else "ascii", "backslashreplace")


class _Page:
    def __init__(self, found: Diff, look: Look) -> None:
        self.found = found
        self.look = look
        self.shown = [change for change in found.findings if change.is_shown or look.suppressed]

    def lines(self) -> Iterator[str]:
        yield from self._head()
        yield from self._caveats()
        for change, heading in _HEADINGS.items():
            yield from self._findings(heading, [each for each in self.shown if each.change == change])
        yield from self._packages()
        yield from self._layers()
        yield from self._last()

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.look.colour and code else text

    def _plain(self, text: str) -> str:
        return printable(" ".join(text[:_LONGEST].split()))

    def _cut(self, text: str, width: int) -> str:
        return cut(self._plain(text), width, "…" if self.look.unicode else "...")

    def _joined(self, said: Iterable[str]) -> str:
        return (" · " if self.look.unicode else ", ").join(word for word in said if word)

    def _rows(
        self, rows: Sequence[Sequence[str]], bounds: Sequence[int], *, indent: int = 2
    ) -> Iterator[list[str]]:
        """Give the rows with every cell but the last as wide as its column; `bounds` are the columns' widest."""
        short = [[self._cut(cell, bound) for cell, bound in zip(row, bounds, strict=False)] for row in rows]
        widths = [max(map(columns, column)) for column in zip(*short, strict=True)]
        rest = max(self.look.width - indent - sum(widths) - 2 * len([w for w in widths if w]), _LEAST_REST)
        for row, cells in zip(rows, short, strict=True):
            padded = [
                cell + " " * (width - columns(cell))
                for cell, width in zip(cells, widths, strict=True)
                if width
            ]
            yield [*padded, self._cut(row[-1], rest)]

    def _head(self) -> Iterator[str]:
        for mark, side in (("-", self.found.before), ("+", self.found.after)):
            about = self._joined(
                (side.distribution, side.platform, words.amount(side.packages, "package"), side.digest[:19])
            )
            yield f"{mark} {self._paint(self._plain(side.name or 'no image'), '1')}"
            yield f"  {self._cut(about, self.look.width - 2)}"

    def _caveats(self) -> Iterator[str]:
        if not self.found.caveats:
            return
        yield ""
        yield self._paint("Compared with reserve", "1")
        for said in self.found.caveats:
            yield self._paint(f"  {self._plain(words.caveat(said))}", "33")
            if said.kind == "database":
                yield from self._parts()

    def _parts(self) -> Iterator[str]:
        changed = self.found.database
        rows = [(part.part, part.before or "none", f"now {part.after or 'none'}") for part in changed]
        for cells in self._rows(rows[:_SHOWN], (32, 32), indent=4):
            yield f"    {'  '.join(cells)}"
        yield from self._more(len(changed), "    ")

    def _more(self, count: int, indent: str = "  ") -> Iterator[str]:
        if count > _SHOWN:
            yield f"{indent}and {count - _SHOWN} more, all in the JSON"

    def _findings(self, heading: str, found: Sequence[FindingChange]) -> Iterator[str]:
        if not found:
            return
        yield ""
        yield self._paint(heading, "1")
        groups: dict[tuple[str, ...], list[FindingChange]] = {}
        for change in found:
            said = (words.versions(change), words.place(change.latest), words.because(change))
            groups.setdefault((change.package, change.name, *said), []).append(change)
        for (_, name, *about), group in groups.items():
            yield self._cut(self._joined([f"{name} {about[0]}", *about[1:]]), self.look.width)
            rows = [(each.latest.severity, each.id, self._joined(self._about(each))) for each in group]
            for change, (level, *cells) in zip(group, self._rows(rows, (10, 28)), strict=True):
                yield f"  {self._paint(level, _COLOURS[change.latest.severity])}  {'  '.join(cells)}".rstrip()
                if change.unsure:
                    yield self._paint(f"    not certain: {self._plain(change.unsure)}", "33")

    def _about(self, change: FindingChange) -> list[str]:
        latest = change.latest
        said = words.changes(change) if change.change == "changed" else []
        if change.change in {"new", "unchanged"}:
            said.append("remove, rotate credentials" if change.kind == "malicious" else words.fix(latest))
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
            yield self._paint(heading, "1")
            rows = [self._package(change) for change in found[:_SHOWN]]
            third = self.look.width // 3
            for change, cells in zip(found, self._rows(rows, (third, third)), strict=False):
                yield f"  {'  '.join(cells)}".rstrip()
                if change.unsure:
                    yield self._paint(f"    not certain: {self._plain(change.unsure)}", "33")
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
            self._joined([words.direction(change), *words.package_changes(change), *where]),
        )

    def _layers(self) -> Iterator[str]:
        layers = self.found.layers
        for heading, found in (("New layers", layers.new), ("Layers gone", layers.gone)):
            if not found:
                continue
            yield ""
            yield self._paint(heading, "1")
            for cells in self._rows([_layer(layer) for layer in found[:_SHOWN]], (5, 19, 12)):
                yield f"  {'  '.join(cells)}".rstrip()
            yield from self._more(len(found))

    def _last(self) -> Iterator[str]:
        found = self.found
        yield ""
        for said in (words.layers_said(found), words.packages_said(found)):
            if said:
                yield said
        if found.summary.suppressed:
            yield f"{words.amount(found.summary.suppressed, 'finding')} not shown in either"
        if found.summary.unsure:
            yield self._paint(
                f"{words.amount(found.summary.unsure, 'difference')} not certain: not all could be read or checked",
                "33",
            )
        yield words.findings_said(found)
        malicious = {c.package for c in self.shown if c.kind == "malicious" and c.change == "new"}
        if malicious:
            yield f"{words.amount(len(malicious), 'new malicious package')}: {REMOVE}"


def _layer(layer: Layer) -> tuple[str, str, str, str]:
    return str(layer.index), layer.digest[:19] or "no digest", words.size(layer.size_bytes), layer.created_by
