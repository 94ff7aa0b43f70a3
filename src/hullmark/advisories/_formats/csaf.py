"""CSAF 2.0 documents, advisories and VEX alike: products, what is said of them, and how severe it is.

Specification: https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html. A product is defined in a tree of
branches, or by a relationship that makes it a component of another one; it has a purl or a CPE.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import msgspec

from hullmark.advisories._formats import cvss, decoding
from hullmark.model.advisory import Reference, Score, Severity

_MAX_DEPTH = 8  # a package in a module in a repository of a product: three are known
_MAX_PARTS = 32

LEVELS = {
    "critical": Severity.CRITICAL,
    "important": Severity.HIGH,
    "high": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.NEGLIGIBLE,
}
"""Words that publishers use in `aggregate_severity` and in threats of the category `impact`, lower case."""


class _Tracking(msgspec.Struct):
    id: str
    status: str = ""
    current_release_date: str = ""
    initial_release_date: str = ""


class _Severity(msgspec.Struct, frozen=True):
    text: str = ""


class _Note(msgspec.Struct):
    category: str = ""
    text: str = ""


class _Reference(msgspec.Struct):
    url: str = ""
    category: str = ""


class _Document(msgspec.Struct):
    tracking: _Tracking
    category: str = ""
    title: str = ""
    aggregate_severity: _Severity = _Severity()
    notes: list[_Note] = []
    references: list[_Reference] = []


class _Helper(msgspec.Struct, frozen=True):
    cpe: str = ""
    purl: str = ""
    purls: tuple[str, ...] = ()  # CSAF 2.1


class _Product(msgspec.Struct):
    product_id: str
    name: str = ""
    product_identification_helper: _Helper = _Helper()


class _Branch(msgspec.Struct):
    branches: list["_Branch"] = []
    product: _Product | None = None


class _Relationship(msgspec.Struct):
    full_product_name: _Product
    product_reference: str
    relates_to_product_reference: str


class _Tree(msgspec.Struct):
    branches: list[_Branch] = []
    full_product_names: list[_Product] = []
    relationships: list[_Relationship] = []


class Remediation(msgspec.Struct):
    """What can be done about a flaw in some products."""

    category: str = ""
    details: str = ""
    url: str = ""
    product_ids: list[str] = []


class Threat(msgspec.Struct):
    """How bad a flaw is for some products; all of them if none is named."""

    category: str = ""
    details: str = ""
    product_ids: list[str] = []


class _Cwe(msgspec.Struct):
    id: str = ""


class Vulnerability(msgspec.Struct):
    """One flaw and what is said of it."""

    cve: str = ""
    title: str = ""
    cwe: _Cwe | None = None
    notes: list[_Note] = []
    references: list[_Reference] = []
    release_date: str = ""
    product_status: dict[str, list[str]] = {}
    remediations: list[Remediation] = []
    threats: list[Threat] = []
    scores: list[dict[str, Any]] = []

    def description(self) -> str:
        """Give the text that describes the flaw."""
        texts = {note.category: note.text for note in reversed(self.notes)}
        return texts.get("description") or texts.get("summary") or ""

    def vectors(self, source: str) -> tuple[Score, ...]:
        """Give each CVSS vector once; products that share one do not repeat it."""
        found: dict[str, Score] = {}
        for entry in self.scores:
            for kind in ("cvss_v4", "cvss_v3", "cvss_v2"):
                content = entry.get(kind)
                vector = content.get("vectorString") if isinstance(content, dict) else None
                if isinstance(vector, str) and vector not in found:
                    score = cvss.score(source, vector)
                    if score is not None:
                        found[vector] = score
        return tuple(found.values())

    def links(self) -> tuple[Reference, ...]:
        """Give the references, the publisher's own page as the advisory."""
        return tuple(
            dict.fromkeys(
                Reference(reference.url, "ADVISORY" if reference.category == "self" else "WEB")
                for reference in self.references
                if reference.url
            )
        )


class Csaf(msgspec.Struct):
    """A document, decoded; of a deleted one only `document.tracking` is left."""

    document: _Document
    product_tree: _Tree = msgspec.field(default_factory=_Tree)
    vulnerabilities: list[Vulnerability] = []

    @property
    def deleted(self) -> bool:
        """Tell whether the publisher took the document back (Red Hat's mark, not the specification's)."""
        return self.document.tracking.status == "deleted"


