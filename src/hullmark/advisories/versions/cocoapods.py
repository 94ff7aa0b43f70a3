"""CocoaPods' order of versions: semantic, of any number of parts.

Source: `Pod::Version` of cocoapods-core, and guides.cocoapods.org. What comes before the first word are numbers, of
which zeros at the end do not count; from the first word on it is a pre-release, also without a hyphen (1.0.rc1 =
1.0.0-rc.1 < 1.0). A number after a hyphen is one number more: 1.0.0-1 > 1.0.0. Build metadata does not count. Where
a number meets a word in two pre-releases, CocoaPods looks past both, which is no order: here the number comes first,
as semver.org says.
"""

import re

from hullmark.advisories._formats.sortkey import number, release, word
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"\s*([0-9]+(?:\.[0-9A-Za-z-]+)*)(?:\+[0-9A-Za-z.-]+)?\s*\Z", re.ASCII)
_SEGMENTS = re.compile(r"[0-9]+|[A-Za-z]+")


def key(text: str) -> bytes:
    """Give the sort key of a pod's version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not a version of a pod: {text[:80]!r}")
    segments = _SEGMENTS.findall(match[1])
    first_word = next((place for place, segment in enumerate(segments) if segment.isalpha()), len(segments))
    out = bytearray(release(segments[:first_word]))
    if first_word == len(segments):
        return bytes(out + b"\x01")
    out += b"\x00"
    for segment in segments[first_word:]:
        out += b"\x02" + word(segment) if segment.isalpha() else b"\x01" + number(segment)
    return bytes(out + b"\x00")


SCHEME = Scheme(name="cocoapods", ecosystems=("cocoapods",), key=key)
