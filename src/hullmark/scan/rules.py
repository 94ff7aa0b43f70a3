"""All rules there are, by whatever name somebody knows them."""

import functools
import importlib
import re
from collections.abc import Iterable

from hullmark.model.rule import Rule

_SOURCES = (
    "hullmark.detectors.config.dockerfile.lint:rules",
    "hullmark.detectors.config.image.checks:rules",
    "hullmark.detectors.secrets.registry:known_rules",
    "hullmark.advice.pinning:rules",
    "hullmark.advice.layering:rules",
)
"""Where rules of each kind are, as `module:function`."""
_TRIVY = re.compile(r"(?:AVD-)?(DS|KSV)-?(\d{1,6})", re.IGNORECASE)


@functools.cache
def all_rules() -> tuple[Rule, ...]:
    """Give every rule, by kind and id."""
    found: list[Rule] = []
    for source in _SOURCES:
        module, _, function = source.partition(":")
        found += getattr(importlib.import_module(module), function)()
    return tuple(sorted(found, key=lambda rule: (rule.kind, rule.id)))


def names_of(rules: Iterable[Rule]) -> dict[str, frozenset[str]]:
    """Give the ids of the rules that go by a name, ours or that of another tool (`normal`)."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        for name in (rule.id, *rule.same_as):
            found.setdefault(normal(name), set()).add(rule.id)
    return {name: frozenset(ids) for name, ids in found.items()}


def normal(name: str) -> str:
    """Give a rule's name as it is compared: in small letters, and Trivy's in one of its three forms (`DS002`, `DS-0002`, `AVD-DS-0002`)."""
    if found := _TRIVY.fullmatch(name.strip()):
        return f"{found[1].lower()}-{int(found[2]):04}"
    return name.strip().lower()
