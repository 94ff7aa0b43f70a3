"""The pages of docs/moving-in: each pair of commands is run, each flag that is named exists."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from hullmark.cli.commands import COMMANDS
from hullmark.cli.options import settings_of
from toys.bench import bench

moving: Any = bench("moving_in")
ROWS: list[Any] = moving.every_row()
PAIRS = [row for row in ROWS if row.peer and row.command]
GUIDES = sorted(path.stem for path in moving.PAGES.glob("*.md") if path.stem != "README")
ALWAYS = {"--help", "--version"}


def named(row: Any) -> str:
    return f"{row.page}: {(row.theirs or row.ours)[0]}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("moving")
    moving.begin(made)
    return made


def test_there_is_a_page_for_each() -> None:
    assert GUIDES == ["anchore", "clair", "docker-scout", "grype", "trivy"]
    for page in GUIDES:
        sections = [row.section.split(":")[0].split(" of ")[0] for row in ROWS if row.page == page]
        assert {"Commands", "Flags", "Files", "In CI"} <= set(sections), page
        text = (moving.PAGES / f"{page}.md").read_text("utf-8")
        assert "## What else differs" in text
        assert all(
            word in text for word in ("**Codes**", "**Severity**", "Not there in Hullmark", "--fixable-only")
        ) or (page == "anchore")


@pytest.mark.e2e
@pytest.mark.parametrize("row", PAIRS, ids=named)
def test_our_side_does_what_the_page_says(row: Any, folder: Path) -> None:
    done = moving.ours(row.command, folder)
    assert done.returncode == int(row.is_gate), done.stderr
    for name in re.findall(r"=(\S+\.\w+)", row.command):
        assert (folder / name).stat().st_size > 0


def ours_of(spans: tuple[str, ...]) -> list[str]:
    """Give our flags in a cell that no command of ours has: the command that is named, else any."""
    known = {
        command.name: {setting.flag for setting in settings_of(command.load())} | ALWAYS
        for command in COMMANDS
    }
    every = set().union(*known.values())
    missing = []
    for span in spans:
        words = span.split()
        command = words[1] if words[0] == "hullmark" and len(words) > 1 else ""
        names = (
            [name for name in known if name == command or name.startswith(f"{command} ")] if command else []
        )
        assert names or not command or command.startswith("--"), f"no command {command}"
        has = set().union(*(known[name] for name in names)) if names else every
        missing += [flag for flag in moving.flags((span,)) if flag not in has | ALWAYS]
    return missing


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_our_flags_exist(row: Any) -> None:
    assert ours_of(row.ours) == []


@pytest.mark.parametrize("page", GUIDES)
def test_our_flags_in_the_text_exist(page: str) -> None:
    text = (moving.PAGES / f"{page}.md").read_text("utf-8")
    spans = tuple(span for span in re.findall(r"`([^`]+)`", text) if span.startswith("hullmark "))
    assert spans
    assert ours_of(spans) == []
    theirs = {flag for row in ROWS if row.page == page for flag in moving.flags(row.theirs)}
    every = tuple(dict.fromkeys(moving.flags((text,))))
    assert [flag for flag in ours_of(every) if flag not in theirs] == []


def installed(row: Any) -> str:
    """Give the program that a row speaks of, by its page where it names a flag alone; skip where it is not here."""
    program = row.peer or {"trivy": "trivy", "grype": "grype"}.get(row.page, "")
    if not program or not shutil.which(program):
        pytest.skip(f"{program or row.page} is not installed: its side is by its documentation")
    if program == "docker":
        pytest.skip("docker scout is a closed plugin")
    return program


@pytest.mark.parametrize("row", [row for row in ROWS if moving.flags(row.theirs)], ids=named)
def test_their_flags_exist(row: Any) -> None:
    program = installed(row)
    said = moving.help_of(
        program, row.theirs[0] if row.peer else ("trivy image" if program == "trivy" else "")
    )
    found = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", said))
    assert [flag for flag in moving.flags(row.theirs) if flag not in found] == []


@pytest.mark.e2e
@pytest.mark.parametrize("row", PAIRS, ids=named)
def test_their_side_comes_to_the_same_verdict(row: Any, folder: Path) -> None:
    program = installed(row)
    command = row.theirs[0]
    if moving.needs_database(command):
        pytest.skip("it would fetch a database: bench/moving_in.py --database runs it")
    done = moving.theirs(command, folder)
    assert done.returncode == (moving.VERDICTS[program] if row.is_gate else 0), done.stderr
