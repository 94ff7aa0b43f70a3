"""pacman's order of versions: `[epoch:]pkgver[-pkgrel]`.

Source: vercmp(8). Like rpm's, but the number of separators counts, and letters that follow a number directly
sort before the end (1.0rc < 1.0 < 1.0.a). A missing pkgrel sorts before every pkgrel: pacman lets it match
them all, which is no order.
"""

import re

from hullmark.advisories._formats.sortkey import number, word
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"(?:([0-9]*):)?([!-~]+)\Z")
_RUNS = re.compile(r"([^0-9A-Za-z]*)(?:([0-9]+)|([A-Za-z]+)|\Z)")
_LETTERS = b"\x01"
_END = b"\x02"
_DIGITS = b"\x03"
_SEPARATORS = 4
_NO_PKGREL = b"\x00"


def _part(text: str) -> bytes:
    out = bytearray()
    for separators, digits, letters in _RUNS.findall(text):
        if separators:
            # separators at the end count alike, however many
            count = len(separators) if digits or letters else 1
            out += number(str(count), above=_SEPARATORS)
        if digits:
            out += _DIGITS + number(digits)
        elif letters:
            out += _LETTERS + word(letters)
    return bytes(out + _END)


def key(text: str) -> bytes:
    """Give the sort key of an Arch Linux version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not an Arch Linux version: {text[:80]!r}")
    epoch, rest = match.groups()
    version, _dash, pkgrel = rest.rpartition("-") if "-" in rest else (rest, "", "")
    if not version:
        raise VersionError(f"not an Arch Linux version: {text[:80]!r}")
    return number(epoch or "") + _part(version) + (b"\x01" + _part(pkgrel) if pkgrel else _NO_PKGREL)


SCHEME = Scheme(name="alpm", ecosystems=("alpm",), key=key)
