"""The rpm databases of real images, damaged ones, and forged ones."""

import gzip
import hashlib
import random
import shutil
import sqlite3
import struct
import subprocess
import time
from pathlib import Path

import pytest

from conftest import GOLDEN
from hullmark.detectors.detector import File, Limits, Seen, View, read_file
from hullmark.detectors.packages.rpm import DETECTOR, assemble, sqlite
from hullmark.model.facts import Fact, OwnedPaths, Package, Unread

DATA = Path(__file__).parents[2] / "data" / "rpmdb"
REAL = {
    "cbl-mariner-2.0-40-rpmdb.sqlite.gz": ("rpmdb.sqlite", "sqlite", 40),
    "libuuid-bdb-Packages.gz": ("Packages", "bdb_ro", 1),
    "sle15-bci-ndb-Packages.db.gz": ("Packages.db", "ndb", 35),
}
SMALL = {
    "rpmdb.sqlite": GOLDEN / "detectors/rpm/sqlite/var/lib/rpm/rpmdb.sqlite",
    "Packages": GOLDEN / "detectors/rpm/bdb/var/lib/rpm/Packages",
    "Packages.db": GOLDEN / "detectors/rpm/ndb/usr/lib/sysimage/rpm/Packages.db",
}
FORMAT = "%{NAME}\t%|EPOCH?{%{EPOCH}}|\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{LICENSE}\t%{VENDOR}\n"


def facts(
    body: bytes, name: str = "rpmdb.sqlite", *, everything: bool = False, limits: Limits | None = None
) -> tuple[Fact, ...]:
    wanted = (lambda _path: True) if everything else None
    return read_file(DETECTOR, File(f"var/lib/rpm/{name}", body, wanted=wanted, limits=limits)).facts


def packages(found: tuple[Fact, ...]) -> list[Package]:
    return [fact for fact in found if isinstance(fact, Package)]


def reasons(found: tuple[Fact, ...]) -> list[str]:
    return [fact.reason for fact in found if isinstance(fact, Unread)]


@pytest.mark.parametrize("file", REAL)
def test_real_database(file: str) -> None:
    name, _, count = REAL[file]
    found = facts(gzip.decompress((DATA / file).read_bytes()), name, everything=True)
    assert not reasons(found)
    assert len(packages(found)) == count
    assert all(p.version and p.source and p.licences and p.vendor for p in packages(found))
    assert any(isinstance(fact, OwnedPaths) for fact in found)


def test_one_package_in_full() -> None:
    body = gzip.decompress((DATA / "libuuid-bdb-Packages.gz").read_bytes())
    assert facts(body, "Packages", everything=True) == (
        Package(
            ecosystem="rpm",
            name="libuuid",
            version="2.32.1-42.el8_8",
            arch="x86_64",
            source="util-linux",
            source_version="2.32.1-42.el8_8",
            licences=("BSD",),
            vendor="Red Hat, Inc.",
        ),
        OwnedPaths(
            "libuuid",
            (
                "usr/lib/.build-id",
                "usr/lib/.build-id/df/ef6a880adac817216ab9866779a0725e017647",
                "usr/lib64/libuuid.so.1",
                "usr/lib64/libuuid.so.1.3.0",
                "usr/share/licenses/libuuid",
                "usr/share/licenses/libuuid/COPYING",
                "usr/share/licenses/libuuid/COPYING.BSD-3",
            ),
        ),
    )


@pytest.mark.skipif(shutil.which("rpm") is None, reason="rpm is not here")
@pytest.mark.parametrize("file", [file for file, (_, backend, _) in REAL.items() if backend != "ndb"])
def test_same_as_rpm(file: str, tmp_path: Path) -> None:
    # only SUSE builds rpm with ndb
    name, backend, count = REAL[file]
    body = gzip.decompress((DATA / file).read_bytes())
    (tmp_path / name).write_bytes(body)
    query = ["rpm", "-qa", "--dbpath", str(tmp_path), "--define", f"_db_backend {backend}"]
    run = subprocess.run([*query, "--queryformat", FORMAT], capture_output=True, text=True, check=True)
    theirs = sorted(tuple(line.split("\t")) for line in run.stdout.splitlines())
    ours = []
    for package in packages(facts(body, name)):
        epoch, _, version = package.version.rpartition(":")
        _, _, source_version = package.source_version.rpartition(":")
        source = f"{package.source}-{source_version}.src.rpm"
        ours.append((package.name, epoch, version, package.arch, source, package.licences[0], package.vendor))
    assert sorted(ours) == [(name, epoch.strip("0"), *rest) for name, epoch, *rest in theirs]
    assert len(theirs) == count


