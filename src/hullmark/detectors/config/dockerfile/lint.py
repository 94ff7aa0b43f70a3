"""All rule packs over one Dockerfile."""

from collections.abc import Container
from functools import cache
from importlib import import_module

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile import rules as packs
from hullmark.detectors.config.dockerfile._syntax import SYNTAX_ERROR, TOO_LARGE
from hullmark.detectors.config.dockerfile.model import Dockerfile
from hullmark.model.rule import Pack, Rule
from hullmark.modules import names_in


@cache
def checks() -> tuple[Check[Dockerfile], ...]:
    """Give the checks of all packs, the packs in the order of their names."""
    found: list[Check[Dockerfile]] = []
    for name in names_in(packs.__path__):
        found += import_module(f"{packs.__name__}.{name}").CHECKS
    return tuple(found)


def rules() -> tuple[Rule, ...]:
    """Give all rules about Dockerfiles, those of the parser first."""
    return (SYNTAX_ERROR, TOO_LARGE, *(check.rule for check in checks()))


def ids(*which: Pack) -> frozenset[str]:
    """Give the ids of the rules of these sets."""
    return frozenset(rule.id for rule in rules() if rule.pack in which)


def problems(dockerfile: Dockerfile, chosen: Container[str]) -> list[Problem]:
    """Give what breaks one of the rules with `chosen` ids, and all syntax errors, in the order of the file."""
    found = list(dockerfile.broken)
    for check in checks():
        if check.rule.id in chosen:
            found += check.find(dockerfile)
    return sorted(
        found, key=lambda problem: (problem.span, problem.rule.id, problem.resource, problem.message)
    )
