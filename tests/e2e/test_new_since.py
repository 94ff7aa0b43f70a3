"""`--new-since` between builds of an image, as a pipeline runs it."""

import json
from pathlib import Path

import pytest

from .program import AS_OF, DEMO, layer, report, run, write_layout

pytestmark = pytest.mark.e2e
GATE = ("--as-of", AS_OF, "--scanners", "vuln", "--fail-on", "medium", "--format", "json")


def python(name: str, version: str) -> bytes:
    body = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    return layer({f"usr/lib/python3/dist-packages/{name}-{version}.dist-info/METADATA": body})


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("since") / "cache"
    assert run(folder, "db", "build", "--from", str(DEMO / "feeds"), "--as-of", AS_OF).returncode == 0
    return folder


def test_what_an_update_of_the_base_brings_is_new(cache: Path, tmp_path: Path) -> None:
    own = python("urllib3", "1.24.1")
    for name, base in (("old", python("Jinja2", "3.1.6")), ("new", python("Jinja2", "2.10"))):
        write_layout(tmp_path / f"base-{name}", [base])
        write_layout(tmp_path / name, [base, own])
    old, new = f"oci:{tmp_path}/old", f"oci:{tmp_path}/new"
    # The one that stays is no reason to fail, in whatever build.
    assert run(cache, "scan", old, *GATE).returncode == 1
    write_layout(tmp_path / "again", [python("Jinja2", "3.1.6"), own, layer({"srv/a": b"a"})])
    again = report(run(cache, "scan", f"oci:{tmp_path}/again", *GATE, "--new-since", old))
    assert again["findings"] == []
    assert {each["finding"]["name"] for each in again["suppressed"]} == {"urllib3"}
    # An old version that came with a new base is the change's doing.
    done = run(cache, "scan", new, *GATE, "--new-since", old, "--base", f"oci:{tmp_path}/base-new")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert {(each["name"], each["from_base"]) for each in document["findings"]} == {("Jinja2", True)}


def test_the_baseline_is_remembered_and_the_answer_is_the_same(cache: Path, tmp_path: Path) -> None:
    image = str(DEMO / "image.tar")
    words = ("scan", image, *GATE, "--new-since", image)
    cold = run(tmp_path / "cold", *words, HULLMARK_DB_DIR=str(cache / "db"))
    warm = run(cache, *words)
    assert (cold.returncode, warm.returncode) == (0, 0), cold.stderr.decode()
    assert cold.stdout == warm.stdout
