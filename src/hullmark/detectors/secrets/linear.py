"""Patterns of a team's own, searched for in linear time whatever they are.

`re` goes back and tries again, which takes exponential time on patterns such as `(a+)+$`. Hyperscan never does.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import hyperscan

_LONG = 1000
_MOST_LONG = 2


def problem_of(pattern: bytes) -> str:
    """Say why a pattern cannot be searched for, nothing where it can."""
    try:
        _compiled((pattern,), 0)
    except hyperscan.error as problem:
        return str(problem)
    return ""


class AnyOf:
    """Some patterns: tells which of them a text has."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = tuple(pattern.encode() for pattern in patterns)

    @functools.cached_property
    def _database(self) -> "hyperscan.Database":
        return _compiled(self._patterns, hyperscan.HS_FLAG_SINGLEMATCH)

    def found(self, text: bytes) -> frozenset[int]:
        """Give the places of the patterns that occur in a text."""
        if not self._patterns:
            return frozenset()
        numbers: set[int] = set()
        scratch = hyperscan.Scratch(self._database)
        self._database.scan(
            text, match_event_handler=lambda number, *_rest: numbers.add(number), scratch=scratch
        )
        return frozenset(numbers)


class Spans:
    """One pattern: tells where it matches."""

    def __init__(self, pattern: str) -> None:
        self._database = _compiled((pattern.encode(),), hyperscan.HS_FLAG_SOM_LEFTMOST)

    def found(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Give begin and end of each match that does not lie in one before, the longest of those that begin together."""
        ends: dict[int, int] = {}

        def note(_number: int, start: int, end: int, *_rest: object) -> None:
            ends[start] = max(end, ends.get(start, 0))

        self._database.scan(text, match_event_handler=note, scratch=hyperscan.Scratch(self._database))
        done = 0
        for start in sorted(ends):
            if start >= done and ends[start] > start:
                yield start, ends[start]
                done = ends[start]


def _compiled(patterns: Sequence[bytes], flags: int) -> "hyperscan.Database":
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    made.compile(
        expressions=list(patterns),
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[flags | hyperscan.HS_FLAG_ALLOWEMPTY] * len(patterns),
    )
    return made


def is_slow(pattern: str) -> bool:
    """Tell whether `re` may take long for a pattern: repetitions within repetitions, or several long ones in a row."""
    from re import _parser  # type: ignore[attr-defined]  # the only place that tells

    longs = 0

    def nested(parts: Any, within: bool) -> bool:  # noqa: FBT001  # which it is in
        nonlocal longs
        for kind, value in parts:
            name = str(kind)
            if name.endswith("_REPEAT"):
                most = int(value[1])
                longs += most > _LONG
                if (within and most > 1) or nested(value[2], within or most > 1):
                    return True
            elif (name == "SUBPATTERN" and nested(value[3], within)) or (
                name == "BRANCH" and any(nested(branch, within) for branch in value[1])
            ):
                return True
        return False

    return nested(_parser.parse(pattern), False) or longs > _MOST_LONG


def flags(pattern: bytes) -> int:
    """Give Hyperscan's flags for a pattern of ours: one with a look-around or a back reference is only searched for roughly."""
    rough = re.search(rb"\(\?<?[=!]|\(\?P=|\\[1-9]|\(\?>|[*+?}]\+", pattern)
    return hyperscan.HS_FLAG_PREFILTER if rough else 0
