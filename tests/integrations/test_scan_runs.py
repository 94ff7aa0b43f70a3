"""The templates that scan in a CI job: their own scripts, on real images, with the real program and the secrets of a job around it."""

import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from integrations.scanning import REPORTS, SYSTEMS, Job, System, database, image

pytestmark = pytest.mark.e2e
BY_NAME = {system.name: system for system in SYSTEMS}
SHELL = BY_NAME["shell"]


@pytest.fixture(scope="module")
def advisories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return database(tmp_path_factory.mktemp("advisories"))


@pytest.fixture
def job(tmp_path: Path, advisories: Path) -> Job:
    made = Job(tmp_path, advisories)
    made.work.mkdir()
    return made


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
@pytest.mark.parametrize(("kind", "code"), [("clean", 0), ("critical", 1), ("secret", 1)])
def test_every_template_decides_and_keeps_its_reports(job: Job, system: System, kind: str, code: int) -> None:
    image(job.work / "image.tar", kind)
    done = job.run(system)
    assert done.returncode == code, done.stderr
    reports = job.work / "hullmark-reports"
    assert sorted(path.name for path in reports.iterdir()) == ["code", *REPORTS]
    assert (reports / "code").read_text() == f"{code}\n"
    assert json.loads((reports / "hullmark.json").read_bytes())["image"]
    assert json.loads((reports / "hullmark.sarif").read_bytes())["version"] == "2.1.0"
    assert ET.fromstring((reports / "hullmark.xml").read_bytes()).tag == "testsuites"  # noqa: S314  our own
    assert (reports / "hullmark.md").read_text().startswith("### Hullmark: `image.tar`")


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_the_scan_has_none_of_the_jobs_secrets(job: Job, system: System) -> None:
    image(job.work / "image.tar", "clean")
    assert job.run(system).returncode == 0
    lines = job.seen.splitlines()
    assert f"HULLMARK_DB_DIR={job.database}" in lines, "what is its own is passed on"
    assert not any(line.startswith(f"{name}=") for name in system.secrets for line in lines)
    assert not any(value in job.seen for value in system.secrets.values())
    (home,) = [line.partition("=")[2] for line in lines if line.startswith("HOME=")]
    assert home != str(job.folder), "a login that is in the home is no business of it"


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_one_variable_changes_the_gate_in_every_template(job: Job, system: System) -> None:
    image(job.work / "image.tar", "clean")
    assert job.run(system, HULLMARK_FAIL_ON="vuln:high").returncode == 1
    image(job.work / "image.tar", "critical")
    assert job.run(system, HULLMARK_FAIL_ON="secret:high").returncode == 0


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_policies_are_passed_on_and_decide_in_place_of_the_gate(job: Job, system: System) -> None:
    image(job.work / "image.tar", "clean")
    job.run(system, HULLMARK_POLICY="production own/*")
    words = job.seen.splitlines()
    assert words[:5] == ["scan", "--policy", "production", "--policy", "own/*"]
    assert "--fail-on" not in words


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_production_refuses_what_development_lets_through(job: Job, system: System) -> None:
    image(job.work / "image.tar", "secret")
    assert job.run(system, HULLMARK_POLICY="production").returncode == 1
    assert job.run(system, HULLMARK_POLICY="development").returncode == 0


def test_policies_and_a_gate_that_is_set_both_count(job: Job) -> None:
    image(job.work / "image.tar", "clean")
    job.run(SHELL, HULLMARK_POLICY="production", HULLMARK_FAIL_ON="high")
    assert job.seen.splitlines()[:5] == ["scan", "--fail-on", "high", "--policy", "production"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("malicious", "over the gate: 1 malicious"),
        ("critical", "over the gate: 1 critical"),
        ("secret", "over the gate: 1 critical secret"),
        ("least", "over the gate: 1 low secret"),
    ],
)
def test_unconfigured_it_fails_on_flaws_malice_and_certain_secrets_alone(
    job: Job, kind: str, said: str
) -> None:
    image(job.work / "image.tar", kind)
    done = job.run(SHELL)
    assert done.returncode == 1
    assert said in done.stderr
    report = json.loads((job.work / "hullmark-reports/hullmark.json").read_bytes())
    assert {each["severity"] for each in report["findings"]} >= {"high"}
    assert len(report["config"]) >= 3, "none of these counts"
    assert "medium" in {each["confidence"] for each in report["secrets"]}
    assert "the image is refused (code 1)" in done.stderr


def test_what_was_not_checked_fails_and_is_told_apart(job: Job) -> None:
    image(job.work / "image.tar", "unchecked")
    done = job.run(SHELL)
    assert done.returncode == 3
    assert "could not be scanned, or not the whole of it (code 3)" in done.stderr
    assert "refused (code" not in done.stderr
    assert (job.work / "hullmark-reports/hullmark.json").exists(), "the partial report is kept"


def test_an_image_that_is_not_there_leaves_words_for_the_comment(job: Job) -> None:
    reports = job.work / "hullmark-reports"
    reports.mkdir()
    (reports / "hullmark.json").write_text("{}")  # of an earlier run
    done = job.run(SHELL)
    assert done.returncode == 2
    assert sorted(path.name for path in reports.iterdir()) == ["code", "hullmark.md"]
    assert (reports / "hullmark.md").read_text() == "### Hullmark: wrong usage, nothing was scanned\n"


def test_an_image_that_is_broken_is_no_refusal(job: Job) -> None:
    body = image(job.work / "image.tar", "clean").read_bytes()
    (job.work / "image.tar").write_bytes(body[:2000])
    done = job.run(SHELL)
    assert done.returncode == 3
    reports = job.work / "hullmark-reports"
    assert sorted(path.name for path in reports.iterdir()) == ["code", "hullmark.md"]
    assert (reports / "hullmark.md").read_text().startswith("### Hullmark: not refused, but")


def test_without_an_image_it_is_wrong_usage(job: Job) -> None:
    done = job.run(SHELL, HULLMARK_IMAGE="")
    assert done.returncode == 2
    assert "HULLMARK_IMAGE names no image (code 2)" in done.stderr


def test_a_scanner_that_dies_is_no_refusal(job: Job) -> None:
    image(job.work / "image.tar", "clean")
    done = job.run(SHELL, HULLMARK_PROGRAM="/nowhere/hullmark")
    assert done.returncode == 3
    assert "the scan ended by itself with 127 (code 3)" in done.stderr


def test_what_is_known_of_layers_is_kept_where_it_is_told(job: Job) -> None:
    image(job.work / "image.tar", "clean")
    job.run(SHELL)
    assert any((job.work / ".hullmark").rglob("*"))
    job.run(SHELL, HULLMARK_CACHE_DIR=str(job.folder / "kept"))
    assert any((job.folder / "kept").rglob("*"))


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("oci-archive:image.oci.tar", "image.oci.tar"),
        ("oci:layout", "oci:layout"),
        ("docker-archive:again.tar", "again.tar"),
    ],
)
@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is needed")
def test_what_builders_without_a_daemon_leave_is_scanned(job: Job, target: str, named: str) -> None:
    image(job.work / "image.tar", "critical")
    words = ["skopeo", "--insecure-policy", "copy", "--quiet", "docker-archive:image.tar", target]
    subprocess.run(words, cwd=job.work, check=True, capture_output=True)
    done = job.run(SHELL, HULLMARK_IMAGE=named)
    assert done.returncode == 1, done.stderr
    assert "over the gate: 1 critical" in done.stderr
