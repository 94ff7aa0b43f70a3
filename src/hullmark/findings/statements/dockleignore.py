"""Dockle's `.dockleignore`: the code of a checkpoint a line; lines that begin with `#` are comments.

As Dockle 0.4 reads it (https://github.com/goodwithtech/dockle, "Ignore the specified checkpoints"). A code takes out what the checks of images that go by
it find; one by which none goes suppresses nothing.
"""

import functools
from pathlib import PurePath

from hullmark.findings.statements import IsRule, LeftOut, Stated, no_rule
from hullmark.findings.statements._words import rule_fault
from hullmark.findings.statements._yaml import decoded
from hullmark.model.printable import printable
from hullmark.model.report import Suppression
from hullmark.model.rule import known_as, normal


def knows(name: str, _body: bytes) -> bool:
    """Tell one by its name."""
    return PurePath(name).name.lower().endswith("dockleignore")


def read(name: str, body: bytes, _is_rule: IsRule = no_rule) -> Stated:
    """Read a file; what names no check of images is left out."""
    found: list[Suppression] = []
    left_out: list[LeftOut] = []
    for line, text in enumerate(decoded(name, body).split("\n"), 1):
        code = text.strip()
        if not code or code.startswith("#"):
            continue
        if fault := _fault(code):
            left_out.append(LeftOut(line, fault))
        else:
            found.append(Suppression(source=name, line=line, ids=(code,)))
    return Stated(tuple(found), tuple(left_out))


def _fault(code: str) -> str:
    if fault := rule_fault(code):
        return fault
    return "" if normal(code) in _names() else f"no check of images here goes by {printable(code[:80])!r}"


@functools.cache
def _names() -> frozenset[str]:
    """Give the names by which checks of images go."""
    from hullmark.detectors.config.image.checks import rules

    return frozenset().union(*map(known_as, rules()))
