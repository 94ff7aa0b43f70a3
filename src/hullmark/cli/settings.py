"""Where settings come from: the command line, `HULLMARK_…`, the config file; and the XDG folders.

The config file is `HULLMARK_CONFIG`, else `hullmark.toml` in the working folder, else
`$XDG_CONFIG_HOME/hullmark/config.toml`. Its tables are named after the commands (`[scan]`), its keys after the flags.
"""

import os
from pathlib import Path
from typing import Any

import cyclopts
import cyclopts.config

from hullmark.model.errors import UsageError

ENVIRONMENT = "HULLMARK_"
COMMANDS = ("scan", "sbom", "db", "cache", "config")


def _home(variable: str, *fallback: str) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home().joinpath(*fallback)


def config_path() -> Path:
    """Give the config file's path; the file need not exist unless `HULLMARK_CONFIG` names it."""
    named = os.environ.get("HULLMARK_CONFIG", "")
    if named:
        return Path(named)
    here = Path("hullmark.toml")
    return here if here.is_file() else _home("XDG_CONFIG_HOME", ".config") / "hullmark" / "config.toml"


def cache_folder() -> Path:
    """Give the folder for what can be learned again."""
    named = os.environ.get("HULLMARK_CACHE_DIR", "")
    return Path(named) if named else _home("XDG_CACHE_HOME", ".cache") / "hullmark"


def database_folder() -> Path:
    """Give the folder of the advisory database."""
    named = os.environ.get("HULLMARK_DB_DIR", "")
    return Path(named) if named else cache_folder() / "db"


def flags(arguments: cyclopts.ArgumentCollection) -> list[cyclopts.Argument]:
    """Give the flags among a command's arguments."""
    return [argument for argument in arguments if argument.name.startswith("--")]


def _check_tables(path: Path) -> None:
    """Refuse a file whose tables are not named after commands: a gate that is misspelt must not be one that is open."""
    import tomllib

    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise UsageError(f"cannot be read: {problem}", where=str(path)) from problem
    for name, content in tables.items():
        if name not in COMMANDS or not isinstance(content, dict):
            raise UsageError(
                f"there is no command {name!r}", where=str(path), hint=f"its tables are {', '.join(COMMANDS)}"
            )


class Environment(cyclopts.config.Env):
    """Flags only: what is read stands on the command line, so that `HULLMARK_SCAN_IMAGES` is `--images`."""

    def __call__(
        self, app: cyclopts.App, commands: tuple[str, ...], arguments: cyclopts.ArgumentCollection
    ) -> None:
        """Fill in what variables say."""
        named = arguments.copy()
        named[:] = flags(arguments)
        super().__call__(app, commands, named)


def config_sources() -> list[Any]:
    """Give the layers that fill in what the command line leaves out, the strongest first."""
    sources: list[Any] = [Environment(ENVIRONMENT, command=True)]
    path = config_path()
    if os.environ.get("HULLMARK_CONFIG") and not path.is_file():
        raise UsageError("no such file", where=str(path), hint="HULLMARK_CONFIG names it")
    if path.is_file():
        _check_tables(path)
        sources.append(cyclopts.config.Toml(path, must_exist=False))
    return sources
