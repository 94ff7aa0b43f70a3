"""The comparison as JSON: every difference, in the names of `hullmark.model.diff`, all of them always there."""

from typing import Any

import msgspec

from hullmark.model.diff import Diff
from hullmark.model.look import Look


def render(found: Diff, _look: Look) -> bytes:
    """Encode a comparison; the same two reports give the same bytes."""
    try:
        body = msgspec.json.encode(found)
    except UnicodeEncodeError:  # no text of a document that was read holds half a character
        body = msgspec.json.encode(_encodable(msgspec.to_builtins(found)))
    return msgspec.json.format(body, indent=2) + b"\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(name): _encodable(each) for name, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, list | tuple) else value
