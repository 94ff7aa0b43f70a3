"""`hullmark pin`: what the page about it shows, its formats, and what makes no sense."""

import re
import time
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from cli.conftest import Call
from e2e.program import ROOT
from hullmark.advice.pinning import RULES
from hullmark.reports._schema import schema

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


LATEST = "FROM node:latest\n"
NODE = "FROM node:20.11.1\n"
SERVICE = "services:\n  web:\n    image: node:latest\n"


def check(call: Call, name: str, text: str, *words: str) -> tuple[list[str], list[tuple[str, str]], int]:
    """Give the rules that are reported, those that comments leave out with the comment, and the exit code."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
    done = call("pin", "--check", "--offline", "--format", "json", *words, name)
    silenced = [(each["rule"], each["reason"]) for each in done.document["silenced"]]
    return [each["rule"] for each in done.document["config"]], silenced, done.code


@pytest.mark.parametrize(
    ("comment", "file"),
    [
        ("# hadolint ignore=DL3007", LATEST),
        ("# hadolint ignore=SC2046,DL3007", LATEST),
        ("# hadolint global ignore=DL3007", f"ARG A=1\n{LATEST}"),
        ("# hullmark ignore=latest-base", LATEST),
        ("# hullmark ignore=unpinned-image", LATEST),
        ("#trivy:ignore:DS-0001", LATEST),
        ("#trivy:ignore:AVD-DS-0001:exp:2999-12-31", LATEST),
        ("#trivy:ignore:*", LATEST),
        ("# hadolint ignore=DL3006", "FROM node\n"),
        ("# hullmark ignore=untagged-base", "FROM node\n"),
        ("# hullmark ignore=moving-base", "FROM node:focal\n"),
        ("# hullmark ignore=moving-base", NODE),
        ("# hullmark ignore=undated-image", NODE),
    ],
)
def test_a_comment_that_silences_lint_silences_the_check(
    call: Call, tmp_path: Path, comment: str, file: str
) -> None:
    found, silenced, code = check(call, "Dockerfile", file)
    assert (len(found), silenced, code) == (1, [], 1)
    left, silenced, code = check(call, "Dockerfile", f"{comment}\n{file}")
    assert (left, silenced, code) == ([], [(found[0], comment.lstrip("# "))], 0)
    if comment.endswith("-image"):
        return  # a rule of pin's own, of which lint does not know
    linted = call("lint", "--format", "json", "--rules", "moving-base,default", str(tmp_path / "Dockerfile"))
    assert [each["rule"] for each in linted.document["config"] if "base" in each["rule"]] == []


@pytest.mark.parametrize(
    ("comment", "file"),
    [
        ("# hadolint ignore=DL3008", LATEST),
        ("# hullmark ignore=untagged-base", LATEST),
        ("# hullmark ignore=moving-base", LATEST),
        ("# hullmark ignore=latest-base", "FROM node\n"),
        ("# hadolint ignore=DL3007", NODE),
        ("#trivy:ignore:DS-0001:exp:2020-12-31", LATEST),
        ("# hadolint ignore=DL3007", f"FROM scratch\n{LATEST}"),
    ],
)
def test_a_comment_about_something_else_silences_nothing(call: Call, comment: str, file: str) -> None:
    left, silenced, code = check(call, "Dockerfile", f"{comment}\n{file}")
    assert (len(left), silenced, code) == (1, [], 1)


def test_what_is_broken_is_silenced_by_its_own_name_alone(call: Call) -> None:
    text = f"FROM {'1' * 64}\n"
    assert check(call, "Dockerfile", f"# hadolint ignore=DL3006\n{text}")[0] == ["image-reference-broken"]
    assert check(call, "Dockerfile", f"# hullmark ignore=image-reference-broken\n{text}")[0] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("compose.yaml", "services:\n  web:\n    image: node:latest # hullmark ignore=unpinned-image\n"),
        ("compose.yaml", "services:\n  web:\n    #trivy:ignore:KSV-0013\n    image: node:latest\n"),
        ("compose.yaml", f"# hullmark global ignore=unpinned-image\n{SERVICE}"),
        ("compose.yaml", "services:\n  web:\n    # hadolint ignore=DL3007\n    # why\n    image: node:latest\n"),
        (
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  # hullmark ignore=latest-base\n  - image: node:latest\n",
        ),
        (".gitlab-ci.yml", "# hullmark ignore=unpinned-image\nimage: node:latest\n"),
        (".github/workflows/a.yml", "jobs:\n  a:\n    container: node:latest # hullmark ignore=DL3007\n"),
        ("values.yaml", "image:\n  repository: node\n  tag: latest # hullmark ignore=unpinned-image\n"),
        (
            "devcontainer.json",
            '{\n  // hullmark ignore=unpinned-image\n  "image": "node:latest"\n}\n',
        ),
        (
            "Jenkinsfile",
            "pipeline {\n  // hullmark ignore=unpinned-image\n  agent { docker 'node:latest' }\n}\n",
        ),
    ],
)  # fmt: skip
def test_in_other_files_a_comment_speaks_of_its_line_and_the_one_below(
    call: Call, name: str, text: str
) -> None:
    left, silenced, code = check(call, name, text)
    assert (left, [rule for rule, _ in silenced], code) == ([], ["unpinned-image"], 0)
    bare = re.sub(r"(#|//) ?(hullmark|hadolint|trivy)", r"\1", text)
    assert check(call, name, bare)[0] == ["unpinned-image"]


@pytest.mark.parametrize(
    "text",
    [
        f"# hullmark ignore=unpinned-image\n{SERVICE}",
        f"{SERVICE}# hullmark ignore=unpinned-image\n",
        "services:\n  web:\n    # hullmark ignore=unpinned-image\n    x: 1\n    image: node:latest\n",
        "services:\n  web:\n    # hullmark ignore=undated-image\n    image: node:latest\n",
        "services:\n  web:\n    // hullmark ignore=unpinned-image\n",
    ],
)  # fmt: skip
def test_a_comment_elsewhere_silences_nothing(call: Call, text: str) -> None:
    assert check(call, "compose.yaml", text)[1] == []


def test_the_page_shows_what_comments_leave_out(call: Call, tmp_path: Path) -> None:
    part = PAGE.partition("## Leave one out")[2].partition("\n## ")[0]
    (text,) = re.findall(r"```yaml\n(.*?)```", part, re.DOTALL)
    (tmp_path / "compose.yaml").write_text(text)
    done = call("pin", "--check", "--offline", "compose.yaml")
    (shown,) = re.findall(r"    \$ hullmark pin --check compose.yaml\n((?:    .*\n)+)", part)
    assert (done.out, done.code) == (re.sub(r"^    ", "", shown, flags=re.MULTILINE), 0)


def test_comments_without_end_take_no_time_without_end(call: Call, tmp_path: Path) -> None:
    one = "    image: node:latest # hullmark ignore=unpinned-image,DL3007\n"
    (tmp_path / "compose.yaml").write_text("services:\n" + "".join(f"  a{n}:\n{one}" for n in range(9000)))
    start = time.process_time()
    assert call("pin", "--check", "--offline", "compose.yaml").code in {0, 1}
    assert time.process_time() - start < 10


def test_the_json_satisfies_the_schema_of_reports(call: Call, tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema("report"))
    (tmp_path / "Dockerfile").write_text(
        f"{DOCKERFILE}# hullmark ignore=undated-image\nFROM python:3.12\nFROM $X\nFROM {'1' * 64}\n"
    )
    found = call("pin", "--check", "--offline", "--format", "json", "Dockerfile").document
    assert found["config"]
    assert found["silenced"]
    assert found["errors"]
    assert list(validator.iter_errors(found)) == []
    del found["silenced"][0]["config"]["advice"]
    assert list(validator.iter_errors(found))


@pytest.mark.parametrize("command", [("lint",), ("pin", "--check", "--offline")])
def test_sarif_names_a_file_below_the_working_folder_by_its_path_there(
    call: Call, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "app").mkdir()
    path = tmp_path / "app" / "Dockerfile"
    path.write_text("FROM node:latest\n")
    for name in (str(path), "app/Dockerfile", "./app/../app/Dockerfile"):
        (run,) = call(*command, "--format", "sarif", name).document["runs"]
        (location,) = run["results"][0]["locations"]
        assert location["physicalLocation"]["artifactLocation"] == {"uri": "app/Dockerfile"}
