"""Records are stored once for the parts that share them, and stay right for a part that goes on as it was."""

from pathlib import Path

import pytest

from hullmark.advisories import records as module
from hullmark.advisories.build import build, change_group
from hullmark.advisories.database import Database, load_current
from hullmark.advisories.feed import Group
from hullmark.advisories.records import Records, RecordsWriter, body_of
from hullmark.advisories.spool import Shed
from hullmark.model.advisory import Advisory, Range
from toys.feed import FILE, TIME, advisory, affected, built, feed, part_of, said

GROUP = Group(name="toy", parts=("toy-*",), sources=())
BOTH = (affected("x", Range(fixed="2")), affected("x", Range(fixed="2"), ecosystem="npm"))


def files(folder: Path) -> dict[str, str]:
    return {key: info.records for key, info in load_current(folder / "db").parts.items()}


def details(folder: Path, key: str, package: str = "x") -> dict[str, str]:
    """Give what the records of a package's statements say, by id."""
    part = part_of(folder, key)
    found = part.statements(package, "binary", None, "", keyed=False)
    return {each.advisory: part.advisory(each.advisory, each.mark).details for each in found}


def changed(folder: Path, *records: Advisory, removed: tuple[str, ...] = ()) -> list[str]:
    """Put records in as an increment does; give the parts in which nothing changed."""
    result = change_group(
        folder / "mirror", folder / "db", feed(*records), GROUP, removed=removed, checked=TIME
    )
    return result.unchanged


