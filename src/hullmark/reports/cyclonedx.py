"""CycloneDX 1.6 in JSON: the packages of one image and, where they were matched, its vulnerabilities.

Specification: ECMA-424, https://cyclonedx.org/docs/1.6/json/. Fields follow the order of the specification.
What has no field of its own stands in properties (`hullmark:…`, see docs/reference/sbom.md).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from hullmark.advice.action import action
from hullmark.model.advisory import Score, Severity
from hullmark.model.facts import Distribution
from hullmark.model.look import Look
from hullmark.model.report import Component, Finding, Location, Report, ReportSet, Suppression
from hullmark.model.sbom import (
    component_values,
    cpe23,
    distribution_values,
    encoded,
    flaw_url,
    image_purl,
    image_values,
    is_url,
    moment,
    one_report,
    parents,
    tool_values,
)
from hullmark.model.sbom_flaws import finding_values, published_time, statement_on, statement_values
from hullmark.model.spdx import expression, licence_id

Document = dict[str, Any]
ONE_IMAGE = True

_SEVERITIES = {Severity.NEGLIGIBLE: "info"}
_METHODS = {"CVSS:3.0": "CVSSv3", "CVSS:3.1": "CVSSv31", "CVSS:4.0": "CVSSv4"}
_KINDS = {"cvss2": "CVSSv2", "cvss3": "CVSSv3", "cvss4": "CVSSv4", "level": "other"}
_ANALYSES: dict[str, Document] = {
    "affected": {"state": "exploitable"},
    "fixed_available": {"state": "exploitable", "response": ["update"]},
    "will_not_fix": {"state": "exploitable", "response": ["will_not_fix"]},
    "end_of_life": {"state": "exploitable", "response": ["can_not_fix"]},
    "under_investigation": {"state": "in_triage"},
    "undecided": {"state": "in_triage", "detail": "the versions could not be ordered"},
}
_STATED = {"not_affected": "not_affected", "fixed": "resolved"}
# OpenVEX's words, section `Status Justifications` of its specification. What an adversary cannot control has no word here.
_JUSTIFICATIONS = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
_PUBLISHERS = {
    "CVE": ("CVE", "https://www.cve.org/CVERecord?id="),
    "GHSA": ("GitHub Advisory Database", "https://github.com/advisories/"),
    "PYSEC": ("PyPA Advisory Database", "https://osv.dev/vulnerability/"),
    "GO": ("Go Vulnerability Database", "https://osv.dev/vulnerability/"),
    "RUSTSEC": ("RustSec Advisory Database", "https://osv.dev/vulnerability/"),
}
_MAX_VERSION = 1024  # the schema's own bound
_ENCODE = msgspec.json.Encoder().encode
_OPERATING_SYSTEM = "operating-system"
_IMAGE = "image"


def render(report: Report | ReportSet, _look: Look) -> bytes:
    """Encode the one report; the same report gives the same bytes."""
    document = _Bom(one_report(report, "cyclonedx")).document()
    return encoded(document, "cyclonedx", "serialNumber", "urn:uuid:")


class _Bom:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.image = report.image
        self.distribution = self.image.distribution if self.image is not None else None
        self.refs = _refs(report.packages)
        self.matched = bool(report.database.parts)

    def document(self) -> Document:
        report = self.report
        document: Document = {
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": "",  # made of all the rest
            "version": 1,
            "metadata": {
                "timestamp": moment(report.as_of),
                "tools": {"components": [self._tool()]},
                "component": self._root(),
                "properties": _properties(image_values(report)),
            },
            "components": [
                *([_operating_system(self.distribution)] if self.distribution is not None else []),
                # Encoded one by one: what is let go of at once does not take the memory of all.
                *(msgspec.Raw(_ENCODE(self._component(component))) for component in report.packages),
            ],
            "dependencies": list(self._dependencies()),
            "compositions": [{"aggregate": self._aggregate(), "assemblies": [_IMAGE]}],
        }
        if not document["metadata"]["properties"]:
            del document["metadata"]["properties"]
        if self.matched or report.findings:
            document["vulnerabilities"] = self._vulnerabilities()
        return document

    def _aggregate(self) -> str:
        coverage = self.report.coverage
        left_out = self.report.errors or coverage.dev_packages or coverage.skipped_files
        return "incomplete" if left_out else "complete"

    def _tool(self) -> Document:
        tool = self.report.tool
        made: Document = {"type": "application", "name": tool.name, "version": tool.version[:_MAX_VERSION]}
        if tool.detectors:
            made["properties"] = _properties(tool_values(tool))
        return made

    def _root(self) -> Document:
        root: Document = {"type": "container", "bom-ref": _IMAGE, "name": "image"}
        if self.image is not None:
            root["name"] = self.image.name or "image"
            if self.image.digest:
                root["version"] = self.image.digest[:_MAX_VERSION]
            if package_url := image_purl(self.image):
                root["purl"] = package_url
        return root

    def _component(self, component: Component) -> Document:
        made: Document = {"type": "library", "bom-ref": self.refs[component.id]}
        if component.ecosystem == "generic":
            made["type"] = "application"
        if component.vendor:
            made["publisher"] = component.vendor
        group, name = _group(component)
        if group:
            made["group"] = group
        made["name"] = name
        made["version"] = component.version[:_MAX_VERSION]
        licences = _licences(component.licences)
        if licences:
            made["licenses"] = licences
        if cpe := cpe23(component):
            made["cpe"] = cpe
        made["purl"] = component.purl
        if component.locations:
            made["evidence"] = {"occurrences": [_occurrence(place) for place in component.locations]}
        values = component_values(component)
        if any(_said(choice) != text for choice, text in zip(licences, component.licences, strict=True)):
            values |= {f"hullmark:licence:{n}": text for n, text in enumerate(component.licences)}
        if self.matched and component.coverage is not None:
            values["hullmark:coverage"] = component.coverage
            for number, feed in enumerate(component.feeds):
                values[f"hullmark:feed:{number}"] = feed
        made["properties"] = _properties(values)
        return made

    def _dependencies(self) -> Iterable[Document]:
        """Give the known edges; what nothing is known to need hangs on the image itself."""
        children: dict[str, list[str]] = {}
        held: set[str] = set()
        for parent, child in parents(self.report.packages):
            children.setdefault(self.refs[parent.id], []).append(self.refs[child.id])
            held.add(child.id)
        free = [self.refs[c.id] for c in self.report.packages if c.direct or c.id not in held]
        system = [_OPERATING_SYSTEM] if self.distribution is not None else []
        yield {"ref": _IMAGE, "dependsOn": [*system, *free]}
        for ref, below in children.items():
            yield {"ref": ref, "dependsOn": sorted(below)}

    def _vulnerabilities(self) -> list[msgspec.Raw]:
        """Give each flaw once for all packages of which the same is said."""
        told: dict[bytes, dict[bytes, None]] = {}
        for finding, said in self._told():
            vulnerability = _ENCODE(_vulnerability(finding, said))
            told.setdefault(vulnerability, {})[_ENCODE(self._affected(finding, said))] = None
        return [
            msgspec.Raw(b'%b,"affects":[%b]}' % (vulnerability[:-1], b",".join(affected)))
            for vulnerability, affected in told.items()
        ]

    def _told(self) -> Iterable[tuple[Finding, Suppression | None]]:
        """Give the findings that are shown, and those of which a statement speaks, always: a statement is VEX.

        What a mere filter took out is only counted.
        """
        for finding in self.report.findings:
            yield finding, None
        for entry in self.report.suppressed:
            if (said := statement_on(self.report, entry)) is not None:
                yield entry.finding, said

    def _affected(self, finding: Finding, said: Suppression | None) -> Document:
        ref = self.refs.get(finding.component)
        if ref is None:
            ref = _OPERATING_SYSTEM if self.distribution is not None else _IMAGE
        affected: Document = {"ref": ref}
        if finding.version:
            status = "unaffected" if said is not None and said.status in _STATED else "affected"
            affected["versions"] = [{"version": finding.version[:_MAX_VERSION], "status": status}]
            if finding.fixed_version and finding.kind != "end_of_life":
                fixed = {"version": finding.fixed_version[:_MAX_VERSION], "status": "unaffected"}
                affected["versions"].append(fixed)
        return affected


def _refs(components: Iterable[Component]) -> dict[str, str]:
    """Give each component a reference of its own: its package URL, told apart by number where two have the same."""
    refs: dict[str, str] = {}
    taken = {_IMAGE, _OPERATING_SYSTEM}
    for component in components:
        ref = component.purl or component.id
        if ref in taken:
            ref = f"{ref}#{component.id}"
        while ref in taken:
            ref += "-"
        taken.add(ref)
        refs[component.id] = ref
    return refs


def _group(component: Component) -> tuple[str, str]:
    """Part the name as package URLs do: Maven's group, npm's scope, a path's front."""
    if component.ecosystem == "maven":
        group, _, name = component.name.rpartition(":")
    elif component.ecosystem in {"npm", "golang", "composer", "swift", "github"}:
        group, _, name = component.name.rpartition("/")
    else:
        return "", component.name
    return (group, name) if name else ("", component.name)


