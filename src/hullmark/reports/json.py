"""The JSON report: everything, in the names of docs/reference/report.schema.json."""

import msgspec

from hullmark.model.look import Look
from hullmark.model.report import Report, ReportSet


def render(report: Report | ReportSet, _look: Look) -> bytes:
    """Encode a report; the same report gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
