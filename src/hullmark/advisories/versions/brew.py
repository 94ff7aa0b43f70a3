"""Homebrew's order of versions: `version[_revision]`.

Source: `Library/Homebrew/version.rb` and `pkg_version.rb`, and docs.brew.sh. A version is numbers and words, all else
separates. alpha < beta < pre < rc < the end < other words < numbers, each of these with the number that follows it;
`p` is a patch and `.post1` comes after the end. Zeros before a word or at the end do not count, and `HEAD` is later
than every version.

Homebrew compares a known word with an unknown one as text and lets the end outrank the first, the second outrank the
end: that goes round in circles (1.0b < 1.0beta1 < 1.0 < 1.0b). Here the end decides.
"""

import re

from hullmark.advisories._formats.sortkey import number, word
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"([!-~]+?)(?:_([0-9]+))?\Z")
_HEAD = re.compile(r"HEAD(?:-.*)?\Z")
_TOKENS = re.compile(
    r"(alpha[0-9]*|a[0-9]+)|(beta[0-9]*|b[0-9]+)|(pre[0-9]*)|(rc[0-9]*)|(p[0-9]*)|.(post[0-9]+)|([0-9]+)|([a-z]+)",
    re.ASCII | re.IGNORECASE,
)
_DIGITS = re.compile("[0-9]+")
_VERSION = b"\x00"
_LATEST = b"\x01"
_RANKS = (b"\x01", b"\x02", b"\x03", b"\x04", b"\x07p\x00", b"\x06")
"""Of the groups of `_TOKENS`, in their order; a patch sorts among the other words by its letter."""
_END = b"\x05"
_WORD = b"\x07"
_NUMBER = 8


def key(text: str) -> bytes:
    """Give the sort key of a Homebrew version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not a Homebrew version: {text[:80]!r}")
    version, revision = match.groups()
    after = number(revision or "")
    if _HEAD.match(version):
        return _LATEST + after
    out = bytearray(_VERSION)
    zeros = 0
    found = False
    for *known, digits, letters in _TOKENS.findall(version):
        found = True
        if digits and not digits.strip("0"):
            zeros += 1
            continue
        if digits:
            out += number("", above=_NUMBER) * zeros + number(digits, above=_NUMBER)
        elif letters:
            out += _WORD + word(letters)
        else:
            place = next(place for place, token in enumerate(known) if token)
            count = _DIGITS.search(known[place])
            out += _RANKS[place] + number(count[0] if count else "")
        zeros = 0
    if not found:
        raise VersionError(f"not a Homebrew version: {text[:80]!r}")
    return bytes(out + _END) + after


SCHEME = Scheme(name="brew", ecosystems=("brew",), key=key)
