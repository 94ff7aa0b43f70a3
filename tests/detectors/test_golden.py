"""Every detector on every fixture folder: tests/golden/detectors/<name>/<case>/."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from conftest import GOLDEN
from hullmark.detectors.detector import File, read_file
from hullmark.detectors.dispatch import Dispatcher
from hullmark.detectors.registry import detectors
from hullmark.model.facts import FileFacts

ROOT = GOLDEN / "detectors"
CASES = sorted(path for folder in ROOT.iterdir() for path in folder.iterdir() if path.is_dir())


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_facts(case: Path, golden: Callable[[Path, bytes], None]) -> None:
    found = [detector for detector in detectors() if detector.name == case.parent.name]
    assert found, f"no detector is named {case.parent.name}"
    detector = found[0]
    dispatcher = Dispatcher((detector,))
    wanted = Dispatcher(detectors()).wants
    facts: list[FileFacts] = []
    for path in sorted(case.rglob("*")):
        if not path.is_file() or path == case / "facts.json":
            continue
        name = path.relative_to(case).as_posix()
        body = path.read_bytes()
        binary = detector.binaries and body[:4] == b"\x7fELF"
        if dispatcher.find(name) or binary:
            facts.append(
                read_file(detector, File(name, body, mode=path.stat().st_mode & 0o7777, wanted=wanted))
            )
    golden(case / "facts.json", msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n")


def test_every_detector_has_fixtures() -> None:
    assert {detector.name for detector in detectors()} <= {path.name for path in ROOT.iterdir()}


def test_names_are_unique() -> None:
    names = [detector.name for detector in detectors()]
    assert len(names) == len(set(names))
