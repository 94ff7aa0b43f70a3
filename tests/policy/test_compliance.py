"""What a report says of controls: failed, passed, and never passed over what nobody looked at."""

from pathlib import Path
from typing import Any

import pytest

from hullmark.model.compliance import Compliance, Control
from hullmark.model.errors import UsageError
from hullmark.model.report import Report
from hullmark.policy.compliance import MOST_PROOFS, compliance
from hullmark.policy.controls import FRAMEWORKS
from hullmark.policy.deciding import Policies
from hullmark.scan.rules import all_rules
from policy.samples import fault, finding, policy, report, secret

DEFAULT = [rule for rule in all_rules() if rule.kind in {"image", "secret"} and rule.pack == "default"]
PARTS = {"parts": [{"part": name, "feed": name, "revision": "1", "age_hours": 1} for name in ("kev", "epss")]}


def whole(**changes: Any) -> Report:
    """Give a report in which all was looked at."""
    return report(**{"database": PARTS} | changes)


def asked(given: Report, *words: str) -> Compliance:
    return compliance(given, Policies(words or ["strict"]), DEFAULT, tuple(FRAMEWORKS))


def control(found: Compliance, name: str) -> Control:
    (one,) = [each for framework in found.frameworks for each in framework.controls if each.id == name]
    return one


def test_what_was_looked_at_without_a_finding_is_passed_and_names_who_looked() -> None:
    found = asked(whole())
    for name in ("PCI-DSS 6.3.3", "NIST-800-53 RA-5", "NIST-800-190 4.1.1", "CIS-Docker 4.4"):
        one = control(found, name)
        assert (one.status, one.why, one.failures) == ("passed", (), 0)
        assert "vulnerable" in one.looked
        assert not {"unscanned", "incomplete-scan"} & set(one.looked)
    user = control(found, "CIS-Docker 4.1")
    assert user.looked == ("image-no-user", "image-root-user", "root-user")
    assert control(found, "PCI-DSS 8.6.2").secret_rules > 500


def test_a_flaw_fails_its_controls_once_with_all_rules_that_say_so() -> None:
    flaw = finding(
        severity="critical",
        fixed_version="1.3",
        published="2020-01-01",
        scores=[{"source": "nvd", "value": 9.8}],
    )
    found = asked(whole(findings=[flaw]))
    one = control(found, "PCI-DSS 6.3.3")
    (proof,) = one.proofs
    assert (one.status, one.failures) == ("failed", 1)
    assert proof.rules == ("cvss", "old-vulnerability", "vulnerable")
    assert (proof.finding, proof.package) == (flaw["id"], flaw["purl"])
    assert proof.fix == "upgrade zlib1g to 1.3"
    assert control(found, "CIS-Docker 4.1").status == "passed"


def test_many_are_counted_and_the_worst_are_named() -> None:
    flaws = [finding(id=f"CVE-2026-{number:04}", severity="high") for number in range(100)]
    one = control(
        asked(whole(findings=[*flaws, finding(id="CVE-2026-9999", severity="critical")])), "NIST-800-53 SI-2"
    )
    assert one.failures == 101
    assert len(one.proofs) == MOST_PROOFS
    assert one.proofs[0].finding == "CVE-2026-9999"


def test_misconfigurations_count_by_their_own_controls_whatever_a_policy_leaves_out() -> None:
    added = fault("image-remote-add", severity="low", file="history.3", controls=["CIS-Docker 4.9"])
    one = control(asked(whole(config=[added]), "baseline"), "CIS-Docker 4.9")
    assert one.status == "failed"
    assert [(proof.finding, proof.place) for proof in one.proofs] == [("image-remote-add", "history.3")]


def test_a_policys_reason_and_the_issue_it_is_for_are_one() -> None:
    user = fault("image-no-user", controls=["CIS-Docker 4.1"], file="config.User")
    one = control(asked(whole(config=[user])), "CIS-Docker 4.1")
    assert [(proof.rules, proof.place) for proof in one.proofs] == [
        (("image-no-user", "root-user"), "config.User")
    ]
    key = secret(controls=["PCI-DSS 8.6.2"])
    one = control(asked(whole(secrets=[key])), "PCI-DSS 8.6.2")
    assert [(proof.rules, proof.place) for proof in one.proofs] == [
        (("aws-secret-key", "secret"), "root/.aws/credentials:3")
    ]


