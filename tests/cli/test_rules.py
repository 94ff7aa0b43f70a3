"""`hullmark rules`: the table, all there is of one, and what no rule is called."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from cli.conftest import Call
from hullmark.model.rule import Rule
from hullmark.reports._schema import schema
from hullmark.scan.rules import all_rules

KNOWN = {rule.id: rule for rule in all_rules()}


def test_the_table_has_a_whole_line_for_each(call: Call) -> None:
    done = call("rules")
    assert (done.code, done.err) == (0, "")
    head, *lines = done.out.splitlines()
    assert head.split() == ["RULE", "KIND", "SEVERITY", "PACK", "WHAT"]
    assert [line.split()[:4] for line in lines] == [
        [rule.id, rule.kind, rule.severity, rule.pack] for rule in all_rules()
    ]
    assert all(line.endswith(rule.summary) for line, rule in zip(lines, all_rules(), strict=True))


@pytest.mark.parametrize(
    ("words", "kinds", "packs"),
    [
        (("--kind", "pin"), {"pin"}, {"default", "pedantic"}),
        (("--kind", "pin,layers", "--pack", "pedantic"), {"pin", "layers"}, {"pedantic"}),
        (("--pack", "Default"), {"secret", "dockerfile", "image", "pin", "layers"}, {"default"}),
    ],
)
def test_kinds_and_packs_narrow_it(
    call: Call, words: tuple[str, ...], kinds: set[str], packs: set[str]
) -> None:
    rows = [line.split() for line in call("rules", *words).out.splitlines()[1:]]
    assert {row[1] for row in rows} == kinds
    assert {row[3] for row in rows} == packs
    assert len(rows) == sum(rule.kind in kinds and rule.pack in packs for rule in all_rules())


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("words", [(), ("--kind", "pin"), ("DL3002", "url-query-secret")])
def test_on_a_terminal_no_line_of_text_is_wider_than_it(
    tmp_path: Path, width: int, words: tuple[str, ...]
) -> None:
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "hullmark", "rules", *words],
        stdout=theirs,
        env={**os.environ, "HOME": str(tmp_path), "COLUMNS": str(width), "TERM": "xterm", "NO_COLOR": "1"},
    )
    os.close(theirs)
    out = b""
    while chunk := _read(ours):
        out += chunk
    os.close(ours)
    assert program.wait() == 0
    lines = out.decode().splitlines()
    if words[:1] == ("DL3002",):  # of which the examples stay as they are
        examples = {
            line for rule in KNOWN.values() for text in (*rule.bad, *rule.good) for line in text.split("\n")
        }
        lines = [
            line
            for line in lines
            if line.removeprefix("  Bad").removeprefix("  Good").strip() not in examples
        ]
    assert len(lines) > 5
    least = 70 if words == () else 50  # the names of rules are never cut
    assert max(map(len, lines)) <= max(width, least)
    plain = " ".join(" ".join(lines).split())
    assert KNOWN["unpinned-image" if "pin" in words else "root-user"].summary in plain


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_all_there_is_of_one(call: Call) -> None:
    done = call("rules", "root-user")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("root-user · dockerfile · high · default pack\n")
    assert max(map(len, done.out.splitlines())) <= 100
    plain = " ".join(done.out.split())
    rule = KNOWN["root-user"]
    for said in (rule.summary, rule.why, rule.fix, ", ".join(rule.controls), *rule.bad, *rule.good):
        assert " ".join(said.split()) in plain
    assert "Other names DL3002, DS-0002, CIS-DI-0001" in plain


def test_examples_keep_their_lines(call: Call) -> None:
    example = "FROM debian:12.7\nUSER root\nRUN useradd -l -u 1000 app\nUSER app\n"
    assert example in KNOWN["root-user"].good
    shown = [line.removeprefix("  Good").strip() for line in call("rules", "root-user").out.splitlines()]
    assert example in "\n".join(shown)


@pytest.mark.parametrize("name", ["DL3002", "dl3002"])
def test_a_name_of_others_may_stand_for_several(call: Call, name: str) -> None:
    heads = [line for line in call("rules", name).out.splitlines() if " pack" in line and line[0] != " "]
    assert {head.split()[0] for head in heads} >= {"root-user", "image-root-user"}
    (only,) = [
        line
        for line in call("rules", name, "--kind", "image").out.splitlines()
        if " pack" in line and line[0] != " "
    ]
    assert only.startswith("image-root-user ")


def test_several_names_give_each_rule_once_in_their_order(call: Call) -> None:
    found = call("rules", "tag-moved", "DS-0002", "root-user", "AVD-DS-0002", "--format", "json").document[
        "rules"
    ]
    ids = [rule["id"] for rule in found]
    assert ids[0] == "tag-moved"
    assert len(ids) == len(set(ids))
    assert {"root-user", "image-root-user"} <= set(ids)


def test_json_has_all_of_all(call: Call) -> None:
    found = call("rules", "--format", "json").document["rules"]
    assert [rule["id"] for rule in found] == [rule.id for rule in all_rules()]
    assert all(set(rule) == set(Rule.__struct_fields__) for rule in found)


def test_examples_of_secrets_are_no_secrets(call: Call) -> None:
    rule = KNOWN["kagi-api-key"]
    assert any("<<" in example for example in rule.bad)
    for words in ((), ("--format", "json")):
        assert "<<base64url:43>>" in call("rules", rule.id, *words).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("root-usr",), "root-user"),
        (("DL300",), "the nearest are DL3000"),
        (("root-user", "no"), "there is no rule 'no'"),
        (("DL3002", "--kind", "secret"), "there is no rule 'DL3002'"),
        (("\x1b[31mroot",), "there is no rule '\\x1b[31mroot'"),
        (("",), "hullmark rules lists them"),
        (("--kind", "docker"), "--kind does not know 'docker'"),
        (("--pack", "all"), "--pack does not know 'all'"),
        (("--format", "yaml"), "--format does not know 'yaml'"),
        (("--format", "table,json"), "--format does not know 'table,json'"),
        (("--format", ""), "--format does not know ''"),
    ],
)
def test_what_makes_no_sense(call: Call, words: tuple[str, ...], said: str) -> None:
    done = call("rules", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize("words", [(), ("DL3002",), ("--kind", "secret")])
def test_the_json_satisfies_its_schema(call: Call, words: tuple[str, ...]) -> None:
    validator = jsonschema.Draft202012Validator(schema("rules"))
    found = call("rules", *words, "--format", "json").document
    assert found["rules"]
    assert list(validator.iter_errors(found)) == []
    found["rules"][0]["severity"] = "worst"
    assert list(validator.iter_errors(found))
