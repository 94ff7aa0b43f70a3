"""How an image is layered, as documents. Each module is a form of its own: `render(layering, look) -> bytes`."""

import importlib

from hullmark.model.layering import Layering
from hullmark.model.look import Look
from hullmark.model.printable import encodable

FORMATS = ("html", "json", "table")


def render(name: str, found: Layering, look: Look | None = None) -> bytes:
    """Render the layers of an image in the format of that name."""
    module = importlib.import_module(f"{__name__}.{name}")
    body: bytes = module.render(encodable(found), look or Look())
    return body
