"""An order for versions that no one specifies, which follows what most projects do.

Numbers compare as numbers, missing ones are zero.
Letters after a number come after it and before a further number (OpenSSL 1.1.1 < 1.1.1k < 1.1.1.1; 9.3p1),
words for what comes before a release come before it (dev, alpha, beta, preview, rc; also `a1`, `b2`), and
`final` and its like are nothing. Java's three ways to write one update are one (8u352-b08, 1.8.0_352-b08,
8.0.352+8). What begins with a word (`cci.20200203`) sorts before all numbers.
"""

import re

from hullmark.advisories._formats.sortkey import number, padded, word
from hullmark.model.errors import VersionError

_DIGIT = re.compile("[0-9]")
_COMMIT = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{12,}\Z")
_PREFIX = re.compile(r"(?:v|ver|version|rel|release|jdk|go)[._-]?(?=[0-9])")
_JAVA = re.compile(r"(?:1\.([1-9])\.0_|([1-9])u)([0-9]+)(?:-b([0-9]+))?\Z")
_RUNS = re.compile(r"([0-9]+)|([a-z]+|~)(?=([0-9]?))")
_BEFORE = {
    "~": b"\x01",
    "dev": b"\x02",
    "snapshot": b"\x02",
    "alpha": b"\x03",
    "beta": b"\x04",
    "pre": b"\x05",
    "preview": b"\x05",
    "rc": b"\x06",
}
_BEFORE_NUMBER = {"a": b"\x03", "b": b"\x04"}
_NOTHING = {"final", "ga", "release", "stable"}


def key(text: str) -> bytes:
    """Give a sort key for a version. Raises `VersionError`."""
    version = text.strip().lower()
    if not (version.isascii() and version.isprintable() and _DIGIT.search(version)) or _COMMIT.match(version):
        raise VersionError(f"not a version that has an order: {text[:80]!r}")
    prefix = _PREFIX.match(version)
    version = version[prefix.end() :] if prefix else version
    java = _JAVA.match(version)
    if java:
        version = f"{java[1] or java[2]}.0.{java[3]}.{java[4] or 0}"
    items: list[tuple[int, bytes]] = []
    for digits, letters, after in _RUNS.findall(version):
        if digits:
            items.append((1, b"\x02" + number(digits)) if digits.strip("0") else (0, b""))
            continue
        before = _BEFORE.get(letters) or (_BEFORE_NUMBER.get(letters) if after else None)
        if before:
            while items and not items[-1][0]:  # 1.0-rc1 is 1.0.0-rc1
                items.pop()
            items.append((-1, before))
        elif letters not in _NOTHING:
            items.append((1, b"\x01" + word(letters)))
    return padded(items)
