"""The rules of the packs, each by its own examples, and that no credential is missing that Gitleaks, Kingfisher or Trivy know."""

import collections
import importlib
import math
import pkgutil
import re
from pathlib import Path

import hyperscan
import pytest

from hullmark.detectors.secrets import rules as packs
from hullmark.detectors.secrets.registry import secret_rules
from hullmark.detectors.secrets.rule import SecretRule
from hullmark.detectors.secrets.samples import expanded

DATA = Path(__file__).parents[2] / "data" / "secrets"
PACKS = {
    name: importlib.import_module(f"{packs.__name__}.{name}").RULES
    for _, name, _ in pkgutil.iter_modules(packs.__path__)
    if not name.startswith("_")
    and name not in {"assignments", "command_lines", "config_files", "url_credentials"}
}
"""The packs of known formats; those that are told by their context have tests of their own (`test_generic_rules.py`)."""
RULES: tuple[SecretRule, ...] = tuple(rule for rules in PACKS.values() for rule in rules)
BY_ID = [pytest.param(rule, id=rule.rule.id) for rule in RULES]
LONGEST = 3900
MARK = re.compile(r"<<[A-Za-z0-9]+:\d+>>")


LOWER_CASE = {
    "age", "api.data.gov", "crates.io", "eBay", "fal", "monday.com", "ngrok", "npm", "redirect.pizza", "weatherstack", "xAI",
}  # fmt: skip
"""What is written in small letters: names."""


def entropy(text: str) -> float:
    return -sum(n / len(text) * math.log2(n / len(text)) for n in collections.Counter(text).values())


def spans(rule: SecretRule, text: str) -> list[tuple[int, int]]:
    """Where the rule finds a value: by `re`, and after that by entropy, proof and what it allows."""
    found = []
    for match in re.finditer(rule.pattern, text, re.ASCII):
        group = "secret" if "secret" in match.re.groupindex else 0
        value = match[group]
        if (
            entropy(value) >= rule.entropy
            and (rule.valid is None or rule.valid(value))
            and not (rule.allow and re.fullmatch(rule.allow, value))
        ):
            found.append(match.span(group))
    return found


def ends(rule: SecretRule, text: str) -> list[int]:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=[rule.pattern.encode()], ids=[0], elements=1, flags=[0])
    found: list[int] = []
    database.scan(
        text.encode(), match_event_handler=lambda _id, _start, end, _flags, _context: found.append(end)
    )
    return found


def drawn(example: str) -> list[tuple[int, int]]:
    """From where to where there are drawn signs in the text that an example stands for."""
    return [
        (len(expanded(example[: mark.start()])), len(expanded(example[: mark.end()])))
        for mark in MARK.finditer(example)
    ]


@pytest.mark.parametrize("rule", BY_ID)
def test_finds_the_whole_value_in_each_bad_example(rule: SecretRule) -> None:
    assert rule.rule.bad
    for example in rule.rule.bad:
        text = expanded(example)
        [(start, end)] = spans(rule, text)
        parts = drawn(example)
        if end - start >= LONGEST:  # of which only the begin is told
            continue
        # of what was drawn there is all in the value or nothing, and no word goes on beyond its ends
        assert all(start <= first < last <= end or last <= start or end <= first for first, last in parts), (
            text
        )
        assert any(start <= first and last <= end for first, last in parts) or not parts, text
        assert not re.search(r"[A-Za-z0-9]\Z", text[:start]) or text[:start].endswith(("\\n", "/bot")), text
        assert not re.match(r"[A-Za-z0-9]", text[end:]), text


@pytest.mark.parametrize("rule", BY_ID)
def test_hyperscan_sees_each_bad_example_too(rule: SecretRule) -> None:
    for example in rule.rule.bad:
        text = expanded(example)
        [(_, end)] = spans(rule, text)
        assert any(one >= end for one in ends(rule, text)), text


@pytest.mark.parametrize("rule", BY_ID)
def test_is_silent_about_its_look_alikes(rule: SecretRule) -> None:
    assert rule.rule.good
    for example in rule.rule.good:
        assert spans(rule, expanded(example)) == [], expanded(example)


def test_ids_are_unique_and_of_one_form() -> None:
    ids = [rule.rule.id for rule in RULES]
    assert [name for name, count in collections.Counter(ids).items() if count > 1] == []
    assert [name for name in ids if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)+", name)] == []


@pytest.mark.parametrize("rule", BY_ID)
def test_says_what_it_is_about(rule: SecretRule) -> None:
    assert rule.rule.kind == "secret"
    assert not rule.rule.summary.endswith(".")
    assert rule.rule.why.endswith(".")
    assert rule.rule.fix.endswith(".")


@pytest.mark.parametrize("rule", BY_ID)
def test_its_sentences_are_about_the_right_thing(rule: SecretRule) -> None:
    """What a rule's parts are put together to: it begins with the thing, not with who has it, and whoever reads it is a person."""
    about = rule.rule
    assert about.summary.split()[0] not in {"the", "its", "whoever", "whom", "whatever", "server", "database"}
    assert about.summary[0] == about.summary[0].upper() or about.summary.split()[0] in LOWER_CASE, (
        about.summary
    )
    assert not re.search(r"\b(?:itself off|of its own$|as it likes|, together with its)\b", about.why), (
        about.why
    )
    place = about.fix.partition("Revoke it at ")[2].partition(",")[0]
    assert (
        not place or place[0].isupper() or place[0].isdigit() or place.split()[0] in {*LOWER_CASE, "the"}
    ), place


@pytest.mark.parametrize("rule", BY_ID)
def test_no_repetition_is_without_a_bound(rule: SecretRule) -> None:
    assert not re.search(
        r"(?<!\\)[*+](?![^\[]*\])|\{\d+,\}", re.sub(r"\[(?:\\.|[^\]\\])+\]|\\.", "x", rule.pattern)
    )


def test_binary_rules_have_a_proof_or_a_prefix() -> None:
    for rule in RULES:
        if rule.binary and rule.valid is None:
            assert re.search(r"[A-Za-z0-9]{2,}\\?[_.-]|AGE-|PuTTY|BEGIN", rule.pattern), rule.rule.id


@pytest.mark.parametrize("tool", ["gitleaks", "kingfisher", "trivy"])
def test_each_rule_of_others_is_ours_or_has_a_reason(tool: str) -> None:
    """The lists are of Gitleaks 8.30.1, Kingfisher 2.14.0 and Trivy 0.74.0."""
    ours = {name for rule in secret_rules() for name in (rule.rule.id, *rule.rule.same_as)}
    reasons = dict(line.split(": ", 1) for line in (DATA / "not_ours.txt").read_text().splitlines())
    theirs = (DATA / f"{tool}.txt").read_text().split()
    assert [name for name in theirs if name not in ours and name not in reasons] == []


def test_reasons_are_for_rules_that_are_not_ours() -> None:
    theirs = {
        name
        for tool in ("gitleaks", "kingfisher", "trivy")
        for name in (DATA / f"{tool}.txt").read_text().split()
    }
    ours = {name for rule in secret_rules() for name in (rule.rule.id, *rule.rule.same_as)}
    for line in (DATA / "not_ours.txt").read_text().splitlines():
        name, _, reason = line.partition(": ")
        assert name in theirs - ours, line
        assert reason, line
    assert [name for rule in RULES for name in rule.rule.same_as if name not in theirs] == []
