"""Every rule of the packs: what it says, and where it is silent. The same by a real OPA, where there is one."""

import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hullmark.model.errors import UsageError
from hullmark.policy.catalogue import LEVELS, about, files, names, rules, settings
from hullmark.policy.deciding import Policies
from hullmark.policy.document import context_of, document
from policy.opa import OPA, needs_opa
from policy.samples import fault, finding, package, policy, report, secret

Case = tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], int]
FIXED = {"fixed_version": "1.3"}
KEV = {"id": "CVE-2026-0001", "added": "2026-06-14"}
OWNED = {
    "source": ".hullmark-ignore.yaml",
    "state": "used",
    "author": "a",
    "reason": "b",
    "expires": "2027-01-01",
}


def hidden(by: int = 0) -> dict[str, Any]:
    return {"suppressed": [{"reason": "ignored", "finding": finding(), "by": by}]}


# rule, its settings, what the report has, the context, how many reasons there are
CASES: list[Case] = [
    ("malicious-package", {}, {"findings": [finding(kind="malicious")]}, {}, 1),
    ("malicious-package", {}, {"findings": [finding()]}, {}, 0),
    ("known-exploited", {}, {"findings": [finding(kev=KEV)]}, {}, 1),
    ("known-exploited", {}, {"findings": [finding()]}, {}, 0),
    ("known-exploited", {"fixable_only": True}, {"findings": [finding(kev=KEV)]}, {}, 0),
    ("known-exploited", {"fixable_only": True}, {"findings": [finding(kev=KEV, **FIXED)]}, {}, 1),
    ("known-exploited", {"grace_days": 1}, {"findings": [finding(kev=KEV)]}, {}, 1),
    ("known-exploited", {"grace_days": 2}, {"findings": [finding(kev=KEV)]}, {}, 0),
    ("vulnerable", {"severity": "high"}, {"findings": [finding(severity="critical"), finding(severity="high")]}, {}, 2),
    ("vulnerable", {"severity": "high"}, {"findings": [finding(severity="medium")]}, {}, 0),
    ("vulnerable", {"severity": "high", "unknown": False}, {"findings": [finding(severity="unknown")]}, {}, 0),
    ("vulnerable", {"severity": "high", "unknown": True}, {"findings": [finding(severity="unknown")]}, {}, 1),
    ("vulnerable", {"severity": "low", "fixable_only": True}, {"findings": [finding()]}, {}, 0),
    ("vulnerable", {"severity": "low", "fixable_only": True}, {"findings": [finding(**FIXED)]}, {}, 1),
    ("vulnerable", {"severity": "low", "fixable_only": True}, {"findings": [finding(**FIXED, fix_is_malicious=True)]}, {}, 0),
    ("vulnerable", {"severity": "low", "own_layers_only": True}, {"findings": [finding(from_base=True)]}, {}, 0),
    ("vulnerable", {"severity": "low", "own_layers_only": True}, {"findings": [finding(from_base=None)]}, {}, 1),
    ("vulnerable", {"severity": "low"}, {"findings": [finding(kind="end_of_life")]}, {}, 0),
    ("fix-available", {"grace_days": {"low": 7}}, {"findings": [finding(**FIXED, published="2026-06-08")]}, {}, 1),
    ("fix-available", {"grace_days": {"low": 7}}, {"findings": [finding(**FIXED, published="2026-06-09")]}, {}, 0),
    ("fix-available", {"grace_days": {"low": 7}}, {"findings": [finding(published="2020-01-01")]}, {}, 0),
    ("fix-available", {"grace_days": {"high": 7}}, {"findings": [finding(**FIXED, published="2020-01-01")]}, {}, 0),
    ("fix-available", {"grace_days": {"low": 7}}, {"findings": [finding(**FIXED, published="")]}, {}, 1),
    ("fix-available", {"grace_days": {"low": 7}}, {"findings": [finding(**FIXED, published="soon")]}, {}, 1),
    (
        "fix-available",
        {"grace_days": {"low": 7}},
        {"findings": [finding(**FIXED, published="2020-01-01", bundles=[{"id": "DSA-1", "published": "2026-06-14"}])]},
        {},
        0,
    ),
    ("old-vulnerability", {"severity": "low", "days": 30}, {"findings": [finding(published="2026-05-15T00:00:00Z")]}, {}, 1),
    ("old-vulnerability", {"severity": "low", "days": 30}, {"findings": [finding(published="2026-05-16T00:00:00Z")]}, {}, 0),
    ("old-vulnerability", {"severity": "high", "days": 30}, {"findings": [finding(published="2026-01-16")]}, {}, 0),
    ("cvss", {"score": 7}, {"findings": [finding(scores=[{"source": "nvd", "kind": "cvss3", "value": 7.0}])]}, {}, 1),
    ("cvss", {"score": 7}, {"findings": [finding(scores=[{"source": "nvd", "value": 6.9}, {"source": "b"}])]}, {}, 0),
    ("cvss", {"score": 0}, {"findings": [finding()]}, {}, 0),
    ("epss", {"probability": 0.5}, {"findings": [finding(epss={"id": "C", "probability": 0.5, "percentile": 0.9})]}, {}, 1),
    ("epss", {"probability": 0.5}, {"findings": [finding(epss={"id": "C", "probability": 0.49, "percentile": 0.9})]}, {}, 0),
    ("end-of-life", {}, {"findings": [finding(kind="end_of_life")]}, {}, 1),
    ("end-of-life", {}, {"findings": [finding()]}, {}, 0),
    ("secret", {}, {"secrets": [secret(), secret(confidence="medium"), secret(severity="unknown")]}, {}, 1),
    ("secret", {"confidence": "low"}, {"secrets": [secret(), secret(confidence="low", line=0)]}, {}, 2),
    ("secret", {"severity": "critical"}, {"secrets": [secret(severity="high")]}, {}, 0),
    ("root-user", {}, {"config": [fault("image-no-user")]}, {}, 1),
    ("root-user", {}, {"config": [fault("image-root-user"), fault("image-shell")]}, {}, 1),
    ("port", {}, {"config": [fault("image-port-ssh"), fault("image-shell")]}, {}, 1),
    ("setuid", {}, {"config": [fault("image-setuid-file", from_base=True)]}, {}, 1),
    ("setuid", {"own_layers_only": True}, {"config": [fault("image-setuid-file", from_base=True)]}, {}, 0),
    ("misconfiguration", {"severity": "medium"}, {"config": [fault("image-shell"), fault("image-no-user")]}, {}, 1),
    ("misconfiguration", {"severity": "high"}, {"config": [fault("image-shell")]}, {}, 0),
    ("misconfiguration", {"severity": "high", "rules": ["image-shell"]}, {"config": [fault("image-shell")]}, {}, 1),
    ("misconfiguration", {"severity": "low", "except": ["image-shell"]}, {"config": [fault("image-shell")]}, {}, 0),
    ("licence", {"blocked": ["agpl-*"]}, {"packages": [package(licences=["AGPL-3.0-only"])]}, {}, 1),
    ("licence", {"blocked": ["AGPL-*"]}, {"packages": [package(licences=["(AGPL-3.0-only OR MIT)"])]}, {}, 0),
    ("licence", {"blocked": ["AGPL-*", "MIT"]}, {"packages": [package(licences=["AGPL-3.0-only OR MIT"])]}, {}, 1),
    ("licence", {"blocked": ["AGPL-*"]}, {"packages": [package(licences=["BSD-3-Clause AND AGPL-3.0-only"])]}, {}, 1),
    ("licence", {"allowed": ["MIT"]}, {"packages": [package(licences=["MIT"]), package(licences=["ISC"])]}, {}, 1),
    ("licence", {}, {"packages": [package(licences=["AGPL-3.0-only"])]}, {}, 0),
    ("blocked-package", {"packages": ["zlib*"]}, {"packages": [package()]}, {}, 1),
    ("blocked-package", {"packages": ["pkg:deb/debian/zlib1g"]}, {"packages": [package()]}, {}, 1),
    ("blocked-package", {"packages": ["pkg:deb/debian/zlib1g@1.3", "lib*"]}, {"packages": [package()]}, {}, 0),
    ("base-image", {"allowed": ["debian:*"]}, {}, {}, 1),
    ("base-image", {}, {}, {}, 0),
    ("registry", {"allowed": ["registry.example"]}, {}, {}, 0),
    ("registry", {"allowed": ["registry.example/shop/*"]}, {}, {}, 0),
    ("registry", {"allowed": ["registry.example/other/*", "*.example.org"]}, {}, {}, 1),
    ("unpinned", {}, {}, {}, 1),
    ("unpinned", {}, {}, {"reference": f"registry.example/shop/app:1.0@sha256:{'b' * 64}"}, 0),
    ("unpinned", {}, {"image": None}, {}, 0),
    ("image-age", {"days": 14}, {}, {}, 0),
    ("image-age", {"days": 13}, {}, {}, 1),
    ("unscanned", {}, {}, {}, 0),
    ("unscanned", {}, {"coverage": {"scanners": ["vuln"]}}, {}, 2),
    ("incomplete-scan", {}, {}, {}, 0),
    ("incomplete-scan", {}, {"errors": [{"kind": "layer", "reason": "damaged", "layer": "1"}]}, {}, 1),
    ("incomplete-scan", {}, {"errors": [{"kind": "record", "reason": "damaged", "path": "a"}]}, {}, 0),
    ("incomplete-scan", {}, {"coverage": {"not_checked": 3}}, {}, 1),
    ("incomplete-scan", {"unchecked": False}, {"coverage": {"not_checked": 3}}, {}, 0),
    (
        "incomplete-scan",
        {"database_hours": 24},
        {"database": {"parts": [{"part": "a", "feed": "a", "revision": "1", "age_hours": 25}]}},
        {},
        1,
    ),
    ("signature", {}, {}, {}, 1),
    ("signature", {}, {}, {"attestations": [{"verified": False, "identity": "a"}]}, 1),
    ("signature", {}, {}, {"attestations": [{"verified": True, "identity": "a"}]}, 0),
    ("signature", {"identities": ["b*"]}, {}, {"attestations": [{"verified": True, "identity": "a"}]}, 1),
    ("signature", {"types": ["t", "u"]}, {}, {"attestations": [{"verified": True, "predicate_type": "t"}]}, 1),
    ("unjustified-ignore", {}, hidden() | {"suppressions": [OWNED]}, {}, 0),
    ("unjustified-ignore", {}, hidden() | {"suppressions": [OWNED | {"author": ""}]}, {}, 1),
    ("unjustified-ignore", {}, hidden() | {"suppressions": [OWNED | {"status": "not_affected", "author": ""}]}, {}, 0),
    ("unjustified-ignore", {}, hidden(-1) | {"suppressions": [OWNED | {"author": ""}]}, {}, 0),
    (
        "unjustified-ignore",
        {},
        {"silenced": [{"reason": "i", "rule": "r", "path": "p", "by": 0}], "suppressions": [OWNED | {"expires": ""}]},
        {},
        1,
    ),
]  # fmt: skip


