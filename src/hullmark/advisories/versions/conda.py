"""conda's order of versions: `[epoch!]version[+local]`.

Source: docs.conda.io, "Version ordering", and CEP 33. Components stand between dots and underscores; in each,
numbers and words alternate, beginning with a number (0 where none is written). `*` < `dev` < other words <
numbers < `post`, and what is missing is zero. One underscore at the end belongs to the last component, so
that 1.0.1_ < 1.0.1a, OpenSSL's way.
"""

import re

from hullmark.advisories._formats.sortkey import number, padded, word
from hullmark.advisories.scheme import Scheme
from hullmark.model.errors import VersionError

_VALID = re.compile(r"(?:([0-9]+)!)?([0-9a-z_.*]+)(?:\+([0-9a-z_.*]+))?\Z")
_RUNS = re.compile(r"[0-9]+|\*+|[^0-9*]+")
_ZERO = padded(())


def key(text: str) -> bytes:
    """Give the sort key of a conda version."""
    version = text.strip().lower()
    if "_" not in version:
        version = version.replace("-", "_")
    match = _VALID.match(version)
    if match is None:
        raise VersionError(f"not a conda version: {text[:80]!r}")
    epoch, version, local = match.groups()
    try:
        return number(epoch or "") + _components(version) + _components(local or "0")
    except ValueError as problem:
        raise VersionError(f"not a conda version: {text[:80]!r}") from problem


def _components(text: str) -> bytes:
    last = ""
    if text.endswith("_"):
        text, last = text[:-1], "_"
    components = text.replace("_", ".").split(".")
    components[-1] += last
    items = []
    for component in components:
        piece = _component(component)
        items.append(((piece > _ZERO) - (piece < _ZERO), piece))
    return padded(items)


def _component(text: str) -> bytes:
    if not text:
        raise ValueError(text)
    items: list[tuple[int, bytes]] = [] if text[0].isdigit() else [(0, b"")]
    for run in _RUNS.findall(text):
        if run.isdigit():
            items.append((1, b"\x01" + number(run)) if run.strip("0") else (0, b""))
        elif run == "post":
            items.append((1, b"\x02"))
        else:  # the upper case sorts dev after * and before _
            items.append((-1, word("DEV" if run == "dev" else run)))
    return padded(items)


SCHEME = Scheme(name="conda", ecosystems=("conda",), key=key)
