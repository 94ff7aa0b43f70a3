"""Hostile images through `hullmark layers`: it ends in time and memory, leaves nothing behind and tells what it could not read."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hostile.images import CASES, MIB, Case
from hostile.test_hostile import INCOMPLETE, LAUNCH, MAX_MEMORY, MODULES, TIMEOUT_S, UNFIT, listing

pytestmark = pytest.mark.e2e
assert MODULES
OF_DETECTORS = re.compile(r"facts|lines|\Abytes\Z|processor time")
"""What only who reads files for what they say can have too much of."""
REASONS = ("an unpacked root file system has no layers", "MiB of folders")


def layers(
    scratch: Path, reference: str, *flags: str
) -> tuple[dict[str, Any], str, str, dict[str, Any] | None]:
    """Give what one run did: its usage, what it wrote, and the JSON where there is one."""
    folders = {name: scratch / name for name in ("home", "cache", "tmp", "work", "notes")}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folders["home"]),
        "TMPDIR": str(folders["tmp"]),
        "HULLMARK_CACHE_DIR": str(folders["cache"]),
        "HULLMARK_PATTERNS_DIR": os.environ["HULLMARK_PATTERNS_DIR"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    outside = listing(scratch)
    notes, found = folders["notes"], folders["notes"] / "layers.json"
    image, _, archive = reference.partition("<")
    command = [sys.executable, "-m", "hullmark", "layers", image, "--fail-on-incomplete", *flags]
    command += ["--format", "table", "--format", f"json={found}", "--format", f"html={notes / 'layers.html'}"]
    with (
        Path(archive or os.devnull).open("rb") as stdin,
        (notes / "out").open("wb") as out,
        (notes / "err").open("wb") as err,
    ):
        launched = [sys.executable, "-I", "-S", str(LAUNCH), str(notes / "usage"), str(TIMEOUT_S), *command]
        subprocess.run(
            launched, env=environment, cwd=folders["work"], stdin=stdin, stdout=out, stderr=err, check=True
        )
    assert listing(scratch) == outside, "nothing is written outside the cache"
    document = json.loads(found.read_text("utf-8")) if found.exists() else None
    return (
        json.loads((notes / "usage").read_text()),
        (notes / "out").read_text(),
        (notes / "err").read_text(),
        document,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile(case: Case, tmp_path: Path, record_property: Any) -> None:
    (tmp_path / "image").mkdir()
    run, out, err, document = layers(tmp_path, case.build(tmp_path / "image"), *_fitting(case.flags))
    record_property("memory_bytes", run["memory_bytes"])
    record_property("seconds", run["seconds"])
    assert not run["hung"], f"still running after {TIMEOUT_S} s"
    assert "Traceback" not in err, err[-3000:]
    assert run["code"] in {0, 2, INCOMPLETE}, err[-2000:]
    assert run["memory_bytes"] < MAX_MEMORY, f"{run['memory_bytes'] / MIB:.0f} MiB"
    assert not UNFIT.search(out), "control characters on standard output"
    assert not UNFIT.search(err), "control characters on standard error"
    if document is None:
        assert case.failure or any(reason in err for reason in REASONS), err[-2000:]
        assert run["code"] == INCOMPLETE
        assert len([line for line in err.splitlines() if line.startswith("hullmark: error: ")]) == 1
    else:
        assert document["incomplete"] == bool(document["errors"])
        assert run["code"] == (INCOMPLETE if document["incomplete"] else 0)
        broken = [told for told in case.told if told.kind == "layer" and not OF_DETECTORS.search(told.reason)]
        assert document["incomplete"] or not broken, f"{broken} is not told"


def _fitting(flags: tuple[str, ...]) -> list[str]:
    return [flag for flag in flags if not flag.startswith("--scanners")]
