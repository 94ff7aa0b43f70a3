"""One id several times: the last note holds, statements are joined, and neither makes a part look larger than it is."""

import json
from pathlib import Path

from hullmark.advisories.build import build, build_group
from hullmark.advisories.database import load_current
from hullmark.advisories.feed import Group
from hullmark.advisories.feeds import kev, osv

NOW = "2026-01-01T00:00:00Z"


def catalogue(mirror: Path, ids: list[str]) -> None:
    path = mirror / "kev/known.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [{"cveID": name, "dateAdded": f"2026-01-{day:02d}"} for day, name in enumerate(ids, 1)]
    path.write_text(json.dumps({"vulnerabilities": entries}))


def test_the_last_note_of_an_id_holds_and_counts_once(tmp_path: Path) -> None:
    mirror, base = tmp_path / "mirror", tmp_path / "db"
    catalogue(mirror, ["CVE-2026-1", "CVE-2026-2", "CVE-2026-1"])
    build(mirror, base, [kev.FEED], built=NOW)
    assert load_current(base).parts["kev"].notes == 2


def test_a_catalogue_of_one_entry_repeated_does_not_take_the_place_of_the_last_good_one(
    tmp_path: Path,
) -> None:
    mirror, base = tmp_path / "mirror", tmp_path / "db"
    catalogue(mirror, [f"CVE-2026-{number}" for number in range(20)])
    build(mirror, base, [kev.FEED], built=NOW)
    catalogue(mirror, ["CVE-2026-1"] * 20)
    told = build_group(mirror, base, kev.FEED, Group(name="kev", parts=("kev",), sources=()), checked=NOW)
    assert told.failed == {"kev": "1 of 20 records would be left"}
    assert load_current(base).parts["kev"].notes == 20


def record(fixed: str) -> bytes:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    affected = {
        "package": {"ecosystem": "PyPI", "name": "x"},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return json.dumps({"id": "PYSEC-1", "affected": [affected]}).encode()


def test_the_order_of_records_with_one_id_does_not_matter(tmp_path: Path) -> None:
    contents = []
    for fixes in (("1", "2"), ("2", "1")):
        mirror, base = tmp_path / "".join(fixes), tmp_path / f"db{''.join(fixes)}"
        folder = mirror / "osv/PyPI"
        folder.mkdir(parents=True)
        for number, fixed in enumerate(fixes):
            (folder / f"{number}.json").write_bytes(record(fixed))
        build(mirror, base, [osv.FEED], built=NOW)
        contents.append(load_current(base).parts["osv-pypi"].lineage)
    assert contents[0] == contents[1]
