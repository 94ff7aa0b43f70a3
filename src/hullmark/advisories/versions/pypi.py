"""Python's order of versions: `[N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local]`.

Source: PEP 440, now packaging.python.org/specifications/version-specifiers, with its spellings that are read
as the normal form. Versions from before it (`2004d`, `0.6-beta.rev3x`) have no order and are refused. Names
are folded as PEP 503 says.
"""

import re

from hullmark.advisories._formats.sortkey import number, release, word
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(
    r"\s*v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]*))?"
    r"(?:-([0-9]+)|([-_.]?(?:post|rev|r)[-_.]?)([0-9]*))?"
    r"([-_.]?dev[-_.]?([0-9]*))?"
    r"(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*\Z",
    re.ASCII | re.IGNORECASE,
)
_SEPARATORS = re.compile("[-_.]+")
_PRE = {"a": b"\x01", "b": b"\x02", "c": b"\x03", "r": b"\x03", "p": b"\x03"}
_BEFORE_PRE = b"\x00"
_NO_PRE = b"\x04"


def key(text: str) -> bytes:
    """Give the sort key of a Python version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not a PEP 440 version: {text[:80]!r}")
    epoch, numbers, pre, pre_number, hyphened, post, post_number, dev, dev_number, local = match.groups()
    out = number(epoch or "0") + release(numbers.split("."))
    has_post = post is not None or hyphened is not None
    if pre:
        out += _PRE[pre[0].lower()] + number(pre_number)
    else:  # a bare development release comes before all pre-releases
        out += _BEFORE_PRE if dev is not None and not has_post else _NO_PRE
    out += b"\x01" + number(hyphened or post_number or "") if has_post else b"\x00"
    out += b"\x00" + number(dev_number) if dev is not None else b"\x01"
    return out + _local(local)


def _local(text: str | None) -> bytes:
    if text is None:
        return b"\x00"
    out = bytearray(b"\x01")
    for part in _SEPARATORS.split(text.lower()):
        out += b"\x02" + number(part) if part.isdigit() else b"\x01" + word(part)
    return bytes(out + b"\x00")


def fold(name: str) -> str:
    """Give a project's normal name."""
    return _SEPARATORS.sub("-", name).lower()


SCHEME = Scheme(name="pypi", ecosystems=("pypi",), key=key, fold=fold)
