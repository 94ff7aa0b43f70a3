"""CocoaPods' order against the rules of `Pod::Version` told once more, pair by pair."""

import itertools
import re

from hullmark.advisories.versions.cocoapods import key
from versions.pairs import keys, mutated, pairs, real, table, wrong

VERSIONS = ["5.6.1", "9.6.0", "1.0.0-alpha.1", "1.0.rc2", "2.1.1", "0.0.1-beta2", "1.0.0+96ef7ed", "7.8.0-1"]
BITS = ["-", "-alpha", ".beta.2", "-rc", "a", "B", ".0", ".0.0", "+meta", "-1", "."]
Segments = list[int | str]


def segments(version: str) -> tuple[Segments, Segments]:
    found = re.findall("[0-9]+|[a-z]+", version.strip().partition("+")[0], re.IGNORECASE)
    all_of_it: Segments = [int(part) if part.isdigit() else part for part in found]
    numbers = list(itertools.takewhile(lambda part: isinstance(part, int), all_of_it))
    rest = all_of_it[len(numbers) :]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers, rest


def compare(left: str, right: str) -> int:
    (a, pre_a), (b, pre_b) = segments(left), segments(right)
    if a != b:
        return -1 if a < b else 1
    for place, (x, y) in enumerate(itertools.zip_longest(pre_a, pre_b)):
        if x == y:
            continue
        if x is None or y is None:
            return (1 if place == 0 else -1) * (1 if x is None else -1)
        if isinstance(x, str) is isinstance(y, str):
            return -1 if x < y else 1  # type: ignore[operator]  # both words or both numbers
        return -1 if isinstance(x, int) else 1
    return 0


def test_like_the_rules() -> None:
    seeds = [*VERSIONS, *real("gem")]
    ordered = keys(key, [*seeds, *table("cocoapods"), *mutated(seeds, BITS, 4000)])
    asked = pairs(ordered, 6000)
    assert len(ordered) > 1500
    assert wrong(ordered, asked, (compare(a, b) for a, b in asked)) == []
