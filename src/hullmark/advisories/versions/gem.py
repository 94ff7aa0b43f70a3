"""RubyGems' order of versions.

Source: `Gem::Version` of RubyGems. A version is numbers and words; a word sorts before a number, and missing
places are zero, so that 1.0.a < 1.0 = 1. A hyphen reads as `.pre.`.
"""

import re

from hullmark.advisories._formats.sortkey import number, padded, word
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"\s*[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\s*\Z", re.ASCII)
_SEGMENTS = re.compile(r"[0-9]+|[A-Za-z]+")


def key(text: str) -> bytes:
    """Give the sort key of a gem's version."""
    if _VALID.match(text) is None:
        raise VersionError(f"not a gem version: {text[:80]!r}")
    segments = _SEGMENTS.findall(text.replace("-", ".pre."))
    first_word = next((place for place, segment in enumerate(segments) if segment.isalpha()), len(segments))
    end_of_release = first_word
    while end_of_release and not segments[end_of_release - 1].strip("0"):
        end_of_release -= 1
    return padded([_item(segment) for segment in segments[:end_of_release] + segments[first_word:]])


def _item(segment: str) -> tuple[int, bytes]:
    if segment.isalpha():
        return -1, word(segment)
    return (1, number(segment)) if segment.strip("0") else (0, b"")


SCHEME = Scheme(name="gem", ecosystems=("gem",), key=key)
