"""What people and suppliers said of flaws beforehand: one module a form of document, the module's name is the form's.

A module defines `knows(name, body) -> bool`, which tells a document by its file's name and its first words, and
`read(name, body) -> Stated`, which is pure and raises `UsageError` with file and line for what cannot be read. `VEX = True` says that its
documents are VEX documents (`--vex`); the others are ignore files (`--ignore-file`), whose `read` has a third argument, an `IsRule`.
"""

import functools
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from hullmark.model.errors import UsageError
from hullmark.model.report import Suppression
from hullmark.modules import names_in

MAX_BYTES = 64 * 1024 * 1024
"""No such document is larger by far."""


IsRule = Callable[[str], bool]
"""Tells whether a text is the name of a rule for secrets or misconfigurations, ours or another tool's."""


def no_rule(_name: str) -> bool:
    """Know no rule: an id has the form of an id then."""
    return False


class LeftOut(NamedTuple):
    """What of a document cannot be said in our words, so that nothing is suppressed by it: the line (0 where there is none) and why."""

    line: int
    what: str


class Stated(NamedTuple):
    """What a document says, in its order."""

    suppressions: tuple[Suppression, ...]
    left_out: tuple[LeftOut, ...] = ()


def read_vex(name: str, body: bytes) -> Stated:
    """Read a VEX document of any form. Raises `UsageError`."""
    module = _module(name, body, "VEX document", vex=True)
    stated: Stated = module.read(name, body)
    return stated


def read_ignores(name: str, body: bytes, is_rule: IsRule = no_rule) -> Stated:
    """Read an ignore file of any form. Raises `UsageError`."""
    module = _module(name, body, "ignore file", vex=False)
    stated: Stated = module.read(name, body, is_rule)
    return stated


def _module(name: str, body: bytes, kind: str, *, vex: bool) -> ModuleType:
    if len(body) > MAX_BYTES:
        raise UsageError(
            f"larger than {MAX_BYTES} bytes", where=name, hint=f"is it one? No {kind} is so large"
        )
    for module in _modules(vex=vex):
        if module.knows(name, body):
            return module
    forms = ", ".join(module.__name__.rpartition(".")[2] for module in _modules(vex=vex))
    raise UsageError(f"it is no {kind} of a form that is known", where=name, hint=f"known are {forms}")


@functools.cache
def _modules(*, vex: bool) -> tuple[ModuleType, ...]:
    found = (importlib.import_module(f"{__name__}.{name}") for name in names_in(__path__))
    return tuple(module for module in found if bool(getattr(module, "VEX", False)) is vex)
