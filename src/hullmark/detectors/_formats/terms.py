"""Erlang and Elixir terms as text (`mix.lock`, `rebar.lock`, `*.app`): read as data, never evaluated.

Tuples, lists and maps all become lists; strings, binaries, atoms, numbers and all else that is a word become texts. A
map's or keyword's key is an item like any other, followed by its value.
"""

import re
from typing import Any

from hullmark.detectors.detector import MalformedError

Term = Any

_GRAMMAR = (
    r"(?P<skip>(?:[\s,]++|=>|COMMENT[^\n]*+|%(?=\{))++)"
    r"|(?P<open>[\[{])"
    r"|(?P<close>[\]}])"
    r"|(?P<binary><<\"(?P<inner>[^\"\\]*(?:\\.[^\"\\]*)*)\"(?:/utf8)?>>)"
    r"|(?P<key>[A-Za-z_][\w@?!]*:(?=\s))"
    r"|\"(?P<string>[^\"\\]*(?:\\.[^\"\\]*)*)\"(?P<colon>:(?=\s))?"
    r"|:?'(?P<quoted>[^'\\]*(?:\\.[^'\\]*)*)'"
    r"|:\"(?P<sigil>[^\"\\]*(?:\\.[^\"\\]*)*)\""
    r"|(?P<empty><<>>)"
    r"|(?P<stop>\.(?=\s|$))"
    r"|:?(?P<word>[A-Za-z0-9_+-][\w@?!.+-]*?)(?=\.?(?:[\s,\[\]{}=%]|$))"
)
_TOKENS = {comment: re.compile(_GRAMMAR.replace("COMMENT", comment), re.DOTALL) for comment in "#%"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MAX_TERMS = 200_000
_ESCAPED = {"binary": "inner", "string": "string", "colon": "string"}
"""The alternatives that may hold escapes, and the group that is their content."""
_PAIRS = {"[": "]", "{": "}"}


def parse(text: str, comment: str, max_depth: int) -> list[Term]:
    """Give the terms of a text. `comment` is the mark after which the rest of a line is none of it."""
    if sum(map(text.count, "[{, \n")) > _MAX_TERMS:
        raise MalformedError(f"more than {_MAX_TERMS} terms")
    top: list[Term] = []
    stack: list[list[Term]] = [top]
    closers: list[str] = []
    token, at = _TOKENS[comment].match, 0
    while found := token(text, at):
        at = found.end()
        kind = found.lastgroup
        if kind in {"skip", "stop"}:
            continue
        if kind == "open":
            if len(stack) > max_depth:
                raise MalformedError("terms nested too deeply", _place(text, at))
            inner: list[Term] = []
            stack[-1].append(inner)
            stack.append(inner)
            closers.append(_PAIRS[found[0]])
        elif kind == "close":
            if not closers or closers.pop() != found[0]:
                raise MalformedError("unbalanced brackets", _place(text, at))
            stack.pop()
        else:
            stack[-1].append(_value(found, str(kind)))
    if at < len(text):
        raise MalformedError("not a term", _place(text, at))
    if closers:
        raise MalformedError("ends inside a term")
    return top


def _place(text: str, at: int) -> str:
    return f"line {text.count(chr(10), 0, at) + 1}"


def _value(found: re.Match[str], kind: str) -> str:
    if kind in _ESCAPED:
        content: str = found[_ESCAPED[kind]]
        return _ESCAPE.sub(r"\1", content) if "\\" in content else content
    if kind == "key":
        return found[0][:-1]
    return "" if kind == "empty" else found[kind]
