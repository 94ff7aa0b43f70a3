"""Julia's order against the rules of `base/version.jl` told once more, pair by pair."""

import itertools
import re

from hullmark.advisories.versions.julia import SCHEME
from versions.pairs import keys, mutated, pairs, table, wrong

key = SCHEME.key
VERSIONS = ["6.1.1+0", "2.13.6+1", "1.9.0-DEV", "0.21.2", "1.0.0-rc1", "3.6.2", "8.15.0+10", "1.0.0-a.1+b.2"]
BITS = ["-", "+", "+1", "-rc", "-DEV.5", ".x", "a", "Z", "-0", "+0.1"]
Parts = list[int | str]


def parts(text: str) -> Parts:
    return [int(part) if part.isdigit() else part for part in text.split(".")] if text else []


def parsed(version: str) -> tuple[list[int], Parts, Parts]:
    match = re.match(r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-?([^+]*))(?:\+(.*))?$", version, re.ASCII)
    assert match
    return [int(number or 0) for number in match.group(1, 2, 3)], parts(match[4]), parts(match[5] or "")


def compare_parts(left: Parts, right: Parts) -> int:
    for a, b in itertools.zip_longest(left, right):
        if a == b:
            continue
        if a is None or b is None:
            return -1 if a is None else 1
        if isinstance(a, int) and isinstance(b, int):
            return -1 if a < b else 1
        if isinstance(a, int) or isinstance(b, int):
            return -1 if isinstance(a, int) else 1
        return -1 if a < b else 1
    return 0


def compare(left: str, right: str) -> int:
    (a, pre_a, build_a), (b, pre_b, build_b) = parsed(left), parsed(right)
    if a != b:
        return -1 if a < b else 1
    if bool(pre_a) != bool(pre_b):
        return -1 if pre_a else 1
    return compare_parts(pre_a, pre_b) or compare_parts(build_a, build_b)


def test_like_the_rules() -> None:
    texts = [*VERSIONS, *table("julia"), *mutated(VERSIONS, BITS, 4000)]
    # wider than Julia on purpose: more numbers than three, `=` before them
    strict = re.compile(
        r"v?[0-9]+(\.[0-9]+){0,2}(?![0-9.])([a-z-][0-9a-z.-]*)?(\+[0-9a-z.-]+)?$", re.IGNORECASE
    )
    ordered = keys(key, [text for text in texts if strict.match(text)])
    asked = pairs(ordered, 5000)
    assert len(ordered) > 1500
    assert wrong(ordered, asked, (compare(a, b) for a, b in asked)) == []
