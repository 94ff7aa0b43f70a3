"""`hullmark pin`: what the page about it shows, its formats, and what makes no sense."""

import re
from pathlib import Path

import pytest

from cli.conftest import Call
from e2e.program import ROOT
from hullmark.advice.pinning import RULES

PAGE = (ROOT / "docs" / "howto" / "pin-images.md").read_text("utf-8")
DOCKERFILE = "FROM node:20.11.1\nFROM ubuntu:focal-20200423\n"


def test_the_example_of_the_page(call: Call, tmp_path: Path) -> None:
    found = re.search(r"^    \$ hullmark (pin --check .*)\n((?:    .*\n)+)", PAGE, re.MULTILINE)
    assert found is not None
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    done = call(*found[1].split(), "--offline")
    assert done.out == re.sub(r"^    ", "", found[2], flags=re.MULTILINE)
    assert done.code == 1


def test_the_page_has_every_rule_with_its_severity() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\w+)", PAGE, re.MULTILINE))
    assert {rule.id: str(rule.severity) for rule in RULES} == {
        name: rows.get(name) for name in (rule.id for rule in RULES)
    }


def test_the_report_has_what_lint_has(call: Call, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"{DOCKERFILE}FROM $X\n")
    done = call("pin", "--check", "--offline", "--format", "json", "Dockerfile")
    assert done.code == 1
    document = done.document
    assert document["image"] is None
    (finding,) = document["config"]
    assert {
        name: finding[name]
        for name in ("rule", "severity", "file", "line", "column", "end_column", "resource")
    } == {
        "rule": "undated-image",
        "severity": "medium",
        "file": "Dockerfile",
        "line": 1,
        "column": 6,
        "end_column": 18,
        "resource": "node:20.11.1",
    }
    assert document["summary"]["config"] == {"medium": 1}
    assert document["incomplete"] is True
    assert [(each["path"], each["place"]) for each in document["errors"]] == [("Dockerfile", "line 3")]
    assert "ARG X has no value" in done.err


def test_nothing_below_what_is_required(call: Call, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM ubuntu:focal-20200423\n")
    assert call("pin", "--check", "--offline", ".").code == 0
    assert call("pin", "--check", "--offline", "--require", "digest", ".").code == 1
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    done = call("pin", "--check", "--offline", ".")
    assert (done.code, done.out) == (0, "no image is named\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no file or folder is named"),
        (("--check", "--require", "tag", "."), "--require does not know 'tag'"),
        (("--check", "--update", "."), "--check writes nothing"),
        (("--check", "--diff", "."), "--check writes nothing"),
        (("--format", "json", "."), "--format is for --check"),
        (("none",), "there is no such file or folder"),
        (("--check", "a\0b"), "there is no such file or folder"),
    ],
)
def test_what_makes_no_sense(call: Call, words: tuple[str, ...], said: str) -> None:
    done = call("pin", *words)
    assert done.code == 2
    assert said in done.err


def test_no_control_character_reaches_a_terminal(call: Call, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a:\x1b[2J\n")
    done = call("pin", "--check", "--offline", ".")
    assert done.code == 1
    assert "\x1b" not in done.out + done.err
    done = call("pin", "--offline", ".")
    assert done.code == 3
    assert "\x1b" not in done.out + done.err