def test_of_doubtful_secrets_the_policy_decides() -> None:
    doubtful = whole(secrets=[secret(confidence="medium", controls=["PCI-DSS 8.6.2"])])
    assert control(asked(doubtful), "PCI-DSS 8.6.2").status == "failed"
    assert control(asked(doubtful, "production"), "PCI-DSS 8.6.2").status == "passed"


@pytest.mark.parametrize(
    ("changes", "names", "why"),
    [
        ({"coverage": {"scanners": ["secret", "config"]}}, ["PCI-DSS 6.3.3", "NIST-800-53 SI-3"], "the scanner vuln did not run"),
        ({"coverage": {"scanners": ["vuln", "config"]}}, ["PCI-DSS 8.6.2"], "the scanner secret did not run"),
        ({"coverage": {"scanners": ["vuln", "secret"]}}, ["CIS-Docker 4.1", "CIS-Docker 4.6"], "the scanner config did not run"),
        ({"coverage": {"scanners": ["vuln"], "not_checked": 3}}, ["PCI-DSS 11.3.1"], "3 packages not compared with advisories"),
        ({"coverage": {"scanners": ["vuln"], "pkg_types": ["os"]}}, ["PCI-DSS 6.3.1"], "only packages of the type os were looked at"),
        ({"coverage": {"scanners": ["vuln"], "dev_unchecked": 1}}, ["PCI-DSS 5.2.2"], "1 development package not checked for malicious ones"),
        ({"coverage": {"scanners": ["vuln"], "release": "feed_missing"}}, ["NIST-800-53 SA-22"], "nobody knows when support for the release ends"),
        ({"coverage": {"scanners": ["config"], "skipped_files": 2}}, ["CIS-Docker 4.8"], "2 files passed over (--skip-path)"),
        ({"errors": [{"kind": "layer", "reason": "damaged", "layer": "1"}]}, ["CIS-Docker 4.8", "PCI-DSS 8.6.2"], "1 layer could not be read"),
        ({"errors": [{"kind": "package_database", "reason": "x", "path": "a"}]}, ["NIST-800-53 CM-10"], "1 package database could not be read"),
        ({"errors": [{"kind": "file", "reason": "x", "path": "a"}]}, ["PCI-DSS 8.6.2", "PCI-DSS 6.3.3"], "1 file could not be read"),
        ({"database": {"parts": PARTS["parts"][1:]}}, ["NIST-800-53 RA-5"], "not in the database: CISA's catalogue of what is exploited (kev)"),
        (
            {"database": {"parts": [*PARTS["parts"], {"part": "osv-npm", "feed": "osv", "revision": "1", "age_hours": 72}]}},
            ["NIST-800-190 4.1.1"],
            "the advisories of osv-npm are older than 48 hours",
        ),
        ({}, ["NIST-800-53 CM-11"], "registry has nothing to look for: allowed is not set"),
    ],
)  # fmt: skip
def test_what_nobody_looked_at_is_not_passed(changes: dict[str, Any], names: list[str], why: str) -> None:
    found = asked(whole(**changes))
    for name in names:
        one = control(found, name)
        if name == "CIS-Docker 4.6":  # only a rule of the pedantic set looks for it
            assert one.status == "not_checked"
            continue
        assert (one.status, why in one.why) == ("not_checked", True)


def test_what_could_not_be_read_of_files_leaves_the_configuration_alone() -> None:
    found = asked(whole(errors=[{"kind": "record", "reason": "x", "path": "a"}]))
    assert control(found, "CIS-Docker 4.1").status == "passed"


def test_a_failure_stays_one_where_something_was_not_looked_at() -> None:
    found = asked(
        whole(findings=[finding(severity="critical")], coverage={"scanners": ["vuln"], "not_checked": 3})
    )
    one = control(found, "PCI-DSS 6.3.3")
    assert (one.status, one.why) == ("failed", ("3 packages not compared with advisories",))


