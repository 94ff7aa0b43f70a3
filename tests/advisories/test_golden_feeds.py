"""Every feed on every fixture folder: tests/golden/feeds/<name>/<case>/ is a small mirror."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from conftest import GOLDEN
from hullmark.advisories.feed import documents
from hullmark.advisories.registry import feeds

ROOT = GOLDEN / "feeds"
CASES = sorted(path for folder in ROOT.iterdir() for path in folder.iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_records(case: Path, golden: Callable[[Path, bytes], None]) -> None:
    found = [feed for feed in feeds() if feed.name == case.parent.name]
    assert found, f"no feed is named {case.parent.name}"
    records = [
        {"kind": type(record).__name__} | msgspec.to_builtins(record)
        for record in found[0].parse(documents(case, found[0].files))
    ]
    golden(case / "records.json", msgspec.json.format(msgspec.json.encode(records), indent=1) + b"\n")


def test_every_feed_has_fixtures() -> None:
    assert {feed.name for feed in feeds()} <= {path.name for path in ROOT.iterdir()}
