"""Where settings come from: the command line, `HULLMARK_…`, the config file; and the XDG folders.

The config file is `HULLMARK_CONFIG`, else `hullmark.toml` in the working folder, else
`$XDG_CONFIG_HOME/hullmark/config.toml`. Its tables are named after the commands (`[scan]`), its keys after the flags.
What several commands have in common stands once: `max-age` in `[db]` is `--db-max-age`, and `HULLMARK_DB_MAX_AGE`.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from hullmark.cli.commands import GROUPS, below
from hullmark.cli.options import SHARED, Kind, Setting
from hullmark.model.errors import UsageError

_SWITCH = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_IN_FILES: dict[Kind, tuple[tuple[type, ...], str]] = {
    "text": ((str,), "a text in quotation marks"),
    "texts": ((), "a list of texts"),
    "switch": ((bool,), "true or false"),
    "number": ((int, float), "a number"),
}


def _home(variable: str, *fallback: str) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home().joinpath(*fallback)


def config_path() -> Path:
    """Give the config file's path; the file need not exist unless `HULLMARK_CONFIG` names it."""
    named = os.environ.get("HULLMARK_CONFIG", "")
    if named:
        return Path(named).absolute()
    here = Path("hullmark.toml").absolute()
    return here if here.is_file() else _home("XDG_CONFIG_HOME", ".config") / "hullmark" / "config.toml"


def cache_folder() -> Path:
    """Give the folder for what can be learned again."""
    named = os.environ.get("HULLMARK_CACHE_DIR", "")
    return Path(named) if named else _home("XDG_CACHE_HOME", ".cache") / "hullmark"


def database_folder() -> Path:
    """Give the folder of the advisory database."""
    named = os.environ.get("HULLMARK_DB_DIR", "")
    return Path(named) if named else cache_folder() / "db"


def made_folder() -> Path:
    """Give the folder of the database, made where it is not there."""
    from hullmark.scan.cache import make_folder

    folder = database_folder()
    try:
        if folder.is_relative_to(cache_folder()):
            make_folder(cache_folder())
        folder.mkdir(exist_ok=True, parents=True)
    except OSError as problem:
        raise UsageError(
            f"cannot be made: {problem.strerror}", where=str(folder), hint="HULLMARK_DB_DIR names the folder"
        ) from problem
    return folder


class Value(Struct, frozen=True):
    """A setting's value, and where that comes from; it is `msgspec.NODEFAULT` where nothing says it and it must be said."""

    value: Any
    origin: str


def config_tables() -> dict[str, dict[str, Any]]:
    """Give the tables of the config file by command: nothing where there is none. Raises `UsageError`.

    A table that is not named after a command is refused: a gate that is misspelt must not be one that is open.
    """
    path = config_path()
    if not path.is_file():
        if os.environ.get("HULLMARK_CONFIG"):
            raise UsageError("no such file", where=str(path), hint="HULLMARK_CONFIG names it")
        return {}
    import tomllib  # for those who have a file only

    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise UsageError(f"cannot be read: {problem}", where=str(path)) from problem
    return dict(_tables(content, path))


def _tables(content: dict[str, Any], path: Path, group: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    known = below(group)
    if group in SHARED:
        shared = {name: value for name, value in content.items() if name not in known}
        if shared:
            yield group, shared
        content = {name: table for name, table in content.items() if name in known}
    for name, table in content.items():
        words = f"{group} {name}".strip()
        if name not in known or not isinstance(table, dict):
            raise UsageError(
                f"there is no command {words!r}", where=str(path), hint=f"its tables are {', '.join(known)}"
            )
        if words in GROUPS:
            yield from _tables(table, path, words)
        else:
            yield words, table


def resolve(
    command: str, settings: Sequence[Setting], given: Mapping[str, Any], tables: Mapping[str, dict[str, Any]]
) -> dict[str, Value]:
    """Give every field of a command its value: of the command line, else the environment, else the file, else its default.

    `given` is what the command line says, by field. A variable that is empty says nothing. Raises `UsageError` for a
    value of a wrong type and for a key of the command's table that is no flag, each with the place where it stands.
    """
    file, table = config_path(), tables.get(command, {})
    own = {setting.name for setting in settings if not setting.positional and not setting.shared[0]}
    for key in table:
        if key not in own:
            raise UsageError(
                f"{command} has no setting {key!r}", where=str(file), hint=f"hullmark {command} --help"
            )
    _check_shared(tables)
    found = {}
    for setting in settings:
        variable = setting.variable(command)
        value, where, origin = setting.default, "", "default"
        try:
            if setting.field in given:
                where, origin = setting.flag, "command line"
                value = _from_words(setting.kind, given[setting.field], filled=setting.filled)
            elif setting.positional:
                pass
            elif text := os.environ.get(variable, "").strip():
                where, origin = variable, f"environment {variable}"
                value = _from_words(setting.kind, text.split() if setting.kind == "texts" else [text])
            elif (said := _in_file(setting, command, tables)) is not None:
                where, origin = f"{file}: {setting.shared[1] or setting.name}", f"file {file}"
                value = _from_file(setting.kind, said)
        except ValueError as problem:
            raise UsageError(str(problem), where=where, hint=f"hullmark {command} --help") from problem
        found[setting.field] = Value(value, origin)
    return found


def strangers(command: str, settings: Sequence[Setting]) -> list[str]:
    """Give the environment variables that begin as this command's do and are none of them: a gate may be misspelt so."""
    known = {setting.variable(command) for setting in settings}
    head = f"HULLMARK_{command}_".upper().replace(" ", "_")
    return sorted(
        name for name, value in os.environ.items() if name.startswith(head) and name not in known and value
    )


def _check_shared(tables: Mapping[str, dict[str, Any]]) -> None:
    """Refuse a key of a shared table that no command has. Raises `UsageError`."""
    for group, known in SHARED.items():
        for key in tables.get(group, {}):
            if key.replace("_", "-") not in known:
                raise UsageError(
                    f"{group} has no setting {key!r}",
                    where=str(config_path()),
                    hint=f"it has {', '.join(known)}",
                )


def _in_file(setting: Setting, command: str, tables: Mapping[str, dict[str, Any]]) -> Any:
    """Give what the config file says of a setting, None where it says nothing."""
    group, key = setting.shared
    if not group:
        return tables.get(command, {}).get(setting.name)
    table = tables.get(group, {})
    return table.get(key, table.get(key.replace("-", "_")))


def _from_words(kind: Kind, words: Any, *, filled: bool = False) -> Any:
    """Read a value that is text, or was a flag without one. Raises `ValueError` where it is of another kind."""
    if filled and not words[0].strip():
        raise ValueError("is empty: is a variable not set?")
    if kind == "texts":
        return tuple(words)
    if kind == "text":
        return words[0]
    if kind == "switch":
        if isinstance(words, bool):
            return words
        if (word := words[0].strip().lower()) in _SWITCH:
            return _SWITCH[word]
        raise ValueError(f"must be true or false, not {words[0]!r}")
    try:
        return float(words[0])
    except ValueError as problem:
        raise ValueError(f"must be a number, not {words[0]!r}") from problem


def _from_file(kind: Kind, value: Any) -> Any:
    """Take a value as TOML has it; a list of one may be written without its brackets. Raises `ValueError` as well."""
    if kind == "texts" and isinstance(value, str):
        return (value,)
    if kind == "texts" and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    types, wanted = _IN_FILES[kind]
    if isinstance(value, types) and (kind == "switch" or not isinstance(value, bool)):
        return value
    raise ValueError(f"must be {wanted}, not {value!r}")
