"""rpm's order of versions: `[epoch:]version[-release]`.

Source: rpm-version(7) and rpm's `rpmvercmp`. A version is runs of digits and runs of letters; everything else
only separates. Digits sort after letters, `~` before the end, `^` just after it.

A release that is missing sorts before every release: rpm itself lets it match them all, which is no order. So
'fixed in 1.2' holds for 1.2-1 and later builds of it.
"""

import re

from hullmark.advisories._formats.sortkey import number, word
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"(?:(\(none\)|[0-9]*):)?([!-~]+)\Z")
_RUNS = re.compile(r"[0-9]+|[A-Za-z]+|[~^]")
_SIGNS = {"~": b"\x01", "^": b"\x03"}
_END = b"\x02"
_NO_RELEASE = b"\x00"


def _part(text: str) -> bytes:
    out = bytearray()
    for run in _RUNS.findall(text):
        if run.isdigit():
            out += number(run, above=5)
        else:
            out += _SIGNS.get(run) or b"\x04" + word(run)
    return bytes(out + _END)


def key(text: str) -> bytes:
    """Give the sort key of an rpm version."""
    match = _VALID.match(text)
    if match is None:
        raise VersionError(f"not an rpm version: {text[:80]!r}")
    epoch, rest = match.groups()
    version, _dash, build = rest.rpartition("-") if "-" in rest else (rest, "", "")
    if not _RUNS.search(version):
        raise VersionError(f"not an rpm version: {text[:80]!r}")
    if epoch == "(none)":  # what `rpm -q --qf '%{EPOCH}'` prints for a package without one
        epoch = ""
    return number(epoch or "") + _part(version) + (b"\x01" + _part(build) if build else _NO_RELEASE)


SCHEME = Scheme(name="rpm", ecosystems=("rpm",), key=key)
