"""The comparison as JSON: every difference, in the names of docs/reference/diff.schema.json, all of them always there."""

from hullmark.model.diff import Diff
from hullmark.model.look import Look
from hullmark.reports._whole import encoded


def render(found: Diff, _look: Look) -> bytes:
    """Encode a comparison; the same two reports give the same bytes."""
    return encoded(found)
