"""Globs of paths: `*` within a component, `**` over several; what stands for a folder stands for all below it."""

import re
from collections.abc import Callable, Iterable

_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def fits_any(globs: Iterable[str], *, below: bool = True) -> Callable[[str], bool]:
    """Give what tells whether a path without a leading slash fits one of the globs; none fits no glob.

    `below`: what stands for a folder stands for all below it.
    """
    patterns = [as_pattern(glob) + ("(?:/.*)?" if below else "") for glob in globs]
    if not patterns:
        return lambda _path: False
    compiled = re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.DOTALL)
    return lambda path: compiled.fullmatch(path) is not None


def as_pattern(glob: str) -> str:
    """Give the regular expression of a glob, without anchors: `.` must match line ends there."""
    words = re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/"))
    return "".join(_WILD.get(word) or re.escape(word) for word in words)
