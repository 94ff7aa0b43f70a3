import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullmark.model.markdown import code, prose
from reports.pages import github, other

HOSTILE = (
    "www.",
    "@everyone",
    "fixes #123",
    "owner/repo#12",
    "[click](https://evil.example)",
    "![x](https://evil.example/a.png)",
    "https://evil.example",
    "www.evil.example",
    "mail@evil.example",
    "<img src=x onerror=alert(1)>",
    "<!-- gone -->",
    "a | b",
    "a \\| b",
    "back\\",
    "tick ` tock",
    "``` fence",
    "`",
    "``",
    "` @user `",
    "$`x`$",
    ":smile:",
    "1. list",
    "- list",
    "# heading",
    "| --- |",
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "GH-12 JIRA-7",
    "!12 ~label %1.0 &3 $5",
    "*bold* _it_ ~~gone~~",
    "&lt;b&gt; &#64;user",
    "line\n\n# next",
    "\u202e\x1b[2J\ud800\u200b",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("write", [code, prose])
@pytest.mark.parametrize("read", [github, other])
def test_hostile_words_stay_text(text: str, write: object, read: object) -> None:
    assert callable(write)
    assert callable(read)
    page = read(f"| a | b |\n| --- | --- |\n| {write(text)} | end |\n")
    assert page.tags <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    assert len(page.code) == 1
    assert "".join(page.bare).split() == ["a", "b", "end"]


@given(st.text())
def test_any_text_is_one_code_span(text: str) -> None:
    made = code(text, 10_000)
    page = github(f"| a |\n| --- |\n| {made} |\n")
    if not made:
        assert not text.split()
        return
    assert len(page.code) == 1
    assert page.tags <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    if text.isascii() and text.isprintable():
        assert page.code[0].strip() == " ".join(text.split()).replace("|", "\\x7c")


@given(st.text(alphabet="aZ09.,;:'\"()- #@!/<>[]`|\\_*~deadbf&", max_size=60))
def test_prose_is_never_more_than_text(text: str) -> None:
    for page in (github(prose(text)), other(prose(text))):
        assert page.tags <= {"p", "code"}
        assert not page.links
        assert not re.search(r"[@#!/<>\[\]`|\\_*~&]|[A-Z]-\d|[0-9a-f]{7}", "".join(page.bare))


def test_plain_words_are_not_dressed() -> None:
    for text in (
        "Remote code injection in Log4j",
        "A use-after-free in the parser (before 2.16.0).",
        "Debian, or its users' files: all",
        "1 file passed over by --skip-path",
    ):
        assert prose(text) == text


def test_texts_are_cut() -> None:
    assert prose("word " * 250_000, 20).startswith("word word")
    assert len(prose("word " * 250_000, 20)) <= 20
    assert len(code("`" * 1_000_000, 20)) <= 64
    assert code("a" * 30, 10) == "`" + "a" * 9 + "…`"
    assert code("") == code(" \n") == prose("\t") == ""
