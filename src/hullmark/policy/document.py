"""The input of a policy: a report with what is only hidden put back, and the context; as JSON, and its schema."""

import datetime as dt
import functools
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from hullmark.model.context import Context, PolicyInput
from hullmark.model.report import Report
from hullmark.model.whole import whole

_REF = "#/$defs/{name}"


def document(report: Report, context: Context) -> bytes:
    """Give the input in JSON. `decision` is null in it: the same report gives the same input, whether it was decided before or not, just made or read again.

    Every name is there, as in the report: what a policy asks for is never undefined where it stands in the schema.
    """
    told = whole(unfiltered(report))
    fields = {name: getattr(told, name) for name in told.__struct_fields__}
    return msgspec.json.encode(PolicyInput(**fields | {"decision": None}, context=context))


def unfiltered(report: Report) -> Report:
    """Put back into the lists what a flag only keeps from being shown (`Suppressed.gated`): a policy decides over all."""
    hidden = [one.finding for one in report.suppressed if one.gated]
    secrets = [one.secret for one in report.silenced if one.gated and one.secret is not None]
    config = [one.config for one in report.silenced if one.gated and one.config is not None]
    if not (hidden or secrets or config):
        return report
    return replace(
        report,
        findings=(*report.findings, *hidden),
        secrets=(*report.secrets, *secrets),
        config=(*report.config, *config),
    )


def context_of(report: Report, known: Mapping[str, Any]) -> Context:
    """Give the context of a report: what it tells of itself, and over it what the caller knows. Raises `msgspec.ValidationError`."""
    from hullmark.images.reference import parse
    from hullmark.model.errors import HullmarkError

    image = report.image
    told: dict[str, Any] = {"as_of_ns": nanoseconds(report.as_of)}
    if image is not None:
        labels = (
            image.config.get("config", {}).get("Labels")
            if isinstance(image.config.get("config"), dict)
            else None
        )
        if isinstance(labels, dict):
            told["labels"] = {str(name): str(value) for name, value in labels.items()}
        told |= {"reference": image.name, "digest": image.digest}
        if image.source == "registry":
            try:
                name = parse(image.name)
            except HullmarkError:
                pass
            else:
                told |= {"registry": name.host, "repository": name.repository, "tag": name.tag}
    context = msgspec.convert(told, Context)
    if not known:
        return context
    return msgspec.convert(asdict(context) | dict(known), Context, from_attributes=True)


def nanoseconds(text: str) -> int:
    """Give a time (RFC 3339) in nanoseconds since 1970."""
    moment = dt.datetime.fromisoformat(text)
    since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)) - dt.datetime(
        1970, 1, 1, tzinfo=dt.UTC
    )
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


@functools.cache
def input_schema() -> dict[str, Any]:
    """Give the JSON Schema of the input: one object with `$defs`."""
    (top,), parts = msgspec.json.schema_components((PolicyInput,), ref_template=_REF)
    return {**parts[top["$ref"].rpartition("/")[2]], "$defs": parts}
