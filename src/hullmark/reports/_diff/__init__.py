"""What differs between two reports, as documents. Each module is a form of its own: `render(diff, look) -> bytes`."""

import importlib

from hullmark.model.diff import Diff
from hullmark.model.look import Look
from hullmark.model.printable import encodable

FORMATS = ("json", "markdown", "table")


def render(name: str, found: Diff, look: Look | None = None) -> bytes:
    """Render a comparison in the format of that name."""
    module = importlib.import_module(f"{__name__}.{name}")
    body: bytes = module.render(encodable(found), look or Look())
    return body
