"""All rules together, as a scan has them: what each finds by itself is found among the others."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.detectors.secrets.compiled import Kind
from hullmark.detectors.secrets.engine import Engine
from hullmark.detectors.secrets.registry import secret_rules
from hullmark.detectors.secrets.rule import SecretRule
from hullmark.detectors.secrets.samples import expanded
from hullmark.model.globs import fits_any

ENGINE = Engine(secret_rules, b"key")
KINDS: dict[Kind, Callable[[SecretRule], bool]] = {
    "text": lambda rule: not rule.paths,
    "named": lambda _rule: True,
    "binary": lambda rule: rule.binary,
}
"""Which rules are searched for in which files."""
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.rule.id}-{number}")
    for rule in secret_rules()
    for number, example in enumerate(rule.rule.bad)
]


def path_for(rule: SecretRule) -> str:
    globs = [glob for glob in rule.paths if not glob.startswith(("config.", "history"))] or [
        "**/settings.conf"
    ]
    path = globs[0].replace("**/", "srv/").replace("*", "x")
    assert not rule.paths or fits_any(rule.paths)(path)
    return path


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_a_bad_example_is_found_among_all_rules(rule: SecretRule, example: str) -> None:
    """By its own rule, or by another that knows the same value."""
    body = expanded(example).encode("latin-1" if rule.binary else "utf-8", "replace")
    found, _more = ENGINE.search(path_for(rule), body)
    assert found, body[:200]


def test_ids_are_unique_and_names_of_others_are_no_rule_of_ours() -> None:
    ids = [rule.rule.id for rule in secret_rules()]
    assert len(ids) == len(set(ids))


def test_each_pattern_is_searched_for() -> None:
    """What Hyperscan is given matches wherever the pattern does."""
    missed = [
        (rule.rule.id, kind)
        for number, rule in enumerate(ENGINE.rules)
        for kind, is_its in KINDS.items()
        if is_its(rule)
        and not any(
            number == hit
            for example in rule.rule.bad
            for hit, _end in ENGINE.compiled.hits(
                expanded(example).encode("latin-1" if rule.binary else "utf-8", "replace"), kind
            )[0]
        )
    ]
    assert missed == []


@given(st.binary(max_size=3000), st.sampled_from(["etc/app.conf", "app/settings.py", ".npmrc", "a/.env"]))
def test_any_bytes_are_searched(body: bytes, path: str) -> None:
    found, _more = ENGINE.search(path, body)
    assert all(secret.column <= secret.end_column for secret in found)
