"""Debian's order of versions: `[epoch:]upstream[-revision]`; opkg's and opam's are the same.

Source: deb-version(7). opkg carries that comparison, and opam's manual, "Version ordering", names it (opam knows no
epoch, and no colon may stand in its versions). A version is compared as alternating runs of non-digits and digits;
in a non-digit run `~` sorts before the end of the run, letters after it, and all other characters after the letters.
The key spells that order out in bytes.
"""

import re
import string

from hullmark.advisories._formats.sortkey import number
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"(?:([0-9]+):)?([A-Za-z0-9.+~:_-]+?)(?<!-)(?:-([A-Za-z0-9.+~_]+))?\Z")
_RUNS = re.compile(r"([^0-9]*)([0-9]*)")
_END = b"\x02"
_ORDER = str.maketrans(
    {"~": "\x01"}
    | {
        character: chr(place)
        for place, character in enumerate(string.ascii_uppercase + string.ascii_lowercase + "+-.:_", 3)
    }
)


def _part(text: str) -> bytes:
    out = bytearray()
    for words, digits in _RUNS.findall(text):
        if words or digits:
            out += words.translate(_ORDER).encode("latin-1") + _END + number(digits)
    return bytes(out + _END)


def key(text: str) -> bytes:
    """Give the sort key of a Debian version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not a Debian version: {text[:80]!r}")
    epoch, upstream, revision = match.groups()
    return number(epoch or "0") + _part(upstream) + _part(revision or "0")


SCHEME = Scheme(name="deb", ecosystems=("deb", "opkg", "opam"), key=key)
