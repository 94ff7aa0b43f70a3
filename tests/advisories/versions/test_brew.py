"""Homebrew's order against the rules of its `Version` and `PkgVersion` told once more, token by token."""

import re

from hullmark.advisories.versions.brew import key
from versions.pairs import keys, mutated, pairs, real, table, wrong

VERSIONS = [
    "1.7.1_1",
    "3.12.3",
    "1.1.1w",
    "9e",
    "2.24.33",
    "1.2.3-p34",
    "1.2.3.post4",
    "0.9-alpha2",
    "1.0rc1_2",
]
BITS = [
    "alpha",
    "beta2",
    "a1",
    "pre",
    "rc3",
    "p",
    "p2",
    "P7",
    ".post1",
    "b",
    "w",
    "_1",
    "_10",
    ".",
    "-",
    ".0",
    ".0.0",
]
KINDS = {
    "alpha": r"alpha[0-9]*|a[0-9]+",
    "beta": r"beta[0-9]*|b[0-9]+",
    "pre": r"pre[0-9]*",
    "rc": r"rc[0-9]*",
    "patch": r"p[0-9]*",
    "post": r".post[0-9]+",
    "number": r"[0-9]+",
    "word": r"[a-z]+",
}
TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()), re.IGNORECASE)
BEFORE = ["alpha", "beta", "pre", "rc"]
Token = tuple[str, str]
END = ("end", "")


class CircularError(Exception):
    """Homebrew's answers to this go round in circles: see the module."""


def tokens(version: str) -> list[Token]:
    return [(str(found.lastgroup), found[0]) for found in TOKEN.finditer(version)]


def count(text: str) -> int:
    found = re.search("[0-9]+$", text)
    return int(found[0]) if found else 0


def compare_tokens(left: Token, right: Token) -> int:  # noqa: PLR0911  # one for each of Homebrew's
    (kind, a), (other, b) = left, right
    if left == right or {kind, other} <= {"end"}:
        return 0
    if "end" in {kind, other}:
        sign, (rest, text) = (-1, right) if kind == "end" else (1, left)
        if rest == "number":
            return 0 if not int(text) else sign
        return -sign if rest in BEFORE else sign
    if kind == other == "number":
        return (int(a) > int(b)) - (int(a) < int(b))
    if "number" in {kind, other}:
        return 1 if kind == "number" else -1
    if kind == other and kind != "word":
        return (count(a) > count(b)) - (count(a) < count(b))
    if kind in BEFORE and other != "word":
        return -1 if other not in BEFORE or BEFORE.index(kind) < BEFORE.index(other) else 1
    if other in BEFORE and kind != "word":
        return 1
    if {kind, other} & {*BEFORE} or {kind, other} == {"word", "patch"}:
        raise CircularError  # compared as text, while the end stands between the two; P1 < b < p1
    return (a > b) - (a < b)


def compare_versions(left: str, right: str) -> int:
    ours, theirs = tokens(left), tokens(right)
    here = there = 0
    longest = max(len(ours), len(theirs))
    while here < longest:
        a = ours[here] if here < len(ours) else END
        b = theirs[there] if there < len(theirs) else END
        if compare_tokens(a, b) == 0:
            here, there = here + 1, there + 1
        elif a[0] == "number" != b[0]:
            if int(a[1]):
                return 1
            here += 1
        elif b[0] == "number" != a[0]:
            if int(b[1]):
                return -1
            there += 1
        else:
            return compare_tokens(a, b)
    if there < len(theirs):
        raise CircularError  # many zeros on the left: the rest of the right was not looked at
    return 0


def parsed(text: str) -> tuple[str, int]:
    match = re.match(r"(.+?)(?:_([0-9]+))?$", text)
    assert match
    return match[1], int(match[2] or 0)


def compare(left: str, right: str) -> int | None:
    (a, revision_a), (b, revision_b) = parsed(left), parsed(right)
    try:
        return compare_versions(a, b) or (revision_a > revision_b) - (revision_a < revision_b)
    except CircularError:
        return None


def test_like_the_rules() -> None:
    seeds = [*VERSIONS, *real("gem"), *real("pypi")]
    texts = [*VERSIONS, *table("brew"), *mutated(seeds, BITS, 6000)]
    ordered = keys(key, [text for text in texts if not text.startswith("HEAD")])
    asked = pairs(ordered, 8000)
    answered = [(pair, answer) for pair in asked if (answer := compare(*pair)) is not None]
    assert len(answered) > 9000
    assert wrong(ordered, [pair for pair, _ in answered], [answer for _, answer in answered]) == []


def test_where_homebrew_goes_round_in_circles_the_end_decides() -> None:
    assert key("1.0beta1") < key("1.0") < key("1.0b") < key("1.0.1")
