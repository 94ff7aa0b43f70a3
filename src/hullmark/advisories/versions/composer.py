"""Composer's order of versions: dev < alpha < beta < RC < the release < patch.

Source: getcomposer.org/doc/articles/versions.md, `VersionParser::normalize` of composer/semver and PHP's
`version_compare`. Four numbers, or a date of any number of parts; `1.2.x-dev` is the branch before the next
1.x and sorts so. Named branches (`dev-main`) have no order and are refused.
"""

import re

from hullmark.advisories._formats.sortkey import number
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_ALIAS = re.compile(r"([^,\s]+) +as +[^,\s]+\Z")
_FLAG = re.compile(r"@(?:stable|rc|beta|alpha|dev)\Z", re.IGNORECASE)
_BUILD = re.compile(r"([^,\s+]+)\+[^\s]+\Z")
_MODIFIERS = r"[._-]?(?:(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?[0-9]+)*))?([.-]?dev)?\Z"
_NUMBERS = re.compile(r"v?([0-9]{1,5}(?:\.[0-9]+){0,3})" + _MODIFIERS, re.ASCII | re.IGNORECASE)
_DATE = re.compile(
    r"v?([0-9]{4}(?:[.:-]?[0-9]{2}){1,6}(?:[.:-]?[0-9]{1,3}){0,2})" + _MODIFIERS, re.ASCII | re.IGNORECASE
)
_BRANCH = re.compile(r"v?([0-9]+(?:\.(?:[0-9]+|[x*])){0,3})[.-]?dev\Z", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile("[0-9]+")
_WILDCARD = re.compile("[xX*]")
_NO_LIMIT = "9999999"  # what Composer writes for the x of a branch

_DEV = b"\x01"
_STABILITIES = {"a": b"\x02", "b": b"\x03", "r": b"\x04", "p": b"\x07"}
_END = b"\x05"
_NUMBER = b"\x06"


def key(text: str) -> bytes:
    """Give the sort key of a Composer version."""
    version = text.strip()
    alias = _ALIAS.match(version)
    version = _FLAG.sub("", alias[1] if alias else version)
    build = _BUILD.match(version)
    version = build[1] if build else version
    match = _NUMBERS.match(version)
    if match:
        return _key(_four(match[1].split("."), "0"), match)
    match = _DATE.match(version)
    if match:
        return _key(_DIGITS.findall(match[1]), match)
    match = _BRANCH.match(version)
    if match:
        return _numbers(_four(_WILDCARD.sub(_NO_LIMIT, match[1]).split("."), _NO_LIMIT)) + _DEV + _END
    raise VersionError(f"not a Composer version that has an order: {text[:80]!r}")


def _four(numbers: list[str], missing: str) -> list[str]:
    return numbers + [missing] * (4 - len(numbers))


def _numbers(numbers: list[str]) -> bytes:
    return b"".join([_NUMBER + number(digits) for digits in numbers])


def _key(numbers: list[str], match: re.Match[str]) -> bytes:
    _numbers_text, stability, count, dev = match.groups()
    out = _numbers(numbers)
    if stability and stability.lower() == "stable":
        return out + _END
    if stability:
        out += _STABILITIES[stability[0].lower()] + _numbers(_DIGITS.findall(count))
    return out + (_DEV + _END if dev else _END)


SCHEME = Scheme(name="composer", ecosystems=("composer",), key=key, fold=str.lower)
