"""NuGet's order of versions: one to four numbers, a pre-release, build metadata that does not count.

Source: learn.microsoft.com/nuget/concepts/package-versioning and `NuGetVersion`. It is semver.org's order but
for the fourth number, for case, which does not count, and for numbers of a pre-release beyond 32 bits, which
are words.
"""

import re

from hullmark.advisories._formats.sortkey import identifiers, release
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"\s*([0-9]+(?:\.[0-9]+){0,3})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]*)?\s*\Z", re.ASCII)
_LARGEST = "2147483647"


def _is_number(identifier: str) -> bool:
    if not identifier.isdigit():
        return False
    digits = identifier.lstrip("0")
    return len(digits) < len(_LARGEST) or (len(digits) == len(_LARGEST) and digits <= _LARGEST)


def key(text: str) -> bytes:
    """Give the sort key of a NuGet version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not a NuGet version: {text[:80]!r}")
    numbers, pre = match.groups()
    out = release(numbers.split("."))
    return out + (b"\x00" + identifiers(pre.lower(), is_number=_is_number) if pre else b"\x01")


SCHEME = Scheme(name="nuget", ecosystems=("nuget",), key=key, fold=str.lower)