def test_a_control_whose_rules_are_off_is_not_checked(tmp_path: Path) -> None:
    one = control(asked(whole(), "baseline"), "NIST-800-53 CM-14")
    assert (one.status, one.why) == ("not_checked", ("signature is off in baseline",))
    both = control(asked(whole(), "baseline", "production"), "NIST-800-53 CM-14")
    assert both.why == ("signature is off in baseline, production",)
    own = policy(tmp_path, "", hullmark={"settings": {"every": {"licence": {"level": "off"}}}})
    one = control(asked(whole(), "strict", str(own)), "NIST-800-53 CM-10")
    assert (one.status, one.why) == ("not_checked", ("licence is off in strict",))


def test_the_set_of_rules_that_looked_is_told_by_the_caller() -> None:
    pedantic = [rule for rule in all_rules() if rule.kind in {"image", "secret"}]
    found = compliance(whole(), Policies(["strict"]), pedantic, ["cis-docker"])
    assert [framework.name for framework in found.frameworks] == ["cis-docker"]
    assert control(found, "CIS-Docker 4.6").looked == ("image-no-healthcheck",)
    assert control(asked(whole()), "CIS-Docker 4.6").status == "not_checked"


def test_exceptions_of_a_policy_are_shown_and_fail_nothing(tmp_path: Path) -> None:
    by = {"owner": "shop", "reason": "behind a proxy", "expires": "2026-12-31"}
    exceptions = [{"finding": "CVE-*"} | by, {"rule": "misconfiguration", "finding": "image-remote-add"} | by]
    own = str(policy(tmp_path, "", hullmark={"exceptions": exceptions}))
    added = fault("image-remote-add", severity="low", controls=["CIS-Docker 4.9"])
    found = asked(whole(findings=[finding(severity="critical")], config=[added]), "strict", own)
    for name in ("PCI-DSS 6.3.3", "CIS-Docker 4.9"):
        one = control(found, name)
        assert (one.status, one.failures, one.exceptions) == ("passed", 0, 1)
        (proof,) = one.excepted
        assert (proof.excepted_by, proof.owner, proof.reason, proof.expires) == ("policy", *by.values())


def test_what_an_ignore_file_took_out_is_shown_as_excepted() -> None:
    said = {
        "source": "ignore.yaml",
        "line": 4,
        "state": "used",
        "author": "shop",
        "reason": "no way in",
        "expires": "2026-12-31",
    }
    user = fault("image-no-user", controls=["CIS-Docker 4.1"], file="config.User")
    found = asked(
        whole(
            suppressed=[{"reason": "i", "finding": finding(severity="critical"), "by": 0}],
            silenced=[
                {"reason": "i", "rule": "image-no-user", "path": "config.User", "by": 0, "config": user}
            ],
            suppressions=[said],
        )
    )
    for name in ("PCI-DSS 6.3.3", "CIS-Docker 4.1"):
        one = control(found, name)
        assert (one.status, one.exceptions) == ("passed", 1)
        (proof,) = one.excepted
        assert (proof.excepted_by, proof.owner, proof.expires) == ("ignore.yaml:4", "shop", "2026-12-31")


def test_what_a_flag_only_hides_still_fails() -> None:
    hidden = {"reason": "--severity", "finding": finding(severity="critical"), "gated": True}
    assert control(asked(whole(suppressed=[hidden])), "PCI-DSS 6.3.3").status == "failed"


def test_a_policy_of_ones_own_may_name_controls_that_no_rule_of_ours_does(tmp_path: Path) -> None:
    text = 'deny contains {"rule": "r", "message": "m", "controls": ["PCI-DSS 1.2.6", "ACME 1"]} if true'
    found = asked(whole(), "strict", str(policy(tmp_path, text)))
    one = control(found, "PCI-DSS 1.2.6")
    assert (one.status, one.title, one.proofs[0].message) == ("failed", "", "m")
    assert not [each for framework in found.frameworks for each in framework.controls if each.id == "ACME 1"]


def test_a_policy_that_cannot_be_evaluated_passes_nothing_that_policies_speak_of(tmp_path: Path) -> None:
    text = "deny contains message if message := to_number(input.image.name)"
    found = asked(whole(), "strict", str(policy(tmp_path, text)))
    assert found.error
    assert control(found, "PCI-DSS 6.3.3").status == "not_checked"
    assert not [
        each
        for framework in found.frameworks
        for each in framework.controls
        if each.status == "passed" and "vulnerable" in each.looked
    ]


def test_a_report_of_files_is_refused() -> None:
    with pytest.raises(UsageError, match="of no image"):
        asked(whole(image=None))
