"""The database: which statements hold for a version, what is kept of a record, and what a damaged file leads to."""

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullmark.advisories.database import FORMAT, Database, Part, PartInfo, load_current, publish
from hullmark.model.advisory import (
    Advisory,
    Affected,
    CveRecord,
    Epss,
    KnownExploited,
    Range,
    Reference,
    Score,
    Severity,
)
from hullmark.model.errors import FeedError
from toys.feed import advisory, affected, built, key_of, part_of, said

ECOSYSTEMS = ("deb", "rpm", "apk", "pypi", "npm", "maven", "gem", "golang", "composer", "nuget")
PIECES = st.sampled_from(
    ["0", "1", "2", "10", ".", ".", "-", "~", "+", ":", "a", "rc", "beta", "_p1", "-r1", "v", "", "?"]
)
TEXTS = st.lists(PIECES, min_size=1, max_size=6).map("".join)
ENDS = st.one_of(st.just(""), TEXTS)
RANGES = st.builds(Range, introduced=st.one_of(st.just("0"), ENDS), fixed=ENDS, last_affected=ENDS)


def expected(ecosystem: str, span: Range, version: str) -> str:
    """Say what a range means for a version by comparing it with both ends, one after the other."""
    low = span.introduced if span.introduced != "0" else ""
    high = span.fixed or span.last_affected
    key = key_of(ecosystem, version)
    ends = {text: key_of(ecosystem, text) for text in (low, high) if text}
    if not ends:
        return "yes"
    if key is None or None in ends.values():
        return "undecided"
    low_key, high_key = ends.get(low), ends.get(high)
    if low_key is not None and high_key is not None and low_key > high_key:
        return "undecided" if high_key <= key <= low_key else "no"
    if low_key is not None and key < low_key:
        return "no"
    if high_key is not None and (key >= high_key if span.fixed else key > high_key):
        return "no"
    return "yes"


