"""All rules: each is whole and has a name of its own, and is found by the names that others have for it."""

import collections
import re
from typing import get_args

import pytest

from hullmark.detectors.config.dockerfile import told
from hullmark.model.rule import Rule, RuleKind, normal
from hullmark.scan.rules import all_rules, names_of, nearest, rules_named

CONTROL = re.compile(r"(?:CIS-Docker|NIST-800-190|NIST-800-53|PCI-DSS) [A-Z0-9][\w.-]*")
BESIDE_A_DOCKERFILE = {"known-image", "private-file-in-context"}
"""About what lies beside it, or was scanned before (tests/cli/test_lint_around.py)."""
TOLD_BY_A_FILE = {rule.id for rule in told.rules()}
"""About what a `.hadolint.yaml` says (tests/detectors/config/dockerfile/test_told.py)."""
SEEN_IN_IMAGES_ALONE = {"git-folder-in-image", "same-content-other-digest"}
"""Rules about layers for which no text can be an example."""


def test_there_are_rules_of_each_kind() -> None:
    assert {rule.kind for rule in all_rules()} == set(get_args(RuleKind))


def test_ids_are_unique_over_all_kinds() -> None:
    counts = collections.Counter(rule.id for rule in all_rules())
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_a_rule_is_whole(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", rule.id)
    assert rule.summary
    assert not rule.summary.endswith(".")
    for sentence in (rule.why, rule.fix):
        assert sentence.endswith(".")
        assert "\n" not in sentence
    if rule.id not in SEEN_IN_IMAGES_ALONE | BESIDE_A_DOCKERFILE | TOLD_BY_A_FILE:
        assert rule.good
        assert rule.bad or rule.id == "too-large"  # four megabytes are no example
    assert [control for control in rule.controls if not CONTROL.fullmatch(control)] == []
    assert rule.controls or rule.kind != "secret"
    assert len(set(rule.same_as)) == len(rule.same_as)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("root-user", {"root-user"}),
        ("Root-User ", {"root-user"}),
        ("DL3002", {"root-user", "image-root-user"}),
        ("dl3020", {"add-instead-of-copy", "image-local-add"}),
        ("SC2046", {"unquoted-substitution"}),
        ("DS-0026", {"missing-healthcheck", "image-no-healthcheck"}),
        ("DS026", {"missing-healthcheck", "image-no-healthcheck"}),
        ("AVD-DS-0026", {"missing-healthcheck", "image-no-healthcheck"}),
        ("avd-ds-26", {"missing-healthcheck", "image-no-healthcheck"}),
        ("AVD-KSV-0013", {"unpinned-image"}),
        ("DKL-DI-0003", {"apt-upgrade", "image-dist-upgrade"}),
        ("age-secret-key", {"age-secret-key"}),
    ],
)
def test_a_rule_goes_by_the_names_of_others(name: str, ids: set[str]) -> None:
    found = {rule.id for rule in rules_named(name, all_rules())}
    assert ids <= found
    assert found == names_of(all_rules())[normal(name)]


@pytest.mark.parametrize("name", ["", " ", "DL9999", "root-usr", "x" * 100_000, "\x1b[31m", "DS-", "AVD-"])
def test_what_nobody_knows_is_no_rule(name: str) -> None:
    assert rules_named(name, all_rules()) == ()
    assert normal(name) not in names_of(all_rules())


def test_the_nearest_names() -> None:
    assert nearest("root-usr", all_rules())[0] == "root-user"
    assert nearest("kagi", all_rules())[0] == "kagi-api-key"
    assert "DL3000" in nearest("DL300", all_rules())
    assert nearest("", all_rules()) == ()
    assert nearest("x" * 100_000, all_rules()) == ()
    assert len(nearest("github", all_rules())) == 5
