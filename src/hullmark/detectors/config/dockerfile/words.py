"""How the arguments of an instruction fall into words: at blanks, at blanks outside quotes, or as a JSON array.

As BuildKit's `frontend/dockerfile/parser` does it. All give offsets in the text, so that each word's place is known.
"""

import re
from typing import NamedTuple

import msgspec

# What Go's unicode.IsSpace takes for one; Python's own idea has four control characters more.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

BLANKS = re.compile(r"[\t\v\f\r ]+")
_UNBLANK = re.compile(r"[^\t\v\f\r ]+")
_QUOTED = {
    escape: re.compile(
        rf"""(?:[^{SPACES}'"{re.escape(escape)}]|{re.escape(escape)}(?:.|\Z)|'[^']*(?:'|\Z)|"""
        rf""""(?:[^"{re.escape(escape)}]|{re.escape(escape)}.)*+(?:"|{re.escape(escape)}?\Z))++""",
        re.DOTALL,
    )
    for escape in "\\`"
}
_JSON_BLANK = re.compile(r"[ \t\r\n]*+")
_JSON_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')

_MEANT = re.compile(r"""\[\s*(?:(?:"[^"]*"|'[^']*'|[^\s"',]+)\s*,|'[^']*'\]\Z)""")
_LONGEST_GUESS = 10_000


class Piece(NamedTuple):
    """One word of a text."""

    start: int
    end: int


class String(NamedTuple):
    """One string of a JSON array: with its quotes from `start` to `end`, and what it says."""

    start: int
    end: int
    value: str


class NotStringsError(ValueError):
    """A JSON array that holds something else than strings, which BuildKit refuses rather than taking it for words."""


def skip_spaces(text: str, at: int, end: int) -> int:
    """Give where the next character stands that is no white space."""
    while at < end and text[at] in SPACES:
        at += 1
    return at


def blank_words(text: str, start: int, end: int) -> list[Piece]:
    """Split at blanks, whatever is quoted."""
    return [Piece(*found.span()) for found in _UNBLANK.finditer(text, start, end)]


def quoted_words(text: str, start: int, end: int, escape: str) -> list[Piece]:
    """Split at white space that is neither quoted nor escaped. A quote without its end reaches to the end."""
    return [Piece(*found.span()) for found in _QUOTED[escape].finditer(text, start, end)]


def json_strings(text: str, start: int, end: int) -> list[String] | None:
    """Read a JSON array of strings, None where the text is none."""
    start = skip_spaces(text, start, end)
    if text[start : start + 1] != "[":
        return None
    strings = _strings(text, start + 1, end)
    if strings is None and _is_array(text[start:end]):
        raise NotStringsError
    return strings


def _strings(text: str, at: int, end: int) -> list[String] | None:
    strings: list[String] = []
    at = _skip(text, at, end)
    if text[at : at + 1] == "]":
        return strings if _skip(text, at + 1, end) == end else None
    while found := _JSON_STRING.match(text, at, end):
        strings.append(String(found.start(), found.end(), json_value(found[0])))
        at = _skip(text, found.end(), end)
        if text[at : at + 1] == "]":
            return strings if _skip(text, at + 1, end) == end else None
        if text[at : at + 1] != ",":
            return None
        at = _skip(text, at + 1, end)
    return None


def _skip(text: str, at: int, end: int) -> int:
    found = _JSON_BLANK.match(text, at, end)
    return found.end() if found else at


def json_value(string: str) -> str:
    """Give what a JSON string says."""
    if "\\" not in string:
        return string[1:-1]
    try:
        value: str = msgspec.json.decode(string, type=str)
    except msgspec.DecodeError:  # half a surrogate pair, which Go replaces
        return re.sub(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", "\ufffd", string[1:-1])
    return value


def _is_array(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), list)
    except (msgspec.DecodeError, RecursionError):
        return False


def looks_like_json(text: str) -> bool:
    """Tell whether somebody meant a JSON array where there is none: in brackets, with quotes of the wrong kind or with commas.

    `[ "$a" = b ]`, a test of the shell, is not meant to be one.
    """
    text = text.strip(SPACES)
    if not (text.startswith("[") and text.endswith("]")) or len(text) > _LONGEST_GUESS:
        return False
    return bool(_MEANT.match(text))
