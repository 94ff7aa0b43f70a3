"""R's order of versions: numbers between dots and hyphens.

Source: R's `compareVersion` (package utils) and "Writing R Extensions", The DESCRIPTION file. Numbers are compared
from the left and both separators mean the same. A version with fewer numbers is older: 1.0 < 1.0-0 (R's
`numeric_version` took the two for equal until R 4.2).
"""

import re

from hullmark.advisories._formats.sortkey import numbers
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"\s*([0-9]+(?:[.-][0-9]+)*)\s*\Z")


def key(text: str) -> bytes:
    """Give the sort key of an R package's version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not a version of an R package: {text[:80]!r}")
    return numbers(match[1].replace("-", ".").split("."))


SCHEME = Scheme(name="cran", ecosystems=("cran",), key=key)
