"""The layers as JSON, in the names of docs/reference/layers.schema.json, all of them always there."""

import msgspec

from hullmark.model.layering import Layering
from hullmark.model.look import Look


def render(found: Layering, _look: Look) -> bytes:
    """Encode the layers of an image; the same image gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
