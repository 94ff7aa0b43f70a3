"""All that is said of a package comes back as it was put in, whichever of its columns are the same in all rows."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.advisories.statements import More, Row, holding, pack, rows, unpack

TEXTS = st.sampled_from(["", "1", "2", "10"])


def _keyed(text: str) -> bytes | None:
    return text.encode() if text not in {"", "10"} else None


@st.composite
def _rows(draw: st.DrawFn) -> Row:
    shared = (
        draw(st.sampled_from(["CVE-1", "CVE-2", "DSA-1"])),
        draw(st.integers(0, 2**32 - 1)),
        draw(st.booleans()),
        draw(st.integers(0, 1)),
        draw(st.integers(0, 4)),
        draw(st.integers(0, 5)),
    )
    more = draw(st.none() | st.builds(More, note=TEXTS, arches=st.tuples(TEXTS)))
    if draw(st.booleans()):
        return Row(*shared, listed=tuple(draw(st.lists(TEXTS))), more=more)
    start, fixed = draw(TEXTS), draw(TEXTS)
    last = "" if fixed else draw(TEXTS)
    undecided = draw(st.booleans())
    return Row(
        *shared, start, fixed, last, _keyed(start), _keyed(fixed or last), undecided=undecided, more=more
    )


@given(st.lists(_rows(), min_size=1, max_size=12))
def test_rows_come_back(given_rows: list[Row]) -> None:
    piece = unpack(pack(given_rows))
    assert rows(piece) == given_rows
    everything = [
        statement
        for scope in ("binary", "source")
        for statement in holding(piece, "p", scope, None, "", keyed=False)
    ]
    assert sorted((each.advisory, each.mark) for each in everything) == sorted(
        (row.advisory, row.mark) for row in given_rows
    )


def test_a_column_that_is_the_same_in_all_rows_is_one_value() -> None:
    same = [Row(f"CVE-{n}", n, False, 1, 0, 2, "", "2", "", None, b"2") for n in range(300)]
    piece = unpack(pack(same))
    assert (piece.texts, piece.keys) == (["2"], [b"2"])
    assert isinstance(piece.flags, int)
    assert isinstance(piece.fixed, int)
    assert len(pack(same)) < 300 * 16


@pytest.mark.parametrize("wrong", [4096, [0], [4096, 4096]])
@pytest.mark.parametrize("column", ["fixed", "listed", "more", "flags", "introduced"])
def test_pieces_that_contradict_themselves(column: str, wrong: int | list[int]) -> None:
    sound = unpack(pack([Row("A", 1, False, 0, 0, 0, "", "2", "", None, b"2")] * 2))
    piece = msgspec.structs.replace(sound, **{column: wrong})
    with pytest.raises((IndexError, ValueError)):
        holding(piece, "p", "binary", b"1", "1")
