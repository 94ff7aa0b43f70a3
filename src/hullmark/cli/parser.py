"""The words of a command line: what they say, what is wrong with them, and the help.

`argparse` reads the flags of one command at a time. The words without a flag are taken from what it leaves, since
flags and images may stand in any order, and an image may be `-`.
"""

import argparse
import functools
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import msgspec

from hullmark.cli.commands import GROUPS, Command, below
from hullmark.cli.options import Setting, Settings, settings_of
from hullmark.model.errors import UsageError

HELP = ("--help", "-h")
_WIDTH = 80


def parse(command: Command, settings: Sequence[Setting], words: Sequence[str]) -> dict[str, Any] | None:
    """Give what a command line says, by field and as text; nothing where it asks for help. Raises `UsageError`."""
    words, after = _parted(words)
    found, rest = _parser(command, settings).parse_known_args(words)
    given = {name: value for name, value in vars(found).items() if value}
    if given.pop("help", False):
        return None
    for word in rest:
        if word.startswith("-") and not is_input(word):
            flag = word.partition("=")[0]
            known = [*(setting.flag for setting in settings if not setting.positional), HELP[0]]
            raise misused(f"there is no option {flag}", flag, known, command.name)
    for setting in settings:
        if setting.kind in {"text", "number"} and len(given.get(setting.field, ())) > 1:
            raise UsageError(f"{setting.flag} may be given once only", hint=_hint(command.name))
    return given | _positional(command, settings, [*rest, *after])


def is_input(word: str) -> bool:
    """Tell whether a word is no flag but means standard input: `-`, or `-:NAME` of what comes."""
    return word == "-" or word.startswith("-:")


def misused(what: str, word: str, known: Iterable[str], command: str) -> UsageError:
    """Make the error for a word that there is not; the nearest that there is is named, if it begins as the word does."""
    import difflib  # for those who misspell only

    alike = [name for name in known if name.lstrip("-")[:1] == word.lstrip("-")[:1]]
    longer = [name for name in alike if name.startswith(word)]
    near = longer or difflib.get_close_matches(word, alike, n=1)
    return UsageError(f"{what}; {near[0]} is the nearest" if near else what, hint=_hint(command))


def command_help(command: Command, kind: type[Settings]) -> str:
    """Give the help of a command, from its docstring and its fields."""
    settings = settings_of(kind)
    parser = _parser(command, settings, about=kind.__doc__ or "", below=kind.epilogue())
    words = [f"hullmark {command.name}", "[OPTIONS]"]
    for setting in settings:
        if setting.positional:
            parser.add_argument(setting.field, metavar=setting.name, help=setting.help)
            words.append(f"{setting.name}..." if setting.kind == "texts" else setting.name)
        elif setting.default is msgspec.NODEFAULT:
            words.insert(1, f"{setting.flag} {setting.kind.upper()}")
    parser.usage = " ".join(words)
    return parser.format_help()


def group_help(group: str) -> str:
    """Give the help of what has commands below it."""
    words = f"hullmark {group}".strip()
    rows = below(group)
    options = {"-h, --help": "Show this."} | ({} if group else {"-V, --version": "Show the version."})
    width = max(map(len, [*rows, *options]))
    return "\n".join(
        [
            f"Usage: {words} COMMAND",
            "",
            _filled(GROUPS[group]),
            "",
            "Commands:",
            *(f"  {name:<{width}}  {text}" for name, text in rows.items()),
            "",
            "Options:",
            *(f"  {name:<{width}}  {text}" for name, text in options.items()),
            "",
            f"{words} COMMAND --help lists what one takes.",
            "",
        ]
    )


class _Layout(argparse.RawDescriptionHelpFormatter):
    """The help's looks."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, prefix or "Usage: ")


class _Parser(argparse.ArgumentParser):
    """argparse without its own way of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message.removeprefix("argument "), hint=f"{self.prog} --help")


def _parser(command: Command, settings: Sequence[Setting], *, about: str = "", below: str = "") -> _Parser:
    parser = _Parser(
        prog=f"hullmark {command.name}",
        description="\n\n".join(map(_filled, about.split("\n\n"))),
        epilog=below,
        # argparse makes one for each flag, and each would ask how wide the terminal is
        formatter_class=functools.partial(_Layout, max_help_position=26, width=None if about else _WIDTH),
        add_help=False,
        allow_abbrev=False,
    )
    parser.color = False  # type: ignore[attr-defined]  # from Python 3.14 on it would colour the help
    for setting in settings:
        if setting.positional:
            continue
        text = f"{setting.help} [env var: {setting.variable(command.name)}]{_default(setting)}"
        shown: dict[str, Any] = {"dest": setting.field, "help": text.replace("%", "%%")}
        if setting.kind == "switch":
            parser.add_argument(setting.flag, action="store_true", **shown)
        else:
            metavar = "NUMBER" if setting.kind == "number" else "TEXT"
            parser.add_argument(setting.flag, action="append", metavar=metavar, **shown)
    parser.add_argument(*HELP, dest="help", action="store_true", help="Show this.")
    return parser


def _parted(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Part what stands before `--` from what stands behind it."""
    if "--" not in words:
        return words, ()
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _positional(command: Command, settings: Sequence[Setting], words: Sequence[str]) -> dict[str, Any]:
    """Deal the words without a flag to those that are wanted, in their order; what may be repeated takes all that are left."""
    wanted = [setting for setting in settings if setting.positional]
    if words and not wanted:
        raise UsageError(f"{words[0]!r} is not understood", hint=_hint(command.name))
    given, rest = {}, list(words)
    for setting in wanted:
        if not rest:
            break
        count = len(rest) if setting.kind == "texts" else 1
        given[setting.field], rest = rest[:count], rest[count:]
    if rest:
        names = " and one ".join(setting.name for setting in wanted)
        are = "is" if len(wanted) == 1 else "are"
        raise UsageError(f"one {names} {are} wanted, and these are {len(words)}", hint=_hint(command.name))
    return given


def _default(setting: Setting) -> str:
    if setting.default is msgspec.NODEFAULT:
        return " [required]"
    value = " ".join(setting.default) if isinstance(setting.default, tuple) else str(setting.default or "")
    return f" [default: {value}]" if value else ""


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH)


def _hint(command: str) -> str:
    return f"hullmark {command} --help".replace("  ", " ")
