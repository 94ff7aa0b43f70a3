"""Building: revisions and what they say has changed, whole or not at all, and good content that bad files never replace."""

import gzip
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hullmark.advisories.build import build
from hullmark.advisories.database import Database, load_current
from hullmark.advisories.feed import Document, Record
from hullmark.advisories.registry import feeds
from hullmark.model.advisory import Advisory, Affected, Epss, Range, Withdrawn
from hullmark.model.facts import Unread
from toys.feed import FILE, TIME, advisory, affected, built, feed, part_of, said

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning"
)  # of Python 3.12, when xdist has threads
DEMO = Path(__file__).parents[2] / "demo" / "feeds"
LATER = "2026-01-02T00:00:00Z"


def revision(folder: Path, key: str = "toy-pypi") -> tuple[str, int]:
    info = load_current(folder / "db").parts[key]
    return info.lineage, info.n


def zips(folder: Path, records: dict[str, object], *, order: bool = True) -> None:
    """Write a mirror of OSV's form."""
    path = folder / "osv" / "PyPI" / "all.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(records, reverse=not order):
            archive.writestr(f"{name}.json", json.dumps(records[name]))


def osv(name: str, package: str, fixed: str) -> dict[str, object]:
    span = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}
    package_of = {"ecosystem": "PyPI", "name": package}
    return {
        "id": name,
        "modified": "2026-01-01T00:00:00Z",
        "affected": [{"package": package_of, "ranges": [span]}],
    }


# ---- the demo ----


def test_the_demo_is_built(tmp_path: Path) -> None:
    result = build(DEMO, tmp_path, feeds(), built=TIME)
    assert (result.failed, result.unread_counts, result.unchanged) == ({}, {}, [])
    assert sorted(result.parts) == ["alpine-3.10", "eol", "kev", "osv-npm", "osv-pypi"]
    database = Database.open(tmp_path)
    assert database.current.parts == result.parts
    for key, info in result.parts.items():
        part = database.part(key)
        assert part is not None
        assert info.n == 1
        assert info.built == TIME
        assert info.size_bytes == part.path.stat().st_size
        assert part.meta() == {
            "part": key,
            "lineage": info.lineage,
            "n": "1",
            "feed": info.feed,
            "content": info.lineage,
            "built": TIME,
        }
    apk = database.part("alpine-3.10")
    assert apk is not None
    assert "CVE-2021-3450" in said(apk, "openssl", "1.1.1d-r2", "apk", "source")
    assert said(apk, "openssl", "1.1.1k-r0", "apk", "source") == []
    again = build(DEMO, tmp_path, feeds(), built=LATER)
    assert sorted(again.unchanged) == sorted(result.parts)
    assert {key: info.built for key, info in again.parts.items()} == dict.fromkeys(result.parts, LATER)
    assert {key: info.file for key, info in again.parts.items()} == {
        key: info.file for key, info in result.parts.items()
    }


def test_side_by_side_is_built_what_is_built_one_after_the_other(tmp_path: Path) -> None:
    one = build(DEMO, tmp_path / "one", feeds(), built=TIME)
    several = build(DEMO, tmp_path / "several", feeds(), built=TIME, processes=3)
    assert several.parts == one.parts == load_current(tmp_path / "several").parts
    for info in one.parts.values():
        bodies = [(tmp_path / name / "parts" / info.file).read_bytes() for name in ("one", "several")]
        assert bodies[0] == bodies[1]


def test_a_process_that_dies_costs_its_own_feeds_only(tmp_path: Path) -> None:
    def dies(_documents: Iterator[Document]) -> Iterator[Record]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield from ()

    (tmp_path / FILE).write_text("{}")
    (tmp_path / "larger.json").write_text("[[]]")
    deadly = feed(name="deadly", parse=dies)
    sound = feed(advisory("CVE-1", affected("a", Range())), name="sound")
    sound = msgspec.structs.replace(sound, files=("larger.json",))
    result = build(tmp_path, tmp_path / "db", [deadly, sound], built=TIME, processes=2)
    assert result.failed == {"deadly": "the process that built it ended early"}
    assert sorted(result.parts) == sorted(load_current(tmp_path / "db").parts) == ["sound-pypi"]


