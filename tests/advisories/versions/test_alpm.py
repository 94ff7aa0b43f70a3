"""pacman's order against libalpm's `alpm_pkg_vercmp`."""

import ctypes
import ctypes.util
import re

import pytest

from hullmark.advisories.versions.alpm import key
from versions.pairs import keys, mutated, pairs, table, wrong

VERSIONS = [
    "1.1.1.k-1",
    "3.0.7-4",
    "1:2.4.57-1",
    "5.19.9.arch1-1",
    "2:9.0.0814-1",
    "20220905-1",
    "4.2.8.p15-3",
]
VERSIONS += [
    "1.0rc1-1",
    "1.0.r5.gabc1234-1",
    "r123.0a1b2c-2",
    "8.1.2_p1-1.1",
    "0.9.8zh-1",
    "115.0b3-1",
    "6.0-1",
    "6.0.a-1",
]
BITS = [".", "..", "_", "+", "a", "rc", "Z", "1:", "-2", "r1", "~", "."]


def library() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("alpm")
    return ctypes.CDLL(name) if name else None


@pytest.mark.skipif(library() is None, reason="libalpm is not here")
def test_like_pacman() -> None:
    alpm = library()
    assert alpm
    alpm.alpm_pkg_vercmp.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    texts = [*VERSIONS, *table("alpm"), *mutated(VERSIONS, BITS, 4000)]
    # pacman's comparison goes round in circles where separators are doubled: 1..a > 1.1 > 1. > 1..a
    ordered = keys(
        key, [text for text in texts if re.search("[0-9a-z]-[0-9]", text) and not DOUBLED.search(text)]
    )
    asked = pairs(ordered)
    answers = [alpm.alpm_pkg_vercmp(a.encode(), b.encode()) for a, b in asked]
    assert wrong(ordered, asked, [(answer > 0) - (answer < 0) for answer in answers]) == []


DOUBLED = re.compile("[^0-9a-zA-Z]{2}|^[^0-9a-zA-Z]")


def test_a_missing_pkgrel_sorts_first() -> None:
    assert key("1.0") < key("1.0-1") < key("1.0-2")
