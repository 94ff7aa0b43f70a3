"""Hostile images through the real program: it ends in time and memory, leaves nothing behind and tells the truth."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hostile import case_files, case_packing, case_sources, case_tar
from hostile.images import CASES, MIB, PACKAGES, Case

pytestmark = pytest.mark.e2e
MODULES = (case_sources, case_packing, case_tar, case_files)  # importing them fills the table
TIMEOUT_S = 60
MAX_MEMORY = 512 * MIB
FOUND, USAGE, INCOMPLETE = 0, 2, 3
UNFIT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
LAUNCH = Path(__file__).with_name("launch.py")


@dataclass
class Run:
    """What one run of the program did."""

    code: int
    seconds: float
    memory_bytes: int
    hung: bool
    out: str
    err: str
    report: dict[str, Any] | None


def scan(scratch: Path, reference: str, flags: tuple[str, ...] = ()) -> Run:
    """Scan with home, cache and temporary folder of its own; a table for people and JSON for the test."""
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
    notes, report = folders["notes"], folders["notes"] / "report.json"
    report.unlink(missing_ok=True)
    image, _, archive = reference.partition("<")
    command = [sys.executable, "-m", "hullmark", "scan", image, "--offline", "--fail-on-incomplete"]
    command += ["--format", "table", "--format", f"json={report}", *flags]
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
    return Run(
        **json.loads((notes / "usage").read_text("utf-8")),
        out=(notes / "out").read_text("utf-8"),
        err=(notes / "err").read_text("utf-8"),
        report=json.loads(report.read_text("utf-8")) if report.exists() else None,
    )


def listing(scratch: Path) -> set[str]:
    """List all that is outside the cache and the test's own notes."""
    return {
        f"{folder}/{name}"
        for folder, folders, names in os.walk(scratch)
        if Path(folder).relative_to(scratch).parts[:1] not in {("cache",), ("notes",)}
        for name in (*folders, *names)
    }


def check_bounds(case: Case, run: Run, scratch: Path) -> None:
    assert not run.hung, f"still running after {TIMEOUT_S} s"
    assert "Traceback" not in run.err, run.err[-3000:]
    assert run.code in {FOUND, USAGE, INCOMPLETE}, run.err[-2000:]
    assert run.memory_bytes < MAX_MEMORY, f"{run.memory_bytes / MIB:.0f} MiB"
    assert not UNFIT.search(run.out), "control characters on standard output"
    assert not UNFIT.search(run.err), "control characters on standard error"
    kept = [path for path in (scratch / "cache").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) < case.cache_mib * MIB
    blobs = sum(1 for _ in (scratch / "image").rglob("blobs/sha256/*"))
    assert len(kept) < 30 + 2 * blobs, "no unpacked files in the cache"


def check_report(case: Case, report: dict[str, Any]) -> None:
    found = [(package["name"], package["version"]) for package in report.get("packages", ())]
    for package in case.packages:
        assert package in found
    assert len(found) >= case.least
    named = {name for name, _ in case.packages}
    extra = [name for name, _ in found if name not in named and not name.startswith(case.also or ("\0",))]
    assert not extra, f"packages that are not there: {extra[:10]}"
    errors = report.get("errors", [])
    assert report["incomplete"] or not errors
    for told in case.told:
        assert any(fits(told, error) for error in errors), f"{told} is not in {errors[:10]}"
    for error in errors:
        assert any(fits(told, error) for told in case.told), f"{error} is not expected"


def fits(told: Any, error: dict[str, Any]) -> bool:
    return bool(
        error["kind"] == told.kind
        and told.reason in error["reason"]
        and (error.get("path", "").startswith(told.path) if told.path else True)
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile(case: Case, tmp_path: Path, record_property: Any) -> None:
    if case.before is not None:
        (tmp_path / "before").mkdir()
        warmed = scan(tmp_path, case.before(tmp_path / "before"))
        assert warmed.report is not None
        assert len(warmed.report["packages"]) == len(PACKAGES)
    (tmp_path / "image").mkdir()
    run = scan(tmp_path, case.build(tmp_path / "image"), case.flags)
    record_property("memory_bytes", run.memory_bytes)
    record_property("seconds", run.seconds)
    check_bounds(case, run, tmp_path)
    if case.failure:
        assert run.code == INCOMPLETE
        errors = [line for line in run.err.splitlines() if line.startswith("hullmark: error: ")]
        assert len(errors) == 1
        assert case.failure in errors[0]
        assert len(errors[0]) < 1000
    else:
        assert run.report is not None, run.err[-2000:]
        check_report(case, run.report)
        assert run.code == (INCOMPLETE if case.told else FOUND), run.err
    if case.after is not None:
        (tmp_path / "after").mkdir()
        later = scan(tmp_path, case.after(tmp_path / "after"))
        assert later.report is not None
        assert [(p["name"], p["version"]) for p in later.report["packages"]] == list(PACKAGES)
        assert not later.report.get("errors")
        assert later.code == FOUND


def test_there_are_at_least_fifty() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 50
