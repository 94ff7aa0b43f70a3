"""Which rules for secrets there are: the modules of `rules/`."""

import functools
import hashlib
import importlib
from pathlib import Path

from hullmark.detectors.secrets import rules as packs
from hullmark.detectors.secrets.rule import SecretRule
from hullmark.model.rule import Rule
from hullmark.modules import names_in


@functools.cache
def secret_rules() -> tuple[SecretRule, ...]:
    """Give every rule, by pack and in the pack's order."""
    found: list[SecretRule] = []
    for name in names_in(packs.__path__):
        found += importlib.import_module(f"{packs.__name__}.{name}").RULES
    return tuple(found)


def known_rules() -> tuple[Rule, ...]:
    """Give what each rule is about, without how it finds."""
    return tuple(each.rule for each in secret_rules())


@functools.cache
def digest() -> str:
    """Hash the modules that say what a secret is, without importing them: any change of them may change what is found."""
    root = Path(__file__).parent
    parts = [(str(path.relative_to(root)), path.read_bytes()) for path in sorted(root.rglob("*.py"))]
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
