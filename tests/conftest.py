"""What all tests share: the golden-file comparison with its update flag."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from hullmark.images import wire

# A loaded machine must not fail a property: speed is measured in bench/.
settings.register_profile("hullmark", deadline=None)
settings.load_profile("hullmark")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite golden files from what the code says"
    )


def pytest_configure(config: pytest.Config) -> None:
    os.environ["HULLMARK_SCAN_OFFLINE"] = "true"  # no test asks publishers
    # Patterns are compiled once for all tests, whose caches are new each time.
    os.environ["HULLMARK_PATTERNS_DIR"] = str(
        Path(tempfile.gettempdir()) / f"hullmark-patterns-{os.getuid()}"
    )
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError("golden files are never updated in CI")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting between requests takes no time, and is written down."""
    taken: list[float] = []
    monkeypatch.setattr(wire, "pause", taken.append)
    return taken


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, bytes], None]:
    """Compare bytes with a golden file, or rewrite it with `--update-golden`."""
    update = request.config.getoption("--update-golden")

    def compare(path: Path, actual: bytes) -> None:
        if update:
            path.write_bytes(actual)
            return
        if not path.exists():
            pytest.fail(f"{path} is missing: run make golden and read what it wrote")
        assert actual.decode() == path.read_text("utf-8")

    return compare