def _operating_system(distribution: Distribution) -> Document:
    made: Document = {
        "type": _OPERATING_SYSTEM,
        "bom-ref": _OPERATING_SYSTEM,
        "name": distribution.id,
        "version": distribution.version_id[:_MAX_VERSION],
    }
    if distribution.pretty_name:
        made["description"] = distribution.pretty_name
    if distribution.cpe:
        made["cpe"] = distribution.cpe
    made["properties"] = _properties(distribution_values(distribution))
    return made


def _licences(stated: tuple[str, ...]) -> list[Document]:
    """Give ids of the list, an expression where it stands alone, and names for the rest."""
    if len(stated) == 1 and not licence_id(stated[0]) and (whole := expression(stated[0])):
        return [{"expression": whole, "acknowledgement": "declared"}]
    return [{"license": {**_named(text), "acknowledgement": "declared"}} for text in stated]


def _named(text: str) -> Document:
    known = licence_id(text)
    return {"id": known} if known else {"name": text}


def _said(choice: Document) -> str:
    licence = choice.get("license", choice)
    return next(iter(licence.values()), "")


def _occurrence(place: Location) -> Document:
    made: Document = {"location": place.path}
    said = place.place
    if said.startswith("line ") and said[5:].isascii() and said[5:].isdigit():
        made["line"] = int(said[5:])
    elif said:
        made["additionalContext"] = said
    return made


