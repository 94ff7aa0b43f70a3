"""Pieces of sort keys that several version schemes build on.

A key is a sequence of pieces, each of which says itself where it ends, so that two keys first differ within
pieces of the same place. A byte below all that may stand in a place ends a sequence.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from hullmark.model.errors import VersionError

_COMPLEMENT = bytes(range(255, -1, -1))
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]+\Z")


def number(digits: str, above: int = 0) -> bytes:
    """Encode a non-negative decimal number so that bytes sort as numbers do; leading zeros do not count.

    The number of digits comes first (one byte, or 0xff and four bytes), then the digits. No number begins
    with a byte below `above`: those are left for what sorts before all numbers.
    """
    stripped = digits.lstrip("0").encode("ascii")
    lead = len(stripped) + above
    if lead < 0xFF:
        return bytes((lead,)) + stripped
    return b"\xff" + len(stripped).to_bytes(4, "big") + stripped


def word(text: str) -> bytes:
    """Encode ASCII text without NUL so that it sorts as its characters do, a beginning before the whole."""
    return text.encode("ascii") + b"\x00"


def release(components: Iterable[str]) -> bytes:
    """Encode the numbers of a release (`1.2.3`); zeros at its end do not count."""
    kept = [component.lstrip("0") for component in components]
    while kept and not kept[-1]:
        kept.pop()
    return b"".join([number(component, above=1) for component in kept]) + b"\x00"


def numbers(components: Iterable[str]) -> bytes:
    """Encode numbers that are compared from the left, where a beginning sorts before the whole (1.0 < 1.0.0)."""
    return b"".join([number(component, above=1) for component in components]) + b"\x00"


def descending(piece: bytes) -> bytes:
    """Turn the order of pieces round; each must say itself where it ends."""
    return piece.translate(_COMPLEMENT)


def identifiers(text: str, *, is_number: Callable[[str], bool] = str.isdigit) -> bytes:
    """Encode the dot-separated identifiers of a pre-release (semver.org, item 11): numbers before words."""
    out = bytearray()
    for part in text.split("."):
        if _IDENTIFIER.match(part) is None:
            raise VersionError(f"not a pre-release: {text[:80]!r}")
        out += b"\x01" + number(part) if is_number(part) else b"\x02" + word(part)
    return bytes(out + b"\x00")


def padded(items: Sequence[tuple[int, bytes]]) -> bytes:
    """Encode a sequence that is compared as if zeros without end followed it.

    An item is its sign (-1: sorts before zero, 0: is zero, 1: sorts after it) and its own piece. A run of
    zeros sorts by what comes after it: the longer it is, the nearer to the end of the sequence.
    """
    out = bytearray()
    zeros = 0
    for sign, piece in items:
        if not sign:
            zeros += 1
            continue
        if zeros:
            run = number(str(zeros))
            out += b"\x02" + run if sign < 0 else b"\x04" + descending(run)
            zeros = 0
        out += b"\x01" if sign < 0 else b"\x05"
        out += piece
    return bytes(out + b"\x03")
