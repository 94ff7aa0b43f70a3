"""The Security profile: vulnerabilities, and what is said of them.

Specification: https://spdx.github.io/spdx-spec/v3.0.1/model/Security/Security/.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from hullmark.advice.action import action, fix
from hullmark.model.report import Finding, Report, Suppression
from hullmark.model.sbom import flaw_url, is_url
from hullmark.model.sbom_flaws import finding_values, statement_on, statement_values
from hullmark.model.words import sentence
from hullmark.reports.spdx3._graph import Document, Graph, identifier, time_of

_KEV = "https://www.cisa.gov/known-exploited-vulnerabilities-catalog"
_CWE = re.compile(r"CWE-[0-9]{1,9}")
_LINKS = {"ADVISORY": "securityAdvisory", "FIX": "securityFix"}
_CVSS = {"cvss2": "V2", "cvss3": "V3", "cvss4": "V4"}
# OpenVEX's words (section `Status Justifications` of its specification) are SPDX's, spelt otherwise.
_JUSTIFICATIONS = {
    "component_not_present": "componentNotPresent",
    "vulnerable_code_not_present": "vulnerableCodeNotPresent",
    "vulnerable_code_not_in_execute_path": "vulnerableCodeNotInExecutePath",
    "vulnerable_code_cannot_be_controlled_by_adversary": "vulnerableCodeCannotBeControlledByAdversary",
    "inline_mitigations_already_exist": "inlineMitigationsAlreadyExist",
}


class Flaws:
    """The flaws of a report; `packages` are the elements of its packages, `system` is what a flaw has that is of none of them."""

    def __init__(self, graph: Graph, report: Report, packages: Mapping[str, str], system: str) -> None:
        self._graph = graph
        self._report = report
        self._packages = packages
        self._system = system

    def add(self) -> None:
        """Give each flaw once, and what is said of it: of all packages of which the same is said in one element."""
        told: dict[str, list[_Told]] = {}
        for finding, said in _findings(self._report):
            told.setdefault(finding.id, []).append(_Told(finding, said))
        for flaws in told.values():
            findings = [each.finding for each in flaws]
            flaw = self._graph.add("security_Vulnerability", "vulnerability", _vulnerability(findings))
            shown = [self._subject(each.finding) for each in flaws if each.said is None]
            for subject in dict.fromkeys(shown):
                self._graph.relate(subject, "hasAssociatedVulnerability", [flaw])
            self._assess(flaw, flaws)

    def _assess(self, flaw: str, flaws: "list[_Told]") -> None:
        said: dict[bytes, _Assessment] = {}
        alone = len(flaws) == 1
        for each in flaws:
            for assessment in self._assessments(each):
                same = [assessment.kind, assessment.body, assessment.values]
                key = str(len(said)).encode() if alone else msgspec.msgpack.encode(same)
                said.setdefault(key, assessment).subjects[self._subject(each.finding)] = None
        for assessment in said.values():
            values = {"from": flaw, "to": list(assessment.subjects), **assessment.body}
            made = self._graph.add(
                f"security_{assessment.kind}VulnAssessmentRelationship", "assessment", values
            )
            self._graph.annotate(made, assessment.values)

    def _subject(self, finding: Finding) -> str:
        return self._packages.get(finding.component, self._system)

    def _assessments(self, told: "_Told") -> "Iterable[_Assessment]":
        finding = told.finding
        yield self._vex(finding, told.said)
        for score in finding.scores:
            if score.kind in _CVSS and score.vector and score.value is not None and 0 <= score.value <= 10:
                body: Document = {
                    "relationshipType": "hasAssessmentFor",
                    "suppliedBy": self._graph.agent(score.source),
                    "security_score": _decimal(score.value),
                    "security_vectorString": score.vector,
                }
                if score.kind != "cvss2":
                    body["security_severity"] = _rating(score.value)
                yield _Assessment(f"Cvss{_CVSS[score.kind]}", body)
        if finding.epss is not None and _is_share(finding.epss.probability, finding.epss.percentile):
            yield _Assessment(
                "Epss",
                {
                    "relationshipType": "hasAssessmentFor",
                    "security_probability": _decimal(finding.epss.probability),
                    "security_percentile": _decimal(finding.epss.percentile),
                    "security_publishedTime": time_of(finding.epss.date) or self._graph.created,
                },
            )
        if finding.kev is not None:
            body = {
                "relationshipType": "hasAssessmentFor",
                "security_catalogType": "kev",
                "security_exploited": True,
                "security_locator": _KEV,
            }
            if time := time_of(finding.kev.added):
                body["security_publishedTime"] = time
            yield _Assessment("ExploitCatalog", body)

    def _vex(self, finding: Finding, said: Suppression | None) -> "_Assessment":
        values = finding_values(finding)
        body: Document = {}
        if said is not None:
            values |= statement_values(said)
            if said.author:
                body["suppliedBy"] = self._graph.agent(said.author)
            if time := time_of(said.said):
                body["security_publishedTime"] = time
        if said is not None and said.status == "not_affected":
            body["relationshipType"] = "doesNotAffect"
            if justification := _JUSTIFICATIONS.get(said.justification):
                body["security_justificationType"] = justification
            # One of the two must be there.
            if impact := said.reason or ("" if justification else "stated without a reason"):
                body["security_impactStatement"] = impact
            return _Assessment("VexNotAffected", body, values)
        if said is not None and said.reason:
            body["security_statusNotes"] = said.reason
        if said is not None and said.status == "fixed":
            return _Assessment("VexFixed", {"relationshipType": "fixedIn", **body}, values)
        # An entry of an ignore file says that nothing will be done for now, not that nothing is affected.
        if finding.state in {"under_investigation", "undecided"}:
            if finding.state == "undecided":
                body.setdefault("security_statusNotes", "the versions could not be ordered")
            body["relationshipType"] = "underInvestigationFor"
            return _Assessment("VexUnderInvestigation", body, values)
        body["relationshipType"] = "affects"
        body["security_actionStatement"] = action(finding) or sentence(fix(finding))
        return _Assessment("VexAffected", body, values)


class _Told(NamedTuple):
    """A finding, and the statement that speaks of it."""

    finding: Finding
    said: Suppression | None


class _Assessment:
    """What somebody says of a flaw in the packages that are its `subjects`, in their order."""

    def __init__(self, kind: str, body: Document, values: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self.body = body
        self.values = values or {}
        self.subjects: dict[str, None] = {}


def _findings(report: Report) -> Iterable[tuple[Finding, Suppression | None]]:
    """Give the flaws that are shown, and those of which a statement speaks, always: a statement is VEX.

    The end of a release's support is no flaw; SPDX has a word of its own for it (`supportLevel`).
    """
    for finding in report.findings:
        if finding.kind != "end_of_life":
            yield finding, None
    for entry in report.suppressed:
        said = statement_on(report, entry)
        if said is not None and entry.finding.kind != "end_of_life":
            yield entry.finding, said


def _vulnerability(findings: list[Finding]) -> Document:
    """Describe a flaw by all that its findings know of it."""
    first = findings[0]
    made: Document = {"name": first.id}
    if title := next((each.title for each in findings if each.title), ""):
        made["summary"] = title
    if details := next((each.details for each in findings if each.details), ""):
        made["description"] = details
    url = flaw_url(first)
    own = identifier("cve" if first.id.startswith("CVE-") else "securityOther", first.id)
    aliases = dict.fromkeys(alias for each in findings for alias in each.aliases if alias != first.id)
    made["externalIdentifier"] = [
        {**own, "identifierLocator": [url]} if is_url(url) else own,
        *(identifier("cve" if alias.startswith("CVE-") else "securityOther", alias) for alias in aliases),
    ]
    links = {bundle.url: ("securityAdvisory", bundle.id) for each in findings for bundle in each.bundles}
    for each in findings:
        for link in each.references:
            links.setdefault(link.url, (_LINKS.get(link.kind, "securityOther"), ""))
    references = [_link(kind, url, said) for url, (kind, said) in links.items() if is_url(url)]
    cwes = dict.fromkeys(cwe for each in findings for cwe in each.cwes if _CWE.fullmatch(cwe))
    references += [
        _link("cwe", f"https://cwe.mitre.org/data/definitions/{cwe[4:]}.html", cwe) for cwe in cwes
    ]
    if references:
        made["externalRef"] = references
    for name in ("published", "modified"):
        if time := next((time for each in findings if (time := time_of(getattr(each, name)))), ""):
            made[f"security_{name}Time"] = time
    return made


def _link(kind: str, url: str, said: str) -> Document:
    made: Document = {"type": "ExternalRef", "externalRefType": kind, "locator": [url]}
    return {**made, "comment": said} if said else made


def _is_share(*numbers: float) -> bool:
    return all(0 <= number <= 1 for number in numbers)


def _decimal(number: float) -> str:
    """Give a number as a decimal: as a JSON number it would be read as a double (JSON-LD 1.1, section 8.6.2)."""
    return f"{number:.10f}".rstrip("0").rstrip(".")


def _rating(score: float) -> str:
    """Give CVSS's own word for a score (specification 3.1, section 5)."""
    bounds = ((9, "critical"), (7, "high"), (4, "medium"), (0.1, "low"))
    return next((word for least, word in bounds if score >= least), "none")
