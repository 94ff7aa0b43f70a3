"""The packs that come with Hullmark and their rules: what each rule is for and asks for, and what each pack makes of it.

All of it stands in `packs/data.json`, which the Rego modules beside it read as `data.hullmark.rules` and `data.hullmark.packs`.
"""

import functools
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import msgspec
from msgspec import Struct

from hullmark.model.errors import UsageError
from hullmark.model.printable import printable

LIBRARY = "lib"
LEVELS = ("off", "warn", "deny")
EVERY = "every"
"""Settings under this name are for all packs."""
_OWN = frozenset({"rules", "packs", "about"})
_EXCEPTION = frozenset({"rule", "finding", "package", "image", "owner", "reason", "expires"})


class PolicyRule(Struct, frozen=True):
    """A rule of the packs: what it is about in a clause, why, what to do; `settings` says of each what it means, `defaults` what it is."""

    title: str
    why: str
    fix: str
    settings: dict[str, str]
    controls: tuple[str, ...]
    defaults: dict[str, Any]


class _Rules(Struct):
    rules: dict[str, PolicyRule]
    packs: dict[str, dict[str, dict[str, Any]]]
    about: dict[str, str]


class _Document(Struct):
    hullmark: _Rules


def files() -> Any:
    """Give the folder of the packs."""
    return resources.files("hullmark.policy") / "packs"


@functools.cache
def _own() -> dict[str, Any]:
    return dict(msgspec.json.decode((files() / "data.json").read_bytes())["hullmark"])


@functools.cache
def _read() -> _Rules:
    return msgspec.json.decode((files() / "data.json").read_bytes(), type=_Document).hullmark


def names() -> tuple[str, ...]:
    """Give the names of the packs, the mildest first."""
    return ("development", "baseline", "production", "strict")


def rules() -> dict[str, PolicyRule]:
    """Give the rules by their names, in the order in which they are documented."""
    return dict(_read().rules)


def about(pack: str) -> str:
    """Say in a clause what a pack is for."""
    return _read().about[pack]


def settings(pack: str) -> dict[str, dict[str, Any]]:
    """Give what a pack makes of each rule: its level (`off`, `warn`, `deny`) and its other settings."""
    given = _read().packs[pack]
    return {
        name: {"level": "off"} | rule.defaults | given.get(name, {}) for name, rule in _read().rules.items()
    }


def check_data(data: Mapping[str, Any], where: str) -> None:
    """Refuse settings and exceptions of a team's own that mean nothing: a misspelt one would silently not count. Raises `UsageError`."""
    own = data.get("hullmark")
    if own is None:
        return
    if not isinstance(own, dict):
        raise UsageError("hullmark: is no object", where=where)
    for key, value in own.items():
        if key in _OWN and value == _own()[key]:
            continue  # in a bundle that was built here
        if key not in {"settings", "exceptions"}:
            raise _unknown(f"hullmark.{key}", ("settings", "exceptions"), where)
    for problem in (
        *_settings_problems(own.get("settings", {})),
        *_exception_problems(own.get("exceptions", [])),
    ):
        raise UsageError(
            printable(problem)[:500], where=where, hint="hullmark policy explain RULE shows what there is"
        )


def _settings_problems(given: Any) -> Iterator[str]:
    if not isinstance(given, dict):
        yield "hullmark.settings is no object"
        return
    for pack, of_pack in given.items():
        if pack not in (EVERY, *names()):
            yield f"hullmark.settings has no pack {pack!r}; there are {', '.join((EVERY, *names()))}"
            continue
        for name, of_rule in of_pack.items() if isinstance(of_pack, dict) else [("", None)]:
            yield from _rule_problems(f"hullmark.settings.{pack}", name, of_rule)


def _rule_problems(where: str, name: str, given: Any) -> Iterator[str]:
    rule = _read().rules.get(name)
    if rule is None:
        yield f"{where} has no rule {name!r}; there are {', '.join(_read().rules)}"
        return
    if not isinstance(given, dict):
        yield f"{where}.{name} is no object"
        return
    for key, value in given.items():
        if key == "level":
            if value not in LEVELS:
                yield f"{where}.{name}.level is one of {', '.join(LEVELS)}"
        elif key not in rule.defaults:
            yield f"{where}.{name} has no setting {key!r}; there are {', '.join(('level', *rule.defaults))}"
        elif not _fits(value, rule.defaults[key]):
            yield f"{where}.{name}.{key} is no {_NAMES[type(rule.defaults[key])]}: {rule.settings[key]}"
        elif key in _WORDS and value not in _WORDS[key]:
            yield f"{where}.{name}.{key} is one of {', '.join(_WORDS[key])}"


_NAMES = {
    bool: "true or false",
    int: "number",
    float: "number",
    str: "text",
    list: "list of texts",
    dict: "object of numbers",
}
_WORDS = {
    "severity": ("critical", "high", "medium", "low", "negligible"),
    "confidence": ("high", "medium", "low"),
}


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, (int, float)):
        return _is_number(value)
    if isinstance(default, list):
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if isinstance(default, dict):
        return isinstance(value, dict) and all(
            key in _WORDS["severity"] and _is_number(each) for key, each in value.items()
        )
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 10**9


def _exception_problems(given: Any) -> Iterator[str]:
    if not isinstance(given, list):
        yield "hullmark.exceptions is no list"
        return
    for number, entry in enumerate(given):
        if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
            yield f"hullmark.exceptions[{number}] is no object of texts"
            continue
        for key in entry.keys() - _EXCEPTION:
            yield f"hullmark.exceptions[{number}] has an unknown {key!r}; there are {', '.join(sorted(_EXCEPTION))}"


def _unknown(key: str, known: tuple[str, ...], where: str) -> UsageError:
    return UsageError(
        f"{printable(key)[:80]} is not known", where=where, hint=f"there are {', '.join(known)}"
    )
