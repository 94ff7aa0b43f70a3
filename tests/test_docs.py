"""The documentation names what there is."""

import importlib.util
import re
from pathlib import Path

from hullmark.advisories.registry import feeds
from hullmark.cli.scan import scan
from hullmark.detectors.registry import detectors

DOCS = Path(__file__).parents[1] / "docs"


def test_tables_are_as_the_code_says() -> None:
    spec = importlib.util.spec_from_file_location("tables", DOCS / "reference" / "_tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    hint = "run python docs/reference/_tables.py"
    assert (DOCS / "reference" / "coverage.md").read_text("utf-8") == tables.coverage(), hint
    assert (DOCS / "reference" / "mirror.md").read_text("utf-8") == tables.mirror(), hint
    assert (DOCS / "explain" / "limits.md").read_text("utf-8") == tables.limits(), hint
    assert all(f"{detector.name}" in tables.coverage() for detector in detectors())
    assert all(f"{feed.name}" in tables.mirror() for feed in feeds())


def test_every_flag_has_its_line() -> None:
    page = (DOCS / "reference" / "cli.md").read_text("utf-8")
    renamed = {"images_file": "--images", "formats": "--format"}
    flags = [
        renamed.get(name, "--" + name.replace("_", "-"))
        for name in scan.__annotations__
        if name not in {"images", "return"}
    ]
    assert [flag for flag in flags if f"`{flag}" not in page and f"{flag} " not in page] == []


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [path.name[:4] for path in (DOCS / "adr").glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers))
    assert all(re.fullmatch(r"\d{4}", number) for number in numbers)


def test_links_lead_somewhere() -> None:
    for page in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
            assert target.startswith(("http", "mailto")) or (page.parent / target).exists(), (
                f"{page}: {target}"
            )
