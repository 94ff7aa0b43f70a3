"""The page on policies: its files are created as the page has them, its commands run, and what it shows is what comes out."""

import re
import shutil
from pathlib import Path

import pytest

from cli.conftest import IMAGE, Call
from cli.test_guides import page, run_all
from e2e.program import AS_OF, ROOT
from hullmark.cli.commands import COMMANDS
from hullmark.policy import apart, deciding, engine, source
from hullmark.policy.builtins import REFUSED

PAGE = page("write-policies.md")
INDENTED = re.compile(r"^    (hullmark .*)$", re.MULTILINE)


@pytest.fixture
def at_work(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Give an image and an empty folder of policies."""
    monkeypatch.setenv("HULLMARK_SCAN_AS_OF", AS_OF)
    shutil.copy(IMAGE, tmp_path / "app.tar")
    (tmp_path / "policies").mkdir()
    return call


def test_what_the_page_shows(at_work: Call, tmp_path: Path) -> None:
    assert run_all(at_work, PAGE) == [0, 0, 0, 1, 0, 1, 0, 0]
    for line in INDENTED.findall(PAGE):
        words = line.replace("registry.example/shop/app:1.2", "app.tar").replace("policies/", "policies")
        done = at_work(*words.split()[1:])
        if "--opa" in line:
            assert (done.code, "does not answer" in done.err) == (3, True), done.err
        else:
            assert done.code == (1 if "--policy" in line else 0), line + done.err
    assert (tmp_path / "policies.tar.gz").stat().st_size > 1_000


def test_settings_and_exceptions_of_the_page_do_what_it_says(at_work: Call) -> None:
    run_all(at_work, PAGE.partition("    $ hullmark policy build")[0])
    bare = at_work("policy", "eval", "app.json", "--policy", "production", "--format", "json").document
    settled = at_work(
        "policy", "eval", "app.json", "--policy", "production", "--policy", "policies", "--format", "json"
    )
    before = {reason["rule"] for reason in bare["reasons"]}
    after = {reason["rule"] for reason in settled.document["reasons"]}
    assert before - after == {"image-age", "fix-available", "known-exploited", "root-user"}
    assert after - before == {"vulnerable", "registry"}
    assert [(each["rule"], each["owner"]) for each in settled.document["excepted"]] == [
        ("known-exploited", "team-web"),
        ("root-user", "team-shop"),
    ]


def test_a_misspelt_field_of_the_page_is_refused(at_work: Call) -> None:
    run_all(at_work, PAGE.partition("    $ hullmark scan")[0])
    policy = Path("policies/shop.rego")
    policy.write_text(policy.read_text().replace("finding.fixed_version != ", "finding.fix_version != "))
    done = at_work("policy", "check", "policies")
    assert done.code == 2
    assert "policies/shop.rego:7: the input has no field 'fix_version'" in done.err


def test_the_page_names_the_bounds_and_what_is_refused() -> None:
    flat = " ".join(PAGE.split())
    assert f"{apart.LOAD_S:g} seconds to load, {apart.EVALUATE_S:g} seconds for an image, 1 GiB" in flat
    assert apart.MEMORY_BYTES == 2**30
    assert f"{source.MOST_FILES:,} files of 1 MiB each" in flat
    assert f"{deciding._MOST_REASONS:,} reasons, each text of at most {deciding._MOST_LETTERS:,}" in flat
    assert [name for name in REFUSED if f"`{name}`" not in flat] == []
    assert [name for name in engine.DECIDING if f"`{name}`" not in flat] == []
    assert [name for name in deciding._TEXTS if f"`{name}`" not in flat] == []


def test_every_command_for_policies_is_on_a_page() -> None:
    pages = PAGE + (ROOT / "docs" / "reference" / "policies.md").read_text()
    names = [command.name for command in COMMANDS if command.name.startswith("policy ")]
    assert [name for name in names if f"hullmark {name}" not in pages and name != "policy list"] == []
