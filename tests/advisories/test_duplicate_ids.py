"""One id several times: the last note holds, statements are joined, and neither makes a part look larger than it is."""

import json
from pathlib import Path

import msgspec

from hullmark.advisories.build import build, build_group, change_group
from hullmark.advisories.database import load_current
from hullmark.advisories.feed import Group
from hullmark.advisories.feeds import kev, osv
from hullmark.model.advisory import CveRecord, Range
from toys.feed import FILE, advisory, affected, built, feed, part_of

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


def test_a_feed_of_one_advisory_repeated_does_not_take_the_place_of_the_last_good_one(tmp_path: Path) -> None:
    many = [advisory(f"A-{number}", affected("x", Range(fixed="2"))) for number in range(20)]
    built(tmp_path, *many)
    group = Group(name="toy", parts=("toy-*",), sources=())
    told = build_group(tmp_path / "mirror", tmp_path / "db", feed(*many[:1] * 20), group, checked=NOW)
    assert told.failed == {"toy-pypi": "1 of 20 records would be left"}


def test_an_advisory_that_comes_twice_is_gone_when_it_is_taken_out(tmp_path: Path) -> None:
    built(tmp_path, *[advisory("A", affected(name, Range(fixed="2"))) for name in "xy"])
    assert part_of(tmp_path).info.advisories == 1
    group = Group(name="toy", parts=("toy-*",), sources=())
    change_group(tmp_path / "mirror", tmp_path / "db", feed(), group, removed=["A"], checked=NOW)
    info = part_of(tmp_path).info
    assert (info.advisories, info.statements, info.packages) == (0, 0, 0)


def test_a_note_that_is_no_longer_listed_goes_from_a_part_with_advisories_too(tmp_path: Path) -> None:
    records = advisory("A", affected("x", Range(fixed="2"))), CveRecord(id="B")
    made = msgspec.structs.replace(feed(*records), part=lambda _affected: "toy")
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / FILE).write_bytes(b"{}")
    build(tmp_path / "mirror", tmp_path / "db", [made], built=NOW)
    group = Group(name="toy", parts=("toy",), sources=())
    ids = frozenset({"A"})
    change_group(tmp_path / "mirror", tmp_path / "db", feed(), group, ids=ids, checked=NOW)
    assert part_of(tmp_path, "toy").ids() == ids
