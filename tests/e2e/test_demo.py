"""The demo: everything in its advisories stands in a publisher's file, and it shows what Hullmark does."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .program import AS_OF, DEMO, environment, report, run

pytestmark = pytest.mark.e2e


def check(demo: Path, cache: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(demo / "make_demo.py"), "check"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment(cache))


def test_each_finding_stands_in_its_source(tmp_path: Path) -> None:
    done = check(DEMO, tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 40


def _advisory_by_hand(feeds: Path) -> None:
    path = feeds / "alpine-secdb/v3.10/main.json"
    path.write_text(path.read_text().replace("CVE-2021-28831", "CVE-2021-28832"))


def _date_by_hand(feeds: Path) -> None:
    path = feeds / "eol/alpine.json"
    path.write_text(path.read_text().replace("2021-05-01", "2021-05-02"))


def _file_by_hand(feeds: Path) -> None:
    entry = {"pkg": {"name": "zlib", "secfixes": {"1.2.12-r0": ["CVE-2018-25032"]}}}
    document = {"distroversion": "v3.10", "packages": [entry]}
    (feeds / "alpine-secdb/v3.10/more.json").write_text(json.dumps(document))


@pytest.mark.parametrize("forge", [_advisory_by_hand, _date_by_hand, _file_by_hand])
def test_what_was_written_by_hand_is_found_out(forge: Callable[[Path], None], tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    shutil.copytree(DEMO, demo)
    forge(demo / "feeds")
    done = check(demo, tmp_path / "cache")
    assert done.returncode == 1, done.stdout
    assert re.match(r"(alpine-secdb|eol)/.* is not what|no record of alpine: CVE-2018-25032", done.stderr)


def test_it_shows_base_and_own_layers_and_what_is_exploited(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    built = run(cache, "db", "build", "--from", str(DEMO / "feeds"), "--as-of", AS_OF)
    assert built.returncode == 0, built.stderr.decode()
    image = str(DEMO / "image.tar")
    document = report(
        run(cache, "scan", image, "--base", f"{image}:alpine-3.10", "--format", "json", "--as-of", AS_OF)
    )
    assert document["image"]["base"]["layers"] == 1
    found = {(finding["id"], finding["name"]): finding for finding in document["findings"]}
    assert found["CVE-2021-36159", "apk-tools"]["from_base"] is True
    assert found["CVE-2021-36159", "apk-tools"]["fixed_version"] == "2.10.7-r0"
    assert found["CVE-2020-11023", "jquery"]["from_base"] is False
    assert found["CVE-2020-11023", "jquery"]["kev"]["added"] == "2025-01-23"
    assert {package["ecosystem"] for package in document["packages"]} == {"apk", "npm", "pypi"}


def test_every_file_names_its_origin() -> None:
    said = (DEMO / "README.md").read_text()
    files = [path.relative_to(DEMO / "feeds") for path in (DEMO / "feeds").rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        assert f"| `{path}` |" in said
