"""CycloneDX VEX: `vulnerabilities[].analysis`, alone or in an SBOM. Specification: CycloneDX 1.4 to 1.6 in JSON, https://cyclonedx.org/docs/1.6/json/."""

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct, field

from hullmark.findings.naming import IMAGES, parsed
from hullmark.findings.statements import LeftOut, Stated
from hullmark.findings.statements._aim import Aim, aim
from hullmark.findings.statements._json import decoded, part, with_lines
from hullmark.findings.statements._words import id_fault
from hullmark.model.report import Suppression, VexStatus

VEX = True
_MARK = b'"bomFormat"'
_HEAD = 64 * 1024
_LINK = re.compile(r"urn:cdx:([0-9a-fA-F-]{36})/[0-9]+(?:#(.*))?", re.DOTALL)
_DIGEST = re.compile(r"sha(?:256|512):[0-9a-f]{64,128}")
STATES: dict[str, VexStatus] = {
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "exploitable": "affected",
    "in_triage": "under_investigation",
    "false_positive": "not_affected",
    "not_affected": "not_affected",
}
_WHOLES = frozenset({"container", "operating-system", "platform", "device", "firmware"})
"""Types of components whose own components are what an image is made of."""
_JUSTIFICATIONS = frozenset(
    {
        "code_not_present",
        "code_not_reachable",
        "requires_configuration",
        "requires_dependency",
        "requires_environment",
        "protected_by_compiler",
        "protected_at_runtime",
        "protected_at_perimeter",
        "protected_by_mitigating_control",
    }
)


class _Component(Struct, frozen=True):
    type: str = ""
    ref: str = field(default="", name="bom-ref")
    name: str = ""
    version: str = ""
    purl: str = ""
    components: list["_Component"] = []

    def names(self) -> list[str]:
        """Give the names by which an image is known: its package URL, its digest, or name and tag."""
        if _DIGEST.fullmatch(self.version):
            return [name for name in (self.purl, self.version) if name]
        return [
            name for name in (self.purl, f"{self.name}:{self.version}" if self.version else self.name) if name
        ]


class _Who(Struct, frozen=True):
    name: str = ""


class _Metadata(Struct, frozen=True):
    timestamp: str = ""
    component: _Component | None = None
    authors: list[_Who] = []
    supplier: _Who = _Who()


class _Document(Struct, frozen=True):
    serial: str = field(default="", name="serialNumber")
    metadata: _Metadata = _Metadata()
    components: list[_Component] = []
    vulnerabilities: list[msgspec.Raw] = []


class _Analysis(Struct, frozen=True):
    state: str = ""
    justification: str = ""
    detail: str = ""
    first: str = field(default="", name="firstIssued")
    last: str = field(default="", name="lastUpdated")


class _Version(Struct, frozen=True):
    version: str = ""
    range: str = ""
    status: str = "affected"


class _Affected(Struct, frozen=True):
    ref: str
    versions: list[_Version] = []


class _Reference(Struct, frozen=True):
    id: str = ""


class _Flaw(Struct, frozen=True):
    id: str = ""
    references: list[_Reference] = []
    analysis: _Analysis | None = None
    affects: list[_Affected] = []
    updated: str = ""


def knows(_name: str, body: bytes) -> bool:
    """Tell a CycloneDX document by the format that each must name."""
    return _MARK in body[:_HEAD]


def read(name: str, body: bytes) -> Stated:
    """Read a document; a flaw without an analysis says nothing, and what cannot be said in our words is left out."""
    document = decoded(body, _Document, name)
    places = _Places(document)
    found: list[Suppression] = []
    left_out: list[LeftOut] = []
    for line, raw in with_lines(body, document.vulnerabilities):
        flaw = part(raw, _Flaw, name, line)
        if flaw.analysis is None:
            continue
        if fault := _fault(flaw, flaw.analysis):
            left_out.append(LeftOut(line, fault))
            continue
        for affected in flaw.affects:
            try:
                found += _suppressions(flaw, flaw.analysis, affected, places, name, line)
            except ValueError as problem:
                left_out.append(LeftOut(line, str(problem)))
    return Stated(tuple(found), tuple(left_out))


def _fault(flaw: _Flaw, analysis: _Analysis) -> str:
    label = analysis.justification
    faults = (
        (analysis.state not in STATES, f"there is no state {analysis.state[:40]!r}"),
        (not flaw.id, "it names no vulnerability"),
        (bool(wrong := id_fault(flaw.id)), wrong),
        (not flaw.affects, "it names nothing that is affected or not"),
        (bool(label) and label not in _JUSTIFICATIONS, f"there is no justification {label[:60]!r}"),
    )
    return next((words for is_so, words in faults if is_so), "")


