"""Semantic versions as ecosystems really write them. Specification: semver.org, version 2.0.0.

Wider than the specification on purpose, since lock files and advisories are: a leading `v` or `=`, fewer or
more than three numbers (missing ones are zero), leading zeros, a pre-release without its hyphen (`1.2.0rc1`).
Build metadata counts only where an ecosystem says so (`build_key`).
"""

import re

from hullmark.advisories._formats.sortkey import identifiers, release
from hullmark.model.errors import VersionError

_VERSION = re.compile(
    r"[=vV]?([0-9]+(?:\.[0-9]+)*)"
    r"(?:-([0-9A-Za-z.-]+)|([A-Za-z][0-9A-Za-z.-]*))?"
    r"(?:\+([0-9A-Za-z.+_-]*))?\Z"
)


def split(text: str) -> tuple[str, str, str]:
    """Part a version into its numbers, its pre-release and its build metadata."""
    match = _VERSION.match(text.strip())
    if match is None:
        raise VersionError(f"not a semantic version: {text[:80]!r}")
    numbers, hyphened, bare, build = match.groups()
    return numbers, hyphened or bare or "", build or ""


def key(text: str) -> bytes:
    """Give the sort key of a semantic version."""
    numbers, pre, _build = split(text)
    return release(numbers.split(".")) + (b"\x00" + identifiers(pre) if pre else b"\x01")


def build_key(text: str) -> bytes:
    """Give the sort key of a semantic version whose build metadata counts: 1.2.3 < 1.2.3+1 < 1.2.3+2."""
    numbers, pre, build = split(text)
    return (
        release(numbers.split("."))
        + (b"\x00" + identifiers(pre) if pre else b"\x01")
        + (b"\x01" + identifiers(build) if build else b"\x00")
    )
