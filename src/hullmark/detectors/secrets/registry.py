"""Which rules for secrets there are: the modules of `rules/`."""

import functools
import importlib

from hullmark.detectors.secrets import rules as packs
from hullmark.detectors.secrets.rule import SecretRule
from hullmark.modules import names_in


@functools.cache
def secret_rules() -> tuple[SecretRule, ...]:
    """Give every rule, by pack and in the pack's order."""
    found: list[SecretRule] = []
    for name in names_in(packs.__path__):
        found += importlib.import_module(f"{packs.__name__}.{name}").RULES
    return tuple(found)
