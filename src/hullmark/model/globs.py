"""Globs of paths: `*` within a component, `**` over several; what stands for a folder stands for all below it."""

import re
from collections.abc import Callable, Iterable

_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def fits_any(globs: Iterable[str], *, below: bool = True) -> Callable[[str], bool]:
    """Give what tells whether a path without a leading slash fits one of the globs; none fits no glob.

    `below`: what stands for a folder stands for all below it.
    """
    patterns = []
    for glob in globs:
        words = re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/"))
        patterns.append(
            "".join(_WILD.get(word) or re.escape(word) for word in words) + ("(?:/.*)?" if below else "")
        )
    if not patterns:
        return lambda _path: False
    compiled = re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.DOTALL)
    return lambda path: compiled.fullmatch(path) is not None
