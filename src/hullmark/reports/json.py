"""The JSON report: everything, in the names of docs/reference/report.schema.json.

Each name is always there, so that nobody who reads it needs a guard.
"""

import msgspec

from hullmark.model.look import Look
from hullmark.model.report import Report, ReportSet
from hullmark.model.whole import whole


def render(report: Report | ReportSet, _look: Look) -> bytes:
    """Encode a report; the same report gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(whole(report)), indent=2) + b"\n"
