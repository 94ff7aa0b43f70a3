"""rpm's order against rpm's own `rpm.vercmp`."""

import shutil
import subprocess

import pytest

from hullmark.advisories.versions.rpm import key
from versions.pairs import keys, mutated, pairs, real, refused, table, wrong

BITS = ["~", "^", "^git1", "~rc1", ".", "_", "+", "a", "Z", "-1", ":", "1:", "el9", ".~", "^^"]


def test_every_real_version_has_a_key() -> None:
    assert refused(key, real("rpm")) == []


@pytest.mark.skipif(shutil.which("rpm") is None, reason="rpm is not here")
def test_like_rpm() -> None:
    texts = [*real("rpm"), *table("rpm"), *mutated(real("rpm"), BITS, 3000)]
    # rpm reads an empty version or release as none at all
    ordered = keys(key, [text for text in texts if text[0].isdigit() and text[-1].isalnum()])
    asked = pairs(ordered)
    answers: list[int] = []
    for start in range(0, len(asked), 500):
        lua_pairs = ",".join(f'{{"{a}","{b}"}}' for a, b in asked[start : start + 500])
        lua = f"%{{lua: for _, p in ipairs({{{lua_pairs}}}) do print(rpm.vercmp(p[1], p[2]) .. ' ') end}}"
        done = subprocess.run(["rpm", "--eval", lua], capture_output=True, text=True, check=True)
        answers += map(int, done.stdout.split())
    assert wrong(ordered, asked, answers) == []


def test_a_missing_release_sorts_first() -> None:
    assert key("1.2") < key("1.2-~") < key("1.2-1")
    assert key("(none):1.2-1") == key("0:1.2-1") == key("1.2-1")
