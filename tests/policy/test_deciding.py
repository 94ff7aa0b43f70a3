"""What policies say is put together: reasons of every form, in order, without anything that a terminal would obey."""

from pathlib import Path

import msgspec
import pytest

from hullmark.model.errors import UsageError
from hullmark.policy.deciding import Policies
from policy.samples import finding, policy, report

FORMS = [
    ('deny contains "no"', "deny", [("deny", "deny", "no")]),
    ("deny := true", "deny", [("deny", "deny", "the policy refuses the image")]),
    ("deny := false", "allow", []),
    ("default deny := false\ndeny if count(input.findings) > 0", "deny", [("deny", "deny", "the policy refuses the image")]),
    ("warn if true\ndeny if false", "warn", [("warn", "warn", "the policy warns of the image")]),
    ('warn contains "hm"', "warn", [("warn", "warn", "hm")]),
    ("allow := true", "allow", []),
    ("allow := false", "deny", [("deny", "allow", "the policy does not allow the image")]),
    ('allow if input.image.name == "x"', "deny", [("deny", "allow", "the policy does not allow the image")]),
    ('allow := "yes"', "deny", [("deny", "allow", "the policy does not allow the image")]),
    ('allow := true\ndeny contains "no"', "deny", [("deny", "deny", "no")]),
    ('violation contains {"msg": "no"}', "deny", [("deny", "violation", "no")]),
    ('deny contains {"message": "no", "rule": "mine", "details": [1], "fix": 3}', "deny", [("deny", "mine", "no")]),
    ('deny := ["b", "a"]', "deny", [("deny", "deny", "a"), ("deny", "deny", "b")]),
    ("deny := []", "allow", []),
    ('deny contains "a\\u001b[31mb\\nc\\u202e\\u0000"', "deny", [("deny", "deny", "a\\x1b[31mb\\x0ac\\u202e\\x00")]),
    ('deny contains "no" if false', "allow", []),
    ("deny contains f.id if some f in input.findings", "deny", [("deny", "deny", "CVE-2026-0001")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "verdict", "reasons"), FORMS, ids=lambda value: str(value)[:40])
def test_forms(text: str, verdict: str, reasons: list[tuple[str, str, str]], tmp_path: Path) -> None:
    decision = Policies([str(policy(tmp_path, text))]).decide(report(findings=[finding()]))
    assert decision.error == ""
    assert decision.verdict == verdict
    assert [(each.level, each.rule, each.message) for each in decision.reasons] == reasons
    assert {each.policy for each in decision.reasons} <= {"mine"}


def test_all_fields_of_a_reason_are_taken(tmp_path: Path) -> None:
    text = (
        'deny contains {"message": "m", "rule": "r", "finding": "f", "package": "p", "fix": "x", "severity": "high", '
        '"controls": ["a", 3, "b"]}\nexcepted contains {"message": "m", "level": "warn", "owner": "o", "reason": "w", "expires": "e"}'
    )
    decision = Policies([str(policy(tmp_path, text))]).decide(report())
    (reason,) = decision.reasons
    assert (reason.rule, reason.finding, reason.package, reason.fix, reason.severity, reason.controls) == (
        "r", "f", "p", "x", "high", ("a", "b"),
    )  # fmt: skip
    (excepted,) = decision.excepted
    assert (excepted.level, excepted.owner, excepted.reason, excepted.expires) == ("warn", "o", "w", "e")


def test_the_worst_stands_first_and_long_texts_are_cut(tmp_path: Path) -> None:
    text = """
deny contains {"message": concat("", [substring("x", n * 0, 1) | some n in numbers.range(1, 3000)])}
warn contains {"message": "d", "severity": "critical"}
deny contains {"message": "c", "severity": "low"}
deny contains {"message": "b", "severity": "high"}
deny contains {"message": "a", "severity": "high"}
"""
    reasons = Policies([str(policy(tmp_path, text))]).decide(report()).reasons
    assert [each.message[:1] for each in reasons] == ["a", "b", "c", "x", "d"]
    assert len(reasons[3].message) == 2_000


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = policy(
        tmp_path,
        'deny contains f.id if some f in input.findings\nwarn contains k if some k, _ in {"b": 1, "a": 2}',
    )
    made = report(findings=[finding(id=f"CVE-2026-{n:04}") for n in range(50)])
    words = ["strict", str(folder)]
    first, second = Policies(words), Policies(words)
    assert len({msgspec.json.encode(each.decide(made)) for each in (first, second, first)}) == 1


def test_hyphens_and_depth_in_names_of_packages(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_text('package shop["front-end"].web\n\ndeny contains "no"\n')
    decision = Policies([str(tmp_path)]).decide(report())
    assert [(each.policy, each.message) for each in decision.reasons] == [("shop.front-end.web", "no")]


def test_what_never_refuses_is_no_policy(tmp_path: Path) -> None:
    for text in ("", "denied contains 1", "excepted contains 1"):
        with pytest.raises(UsageError, match="nothing would ever be refused"):
            Policies([str(policy(tmp_path, text))])


def test_development_alone_lets_pass_what_cannot_be_evaluated(tmp_path: Path) -> None:
    folder = str(policy(tmp_path, 'deny contains "a"'))
    assert Policies(["development"]).on_error == "warn"
    for words in (["baseline"], ["development", "strict"], ["development", folder], [folder]):
        assert Policies(words).on_error == "deny"
    assert Policies([folder], on_error="warn").on_error == "warn"


def test_a_context_of_another_form_is_refused() -> None:
    policies = Policies(["baseline"], context={"namespace": 3})
    with pytest.raises(UsageError, match="the context has another form"):
        policies.decide(report())


def test_any_number_of_packages_is_asked(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number}.rego").write_text(
            f'package a.long.name.of.a.team.p{number}\n\ndeny contains "no"\n'
        )
    decision = Policies(["development", "baseline", "production", "strict", str(tmp_path)]).decide(report())
    assert decision.error == ""
    assert sum(each.message == "no" for each in decision.reasons) == 60
