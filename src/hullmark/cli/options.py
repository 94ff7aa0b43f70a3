"""What a command can be told: a Struct for each command, a field for each flag, all that is known of it in one place.

The parser, the help, `HULLMARK_…`, the config file, `hullmark config` and the shells' completion are all made from
these fields, so a new flag is one new field:

    fail_on: Annotated[str, Option("Severities that fail.")] = ""

is `--fail-on`. A `str` takes a text, a `float` a number, a `bool` nothing, and a `tuple[str, ...]` may be repeated.
A field without a default must be given.
"""

import abc
from typing import Any, Literal

import msgspec
from msgspec import Struct

Kind = Literal["text", "number", "switch", "texts"]
_KINDS: dict[Any, Kind] = {str: "text", float: "number", bool: "switch", tuple[str, ...]: "texts"}
SHARED = {"db": ("from", "key", "revision", "mirror", "nvd-key", "max-age", "fetch-timeout")}
"""The settings that several commands have in common, by group: `--db-from` is `from` in `[db]`."""

_UNDERSCORES = str.maketrans(" -", "__")


class Option(Struct, frozen=True):
    """What the type of a field does not say.

    Its help; its name where that is not the field's; and whether it is a word of the command line without a flag, which
    the help calls by that name. One that is `filled` is refused where a flag gives it no text (`--db-key "$KEY"` without such a
    variable): without it something would be done that was not meant.
    """

    help: str
    name: str = ""
    positional: bool = False
    filled: bool = False


class Settings(Struct, frozen=True, kw_only=True):
    """What one call of a command was told. Its docstring is the command's help."""

    @abc.abstractmethod
    def run(self) -> int:
        """Do it, and give the exit code."""

    @classmethod
    def epilogue(cls) -> str:
        """Give what stands below the flags in the help."""
        return ""


class Setting(Struct, frozen=True):
    """One field of a command's settings as the parser needs it; `default` is `msgspec.NODEFAULT` where there is none."""

    field: str
    name: str
    kind: Kind
    default: Any
    help: str
    positional: bool
    filled: bool = False

    @property
    def flag(self) -> str:
        """Give it as it stands on the command line."""
        return self.name if self.positional else f"--{self.name}"

    @property
    def shared(self) -> tuple[str, str]:
        """Give group and key of a setting that several commands have in common: `--db-max-age` is `max-age` of `db`."""
        group, _, key = self.name.partition("-")
        return (group, key) if key in SHARED.get(group, ()) and not self.positional else ("", "")

    def variable(self, command: str) -> str:
        """Give the environment variable that says it; what is shared is said once for all commands."""
        whose = "" if self.shared[0] else f"{command}_"
        return f"HULLMARK_{whose}{self.name}".upper().translate(_UNDERSCORES)


def settings_of(kind: type[Settings]) -> list[Setting]:
    """Give the fields of a command's settings: its own first, then those that it shares with other commands."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    names: list[str] = []
    for part in reversed(kind.__mro__):
        own = part.__struct_fields__ if issubclass(part, Settings) else ()
        names = [name for name in own if name not in names] + names
    return [_setting(fields[name]) for name in names]


def _setting(field: msgspec.structs.FieldInfo) -> Setting:
    (option,) = field.type.__metadata__
    return Setting(
        field=field.name,
        name=option.name or field.name.strip("_").replace("_", "-"),
        kind=_KINDS[field.type.__origin__],
        default=field.default,
        help=option.help,
        positional=option.positional,
        filled=option.filled,
    )
