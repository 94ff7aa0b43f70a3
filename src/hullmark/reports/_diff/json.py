"""The comparison as JSON: every difference, in the names of docs/reference/diff.schema.json, all of them always there."""

import msgspec

from hullmark.model.diff import Diff
from hullmark.model.look import Look


def render(found: Diff, _look: Look) -> bytes:
    """Encode a comparison; the same two reports give the same bytes."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
