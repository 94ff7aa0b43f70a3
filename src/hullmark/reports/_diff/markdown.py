"""The comparison for a pull request: what is new in sight, the rest folded, and never more than a comment may hold.

GitHub takes comments of 65,536 characters, GitLab more.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from hullmark.advice.issues import placed
from hullmark.advice.removal import REMOVE
from hullmark.findings.issues import Issue
from hullmark.model.diff import Diff, FindingChange, PackageChange
from hullmark.model.image import Layer
from hullmark.model.look import Look
from hullmark.model.markdown import code, prose
from hullmark.model.words import amount, size
from hullmark.reports._diff import words

MAX_BYTES = 60_000
_RESERVE = 600
"""What closing the section that is open, the headings of those to come and the last line may take."""
_ROWS = 100
_CAVEATS = 20
_FINDINGS = ("Severity", "Finding", "Package", "Version", "", "Where")
_ISSUES = ("Severity", "Rule", "", "Where")
_Entry = TypeVar("_Entry")
_SUMMARIES = {"gone": "gone", "changed": "changed", "unchanged": "still there after the package changed"}


def render(found: Diff, look: Look) -> bytes:
    """Render a comparison."""
    page = _Page(found, look)
    page.write()
    return ("\n".join(page.lines) + "\n").encode()


class _Page:
    def __init__(self, found: Diff, look: Look) -> None:
        self.found = found
        self.look = look
        self.lines: list[str] = []
        self._room = MAX_BYTES - _RESERVE

    def _add(self, line: str) -> bool:
        """Write a line if there is room for it."""
        size = len(line.encode()) + 1
        if size > self._room:
            return False
        self._room -= size
        self.lines.append(line)
        return True

    def write(self) -> None:
        """Write everything there is room for, the most urgent first."""
        found = self.found
        counts = found.summary.findings
        new_ones = [
            amount(numbers["new"], f"new {name}")
            for numbers, name in (
                (found.summary.secrets, "secret"),
                (found.summary.config, "misconfiguration"),
            )
            if numbers.get("new")
        ]
        self._add(
            f"### {', '.join([*new_ones, amount(counts['new'], 'new finding')])}, {counts['gone']} gone"
        )
        for line in self._head():
            self._add(line)
        shown = [change for change in found.findings if change.is_shown or self.look.suppressed]
        new = [change for change in shown if change.change == "new"]
        issues = words.issues(found, "new", suppressed=self.look.suppressed)
        if issues:
            self._table(_ISSUES, issues, _issue, "new secret or misconfiguration")
        if new:
            self._table(_FINDINGS, new, self._finding, "new finding")
        gone = words.issues(found, "gone", suppressed=self.look.suppressed)
        self._folded("Secrets and misconfigurations gone", _ISSUES, gone, _issue)
        for kind, said in _SUMMARIES.items():
            some = [change for change in shown if change.change == kind]
            self._folded(f"{amount(len(some), 'finding')} {said}", _FINDINGS, some, self._finding)
        packages = ("", "Package", "Version", "What changed")
        self._folded(f"Packages: {words.packages_said(found)}", packages, found.packages, self._package)
        layers = [
            *(("new", layer) for layer in found.layers.new),
            *(("gone", each) for each in found.layers.gone),
        ]
        self._folded(
            f"Layers: {words.layers_said(found)}", ("", "Layer", "Digest", "Size", "Made by"), layers, _layer
        )

    def _head(self) -> Iterator[str]:
        found = self.found
        yield ""
        yield f"{code(found.before.name) or 'no image'} to {code(found.after.name) or 'no image'}:"
        yield ""
        yield f"- {words.findings_said(found)}"
        yield from (f"- {said}" for said in words.issues_said(found))
        yield f"- {words.packages_said(found)}"
        if layers := words.layers_said(found):
            yield f"- {layers}"
        if found.summary.suppressed:
            yield f"- {amount(found.summary.suppressed, 'finding')} not shown in either"
        if found.summary.unsure:
            said = amount(found.summary.unsure, "difference")
            yield f"- **{said} not certain**: not all could be read or checked"
        malicious = {
            each.package for each in found.findings if each.kind == "malicious" and each.change == "new"
        }
        if malicious:
            yield f"- **{amount(len(malicious), 'new malicious package')}**: {REMOVE}"
        for caveat in found.caveats[:_CAVEATS]:
            said, names = words.caveat(caveat)
            yield f"- {prose(said, 300)}{f' ({code(names, 300)})' if names else ''}"

    def _folded(
        self,
        title: str,
        heads: Sequence[str],
        rows: Sequence[_Entry],
        cells: Callable[[_Entry], Iterable[str]],
    ) -> None:
        """Write a section that is folded; nothing where it has no rows."""
        if not rows or not self._add(f"\n<details><summary>{title}</summary>"):
            return
        self._table(heads, rows, cells, "row")
        self.lines += ["", "</details>"]

    def _table(
        self,
        heads: Sequence[str],
        rows: Sequence[_Entry],
        cells: Callable[[_Entry], Iterable[str]],
        what: str,
    ) -> None:
        """Write a table with as many rows as there is room for, and say how many more there are."""
        self._add("\n" + _row(heads))
        self._add(_row(["---"] * len(heads)))
        count = 0
        for row in rows[:_ROWS]:
            if not self._add(_row(cells(row))):
                break
            count += 1
        if count < len(rows):
            self.lines.append(f"\n{amount(len(rows) - count, 'more ' + what)}: `--format json` has all.")

    def _finding(self, change: FindingChange) -> tuple[str, ...]:
        latest = change.latest
        said = words.changes(change) if change.change == "changed" else [words.because(change)]
        if change.change in {"new", "unchanged"}:
            said.insert(0, REMOVE if change.kind == "malicious" else words.fix(latest))
        if latest.exploited and "exploited" not in change.aspects:
            said.insert(0, "exploited (KEV)")
        if change.kind == "malicious":
            said.insert(0, "malicious")
        if latest.suppressed and change.change != "changed":
            said.append(f"suppressed: {words.listed(latest.suppressed, 2)}")
        if change.unsure:
            said.append(f"not certain: {change.unsure}")
        about = "; ".join(prose(word, 120) for word in said if word)
        level = f"**{latest.severity}**" if latest.severity in {"critical", "high"} else str(latest.severity)
        return (
            level,
            code(change.id, 40),
            code(change.name, 60),
            code(words.versions(change), 60),
            about,
            words.place(latest),
        )

    def _package(self, change: PackageChange) -> tuple[str, ...]:
        sides = [side for side in (change.before, change.after) if side is not None]
        versions = " to ".join(dict.fromkeys(side.version for side in sides))
        said = [words.place(sides[-1])] if len(sides) == 1 else words.package_changes(change)
        if change.unsure:
            said.append(f"not certain: {change.unsure}")
        name = f"{code(change.name, 60)} {prose(change.ecosystem, 20)}"
        return (
            words.direction(change) or change.change,
            name,
            code(versions, 60),
            "; ".join(prose(word, 120) for word in said),
        )


def _issue(entry: tuple[Issue, str, str]) -> tuple[str, ...]:
    issue, suppressed, unsure = entry
    said = words.about_issue(issue, suppressed)
    said.append(f"not certain: {unsure}" if unsure else "")
    level = f"**{issue.severity}**" if issue.severity in {"critical", "high"} else str(issue.severity)
    about = "; ".join(prose(word, 120) for word in said if word)
    return level, code(issue.rule, 60), about, code(placed(issue), 120)


def _layer(entry: tuple[str, Layer]) -> tuple[str, ...]:
    change, layer = entry
    return (
        change,
        str(layer.index),
        code(layer.digest[:19]),
        size(layer.size_bytes),
        code(layer.created_by, 100),
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