def only(folder: Path, rule: str, own: dict[str, Any], **more: Any) -> Path:
    """Write settings that leave of the pack strict this rule alone, and a policy so that the folder is one."""
    given = {name: {"level": "off"} for name in rules()} | {
        rule: {"level": "deny", **rules()[rule].defaults, **own}
    }
    return policy(folder, "", hullmark={"settings": {"strict": given}, **more})


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[4]}")
def test_rules_say_what_they_should(case: Case, tmp_path: Path) -> None:
    rule, own, changes, context, number = case
    decision = Policies(["strict", str(only(tmp_path, rule, own))]).decide(report(**changes), context)
    assert decision.error == ""
    assert {reason.rule for reason in decision.reasons} == ({rule} if number else set())
    assert len(decision.reasons) == number
    assert decision.verdict == ("deny" if number else "allow")
    for reason in decision.reasons:
        assert reason.message
        assert reason.fix
        assert reason.controls
        assert reason.policy == "hullmark.strict"


def test_every_rule_has_a_case_that_fires_and_one_that_does_not() -> None:
    fires = {case[0] for case in CASES if case[4]}
    silent = {case[0] for case in CASES if not case[4]}
    by_exceptions = {"exception"}
    assert fires == set(rules()) - by_exceptions
    assert silent >= set(rules()) - by_exceptions - {"root-user", "port"}