def test_two_parts_share_one_record(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", *BOTH, details="both"))
    found = files(tmp_path)
    assert found["toy-npm"] == found["toy-pypi"] != ""
    assert details(tmp_path, "toy-npm") == details(tmp_path, "toy-pypi") == {"A": "both"}
    records = part_of(tmp_path).records
    assert records is not None
    assert [records.read(number).id for number, _ in records.named("A")] == ["A"]


def test_a_part_that_did_not_change_keeps_its_file_and_takes_the_new_records(tmp_path: Path) -> None:
    shared, own = advisory("A", *BOTH, details="both"), advisory("B", affected("y"), details="own")
    built(tmp_path, shared, own)
    before, old = files(tmp_path), load_current(tmp_path / "db").parts
    for number in (2, 3):
        later = advisory("B", affected("y"), details=f"changed {number}")
        if number == 2:
            built(tmp_path, shared, later)
        else:
            changed(tmp_path, later)
        parts = load_current(tmp_path / "db").parts
        assert parts["toy-npm"].file == old["toy-npm"].file
        assert parts["toy-pypi"].n == number
        after = files(tmp_path)
        assert after["toy-npm"] == after["toy-pypi"] != before["toy-npm"]
        before = after
        assert details(tmp_path, "toy-npm") == {"A": "both"}
        assert details(tmp_path, "toy-pypi", "y") == {"B": f"changed {number}"}


def test_a_part_that_is_kept_for_its_loss_keeps_its_records_too(tmp_path: Path) -> None:
    """Half of the files cannot be read: one part goes on, the other keeps what it had."""
    from hullmark.model.facts import Unread

    many = [advisory(f"A-{n}", affected("x"), details=f"old {n}") for n in range(20)]
    built(tmp_path, *many, advisory("N", affected("x", ecosystem="npm"), details="old"))
    first = files(tmp_path)
    unread = Unread(kind="record", path="second.json", reason="is no JSON")
    npm = advisory("N", affected("x", ecosystem="npm"), details="new")
    assert list(built(tmp_path, npm, unread, *many[:5]).failed) == ["toy-pypi"]
    second = files(tmp_path)
    assert second["toy-pypi"] == first["toy-pypi"]
    assert second["toy-npm"] != first["toy-npm"]
    assert details(tmp_path, "toy-npm") == {"N": "new"}
    assert details(tmp_path, "toy-pypi")["A-19"] == "old 19"
    # and an increment goes on with both, each in records of its own
    assert changed(tmp_path, advisory("A-3", *BOTH, details="newer"), removed=("A-4",)) == []
    third = files(tmp_path)
    assert third["toy-npm"] != third["toy-pypi"]
    assert details(tmp_path, "toy-npm") == {"N": "new", "A-3": "newer"}
    pypi = details(tmp_path, "toy-pypi")
    assert (pypi["A-3"], pypi["A-19"]) == ("newer", "old 19")
    assert "A-4" not in pypi


def test_a_new_part_among_old_ones_shares_their_records(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x")))
    changed(tmp_path, advisory("B", *BOTH, details="both"))
    found = files(tmp_path)
    assert found["toy-npm"] == found["toy-pypi"]
    assert details(tmp_path, "toy-npm") == {"B": "both"}


def test_an_increment_gives_what_building_anew_gives(tmp_path: Path) -> None:
    """Whatever was put in and taken out meanwhile: also records of one id, and ids that fill more buckets than there were."""
    start = [advisory(f"A-{n}", affected(f"p{n % 7}"), aliases=(f"CVE-2026-{n}",)) for n in range(40)]
    twice = [advisory("T", affected("x"), details="one"), advisory("T", affected("y"), details="two")]
    end = [
        advisory(f"B-{n}", affected(f"p{n % 5}"), fixes=(f"CVE-2025-{n}",), bundle=True) for n in range(2000)
    ]
    built(tmp_path / "step", *start, *twice)
    for first in range(0, 2000, 500):
        changed(tmp_path / "step", *end[first : first + 500])
    changed(tmp_path / "step", removed=tuple(record.id for record in start[:30]))
    changed(tmp_path / "step", advisory("T", affected("y"), details="three"))
    built(tmp_path / "whole", *start[30:], *end, advisory("T", affected("y"), details="three"))
    parts = {name: part_of(tmp_path / name) for name in ("step", "whole")}
    assert {name: part.meta()["content"] for name, part in parts.items()}["step"] == parts["whole"].meta()[
        "content"
    ]
    for name in ("A-31", "A-3", "CVE-2026-35", "B-1999", "CVE-2025-7", "T", "x"):
        found = {
            each: sorted((part.record(number)[:2], kind) for number, kind in part.named(name))
            for each, part in parts.items()
        }
        assert found["step"] == found["whole"], name
    assert parts["step"].ids() == parts["whole"].ids()
    assert details(tmp_path / "step", "toy-pypi", "y") == {"T": "three"}


def test_a_group_that_has_grown_deals_its_ids_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDS_IN_BUCKET", 4)

    def put(writer: RecordsWriter, first: int, last: int) -> Records:
        for n in range(first, last):
            record = advisory(f"A-{n}")
            writer.add(record, body_of(record), ())
        name, _ = writer.finish(tmp_path)
        return Records(tmp_path / name)

    small = put(RecordsWriter(tmp_path, "toy", Shed(tmp_path)), 0, 4)
    large = put(RecordsWriter(tmp_path, "toy", Shed(tmp_path), small), 4, 200)
    assert int(small.meta()["buckets"]) == 1
    assert int(large.meta()["buckets"]) == 50
    for n in (0, 3, 4, 199):
        assert [large.read(number).id for number, _ in large.named(f"A-{n}")] == [f"A-{n}"]


def test_records_are_fetched_only_where_they_are_wanted(tmp_path: Path) -> None:
    """A package that has no statement opens no records."""
    built(tmp_path, advisory("A", affected("x", Range(fixed="2"))))
    for path in (tmp_path / "db" / "parts").glob("records-*"):
        path.unlink()
    part = part_of(tmp_path)
    assert said(part, "nothing", "1") == []
    assert said(part, "x", "1") == ["A"]
    assert said(part, "x", "3") == []


def test_a_builder_of_several_groups_keeps_their_records_apart(tmp_path: Path) -> None:
    """So that who fetches one ecosystem does not fetch the texts of all."""
    import msgspec

    toy = feed(advisory("A", *BOTH))
    apart = msgspec.structs.replace(
        toy, group=lambda part: Group(name=f"of-{part}", parts=(part,), sources=())
    )
    (tmp_path / FILE).write_text("{}")
    build(tmp_path, tmp_path / "db", [apart], built=TIME)
    names = {
        key: info.records.rpartition("-")[0] for key, info in load_current(tmp_path / "db").parts.items()
    }
    assert names == {"toy-npm": "records-of-toy-npm", "toy-pypi": "records-of-toy-pypi"}
    assert Database.open(tmp_path / "db").part("toy-npm") is not None
