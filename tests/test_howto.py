"""The example of docs/howto/add-ecosystem.md: its files are created as the page has them, and run."""

import importlib.util
import re
from pathlib import Path

import msgspec
import pytest

from hullmark.detectors.detector import Detector, File, read_file
from hullmark.detectors.dispatch import Dispatcher

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "add-ecosystem.md"
_EXAMPLE = re.compile(r"^`(\S+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    examples = _EXAMPLE.findall(PAGE.read_text("utf-8"))
    assert examples
    for name, text in examples:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def detector(project: Path) -> Detector:
    (module_path,) = (project / "src/hullmark/detectors/packages").glob("*.py")
    spec = importlib.util.spec_from_file_location(module_path.stem, module_path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.DETECTOR
    assert isinstance(found, Detector)
    assert found.name == module_path.stem
    return found


def test_the_example_reads_its_fixtures(project: Path) -> None:
    found = detector(project)
    dispatcher = Dispatcher((found,))
    cases = sorted((project / "tests/golden/detectors" / found.name).iterdir())
    assert [case.name for case in cases] == ["broken", "usual"]
    for case in cases:
        files = {path.relative_to(case).as_posix(): path for path in case.rglob("*") if path.is_file()}
        golden = files.pop("facts.json").read_bytes()
        facts = [
            read_file(found, File(name, path.read_bytes()))
            for name, path in sorted(files.items())
            if dispatcher.find(name)
        ]
        assert msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n" == golden


@pytest.mark.parametrize("body", [b"", b"# nothing\n", b"\n" * 100])
def test_valid_without_a_package_is_nothing(project: Path, body: bytes) -> None:
    assert read_file(detector(project), File("acme.lock", body)).facts == ()


def test_what_is_no_text_is_unread(project: Path) -> None:
    (fact,) = read_file(detector(project), File("acme.lock", b"\0\xff")).facts
    assert msgspec.to_builtins(fact)["kind"] == "file"
