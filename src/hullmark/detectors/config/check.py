"""The contract of a rule pack: rules with the functions that look for them.

A pack is a module with `CHECKS`, a tuple of `Check`. A check is given what its pack is about (a `Dockerfile`, an `ImageConfig` …) and yields
a `Problem` for each place. Adding a pack or a rule touches nothing else: packs are found by their folder.
"""

from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_Subject = TypeVar("_Subject")


class Span(NamedTuple):
    """A place in a file. All count from 1; what is at `end_line` and `end_column` is not part of it any more."""

    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0


class Edit(NamedTuple):
    """A change that mends a problem and changes nothing else that the file does: `text` in the place of what is in `span`."""

    span: Span
    text: str


class Problem(NamedTuple):
    """Where a rule is broken. `message` says what is wrong here in one clause, `advice` what to do here where it is more than the rule's `fix`.

    `resource` tells problems of one rule at one place apart (a port, a path). `edits` are for `--fix`, together or not at all.
    In an image there is no line: `file` is the path or the field of the configuration, `layer` the index of the layer that brought it, and `number`
    tells for how many places of one kind the problem stands. `severity` is set where it is another one than the rule's.
    """

    rule: Rule
    span: Span
    message: str
    advice: str = ""
    resource: str = ""
    edits: tuple[Edit, ...] = ()
    file: str = ""
    layer: int = -1
    number: int = 1
    from_base: bool | None = None
    severity: Severity | None = None


class Check(Struct, Generic[_Subject], frozen=True):
    """A rule and the function that looks for it."""

    rule: Rule
    find: Callable[[_Subject], Iterable[Problem]]
