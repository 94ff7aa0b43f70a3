"""OpenVEX, read and written. Specification: OpenVEX 0.2.0, https://github.com/openvex/spec (0.0.1 is read as well)."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import msgspec
from msgspec import Struct, field

from hullmark.findings.statements import LeftOut, Stated
from hullmark.findings.statements._json import decoded, with_lines
from hullmark.model.errors import UsageError
from hullmark.model.report import Report, Suppression, VexStatus
from hullmark.model.sbom import image_purl

VEX = True
_CONTEXT = "https://openvex.dev/ns"
_WRITTEN = f"{_CONTEXT}/v0.2.0"
_MARK = b"openvex.dev/ns"
_HEAD = 64 * 1024
_STATUSES = frozenset(get_args(VexStatus))
_IMAGES = ("pkg:oci/", "pkg:docker/")
JUSTIFICATIONS = frozenset(
    {
        "component_not_present",
        "vulnerable_code_not_present",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "inline_mitigations_already_exist",
    }
)


class _Document(Struct, frozen=True):
    statements: list[msgspec.Raw]
    author: str = ""
    timestamp: str = ""


class _Thing(Struct, frozen=True):
    """A product or a part of one (specification, `Product` and `Component`)."""

    id: str = field(default="", name="@id")
    identifiers: dict[str, str] = {}
    subcomponents: list["_Thing | str"] = []

    def purl(self) -> str:
        return self.identifiers.get("purl", "") or self.id


class _Flaw(Struct, frozen=True):
    name: str = ""
    id: str = field(default="", name="@id")
    aliases: list[str] = []


class _Statement(Struct, frozen=True):
    status: str
    vulnerability: _Flaw | str = ""
    products: list[_Thing | str] = []
    subcomponents: list[_Thing | str] = []
    justification: str = ""
    impact_statement: str = ""
    status_notes: str = ""
    action_statement: str = ""
    timestamp: str = ""
    last_updated: str = ""


def knows(_name: str, body: bytes) -> bool:
    """Tell an OpenVEX document by its context."""
    return _MARK in body[:_HEAD]


def read(name: str, body: bytes) -> Stated:
    """Read a document; a statement that the specification does not allow is left out."""
    document = decoded(body, _Document, name)
    found: list[Suppression] = []
    left_out: list[LeftOut] = []
    for line, part in with_lines(body, document.statements):
        try:
            statement = msgspec.json.decode(part, type=_Statement)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise UsageError(f"a statement cannot be read: {problem}", where=f"{name}:{line}") from problem
        problem_said = _fault(statement)
        if problem_said:
            left_out.append(LeftOut(line, problem_said))
        else:
            found += _suppressions(statement, document, name, line)
    return Stated(tuple(found), tuple(left_out))


def _fault(statement: _Statement) -> str:
    """Say what the specification has against a statement (section `Statement Fields`)."""
    if statement.status not in _STATUSES:
        return f"there is no status {statement.status[:40]!r}"
    if not _ids(statement):
        return "it names no vulnerability"
    if not statement.products:
        return "it names no product"
    if statement.justification and statement.justification not in JUSTIFICATIONS:
        return f"there is no justification {statement.justification[:60]!r}"
    if statement.status == "not_affected" and not (statement.justification or statement.impact_statement):
        return "not_affected without a justification or an impact statement"
    return ""


def _ids(statement: _Statement) -> tuple[str, ...]:
    flaw = statement.vulnerability
    if isinstance(flaw, str):
        return (flaw,) if flaw else ()
    names = [flaw.name or flaw.id.rpartition("/")[2], *flaw.aliases]
    return tuple(dict.fromkeys(name for name in names if name))


def _suppressions(statement: _Statement, document: _Document, name: str, line: int) -> Iterator[Suppression]:
    """Give a statement product by product: an image with the packages in it, or a package wherever it is."""
    for product in statement.products:
        thing = _Thing(product) if isinstance(product, str) else product
        parts = [
            _Thing(part) if isinstance(part, str) else part
            for part in (*thing.subcomponents, *statement.subcomponents)
        ]
        packages = tuple(part.purl() for part in parts)
        purl = thing.purl()
        is_package = purl.startswith("pkg:") and not purl.startswith(_IMAGES)
        # A package within a package is that package here: what it is part of is not known to be the same thing.
        yield Suppression(
            source=name,
            line=line,
            ids=_ids(statement),
            packages=packages or ((purl,) if is_package else ()),
            products=() if is_package else (purl,),
            status=statement.status,  # type: ignore[arg-type]  # one of them, as was checked
            justification=statement.justification,
            reason=statement.impact_statement or statement.status_notes or statement.action_statement,
            author=document.author,
            said=statement.last_updated or statement.timestamp or document.timestamp,
        )


def document(reports: Sequence[Report]) -> bytes:
    """Make a document of what was suppressed in these images by ignore files and VEX statements.

    What an ignore file says becomes `not_affected` with its reason as the impact statement.
    """
    statements = [statement for report in reports for statement in _written(report)]
    digest = hashlib.sha256(msgspec.json.encode(statements)).hexdigest()
    made: dict[str, Any] = {
        "@context": _WRITTEN,
        "@id": f"https://openvex.dev/docs/public/vex-{digest}",
        "author": "hullmark",
        "timestamp": max((report.as_of for report in reports), default=""),
        "version": 1,
        "statements": statements,
    }
    return msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n"


def _written(report: Report) -> Iterator[dict[str, Any]]:
    image = report.image
    product = (image_purl(image) or image.digest or image.name) if image is not None else ""
    for entry in report.suppressed:
        if entry.by < 0:
            continue
        said = report.suppressions[entry.by]
        finding = entry.finding
        flaw: dict[str, Any] = {"name": finding.id}
        if finding.aliases:
            flaw["aliases"] = list(finding.aliases)
        statement: dict[str, Any] = {
            "vulnerability": flaw,
            "products": [{"@id": product, "subcomponents": [{"@id": finding.purl}]}],
            "status": said.status or "not_affected",
        }
        if said.justification:
            statement["justification"] = said.justification
        if statement["status"] == "not_affected":
            statement["impact_statement"] = said.reason or entry.reason
        elif said.reason:
            statement["status_notes"] = said.reason
        yield statement
