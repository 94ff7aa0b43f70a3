"""The pages on secrets and on Dockerfiles: what they show is what comes out."""

import re
from pathlib import Path

import pytest

from cli.conftest import Call
from e2e.program import ROOT

HOWTO = ROOT / "docs" / "howto"
SHOWN = re.compile(r"^    \$ hullmark (.*)\n((?:    (?!\$).*\n|\n(?=    [^$\s]))*)", re.MULTILINE)
FILE = re.compile(r"^`(\S+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PASSWORD = "Quahth8" + "eiwae"


def page(name: str) -> str:
    return (HOWTO / name).read_text("utf-8")


def run_all(call: Call, text: str) -> list[int]:
    """Create the files of a page and run its commands, from the top down; give their exit codes."""
    parts = sorted((*SHOWN.finditer(text), *FILE.finditer(text)), key=lambda found: found.start())
    codes = []
    for part in parts:
        if part.re is FILE:
            Path(part[1]).write_text(part[2])
            continue
        done = call(*part[1].split())
        assert done.out == re.sub(r"^    ", "", part[2], flags=re.MULTILINE), part[1] + done.err
        codes.append(int(done.code))
    return codes


def app(folder: Path) -> Path:
    made = folder / "app"
    (made / "tests").mkdir(parents=True)
    (made / ".env").write_text(f"DB_HOST=db\nDB_PASSWORD={PASSWORD}\n")
    (made / "tests" / "login.py").write_text(f'password = "{PASSWORD[::-1]}"\n')
    (made / "deploy.sh").write_text(f"push --as acme_{'b7f2k9x4' * 4} app\n")
    (folder / "team.key").write_text("0123456789abcdef" * 4)
    return made


def test_what_the_page_on_secrets_shows(call: Call, tmp_path: Path) -> None:
    app(tmp_path)
    text = page("find-secrets.md")
    assert run_all(call, text) == [0, 0, 0, 0]
    assert PASSWORD not in (tmp_path / "known.json").read_text()
    assert call("scan", "dir:app", "--scanners", "secret", "--fail-on", "secret:high").code == 1


def test_a_baseline_of_another_key_is_refused(call: Call, tmp_path: Path) -> None:
    app(tmp_path)
    scan = ("scan", "dir:app", "--scanners", "secret")
    assert call(*scan, "--format", "json=known.json").code == 0
    done = call(*scan, "--secrets-key", "team.key", "--baseline", "known.json")
    assert done.code == 2
    assert "another key" in done.err


@pytest.mark.parametrize("words", re.findall(r"`(\w+:(?:allow|ignore))`", page("find-secrets.md")))
def test_a_comment_says_that_it_is_none(call: Call, tmp_path: Path, words: str) -> None:
    made = app(tmp_path)
    (made / ".env").write_text(f"DB_PASSWORD={PASSWORD} # {words}\n")
    document = call("scan", "dir:app", "--scanners", "secret", "--format", "json").document
    assert ".env" not in {each["path"] for each in document["secrets"]}
    assert [each["path"] for each in document["silenced"]] == [".env"]


def test_what_the_page_on_dockerfiles_shows(call: Call, tmp_path: Path) -> None:
    text = page("lint-dockerfiles.md")
    assert run_all(call, text) == [1, 0, 0]
    (mended,) = re.findall(r"The file is now\n\n```dockerfile\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert (tmp_path / "app.Dockerfile").read_text() == mended


def test_exactly_three_findings_each_with_its_line(call: Call) -> None:
    name, text = FILE.findall(page("lint-dockerfiles.md"))[0]
    Path(name).write_text(text)
    document = call("lint", name, "--format", "json").document
    assert [(each["rule"], each["line"]) for each in document["secrets"]] == [("url-query-secret", 3)]
    assert [(each["rule"], each["line"]) for each in document["config"]] == [
        ("root-user", 2),
        ("remote-access-port", 5),
    ]


def test_comments_of_three_tools_leave_them_out(call: Call) -> None:
    text = page("lint-dockerfiles.md")
    (lines,) = re.findall(r"^```dockerfile\n(# hadolint.*?)^```$", text, re.MULTILINE | re.DOTALL)
    Path("Dockerfile").write_text(f"FROM ubuntu:focal-20200423\n{lines}")
    done = call("lint", "Dockerfile", "--format", "json")
    assert done.code == 0
    assert len(done.document["silenced"]) == 3
    bare = re.sub("#.*\n", "", lines)
    Path("Dockerfile").write_text(f"FROM ubuntu:focal-20200423\n{bare}")
    assert call("lint", "Dockerfile").code == 1


def test_hadolints_file_says_what_counts_and_what_fails(call: Call) -> None:
    files = dict(FILE.findall(page("lint-dockerfiles.md")))
    Path("Dockerfile").write_text("FROM debian:12.7\nRUN sudo make\nUSER app\n")
    before = call("lint", "Dockerfile", "--format", "json").document["config"]
    assert before == []
    Path(".hadolint.yaml").write_text(files[".hadolint.yaml"])
    done = call("lint", "Dockerfile", "--format", "json")
    found = {each["rule"]: each["severity"] for each in done.document["config"]}
    assert found["sudo-in-run"] == "low"
    assert "missing-labels" not in found
    assert done.code == 0
    assert call("lint", "Dockerfile", "--fail-on", "low").code == 1
    assert call("lint", "Dockerfile", "--hadolint-config", "none", "--fail-on", "low").code == 0
