"""The spool gives back what was put in, by key, whatever part of it had to wait on the disk."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullmark.advisories.spool import Spool

ENTRIES = st.lists(st.tuples(st.binary(max_size=5), st.binary(min_size=1, max_size=40)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(entries=ENTRIES, held_bytes=st.sampled_from([0, 300, 2000, 1 << 20]))
def test_values_come_back_by_key_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[bytes, bytes]], held_bytes: int
) -> None:
    spool = Spool(tmp_path_factory.getbasetemp(), held_bytes)
    wanted: dict[bytes, list[bytes]] = {}
    for key, value in entries:
        spool.add(key, value)
        wanted.setdefault(key, []).append(value)
    expected = [(key, len(values), b"".join(values)) for key, values in sorted(wanted.items())]
    assert list(spool.merged()) == expected
    assert list(spool.merged()) == expected, "it can be asked again"
    spool.close()


def test_values_larger_than_what_is_read_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100)
    values = {bytes([n]): os.urandom(700_000 + n) for n in range(5)}
    for key, value in values.items():
        spool.add(key, value)
    assert [(key, value) for key, _, value in spool.merged()] == sorted(values.items())
    assert not list(tmp_path.iterdir()), "the file has no name"
    spool.close()
    spool.close()
