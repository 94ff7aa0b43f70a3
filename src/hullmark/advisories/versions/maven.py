"""Maven's order of versions.

Source: maven.apache.org/pom.html#version-order-specification and `ComparableVersion` of Maven 3.9. A version is
nested lists: `-` opens one, so does each change between digits and letters, so does a qualifier after a dot.
Where one version has ended, what the other still has decides by its first item that is not nothing (0, `ga`,
`final`, `release`): a qualifier up to `snapshot` sorts before the end, all else after it.

Maven's comparison goes round in circles where qualifiers stand between dots (1.redhat-1 < 1-rc < 1 <
1.redhat-1). Here the relation to the end decides first, then Maven's: qualifier, list, number.
"""

import re

from hullmark.advisories._formats.sortkey import number, word
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"[ -~]+\Z")
_TOKENS = re.compile(r"([0-9]+)|([^0-9.-]+)|[.-]")
_QUALIFIERS = {"alpha": 0, "beta": 1, "milestone": 2, "rc": 3, "snapshot": 4, "": 5, "sp": 6}
_ALIASES = {"ga": "", "final": "", "release": "", "cr": "rc"}
_BEFORE_NUMBER = {"a": "alpha", "b": "beta", "m": "milestone"}
_RELEASE = 5
_UNKNOWN = 7

# The three kinds of item in Maven's order; doubled in front of the end for what sorts before it.
_QUALIFIER, _LIST, _NUMBER = 0, 1, 2
_BEFORE, _END, _AFTER = 1, b"\x04", 5


def _lists(text: str) -> list[list[str]]:
    """Part a version into its lists, outermost first: the next list is the last item of the one before."""
    lists: list[list[str]] = [[]]
    pending = ""
    for token in _TOKENS.finditer(text):
        digits, letters = token.groups()
        if digits:
            if pending:
                if lists[-1]:
                    lists.append([])
                lists[-1].append(_BEFORE_NUMBER.get(pending, pending))
                lists.append([])
            pending = digits
        elif letters:
            if pending:
                lists[-1].append(pending)
                lists.append([])
            pending = letters
        else:
            lists[-1].append(pending or "0")
            pending = ""
            if token[0] == "-":
                lists.append([])
    if pending:
        if lists[-1] and not pending.isdigit():
            lists.append([])
        lists[-1].append(pending)
    return lists


def _is_nothing(item: str) -> bool:
    return not item.strip("0") or _ALIASES.get(item) == ""


def key(text: str) -> bytes:
    """Give the sort key of a Maven version."""
    if _VALID.match(text) is None:
        raise VersionError(f"not a Maven version: {text[:80]!r}")
    lists = _lists(text.lower())
    for items in lists:
        while items and _is_nothing(items[-1]):
            items.pop()
    while len(lists) > 1 and not lists[-1]:
        lists.pop()
    pieces = [_END]  # built from the end, since what follows decides how a nothing compares with the end
    side = _AFTER
    for place in range(len(lists) - 1, -1, -1):
        for item in reversed(lists[place]):
            if item.isdigit():
                if item.strip("0"):
                    side = _AFTER
                pieces.append(bytes((side + _NUMBER,)) + number(item))
                continue
            name = _ALIASES.get(item, item)
            rank = _QUALIFIERS.get(name, _UNKNOWN)
            if rank != _RELEASE:
                side = _BEFORE if rank < _RELEASE else _AFTER
            piece = bytes((side + _QUALIFIER, rank))
            pieces.append(piece + word(name) if rank == _UNKNOWN else piece)
        if place:
            pieces.append(bytes((side + _LIST,)))
    return b"".join(reversed(pieces))


SCHEME = Scheme(name="maven", ecosystems=("maven",), key=key)
