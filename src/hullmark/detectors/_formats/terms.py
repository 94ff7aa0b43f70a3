"""Erlang and Elixir terms as text (`mix.lock`, `rebar.lock`, `*.app`): read as data, never evaluated.

Tuples, lists and maps all become lists; strings, binaries, atoms, numbers and all else that is a word become texts. A
map's or keyword's key is an item like any other, followed by its value.
"""

import re
from typing import Any

from hullmark.detectors.detector import MalformedError

Term = Any

_TOKEN = re.compile(
    r"(?P<skip>[\s,]+|=>|%(?=\{))"
    r"|(?P<open>[\[{])"
    r"|(?P<close>[\]}])"
    r"|(?P<binary><<\"(?P<inner>[^\"\\]*(?:\\.[^\"\\]*)*)\"(?:/utf8)?>>)"
    r"|(?P<key>[A-Za-z_][\w@?!]*:(?=\s))"
    r"|\"(?P<string>[^\"\\]*(?:\\.[^\"\\]*)*)\"(?P<colon>:(?=\s))?"
    r"|:?'(?P<quoted>[^'\\]*(?:\\.[^'\\]*)*)'"
    r"|:\"(?P<sigil>[^\"\\]*(?:\\.[^\"\\]*)*)\""
    r"|(?P<empty><<>>)"
    r"|(?P<stop>\.(?=\s|$))"
    r"|:?(?P<word>[A-Za-z0-9_+-][\w@?!.+-]*?)(?=\.?(?:[\s,\[\]{}=%]|$))",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PAIRS = {"[": "]", "{": "}"}


def parse(text: str, comment: str, max_depth: int) -> list[Term]:
    """Give the terms of a text. `comment` is the mark after which the rest of a line is none of it."""
    top: list[Term] = []
    stack: list[list[Term]] = [top]
    closers: list[str] = []
    at = 0
    while at < len(text):
        if text.startswith(comment, at):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        found = _TOKEN.match(text, at)
        if found is None:
            raise MalformedError("not a term", f"line {text.count(chr(10), 0, at) + 1}")
        at = found.end()
        kind = found.lastgroup
        if kind in {"skip", "stop"}:
            continue
        if kind == "open":
            if len(stack) > max_depth:
                raise MalformedError("terms nested too deeply", f"line {text.count(chr(10), 0, at) + 1}")
            inner: list[Term] = []
            stack[-1].append(inner)
            stack.append(inner)
            closers.append(_PAIRS[found[0]])
        elif kind == "close":
            if not closers or closers.pop() != found[0]:
                raise MalformedError("unbalanced brackets", f"line {text.count(chr(10), 0, at) + 1}")
            stack.pop()
        else:
            stack[-1].append(_value(found))
    if closers:
        raise MalformedError("ends inside a term")
    return top


def _value(found: re.Match[str]) -> str:
    for group in ("inner", "string"):
        if found[group] is not None:
            return _ESCAPE.sub(r"\1", found[group])
    for group in ("quoted", "sigil", "word"):
        if found[group] is not None:
            return found[group]
    return found["key"][:-1] if found["key"] else ""