@pytest.mark.parametrize("ecosystem", ECOSYSTEMS)
@settings(max_examples=20, deadline=None)
@given(
    ranges=st.lists(RANGES, min_size=1, max_size=30),
    versions=st.lists(TEXTS, min_size=1, max_size=30),
)
def test_ranges_hold_as_comparing_with_both_ends_says(
    ecosystem: str, ranges: list[Range], versions: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        built(
            folder,
            *(advisory(f"A-{n}", affected("x", span, ecosystem=ecosystem)) for n, span in enumerate(ranges)),
        )
        part = part_of(folder, f"toy-{ecosystem}")
        own = [end for span in ranges for end in (span.introduced, span.fixed, span.last_affected) if end]
        for version in (*versions, *own):
            answers = {"yes": "", "undecided": "?"}
            wanted = [
                f"A-{n}{answers[answer]}"
                for n, span in enumerate(ranges)
                if (answer := expected(ecosystem, span, version)) != "no"
            ]
            assert said(part, "x", version, ecosystem) == wanted
        part.close()


def test_ends_of_ranges(tmp_path: Path) -> None:
    spans = {
        "all": Range(),
        "below": Range(fixed="2.0"),
        "upto": Range(last_affected="2.0"),
        "from": Range(introduced="2.0"),
        "between": Range(introduced="1.5", fixed="2.0"),
        "just": Range(introduced="2.0", last_affected="2.0"),
    }
    built(tmp_path, *(advisory(name, affected("x", span)) for name, span in spans.items()))
    part = part_of(tmp_path)
    assert said(part, "x", "1.0") == ["all", "below", "upto"]
    assert said(part, "x", "1.5") == ["all", "below", "upto", "between"]
    assert said(part, "x", "2.0") == said(part, "x", "2.0.0") == ["all", "upto", "from", "just"]
    assert said(part, "x", "2.0.1") == ["all", "from"]
    assert said(part, "y", "2.0.1") == []


def test_what_cannot_be_ordered_is_undecided_and_never_dropped(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("odd-end", affected("x", Range(fixed="what?"))),
        advisory("odd-start", affected("x", Range(introduced="what?", fixed="1.0"))),
        advisory("plain", affected("x", Range(fixed="1.0"))),
        advisory("all", affected("x")),
        advisory("listed", affected("x", versions=["what?", "7.0"])),
    )
    part = part_of(tmp_path)
    assert said(part, "x", "2.0") == ["odd-end?", "odd-start?", "all"]
    assert said(part, "x", "0.5") == ["odd-end?", "odd-start?", "plain", "all"]
    assert said(part, "x", "not a version") == ["odd-end?", "odd-start?", "plain?", "all"]
    assert said(part, "x", "what?") == ["odd-end?", "odd-start?", "plain?", "all", "listed"]
    texts = {
        each.advisory: (each.introduced, each.fixed) for each in part.statements("x", "binary", None, "?")
    }
    assert texts["odd-start"] == ("what?", "1.0")


def test_a_range_whose_ends_stand_the_wrong_way_round_is_undecided_between_them(tmp_path: Path) -> None:
    """RetireJS on CVE-2018-1000136 in Electron, where 1.8.0 up to 1.8.3 are affected."""
    built(
        tmp_path,
        advisory("fixed", affected("x", Range("1.8.4", fixed="1.8.0"), ecosystem="npm")),
        advisory("last", affected("x", Range("4", last_affected="4.0.0-M3"), ecosystem="npm")),
        advisory("empty", affected("x", Range("1.8.2", fixed="1.8.2"), ecosystem="npm")),
    )
    part = part_of(tmp_path, "toy-npm")
    assert said(part, "x", "1.7.9", "npm") == said(part, "x", "1.8.5", "npm") == []
    assert said(part, "x", "1.8.0", "npm") == said(part, "x", "1.8.2", "npm") == ["fixed?"]
    assert said(part, "x", "4.0.0-M3", "npm") == ["last?"]
    (statement,) = part.statements("x", "binary", key_of("npm", "1.8.2"), "1.8.2")
    assert (statement.introduced, statement.fixed) == ("1.8.4", "1.8.0"), "as published"


def test_lists_of_versions(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("listed", affected("x", versions=["1.0", "1.0", "2.0.post1"])),
        advisory("both", affected("x", Range(fixed="1.0"), versions=["3.0"])),
    )
    part = part_of(tmp_path)
    assert said(part, "x", "1.0") == ["listed"]
    assert said(part, "x", "1.0.0") == ["listed"], "the same version, written in another way"
    assert said(part, "x", "2.0-1") == ["listed"]
    assert said(part, "x", "1.0.1") == []
    assert said(part, "x", "0.9") == ["both"]
    assert said(part, "x", "3.0") == ["both"]
    found = part.statements("x", "binary", key_of("pypi", "3.0"), "3.0")
    assert [(each.by_list, each.fixed) for each in found] == [(True, "")]


def test_every_statement_on_a_name_without_its_range(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("low", affected("x", Range(fixed="1.0"))),
        advisory("listed", affected("x", versions=["9"])),
    )
    found = part_of(tmp_path).statements("x", "binary", key_of("pypi", "5"), "5", keyed=False)
    assert [(each.advisory, each.undecided) for each in found] == [("low", False), ("listed", False)]


def test_what_a_statement_keeps(tmp_path: Path) -> None:
    more: dict[str, Any] = {
        "arches": ("amd64",),
        "module": "nodejs:18",
        "cpes": ("a:b",),
        "repositories": ("esm",),
        "note": "Minor issue",
    }
    built(
        tmp_path,
        advisory(
            "B-1",
            affected("x", Range("1", "2"), level=Severity.LOW, state="will_not_fix", **more),
            affected("x", Range("1", "", "2"), scope="source"),
            bundle=True,
            fixes=("CVE-2021-1000",),
        ),
    )
    part = part_of(tmp_path)
    (binary,) = part.statements("x", "binary", key_of("pypi", "1"), "1")
    assert binary[2:6] == ("B-1", True, "binary", "will_not_fix")
    assert binary[6:11] == (False, "1", "2", "", Severity.LOW)
    assert {name: getattr(binary.more, name) for name in more} == more
    (source,) = part.statements("x", "source", key_of("pypi", "1"), "1")
    assert (source.introduced, source.fixed, source.last_affected) == ("1", "", "2")
    assert source.more.note == ""


WORDS = st.text(max_size=20)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.builds(
            Advisory,
            id=st.sampled_from(["A", "B", "C"]),
            title=WORDS,
            details=WORDS,
            aliases=st.lists(WORDS, max_size=3).map(tuple),
            scores=st.lists(
                st.builds(Score, source=WORDS, level=st.sampled_from(Severity), vector=WORDS), max_size=2
            ).map(tuple),
            cwes=st.lists(WORDS, max_size=2).map(tuple),
            references=st.lists(st.builds(Reference, url=WORDS), max_size=2).map(tuple),
            published=WORDS,
            malicious=st.booleans(),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_records_come_back_as_they_went_in_even_of_one_id(records: list[Advisory]) -> None:
    import msgspec

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        about = (affected("x"),)
        built(folder, *(msgspec.structs.replace(record, affected=about) for record in records))
        part = part_of(folder)
        found = part.statements("x", "binary", None, "1")
        assert [part.advisory(statement.advisory, statement.mark) for statement in found] == records
        assert sorted(number for number, kind in part.named("A") if not kind) == [
            n for n, record in enumerate(records, 1) if record.id == "A"
        ]
        part.close()


def test_many_texts_share_a_dictionary(tmp_path: Path) -> None:
    """Above a hundred records one is trained; whatever it does, all texts come back."""
    long = [
        f"A flaw of kind {n} in the parser of headers lets an attacker do {n * 7}" * 4 for n in range(3500)
    ]
    built(tmp_path, *(advisory(f"A-{n}", affected(f"p{n}"), details=text) for n, text in enumerate(long)))
    part = part_of(tmp_path)
    assert part.records is not None
    assert part.records.dictionary("records") is not None
    for n in (0, 1, 2999, 3000, 3001, 3499):
        (statement,) = part.statements(f"p{n}", "binary", None, "1")
        assert part.advisory(statement.advisory, statement.mark).details == long[n]


def test_ids_of_all_kinds_find_their_record(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("GHSA-1", affected("x"), affected("y"), aliases=("CVE-2021-1000",)),
        advisory("DSA-1", affected("z"), bundle=True, fixes=("CVE-2021-1000",)),
    )
    part = part_of(tmp_path)
    assert part.named("CVE-2021-1000") == [(1, 1), (2, 2)]
    assert part.named("GHSA-1") == [(1, 0)]
    assert part.named("nothing") == []
    name, mark, packages = part.record(1)
    assert (name, packages) == ("GHSA-1", ("x", "y"))
    assert [row.package for row in part.spoken(*packages, advisory=name, mark=mark)] == ["x", "y"]
    assert part.spoken("z", advisory=name, mark=mark) == []
    assert {row.advisory for row in part.spoken("x")} == {"GHSA-1"}
    assert part.spoken("nothing") == []
    assert part.speaks_of("x", "CVE-2021-1000")
    assert part.speaks_of("x", "GHSA-1")
    assert not part.speaks_of("z", "CVE-2021-1000"), "a bundle is no record of the flaw's own"
    assert not part.speaks_of("x", "DSA-1")
    assert not part.speaks_of("z", "DSA-1"), "nor of one that is known by the bundle's id alone"


def test_notes(tmp_path: Path) -> None:
    notes = (
        Epss("CVE-2021-1000", 0.1, 0.9, "2026-01-01"),
        Epss("CVE-2021-1001", 0.2, 0.8),
        Epss("CVE-2021-1000", 0.3, 0.7),
    )
    built(tmp_path, *notes, name="epss")
    built(tmp_path, KnownExploited("CVE-2021-1000", ransomware=True), name="kev")
    built(tmp_path, CveRecord("CVE-2021-1000", details="d"), name="nvd")
    assert part_of(tmp_path, "epss").notes(["CVE-2021-1000", "CVE-2021-9999"]) == {"CVE-2021-1000": notes[2]}
    assert part_of(tmp_path, "kev").notes(["CVE-2021-1000"])["CVE-2021-1000"] == KnownExploited(
        "CVE-2021-1000", ransomware=True
    )
    found = part_of(tmp_path, "nvd").notes(["CVE-2021-1000"])["CVE-2021-1000"]
    assert isinstance(found, CveRecord)
    assert load_current(tmp_path / "db").parts["epss"].notes == 2


# ---- the folder ----


def test_a_database_that_is_not_there_is_empty(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "none")
    assert database.part("toy-pypi") is None
    assert list(database.parts_of_feed("toy")) == []
    (tmp_path / "file").write_bytes(b"")
    assert Database.open(tmp_path / "file" / "db").current.parts == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"parts": 3}', b'{"format": 99}', b"\xff" * 100])
def test_a_damaged_list_of_parts_says_what_to_do(tmp_path: Path, body: bytes) -> None:
    built(tmp_path, advisory("A", affected("x")))
    (tmp_path / "db" / "current.json").write_bytes(body)
    with pytest.raises(FeedError) as told:
        Database.open(tmp_path / "db")
    assert "current.json" in told.value.where
    assert "db build" in told.value.hint
    built(tmp_path, advisory("A", affected("x")))
    assert said(part_of(tmp_path), "x", "1") == ["A"]


def ask_everything(part: Part) -> None:
    part.statements("x", "binary", key_of("pypi", "1"), "1")
    for statement in part.statements("x", "binary", None, "1"):
        part.advisory(statement.advisory, statement.mark)
    for number, _ in part.named("A-7"):
        part.record(number)
    part.named("CVE-2021-1000")
    part.spoken("x")
    part.speaks_of("x", "A")
    part.notes(["CVE-2021-1000"])
    part.changes(0)
    part.meta()
    part.digests()
    part.gone()


def fill(folder: Path, which: str = "toy-pypi-*") -> Path:
    """Build a part in which something stands on every page that is asked for; give its file, or that of its records."""
    listed = affected("x", versions=[str(n) for n in range(50)], note="n")
    records = [
        advisory(f"A-{n}", affected(f"p{n}", Range("1", "2")), listed, details=f"words {n} " * 20)
        for n in range(150)
    ]
    built(folder, *records)
    return next((folder / "db" / "parts").glob(which))


@pytest.mark.parametrize("which", ["toy-pypi-*", "records-toy-*"])
@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "cut", "folder"])
def test_a_damaged_part_says_what_to_do(tmp_path: Path, damage: str, which: str) -> None:
    path = fill(tmp_path, which)
    whole = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes({"empty": b"", "garbage": b"no" * 5000, "cut": whole[: len(whole) // 3]}[damage])
    with pytest.raises(FeedError) as told:  # whichever of them meets it first
        ask_everything(part_of(tmp_path))
    assert ("part toy-pypi" if "pypi" in which else "records-toy-") in told.value.what
    assert str(path) == told.value.where
    assert "db build" in told.value.hint
    if damage == "folder":
        path.rmdir()
    fill(tmp_path)
    ask_everything(part_of(tmp_path))
    assert said(part_of(tmp_path), "p7", "1") == ["A-7"]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), which=st.sampled_from(["file", "records"]))
def test_flipped_bytes_never_lead_to_another_exception(data: st.DataObject, which: str) -> None:
    info = _filled()
    whole = (_FOLDER / "db" / "parts" / getattr(info, which)).read_bytes()
    at = data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=40))
    body = bytearray(whole)
    for position in at:
        body[position] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as scratch:
        for name in (info.file, info.records):
            shutil.copyfile(_FOLDER / "db" / "parts" / name, Path(scratch, name))
        Path(scratch, getattr(info, which)).write_bytes(body)
        with contextlib.suppress(FeedError):
            ask_everything(Part("toy-pypi", info, Path(scratch, info.file)))


