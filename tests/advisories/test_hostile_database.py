"""A database file of a stranger's: it says clearly that it is damaged, whatever is in it, and costs little to refuse."""

import sqlite3
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hullmark.advisories import lookup
from hullmark.advisories.database import Database, Part, load_current
from hullmark.model.advisory import Advisory, CveRecord, Range
from hullmark.model.errors import FeedError
from toys.feed import advisory, affected, built

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ENCODE = msgspec.msgpack.Encoder().encode
_COLUMNS: dict[str, object] = {
    "texts": ["2"],
    "keys": [b"2"],
    "mores": [],
    "lists": [],
    "advisories": ["A"],
    "marks": [1],
    "flags": 0,
    "introduced": 0,
    "fixed": 1,
    "last_affected": 0,
    "more": 0,
    "listed": 0,
}
_MANY = 17 * 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built(tmp_path, advisory("A", affected("x", Range(fixed="2")), aliases=("X",), details="of A"))
    return tmp_path / "db"


def tampered(folder: Path, script: str, *values: object, records: bool = False) -> Path:
    """Run some SQL on the file of the part, or of its records."""
    info = load_current(folder).parts["toy-pypi"]
    path = folder / "parts" / (info.records if records else info.file)
    db = sqlite3.connect(path)
    if values:
        db.execute(script, values)
    else:
        db.executescript(script)
    db.commit()
    db.close()
    return path


def deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def ask_all(folder: Path) -> None:
    """Ask all that reads pieces, records and ids."""
    database = Database.open(folder)
    try:
        part = database.part("toy-pypi")
        assert part is not None
        for each in part.statements("x", "binary", b"1", "1"):
            part.advisory(each.advisory, each.mark)
        lookup.package(database, "x")
        lookup.flaw(database, "X")
        part.ids()
    finally:
        database.close()


def refused(folder: Path, path: Path, ask: Callable[[Path], None] = ask_all) -> None:
    with pytest.raises(FeedError) as raised:
        ask(folder)
    assert raised.value.where == str(path)


@pytest.mark.parametrize(
    "columns",
    [
        {"fixed": -1},
        {"introduced": [-1]},
        {"last_affected": -1},
        {"lists": [_ENCODE(["1"])], "listed": -1},
        {"lists": [b"\xc1"], "listed": 1},
        {"lists": [_ENCODE([1])], "listed": 1},
        {"mores": [[]], "more": -1},
        {"more": 1},
        {"marks": [-1]},
        {"flags": -2},
        {"flags": 1 << 60},
        {"flags": len("states") << 4},
        {"flags": 7 << 7},
        {"keys": []},
        {"keys": [b"1", b"2"]},
        {"fixed": [1, 1]},
        {"advisories": ["A", "B"]},
    ],
)
def test_a_piece_that_contradicts_itself_is_refused_by_whoever_reads_it(
    folder: Path, columns: dict[str, object]
) -> None:
    body = deflated(_ENCODE(list((_COLUMNS | columns).values())))
    path = tampered(folder, "UPDATE package SET body = ?", body)

    def statements(folder: Path) -> None:
        part = Database.open(folder).part("toy-pypi")
        assert part is not None
        part.statements("x", "binary", b"1", "1")

    def rows(folder: Path) -> None:
        lookup.package(Database.open(folder), "x")

    refused(folder, path, statements)
    refused(folder, path, rows)


@pytest.mark.parametrize(
    ("script", "body", "records"),
    [
        ("UPDATE package SET body = ?", deflated(bytes(_MANY)), False),
        ("UPDATE package SET body = ?", bytes(_MANY), False),
        ("INSERT OR REPLACE INTO dictionary VALUES ('package', ?)", bytes(_MANY), False),
        ("UPDATE records SET body = ?", zstd.compress(bytes(_MANY)), True),
        ("UPDATE ids SET body = ?", zstd.compress(bytes(_MANY)), True),
    ],
)
def test_what_is_too_large_is_refused(folder: Path, script: str, body: bytes, *, records: bool) -> None:
    refused(folder, tampered(folder, script, body, records=records))


@pytest.mark.parametrize("entry", [7, -8, (1 << 64) - 4, 1 << 40])
def test_ids_of_no_kind_or_of_no_record(folder: Path, entry: int) -> None:
    body = zstd.compress(_ENCODE((["X"], [entry])))
    refused(folder, tampered(folder, "UPDATE ids SET body = ?", body, records=True))


def test_a_record_is_given_only_under_its_own_id(folder: Path) -> None:
    body = zstd.compress(_ENCODE((["B", "X"], [4, 5])))
    path = tampered(folder, "UPDATE ids SET body = ?", body, records=True)
    part = Database.open(folder).part("toy-pypi")
    assert part is not None
    mark = part.rows("x")[0].mark
    with pytest.raises(FeedError, match="the record of B is missing") as raised:
        part.advisory("B", mark)
    assert raised.value.where == str(path)


_ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT"


@pytest.mark.parametrize(
    ("script", "records"),
    [
        (f"DROP TABLE package; CREATE VIEW package AS {_ENDLESS} x AS name, x AS body FROM c", False),
        (f"DROP TABLE meta; CREATE VIEW meta AS {_ENDLESS} x AS key, x AS value FROM c", True),
        (
            "DROP TABLE note; CREATE TABLE note (id TEXT, body BLOB AS (hex(zeroblob(400000000))))",
            False,
        ),
        ("CREATE TRIGGER more AFTER INSERT ON package BEGIN DELETE FROM package; END", False),
        ("DROP TABLE ids", True),
    ],
)
def test_a_file_with_other_tables_is_refused_when_it_is_opened(
    folder: Path, script: str, *, records: bool
) -> None:
    path = tampered(folder, script, records=records)

    def opened(folder: Path) -> None:
        info = load_current(folder).parts["toy-pypi"]
        assert Part("toy-pypi", info, folder / "parts" / info.file).records

    refused(folder, path, opened)


def test_rows_that_share_a_long_list_are_asked_of_it_once(folder: Path) -> None:
    many = 20_000
    columns = {
        "marks": [1] * many,
        "advisories": ["A"] * many,
        "fixed": 0,
        "lists": [_ENCODE([str(number) for number in range(many)])],
        "listed": 1,
    }
    body = deflated(_ENCODE(list((_COLUMNS | columns).values())))
    tampered(folder, "UPDATE package SET body = ?", body)
    part = Database.open(folder).part("toy-pypi")
    assert part is not None
    start = time.monotonic()
    assert len(part.statements("x", "binary", b"1", "1")) == many
    assert time.monotonic() - start < 5


def test_a_record_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    long = "x" * (1 << 20)
    records: list[Advisory | CveRecord] = [
        advisory(f"A-{number}", affected("x", Range(fixed="2")), details=f"{number}{long}")
        for number in range(20)
    ]
    whole = advisory("B", affected("x", Range(fixed="2")), details="whole")
    told = built(tmp_path, *records, CveRecord(id="C", details=long), whole)
    assert told.unread_counts == {"toy": 21}
    assert told.unread["toy"].place == "A-0"
    found = lookup.package(Database.open(tmp_path / "db"), "x")
    assert [each.advisory.details for each in found] == ["whole"]