_DECODER = msgspec.json.Decoder(Csaf)


def decode(body: bytes) -> Csaf:
    """Decode a document; raises `decoding.UndecodableError`."""
    return decoding.json(body, _DECODER)


class Product(msgspec.Struct, frozen=True):
    """A product with all that its definition and those that it is a component of say."""

    id: str
    purls: tuple[str, ...] = ()
    cpes: tuple[str, ...] = ()
    platform: str = ""
    """The id of the outermost product: the platform or repository that a component belongs to."""


class Products:
    """The products of a document; each is resolved through branches and relationships when asked for.

    `ambiguous` are ids of which it gives more than one definition, though none may have two (CSAF 2.0, section 6.1.2).
    """

    def __init__(self, document: Csaf) -> None:
        tree = document.product_tree
        products = list(tree.full_product_names)
        stack = list(tree.branches)
        while stack:
            branch = stack.pop()
            stack.extend(branch.branches)
            if branch.product is not None:
                products.append(branch.product)
        self._plain = {product.product_id: product for product in products}
        self._relations = {entry.full_product_name.product_id: entry for entry in tree.relationships}
        self.ambiguous = self._plain.keys() & self._relations.keys()
        self.ambiguous |= {each.product_id for each in products if self._plain[each.product_id] != each}
        self.ambiguous |= {
            each.full_product_name.product_id
            for each in tree.relationships
            if self._relations[each.full_product_name.product_id] != each
        }

    def parts(self, name: str) -> tuple[str, str] | None:
        """Give the ids of a component and of what it is a component of; None for a product that is no relationship."""
        relation = self._relations.get(name)
        if relation is None:
            return None
        return relation.product_reference, relation.relates_to_product_reference

    def get(self, name: str) -> Product | None:
        """Give a product, or None for an id that the document does not define."""
        if name not in self._plain and name not in self._relations:
            return None
        purls: dict[str, None] = {}
        cpes: dict[str, None] = {}
        platform = ""
        todo = [(name, 0)]
        for current, depth in todo:  # grows while it is walked: first the component, then what holds it
            relation = self._relations.get(current) if depth < _MAX_DEPTH else None
            if relation is not None and len(todo) < _MAX_PARTS:
                product = relation.full_product_name
                todo.append((relation.product_reference, depth + 1))
                todo.append((relation.relates_to_product_reference, depth + 1))
            elif current in self._plain:
                product = self._plain[current]
            else:
                continue
            helper = product.product_identification_helper
            purls.update(dict.fromkeys(filter(None, (helper.purl, *helper.purls))))
            if helper.cpe:
                cpes[helper.cpe] = None
            platform = current
        return Product(name, tuple(purls), tuple(cpes), platform)


class Rpm(msgspec.Struct, frozen=True):
    """An rpm as its purl names it; `evr` is empty where no build is named, `module` is `name:stream`."""

    name: str
    evr: str = ""
    arch: str = ""
    module: str = ""

    @property
    def is_debug(self) -> bool:
        """Tell whether it holds debugging symbols or sources only: nothing in it ever runs."""
        return self.name.endswith(_DEBUG) or "-debuginfo-common" in self.name


_DEBUG = ("-debuginfo", "-debugsource")
_RPM = re.compile(r"pkg:rpm/(?:[^/@?]+/)?([^/@?]+)(?:@([^?#]*))?(?:\?([^#]*))?")


def rpm(purl: str) -> Rpm | None:
    """Read an rpm's purl; None for other types. Raises `ValueError` for a module that is not `name:stream`."""
    match = _RPM.match(purl)
    if match is None:
        return None
    name, version, query = unquote(match[1]), unquote(match[2] or ""), match[3] or ""
    qualifiers = dict(_pairs(query))
    module = qualifiers.get("rpmmod", "")
    if module:
        parts = module.split(":")
        if len(parts) < 2 or not all(parts[:2]):
            raise ValueError(f"rpmmod {module[:60]!r} is not name:stream")
        module = f"{parts[0]}:{parts[1]}"
    if "-" not in version:
        version = ""  # a component of a module has the stream's name in place of a build (go-toolset@rhel8)
    epoch = qualifiers.get("epoch", "")
    if version and epoch not in ("", "0"):
        version = f"{epoch}:{version}"
    return Rpm(name, version, qualifiers.get("arch", ""), module)


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        yield key, unquote(value)
