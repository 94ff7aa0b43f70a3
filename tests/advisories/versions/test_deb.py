"""Debian's order against dpkg."""

import re
import shutil
import subprocess

import pytest

from hullmark.advisories.versions.deb import key
from versions.pairs import chain, keys, mutated, real, refused, table

BITS = ["~", "~~", "+", "-", ":", "a", "Z", ".", "~rc1", "+b1", "+deb12u1", "1:", "-0"]


def test_every_real_version_has_a_key() -> None:
    assert refused(key, real("deb")) == []


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not here")
def test_like_dpkg() -> None:
    texts = [*real("deb"), *table("deb"), *mutated(real("deb"), BITS, 700)]
    # dpkg warns of a start that is no digit, and takes what stands before a colon for the epoch
    ordered = keys(key, [text for text in texts if re.match("([0-9]+:)?[0-9][^:]*$", text)])
    asked = chain(ordered)
    script = 'while read -r a op b; do dpkg --compare-versions "$a" "$op" "$b" || echo "$a $op $b"; done'
    lines = [f"{a} {'eq' if ordered[a] == ordered[b] else 'lt'} {b}" for a, b in asked]
    done = subprocess.run(
        ["sh", "-c", script], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == []
