"""Each rule finds something in its bad examples and nothing in its good ones, and its edits mend what it found."""

import pytest

from hullmark.detectors.config.check import Edit, Problem
from hullmark.detectors.config.dockerfile import lint
from hullmark.detectors.config.dockerfile.parser import parse
from hullmark.model.rule import Rule

RULES = lint.rules()
BAD = [pytest.param(rule, text, id=f"{rule.id}-{n}") for rule in RULES for n, text in enumerate(rule.bad)]
GOOD = [pytest.param(rule, text, id=f"{rule.id}-{n}") for rule in RULES for n, text in enumerate(rule.good)]
ALL = lint.ids("default", "pedantic")


def found(text: str, rule: Rule) -> list[Problem]:
    return [
        problem for problem in lint.problems(parse(text, "Dockerfile"), {rule.id}) if problem.rule is rule
    ]


def edited(text: str, edits: list[Edit]) -> str:
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for span, new in sorted(edits, reverse=True):
        begin = starts[span.line - 1] + span.column - 1
        end = starts[span.end_line - 1] + span.end_column - 1
        text = text[:begin] + new + text[end:]
    return text


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_bad(rule: Rule, text: str) -> None:
    problems = found(text, rule)
    assert problems
    lines = text.split("\n")
    for problem in problems:
        span = problem.span
        assert 1 <= span.line <= span.end_line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert problem.message
        assert not problem.message.endswith(".")


@pytest.mark.parametrize(("rule", "text"), GOOD)
def test_good(rule: Rule, text: str) -> None:
    assert found(text, rule) == []


@pytest.mark.parametrize("text", [text for rule in RULES for text in rule.good])
def test_good_examples_are_dockerfiles(text: str) -> None:
    assert parse(text, "Dockerfile").broken == ()


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_edits_mend_the_problem_and_make_no_other(rule: Rule, text: str) -> None:
    before = lint.problems(parse(text, "Dockerfile"), ALL)
    for problem in found(text, rule):
        if problem.edits:
            after = parse(edited(text, list(problem.edits)), "Dockerfile")
            left = lint.problems(after, ALL)
            assert after.broken == ()
            assert len([p for p in left if p.rule is rule]) == len([p for p in before if p.rule is rule]) - 1
            assert {p.rule.id for p in left} <= {p.rule.id for p in before}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rules_are_whole(rule: Rule) -> None:
    assert rule.kind == "dockerfile"
    # an example of what is too large would be too large for a rule
    assert rule.bad or rule.id == "too-large"
    assert rule.good
    assert not rule.summary.endswith(".")
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")


def test_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_the_packs_are_found() -> None:
    assert {check.rule.id for check in lint.checks()} >= {
        "root-user",
        "remote-access-port",
        "apt-unauthenticated",
    }
