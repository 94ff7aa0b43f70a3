"""Gentoo's order against Portage's own `vercmp`."""

import re

import pytest

from hullmark.advisories.versions.ebuild import key
from versions.pairs import keys, mutated, pairs, real, refused, table, wrong

BITS = [
    "_alpha",
    "_beta2",
    "_pre",
    "_rc1",
    "_p",
    "_p1",
    "_p20230401",
    "a",
    "z",
    "-r0",
    "-r1",
    "-r10",
    ".0",
    ".05",
]
BITS += [".050", ".10", ".", "_"]


def test_like_portage() -> None:
    versions = pytest.importorskip("portage.versions", reason="Portage is not here")
    seeds = [re.sub("_(git|hg|svn|cvs)[0-9]*|~.*?(?=-|$)", "", text) for text in real("apk")]
    texts = [*seeds, *table("ebuild"), *mutated(seeds, BITS, 5000)]
    ordered = keys(key, texts)
    asked = pairs(ordered, 6000)
    assert len(ordered) > 1500
    assert [text for text in refused(key, texts) if versions.ververify(text, silent=1)] == []
    answers = (versions.vercmp(a, b) for a, b in asked)
    assert wrong(ordered, asked, ((answer > 0) - (answer < 0) for answer in answers)) == []