@needs_opa
@pytest.mark.parametrize("name", names())
def test_opa_decides_the_same(name: str, tmp_path: Path) -> None:
    changes: dict[str, Any] = {}
    for _, _, more, _, _ in CASES:
        for key, value in more.items():
            if key in {"findings", "secrets", "config", "packages", "errors"}:
                changes.setdefault(key, []).extend(value)
    made = report(**changes)
    given = tmp_path / "input.json"
    given.write_bytes(document(made, context_of(made, {})))
    done = subprocess.run(
        [
            OPA,
            "eval",
            "--data",
            str(files()),
            "--input",
            str(given),
            "--format",
            "raw",
            f"data.hullmark.{name}",
        ],
        capture_output=True,
        check=True,
    )
    theirs = json.loads(done.stdout)
    ours = Policies([name])
    said = json.loads(ours._engine.evaluate(f"data.hullmark.{name}", given.read_bytes()))
    for rule in ("deny", "warn", "excepted"):
        assert said[rule] == theirs[rule]
    assert len(ours.decide(made).reasons) == len(theirs["deny"]) + len(theirs["warn"]) >= 5


@needs_opa
def test_opa_finds_nothing_wrong_with_the_packs() -> None:
    subprocess.run([OPA, "check", "--strict", str(files())], check=True, capture_output=True)
    done = subprocess.run([OPA, "fmt", "--list", str(files())], check=True, capture_output=True)
    assert done.stdout == b""


