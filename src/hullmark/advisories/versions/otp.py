"""Erlang/OTP's order of versions, of its own applications and of OTP itself: `Major.Minor.Patch`, then branches.

Source: erlang.org/doc/system/versions.html. Numbers are compared from the left, and zeros at the end do not count.
A version of more parts is a branch (6.0.2.1 is built on 6.0.2), of which the source says only that it comes after
what it is built on. Here it sorts right after that: 6.0.2 < 6.0.2.1 < 6.0.3, since what is fixed in 6.0.3 is not
thereby fixed in the branch. Release candidates of OTP (`28.0-rc2`) sort before it.
"""

import re

from hullmark.advisories._formats.sortkey import number, release
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"(?:OTP-)?([0-9]+(?:\.[0-9]+)*)(?:-rc([0-9]+))?\Z")


def key(text: str) -> bytes:
    """Give the sort key of an OTP version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not an OTP version: {text[:80]!r}")
    numbers, candidate = match.groups()
    return release(numbers.split(".")) + (b"\x00" + number(candidate) if candidate else b"\x01")


SCHEME = Scheme(name="otp", ecosystems=("otp",), key=key)