def test_the_time_of_the_content_is_that_of_the_newest_file(tmp_path: Path) -> None:
    """Who builds daily from a mirror that is updated no longer must not think its content new."""
    mirror = tmp_path / "mirror"
    shutil.copytree(DEMO, mirror)
    for path in mirror.rglob("*.*"):
        os.utime(path, (0, 1_700_000_000))
    os.utime(mirror / "osv" / "npm" / "all.zip", (0, 1_700_003_600))
    (mirror / "eol" / "future.json").write_text("[]")
    os.utime(mirror / "eol" / "future.json", (0, 2**33))
    parts = build(mirror, tmp_path / "db", feeds()).parts
    assert parts["alpine-3.10"].built == "2023-11-14T22:13:20Z"
    assert parts["osv-pypi"].built == "2023-11-14T23:13:20Z"
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert "2024" < parts["eol"].built <= now


# ---- revisions ----


def test_a_change_makes_a_revision_that_names_what_changed(tmp_path: Path) -> None:
    x, y, z = (advisory(f"A-{name}", affected(name, Range("1", "2"))) for name in "xyz")
    built(tmp_path, x, y, z)
    lineage, first = revision(tmp_path)
    assert first == 1
    assert part_of(tmp_path).changes(0) == ["x", "y", "z"]
    assert part_of(tmp_path).changes(1) == []

    built(tmp_path, x, advisory("A-y", affected("y", Range("1", "3"))), z)
    assert revision(tmp_path) == (lineage, 2)
    assert part_of(tmp_path).changes(1) == ["y"]

    built(tmp_path, x, z)
    assert revision(tmp_path) == (lineage, 3)
    assert part_of(tmp_path).changes(2) == ["y"], "what is gone has changed"
    assert part_of(tmp_path).changes(1) == ["y"]

    built(tmp_path, x, z, advisory("A-new", affected("new")))
    assert part_of(tmp_path).changes(3) == ["new"]
    assert part_of(tmp_path).changes(2) == ["new", "y"], "it is still gone"

    built(tmp_path, x, y, z, advisory("A-new", affected("new")))
    assert part_of(tmp_path).changes(4) == ["y"], "it is back"
    assert part_of(tmp_path).gone() == {}
    assert part_of(tmp_path).changes(0) == ["new", "x", "y", "z"]


@pytest.mark.parametrize(
    "other",
    [
        advisory("A-x", affected("x", Range("1", "2")), title="another title"),
        advisory("A-x", affected("x", Range("1", "2")), aliases=("CVE-2021-1000",)),
        advisory("A-x", affected("x", Range("1", "2"), state="will_not_fix")),
        advisory("A-x", affected("x", Range("1", "2"), note="n")),
        advisory("A-x", affected("x", Range("1", "2"), Range("1", "2"))),
        advisory("A-x", affected("x", Range("1", "", "2"))),
        advisory("A-x", affected("x", Range("1", "2"), versions=["1"])),
        advisory("A-x", affected("x", Range("1.0", "2"))),
    ],
    ids=lambda _record: "",
)
def test_whatever_is_changed_is_a_change(tmp_path: Path, other: Advisory) -> None:
    rest = advisory("A-y", affected("y"))
    built(tmp_path, advisory("A-x", affected("x", Range("1", "2"))), rest)
    built(tmp_path, other, rest)
    assert revision(tmp_path)[1] == 2
    assert part_of(tmp_path).changes(1) == ["x"]


def test_what_is_the_same_keeps_its_file(tmp_path: Path) -> None:
    records = [advisory(f"A-{n}", affected(f"p{n % 5}", Range("1", str(n + 2)))) for n in range(40)]
    one = advisory("Y", affected("x", ecosystem="npm"))
    built(tmp_path, *records, one)
    before = {path.name: path.stat().st_ino for path in (tmp_path / "db" / "parts").iterdir()}
    chance = random.Random(1)
    for _round in range(3):
        chance.shuffle(records)  # publishers' archives have no lasting order
        result = built(tmp_path, one, *records, at=LATER)
        assert sorted(result.unchanged) == ["toy-npm", "toy-pypi"]
    assert {path.name: path.stat().st_ino for path in (tmp_path / "db" / "parts").iterdir()} == before
    assert load_current(tmp_path / "db").parts["toy-pypi"].built == LATER
    result = built(tmp_path, *records[1:], one)
    assert result.unchanged == ["toy-npm"]
    assert (revision(tmp_path)[1], revision(tmp_path, "toy-npm")[1]) == (2, 1)