def _suppressions(
    flaw: _Flaw, analysis: _Analysis, affected: _Affected, places: "_Places", name: str, line: int
) -> Iterator[Suppression]:
    """Give what is said of one thing. Raises `ValueError` for what cannot be said in our words."""
    status = STATES[analysis.state]
    versions = _versions(affected) if status in {"not_affected", "fixed"} else [""]
    for version in versions:
        packages, products = places.aim(affected.ref, version, status)
        yield Suppression(
            source=name,
            line=line,
            ids=tuple(dict.fromkeys(each for each in (flaw.id, *(r.id for r in flaw.references)) if each)),
            packages=packages,
            products=products,
            status=status,
            justification=analysis.justification,
            reason=analysis.detail,
            author=places.author,
            said=analysis.last or analysis.first or flaw.updated or places.timestamp,
        )


def _versions(affected: _Affected) -> list[str]:
    """Give the versions of which it is said that the flaw is not in them; the one of the component where none is named."""
    if not affected.versions:
        return [""]
    for each in affected.versions:
        if each.status == "affected":
            raise ValueError("it says affected of versions and the contrary of the flaw")
        if each.range and each.status == "unaffected":
            raise ValueError(f"a range of versions has no translation: {each.range[:60]!r}")
    found = [each.version for each in affected.versions if each.version and each.status == "unaffected"]
    if not found:
        raise ValueError("it names no version that is not affected")
    return found


class _Places:
    """The components of a document, by their references, and what the document is about."""

    def __init__(self, document: _Document) -> None:
        metadata = document.metadata
        self._root = metadata.component
        self._serial = document.serial.rpartition(":")[2].lower()
        self.timestamp = metadata.timestamp
        self.author = next((who.name for who in (*metadata.authors, metadata.supplier) if who.name), "")
        self._by_ref: dict[str, list[tuple[_Component, str]]] = {}
        waiting = [(each, "") for each in (*document.components, *([self._root] if self._root else []))]
        while waiting:
            component, within = waiting.pop()
            # What stands in an image or a distribution stands in it as a whole; what stands in a package is that package's own copy.
            holds = within if component.type in _WHOLES else component.purl or component.name or "another"
            waiting += [(each, holds) for each in component.components]
            if component.ref:
                self._by_ref.setdefault(component.ref, []).append((component, within))

    def aim(self, ref: str, version: str, status: str) -> Aim:
        """Tell what a reference means. Raises `ValueError` for what cannot be told here."""
        link = _LINK.fullmatch(ref)
        if link and link[1].lower() == self._serial:
            ref = unquote(link[2] or "")
        elif link:
            ref = unquote(link[2] or "")
            if not (ref.startswith("pkg:") and self._is_about_an_image()):
                raise ValueError("it points into another document, which is not here")
        found = self._by_ref.get(ref, ())
        if len(found) > 1:
            raise ValueError(f"{ref[:60]!r} is the reference of more than one component")
        if found and found[0][1]:
            raise ValueError(
                f"it speaks of a package within {found[0][1][:100]!r}, which is told apart from no other"
            )
        components = [component for component, _ in found]
        if components and components[0] is self._root:
            if version:
                raise ValueError("versions of what the document is about have no translation")
            return aim(self._root.names(), (), status)
        purl = components[0].purl if components else ref if ref.startswith("pkg:") else ""
        if not purl:
            what = "has no package URL" if components else "is defined nowhere in it"
            raise ValueError(f"{ref[:60]!r} {what}")
        if version:
            purl = _with_version(purl, version)
        return aim(self._root.names(), (purl,), status) if self._root else aim((purl,), (), status)

    def _is_about_an_image(self) -> bool:
        found = parsed(self._root.purl) if self._root else None
        return found is not None and found.type in IMAGES


def _with_version(text: str, version: str) -> str:
    """Put a version into a package URL that has none, or has the same."""
    found = parsed(text)
    if found is None or found.version not in {"", version}:
        raise ValueError(f"{text[:60]!r} is not of the version {version[:40]!r}")
    if found.version:
        return text
    head, sign, tail = text.partition("?") if "?" in text else text.partition("#")
    return f"{head}@{quote(version, safe='')}{sign}{tail}"
