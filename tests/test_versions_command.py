"""`bench/versions.py` in short: the versions of our own fixtures, and that a wrong order is seen."""

from pathlib import Path
from types import ModuleType

import pytest

from conftest import GOLDEN
from toys.bench import bench

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def command() -> ModuleType:
    return bench("versions")


@pytest.fixture(scope="module")
def found(command: ModuleType) -> dict[str, dict[str, set[str]]]:
    """Give the versions of the feeds' fixtures."""
    mirrors = [path for path in (GOLDEN / "feeds").glob("*/*") if path.is_dir()]
    versions: dict[str, dict[str, set[str]]] = command.collect(mirrors, None)
    return versions


@pytest.mark.parametrize("ecosystem", ["deb", "rpm", "pypi", "npm", "gem", "maven", "composer"])
def test_the_versions_of_the_fixtures(
    command: ModuleType, found: dict[str, dict[str, set[str]]], ecosystem: str, tmp_path: Path
) -> None:
    ordered = command.keys(ecosystem, command.usable(found[ecosystem]))
    tool = next(tool for tool in command.TOOLS if ecosystem in tool.ecosystems)
    try:
        _version, ask = tool.start(tmp_path)
    except command.MissingError as problem:
        pytest.skip(str(problem))
    result = command.Result(ecosystem, ordered)
    result.run(command.chosen(found[ecosystem], ordered, 600), ask)
    assert result.pairs > 3
    assert result.unexplained == []


def test_a_wrong_order_and_a_refused_version_are_seen(command: ModuleType) -> None:
    _version, ask = command.packaging(Path())
    ordered = {"1.9": b"2", "1.10": b"1", "2.0": None, "0.1": b"0"}
    result = command.Result("pypi", ordered)
    result.run([("1.9", "1.10"), ("0.1", "1.9"), ("2.0", "2.0")], ask)
    assert result.unexplained == [
        "'2.0' is read by the tool alone",
        "1.9 > 1.10, the tool says <",
    ]


def test_each_reason_is_told(command: ModuleType) -> None:
    lines = (ROOT / "docs/accuracy.md").read_text("utf-8").splitlines()
    assert [name for name in command.RULES if f"### {name}" not in lines] == []