_FOLDER = Path(tempfile.mkdtemp())


def _filled() -> PartInfo:
    if not (_FOLDER / "db").exists():
        fill(_FOLDER)
    return load_current(_FOLDER / "db").parts["toy-pypi"]


@pytest.fixture(scope="module", autouse=True)
def _clean_up() -> object:
    yield
    shutil.rmtree(_FOLDER, ignore_errors=True)


def test_a_database_is_read_from_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x")))
    folder = tmp_path / "db"
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        assert said(part_of(tmp_path), "x", "1") == ["A"]
        assert not [path for path in folder.rglob("*") if path.name.endswith(("-journal", "-wal", "-shm"))]
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o700)


def test_folders_of_odd_names(tmp_path: Path) -> None:
    folder = tmp_path / "a%20b?c#d é"
    folder.mkdir()
    built(folder, advisory("A", affected("x")))
    assert said(part_of(folder), "x", "1") == ["A"]


def test_a_reader_keeps_what_it_has_opened(tmp_path: Path) -> None:
    """It opened the list before, and goes on with it, whether it had opened the file of a part already or not."""
    first, other = advisory("A-1", affected("x")), advisory("Y", affected("x", ecosystem="npm"))
    built(tmp_path, first, other)
    reader = Database.open(tmp_path / "db")
    opened = reader.part("toy-pypi")
    assert opened is not None
    for number in (2, 3, 4):
        built(
            tmp_path,
            advisory(f"A-{number}", affected("x")),
            advisory(f"Y-{number}", affected("x", ecosystem="npm")),
        )
    assert said(opened, "x", "1") == ["A-1"]
    late = reader.part("toy-npm")
    assert late is not None
    assert said(late, "x", "1", "npm") == ["Y"]
    assert said(part_of(tmp_path), "x", "1") == ["A-4"]
    reader.close()


