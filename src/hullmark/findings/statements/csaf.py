"""CSAF VEX. Specification: CSAF 2.0, profile VEX, https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html (section 4.5)."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from hullmark.advisories._formats.csaf import Products, decode
from hullmark.advisories._formats.decoding import UndecodableError
from hullmark.findings.naming import parsed
from hullmark.findings.statements import LeftOut, Stated
from hullmark.findings.statements._aim import Aim, aim
from hullmark.findings.statements._json import decoded, part, with_lines
from hullmark.findings.statements._words import id_fault
from hullmark.findings.statements.openvex import JUSTIFICATIONS
from hullmark.model.errors import UsageError
from hullmark.model.facts import SYSTEM
from hullmark.model.report import Suppression, VexStatus

VEX = True
_MARK = b'"csaf_version"'
_PROFILE = "csaf_vex"
_TAKEN_BACK = frozenset({"csaf_withdrawn", "csaf_superseded", "csaf_deprecated_security_advisory"})
"""Categories of CSAF 2.1 whose documents say nothing any more."""
_SHOWN = 3
_STATUSES: dict[str, VexStatus] = {
    "known_not_affected": "not_affected",
    "fixed": "fixed",
    "first_fixed": "fixed",
    "known_affected": "affected",
    "first_affected": "affected",
    "last_affected": "affected",
    "under_investigation": "under_investigation",
}


class _Publisher(Struct, frozen=True):
    name: str = ""


class _Tracking(Struct, frozen=True):
    status: str = ""
    current_release_date: str = ""


class _Head(Struct, frozen=True):
    category: str = ""
    publisher: _Publisher = _Publisher()
    tracking: _Tracking = _Tracking()


class _Group(Struct, frozen=True):
    group_id: str
    product_ids: list[str] = []


class _Groups(Struct, frozen=True):
    product_groups: list[_Group] = []


class _Document(Struct, frozen=True):
    document: _Head
    product_tree: _Groups = _Groups()
    vulnerabilities: list[msgspec.Raw] = []


class _About(Struct, frozen=True):
    """A flag (`label`) or a threat (`category`, `details`) of some products."""

    label: str = ""
    category: str = ""
    details: str = ""
    product_ids: list[str] = []
    group_ids: list[str] = []


class _Id(Struct, frozen=True):
    text: str = ""


class _Flaw(Struct, frozen=True):
    cve: str = ""
    ids: list[_Id] = []
    product_status: dict[str, list[str]] = {}
    flags: list[_About] = []
    threats: list[_About] = []

    def names(self) -> tuple[str, ...]:
        """Give its ids. Where it has a CVE, the others number an issue somewhere."""
        return (self.cve,) if self.cve else tuple(each.text for each in self.ids if each.text)


def knows(_name: str, body: bytes) -> bool:
    """Tell a CSAF document by the version that each must give."""
    return _MARK in body


def read(name: str, body: bytes) -> Stated:
    """Read a document; what the profile does not allow, or what cannot be said in our words, is left out."""
    document = decoded(body, _Document, name)
    head = document.document
    if head.tracking.status == "deleted" or head.category in _TAKEN_BACK:
        return Stated((), (LeftOut(0, "its publisher took the document back"),))
    if head.category != _PROFILE:
        raise UsageError(
            f"its category is {head.category[:60]!r}, not {_PROFILE}: it is no VEX document", where=name
        )
    try:
        products = Products(decode(body))
    except UndecodableError as problem:
        raise UsageError(f"cannot be read: {problem}", where=name) from problem
    found: list[Suppression] = []
    left_out: list[LeftOut] = []
    for line, raw in with_lines(body, document.vulnerabilities):
        reader = _Reader(name, line, part(raw, _Flaw, name, line), document, products)
        found += reader.suppressions()
        left_out += _shortened(line, reader.left_out)
    return Stated(tuple(found), tuple(left_out))


def _shortened(line: int, found: list[LeftOut]) -> list[LeftOut]:
    """Give what was left out of one flaw; a document may name a thousand products."""
    unique = list(dict.fromkeys(found))
    more = len(unique) - _SHOWN
    return [*unique[:_SHOWN], LeftOut(line, f"and {more} more products")] if more > 0 else unique


class _Reader:
    """What is said of one flaw, product by product."""

    def __init__(self, name: str, line: int, flaw: _Flaw, document: _Document, products: Products) -> None:
        self._name, self._line, self._flaw, self._products = name, line, flaw, products
        self._head = document.document
        self._groups = {group.group_id: group.product_ids for group in document.product_tree.product_groups}
        self._flags = self._by_product(flaw.flags, "label")
        impacts = [threat for threat in flaw.threats if threat.category == "impact"]
        self._impacts = self._by_product(impacts, "details")
        self._of_all = next(
            (each.details for each in impacts if not (each.product_ids or each.group_ids)), ""
        )
        self.left_out: list[LeftOut] = []

    def suppressions(self) -> Iterator[Suppression]:
        """Give what is said; what cannot be is left out."""
        if not self._flaw.names():
            self.left_out.append(LeftOut(self._line, "it names no vulnerability"))
            return
        if self._flaw.cve and (wrong := id_fault(self._flaw.cve)):
            self.left_out.append(LeftOut(self._line, wrong))
            return
        for word, products in self._flaw.product_status.items():
            if status := _STATUSES.get(word):
                for product in dict.fromkeys(products):
                    try:
                        yield self._suppression(product, status)
                    except ValueError as problem:
                        self.left_out.append(LeftOut(self._line, str(problem)))

    def _suppression(self, product: str, status: VexStatus) -> Suppression:
        label = self._flags.get(product, "") if status == "not_affected" else ""
        impact = self._impacts.get(product) or self._of_all
        if label and label not in JUSTIFICATIONS:
            raise ValueError(f"there is no justification {label[:60]!r}")
        if status == "not_affected" and not (label or impact):
            raise ValueError(f"{product[:60]!r} is not affected without a flag or an impact")
        packages, images = self._aim(product, status)
        return Suppression(
            source=self._name,
            line=self._line,
            ids=self._flaw.names(),
            packages=packages,
            products=images,
            status=status,
            justification=label,
            reason=impact,
            author=self._head.publisher.name,
            said=self._head.tracking.current_release_date,
        )

    def _aim(self, name: str, status: VexStatus) -> Aim:
        """Tell what a product is. Raises `ValueError` for what cannot be told here."""
        related = self._products.parts(name)
        inner, outer = related or (name, "")
        if twice := self._products.ambiguous & {name, inner, outer}:
            raise ValueError(f"the document defines the product {min(twice)[:60]!r} more than once")
        product, whole = self._products.get(inner), self._products.get(outer) if outer else None
        if product is None or (outer and whole is None):
            raise ValueError(f"the document defines no product {name[:60]!r}")
        if not product.purls:
            raise ValueError(f"the product {name[:60]!r} has no package URL")
        if whole is None:
            return aim(product.purls[:1], (), status)
        if self._products.parts(inner) or self._products.parts(outer):
            raise ValueError(f"the product {name[:60]!r} is a part of a part")
        if whole.purls:
            return aim(whole.purls[:1], product.purls[:1], status)
        # A build of a distribution's is the same in all that is made of the distribution.
        found = parsed(product.purls[0])
        if found is None or found.type not in SYSTEM or not found.version:
            raise ValueError(f"it speaks of a package within {outer[:60]!r}, which has no package URL")
        return aim(product.purls[:1], (), status)

    def _by_product(self, said: list[_About], word: str) -> dict[str, str]:
        return {
            product: getattr(each, word)
            for each in said
            for product in (
                *each.product_ids,
                *(p for group in each.group_ids for p in self._groups.get(group, ())),
            )
        }
