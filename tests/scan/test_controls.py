"""The controls that rules name."""

from conftest import GOLDEN
from hullmark.scan.rules import all_rules

LINES = (GOLDEN.parent / "data/config/controls.txt").read_text().splitlines()
KNOWN = dict(line.split("\t") for line in LINES if line[:1] != "#")


def test_the_controls_of_rules_are_those_that_were_looked_up() -> None:
    named = {control for rule in all_rules() for control in rule.controls}
    assert named == set(KNOWN)


def test_no_rule_names_a_control_twice() -> None:
    assert not [rule.id for rule in all_rules() if len(set(rule.controls)) < len(rule.controls)]


def test_what_a_rule_is_about_is_what_its_control_asks_for() -> None:
    of = {rule.id: set(rule.controls) for rule in all_rules()}
    # SUID alone is the benchmark's 4.8: neither open permissions nor capabilities
    assert {name for name, controls in of.items() if "CIS-Docker 4.8" in controls} == {
        "set-user-id",
        "image-setuid-file",
        "image-setuid-interpreter",
    }
    for name in (
        "unpinned-image",
        "image-not-by-digest",
        "latest-base",
        "untagged-base",
        "image-latest-base",
    ):
        assert "NIST-800-190 4.2.2" in of[name]
    for name in ("root-user", "image-root-user", "image-no-user"):
        assert "PCI-DSS 7.2.5" in of[name]
