"""Levels of references, what is broken in them, and the rules' own examples."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.advice.pinning import MOVED, RULES, Level, broken, judged, level_of, understood
from hullmark.detectors.config.references import ImageReference, TextFile, kind_of, read
from hullmark.images.reference import parse
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def found(rule: Rule, example: str) -> set[str]:
    """Give the ids of the rules that find something in a Dockerfile where the strictest level is required and every tag is at TWO."""
    kind = kind_of("/Dockerfile", example)
    assert kind is not None
    references = [
        each for each in read(TextFile("Dockerfile", example), kind) if isinstance(each, ImageReference)
    ]
    now = TWO if rule is MOVED else ""
    # What the rule is about is what is asked for: a version is loose where a date is, a date where a digest is.
    required = Level.DIGEST if rule.id == "image-not-by-digest" else Level.DATED
    return {said.rule.id for each in references for said in judged(each.text, required, now)}


@pytest.mark.parametrize(("rule", "example"), [(rule, example) for rule in RULES for example in rule.bad])
def test_a_rule_finds_its_bad_examples(rule: Rule, example: str) -> None:
    assert found(rule, example) == {rule.id}


@pytest.mark.parametrize(("rule", "example"), [(rule, example) for rule in RULES for example in rule.good])
def test_a_rule_finds_nothing_in_its_good_examples(rule: Rule, example: str) -> None:
    assert rule.id not in found(rule, example)


def test_rules_are_whole() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.kind == "pin"
        assert rule.bad
        assert rule.good
        assert not rule.summary.endswith(".")
        assert rule.why.endswith(".")
        assert rule.fix.endswith(".")


@pytest.mark.parametrize(
    ("level", "texts"),
    [
        (
            Level.MUTABLE,
            (
                "ubuntu ubuntu:latest ubuntu:focal app:staging node:20 node:20.11.1 node:20.11.1-alpine3.19 x:2024 x:2024-01 "
                "x:20231399 x:20240231 x:1234567 x:deadbee x:facade2x mssql:2022-CU12-ubuntu-22.04 r.example:5000/a "
                "cypress/browsers:node-20.9.0-chrome-118.0.5993.88-1 x:v120240101x120240101999"
            ),
        ),
        (
            Level.DATED,
            (
                "ubuntu:focal-20200423 node:20.11.1-bookworm-20240213 x:2024.01.15 x:2024-01-15 x:2024_01_15 x:202401151230 "
                "x:20240115123059 x:2024-01-15T12-30-59Z minio:RELEASE.2024-01-11T07-46-16Z ubi9:9.3-1361.1699548032 "
                "x:sha-1f3c5ab x:1.2.3-g1a2b3c4 x:git-0a1b2c3d x:v1.2.3-0.20240101120000-abcdef123456 "
                f"x:{'1a' * 20} x:{'a1' * 32}"
            ),
        ),
        (Level.DIGEST, f"a@{ONE} a:1@{ONE} r.example:5000/a/b:latest@{ONE} a@sha512:{'0' * 128}"),
    ],
)
def test_levels(level: Level, texts: str) -> None:
    assert [text for text in texts.split() if level_of(parse(text)) is not level] == []


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (f"a:@{ONE}", f"a@{ONE}"),
        (f"r.example:5000/a:@{ONE}", f"r.example:5000/a@{ONE}"),
        ("a:@sha256:12", "a@sha256:…"),
        ("1" * 64, "name:tag@sha256:…"),
        ("A" * 64, "name:tag@sha256:…"),
        (ONE, "name:tag@sha256:…"),
        (f"a@{'1' * 64}", f"a@{ONE}"),
        (f"a:1@{'A' * 64}", f"a:1@sha256:{'a' * 64}"),
        (f"a@SHA256:{'A' * 64}", f"a@sha256:{'a' * 64}"),
        (f"a:{ONE}", f"a@{ONE}"),
        ("a@sha256:12", "a@sha256:… with 64 digits"),
        ("a@latest", "a@sha256:… with 64 digits"),
        ("Ubuntu:Focal", "ubuntu:Focal"),
        ("R.example:5000/Team/App:V1", "r.example:5000/team/app:V1"),
        ("a b", "HOST/NAME:TAG@sha256:…"),
        ("", "HOST/NAME:TAG@sha256:…"),
    ],
)
def test_what_is_broken_is_said_with_the_right_form(text: str, right: str) -> None:
    problem = broken(text)
    assert problem is not None
    assert problem[1].startswith(right)
    assert understood(text) is None
    (said,) = judged(text, Level.MUTABLE)
    assert (said.rule.id, said.severity) == ("image-reference-broken", Severity.HIGH)


def test_what_is_required_decides() -> None:
    def rules(text: str, required: Level) -> list[str]:
        return [said.rule.id for said in judged(text, required)]

    assert rules("a:20240101", Level.DATED) == []
    assert rules("a:20240101", Level.DIGEST) == ["image-not-by-digest"]
    assert rules("a:1.2", Level.DIGEST) == ["undated-image"]
    assert rules("a:1.2", Level.MUTABLE) == []
    assert rules("a", Level.DATED) == ["unpinned-image"]


def test_a_tag_that_moved() -> None:
    (said,) = judged(f"a:1@{ONE}", Level.DIGEST, TWO)
    assert (said.rule, said.severity) == (MOVED, Severity.LOW)
    (said,) = judged("a:20240101", Level.DATED, TWO, ONE)
    assert (said.rule, said.severity) == (MOVED, Severity.MEDIUM)
    assert list(judged("a:20240101", Level.DATED, ONE, ONE)) == []
    assert list(judged(f"a@{ONE}", Level.DIGEST, TWO)) == []


def test_advice_is_never_to_run_what_cannot_help() -> None:
    (said,) = judged("a:1", Level.DATED, file="x/Dockerfile")
    assert said.advice == "hullmark pin x/Dockerfile writes a:1@sha256:…"
    (said,) = judged("a:1", Level.DATED, file="x", fixed="ARG V is used inside a stage too")
    assert said.advice == "Write a:1@sha256:… yourself: ARG V is used inside a stage too"


@given(
    st.text(max_size=200)
    | st.from_regex(re.compile(r"[a-z]{0,3}[:/@]{0,2}[a-z0-9.:@-]{0,20}"), fullmatch=True)
)
def test_any_text_is_either_broken_or_has_a_level(text: str) -> None:
    named = understood(text)
    assert (named is None) == (broken(text) is not None)
    assert all(said.message and said.advice for said in judged(text, Level.DIGEST, TWO, ONE))
