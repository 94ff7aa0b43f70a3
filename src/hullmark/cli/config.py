"""`hullmark config`: every setting with the value that holds, and where that comes from."""

import os
from collections.abc import Iterator
from typing import Any

import cyclopts


def config() -> None:
    """Show the files and folders in use, and every setting with its value and where that comes from."""
    from hullmark.cli.app import app
    from hullmark.cli.output import write_line
    from hullmark.cli.settings import cache_folder, config_path, config_sources, database_folder

    path = config_path()
    there = "" if path.is_file() else "(not there) "
    write_line(f"config file   {path}  # {there}{_variable('HULLMARK_CONFIG')}")
    write_line(f"cache         {cache_folder()}  # {_variable('HULLMARK_CACHE_DIR')}")
    write_line(f"database      {database_folder()}  # {_variable('HULLMARK_DB_DIR')}")
    sources = config_sources()
    for name, command in _commands(app):
        arguments = command.assemble_argument_collection()
        for source in sources:
            source(command, name, arguments)
        for key, value, origin in _settings(arguments):
            write_line(f"{'.'.join(name)}.{key} = {_toml(value)}  # {origin}")


def _variable(name: str) -> str:
    return f"environment {name}" if os.environ.get(name) else "default"


def _commands(
    group: cyclopts.App, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], cyclopts.App]]:
    for name in group:
        if not name.startswith("-"):
            yield from list(_commands(group[name], (*path, name))) or [((*path, name), group[name])]


def _settings(arguments: cyclopts.ArgumentCollection) -> Iterator[tuple[str, Any, str]]:
    """Give each flag's name, value and origin; a bound for what is read has a line of its own."""
    import msgspec

    from hullmark.cli.settings import flags
    from hullmark.scan.limits import with_limits

    for argument in flags(arguments):
        name = argument.name.removeprefix("--")
        given = argument.tokens
        value = argument.convert_and_validate() if given else argument.field_info.default
        origin = "default"
        if given:
            variable = given[0].source == "env"
            origin = f"environment {given[0].keyword}" if variable else f"file {given[0].source}"
        if name != "limit":
            yield name, value, origin
            continue
        named = {text.partition("=")[0].removeprefix("limits.") for text in value}
        for limits in with_limits(value):
            for limit, number in msgspec.structs.asdict(limits).items():
                yield f"limit.{limit}", number, origin if limit in named else "default"


def _toml(value: Any) -> str:
    """Write a value as the config file has it; one that must be given and is not has none."""
    import json

    if value is cyclopts.UNSET or isinstance(value, type):
        return "(must be given)"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False, default=str)
