"""NuGet's order against its rules told once more, pair by pair."""

import itertools

from hullmark.advisories.versions.nuget import SCHEME, key
from versions.pairs import keys, mutated, pairs, table, wrong

VERSIONS = [
    "1.0.0",
    "4.5.1-alpha001",
    "98.1.190",
    "6.0.0-preview.7.21377.19",
    "2.1.0-rc1-final",
    "12.0.3",
    "4.3.0.1",
]
VERSIONS += [
    "1.0.0-beta.20240101120000",
    "5.0.0-rc.2.20475.5+sha.abc",
    "3.1",
    "1.0.0-CI-20210101-1",
    "0.0.0-alpha.0.5",
]
BITS = ["-", "-alpha", "-Beta.1", ".0", "+meta", "RC", "rc", "-0", "2147483647", "2147483648", ".", "A", "z"]
LARGEST = 2**31 - 1


def parsed(version: str) -> tuple[list[int], list[str]]:
    release, _dash, pre = version.strip().split("+")[0].partition("-")
    numbers = [int(number) for number in release.split(".")]
    return numbers + [0] * (4 - len(numbers)), pre.split(".") if pre else []


def compare(left: str, right: str) -> int:
    (a, pre_a), (b, pre_b) = parsed(left), parsed(right)
    if a != b:
        return -1 if a < b else 1
    if not pre_a or not pre_b:
        return bool(pre_b) - bool(pre_a)
    for x, y in itertools.zip_longest(pre_a, pre_b):
        if x is None or y is None:
            return -1 if x is None else 1
        if answer := compare_labels(x, y):
            return answer
    return 0


def compare_labels(x: str, y: str) -> int:
    numbers = [int(label) if label.isdigit() and int(label) <= LARGEST else None for label in (x, y)]
    if numbers[0] is not None and numbers[1] is not None:
        return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])
    if numbers[0] is not None or numbers[1] is not None:
        return -1 if numbers[0] is not None else 1
    return (x.upper() > y.upper()) - (x.upper() < y.upper())


def test_like_the_rules() -> None:
    ordered = keys(key, [*VERSIONS, *table("nuget"), *mutated(VERSIONS, BITS, 4000)])
    asked = pairs(ordered, 6000)
    assert len(ordered) > 1500
    assert wrong(ordered, asked, (compare(a, b) for a, b in asked)) == []


def test_names_ignore_case() -> None:
    assert SCHEME.fold("Newtonsoft.Json") == SCHEME.fold("newtonsoft.JSON")
