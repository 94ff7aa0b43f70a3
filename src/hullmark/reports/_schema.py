"""The JSON Schema (draft 2020-12) of the JSON report, made from its types.

`python -m hullmark.reports._schema > docs/reference/report.schema.json` writes it anew.
"""

import sys
from typing import Any

import msgspec

from hullmark.model.report import SCHEMA_VERSION, Report, ReportSet

REF = "#/$defs/{name}"


def schema() -> dict[str, Any]:
    """Give the schema: a document is the report of one image, or of several."""
    tops, components = msgspec.json.schema_components((Report, ReportSet), ref_template=REF)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Hullmark report {SCHEMA_VERSION}",
        "description": "What `hullmark scan --format json` writes: the report of one image, or of several.",
        "oneOf": list(tops),
        "$defs": dict(sorted(components.items())),
    }


def document() -> bytes:
    """Give the schema as the file in the documentation."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(document())
