"""What changed since when: an advisory has not, where only scores, predictions, exploitation or ends of life have."""

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conftest import GOLDEN
from hullmark.advisories.build import build
from hullmark.advisories.database import Database, PartInfo
from hullmark.advisories.registry import feeds

DEMO = Path(__file__).parents[2] / "demo" / "feeds"
MOVING = ("epss/scores", "kev/catalogue", "nvd/page", "eol/products", "cvelist/records")
LATER = "2027-01-01T00:00:00.000"


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """Give a mirror of the demo's advisories and all that is joined to them."""
    folder = tmp_path / "mirror"
    shutil.copytree(DEMO, folder)
    for case in MOVING:
        shutil.copytree(GOLDEN / "feeds" / case, folder, dirs_exist_ok=True)
    return folder


def built(mirror: Path, folder: Path) -> dict[str, PartInfo]:
    result = build(mirror, folder, feeds(), built=LATER)
    assert not result.failed
    return result.parts


def changed(folder: Path) -> dict[str, list[str]]:
    """Give for each part that answers with any the packages that changed since its first revision."""
    database = Database.open(folder)
    parts = {key: database.part(key) for key in database.current.parts}
    return {key: names for key, part in parts.items() if part is not None and (names := part.changes(1))}


def notes(folder: Path, key: str, name: str) -> list[Any]:
    part = Database.open(folder).part(key)
    return list(part.notes([name]).values()) if part is not None else []


def edit(path: Path, change: Any) -> None:
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content))


def rescored(node: Any) -> None:
    """Give every CVSS entry of a document another vector, and every record a later time."""
    if isinstance(node, dict):
        if "vectorString" in node:
            node["vectorString"] = "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
            node["baseScore"] = 1.6
        for name in ("lastModified", "dateUpdated"):
            if name in node:
                node[name] = LATER
        node = list(node.values())
    for item in node if isinstance(node, list) else ():
        rescored(item)


def test_what_moves_every_day_changes_no_advisory(mirror: Path, tmp_path: Path) -> None:
    folder = tmp_path / "db"
    first = built(mirror, folder)
    assert {"epss", "kev", "nvd", "cvelist", "eol", "osv-pypi", "alpine-3.10"} <= first.keys()
    assert {"nvd-generic", "cvelist-maven"} <= first.keys(), "both have packages, too"
    for scores in (mirror / "epss").iterdir():
        next_day = re.sub(r"score_date:\S+", "score_date:2027-01-01T00:00:00+0000", scores.read_text())
        scores.write_text(re.sub(r",0\.\d+,", ",0.97531,", next_day) + "CVE-2027-1000,0.5,0.5\n")
    edit(
        mirror / "kev/known_exploited_vulnerabilities.json",
        lambda content: content["vulnerabilities"][0].update(dueDate="2031-01-01"),
    )
    edit(mirror / "eol/debian.json", lambda content: content[0].update(eol="2031-01-01"))
    edit(mirror / "nvd/page-0.json", rescored)
    edit(next((mirror / "cvelist").rglob("CVE-2021-44228.json")), rescored)
    second = built(mirror, folder)
    moved = {
        key for key, info in second.items() if (info.lineage, info.n) != (first[key].lineage, first[key].n)
    }
    assert moved == {"epss", "kev", "nvd", "cvelist", "eol"}
    assert changed(folder) == {}
    (predicted,) = notes(folder, "epss", "CVE-2027-1000")
    assert (predicted.probability, predicted.date) == (0.5, "2027-01-01")
    assert second["nvd"].newest == second["cvelist"].newest == f"{LATER[:19]}Z"


def test_what_an_advisory_says_changes_its_packages_alone(mirror: Path, tmp_path: Path) -> None:
    folder = tmp_path / "db"
    built(mirror, folder)
    archive = mirror / "osv" / "PyPI" / "all.zip"
    with zipfile.ZipFile(archive) as source:
        records = {name: json.loads(source.read(name)) for name in source.namelist()}
    record = next(each for each in records.values() if each["affected"][0]["package"]["name"] == "requests")
    record["affected"][0].setdefault("versions", []).append("99.0")
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in records.items():
            target.writestr(name, json.dumps(content))
    edit(mirror / "nvd/page-0.json", lambda content: content["vulnerabilities"].pop(0))
    built(mirror, folder)
    since = changed(folder)
    assert since.pop("osv-pypi") == ["requests"]
    assert set(since) == {"nvd-generic"}, "a record that is gone has changed its packages"
