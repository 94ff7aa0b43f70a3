"""The documentation names what there is: every command, flag, limit, detector, feed, name and number has its line."""

import importlib.util
import re
import typing
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from hullmark.advisories.registry import feeds, schemes
from hullmark.cli.commands import COMMANDS, Command
from hullmark.cli.options import settings_of
from hullmark.detectors.detector import Limits
from hullmark.detectors.registry import detectors
from hullmark.images.limits import ReadLimits
from hullmark.images.open import all_sources
from hullmark.model.advisory import Severity
from hullmark.model.errors import ExitCode
from hullmark.model.facts import Package, UnreadKind
from hullmark.model.report import (
    BaseImage,
    Component,
    Coverage,
    CoverageState,
    DatabasePart,
    Evidence,
    Finding,
    FindingState,
    Location,
    Report,
    ReportImage,
    Summary,
)
from hullmark.policy import catalogue as policies
from hullmark.reports import formats
from hullmark.scan.rules import all_rules

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_FLAG = r"(?<![\w-])--[a-z][a-z-]+"


def text(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def tables(name: str = "_tables") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / "reference" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def section(page: str, title: str) -> str:
    """Give what stands below a heading."""
    _, found, rest = page.partition(f"\n## {title}\n")
    assert found, f"no heading {title!r}"
    return rest.partition("\n## ")[0]


# ── what is made from the code ──────────────────────────────────────────────────────────────────────────


def test_made_pages_are_as_the_code_says() -> None:
    made = tables().PAGES | tables("_formats").PAGES | tables("_rules").PAGES | tables("_policies").PAGES
    for name, page in made.items():
        assert text(name) == page(), f"{name}: run make docs"


def test_every_detector_feed_and_scheme_has_its_row() -> None:
    coverage, mirror = text("reference/coverage.md"), text("reference/mirror.md")
    assert [entry.name for entry in detectors() if f"\n| `{entry.name}` |" not in coverage] == []
    assert [feed.name for feed in feeds() if f"\n| `{feed.name}` |" not in mirror] == []
    named = set(re.findall(r"^\| [\w-]+ \| (\w+) \|", section(coverage, "Ecosystems"), re.MULTILINE))
    assert {scheme.name for scheme in schemes().values()} <= named
    orders = text("explain/matching.md")
    assert [name for name in sorted(named - {"none"}) if f"\n| `{name}` |" not in orders] == []


def test_every_rule_has_its_row_and_every_rule_of_others_too() -> None:
    rules, others = text("reference/rules.md"), text("reference/other-linters.md")
    assert [rule.id for rule in all_rules() if f"\n| `{rule.id}` |" not in rules] == []
    pages = tables("_rules")
    for title, names in (
        ("Hadolint", [row.name for row in pages.of_dockerfiles("hadolint")]),
        ("Trivy, Dockerfiles", [row.name for row in pages.of_dockerfiles("trivy_dockerfile")]),
        ("Trivy, image configuration", [row.name for row in pages.of_images()[1]]),
        ("Dockle", [row.name for row in pages.of_images()[0]]),
        ("Secrets", [f"`{row.name}`" for row in pages.secrets_not_ours()]),
    ):
        rows = {
            name: cells
            for name, *cells in re.findall(
                r"^\| (\S+) \| (.*?) ?\| (.*?) ?\|$", section(others, title), re.MULTILINE
            )
        }
        assert names
        assert [name for name in names if not any(rows.get(name, ()))] == [], title


def test_every_policys_rule_has_its_row_with_what_each_pack_makes_of_it() -> None:
    page = text("reference/policies.md")
    for name, rule in policies.rules().items():
        levels = " | ".join(str(policies.settings(pack)[name]["level"]) for pack in policies.names())
        assert f"\n| [`{name}`](#{name}) | {levels} | " in page, name
        said = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert rule.why.split()[0] in said
        assert [key for key in rule.settings if f"\n| `{key}` |" not in said] == [], name
        assert [control for control in rule.controls if control not in said] == [], name


def test_every_limit_has_its_row() -> None:
    names = [*ReadLimits.__struct_fields__, *Limits.__struct_fields__]
    assert [name for name in names if f"\n| `{name}` |" not in text("explain/limits.md")] == []


# ── the command line ────────────────────────────────────────────────────────────────────────────────────


def test_every_command_has_its_heading() -> None:
    for command in COMMANDS:
        section(text("reference/cli.md"), f"hullmark {command.name}")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_flag_stands_below_its_command(command: Command) -> None:
    said = section(text("reference/cli.md"), f"hullmark {command.name}")
    flags = [setting.flag for setting in settings_of(command.load()) if not setting.positional]
    assert [flag for flag in flags if not re.search(rf"`{flag}[ `=\[]", said)] == []


def test_no_flag_is_made_up() -> None:
    known = {"--version", "--help"}
    for command in COMMANDS:
        known.update(setting.flag for setting in settings_of(command.load()))
    foreign = {
        "--mount",
        "--force",
        "--no-validate",  # of peers, in docs/accuracy.md
        "--no-dedup",
        "--no-update-check",
        "--confidence",
        "--offline-scan",
        "--output",
        "--body-file",
        "--compare-versions",
        "--check",
        "--hash",
        "--server",  # of opa
        "--no-push",  # of builders, in docs/ci/
        "--tar-path",
        "--destination",
        "--context",
        "--require-hashes",
        "--only-binary",
        "--wheel",
        "--no-deps",
        "--insecure-ignore-tlog",  # of cosign, in docs/howto/sign-results.md
        "--signature-digest-algorithm",
    }
    for script in (ROOT / "bench").glob("*.py"):
        foreign.update(re.findall(r'add_argument\(\s*"(--[a-z-]+)"', script.read_text("utf-8")))
    for rule in all_rules():
        foreign.update(re.findall(_FLAG, f"{rule.summary} {rule.why} {rule.fix}"))
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md"]:
        flags = set(re.findall(_FLAG, page.read_text("utf-8")))
        # Pages on moving in are half about others' flags: tests/test_moving_in.py reads them.
        if page.name != "CONTRIBUTING.md" and page.parent.name != "moving-in":
            assert flags - known - foreign == set(), page


def test_every_prefix_format_and_severity_is_named() -> None:
    page = text("reference/cli.md") + text("reference/formats.md")
    prefixes = {prefix for source in all_sources() for prefix in source.prefixes} | {"sbom"}
    assert [prefix for prefix in sorted(prefixes) if f"`{prefix}:" not in page] == []
    assert [name for name in formats() if f"`{name}`" not in page] == []
    assert [level for level in Severity if f"`{level}`" not in page] == []
    assert [state for state in typing.get_args(FindingState) if f"`{state}`" not in page] == []


def test_every_environment_variable_of_ours_is_named() -> None:
    page = text("reference/cli.md")
    used: set[str] = set()
    for module in (ROOT / "src").rglob("*.py"):
        used.update(re.findall(r"\"(HULLMARK_[A-Z_]*[A-Z])\"", module.read_text("utf-8")))
    assert [name for name in sorted(used) if f"`{name}`" not in page] == []


def test_every_exit_code_has_its_row() -> None:
    page = text("reference/exit-codes.md")
    assert [code for code in ExitCode if f"\n| {code.value} |" not in page] == []


# ── the report ──────────────────────────────────────────────────────────────────────────────────────────


def test_every_name_of_the_report_is_named() -> None:
    page = text("reference/report.md")
    for title, kind in (("Top-level names", Report), ("Packages", Component), ("Findings", Finding)):
        said = section(page, title)
        assert [name for name in kind.__struct_fields__ if f"`{name}`" not in said] == []
    for inner in (BaseImage, Coverage, DatabasePart, Evidence, Location, ReportImage, Summary):
        assert [name for name in inner.__struct_fields__ if f"`{name}`" not in page] == [], inner


def test_every_state_and_kind_is_explained() -> None:
    truth = text("explain/coverage-and-truth.md")
    assert [state for state in typing.get_args(CoverageState) if f"\n| `{state}` |" not in truth] == []
    assert [kind for kind in typing.get_args(UnreadKind) if f"\n| `{kind}` |" not in truth] == []
    states = [
        state for state in typing.get_args(FindingState) if f"`{state}`" not in text("explain/matching.md")
    ]
    assert states == []
    origins = next(field for field in msgspec.structs.fields(Package) if field.name == "origin").type
    assert [
        word for word in typing.get_args(origins) if f"`{word}`" not in text("reference/coverage.md")
    ] == []


# ── decisions, links, form ──────────────────────────────────────────────────────────────────────────────

DECISIONS = sorted(path for path in (DOCS / "adr").glob("*.md") if path.name != "README.md")


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [path.name[:5] for path in DECISIONS]
    assert numbers == [f"{number:04}-" for number in range(1, len(numbers) + 1)]
    assert [path.name for path in DECISIONS if f"(adr/{path.name})" not in text("README.md")] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name[:4])
def test_a_decision_says_why_what_and_what_follows(path: Path) -> None:
    page = path.read_text("utf-8")
    assert page.startswith(f"# {int(path.name[:4])}. ")
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == ["Context", "Decision", "Consequences"]


PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    body = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)", body):
        assert target.startswith(("http", "mailto")) or (page.parent / target).exists(), target
    for target in re.findall(r"`((?:docs|tests|src)/[\w./-]+\w/?)`", body):
        assert (ROOT / target).exists() or "<" in target or "acme" in target, target


def test_every_page_is_in_the_index() -> None:
    index = text("README.md")
    names = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if path != DOCS / "README.md"]
    assert [name for name in sorted(names) if f"({name})" not in index] == []