def _properties(values: Mapping[str, str]) -> list[Document]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _vulnerability(finding: Finding, said: Suppression | None) -> Document:
    made: Document = {"id": finding.id}
    source = _source(finding)
    if source:
        made["source"] = source
    others = [*finding.aliases, *(bundle.id for bundle in finding.bundles)]
    if others:
        made["references"] = [{"id": other, "source": _publisher(other)} for other in dict.fromkeys(others)]
    made["ratings"] = _ratings(finding)
    cwes = sorted({number for cwe in finding.cwes if (number := _cwe(cwe))})
    if cwes:
        made["cwes"] = cwes
    if description := finding.title or finding.details:
        made["description"] = description
    if finding.title and finding.details:
        made["detail"] = finding.details
    if recommendation := action(finding):
        made["recommendation"] = recommendation
    links = dict.fromkeys(
        [
            *(bundle.url for bundle in finding.bundles),
            *(reference.url for reference in finding.references),
        ]
    )
    if advisories := [{"url": url} for url in links if is_url(url)]:
        made["advisories"] = advisories
    for name, text in (("published", finding.published), ("updated", finding.modified)):
        if time := published_time(text):
            made[name] = time
    made["analysis"] = _ANALYSES[finding.state] if said is None else _stated(finding, said)
    made["affects"] = []
    values = finding_values(finding)
    made["properties"] = _properties(values if said is None else values | statement_values(said))
    return made


def _stated(finding: Finding, said: Suppression) -> Document:
    """Give what a statement says of a finding.

    An entry of an ignore file says that nothing will be done for now, not why: the flaw may well be exploitable, and neither
    `not_affected` nor `false_positive`, which deny that, was said by anybody. Nor is it being looked into (`in_triage`), unless
    its publisher still does. So the state stays what it was found to be, and `will_not_fix` is the owner's response.
    """
    state = _STATED.get(said.status, _ANALYSES[finding.state]["state"])
    made: Document = {"state": state}
    if justification := _JUSTIFICATIONS.get(said.justification):
        made["justification"] = justification
    if said.status not in _STATED:
        made["response"] = ["will_not_fix"]
    if said.reason:
        made["detail"] = said.reason
    if time := published_time(said.said):
        made["lastUpdated"] = time
    return made


def _source(finding: Finding) -> Document:
    """Give whose id it is; the feed's name where the id itself does not tell."""
    if finding.id.partition("-")[0] in _PUBLISHERS:
        return _publisher(finding.id)
    made = {"name": finding.evidence[0].feed} if finding.evidence else {}
    if url := flaw_url(finding):
        made["url"] = url
    return made


def _publisher(name: str) -> Document:
    known = _PUBLISHERS.get(name.partition("-")[0])
    if known is None:
        return {"name": name.partition("-")[0]}
    url = known[1] + name
    return {"name": known[0], "url": url} if is_url(url) else {"name": known[0]}


def _ratings(finding: Finding) -> list[Document]:
    """Give every source's word, that of the source which counts first."""
    counting: Document = {"severity": _SEVERITIES.get(finding.severity, str(finding.severity))}
    if finding.severity_source:
        counting = {"source": {"name": finding.severity_source}, **counting}
    told = [_rating(score) for score in finding.scores]
    first = [
        rating
        for score, rating in zip(finding.scores, told, strict=True)
        if score.source == finding.severity_source and score.level == finding.severity
    ]
    rest = [rating for rating in told if rating not in first]
    return [*(first or [counting]), *rest]


def _rating(score: Score) -> Document:
    made: Document = {"source": {"name": score.source}}
    if score.value is not None:
        made["score"] = score.value
    made["severity"] = _SEVERITIES.get(score.level, str(score.level))
    made["method"] = _METHODS.get(score.vector[:8], _KINDS[score.kind])
    if score.vector:
        made["vector"] = score.vector
    return made


def _cwe(text: str) -> int:
    digits = text.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