def test_two_records_that_are_alike_are_not_none(tmp_path: Path) -> None:
    same = advisory("A", affected("x"))
    built(tmp_path, same)
    built(tmp_path, same, same, same)
    assert part_of(tmp_path).changes(1) == ["x"]
    assert said(part_of(tmp_path), "x", "1") == ["A"] * 3


def test_notes_change_a_revision_too(tmp_path: Path) -> None:
    built(tmp_path, Epss("CVE-2021-1000", 0.1, 0.9), name="epss")
    assert built(tmp_path, Epss("CVE-2021-1000", 0.1, 0.9), name="epss").unchanged == ["epss"]
    built(tmp_path, Epss("CVE-2021-1000", 0.2, 0.9), name="epss")
    assert revision(tmp_path, "epss")[1] == 2


def test_a_lost_list_starts_another_lineage(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x")))
    built(tmp_path, advisory("B", affected("x")))
    old = revision(tmp_path)
    (tmp_path / "db" / "current.json").unlink()
    built(tmp_path, advisory("B", affected("x")))
    new = revision(tmp_path)
    assert new[0] != old[0]
    assert new[1] == 1


def test_one_record_of_a_real_feed(tmp_path: Path) -> None:
    records: dict[str, object] = {
        f"PYSEC-2021-{n}": osv(f"PYSEC-2021-{n}", f"p{n}", "2.0") for n in range(20)
    }
    zips(tmp_path / "mirror", records)
    chosen = [entry for entry in feeds() if entry.name == "osv"]
    build(tmp_path / "mirror", tmp_path / "db", chosen, built=TIME)
    zips(tmp_path / "mirror", records, order=False)
    assert build(tmp_path / "mirror", tmp_path / "db", chosen, built=TIME).unchanged == ["osv-pypi"]
    records["PYSEC-2021-7"] = osv("PYSEC-2021-7", "p7", "2.1")
    zips(tmp_path / "mirror", records)
    build(tmp_path / "mirror", tmp_path / "db", chosen, built=TIME)
    assert revision(tmp_path, "osv-pypi")[1] == 2
    assert part_of(tmp_path, "osv-pypi").changes(1) == ["p7"]


# ---- bad files ----


def failing(after: int, problem: BaseException) -> object:
    def parse(_documents: Iterator[Document]) -> Iterator[Record]:
        for number in range(after):
            yield advisory(f"N-{number}", affected("x"))
        raise problem

    return parse


@pytest.mark.parametrize(
    "problem",
    [
        ValueError("a bug"),
        OSError(5, "a broken disk"),
        EOFError("too short"),
        zipfile.BadZipFile("no"),
        KeyError(1),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_a_feed_that_fails_keeps_its_content_and_costs_no_other(tmp_path: Path, problem: Exception) -> None:
    built(tmp_path, advisory("A", affected("x")))
    bad = feed(parse=failing(3, problem))  # type: ignore[arg-type]
    other = feed(advisory("B", affected("x")), name="other")
    result = build(tmp_path / "mirror", tmp_path / "db", [bad, other], built=LATER)
    assert list(result.failed) == ["toy"]
    assert result.failed["toy"]
    assert list(result.parts) == ["other-pypi"]
    assert said(part_of(tmp_path), "x", "1") == ["A"]
    assert load_current(tmp_path / "db").parts["toy-pypi"].built == TIME, "its age is that of its content"
    assert not list((tmp_path / "db" / "parts").glob(".*"))


def test_an_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x")))
    with pytest.raises(KeyboardInterrupt):
        build(
            tmp_path / "mirror",
            tmp_path / "db",
            [feed(parse=failing(3, KeyboardInterrupt()))],  # type: ignore[arg-type]
            built=TIME,
        )
    assert not list((tmp_path / "db" / "parts").glob(".*"))
    assert said(part_of(tmp_path), "x", "1") == ["A"]


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
@pytest.mark.parametrize("name", ["osv/PyPI/all.zip", "alpine-secdb/v3.10/main.json", "eol/alpine.json"])
def test_a_damaged_file_of_the_demo(tmp_path: Path, name: str, damage: str) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(DEMO, mirror)
    build(mirror, tmp_path / "db", feeds(), built=TIME)
    before = load_current(tmp_path / "db").parts
    body = (mirror / name).read_bytes()
    (mirror / name).write_bytes(
        {"cut": body[: len(body) // 2], "garbage": random.Random(1).randbytes(5000), "empty": b""}[damage]
    )
    result = build(mirror, tmp_path / "db", feeds(), built=LATER)
    after = load_current(tmp_path / "db").parts
    feed_name = {"osv": "osv", "alp": "alpine", "eol": "eol"}[name[:3]]
    assert list(result.failed) == [feed_name]
    assert {key: info for key, info in after.items() if info.feed == feed_name} == {
        key: info for key, info in before.items() if info.feed == feed_name
    }
    assert all(info.built == LATER for info in after.values() if info.feed != feed_name)


def test_a_part_that_would_lose_much_to_what_is_unread_stays(tmp_path: Path) -> None:
    """One of two files cannot be read: half a part is worse than yesterday's whole one."""
    records = [advisory(f"A-{n}", affected("x")) for n in range(20)]
    npm = advisory("N", affected("x", ecosystem="npm"))
    unread = Unread(kind="record", path="second.json", reason="is no JSON")
    built(tmp_path, *records, npm)
    result = built(tmp_path, *records[:10], npm, unread, at=LATER)
    assert list(result.failed) == ["toy-pypi"]
    assert "10 of 20" in result.failed["toy-pypi"]
    assert result.unchanged == ["toy-npm"]
    assert len(said(part_of(tmp_path), "x", "1")) == 20
    assert not list((tmp_path / "db" / "parts").glob(".*"))
    assert built(tmp_path, *records[:19], npm, unread).failed == {}, "a record more or less is nothing odd"
    assert built(tmp_path, *records[:10], npm).failed == {}, "and what a publisher takes back goes"
    assert len(said(part_of(tmp_path), "x", "1")) == 10


def test_what_could_not_be_used_is_counted_and_withdrawn_records_are_not(tmp_path: Path) -> None:
    unread = [Unread(kind="record", path="f", place=f"{n}", reason="odd") for n in range(1200)]
    result = built(tmp_path, advisory("A", affected("x")), Withdrawn("B"), *unread)
    assert result.unread_counts == {"toy": 1200}
    assert load_current(tmp_path / "db").parts["toy-pypi"].unread == 1200
    assert result.unread == {"toy": unread[0]}
    assert result.failed == {}


@pytest.mark.parametrize("key", ["../evil", "a/b", "/etc/x", ".hidden", "", "x" * 200, "a\0b", "a b", "é"])
def test_a_release_of_an_odd_name_is_unread(tmp_path: Path, key: str) -> None:
    """It comes from the publisher's file and would become a file's name."""
    odd = Affected(ecosystem="deb", name="x", release=key)
    result = built(tmp_path, advisory("A", affected("y")), advisory("B", odd))
    if key:
        assert result.unread["toy"].place == "B"
        assert list(result.parts) == ["toy-pypi"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["db", "mirror"]
    assert {path.name for path in (tmp_path / "db").iterdir()} == {
        "current.json",
        "lock",
        "lock-toy",
        "parts",
    }


# ---- several writers ----


def _build(folder: Path, name: str, first: int, last: int) -> None:
    for number in range(first, last):
        records = [advisory(f"A-{number}-{n}", affected(f"p{n}")) for n in range(20)]
        build(folder / "mirror", folder / "db", [feed(*records, name=name)], built=TIME)


def test_writers_of_different_parts_both_keep_theirs(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x")))
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_build, args=(tmp_path, f"f{n}", 0, 8)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert said(part_of(tmp_path), "x", "1") == ["A"]
    for number in range(4):
        assert revision(tmp_path, f"f{number}-pypi")[1] == 8
        assert said(part_of(tmp_path, f"f{number}-pypi"), "p3", "1") == ["A-7-3"]


def test_writers_of_one_part_never_share_a_revision(tmp_path: Path) -> None:
    """A revision has one content, whoever builds at the same time."""
    built(tmp_path, advisory("A", affected("x")))
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_build, args=(tmp_path, "toy", 10 * n, 10 * n + 6)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert revision(tmp_path)[1] == 1 + 18
    files = list((tmp_path / "db" / "parts").glob("toy-pypi-*.db"))
    assert len(files) == 19


def test_a_killed_builder_changes_nothing(tmp_path: Path) -> None:
    """Whenever it dies, the database is the old one or the new one, and the next builder is not kept waiting."""
    built(tmp_path, advisory("A", affected("x")))
    context = multiprocessing.get_context("fork")
    chance = random.Random(5)
    for _round in range(12):
        writer = context.Process(target=_build, args=(tmp_path, "toy", 0, 10_000))
        writer.start()
        time.sleep(chance.uniform(0.001, 0.06))
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join(60)
        part = part_of(tmp_path)
        assert said(part, "x", "1") == ["A"] or said(part, "p3", "1")[0].endswith("-3")
        assert int(part.meta()["n"]) == part.info.n
        part.close()
    built(tmp_path, advisory("B", affected("x")))
    assert said(part_of(tmp_path), "x", "1") == ["B"]


def test_a_builder_that_dies_before_publishing_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(tmp_path, advisory("A", affected("x")))
    with monkeypatch.context() as patch:
        patch.setattr(
            "hullmark.advisories.build.publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            built(tmp_path, advisory("B", affected("x")))
    assert said(part_of(tmp_path), "x", "1") == ["A"]
    built(tmp_path, advisory("C", affected("x")))
    assert said(part_of(tmp_path), "x", "1") == ["C"]
    assert revision(tmp_path)[1] == 2
    assert part_of(tmp_path).changes(1) == ["x"]


def test_compressed_files_are_read_like_plain_ones(tmp_path: Path) -> None:
    one, two = tmp_path / "plain", tmp_path / "packed"
    for folder in (one, two):
        (folder / "alpine-secdb" / "v3.10").mkdir(parents=True)
    body = (DEMO / "alpine-secdb/v3.10/main.json").read_bytes()
    (one / "alpine-secdb/v3.10/main.json").write_bytes(body)
    (two / "alpine-secdb/v3.10/main.json.gz").write_bytes(gzip.compress(body))
    lineages = {
        build(folder, folder / "db", feeds(), built=TIME).parts["alpine-3.10"].lineage
        for folder in (one, two)
    }
    assert len(lineages) == 1
    (two / "alpine-secdb/v3.10/main.json.gz").write_bytes(gzip.compress(body)[:-20])
    result = build(two, two / "db", feeds(), built=TIME)
    assert list(result.failed) == ["alpine"]
    assert io.BytesIO(body).read(1) == b"{"
    assert not (two / FILE).exists()


# ---- bounds ----


def test_a_record_that_would_make_absurdly_many_rows_is_not_used_and_told(tmp_path: Path) -> None:
    """A few kilobytes of the CVE List, where each version of a product is said of each of its CPE names."""
    cpes = [f"cpe:2.3:a:x:product{number}:*:*:*:*:*:*:*:*" for number in range(300)]
    product = {
        "vendor": "x",
        "product": "x",
        "cpes": cpes,
        "versions": [
            {
                "version": f"{number}.0",
                "lessThan": f"{number}.1",
                "status": "affected",
                "versionType": "custom",
            }
            for number in range(300)
        ],
    }
    for name, found in (("CVE-2026-0001", product), ("CVE-2026-0002", {**product, "cpes": cpes[:2]})):
        path = tmp_path / f"mirror/cvelist/cves/2026/0xxx/{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {
            "dataType": "CVE_RECORD",
            "dataVersion": "5.1",
            "cveMetadata": {"cveId": name, "state": "PUBLISHED"},
            "containers": {"cna": {"affected": [found], "descriptions": [{"lang": "en", "value": "a flaw"}]}},
        }
        path.write_text(json.dumps(record))
    cvelist = next(each for each in feeds() if each.name == "cvelist")
    done = build(tmp_path / "mirror", tmp_path / "db", [cvelist], built=TIME)
    assert done.unread_counts == {"cvelist": 1}
    assert done.unread["cvelist"].place == "CVE-2026-0001"
    assert "90000 statements, more than the 50000" in done.unread["cvelist"].reason
    assert done.parts["cvelist-generic"].statements == 600
    assert done.parts["cvelist"].notes == 2, "what is said of the flaw itself is kept"


def test_a_feed_may_have_more_parts_than_a_process_may_have_files_open(tmp_path: Path) -> None:
    count = len(list(Path("/dev/fd").iterdir())) + 30
    record = advisory(
        "A", *(affected("x", Range(fixed="2"), release=f"toy-{number}") for number in range(count + 10))
    )
    made = msgspec.structs.replace(feed(record), part=lambda affected: affected.release)
    (tmp_path / "toy.json").write_bytes(b"{}")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        told = build(tmp_path, tmp_path / "db", [made])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not told.failed
    assert len(told.parts) == count + 10