def test_packs_get_stricter() -> None:
    for milder, harder in zip(names(), names()[1:], strict=False):
        for rule in rules():
            first, second = settings(milder)[rule]["level"], settings(harder)[rule]["level"]
            assert LEVELS.index(first) <= LEVELS.index(second), rule
        assert about(milder)


def test_rules_are_told_whole() -> None:
    for rule in rules().values():
        assert rule.settings.keys() == rule.defaults.keys()
        assert rule.why.endswith(".")
        assert rule.fix.endswith((".", ":"))
        assert any(control.startswith("NIST-800-53 ") for control in rule.controls)


def test_an_exception_covers_until_it_ends(tmp_path: Path) -> None:
    changes = {"findings": [finding(severity="critical"), finding(severity="critical", id="CVE-2026-0002")]}
    one = {"finding": "CVE-2026-0001", "owner": "shop", "reason": "behind a proxy", "expires": "2026-06-15"}

    def decided(**exception: str) -> Any:
        folder = only(tmp_path, "vulnerable", {"severity": "critical"}, exceptions=[one | exception])
        return Policies(["strict", str(folder)]).decide(report(**changes))

    covered = decided()
    assert [reason.finding for reason in covered.reasons] == ["CVE-2026-0002"]
    assert [(reason.finding, reason.owner, reason.reason, reason.expires) for reason in covered.excepted] == [
        ("CVE-2026-0001", "shop", "behind a proxy", "2026-06-15")
    ]
    assert len(decided(expires="2026-06-14").reasons) == 2
    assert len(decided(owner=" ").reasons) == 2
    assert len(decided(expires="soon").reasons) == 2
    assert len(decided(rule="secret").reasons) == 2
    assert len(decided(rule="vuln*", package="pkg:deb/*").reasons) == 1
    assert len(decided(image="registry.example/shop/*").reasons) == 1
    assert len(decided(image="registry.example/other/*").reasons) == 2
    assert len(decided(finding="CVE-*").reasons) == 0


