"""Globs of Go's `doublestar` as Trivy and Grype read them, in ours. Specification: https://github.com/bmatcuk/doublestar (v2 to v4).

Ours have `*`, `?` and `**` as a whole component; alternatives are written out. What else there is cannot be said.
"""

import re

from hullmark.findings.statements._words import path_fault

_MAX_GLOBS = 32
_ALTERNATIVES = re.compile(r"\{([^{}]*)\}")


def translated(glob: str) -> tuple[str, ...]:
    """Give the globs that mean the same in ours. Raises `ValueError` for what cannot be said."""
    found = [glob]
    while any("{" in each for each in found):
        if len(found) > _MAX_GLOBS:
            raise ValueError("it has too many alternatives")
        found = [more for each in found for more in _written_out(each)]
    for each in found:
        if re.search(r"[\[\]\\{}]", each):
            raise ValueError("classes and escapes have no translation")
        if any("**" in part and part != "**" for part in each.split("/")):
            raise ValueError("** within a name has no translation")
        if fault := path_fault(each):
            raise ValueError(fault)
    return tuple(dict.fromkeys(found))


def _written_out(glob: str) -> list[str]:
    if "{" not in glob:
        return [glob]
    match = _ALTERNATIVES.search(glob)
    if match is None:
        raise ValueError("its braces do not match")
    before, after = glob[: match.start()], glob[match.end() :]
    return [f"{before}{word}{after}" for word in match[1].split(",")]
