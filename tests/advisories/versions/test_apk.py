"""Alpine's order against apk, and against the rules of apk-tools 3 told once more, pair by pair."""

import re
import shutil
import subprocess

import pytest

from hullmark.advisories.versions.apk import key
from versions.pairs import keys, mutated, pairs, real, refused, table, wrong

BITS = [
    "_alpha",
    "_beta2",
    "_pre",
    "_rc1",
    "_cvs",
    "_svn",
    "_git20240101",
    "_hg",
    "_p",
    "_p1",
    "~abc1",
    "~0f",
    "a",
    "-r0",
]
BITS += ["-r1", "-r10", ".", ".0", ".05", ".050", "z"]
BEFORE = ["alpha", "beta", "pre", "rc"]
SUFFIXES = [*BEFORE, "", "cvs", "svn", "git", "hg", "p"]
TOKEN = re.compile(
    r"(?P<digit>\.[0-9]+)|(?P<letter>[a-z])|_(?P<suffix>[a-z]+)|(?P<count>[0-9]+)|~(?P<commit>\w+)|-r(?P<revision>\d+)"
)
KINDS = ["digit", "letter", "suffix", "count", "commit", "revision", "end"]


def tokens(version: str) -> list[tuple[str, str]]:
    match = re.match("[0-9]+", version)
    assert match
    found = [("first", match[0])]
    for token in TOKEN.finditer(version, match.end()):
        assert token.lastgroup
        found.append((token.lastgroup, token[token.lastgroup].lstrip(".")))
    return [*found, ("end", "")]


def compare(left: str, right: str) -> int:
    for (kind, a), (other, b) in zip(tokens(left), tokens(right), strict=False):
        if kind != other:
            if kind == "suffix" and a in BEFORE:
                return -1
            if other == "suffix" and b in BEFORE:
                return 1
            return 1 if KINDS.index(kind) < KINDS.index(other) else -1
        x: int | str
        y: int | str
        if kind == "suffix":
            x, y = SUFFIXES.index(a), SUFFIXES.index(b)
        elif kind in {"letter", "commit", "end"} or (kind == "digit" and "0" in {a[0], b[0]}):
            x, y = a, b
        else:
            x, y = int(a), int(b)
        if x != y:
            return -1 if x < y else 1  # type: ignore[operator]
    return 0


def test_only_typing_errors_are_refused() -> None:
    slips = "0.12.5.-r0 0.8.21.r2 1.0.4.-r0 1.11-20-r0 1.18.-r2 1.7.5.-r1 10.2.22.r0 10.2.24.r0 10.2.26.r0 2.15.r-r1"
    slips += " 2.7.16-33 4.10-1-r1 4.8.0.-r1 57-1-r2 6.6.2p1-r0"
    assert refused(key, real("apk")) == slips.split()


def test_like_the_rules() -> None:
    ordered = keys(key, [*real("apk"), *table("apk"), *mutated(real("apk"), BITS, 4000)])
    asked = pairs(ordered, 6000)
    assert wrong(ordered, asked, (compare(a, b) for a, b in asked)) == []


@pytest.mark.skipif(shutil.which("apk") is None, reason="apk is not here: only Alpine and its like have it")
def test_like_apk() -> None:
    # apk-tools 2 knew no commit and compared numbers with leading zeros in another way
    texts = [*real("apk"), *table("apk"), *mutated(real("apk"), BITS, 4000)]
    ordered = keys(
        key, [text for text in texts if re.search(r"-r[0-9]+$", text) and not re.search(r"~|\.0[0-9]", text)]
    )
    asked = pairs(ordered, 500)[::3]
    answers = []
    for a, b in asked:
        done = subprocess.run(["apk", "version", "-t", a, b], capture_output=True, text=True, check=True)
        answers.append("<=>".index(done.stdout.strip()) - 1)
    assert wrong(ordered, asked, answers) == []
