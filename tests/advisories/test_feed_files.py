"""The forms of a feed's files: plain, packed, damaged."""

import bz2
from pathlib import Path

import pytest

from conftest import GOLDEN
from hullmark.advisories.feed import documents
from hullmark.advisories.feeds.oracle import FEED
from hullmark.model.facts import Unread

ELSA = GOLDEN / "feeds/oracle/elsa/oracle"


def test_oracle_is_read_as_oracle_publishes_it(tmp_path: Path) -> None:
    plain = sorted(ELSA.glob("*.xml"))
    (tmp_path / "oracle").mkdir()
    for path in plain:
        half = path.stat().st_size // 2
        body = path.read_bytes()
        # bzip2 programs that use several processors write several streams, one behind the other
        (tmp_path / "oracle" / f"{path.name}.bz2").write_bytes(
            bz2.compress(body[:half]) + bz2.compress(body[half:])
        )
    found = [*FEED.parse(documents(tmp_path, FEED.files))]
    assert found
    assert found == [*FEED.parse(documents(ELSA.parent, FEED.files))]


@pytest.mark.parametrize("cut", [slice(0, -20), slice(4, None)], ids=["cut short", "no bzip2"])
def test_a_damaged_bzip2_file_is_unread(tmp_path: Path, cut: slice) -> None:
    (tmp_path / "oracle").mkdir()
    packed = bz2.compress((ELSA / "per_arch.xml").read_bytes())
    (tmp_path / "oracle/com.oracle.elsa-all.xml.bz2").write_bytes(packed[cut])
    *_, last = FEED.parse(documents(tmp_path, FEED.files))
    assert isinstance(last, Unread)
    assert last.path == "oracle/com.oracle.elsa-all.xml"
    assert "not an OVAL document" in last.reason
