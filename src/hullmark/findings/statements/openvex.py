"""OpenVEX. Specification: OpenVEX 0.2.0, https://github.com/openvex/spec (0.0.1 is read as well)."""

from typing import get_args

import msgspec
from msgspec import Struct, field

from hullmark.findings.statements import LeftOut, Stated
from hullmark.findings.statements._aim import aim
from hullmark.findings.statements._json import decoded, part, with_lines
from hullmark.findings.statements._words import id_fault
from hullmark.model.report import Suppression, VexStatus

VEX = True
_MARK = b"openvex.dev/ns"
_HEAD = 64 * 1024
_STATUSES = frozenset(get_args(VexStatus))
NOBODY = "Unknown Author"
"""Who speaks where nobody says so; what two of them say is not one author's."""
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


_MOST_PAIRS = 100_000


class _Thing(Struct, frozen=True):
    """A product or a part of one (specification, `Product` and `Component`)."""

    id: str = field(default="", name="@id")
    identifiers: dict[str, str] = {}
    hashes: dict[str, str] = {}
    subcomponents: list["_Thing | str"] = []

    def names(self) -> list[str]:
        """Give the names that can be compared with those of an image or a package: package URL, id and digest."""
        digest = self.hashes.get("sha-256", "")
        names = (self.identifiers.get("purl", ""), self.id, f"sha256:{digest.lower()}" if digest else "")
        return [name for name in names if name]

    def purl(self) -> str:
        """Give its package URL, empty where it has none."""
        return next((name for name in self.names() if name.startswith("pkg:")), "")


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
    """Read a document; a statement that the specification does not allow, or that cannot be said in our words, is left out."""
    document = decoded(body, _Document, name)
    found: list[Suppression] = []
    left_out: list[LeftOut] = []
    for line, raw in with_lines(body, document.statements):
        statement = part(raw, _Statement, name, line)
        if fault := _fault(statement):
            left_out.append(LeftOut(line, fault))
            continue
        for product in statement.products:
            try:
                found.append(_suppression(statement, product, document, name, line))
            except ValueError as problem:
                left_out.append(LeftOut(line, str(problem)))
    return Stated(tuple(found), tuple(left_out))


def _fault(statement: _Statement) -> str:
    """Say what the specification has against a statement (section `Statement Fields`).

    Of one that takes nothing out less is asked: it may contradict one that does.
    """
    said, ids, wrong = statement.justification, _ids(statement), ""
    faults = (
        (statement.status not in _STATUSES, f"there is no status {statement.status[:40]!r}"),
        (not ids, "it names no vulnerability"),
        (bool(ids) and bool(wrong := id_fault(ids[0])), wrong),
        (not statement.products, "it names no product"),
        (
            len(statement.products) * len(statement.subcomponents) > _MOST_PAIRS,
            f"it names more than {_MOST_PAIRS} pairs of a product and a part of it",
        ),
        (
            statement.status == "not_affected" and bool(said) and said not in JUSTIFICATIONS,
            f"there is no justification {said[:60]!r}",
        ),
        (
            statement.status == "not_affected" and not (said or statement.impact_statement),
            "not_affected without a justification or an impact statement",
        ),
    )
    return next((words for is_so, words in faults if is_so), "")


def _ids(statement: _Statement) -> tuple[str, ...]:
    flaw = statement.vulnerability
    if isinstance(flaw, str):
        return (flaw,) if flaw else ()
    names = [flaw.name or flaw.id.rpartition("/")[2], *flaw.aliases]
    return tuple(dict.fromkeys(name for name in names if name))


def _suppression(
    statement: _Statement, product: _Thing | str, document: _Document, name: str, line: int
) -> Suppression:
    """Give what is said of one product. Raises `ValueError` for what cannot be said in our words."""
    thing = _thing(product)
    parts = [_thing(each) for each in (*thing.subcomponents, *statement.subcomponents)]
    packages, products = aim(
        thing.names(), [each.purl() for each in parts if each.purl()], statement.status, has_parts=bool(parts)
    )
    return Suppression(
        source=name,
        line=line,
        ids=_ids(statement),
        packages=packages,
        products=products,
        status=statement.status,  # type: ignore[arg-type]  # one of them, as was checked
        justification=statement.justification,
        reason=statement.impact_statement or statement.status_notes or statement.action_statement,
        author="" if document.author == NOBODY else document.author,
        said=statement.last_updated or statement.timestamp or document.timestamp,
    )


def _thing(said: _Thing | str) -> _Thing:
    return _Thing(said) if isinstance(said, str) else said
