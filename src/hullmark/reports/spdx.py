"""SPDX 2.3 in JSON: the packages of one image; known flaws stand as SECURITY references of their packages.

Specification: https://spdx.github.io/spdx-spec/v2.3/. What has no field of its own stands in one annotation for
each element, a JSON object of the names that docs/reference/sbom.md lists (`hullmark:…`).
"""

from typing import Any
from urllib.parse import quote

import msgspec

from hullmark.advice.action import fix
from hullmark.model.facts import Distribution
from hullmark.model.look import Look
from hullmark.model.report import Component, Finding, Report, ReportSet
from hullmark.model.sbom import (
    component_values,
    cpe23,
    distribution_values,
    encoded,
    flaw_url,
    image_purl,
    image_values,
    moment,
    one_report,
    packager,
    parents,
    source_info,
    tool_values,
)
from hullmark.model.spdx import LIST_VERSION, stated_licence

Document = dict[str, Any]
ONE_IMAGE = True

_DOCUMENT = "SPDXRef-DOCUMENT"
_IMAGE = "SPDXRef-image"
_OPERATING_SYSTEM = "SPDXRef-operating-system"


def render(report: Report | ReportSet, _look: Look) -> bytes:
    """Encode the one report; the same report gives the same bytes."""
    document = _Document(one_report(report, "spdx")).document()
    return encoded(document, "spdx", "documentNamespace", "https://hullmark.dev/spdx/")


class _Document:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.image = report.image
        self.distribution = self.image.distribution if self.image is not None else None
        self.created = moment(report.as_of)
        self.tool = f"Tool: {report.tool.name}-{report.tool.version}"
        self.extracted: dict[str, Document] = {}
        self.flaws: dict[str, list[Finding]] = {}
        for finding in report.findings:
            self.flaws.setdefault(finding.component, []).append(finding)

    def document(self) -> Document:
        name = self.image.name if self.image is not None else ""
        packages: list[Document | msgspec.Raw] = [self._root()]
        if self.distribution is not None:
            packages.append(self._operating_system(self.distribution))
        # Encoded one by one: what is let go of at once does not take the memory of all.
        packages += [msgspec.Raw(msgspec.json.encode(self._package(each))) for each in self.report.packages]
        document: Document = {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": _DOCUMENT,
            "name": name or "image",
            "documentNamespace": "",  # made of all the rest
            "creationInfo": {
                "created": self.created,
                "creators": [self.tool],
                "licenseListVersion": LIST_VERSION,
            },
            "annotations": [self._annotation({**image_values(self.report), **tool_values(self.report.tool)})],
            "packages": packages,
            "relationships": self._relationships(),
        }
        if self.extracted:
            document["hasExtractedLicensingInfos"] = [
                self.extracted[licence] for licence in sorted(self.extracted)
            ]
        return document

    def _root(self) -> Document:
        root = _element(_IMAGE, "image", "CONTAINER")
        image = self.image
        if image is None:
            return root
        root["name"] = image.name or "image"
        if image.digest:
            root["versionInfo"] = image.digest
        if image.digest.startswith("sha256:"):
            root["checksums"] = [{"algorithm": "SHA256", "checksumValue": image.digest[7:]}]
        references = []
        if package_url := image_purl(image):
            references.append(_purl_reference(package_url))
        if self.distribution is None:
            references += [_security_reference(finding) for finding in self.flaws.get("", ())]
        if references:
            root["externalRefs"] = references
        return root

    def _operating_system(self, distribution: Distribution) -> Document:
        made = _element(_OPERATING_SYSTEM, distribution.id, "OPERATING_SYSTEM")
        if distribution.version_id:
            made["versionInfo"] = distribution.version_id
        if distribution.pretty_name:
            made["summary"] = distribution.pretty_name
        if flaws := self.flaws.get(""):
            made["externalRefs"] = [_security_reference(finding) for finding in flaws]
        made["annotations"] = [self._annotation(distribution_values(distribution))]
        return made

    def _package(self, component: Component) -> Document:
        values = component_values(component)
        declared = self._declared(component.licences)
        if component.licences and component.licences != (declared,):
            for number, licence in enumerate(component.licences):
                values[f"hullmark:licence:{number}"] = licence
        purpose = "APPLICATION" if component.ecosystem == "generic" else "LIBRARY"
        made = _element(f"SPDXRef-{component.id}", component.name, purpose)
        made["versionInfo"] = component.version
        made["licenseDeclared"] = declared
        if component.vendor:
            made["supplier"] = _supplier(component.vendor)
        if component.locations:
            made["sourceInfo"] = source_info(component)
        references = [_purl_reference(component.purl)] if component.purl else []
        if cpe := cpe23(component):
            references.append(_reference("SECURITY", "cpe23Type", cpe))
        references += [_security_reference(finding) for finding in self.flaws.get(component.id, ())]
        if references:
            made["externalRefs"] = references
        made["annotations"] = [self._annotation(values)]
        return made

    def _annotation(self, values: dict[str, str]) -> Document:
        return {
            "annotationDate": self.created,
            "annotationType": "OTHER",
            "annotator": self.tool,
            "comment": msgspec.json.encode(values).decode(),
        }

    def _declared(self, licences: tuple[str, ...]) -> str:
        """Give one expression for all that is stated, NOASSERTION for nothing."""
        stated, texts = stated_licence(licences)
        for licence, text in texts.items():
            # 10.2 of the specification wants a text: all that is known of it is what the package says.
            self.extracted[licence] = {
                "licenseId": licence,
                "extractedText": text,
                "name": text,
                "comment": "as the package's own metadata states it",
            }
        return stated or "NOASSERTION"

    def _relationships(self) -> list[Document]:
        made = [_relationship(_DOCUMENT, "DESCRIBES", _IMAGE)]
        if self.distribution is not None:
            made.append(_relationship(_IMAGE, "CONTAINS", _OPERATING_SYSTEM))
        made += [
            _relationship(_IMAGE, "CONTAINS", f"SPDXRef-{component.id}") for component in self.report.packages
        ]
        made += [
            _relationship(f"SPDXRef-{parent.id}", "DEPENDS_ON", f"SPDXRef-{child.id}")
            for parent, child in parents(self.report.packages)
        ]
        return made


def _element(identity: str, name: str, purpose: str) -> Document:
    return {
        "SPDXID": identity,
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": purpose,
    }


def _supplier(vendor: str) -> str:
    """Give a packager in the form of 7.5."""
    name, mail = packager(vendor)
    return f"Person: {name} ({mail})" if mail else f"Organization: {name}"


def _reference(category: str, kind: str, locator: str, comment: str = "") -> Document:
    made = {"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}
    if comment:
        made["comment"] = comment
    return made


def _purl_reference(package_url: str) -> Document:
    return _reference("PACKAGE-MANAGER", "purl", package_url)


def _security_reference(finding: Finding) -> Document:
    malicious = ", malicious" if finding.kind == "malicious" else ""
    comment = f"{finding.id}: {finding.severity}{malicious}, {fix(finding)}"
    if url := flaw_url(finding):
        return _reference("SECURITY", "advisory", url, comment)
    # An advisory of annex F is a URL; an id alone may stand only where any word without spaces may.
    return _reference("OTHER", "advisory", quote(finding.id), comment)


def _relationship(element: str, kind: str, related: str) -> Document:
    return {"spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related}
