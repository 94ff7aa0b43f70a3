"""LuaRocks' order of versions: `version[-revision]`.

Source: `luarocks.core.vers`. A version is numbers at places; a word adds to the number at its place, the known ones
much (alpha < beta < pre < rc < any number; dev, scm and cvs are later than all), another by its first letter less
than 1; a number right after a word counts a hundred-thousandth. Of two words at one place the last counts, and
missing places are zero. So a place is a whole number of hundred-thousandths, and that is how it is encoded.

A revision that is missing sorts before every revision: LuaRocks lets it match them all, which is no order. Numbers
that Lua cannot tell apart (of more than 15 digits) are refused.
"""

import re

from hullmark.advisories._formats.sortkey import descending, number, padded
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*\Z")
_REVISION = re.compile(r"-([0-9]+)\Z")
_RUNS = re.compile(r"([0-9]+)|([A-Za-z]+)")
_UNIT = 100_000
_WORDS = {
    "dev": 120_000_000 * _UNIT,
    "scm": 110_000_000 * _UNIT,
    "cvs": 100_000_000 * _UNIT,
    "rc": -1_000 * _UNIT,
    "pre": -10_000 * _UNIT,
    "beta": -100_000 * _UNIT,
    "alpha": -1_000_000 * _UNIT,
}
_LETTER = 100
_EXACT_DIGITS = 15
_NO_REVISION = b"\x00"


def key(text: str) -> bytes:
    """Give the sort key of a rock's version."""
    version = text.strip()
    end = _REVISION.search(version)
    revision = end[1] if end else ""
    version = version[: end.start()] if end else version
    if _VALID.match(version) is None:
        raise VersionError(f"not a version of a rock: {text[:80]!r}")
    return padded([_item(place) for place in _places(version)]) + (
        b"\x01" + number(revision) if revision else _NO_REVISION
    )


def _places(version: str) -> list[int]:
    places: list[int] = []
    here: int | None = None
    for digits, letters in _RUNS.findall(version):
        if letters:
            here = _WORDS.get(letters, ord(letters[0]) * _LETTER)
            continue
        if len(digits) > _EXACT_DIGITS:
            raise VersionError(f"a number too long to be ordered: {digits[:80]!r}")
        places.append(int(digits) * _UNIT if here is None else here + int(digits))
        here = None
    return places if here is None else [*places, here]


def _item(place: int) -> tuple[int, bytes]:
    if place < 0:
        return -1, descending(number(str(-place)))
    return (1, number(str(place))) if place else (0, b"")


SCHEME = Scheme(name="luarocks", ecosystems=("luarocks",), key=key)
