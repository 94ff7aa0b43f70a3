"""SPDX 3.0.1 in JSON-LD: the packages of one image, their licences, and its vulnerabilities with VEX.

Specification: https://spdx.github.io/spdx-spec/v3.0.1/, profiles Core, Software, SimpleLicensing and, where the packages were
matched, Security. What has no field of its own stands in an annotation of its element, a JSON object of the names that
docs/reference/sbom.md lists (`hullmark:…`). Every element has an identifier of this document: `to` of an assessment is the package
as it is in this image, so that what is said of it is said of no other.
"""

import re

import msgspec

from hullmark.model.facts import Distribution
from hullmark.model.look import Look
from hullmark.model.report import Component, Finding, Report, ReportSet
from hullmark.model.sbom import (
    component_values,
    cpe23,
    distribution_values,
    document_id,
    image_purl,
    image_values,
    moment,
    one_report,
    packager,
    parents,
    source_info,
    tool_values,
)
from hullmark.model.sbom_flaws import finding_values
from hullmark.model.spdx import LIST_VERSION, stated_licence
from hullmark.reports.spdx3._flaws import Flaws
from hullmark.reports.spdx3._graph import CREATION, Document, Graph, identifier, time_of

ONE_IMAGE = True

_CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_NO_ASSERTION = "https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertionLicense"
_PURL = re.compile(r"pkg:[!-~]+")


def render(report: Report | ReportSet, _look: Look) -> bytes:
    """Encode the one report; the same report gives the same bytes.

    It is for programs alone, and large: it has no white space, as the specification's canonical serialization has none.
    """
    return _Document(one_report(report, "spdx3")).encoded()


