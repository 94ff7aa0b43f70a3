"""Which words of an instruction ask for a here-document, as BuildKit sees them: a word of its own that begins with `<<`.

So `<<EOF;` is ended by `EOF;`, and a line with an odd quote has none. BuildKit's `heredocsFromLine` in `frontend/dockerfile/parser/parser.go`.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from hullmark.detectors.config.dockerfile._expand import Lexer, MalformedError, unquote
from hullmark.detectors.config.dockerfile.words import SPACES

_PLAIN = re.compile(rf"[^'\"$\\<{SPACES}]+")
_OPERATOR = re.compile(r"<<[\t\r ]*")
_ASKED_IN_SCRIPT = re.compile(rb"(?<!<)<<(?!<)(-?)[\t ]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([\w.,:+!@%-]+))")
_HEREDOC = re.compile(r"[0-9]*<<(-?)[\t\n\f\r ]*([^<]*)\Z")


class Opening(NamedTuple):
    """`<<NAME` from `start` to `end`."""

    start: int
    end: int
    name: str
    expand: bool
    strip_tabs: bool


def openings(text: str) -> list[Opening]:
    """Find those of a line, in order."""
    if "<<" not in text:
        return []
    try:
        found = [opening(text, start, end) for start, end in _words(text)]
    except MalformedError:
        return []
    return [one for one in found if one]


def opening(text: str, start: int, end: int) -> Opening | None:
    """Tell whether a word asks for a here-document."""
    found = _HEREDOC.match(text[start:end])
    if not found or not found[2]:
        return None
    name = unquote(found[2])
    if not name:
        return None
    expand = _quotes(name) == _quotes(found[2])
    return Opening(start, end, name, expand, found[1] == "-")


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')


def _words(text: str) -> Iterator[tuple[int, int]]:
    lexer = Lexer(text, None, "\\")
    start = -1
    while lexer.at < len(text):
        char = text[lexer.at]
        if char in SPACES:
            if start >= 0:
                yield start, lexer.at
            start = -1
            lexer.at += 1
            continue
        if start < 0:
            start = lexer.at
        _step(lexer, char)
    if start >= 0:
        yield start, len(text)


def _step(lexer: Lexer, char: str) -> None:
    if char == "'":
        lexer.single()
    elif char == '"':
        lexer.double(raw=True)
    elif char == "$":
        lexer.dollar()
    elif char == "\\":
        lexer.at = min(lexer.at + 2, len(lexer.text))
    else:
        found = (_OPERATOR if char == "<" else _PLAIN).match(lexer.text, lexer.at)
        lexer.at = found.end() if found else lexer.at + 1


def hidden(script: bytes) -> tuple[bytes, list[Opening]]:
    """Blank out the here-documents within a shell script, each `<<EOF` made another redirect; the length stays. What it asks for is told in bytes.

    Whether `<<` stands in quotes is not looked at: this is for scripts that the grammar cannot read with them in.
    """
    lines = script.split(b"\n")
    ends: dict[tuple[bool, bytes], list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        ends[False, line].append(number)
        ends[True, line.lstrip(b"\t")].append(number)
    found: list[Opening] = []
    parts: list[bytes] = []
    offset = number = 0
    while number < len(lines):
        first = bytearray(lines[number])
        last = number
        for asked in _ASKED_IN_SCRIPT.finditer(lines[number]):
            name = asked[2] or asked[3] or asked[4]
            places = ends.get((bool(asked[1]), name), [])
            index = bisect_right(places, last)
            if index == len(places):
                continue
            last = places[index]
            start, end = asked.span()
            first[start + 1 : end] = b"_" * (end - start - 1)
            text = name.decode("utf-8", "replace")
            found.append(Opening(offset + start, offset + end, text, asked[4] is not None, bool(asked[1])))
        parts += [bytes(first), *(b" " * len(body) for body in lines[number + 1 : last + 1])]
        offset += sum(len(each) + 1 for each in lines[number : last + 1])
        number = last + 1
    return b"\n".join(parts), found
