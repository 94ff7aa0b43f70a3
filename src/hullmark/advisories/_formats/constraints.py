"""Version constraints (`>= 1.0, < 1.2.3`), as GitHub, RustSec, rubysec and FriendsOfPHP publish ranges.

A constraint's strict lower end has no place in a `Range`; the next version after it stands in.
"""

import functools
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from hullmark.model.advisory import Range
from hullmark.model.errors import VersionError

Comparison = tuple[str, str]
"""An operator and a version."""

# No version has 200 characters; what is longer could not be counted with in reasonable time.
_COMPARISON = re.compile(r"(\^|~>|~|>=|<=|==|!=|=|>|<|)\s*([^\s,<>=^~!]{1,200})\Z")
_SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?\Z")
_NUMBERS = re.compile(r"\d+(?:\.\d+)*\Z")
SEMANTIC = frozenset({"npm", "cargo", "golang", "hex", "pub", "swift", "nuget"})
"""Ecosystems whose versions have three numbers."""
_NEXT = {"pypi": ".post0.dev0", "gem": ".0.1", "composer": "-p1", "maven": "-sp", "generic": ".0.0.1"}
_LETTERED = re.compile(r"\d+(?:\.\d+)*(?:[a-z]|[.-]?(?:alpha|beta|rc|p)\d*)\Z")


class ConstraintError(ValueError):
    """A text that is no version constraint."""


def comparisons(text: str) -> list[Comparison]:
    """Part a constraint at its commas; a bare version has the empty operator."""
    found = []
    for item in text.split(","):
        match = _COMPARISON.match(item.strip())
        if match is None:
            raise ConstraintError(f"not a version constraint: {text[:80]!r}")
        found.append((match[1], match[2]))
    return found


def after(ecosystem: str, version: str) -> str:
    """Give the version that comes next, for a strict lower end.

    Exact where versions are semantic; elsewhere no release lies between. Where nothing is known it is the
    version itself: one version too many is reported rather than one too few.
    """
    if ecosystem in SEMANTIC:
        match = _SEMVER.match(version)
        if match is None:
            return version
        if match[4]:
            return f"{version}.0"
        return f"{match[1]}.{match[2]}.{int(match[3]) + 1}-0"
    counted = _NUMBERS.match(version) or (ecosystem == "generic" and _LETTERED.match(version))
    return version + _NEXT[ecosystem] if ecosystem in _NEXT and counted else version


def published(found: Iterable[Comparison], ecosystem: str) -> Range:
    """Make one range of comparisons that hold together: at most one lower and one upper end."""
    introduced = fixed = last_affected = ""
    lower = upper = 0
    for operator, version in found:
        if operator in ("", "=", "=="):
            introduced, last_affected = version, version
            lower, upper = lower + 1, upper + 1
        elif operator in (">", ">="):
            introduced = version if operator == ">=" else after(ecosystem, version)
            lower += 1
        elif operator in ("<", "<="):
            fixed, last_affected = (version, "") if operator == "<" else ("", version)
            upper += 1
        else:
            raise ConstraintError(f"unknown operator {operator}")
    if lower > 1 or upper > 1:
        raise ConstraintError("more than one lower or upper end")
    return Range("" if introduced == "0" else introduced, fixed, last_affected)


class _Cut(NamedTuple):
    """A place between versions: just before one, or just after it (`after`); `place` is -1 and 1 at the ends."""

    place: int
    key: bytes
    after: bool
    text: str


_FIRST = _Cut(-1, b"", False, "")
_LAST = _Cut(1, b"", False, "")


@functools.cache
def _key(ecosystem: str) -> Callable[[str], bytes]:
    from hullmark.advisories.registry import schemes

    scheme = schemes().get(ecosystem)
    if scheme is None:
        raise ConstraintError(f"no order of versions for {ecosystem}")
    return scheme.key


def complement(sound: Iterable[list[Comparison]], ecosystem: str) -> tuple[Range, ...]:
    """Give the ranges outside all of the sound ones, ordered. Only `<`, `<=`, `>`, `>=` and `=` are known."""
    key = _key(ecosystem)
    ranges = []
    start = _FIRST
    try:
        spans = sorted(_span(item, key) for item in sound)
    except VersionError as problem:
        raise ConstraintError(problem.what) from problem
    for low, high in spans:
        if low > start:
            ranges.append(_range(start, low, ecosystem))
        start = max(start, high)
    if start < _LAST:
        ranges.append(_range(start, _LAST, ecosystem))
    return tuple(ranges)


def union(ranges: Iterable[Range], ecosystem: str) -> tuple[Range, ...]:
    """Join ranges that touch (`>=2.0, <3.0` and `>=3.0, <4.1`): the version that fixes is the last one's."""
    found = list(dict.fromkeys(ranges))
    try:
        key = _key(ecosystem)
        spans = sorted(_span(comparisons_of(item), key) for item in found)
    except (ConstraintError, VersionError):
        return tuple(found)
    joined: list[tuple[_Cut, _Cut]] = []
    for low, high in spans:
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return tuple(_range(low, high, ecosystem) for low, high in joined)


def comparisons_of(item: Range) -> list[Comparison]:
    """Give the comparisons that a range is; none where it is all versions."""
    found = [(">=", item.introduced)] if item.introduced else []
    if item.fixed:
        found.append(("<", item.fixed))
    elif item.last_affected:
        found.append(("<=", item.last_affected))
    return found


def _span(found: list[Comparison], key: Callable[[str], bytes]) -> tuple[_Cut, _Cut]:
    low, high = _FIRST, _LAST
    for operator, version in found:
        before, behind = _Cut(0, key(version), False, version), _Cut(0, key(version), True, version)
        if operator in (">", ">="):
            low = max(low, before if operator == ">=" else behind)
        elif operator in ("<", "<="):
            high = min(high, before if operator == "<" else behind)
        elif operator == "=":
            low, high = max(low, before), min(high, behind)
        else:
            raise ConstraintError(f"unknown operator {operator}")
    return low, max(low, high)


def _range(low: _Cut, high: _Cut, ecosystem: str) -> Range:
    introduced = after(ecosystem, low.text) if low.after else low.text
    if high.place:
        return Range(introduced)
    return Range(introduced, last_affected=high.text) if high.after else Range(introduced, fixed=high.text)