def test_old_files_are_removed_hours_later(tmp_path: Path) -> None:
    parts = tmp_path / "db" / "parts"
    built(tmp_path, advisory("A-1", affected("x")))
    first = sorted(parts.iterdir())
    assert len(first) == 2, "the part and its records"
    for path in first:
        os.utime(path, (1, 1))  # it was current for years
    left = parts / ".toy-pypi.999999.tmp"
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    built(tmp_path, advisory("A-2", affected("x")))
    assert all(path.exists() for path in first), "a reader may be about to open it"
    assert not left.exists()
    for path in first:
        os.utime(path, (1, 1))
    built(tmp_path, advisory("A-2", affected("x")))
    assert not any(path.exists() for path in first)
    assert said(part_of(tmp_path), "x", "1") == ["A-2"]


def test_publishing_merges(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x")), name="one")
    built(tmp_path, advisory("B", affected("x")), name="two")
    assert sorted(load_current(tmp_path / "db").parts) == ["one-pypi", "two-pypi"]
    document = json.loads((tmp_path / "db" / "current.json").read_bytes())
    assert document["format"] == FORMAT
    assert list(publish(tmp_path / "db", {}).parts) == ["one-pypi", "two-pypi"]
    database = Database.open(tmp_path / "db")
    assert [part.key for part in database.parts_of_feed("two")] == ["two-pypi"]


def test_parts_of_several_ecosystems_and_releases(tmp_path: Path) -> None:
    release = Affected(
        ecosystem="deb", name="x", release="toyos-1", scope="source", ranges=(Range(fixed="2"),)
    )
    built(tmp_path, advisory("A", affected("x"), affected("x", ecosystem="npm"), release))
    found = load_current(tmp_path / "db").parts
    assert sorted(found) == ["toy-npm", "toy-pypi", "toyos-1"]
    assert {key: (info.statements, list(info.schemes)) for key, info in found.items()} == {
        "toy-npm": (1, ["semver"]),
        "toy-pypi": (1, ["pypi"]),
        "toyos-1": (1, ["deb"]),
    }
    assert said(part_of(tmp_path, "toyos-1"), "x", "1", "deb", "source") == ["A"]
    assert said(part_of(tmp_path, "toyos-1"), "x", "1", "deb", "binary") == []


def test_names_are_folded(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("Zope.Interface")), advisory("B", affected("zope_interface")))
    assert said(part_of(tmp_path), "zope-interface", "1") == ["A", "B"]


def test_schemas_of_several_builds_are_the_same_bytes(tmp_path: Path) -> None:
    """Same records, same file: nothing of time or place is in it."""
    bodies = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        records = [advisory(f"A-{n}", affected(f"p{n % 7}", Range("1", str(n + 2)))) for n in range(200)]
        built(tmp_path / name, *records)
        for path in (tmp_path / name / "db" / "parts").iterdir():
            bodies.add((path.name, path.read_bytes()))
    assert len(bodies) == 2, "a part and its records"


def test_no_records_no_part(tmp_path: Path) -> None:
    result = built(tmp_path)
    assert (result.parts, result.failed) == ({}, {})
    unknown = built(tmp_path, advisory("A", affected("x", ecosystem="nothing")))
    assert unknown.parts["toy-nothing"].statements == 0
