"""OpenVEX written: what was suppressed, and what an ignore file says. Specification: OpenVEX 0.2.0, https://github.com/openvex/spec."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from hullmark import __version__
from hullmark.findings.naming import product_of
from hullmark.findings.statements._aim import aim
from hullmark.findings.statements._words import purl_fault
from hullmark.findings.statements.openvex import JUSTIFICATIONS, NOBODY
from hullmark.findings.suppression import is_past, moment
from hullmark.model.report import Report, Suppression

_CONTEXT = "https://openvex.dev/ns/v0.2.0"


def document(reports: Sequence[Report]) -> bytes:
    """Make a document of what was suppressed in these images by ignore files and VEX statements."""
    statements = [statement for report in reports for statement in _of_report(report)]
    return _document(statements, max((report.as_of for report in reports), default=""))


def document_of(
    entries: Sequence[Suppression], product: str, as_of: str
) -> tuple[bytes, list[tuple[Suppression, str]]]:
    """Make a document of the entries of an ignore file, for an image by its package URL or else for the packages that they name.

    Gives it with the entries that are left out, each with why: what has expired, and what says less in a document than in the file.
    """
    statements: list[dict[str, Any]] = []
    left_out = []
    for entry in entries:
        try:
            statements += _of_entry(entry, product, as_of)
        except ValueError as problem:
            left_out.append((entry, str(problem)))
    return _document(statements, as_of), left_out


def _document(statements: Sequence[dict[str, Any]], as_of: str) -> bytes:
    """Write a document; the same statement stands in it once. Its id is made of what it says (section `Document`)."""
    unique = list({msgspec.json.encode(each): each for each in statements}.values())
    digest = hashlib.sha256(msgspec.json.encode([as_of, unique])).hexdigest()
    made: dict[str, Any] = {
        "@context": _CONTEXT,
        "@id": f"https://openvex.dev/docs/public/vex-{digest}",
        "author": NOBODY,
        "timestamp": as_of,
        "version": 1,
        "tooling": f"hullmark {__version__}",
        "statements": unique,
    }
    return msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n"


def _of_report(report: Report) -> Iterator[dict[str, Any]]:
    if report.image is None:
        return
    image = product_of(report.image)
    for entry in report.suppressed:
        if entry.by < 0:
            continue
        finding = entry.finding
        product: dict[str, Any] = {"@id": image}
        if finding.purl:
            product["subcomponents"] = [{"@id": finding.purl}]
        said = report.suppressions[entry.by]
        yield _statement(said, (finding.id, *finding.aliases), [product], report.as_of)


def _of_entry(entry: Suppression, product: str, as_of: str) -> list[dict[str, Any]]:
    """Give a statement for each id. Raises `ValueError` for what a document cannot say, or would say of more than the entry does."""
    if entry.expires and is_past(entry.expires, as_of):
        raise ValueError(f"it has expired ({entry.expires})")
    if not entry.ids:
        raise ValueError("it names no vulnerability")
    if entry.paths or entry.layers or entry.states:
        raise ValueError("paths and layers cannot be said in a VEX document")
    for package in entry.packages:
        if fault := purl_fault(package):
            raise ValueError(fault)
    if product:
        packages, products = aim((product,), entry.packages, "")
        parts = {"subcomponents": [{"@id": each} for each in packages]} if packages else {}
        things: list[dict[str, Any]] = [{"@id": name} | parts for name in products]
    else:
        things = [{"@id": package} for package in entry.packages]
    if not things:
        raise ValueError("it is about every image: name one by --product")
    return [_statement(entry, (name,), things, as_of) for name in entry.ids]


def _statement(
    said: Suppression, ids: Sequence[str], products: list[dict[str, Any]], as_of: str
) -> dict[str, Any]:
    """Say in OpenVEX what was said.

    Who accepts a risk has not said that there is none: an entry of an ignore file is `affected` unless it gives a justification. What is
    done about it is then what the entry is: nothing, for its reason, until it expires (section `Statement Fields`, `action_statement`).
    """
    flaw: dict[str, Any] = {"name": ids[0]}
    if ids[1:]:
        flaw["aliases"] = list(ids[1:])
    status = said.status or ("not_affected" if said.justification else "affected")
    made: dict[str, Any] = {
        "vulnerability": flaw,
        "timestamp": said.said if moment(said.said) and "T" in said.said else as_of,
        "products": products,
        "status": status,
    }
    if status == "not_affected" and said.justification in JUSTIFICATIONS:
        made["justification"] = said.justification
    elif status == "not_affected":  # CycloneDX has justifications of its own
        words = [word for word in (said.justification, said.reason) if word]
        made["impact_statement"] = ": ".join(words) or "no reason is given"
    if status == "affected":
        until = f" until {said.expires}" if said.expires else ""
        made["action_statement"] = f"Accepted{until}, nothing is done: {said.reason or 'no reason is given'}"
    elif said.reason and "impact_statement" not in made:
        made["status_notes"] = said.reason
    return made
