"""JSON documents of others, in which one impossible number must not cost the rest."""

import json
from typing import Any

import msgspec

_MOST_DIGITS = 300  # what a double holds


def decode(body: bytes) -> Any:
    """Decode a document (RFC 8259); a number beyond what a double holds is read as None.

    Raises `msgspec.DecodeError` or `UnicodeError` for what is not JSON, `RecursionError` for what is nested too deeply.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError:  # without a type to fit, only numbers are refused so
        pass
    try:
        return json.loads(body, parse_int=_number, parse_float=_number, parse_constant=_refuse)
    except json.JSONDecodeError as problem:
        raise msgspec.DecodeError(str(problem)) from problem


def _number(text: str) -> int | float | None:
    if len(text) > _MOST_DIGITS:
        return None
    number = int(text) if text.lstrip("-").isdigit() else float(text)
    return number if abs(number) != float("inf") else None


def _refuse(name: str) -> None:
    raise msgspec.DecodeError(f"{name} is not JSON")
