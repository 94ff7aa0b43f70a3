"""`hullmark completion`: what makes bash, zsh or fish complete commands, flags and files.

The script for a shell is made from the commands and their fields, and asks nobody when it runs: a table from the words
so far to what may follow. Where that is nothing, the shell offers files.
"""

from collections.abc import Callable, Iterator
from typing import Annotated

from hullmark.cli.options import Option, Settings

_Rows = list[tuple[str, dict[str, str]]]
"""For the words that a line begins with (the longest first), what may follow and what it is for."""


class Completion(Settings, frozen=True, kw_only=True):
    """Write what makes a shell complete commands and flags.

    docs/howto/completion.md says where each shell looks for it.
    """

    shell: Annotated[str, Option("bash, zsh or fish.", name="SHELL", positional=True)]

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.cli.output import write_text
        from hullmark.model.errors import ExitCode, UsageError

        if self.shell not in _SCRIPTS:
            raise UsageError(f"{self.shell!r} is no shell that is known", hint=f"{', '.join(_SCRIPTS)} are")
        write_text("\n".join(_SCRIPTS[self.shell](list(_flags()), list(_words()))) + "\n")
        return ExitCode.CLEAN


def _flags() -> Iterator[tuple[str, dict[str, str]]]:
    from hullmark.cli.commands import COMMANDS
    from hullmark.cli.options import settings_of

    for command in COMMANDS:
        settings = (setting for setting in settings_of(command.load()) if not setting.positional)
        yield command.name, {setting.flag: setting.help for setting in settings} | {"--help": "Show this."}
    yield "", {"--help": "Show the commands.", "--version": "Show the version."}


def _words() -> Iterator[tuple[str, dict[str, str]]]:
    from hullmark.cli.commands import GROUPS, below

    for group in GROUPS:
        yield group, below(group)
    yield "completion", dict.fromkeys(_SCRIPTS, "")


def _bash(flags: _Rows, words: _Rows) -> list[str]:
    return [
        "_hullmark() {",
        '    local current=${COMP_WORDS[COMP_CWORD]} before="${COMP_WORDS[*]:1:COMP_CWORD-1}" found=',
        "    case $current in",
        '    -*) case "$before " in',
        *(f'        "{name} "*) found="{" ".join(row)}" ;;' for name, row in flags if name),
        *(f'        "{name} ") found="{" ".join(row)}" ;;' for name, row in flags if not name),
        "        esac ;;",
        '    *) case "$before" in',
        *(f'        "{name}") found="{" ".join(row)}" ;;' for name, row in words),
        "        esac ;;",
        "    esac",
        '    COMPREPLY=($(compgen -W "$found" -- "$current"))',
        "}",
        "complete -o default -F _hullmark hullmark",
    ]


def _zsh(flags: _Rows, words: _Rows) -> list[str]:
    def rows(row: dict[str, str]) -> str:
        return " ".join(_quoted(f"{word}:{text}") for word, text in row.items())

    return [
        "#compdef hullmark",
        "_hullmark() {",
        '    local -a found=(); local before="${(j: :)words[2,CURRENT-1]}"',
        "    if [[ $PREFIX == -* ]]; then",
        '        case "$before " in',
        *(f'        ("{name} "*) found=({rows(row)}) ;;' for name, row in flags if name),
        *(f'        ("{name} ") found=({rows(row)}) ;;' for name, row in flags if not name),
        "        esac",
        "    else",
        '        case "$before" in',
        *(f'        ("{name}") found=({rows(row)}) ;;' for name, row in words),
        "        esac",
        "    fi",
        "    if (( $#found )); then _describe hullmark found; else _files; fi",
        "}",
        '_hullmark "$@"',
    ]


def _fish(flags: _Rows, words: _Rows) -> list[str]:
    lines = [
        "function __hullmark_after",
        "    set -l before (commandline -opc)[2..]",
        '    string match -q -- $argv "$before "',
        "end",
    ]
    for name, row in words:
        lines += [_fish_line(f"{name} ", f"-f -a {word}", text) for word, text in row.items()]
    for name, row in flags:
        after = f"{name} *" if name else " "
        lines += [_fish_line(after, f"-l {flag.removeprefix('--')}", text) for flag, text in row.items()]
    return lines


def _fish_line(after: str, offered: str, text: str) -> str:
    condition = _quoted(f'__hullmark_after "{after}"')
    return f"complete -c hullmark -n {condition} {offered}" + (f" -d {_quoted(text)}" if text else "")


def _quoted(text: str) -> str:
    """Quote for zsh and fish alike: an apostrophe is written as the typographic one, so that none has to be escaped."""
    return "'" + text.replace("'", "’") + "'"


_SCRIPTS: dict[str, Callable[[_Rows, _Rows], list[str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
