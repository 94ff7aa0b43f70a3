"""`hullmark config`: every setting with the value that holds, and where that comes from."""

import os
from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.cli.options import Settings


class Config(Settings, frozen=True, kw_only=True):
    """Show every setting, its value and where that comes from.

    The files and folders in use stand before them.
    """

    def run(self) -> int:
        """Do it, and give the exit code."""
        from hullmark.cli.commands import COMMANDS
        from hullmark.cli.output import write_line
        from hullmark.cli.settings import cache_folder, config_path, config_tables, database_folder
        from hullmark.model.errors import ExitCode

        path, tables = config_path(), config_tables()
        there = "" if path.is_file() else "(not there) "
        write_line(f"config file   {path}  # {there}{_variable('HULLMARK_CONFIG')}")
        write_line(f"cache         {cache_folder()}  # {_variable('HULLMARK_CACHE_DIR')}")
        write_line(f"database      {database_folder()}  # {_variable('HULLMARK_DB_DIR')}")
        shown = set()
        for command in COMMANDS:
            for key, value, origin in _settings(command.name, command.load(), tables):
                line = f"{key} = {_toml(value)}  # {origin}"
                if line not in shown:  # what commands share is shown once
                    write_line(line)
                shown.add(line)
        return ExitCode.CLEAN


def _variable(name: str) -> str:
    return f"environment {name}" if os.environ.get(name) else "default"


def _settings(
    command: str, kind: type[Settings], tables: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, Any, str]]:
    """Give each flag's name with its table, value and origin; a bound for what is read has a line of its own."""
    from hullmark.cli.options import settings_of
    from hullmark.cli.settings import resolve
    from hullmark.scan.limits import with_limits

    settings = settings_of(kind)
    found = resolve(command, settings, {}, tables)
    for setting in settings:
        value, origin = found[setting.field].value, found[setting.field].origin
        if setting.positional:
            continue
        table = command.replace(" ", ".")
        if setting.name != "limit":
            group, key = setting.shared
            yield f"{group}.{key}" if group else f"{table}.{setting.name}", value, origin
            continue
        named = {text.partition("=")[0].removeprefix("limits.") for text in value}
        for limits in with_limits(value):
            for limit, number in msgspec.structs.asdict(limits).items():
                yield f"{table}.limit.{limit}", number, origin if limit in named else "default"


def _toml(value: Any) -> str:
    """Write a value as the config file has it; one that must be given and is not has none."""
    import json

    if value is msgspec.NODEFAULT:
        return "(must be given)"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
