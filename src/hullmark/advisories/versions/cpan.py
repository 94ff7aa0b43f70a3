"""Perl's order of versions: decimal (`1.0203`) and dotted (`v1.2.3`, `1.2.3`).

Source: perldoc version, and `version::regex` for what is read. The fraction of a decimal version is read in groups
of three digits, so that 1.002003 = v1.2.3 and 1.2 = v1.200.0. Missing parts are zero, and an underscore marks a
trial release but does not count: 1.02_03 = 1.0203.
"""

import re

from hullmark.advisories._formats.sortkey import release
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_DECIMAL = re.compile(r"([0-9]*)(?:\.([0-9]*(?:(?<=[0-9])_[0-9]+)?))?\Z")
_DOTTED = re.compile(r"(?:v([0-9]+(?:(?:\.[0-9]+)+(?:_[0-9]+)?)?)|([0-9]*(?:\.[0-9]+){2,}(?:_[0-9]+)?))\Z")
_THREE = re.compile("[0-9]{1,3}")


def key(text: str) -> bytes:
    """Give the sort key of a Perl version."""
    version = text.strip()
    dotted = _DOTTED.match(version)
    if dotted:
        return release((dotted[1] or dotted[2]).replace("_", "").split("."))
    decimal = _DECIMAL.match(version)
    if decimal is None or not (decimal[1] or decimal[2]):
        raise VersionError(f"not a Perl version: {text[:80]!r}")
    fraction = (decimal[2] or "").replace("_", "")
    return release([decimal[1], *(group.ljust(3, "0") for group in _THREE.findall(fraction))])


SCHEME = Scheme(name="cpan", ecosystems=("cpan",), key=key)
