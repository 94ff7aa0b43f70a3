"""Values as PHP's `serialize` writes them: https://www.php.net/manual/function.serialize.php. No objects: nothing is made of them."""

import re

from hullmark.detectors.detector import MalformedError

Value = str | dict[str, "Value"]

_SCALAR = re.compile(rb"(?:N|[bi]:-?\d+|d:[^;]{1,64});")
_STRING = re.compile(rb's:(\d{1,10}):"')
_ARRAY = re.compile(rb"a:(\d{1,10}):\{")


def parse(body: bytes, max_depth: int) -> Value:
    """Give the value. Arrays become mappings with text keys, numbers and null become text."""
    stack: list[tuple[dict[str, Value], list[str]]] = []
    value: Value | None
    at = 0
    while True:
        value, at = _next(body, at)
        if value is None:
            if len(stack) >= max_depth:
                raise MalformedError("serialised value nested too deeply", f"byte {at}")
            stack.append(({}, []))
            if body[at : at + 1] != b"}":
                continue
            value, at = stack.pop()[0], at + 1
        while stack:
            array, key = stack[-1]
            if not key:
                if not isinstance(value, str):
                    raise MalformedError("not serialised: an array as a key", f"byte {at}")
                key.append(value)
                break
            array[key.pop()] = value
            if body[at : at + 1] != b"}":
                break
            stack.pop()
            value, at = array, at + 1
        if not stack:
            return value


def _next(body: bytes, at: int) -> tuple[str | None, int]:
    """Give the text at a place, or None for an array that starts there, and where it goes on."""
    if found := _STRING.match(body, at):
        end = found.end() + int(found[1])
        if body[end : end + 2] != b'";':
            raise MalformedError("not serialised: a string of another length", f"byte {at}")
        return body[found.end() : end].decode("utf-8", "replace"), end + 2
    if found := _ARRAY.match(body, at):
        return None, found.end()
    if found := _SCALAR.match(body, at):
        return found[0][2:-1].decode("ascii", "replace"), found.end()
    raise MalformedError("not a serialised value", f"byte {at}")
