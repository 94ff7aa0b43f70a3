"""The `hullmark` command: finds the command that is meant, and turns errors into exit codes."""

import os
import sys
from collections.abc import Sequence

from msgspec import NODEFAULT

from hullmark import __version__
from hullmark.cli.commands import COMMANDS, GROUPS, Command, below
from hullmark.cli.options import settings_of
from hullmark.cli.output import flush, write_text
from hullmark.cli.parser import HELP, command_help, group_help, misused, parse
from hullmark.cli.settings import config_tables, resolve, strangers
from hullmark.cli.terminal import configure, error, fault, warning
from hullmark.model.errors import ExitCode, HullmarkError, UsageError


def run(arguments: Sequence[str]) -> int:
    """Run one command line; give the process's exit code."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # it was closed; no file of ours may get its number
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    configure(quiet=False, json_log="--json-log" in arguments)
    try:
        code = _run(arguments)
        flush()
    except HullmarkError as problem:
        error(problem.what, where=problem.where, hint=problem.hint)
        return problem.exit_code
    except KeyboardInterrupt:
        error("interrupted")
        return 130
    except Exception as problem:  # noqa: BLE001  # a fault of ours must not look like Python's
        told = fault(problem)
        error(told.what, hint=told.hint)
        return told.exit_code
    return code


def _run(words: Sequence[str]) -> int:
    """Find the command and do it, or show the help of what was found."""
    group = ""
    for number, word in enumerate(words):
        name = f"{group} {word}".strip()
        for command in COMMANDS:
            if command.name == name:
                return _do(command, words[number + 1 :])
        if word in {"--version", "-V"} and not group:
            write_text(f"hullmark {__version__}\n")
            return ExitCode.CLEAN
        if word in HELP:
            break
        if name not in GROUPS:
            raise misused(f"there is no command {name!r}", word, below(group), group)
        group = name
    write_text(group_help(group))
    return ExitCode.CLEAN


def _do(command: Command, words: Sequence[str]) -> int:
    """Do a command, told by its words, the environment and the config file."""
    kind = command.load()
    settings = settings_of(kind)
    given = parse(command, settings, words)
    if given is None:
        write_text(command_help(command, kind))
        return ExitCode.CLEAN
    found = resolve(command.name, settings, given, config_tables())
    for name in strangers(command.name, settings):
        warning(
            f"{command.name} has no setting {name}, it says nothing", hint=f"hullmark {command.name} --help"
        )
    for setting in settings:
        if found[setting.field].value is NODEFAULT:
            raise UsageError(f"{setting.flag} must be given", hint=f"hullmark {command.name} --help")
    return kind(**{name: value.value for name, value in found.items()}).run()
