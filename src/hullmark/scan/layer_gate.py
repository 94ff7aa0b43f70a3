"""The gates over an image's layers, with dive's names and meaning, and its file `.dive-ci`.

Format: YAML, `rules:` with `lowestEfficiency`, `highestWastedBytes` and `highestUserWastedPercent`, of which each may be off
(https://github.com/wagoodman/dive, "CI Integration"). A file that lacks one of them has dive's default for it.
"""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from hullmark.findings.statements._yaml import load
from hullmark.model.errors import UsageError
from hullmark.model.layering import GateResult, Layering

LOWEST_EFFICIENCY = "lowest-efficiency"
HIGHEST_WASTED_BYTES = "highest-wasted-bytes"
HIGHEST_USER_WASTED_PERCENT = "highest-user-wasted-percent"
NAMES = {
    "lowestEfficiency": LOWEST_EFFICIENCY,
    "highestWastedBytes": HIGHEST_WASTED_BYTES,
    "highestUserWastedPercent": HIGHEST_USER_WASTED_PERCENT,
}
_DEFAULTS = {LOWEST_EFFICIENCY: "0.9", HIGHEST_WASTED_BYTES: "disabled", HIGHEST_USER_WASTED_PERCENT: "0.1"}
_OFF = frozenset({"", "disabled", "off", "false"})
_BYTES = re.compile(r"([0-9][0-9,]{0,20}(?:\.[0-9]{0,9})?)\s*([a-z]{0,3})", re.IGNORECASE)
_UNITS = {"": 1, "b": 1} | {
    name: factor**power
    for power, letter in enumerate("kmgtpe", 1)
    for name, factor in ((letter, 1000), (f"{letter}b", 1000), (f"{letter}i", 1024), (f"{letter}ib", 1024))
}


class LayerGate(Struct, frozen=True):
    """Bounds; None where there is none. `said` are they as they were given."""

    lowest_efficiency: float | None = None
    highest_wasted_bytes: int | None = None
    highest_user_wasted_percent: float | None = None
    said: dict[str, str] = {}


def read_file(name: str, body: bytes) -> tuple[dict[str, str], list[str]]:
    """Read a `.dive-ci`: its bounds with dive's defaults, and the keys that mean nothing here. Raises `UsageError` with file and line."""
    top = load(name, body)
    bounds = dict(_DEFAULTS)
    unknown: list[str] = []
    if top is None:
        return bounds, unknown
    if not isinstance(top.value, dict):
        raise UsageError("is no mapping", where=f"{name}:{top.line}", hint="rules: {lowestEfficiency: 0.95}")
    unknown += [key for key in top.value if key != "rules"]
    rules = top.value.get("rules")
    if rules is None or rules.is_null:
        return bounds, unknown
    if not isinstance(rules.value, dict):
        raise UsageError("rules is a mapping", where=f"{name}:{rules.line}")
    for key, node in rules.value.items():
        known = NAMES.get(key) or (key if key in _DEFAULTS else "")
        if not known:
            unknown.append(f"rules.{key}")
        elif not isinstance(node.value, str):
            raise UsageError(f"{key} is a number", where=f"{name}:{node.line}")
        else:
            bounds[known] = "" if node.is_null else node.value
    return bounds, unknown


def gate(bounds: dict[str, str]) -> LayerGate:
    """Take bounds as text. Raises `UsageError` for one that is none."""
    given = {name: text.strip() for name, text in bounds.items() if text.strip().lower() not in _OFF}
    return LayerGate(
        _share(given, LOWEST_EFFICIENCY),
        _bytes(given, HIGHEST_WASTED_BYTES),
        _share(given, HIGHEST_USER_WASTED_PERCENT),
        given,
    )


def _share(given: dict[str, str], name: str) -> float | None:
    if name not in given:
        return None
    try:
        found = float(given[name])
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise UsageError(f"{name} is a share from 0 to 1, not {given[name][:40]!r}")
    return found


def _bytes(given: dict[str, str], name: str) -> int | None:
    if name not in given:
        return None
    match = _BYTES.fullmatch(given[name])
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise UsageError(f"{name} is a number of bytes, as 20MB, not {given[name][:40]!r}")
    try:
        return int(Decimal(match[1].replace(",", "")) * unit)
    except InvalidOperation as problem:
        raise UsageError(f"{name} is a number of bytes, as 20MB, not {given[name][:40]!r}") from problem


def results(asked: LayerGate, found: Layering) -> Iterator[GateResult]:
    """Put a result to the gates."""
    totals, said = found.totals, asked.said
    if asked.lowest_efficiency is not None:
        passed = totals.efficiency >= asked.lowest_efficiency
        yield _result(LOWEST_EFFICIENCY, said, f"{totals.efficiency:.4f}", passed=passed)
    if asked.highest_wasted_bytes is not None:
        passed = totals.wasted_bytes <= asked.highest_wasted_bytes
        yield _result(HIGHEST_WASTED_BYTES, said, str(totals.wasted_bytes), passed=passed)
    if asked.highest_user_wasted_percent is not None:
        share = totals.user_wasted_percent
        passed = share is None or share <= asked.highest_user_wasted_percent
        yield _result(
            HIGHEST_USER_WASTED_PERCENT, said, "none" if share is None else f"{share:.4f}", passed=passed
        )


def _result(name: str, said: dict[str, str], found: str, *, passed: bool) -> GateResult:
    return GateResult(name=name, bound=said[name], found=found, passed=passed)
