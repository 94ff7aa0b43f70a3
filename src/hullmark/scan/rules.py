"""All rules there are, by whatever name somebody knows them."""

import functools
import importlib
from collections.abc import Iterable

from hullmark.model.rule import Rule, known_as, normal

_SOURCES = (
    "hullmark.detectors.config.dockerfile.lint:rules",
    "hullmark.detectors.config.dockerfile.told:rules",
    "hullmark.detectors.config.image.checks:rules",
    "hullmark.detectors.secrets.registry:known_rules",
    "hullmark.advice.pinning:RULES",
    "hullmark.advice.layer_rules:RULES",
    "hullmark.advice.known_images:rules",
    "hullmark.advice.private_files:rules",
)
"""Where rules of each kind are, as `module:name` of a tuple or of a function that gives one."""
_MOST_NAME = 80
_NEAREST = 5


@functools.cache
def all_rules() -> tuple[Rule, ...]:
    """Give every rule, by kind and id."""
    found: list[Rule] = []
    for source in _SOURCES:
        module, _, name = source.partition(":")
        there = getattr(importlib.import_module(module), name)
        found += there() if callable(there) else there
    return tuple(sorted(found, key=lambda rule: (rule.kind, rule.id)))


def rules_named(name: str, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Give the rules among `rules` that go by a name, ours or that of another tool, in their order."""
    wanted = normal(name)
    return tuple(rule for rule in rules if wanted in known_as(rule))


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(names_of(all_rules()))


def is_rule(name: str) -> bool:
    """Tell whether a rule goes by a name, ours or that of another tool."""
    return normal(name) in _names()


def nearest(name: str, rules: Iterable[Rule]) -> tuple[str, ...]:
    """Give the names that are most like one that nobody knows: those that it is a part of, then those that are spelled alike."""
    import difflib  # only for who mistypes

    wanted = normal(name[:_MOST_NAME])
    known = {normal(one): one for rule in rules for one in (*rule.same_as, rule.id)}
    parts = sorted((one for one in known if wanted and wanted in one), key=lambda one: (len(one), one))
    alike = difflib.get_close_matches(wanted, known, _NEAREST)
    return tuple(known[one] for one in dict.fromkeys((*parts[:_NEAREST], *alike)))[:_NEAREST]


def names_of(rules: Iterable[Rule]) -> dict[str, frozenset[str]]:
    """Give the ids of the rules that go by a name, ours or that of another tool (`normal`)."""
    found: dict[str, set[str]] = {}
    for rule in rules:
        for name in known_as(rule):
            found.setdefault(name, set()).add(rule.id)
    return {name: frozenset(ids) for name, ids in found.items()}