@pytest.mark.parametrize("file", REAL)
def test_same_as_another_reader(file: str) -> None:
    name, _, count = REAL[file]
    found = facts(gzip.decompress((DATA / file).read_bytes()), name, everything=True)
    owned = {fact.package: fact.paths for fact in found if isinstance(fact, OwnedPaths)}
    ours = []
    for package in packages(found):
        paths = owned.get(package.name, ())
        digest = hashlib.sha256("\n".join(paths).encode()).hexdigest()[:16] if paths else "-"
        version = package.version.rpartition(":")[2]
        ours.append(f"{package.name} {version} {package.arch} {len(paths)} {digest}")
    comment, *theirs = (DATA / file).with_suffix(".txt").read_text("utf-8").splitlines()
    assert comment.startswith("#")
    assert sorted(ours) == theirs
    assert len(theirs) == count


@pytest.mark.parametrize("name", SMALL)
def test_damage_is_never_silent(name: str) -> None:
    body = SMALL[name].read_bytes()
    true = packages(facts(body, name))
    assert len(true) == 3
    chance = random.Random(20)
    damaged = [body[:size] for size in range(0, len(body), 499)]
    for _ in range(400):
        changed = bytearray(body)
        for _ in range(chance.choice((1, 1, 4, 40))):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        damaged.append(bytes(changed))
    for page in range(0, len(body), 512):
        changed = bytearray(body)
        changed[page + chance.randrange(32)] ^= 1 << chance.randrange(8)
        damaged.append(bytes(changed))
    started = time.monotonic()
    for case in damaged:
        found = facts(case, name)
        assert not any("failed" in reason for reason in reasons(found))
        assert reasons(found) or packages(found) == true
        assert len(case) == len(body) or reasons(found)
    assert time.monotonic() - started < 30


def test_ndb_blob_that_two_slots_name() -> None:
    body = bytearray(SMALL["Packages.db"].read_bytes())
    body[48:64] = body[32:48]
    found = facts(bytes(body), "Packages.db")
    assert "listed twice" in reasons(found)
    assert len(packages(found)) == 2


def test_bdb_chain_that_turns_back() -> None:
    body = bytearray(SMALL["Packages"].read_bytes())
    size = 1024
    for page in range(len(body) // size):
        if body[page * size + 25] == 7:  # an overflow page
            struct.pack_into("<I", body, page * size + 16, page)
    found = facts(bytes(body), "Packages")
    assert not packages(found)
    assert any("used twice" in reason for reason in reasons(found))


def sqlite_database(*statements: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    body: bytes = connection.serialize()
    connection.close()
    return body


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE other (a)",),
        ("CREATE VIEW Packages AS SELECT 1 AS hnum, zeroblob(1000) AS blob",),
        ("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob AS (zeroblob(1000)))",),
        ("CREATE VIRTUAL TABLE Packages USING fts5(hnum, blob)",),
        (
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)",
            "CREATE TRIGGER t AFTER INSERT ON Packages BEGIN SELECT 1; END",
        ),
    ],
)
def test_sqlite_schema_that_is_not_rpms(statements: tuple[str, ...]) -> None:
    found = facts(sqlite_database(*statements))
    assert len(found) == 1
    assert "table of packages" in reasons(found)[0]


def test_sqlite_without_packages() -> None:
    assert facts(sqlite_database("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)")) == ()


def test_sqlite_values_that_are_no_headers() -> None:
    table = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
    values = (
        "INSERT INTO Packages (blob) VALUES ('text'), (1.5), (x''), (x'ffffffffffffffff'), (zeroblob(99))"
    )
    found = facts(sqlite_database(table, values))
    assert len(reasons(found)) == len(found) == 5


def header(*entries: tuple[int, int, int, int], store: bytes = b"") -> bytes:
    index = b"".join(struct.pack(">4i", *entry) for entry in entries)
    return struct.pack(">2I", len(entries), len(store)) + index + store


