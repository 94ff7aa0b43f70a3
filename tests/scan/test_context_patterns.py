"""Patterns of `.dockerignore` and of `COPY`."""

import time

import pytest

from hullmark.model.errors import UsageError
from hullmark.scan.context_patterns import IgnoreRules, source_pattern


@pytest.mark.parametrize(
    ("text", "out", "left"),
    [
        ("a", ["a", "a/b"], ["ab", "b/a"]),
        ("*", ["a", "a/b", ".x"], []),
        ("*/b", ["a/b"], ["b", "a/c/b"]),
        ("**/b", ["b", "a/b", "a/c/b"], ["ab", "a/xb"]),
        ("**b", ["ab", "x/ab", "b", "ab/c"], []),
        ("a**", ["ab", "a/b/c"], ["ba"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b/c"], ["ab"]),
        ("**/a/**/b", ["a/b", "x/a/y/b"], ["x/a/y/c"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("[a-c]x", ["ax"], ["dx", "a/x"]),
        ("[^a]x", ["bx"], ["ax"]),
        ("/a/", ["a"], ["b/a"]),
        ("./a", ["a"], []),
        ("a/../b", ["b"], ["a/b"]),
        ("../a", [], ["a"]),
        (".", [], ["a", ".x"]),
        ("\\*", ["*"], ["a"]),
        ("# a\n #b", ["#b"], ["# a", "a"]),
        ("*\n!a", ["b"], ["a", "a/c"]),
        ("a\n!a/b\na/b/c", ["a/x", "a/b/c"], ["a/b/y"]),
        ("!a\na", ["a"], []),
        ("a b", ["a b"], ["a"]),
        ("*.md\n!README*.md\nREADME-x.md", ["b.md", "README-x.md"], ["README.md"]),
        ("\ufeffa\r\nb\r\n", ["a", "b"], []),
        ("a*b*c", ["abc", "axbyc"], ["a/bc", "acb"]),
        ("/ a", ["a"], [" a"]),
    ],
)
def test_as_moby_takes_them(text: str, out: list[str], left: list[str]) -> None:
    """What is expected is what moby/patternmatcher 0.6.1 answers."""
    rules = IgnoreRules(text)
    assert [path for path in (*out, *left) if rules.leaves_out(path)] == out
    assert rules.problems == []


def test_what_is_no_pattern_is_said() -> None:
    rules = IgnoreRules("a\n[a\n" + "b" * 2000)
    assert rules.leaves_out("a")
    assert [problem.partition(":")[0] for problem in rules.problems] == ["line 2", "line 3"]


@pytest.mark.parametrize(
    ("source", "taken", "left"),
    [
        (".", ["a", "a/b"], []),
        ("/", ["a"], []),
        ("./a/", ["a/b", "a"], ["b", "ab"]),
        ("../a", ["a"], []),
        ("*.pem", ["x.pem", "x.pem/y"], ["a/x.pem"]),
        ("a/*", ["a/b", "a/b/c"], ["b/a"]),
        ("**/x", ["a/x"], ["x", "a/b/x"]),
        ("a[[]0].txt", ["a[0].txt"], ["a0.txt"]),
    ],
)
def test_sources_of_copies(source: str, taken: list[str], left: list[str]) -> None:
    pattern = source_pattern(source)
    assert [path for path in (*taken, *left) if pattern.fits(path)] == taken


def test_a_source_that_is_no_pattern() -> None:
    with pytest.raises(UsageError):
        source_pattern("[a")


@pytest.mark.parametrize(
    "text", ["**/a/**/a/**/a/**/a/**/b", "*a*a*a*a*a*a*b", "**/*a*a*a*a*b", "a**a**a**a**b", "?" * 900 + "*x"]
)
def test_no_pattern_takes_long(text: str) -> None:
    rules = IgnoreRules(text)
    begun_s = time.process_time()
    for path in ("a/" * 2000, "a" * 4000, "aa/" * 1300):
        assert not rules.leaves_out(path)
    assert time.process_time() - begun_s < 2
