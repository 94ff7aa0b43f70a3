"""PHP's order of versions, by which PEAR, PECL and WordPress compare theirs.

Source: php.net, `version_compare`; pear.php.net and developer.wordpress.org point there. A version is numbers and
words between `.`, `-`, `_` and `+`, or where digits meet letters. Unknown words < dev < alpha < beta < RC < the end <
a number < p; the case counts, only the beginning of a word does (`alpha`, `a`), all unknown words are one, and a
number more is a later version (1 < 1.0).
"""

import re

from hullmark.advisories._formats.sortkey import number
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z._+-]*[0-9A-Za-z])?\Z")
_RUNS = re.compile(r"[0-9]+|[A-Za-z]+")
_UNKNOWN = b"\x01"
_WORDS = (
    ("dev", b"\x02"),
    ("a", b"\x03"),
    ("b", b"\x04"),
    ("RC", b"\x05"),
    ("rc", b"\x05"),
    ("p", b"\x08"),
)
_END = b"\x06"
_NUMBER = b"\x07"


def key(text: str) -> bytes:
    """Give the sort key of a version as PHP compares it."""
    version = text.strip()
    if _VALID.match(version) is None:
        raise VersionError(f"not a version that PHP orders: {text[:80]!r}")
    out = bytearray()
    for run in _RUNS.findall(version):
        if run.isdigit():
            out += _NUMBER + number(run)
        else:
            out += next((place for start, place in _WORDS if run.startswith(start)), _UNKNOWN)
    return bytes(out + _END)


SCHEME = Scheme(name="php", ecosystems=("pear", "pecl", "wordpress-plugin", "wordpress-theme"), key=key)
