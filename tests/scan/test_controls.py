"""The controls that rules name."""

from hullmark.policy import catalogue
from hullmark.policy.controls import controls, framework_of, order
from hullmark.scan.rules import all_rules


def test_the_controls_of_rules_are_those_that_were_looked_up() -> None:
    named = {control for rule in all_rules() for control in rule.controls}
    of_policies = {control for rule in catalogue.rules().values() for control in rule.controls}
    assert named | of_policies == set(controls())


def test_each_control_is_of_a_framework_says_what_it_asks_for_and_stands_in_order() -> None:
    assert all(framework_of(control) and title for control, title in controls().items())
    assert list(controls()) == sorted(controls(), key=order)


def test_no_rule_names_a_control_twice() -> None:
    assert not [rule.id for rule in all_rules() if len(set(rule.controls)) < len(rule.controls)]
    of_policies = catalogue.rules().items()
    assert not [name for name, rule in of_policies if len(set(rule.controls)) < len(rule.controls)]


def test_what_a_policy_rule_is_about_is_what_its_control_asks_for() -> None:
    of = {name: set(rule.controls) for name, rule in catalogue.rules().items()}
    # 800-190 4.1.3 is malware, 4.2.1 the encryption on the way to a registry, 4.4.3 how a container is started
    assert [name for name, controls in of.items() if "NIST-800-190 4.1.3" in controls] == [
        "malicious-package"
    ]
    assert not [
        name for name, controls in of.items() if controls & {"NIST-800-190 4.2.1", "NIST-800-190 4.4.3"}
    ]
    assert "CIS-Docker 4.4" in of["vulnerable"]


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
