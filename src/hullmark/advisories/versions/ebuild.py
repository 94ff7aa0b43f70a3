"""Gentoo's order of versions: `number{.number}[letter]{_suffix[number]}[-rN]`.

Source: the Package Manager Specification, 3.2 and 3.3. A number after a dot that begins with a zero is compared as
text without the zeros at its end, so 1.06 < 1.5 and 1.10 > 1.9, but 1.010 = 1.01. A missing revision is zero.
"""

import re

from hullmark.advisories._formats.sortkey import number, word
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|p)[0-9]*)*)(?:-r([0-9]+))?\Z")
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")

_END = b"\x00"
_LEADING_ZERO = b"\x01"
_NUMBER = 1
_SUFFIXES = {"alpha": b"\x01", "beta": b"\x02", "pre": b"\x03", "rc": b"\x04", "p": b"\x06"}
_NO_SUFFIX = b"\x05"


def key(text: str) -> bytes:
    """Give the sort key of a Gentoo version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not a Gentoo version: {text[:80]!r}")
    first, rest, letter, suffixes, revision = match.groups()
    out = bytearray(number(first))
    for digits in rest.split(".")[1:]:
        out += _LEADING_ZERO + word(digits.rstrip("0")) if digits[0] == "0" else number(digits, above=_NUMBER)
    out += _END + word(letter)
    for name, digits in _SUFFIX.findall(suffixes):
        out += _SUFFIXES[name] + number(digits)
    return bytes(out + _NO_SUFFIX + number(revision or ""))


SCHEME = Scheme(name="ebuild", ecosystems=("ebuild",), key=key)
