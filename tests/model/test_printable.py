import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.model import printable as printable_module
from hullmark.model.printable import columns, cut, printable, wrapped

ANY = st.text(st.characters(codec=None))  # lone surrogates as well


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("openssl 1.1.1k", "openssl 1.1.1k"),
        ("ü 漢字 é", "ü 漢字 é"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("a\nb\r\tc\x00\x7f", "a\\x0ab\\x0d\\x09c\\x00\\x7f"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\u200bzero\ufeff", "\\u200bzero\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u2028\u2029", "\\u2028\\u2029"),
    ],
)
def test_printable(text: str, expected: str) -> None:
    assert printable(text) == expected


@given(ANY)
def test_nothing_that_a_terminal_acts_on_remains(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert not any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} for sign in shown)
    assert not any(
        unicodedata.bidirectional(sign) in {"RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"}
        for sign in shown
    )
    assert printable(shown) == shown


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("", 0)])
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width


@given(ANY.map(printable), st.integers(0, 30))
def test_what_is_cut_fits_and_says_so(text: str, width: int) -> None:
    for ellipsis in ("…", "..."):
        shown = cut(text, width, ellipsis)
        assert shown == text or columns(shown) <= max(width, columns(ellipsis))
        if columns(text) <= width:
            assert shown == text


@given(st.text("abc 漢", max_size=60), st.integers(2, 20))
def test_wrapped_lines_fit_and_lose_no_letter(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(columns(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_what_counts_as_narrow_takes_one_column() -> None:
    signs = [chr(code) for code in range(0x3000) if printable_module._NARROW.fullmatch(chr(code))]
    assert len(signs) > 800
    for sign in signs:
        assert unicodedata.east_asian_width(sign) not in "WF", ascii(sign)
        assert unicodedata.category(sign) not in {"Mn", "Me", "Cf"}, ascii(sign)
    assert not printable_module._NARROW.fullmatch("\xad")


@given(st.text(), st.integers(0, 30))
def test_the_short_way_to_cut_gives_what_the_long_one_does(text: str, width: int) -> None:
    marked = f"{text} · …"
    short = cut(printable(marked), width)
    assert columns(short) <= max(width, 0)
    assert columns(printable(marked)) == sum(map(printable_module._columns, printable(marked)))