NEVRA = ((1000, 6, 0, 1), (1001, 6, 2, 1), (1002, 6, 4, 1))


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (header((1000, 6, 0, 1), store=b"a"), "cut short"),
        (header((1000, 6, 5, 1), store=b"a\0"), "out of bounds"),
        (header((1000, 6, -9, 1), store=b"a\0"), "out of bounds"),
        (header((1000, 6, 0, 2**31 - 1), store=b"a\0"), "out of bounds"),
        (header((1000, 4, 0, 1), store=b"abcd"), "out of bounds"),
        (header(*NEVRA[:2], store=b"a\x001\0"), "without name"),
        (header(*NEVRA, (1003, 4, 4, 1), store=b"a\x001\x002\0"), "out of bounds"),
        (
            header(
                *NEVRA, (1117, 8, 0, 1), (1118, 8, 0, 1), (1116, 4, 6, 1), store=b"a\x001\x002\0\0\0\0\x07"
            ),
            "folders",
        ),
        (struct.pack(">2I", 2**32 - 1, 2**32 - 1), "impossible sizes"),
    ],
)
def test_header_that_lies(blob: bytes, reason: str) -> None:
    table = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
    insert = f"INSERT INTO Packages (blob) VALUES (x'{blob.hex()}')"  # noqa: S608
    found = facts(sqlite_database(table, insert))
    assert reason in reasons(found)[0]
    assert reasons(found)[1:] == (["nothing in it could be read"] if not packages(found) else [])


def test_too_many_paths() -> None:
    body = gzip.decompress((DATA / "libuuid-bdb-Packages.gz").read_bytes())
    found = facts(body, "Packages", limits=Limits(max_records=5))
    assert len(packages(found)) == 1
    assert "more than 5 strings" in reasons(found)[0]


def test_too_many_paths_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hullmark.detectors.packages.rpm._PATHS_TO_RECORDS", 1)
    body = gzip.decompress((DATA / "sle15-bci-ndb-Packages.db.gz").read_bytes())
    found = facts(body, "Packages.db", limits=Limits(max_records=1000), everything=True)
    assert len(packages(found)) == 35
    assert len(reasons(found)) == 1
    assert 0 < sum(len(fact.paths) for fact in found if isinstance(fact, OwnedPaths)) <= 1000


def test_too_many_problems() -> None:
    table = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) "
    found = facts(sqlite_database(table, "INSERT INTO Packages " + numbers + "SELECT i, x'' FROM n"))  # noqa: S608
    assert "more than 1000 broken entries" in reasons(found)
    assert len(found) < 1100


def wal_of(*statements: str, tmp_path: Path) -> bytes:
    path = tmp_path / "rpmdb.sqlite"
    path.write_bytes(SMALL["rpmdb.sqlite"].read_bytes())
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    wal = (tmp_path / "rpmdb.sqlite-wal").read_bytes()
    connection.close()
    return wal


def test_wal(tmp_path: Path) -> None:
    wal = wal_of("DELETE FROM Packages WHERE hnum = 1", tmp_path=tmp_path)
    assert sqlite.is_pending(wal)
    assert reasons(facts(wal, "rpmdb.sqlite-wal"))
    # cut within the first frame, a wrong checksum in it, another salt: SQLite takes none of them for a transaction
    assert not sqlite.is_pending(wal[:500])
    for at in (60, 40):
        changed = bytearray(wal)
        changed[at] ^= 1
        assert not sqlite.is_pending(bytes(changed))
    for harmless in (b"", wal[:32], b"\0" * 100, b"garbage" * 100):
        assert not facts(harmless, "rpmdb.sqlite-wal")


def test_wal_restarted_after_a_checkpoint(tmp_path: Path) -> None:
    insert = "INSERT INTO Packages (blob) VALUES (zeroblob(4000))"
    delete = "DELETE FROM Packages WHERE hnum = 1"
    wal = wal_of(insert, insert, "PRAGMA wal_checkpoint(restart)", delete, tmp_path=tmp_path)
    assert sqlite.is_pending(wal)


def test_each_package_once() -> None:
    first = Package("rpm", "a", "1-1", arch="x86_64")
    second = Package("rpm", "b", "1-1", arch="x86_64")
    here, there = (
        Seen(0, "var/lib/rpm/Packages", (first, first)),
        Seen(1, "var/lib/rpm/rpmdb.sqlite", (first, second)),
    )
    assert list(assemble(View({"rpm": [here, there]}))) == [(first, here), (second, there)]
