"""The JSON Schemas (draft 2020-12) of the JSON documents: reports, comparisons, explanations, layers, bases, controls, rules, decisions, inputs of policies, what is signed; made from their types.

`python -m hullmark.reports._schema report > docs/reference/report.schema.json` writes one anew; so do the other names.
"""

import inspect
import sys
from typing import Any, NamedTuple

import msgspec

from hullmark.advice import bases
from hullmark.model import compliance, context, decision, diff, explanation, layering, report, rule
from hullmark.scan.attest import predicates


class _Document(NamedTuple):
    version: str
    description: str
    types: tuple[Any, ...]


_DOCUMENTS = {
    "report": _Document(
        report.SCHEMA_VERSION,
        "What `hullmark scan --format json` writes: the report of one image, or of several; what lint and pin --check write is one, too.",
        (report.Report, report.ReportSet),
    ),
    "diff": _Document(
        diff.SCHEMA_VERSION, "What `hullmark diff --format json` writes: how two images differ.", (diff.Diff,)
    ),
    "explanation": _Document(
        explanation.SCHEMA_VERSION,
        "What `hullmark explain --format json` writes: why one image is affected by a flaw or is not, or a list of such for several.",
        (explanation.Explanation, tuple[explanation.Explanation, ...]),
    ),
    "layers": _Document(
        layering.SCHEMA_VERSION,
        "What `hullmark layers --format json` writes: how an image is built up in layers, and what would be better.",
        (layering.Layering,),
    ),
    "bases": _Document(
        bases.SCHEMA_VERSION,
        "What `hullmark bases --format json` writes: on which other bases an image would have fewer findings and bytes.",
        (bases.Bases,),
    ),
    "attestation": _Document(
        predicates.SCHEMA_VERSION,
        "What `hullmark attest --type scan` signs: the predicate of an in-toto statement, a scan's result without its lists.",
        (predicates.ScanResult,),
    ),
    "compliance": _Document(
        compliance.SCHEMA_VERSION,
        "What `hullmark compliance --format json` writes: what a scan says of the controls of frameworks for one image, or a list of such for several.",
        (compliance.Compliance, tuple[compliance.Compliance, ...]),
    ),
    "rules": _Document(
        rule.SCHEMA_VERSION,
        "What `hullmark rules --format json` writes: all rules, or those that are named.",
        (rule.RuleList,),
    ),
    "decision": _Document(
        decision.SCHEMA_VERSION,
        "What `hullmark policy eval --format json` writes, and what stands in a report as `decision`: what policies decided on one image, or a list of such for several.",
        (decision.Decision, tuple[decision.Decision, ...]),
    ),
    "policy-input": _Document(
        report.SCHEMA_VERSION,
        "The `input` of a policy, as `hullmark policy eval --show-input` writes it: the report with what is only not shown in its lists, and `context`.",
        (context.PolicyInput,),
    ),
}
NAMES = tuple(_DOCUMENTS)
_REF = "#/$defs/{name}"


def schema(name: str = "report") -> dict[str, Any]:
    """Give the schema of a document."""
    made = _DOCUMENTS[name]
    tops, components = msgspec.json.schema_components(made.types, ref_template=_REF)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://hullmark.dev/schema/{name}-{made.version}.json",
        "title": f"Hullmark {name} {made.version}",
        "description": made.description,
        "anyOf": list(tops),
        "$defs": {key: _titled(key, part) for key, part in sorted(components.items())},
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


def document(name: str = "report") -> bytes:
    """Give the schema as the file in the documentation."""
    return msgspec.json.format(msgspec.json.encode(schema(name)), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(document(*sys.argv[1:2]))