class _Document:
    def __init__(self, report: Report) -> None:
        self.report = report
        base = f"https://hullmark.dev/spdx/{document_id('spdx3', _content(report))}#"
        self.graph = Graph(base, moment(report.as_of))
        self.expressions: dict[str, str] = {}
        self.licences: dict[str, str] = {}
        self.packages: dict[str, str] = {}
        self.system = ""

    def encoded(self) -> bytes:
        report = self.report
        tool = f"{report.tool.name}-{report.tool.version}"
        creator = self.graph.add("SoftwareAgent", "agent", {"name": tool})
        used = self.graph.add("Tool", "tool", {"name": tool})
        self.graph.annotate(used, tool_values(report.tool))
        before = len(self.graph.elements)
        root = self._root()
        made = [self._package(each) for each in report.packages]
        self.packages = {each.id: identity for each, identity in zip(report.packages, made, strict=True)}
        system = [self.system] if self.system != root else []
        completeness = f',"completeness":"{self._completeness()}"'
        self.graph.relate(root, "contains", [*system, *made], completeness)
        for parent, children in _children(report).items():
            self.graph.relate(
                self.packages[parent], "dependsOn", [self.packages[child] for child in children]
            )
        profiles = ["core", "software", "simpleLicensing"]
        name = (report.image.name if report.image is not None else "") or "image"
        bom = self.graph.add(
            "software_Sbom",
            "sbom",
            {
                "name": name,
                "profileConformance": [*profiles],
                "rootElement": [root],
                "element": self.graph.identities[before:],
                "software_sbomType": ["analyzed"],
            },
        )
        if report.database.parts or report.findings:
            profiles.append("security")
            Flaws(self.graph, report, self.packages, self.system).add()
        licence = self.graph.add(
            "simplelicensing_LicenseExpression", "licence", {"simplelicensing_licenseExpression": "CC0-1.0"}
        )
        document = self.graph.add(
            "SpdxDocument",
            "document",
            {
                "name": name,
                "dataLicense": licence,
                "profileConformance": profiles,
                "rootElement": [bom],
                "element": self.graph.identities[:],
            },
        )
        self.graph.annotate(document, image_values(report))
        creation = {
            "type": "CreationInfo",
            "@id": CREATION,
            "specVersion": "3.0.1",
            "created": self.graph.created,
            "createdBy": [creator],
            "createdUsing": [used],
        }
        return self.graph.encoded(_CONTEXT, creation)

    def _completeness(self) -> str:
        coverage = self.report.coverage
        left_out = self.report.errors or coverage.dev_packages or coverage.skipped_files
        return "incomplete" if left_out else "complete"

    def _root(self) -> str:
        image = self.report.image
        values: Document = {"name": "image", "software_primaryPurpose": "container"}
        if image is not None:
            values["name"] = image.name or "image"
            if image.digest:
                values["software_packageVersion"] = image.digest
            if re.fullmatch("sha256:[0-9a-f]{64}", image.digest):
                values["verifiedUsing"] = [
                    {"type": "Hash", "algorithm": "sha256", "hashValue": image.digest[7:]}
                ]
            values |= _package_url(image_purl(image))
        distribution = image.distribution if image is not None else None
        ends = [each for each in self.report.findings if each.kind == "end_of_life"]
        if distribution is None:
            values |= _end_of_life(ends)
        root = self.system = self.graph.add("software_Package", "image", values)
        if distribution is not None:
            self.system = self._operating_system(distribution, ends)
        for end in ends:
            self.graph.annotate(self.system, finding_values(end))
        return root

    def _operating_system(self, distribution: Distribution, ends: list[Finding]) -> str:
        values: Document = {"name": distribution.id, "software_primaryPurpose": "operatingSystem"}
        if distribution.version_id:
            values["software_packageVersion"] = distribution.version_id
        if distribution.pretty_name:
            values["summary"] = distribution.pretty_name
        made = self.graph.add("software_Package", "operating-system", values | _end_of_life(ends))
        self.graph.annotate(made, distribution_values(distribution))
        return made

    def _package(self, component: Component) -> str:
        purpose = "application" if component.ecosystem == "generic" else "library"
        values: Document = {
            "name": component.name,
            "software_packageVersion": component.version,
            "software_primaryPurpose": purpose,
            **_package_url(component.purl),
        }
        if cpe := cpe23(component):
            values["externalIdentifier"] = [identifier("cpe23", cpe)]
        if component.locations:
            values["software_sourceInfo"] = source_info(component)
        if component.vendor:
            values["suppliedBy"] = self.graph.agent(*packager(component.vendor), kind="Organization")
        made = self.graph.add("software_Package", "package", values)
        told = component_values(component)
        if component.licences:
            licence, expression = self._licence(component.licences)
            self.graph.relate(made, "hasDeclaredLicense", [licence])
            if component.licences != (expression,):
                told |= {f"hullmark:licence:{n}": text for n, text in enumerate(component.licences)}
        # The Licensing profile wants a conclusion on each package; none was drawn.
        self.graph.relate(made, "hasConcludedLicense", [_NO_ASSERTION])
        if self.report.database.parts and component.coverage is not None:
            told["hullmark:coverage"] = component.coverage
            told |= {f"hullmark:feed:{n}": feed for n, feed in enumerate(component.feeds)}
        self.graph.annotate(made, told)
        return made

    def _licence(self, licences: tuple[str, ...]) -> tuple[str, str]:
        """Give the element for what a package states, and its expression."""
        expression, texts = stated_licence(licences)
        if expression in self.expressions:
            return self.expressions[expression], expression
        for name, text in texts.items():
            if name not in self.licences:
                values = {"name": name, "simplelicensing_licenseText": text}
                self.licences[name] = self.graph.add(
                    "simplelicensing_SimpleLicensingText", "licence-text", values
                )
        made: Document = {
            "simplelicensing_licenseExpression": expression,
            "simplelicensing_licenseListVersion": f"{LIST_VERSION}.0",
        }
        if texts:
            made["simplelicensing_customIdToUri"] = [
                {"type": "DictionaryEntry", "key": name, "value": self.licences[name]} for name in texts
            ]
        self.expressions[expression] = self.graph.add("simplelicensing_LicenseExpression", "licence", made)
        return self.expressions[expression], expression


def _content(report: Report) -> bytes:
    """Give what tells this document from others: of what image, known by what, and what is said of which packages."""
    image = report.image
    said = (
        msgspec.structs.astuple(report.tool),
        report.as_of,
        (image.name, image.source, image.digest, image.config_digest) if image is not None else None,
        report.database,
        [each.digest for each in report.layers],
        [(each.id, each.purl, each.licences, each.coverage) for each in report.packages],
        [
            (each.id, each.component, each.severity, each.state, each.fixed_version)
            for each in report.findings
        ],
        [(each.reason, each.finding.id, each.finding.component, each.by) for each in report.suppressed],
        report.suppressions,
    )
    return msgspec.json.encode(said)


def _package_url(text: str) -> Document:
    return {"software_packageUrl": text} if _PURL.fullmatch(text) else {}


def _end_of_life(ends: list[Finding]) -> Document:
    if not ends:
        return {}
    made: Document = {"supportLevel": ["endOfSupport"]}
    if ends[0].eol is not None and (time := time_of(ends[0].eol.date)):
        made["validUntilTime"] = time
    return made


def _children(report: Report) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for parent, child in parents(report.packages):
        found.setdefault(parent.id, []).append(child.id)
    return found
