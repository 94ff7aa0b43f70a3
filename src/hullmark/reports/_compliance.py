"""Images against the controls of frameworks: a table for people, JSON, CSV for an auditor's spreadsheet, Markdown for a ticket."""

import csv
import io
from collections.abc import Iterator, Sequence

import msgspec

from hullmark.model.cells import cell
from hullmark.model.compliance import Compliance, Control, Framework, Proof
from hullmark.model.look import Look
from hullmark.model.markdown import code, prose
from hullmark.model.words import amount
from hullmark.reports._terminal import BOLD, Text

FORMATS = ("table", "json", "csv", "markdown")
COLUMNS = (
    *("image", "digest", "platform", "as_of", "policies", "framework", "control", "title", "status", "why"),
    *("evidence", "severity", "finding", "package", "place", "rules", "message", "fix"),
    *("excepted_by", "owner", "reason", "expires", "count"),
)
"""The header of the CSV. Names stay and keep their meaning; new ones come at the end."""
_STATUS = {"failed": "failed", "passed": "passed", "not_checked": "not checked"}
_COLOURS = {"failed": "31", "passed": "32", "not_checked": "33"}
_NAMED = 3
_WHYS = 3


def render(name: str, found: Sequence[Compliance], look: Look) -> bytes:
    """Render it in the format of that name."""
    if name == "json":
        whole = found[0] if len(found) == 1 else tuple(found)
        return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"
    if name == "csv":
        return _csv(found)
    if name == "markdown":
        return ("\n".join(line for each in found for line in _markdown(each)) + "\n").encode()
    text = Text(look)
    return text.encoded(line for each in found for line in _lines(each, text))


def summary(framework: Framework) -> str:
    """Say how many controls of a framework failed, passed, and were not checked."""
    return f"{framework.failed} failed, {framework.passed} passed, {framework.not_checked} not checked"


def _lines(found: Compliance, text: Text) -> Iterator[str]:
    yield text.paint(text.joined([text.plain(found.image), found.platform, found.digest[:19]]), BOLD)
    yield f"as of {found.as_of}, by {text.plain(', '.join(found.policies))}"
    if found.error:
        yield text.plain(f"the policies could not be evaluated: {found.error}")
    for framework in found.frameworks:
        yield ""
        yield text.paint(f"{framework.title}: {summary(framework)}", BOLD)
        wide = max((len(_number(control)) for control in framework.controls), default=0)
        for control in framework.controls:
            status = text.paint(f"{_STATUS[control.status]:<11}", _COLOURS[control.status])
            yield f"  {status}  {text.plain(_number(control)):<{wide}}  {text.plain(control.title)}"
            yield from (f"    {text.plain(line)}" for line in _evidence(control))
    yield ""
    yield "What is failed, passed or not checked is what a scan of the image can tell, which is a part of what each control asks for."


def _number(control: Control) -> str:
    return control.id.partition(" ")[2] or control.id


def _evidence(control: Control) -> Iterator[str]:
    """Give the lines below a control: what speaks against it, why nobody knows, who looked, what is excepted."""
    for proof in control.proofs[:_NAMED]:
        yield _said(proof)
    if control.failures > _NAMED:
        yield f"and {control.failures - _NAMED:,} more"
    if control.status != "passed":
        prefix = "" if control.status == "not_checked" else "not all was looked at: "
        yield from (f"{prefix}{why}" for why in control.why[:_WHYS])
        if len(control.why) > _WHYS:
            yield f"and {len(control.why) - _WHYS:,} more reasons"
    else:
        yield f"looked: {looked(control)}"
    for proof in control.excepted[:_NAMED]:
        yield f"excepted {_exception(proof)}: {proof.message}"
    if control.exceptions > _NAMED:
        yield f"and {control.exceptions - _NAMED:,} more excepted"


def looked(control: Control) -> str:
    """Say which rules looked."""
    names = list(control.looked[:_NAMED])
    if len(control.looked) > _NAMED:
        names.append(f"{len(control.looked) - _NAMED} more")
    if control.secret_rules:
        names.append(amount(control.secret_rules, "rule") + " for secrets")
    return ", ".join(names)


def _said(proof: Proof) -> str:
    place = f" ({proof.place})" if proof.place and proof.place not in proof.message else ""
    fix = f": {proof.fix}" if proof.fix else ""
    return f"{proof.message}{place}{fix}"


def _exception(proof: Proof) -> str:
    until = f" until {proof.expires}" if proof.expires else " without an end"
    why = f" ({proof.reason})" if proof.reason else ""
    return f"by {proof.owner or 'nobody'}{until}{why}, {proof.excepted_by}"


def _markdown(found: Compliance) -> Iterator[str]:
    yield f"## {code(found.image)}"
    yield ""
    yield f"{code(found.digest[:19])} {code(found.platform)}, as of {code(found.as_of)}, by {code(', '.join(found.policies))}"
    if found.error:
        yield ""
        yield f"**The policies could not be evaluated:** {code(found.error)}"
    for framework in found.frameworks:
        yield ""
        yield f"### {framework.title}: {summary(framework)}"
        yield ""
        yield "| Status | Control | What it asks for | Evidence |"
        yield "| --- | --- | --- | --- |"
        for control in framework.controls:
            evidence = "<br>".join(prose(line, 300) for line in _evidence(control))
            status = _STATUS[control.status]
            status = f"**{status}**" if control.status == "failed" else status
            yield f"| {status} | {code(_number(control))} | {prose(control.title)} | {evidence} |"
    yield ""


def _csv(found: Sequence[Compliance]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for each in found:
        for framework in each.frameworks:
            for control in framework.controls:
                for row in _rows(each, framework, control):
                    writer.writerow({name: cell(value) for name, value in row.items()})
    return out.getvalue().encode()


def _rows(found: Compliance, framework: Framework, control: Control) -> Iterator[dict[str, str]]:
    """Give a row for the control and one for each thing that speaks against it or is excepted."""
    head = {
        "image": found.image,
        "digest": found.digest,
        "platform": found.platform,
        "as_of": found.as_of,
        "policies": ", ".join(found.policies),
        "framework": framework.title,
        "control": control.id,
        "title": control.title,
        "status": control.status,
    }
    why = "; ".join(control.why)
    rules = looked(control)
    yield head | {"why": why, "evidence": "control", "rules": rules, "count": str(control.failures)}
    for kind, proofs in (("failure", control.proofs), ("exception", control.excepted)):
        for proof in proofs:
            fields = {name: getattr(proof, name) for name in COLUMNS if hasattr(proof, name)}
            yield head | fields | {"evidence": kind, "rules": ", ".join(proof.rules)}
