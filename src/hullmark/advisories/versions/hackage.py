"""Haskell's order of versions: numbers between dots, compared from the left.

Source: the Package Versioning Policy, pvp.haskell.org, and `Data.Version`. A beginning sorts before the whole:
1.0 < 1.0.0.
"""

import re

from hullmark.advisories._formats.sortkey import numbers
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"[0-9]+(?:\.[0-9]+)*\Z")


def key(text: str) -> bytes:
    """Give the sort key of a Haskell package's version."""
    if _VALID.match(text) is None:
        raise VersionError(f"not a version of a Haskell package: {text[:80]!r}")
    return numbers(text.split("."))


SCHEME = Scheme(name="hackage", ecosystems=("hackage",), key=key)
