"""JSON documents of statements: decoded within their types, each error with its line, no key twice."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from hullmark.model.errors import UsageError

_BYTE = re.compile(r"\(byte (\d+)\)")
_TOKEN = re.compile(rb'("(?:[^"\\]|\\.)*+")\s*(:)?|[{}]')
"""A text, and whether it is a key; the begin and the end of an object."""
_Kind = TypeVar("_Kind")


class _TwiceError(ValueError):
    """A key stands twice in an object: which of the two counts is anybody's guess (RFC 8259, section 4)."""


def decoded(body: bytes, kind: type[_Kind], name: str) -> _Kind:
    """Decode a whole document. Raises `UsageError` with file and, where the decoder knows it, line."""
    mark = body[:3] == b"\xef\xbb\xbf"
    try:
        made = msgspec.json.decode(body[3:] if mark else body, type=kind)
        json.loads(body, object_pairs_hook=_once)
    except _TwiceError as problem:
        raise UsageError(_said(problem), where=f"{name}:{_line_of_second(body)}") from problem
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        place = _BYTE.search(str(problem))
        at = int(place[1]) + 3 * mark if place else getattr(problem, "start", -1)
        line = body.count(b"\n", 0, at) + 1 if at >= 0 else 0
        raise UsageError(_said(problem), where=f"{name}:{line}" if line else name) from problem
    return made


def part(body: bytes, kind: type[_Kind], name: str, line: int) -> _Kind:
    """Decode a part of a document that begins on a line. Raises `UsageError`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise UsageError(_said(problem), where=f"{name}:{line}") from problem


def with_lines(body: bytes, parts: Sequence[msgspec.Raw]) -> Iterator[tuple[int, bytes]]:
    """Give the parts of a list, each with the line on which it begins."""
    at, line, counted = 0, 1, 0
    for raw in parts:
        part = bytes(raw)
        at = body.find(part, at)
        line += body.count(b"\n", counted, at)
        counted = at
        at += len(part)
        yield line, part


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _TwiceError(f"the key {twice[:60]!r} stands twice")


def _line_of_second(body: bytes) -> int:
    """Find the line of a key that stands twice in an object of a document that is JSON."""
    keys: list[set[str]] = []
    for token in _TOKEN.finditer(body):
        if token[0] == b"{":
            keys.append(set())
        elif token[0] == b"}":
            keys.pop()
        elif token[2] is not None:
            if (key := json.loads(token[1])) in keys[-1]:
                return body.count(b"\n", 0, token.start()) + 1
            keys[-1].add(key)
    return 1


def _said(problem: Exception) -> str:
    if isinstance(problem, RecursionError):
        return "cannot be read: nested too deeply"
    return f"cannot be read: {problem}"
