"""Alpine's order of versions: `number{.number}[letter]{_suffix[number]}[~commit][-rN]`.

Source: apk-package(5) and `src/version.c` of apk-tools 3. A number after a dot that begins with a zero is
compared as text with what stands at its place (as Gentoo does), so 1.06 sorts before 1.5 and 1.6. What the
grammar does not know is refused, as `apk version --check` refuses it.
"""

import re

from hullmark.advisories._formats.sortkey import number, word
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(
    r"([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)"
    r"(?:~([0-9a-fA-F]+))?(?:-r([0-9]+))?\Z"
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")

# What may come next, in the order in which it sorts where another version has something else there.
_SUFFIXES = {
    "alpha": b"\x01",
    "beta": b"\x02",
    "pre": b"\x03",
    "rc": b"\x04",
    "cvs": b"\x09",
    "svn": b"\x0a",
    "git": b"\x0b",
    "hg": b"\x0c",
    "p": b"\x0d",
}
_END = b"\x05"
_REVISION = b"\x06"
_COMMIT = b"\x07"
_SUFFIX_NUMBER = b"\x08"
_LETTER = b"\x0e"
_LEADING_ZERO = b"\x0f"
_NUMBER = 0x10


def key(text: str) -> bytes:
    """Give the sort key of an Alpine version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not an Alpine version: {text[:80]!r}")
    first, rest, letter, suffixes, commit, revision = match.groups()
    out = bytearray(number(first))
    for digits in rest.split(".")[1:]:
        out += _LEADING_ZERO + word(digits) if digits[0] == "0" else number(digits, above=_NUMBER)
    if letter:
        out += _LETTER + letter.encode("ascii")
    for name, digits in _SUFFIX.findall(suffixes):
        out += _SUFFIXES[name]
        if digits:
            out += _SUFFIX_NUMBER + number(digits)
    if commit:
        out += _COMMIT + word(commit)
    if revision:
        out += _REVISION + number(revision)
    return bytes(out + _END)


SCHEME = Scheme(name="apk", ecosystems=("apk",), key=key)
