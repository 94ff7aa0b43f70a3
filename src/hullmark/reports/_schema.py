"""The JSON Schema (draft 2020-12) of the JSON report, made from its types.

`python -m hullmark.reports._schema > docs/reference/report.schema.json` writes it anew.
"""

import inspect
import sys
from typing import Any

import msgspec

from hullmark.model.report import SCHEMA_VERSION, Report, ReportSet

ID = f"https://hullmark.dev/schema/report-{SCHEMA_VERSION}.json"
_REF = "#/$defs/{name}"


def schema() -> dict[str, Any]:
    """Give the schema: a document is the report of one image, or of several."""
    tops, components = msgspec.json.schema_components((Report, ReportSet), ref_template=_REF)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": f"Hullmark report {SCHEMA_VERSION}",
        "description": "What `hullmark scan --format json` writes: the report of one image, or of several.",
        "anyOf": list(tops),
        "$defs": {name: _titled(name, part) for name, part in sorted(components.items())},
    }


def _titled(name: str, part: dict[str, Any]) -> dict[str, Any]:
    made = {"title": name, **part}
    if "description" in part:
        made["description"] = inspect.cleandoc(part["description"])
    if "properties" in part:
        made["required"] = list(
            part["properties"]
        )  # each is written, whether there is something to say or not
    return made


def document() -> bytes:
    """Give the schema as the file in the documentation."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(document())
