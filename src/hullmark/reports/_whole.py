"""Documents as JSON, whatever the names of files in them are."""

from typing import Any

import msgspec


def encoded(value: Any) -> bytes:
    """Encode a document; the same value gives the same bytes."""
    try:
        body = msgspec.json.encode(value)
    except UnicodeEncodeError:  # the name of a file may hold half a character
        body = msgspec.json.encode(_encodable(msgspec.to_builtins(value)))
    return msgspec.json.format(body, indent=2) + b"\n"


def _encodable(value: Any) -> Any:
    """Escape what UTF-8 has no bytes for."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, list | tuple) else value