@pytest.mark.parametrize(
    ("exception", "message"),
    [
        (
            {"finding": "CVE-1", "owner": "a", "reason": "b", "expires": "2026-06-14"},
            "the exception for CVE-1 of a ended on 2026-06-14",
        ),
        (
            {"finding": "CVE-1"},
            "the exception for CVE-1 counts for nothing: it needs owner, reason and expires (YYYY-MM-DD)",
        ),
        (
            {"owner": "a", "reason": "b", "expires": "2027-01-01"},
            "the exception for  counts for nothing: it needs owner, reason and expires (YYYY-MM-DD)",
        ),
    ],
)
def test_an_exception_that_counts_no_more_is_told(
    exception: dict[str, str], message: str, tmp_path: Path
) -> None:
    folder = only(tmp_path, "exception", {}, exceptions=[exception])
    (reason,) = Policies(["strict", str(folder)]).decide(report()).reasons
    assert reason.message == message


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"settings": {"prodution": {}}}, "has no pack 'prodution'"),
        ({"settings": {"every": {"vulnerabel": {}}}}, "has no rule 'vulnerabel'"),
        ({"settings": {"strict": {"cvss": {"scor": 1}}}}, "has no setting 'scor'"),
        ({"settings": {"strict": {"cvss": {"score": "9"}}}}, "is no number"),
        ({"settings": {"strict": {"cvss": {"score": True}}}}, "is no number"),
        ({"settings": {"strict": {"cvss": {"level": "block"}}}}, "is one of off, warn, deny"),
        ({"settings": {"strict": {"vulnerable": {"severity": "severe"}}}}, "is one of critical"),
        ({"settings": {"strict": {"fix-available": {"grace_days": {"hgih": 1}}}}}, "is no object of numbers"),
        ({"settings": {"strict": {"licence": {"blocked": "MIT"}}}}, "is no list of texts"),
        ({"settings": []}, "is no object"),
        ({"exceptions": {}}, "is no list"),
        ({"exceptions": [{"cve": "CVE-1"}]}, "has an unknown 'cve'"),
        ({"exceptions": ["CVE-1"]}, "is no object of texts"),
        ({"setings": {}}, "is not known"),
        ([], "is no object"),
    ],
)
def test_settings_that_mean_nothing_are_refused(own: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Policies(["strict", str(policy(tmp_path, "", hullmark=own))])
    assert caught.value.where.endswith("data.json")


def test_a_setting_for_every_pack_is_over_the_packs_own_and_under_that_for_one(tmp_path: Path) -> None:
    own = {"every": {"root-user": {"level": "warn"}}, "production": {"port": {"level": "off"}}}
    folder = policy(tmp_path, "", hullmark={"settings": own})
    made = report(config=[fault("image-no-user"), fault("image-port-ssh")])
    decision = Policies(["production", "strict", str(folder)]).decide(made)
    told = {
        (reason.policy, reason.rule): reason.level
        for reason in decision.reasons
        if reason.rule in {"root-user", "port"}
    }
    assert told == {
        ("hullmark.production", "root-user"): "warn",
        ("hullmark.strict", "root-user"): "warn",
        ("hullmark.strict", "port"): "deny",
    }


def test_packs_are_data_and_modules_alone() -> None:
    found = sorted(path.name for path in files().iterdir() if not path.name.startswith("__"))
    assert found == [
        "baseline.rego",
        "data.json",
        "development.rego",
        "lib.rego",
        "production.rego",
        "strict.rego",
    ]
    assert msgspec.json.decode((files() / "data.json").read_bytes()).keys() == {"hullmark"}
