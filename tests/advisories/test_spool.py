"""The spool gives back what was put in, by key, whatever part of it had to wait on the disk."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullmark.advisories.spool import Shed

ENTRIES = st.lists(st.tuples(st.binary(max_size=5), st.binary(min_size=1, max_size=40)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(entries=ENTRIES, held_bytes=st.sampled_from([0, 300, 2000, 1 << 20]))
def test_values_come_back_by_key_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[bytes, bytes]], held_bytes: int
) -> None:
    spool = Shed(tmp_path_factory.getbasetemp(), held_bytes).spool()
    wanted: dict[bytes, list[bytes]] = {}
    for key, value in entries:
        spool.add(key, value)
        wanted.setdefault(key, []).append(value)
    expected = [(key, len(values), b"".join(values)) for key, values in sorted(wanted.items())]
    assert list(spool.merged()) == expected
    assert list(spool.merged()) == expected, "it can be asked again"
    spool.close()


def test_values_larger_than_what_is_read_at_once(tmp_path: Path) -> None:
    shed = Shed(tmp_path, 100)
    spool = shed.spool()
    values = {bytes([n]): os.urandom(700_000 + n) for n in range(5)}
    for key, value in values.items():
        spool.add(key, value)
    assert [(key, value) for key, _, value in spool.merged()] == sorted(values.items())
    assert not list(tmp_path.iterdir()), "the file has no name"
    spool.close()
    shed.close()
    shed.close()


def test_many_spools_hold_no_more_than_one(tmp_path: Path) -> None:
    shed = Shed(tmp_path, 20_000)
    spools = [shed.spool() for _ in range(50)]
    before = len(list(Path("/dev/fd").iterdir()))
    for number in range(2000):
        spools[number % 50].add(b"%d" % (number % 7), b"%5d" % number)
        assert shed.bytes <= 20_000
    assert len(list(Path("/dev/fd").iterdir())) <= before + 1
    for at, spool in enumerate(spools):
        found = {key: values for key, _, values in spool.merged()}
        for key in range(7):
            mine = [number for number in range(at, 2000, 50) if number % 7 == key]
            assert found.get(b"%d" % key, b"") == b"".join(b"%5d" % number for number in mine)
    spools[0].close()
    assert sum(spool.bytes for spool in spools) == shed.bytes
    shed.close()
    assert shed.bytes == 0
