"""JSON documents of statements: decoded within their types, each error with its line."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from hullmark.model.errors import UsageError

_BYTE = re.compile(r"\(byte (\d+)\)")
_Kind = TypeVar("_Kind")


def decoded(body: bytes, kind: type[_Kind], name: str) -> _Kind:
    """Decode a whole document. Raises `UsageError` with file and, where the decoder knows it, line."""
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        place = _BYTE.search(str(problem))
        line = body.count(b"\n", 0, int(place[1])) + 1 if place else 0
        raise UsageError(f"cannot be read: {problem}", where=f"{name}:{line}" if line else name) from problem


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


def text_of(value: Any) -> str:
    """Give a text, empty for whatever is none."""
    return value if isinstance(value, str) else ""
