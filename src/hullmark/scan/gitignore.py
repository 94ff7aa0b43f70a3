"""`.gitignore`: which files and folders of a project are left out of it.

Format: gitignore(5). Patterns are matched part by part, so that no pattern takes long on any path.
"""

import fnmatch
import re
from collections.abc import Sequence

from msgspec import Struct

_ESCAPED = re.compile(r"\\(.)")
_MAX_PATTERNS = 500
_MAX_LINE = 1000


class Pattern(Struct, frozen=True):
    """One line. `parts` are those between the slashes, `keeps` is an exclamation mark, `anchored` a slash within."""

    parts: tuple[str, ...]
    keeps: bool
    folders_only: bool
    anchored: bool


def parse(text: str) -> tuple[Pattern, ...]:
    """Read a file; what is longer than anybody writes is passed over."""
    found = []
    for line in text.split("\n"):
        pattern = _pattern(line)
        if pattern is not None:
            found.append(pattern)
        if len(found) == _MAX_PATTERNS:
            break
    return tuple(found)


def _pattern(line: str) -> Pattern | None:
    line = line.rstrip("\r")
    while line.endswith(" ") and not line.endswith("\\ "):
        line = line[:-1]
    if not line or line.startswith("#") or len(line) > _MAX_LINE:
        return None
    keeps = line.startswith("!")
    line = _ESCAPED.sub(_unescaped, line[1:] if keeps else line)
    parts = tuple(part for part in line.split("/") if part)
    if not parts:
        return None
    return Pattern(parts, keeps, line.endswith("/"), "/" in line.rstrip("/"))


def is_ignored(patterns: Sequence[Pattern], path: str, *, is_folder: bool) -> bool:
    """Tell whether a path below the file's own folder is left out; the last pattern that fits decides."""
    parts = path.split("/")
    for pattern in reversed(patterns):
        if pattern.folders_only and not is_folder:
            continue
        if (
            _fits(pattern.parts, parts)
            if pattern.anchored
            else fnmatch.fnmatchcase(parts[-1], pattern.parts[0])
        ):
            return not pattern.keeps
    return False


def _unescaped(escaped: re.Match[str]) -> str:
    return f"[{escaped[1]}]" if escaped[1] in "*?[" else escaped[1]


def _fits(wanted: Sequence[str], parts: Sequence[str]) -> bool:
    """Match parts, `**` being any number of them; only the last `**` is ever taken back, so it is not exponential."""
    at = here = 0
    star, mark = -1, 0
    while here < len(parts):
        if at < len(wanted) and wanted[at] == "**":
            star, mark, at = at, here, at + 1
        elif at < len(wanted) and fnmatch.fnmatchcase(parts[here], wanted[at]):
            at, here = at + 1, here + 1
        elif star >= 0:
            at, mark = star + 1, mark + 1
            here = mark
        else:
            return False
    return all(part == "**" for part in wanted[at:])
