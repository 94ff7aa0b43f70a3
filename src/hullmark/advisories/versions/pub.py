"""Dart's order of versions: semantic, but build metadata counts.

Specification: dart.dev/tools/pub/versioning and package `pub_semver`: 1.2.3 sorts before 1.2.3+1, since authors
publish fixes of old releases so.
"""

from hullmark.advisories._formats.semver import split
from hullmark.advisories._formats.sortkey import identifiers, release
from hullmark.advisories.scheme import Scheme


def key(text: str) -> bytes:
    """Give the sort key of a Dart version."""
    numbers, pre, build = split(text)
    return (
        release(numbers.split("."))
        + (b"\x00" + identifiers(pre) if pre else b"\x01")
        + (b"\x01" + identifiers(build) if build else b"\x00")
    )


SCHEME = Scheme(name="pub", ecosystems=("pub",), key=key)
