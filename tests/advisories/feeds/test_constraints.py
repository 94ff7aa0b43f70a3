"""Constraints to ranges: what is published directly, and what lies outside the sound versions."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.advisories._formats import constraints
from hullmark.advisories.feeds import rubysec, rustsec
from hullmark.advisories.registry import schemes
from hullmark.model.advisory import Range


@pytest.mark.parametrize(
    ("text", "ecosystem", "expected"),
    [
        (">= 1.0, < 1.2.3", "npm", Range("1.0", "1.2.3")),
        ("<= 10.3.2", "composer", Range(last_affected="10.3.2")),
        ("= 1.0.0", "npm", Range("1.0.0", last_affected="1.0.0")),
        (">= 0", "npm", Range()),
        ("> 5.13.15, < 6.4.6", "npm", Range("5.13.16-0", "6.4.6")),
        ("> 1.0.0-rc.1", "cargo", Range("1.0.0-rc.1.0")),
        ("> 2.1", "pypi", Range("2.1.post0.dev0")),
        ("> 2.1.x", "generic", Range("2.1.x")),
    ],
)
def test_published(text: str, ecosystem: str, expected: Range) -> None:
    assert constraints.published(constraints.comparisons(text), ecosystem) == expected


@pytest.mark.parametrize("text", ["", "before 2", ">= 1, >= 2", "< 1, < 2", "~> 1.2", ">=", ">> 1", "1 2"])
def test_published_refuses(text: str) -> None:
    with pytest.raises(constraints.ConstraintError):
        constraints.published(constraints.comparisons(text), "npm")


@pytest.mark.parametrize(
    ("ecosystem", "version"), [("npm", "1.2.3"), ("npm", "1.2.3-rc.1"), ("cargo", "0.0.0")]
)
@pytest.mark.parametrize("near", ["", ".0", "-0", "-a", "-rc.1", "-rc.1.0", "-rc.2"])
def test_nothing_lies_between_a_semantic_version_and_the_next(
    ecosystem: str, version: str, near: str
) -> None:
    key = schemes()[ecosystem].key
    following = constraints.after(ecosystem, version)
    assert key(version) < key(following)
    for base in ("1.2.3", "1.2.4", "0.0.0", "0.0.1"):
        candidate = base + near
        if near != ".0":
            assert not key(version) < key(candidate) < key(following), candidate


@pytest.mark.parametrize(
    ("version", "same", "later"),
    [
        ("1.2.3", ("1.2.3", "1.2.3.0", "v1.2.3"), ("1.2.3.1", "1.2.3.4", "1.2.3a", "1.2.3.0.1", "1.2.4-rc1")),
        ("1.1.1k", ("1.1.1k", "1.1.1K"), ("1.1.1k.1", "1.1.1ka", "1.1.1l", "1.1.2")),
        ("9.3p1", ("9.3p1",), ("9.3p1.1", "9.3p2", "9.3.1", "9.4")),
        ("2.0-rc1", ("2.0-rc1", "2-rc1"), ("2.0-rc1.1", "2.0-rc2", "2.0")),
        ("2.0.rc", ("2.0.rc",), ("2.0.rc1", "2.0")),
    ],
)
def test_the_next_of_versions_without_a_specified_order(
    version: str, same: tuple[str, ...], later: tuple[str, ...]
) -> None:
    """What is excluded is out, and what has more parts is not."""
    key = schemes()["generic"].key
    low = key(constraints.after("generic", version))
    assert all(key(text) < low for text in same)
    assert all(key(text) > low for text in later)


@pytest.mark.parametrize("version", ["8u352", "1.8.0_352", "2024-01-31", "r7"])
def test_where_nothing_is_known_the_version_itself_stands_in(version: str) -> None:
    assert constraints.after("generic", version) == version


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("^1.2.3", [(">=", "1.2.3"), ("<", "2.0.0-0")]),
        ("^0.2.3", [(">=", "0.2.3"), ("<", "0.3.0-0")]),
        ("^ 0.0.3", [(">=", "0.0.3"), ("<", "0.0.4-0")]),
        ("^0.0", [(">=", "0.0.0"), ("<", "0.1.0-0")]),
        ("1.2", [(">=", "1.2.0"), ("<", "2.0.0-0")]),
        ("~1.2.3", [(">=", "1.2.3"), ("<", "1.3.0-0")]),
        ("~1", [(">=", "1.0.0"), ("<", "2.0.0-0")]),
        ("=1.2.3", [("=", "1.2.3")]),
        ("=1.2", [(">=", "1.2.0"), ("<", "1.3.0-0")]),
        ("> 1", [(">=", "2.0.0-0")]),
        ("<= 1.2", [("<", "1.3.0-0")]),
        (">= 0.6.14, < 1.0.0", [(">=", "0.6.14"), ("<", "1.0.0")]),
        ("< 1.0.0-alpha.2", [("<", "1.0.0-alpha.2")]),
        (">= 1.0.0rc1", [(">=", "1.0.0-rc1")]),
        ("*", []),
    ],
)
def test_requirements_of_cargo(text: str, expected: list[tuple[str, str]]) -> None:
    assert rustsec.requirement(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("~> 1.2.3", [(">=", "1.2.3"), ("<", "1.3.a")]),
        ("~> 1.2", [(">=", "1.2"), ("<", "2.a")]),
        ("~> 3", [(">=", "3"), ("<", "4.a")]),
        ("~> 4.0.0.rc1", [(">=", "4.0.0.rc1"), ("<", "4.1.a")]),
        ("~> 2.3.0-rc", [(">=", "2.3.0-rc"), ("<", "2.4.a")]),
        ("~> 5.2.4, >= 5.2.4.3", [(">=", "5.2.4"), ("<", "5.3.a"), (">=", "5.2.4.3")]),
        ("1.0", [("=", "1.0")]),
    ],
)
def test_requirements_of_rubygems(text: str, expected: list[tuple[str, str]]) -> None:
    assert rubysec.requirement(text) == expected


_SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
_VERSION = st.builds(
    "{}.{}.{}{}".format, *(st.integers(0, 3) for _ in range(3)), st.sampled_from(["", "-0", "-a", "-a.1"])
)
_REQUIREMENT = st.lists(st.tuples(st.sampled_from(sorted(_SIGNS)), _VERSION), min_size=1, max_size=3)


@given(st.lists(_REQUIREMENT, max_size=4), st.lists(_VERSION, min_size=1, max_size=8))
def test_complement_is_what_no_requirement_admits(
    sound: list[list[tuple[str, str]]], versions: list[str]
) -> None:
    key = schemes()["cargo"].key
    ranges = constraints.complement(sound, "cargo")
    for version in versions:
        admitted = any(all(_SIGNS[sign](key(version), key(end)) for sign, end in item) for item in sound)
        assert any(_covers(item, version) for item in ranges) is not admitted


@given(st.lists(st.tuples(_VERSION, _VERSION), max_size=5), st.lists(_VERSION, min_size=1, max_size=8))
def test_union_covers_the_same_versions(ends: list[tuple[str, str]], versions: list[str]) -> None:
    ranges = [Range(low, fixed=high) for low, high in ends]
    joined = constraints.union(ranges, "cargo")
    for version in versions:
        assert any(_covers(item, version) for item in joined) is any(
            _covers(item, version) for item in ranges
        )


def _covers(item: Range, version: str) -> bool:
    key = schemes()["cargo"].key
    return (
        (not item.introduced or key(item.introduced) <= key(version))
        and (not item.fixed or key(version) < key(item.fixed))
        and (not item.last_affected or key(version) <= key(item.last_affected))
    )
