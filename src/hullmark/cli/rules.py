"""`hullmark rules`: which rules there are, and all that is known of one."""

from typing import TYPE_CHECKING, Annotated

from hullmark.cli.options import Option, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hullmark.model.look import Look
    from hullmark.model.rule import Rule

_HEAD = ("RULE", "KIND", "SEVERITY", "PACK", "WHAT")
_FORMATS = ("table", "json")
_LABEL = 13
_NARROWEST = 40
_LEAST_ROOM = 30
_BELOW = 4


class Rules(Settings, frozen=True, kw_only=True):
    """List the rules, or show all there is of one.

    That is what it looks for, why, what to do, bad and good examples, controls, other names. A name is ours or that of Hadolint (DL3002), ShellCheck (SC2046), Trivy (DS-0002, AVD-DS-0002), Dockle (CIS-DI-0001), gitleaks or Kingfisher; it may
    stand for several rules. In examples of secrets <<alnum:36>> stands for so many random signs.

    Exit codes: 0 done, 2 usage, or there is no such rule.
    """

    names: Annotated[
        tuple[str, ...], Option("Rules, by any of their names.", name="NAME", positional=True)
    ] = ()
    kind: Annotated[
        str, Option("Only these kinds, comma-separated: secret, dockerfile, image, pin, layers.")
    ] = ""
    pack: Annotated[str, Option("Only these packs, comma-separated: default, pedantic.")] = ""
    format: Annotated[str, Option("table or json.")] = "table"

    def run(self) -> int:
        """Do it, and give the exit code."""
        import sys

        import msgspec

        from hullmark.cli.output import look, write
        from hullmark.model.errors import ExitCode
        from hullmark.model.rule import RuleList

        found = self._found()
        if self.format == "json":
            body = msgspec.json.format(msgspec.json.encode(RuleList(rules=tuple(found))), indent=2)
            write(body + b"\n", "")
            return ExitCode.CLEAN
        dressed = look("")
        lines = (
            (line for rule in found for line in _page(rule, dressed))
            if self.names
            else _table(found, dressed, whole=not sys.stdout.isatty())
        )
        from hullmark.reports._terminal import Text

        write(Text(dressed).encoded(lines), "")
        return ExitCode.CLEAN

    def _found(self) -> "list[Rule]":
        from typing import get_args

        from hullmark.cli.judging import words
        from hullmark.model.errors import UsageError
        from hullmark.model.rule import Pack, RuleKind
        from hullmark.scan.rules import all_rules, nearest, rules_named

        if self.format not in _FORMATS:
            raise UsageError(
                f"--format does not know {self.format!r}", hint=f"it knows {', '.join(_FORMATS)}"
            )
        kinds = words(self.kind, get_args(RuleKind), "--kind") or get_args(RuleKind)
        packs = words(self.pack, get_args(Pack), "--pack") or get_args(Pack)
        rules = [rule for rule in all_rules() if rule.kind in kinds and rule.pack in packs]
        if not self.names:
            return rules
        found: dict[str, Rule] = {}
        for name in self.names:
            named = rules_named(name, rules)
            if not named:
                near = nearest(name, rules)
                raise UsageError(
                    f"there is no rule {name[:80]!r}",
                    hint=f"the nearest are {', '.join(near)}" if near else "hullmark rules lists them",
                )
            found |= {rule.id: rule for rule in named}
        return list(found.values())


def _table(rules: "Sequence[Rule]", look: "Look", *, whole: bool) -> "Iterator[str]":
    """Give a line for each rule, in a pipe the `whole` of it; on a terminal what it is about is wrapped, below the rest where that leaves no room."""
    import textwrap

    from hullmark.model.advisory import Severity
    from hullmark.model.printable import printable
    from hullmark.reports._terminal import BOLD, COLOURS, Text

    text = Text(look)
    rows = [(rule.id, rule.kind, str(rule.severity), rule.pack, rule.summary) for rule in rules]
    widths = [max(map(len, column)) + 2 for column in zip(_HEAD, *rows, strict=True)][:-1]
    start = sum(widths) if sum(widths) + _LEAST_ROOM <= look.width else _BELOW
    for row in (_HEAD, *rows):
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        if row is not _HEAD:
            cells[2] = text.paint(cells[2], COLOURS[Severity(row[2])])
        front, said = "".join(cells), printable(row[-1])
        lines = [said] if whole else textwrap.wrap(said, look.width - start)
        if not whole and start == _BELOW:
            lines = ["", *lines]
        yield text.paint(f"{front}{lines[0]}".rstrip(), BOLD if row is _HEAD else "")
        yield from (" " * start + line for line in lines[1:])


def _page(rule: "Rule", look: "Look") -> "Iterator[str]":
    """Give all there is of a rule."""
    from hullmark.reports._terminal import BOLD, COLOURS, Text

    text = Text(look)
    severity = text.paint(rule.severity, COLOURS[rule.severity])
    yield text.joined((text.paint(rule.id, BOLD), rule.kind, severity, f"{rule.pack} pack"))
    yield from _wrapped("Looks for", rule.summary, look)
    yield from _wrapped("Why", rule.why, look)
    yield from _wrapped("What to do", rule.fix, look)
    for label, examples in (("Bad", rule.bad), ("Good", rule.good)):
        for number, example in enumerate(examples):
            yield from _example("" if number else label, example)
    yield from _wrapped("Controls", ", ".join(rule.controls), look)
    yield from _wrapped("Other names", ", ".join(other_names(rule)), look)
    yield ""


def other_names(rule: "Rule") -> list[str]:
    """Give the names that other tools have for a rule, of several forms of one name the first."""
    from hullmark.model.rule import normal

    names = {normal(rule.id): rule.id}
    for name in rule.same_as:
        names.setdefault(normal(name), name)
    return [name for name in names.values() if name != rule.id]


def _wrapped(label: str, said: str, look: "Look") -> "Iterator[str]":
    import textwrap

    from hullmark.model.printable import printable

    if said:
        yield from textwrap.wrap(
            printable(said),
            max(look.width, _NARROWEST),
            initial_indent=f"  {label:<{_LABEL}}",
            subsequent_indent=" " * (_LABEL + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _example(label: str, example: str) -> "Iterator[str]":
    """Give an example line by line, as it is: who copies it wants no line ends of ours in it. A blank line parts it from the one before."""
    from hullmark.model.printable import printable

    if not label:
        yield ""
    for number, line in enumerate(example.rstrip("\n").split("\n")):
        yield f"  {'' if number else label:<{_LABEL}}{printable(line)}".rstrip()
