"""GitLab's container scanning report, which its merge requests and vulnerability pages read.

Specification: container-scanning-report-format.json, version 15.2.1, of
https://gitlab.com/gitlab-org/security-products/security-report-schemas. GitLab shows descriptions and solutions as its own Markdown.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from hullmark.advice.action import fix
from hullmark.advice.issues import issues_said, silenced_said
from hullmark.advice.verdict import (
    is_matched,
    is_none_checked,
    is_of_files,
    left_out,
    not_checked,
    not_shown,
    shown,
    unread_place,
    verdict,
)
from hullmark.model.advisory import Severity
from hullmark.model.fingerprint import fingerprints
from hullmark.model.look import Look
from hullmark.model.markdown import code, prose
from hullmark.model.printable import printable
from hullmark.model.report import Finding, Report, ReportSet
from hullmark.model.sbom import flaw_links, flaw_url, is_url, moment, one_report
from hullmark.model.words import amount, sentence

Document = dict[str, Any]
ONE_IMAGE = True
VERSION = "15.2.1"

_SCHEMAS = "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw"
_SEVERITIES = {Severity.NEGLIGIBLE: "Info"}
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z]+")
_CWE = re.compile(r"CWE-(\d{1,9})", re.ASCII)
_V2 = "AV:[NAL]|AC:[LMH]|Au:[MSN]|[CIA]:[NPC]"
_V3 = "AV:[NALP]|AC:[LH]|PR:[NLH]|UI:[NR]|S:[UC]|[CIA]:[NLH]|E:[XUPFH]|RL:[XOTWU]|RC:[XURC]"
_VECTOR = re.compile(rf"(?:{_V2})(?:/(?:{_V2})){{5}}|CVSS:3\.[01](?:/(?:{_V3})){{8,11}}")
"""The base metrics of CVSS 2 and 3, and those of the latter that time changes; the schema knows no CVSS 4."""
_ENCODE = msgspec.json.Encoder().encode
_IDENTIFIERS = 20  # GitLab keeps no more of one finding
_LINKS = 20
_VECTORS = 10
_MESSAGES = 50
_SHORT = 255
_TEXT = 4_000
_URL = 2048


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Encode the one report; the time of scan is the report's own."""
    document = _document(one_report(report, "gitlab"), look)
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _document(report: Report, look: Look) -> Document:
    time = _time(report.as_of)
    version = _line(report.tool.version, _SHORT) or "0"
    tool = {"id": "hullmark", "name": "Hullmark", "version": version, "vendor": {"name": "Hullmark"}}
    blind = not is_matched(report) or (is_none_checked(report) and not report.findings)
    return {
        "version": VERSION,
        "schema": f"{_SCHEMAS}/v{VERSION}/dist/container-scanning-report-format.json",
        "scan": {
            "analyzer": tool,
            "scanner": tool,
            "type": "container_scanning",
            "start_time": time,
            "end_time": time,
            "status": "failure" if blind else "success",
            "messages": [
                {"level": level, "value": _line(text, 1000)}
                for level, text in _messages(report, "fatal" if blind else "info")
            ],
        },
        "vulnerabilities": list(_vulnerabilities(report, look)),
        "remediations": [],
    }


def _time(as_of: str) -> str:
    found = _TIME.fullmatch(moment(as_of))
    return found[1] if found is not None else "1970-01-01T00:00:00"


def _messages(report: Report, level: str) -> Iterator[tuple[str, str]]:
    said = verdict(report)
    if is_of_files(report):
        yield level, "these are files: a container scanning report is of an image"
    else:
        yield level, said.text + said.command
    for gap in not_checked(report):
        yield "warn", str(gap)
    for unread in report.errors[:_MESSAGES]:
        yield "warn", f"could not be read: {unread_place(unread)}: {unread.reason}"
    if len(report.errors) > _MESSAGES:
        yield "warn", f"{amount(len(report.errors) - _MESSAGES, 'more thing')} could not be read"
    if suppressed := not_shown(report):
        yield "info", suppressed
    others = "; ".join(issues_said(report))
    if others:
        yield (
            "warn",
            f"{others}: not in the list, since a container scanning report has no place for them; --format codequality shows them",
        )
    if silenced := silenced_said(report):
        yield "info", silenced
    for line in left_out(report):
        yield "info", line


def _vulnerabilities(report: Report, look: Look) -> Iterator[msgspec.Raw]:
    """Give them encoded one by one: what is let go of at once does not take the memory of all."""
    told = shown(report, suppressed=look.suppressed)
    marks = fingerprints(report.image, (finding for finding, _ in told))
    direct = {component.id: component.direct for component in report.packages}
    image, system = _image(report)
    described: dict[str, str] = {}  # the packages of one source have their flaws in common
    for (finding, reason), mark in zip(told, marks, strict=True):
        made = _vulnerability(finding)
        words = finding.details or finding.title or finding.id
        made["description"] = described.get(words) or described.setdefault(words, _description(words))
        # A UUID of version 8, made of the digest by which the finding is known (RFC 9562, section 5.8).
        made["id"] = f"{mark[:8]}-{mark[8:12]}-8{mark[12:15]}-8{mark[15:18]}-{mark[18:30]}"
        dependency: Document = {
            "package": {"name": _line(finding.name, _SHORT)},
            "version": _line(finding.version, _SHORT),
        }
        if (top := direct.get(finding.component)) is not None:
            dependency["direct"] = top
        made["location"] = {"dependency": dependency, "operating_system": system, "image": image}
        if reason:
            said = _line(reason, 1000) or "suppressed"
            flag = {"type": "flagged-as-likely-false-positive", "origin": "hullmark", "description": said}
            made["flags"] = [flag]
        yield msgspec.Raw(_ENCODE(made))


def _image(report: Report) -> tuple[str, str]:
    """Give the names of the image and of its operating system, neither of which may be empty."""
    image = report.image
    if image is None:
        return "image", "unknown"
    system = image.distribution
    words = f"{system.id} {system.version_id}" if system is not None else ""
    return _line(image.name, 1000) or "image", _line(words, _SHORT) or "unknown"


def _vulnerability(finding: Finding) -> Document:
    title = finding.title or finding.id
    made: Document = {
        "id": "",
        "name": _line(title if finding.id in title else f"{finding.id}: {title}", _SHORT),
        "description": "",
        "severity": _SEVERITIES.get(finding.severity, str(finding.severity).capitalize()),
        "solution": _solution(finding),
        "identifiers": _identifiers(finding),
    }
    if vectors := list(_vectors(finding))[:_VECTORS]:
        made["cvss_vectors"] = vectors
    made["links"] = [{"url": link} for link in flaw_links(finding) if len(link) <= _URL][:_LINKS]
    made["details"] = {
        name: {"name": label, "type": "text", "value": _line(value, 1000)}
        for name, label, value in _details(finding)
        if value
    }
    return made


def _description(words: str) -> str:
    """Give the publisher's words, each line a paragraph of its own."""
    lines = words[:_TEXT].splitlines()
    return "\n\n".join(said for line in lines if (said := prose(line, _TEXT)))


def _solution(finding: Finding) -> str:
    if finding.fixed_version and finding.kind != "malicious":
        what = f"{code(finding.name)} {code(finding.version)}".strip()
        return f"Upgrade {what} to {code(finding.fixed_version)}."
    return f"{sentence(fix(finding))}."


def _identifiers(finding: Finding) -> list[Document]:
    """Give the finding's own id first: GitLab follows a finding by it."""
    made = [_identifier(finding.id, flaw_url(finding))]
    made += [_identifier(alias) for alias in finding.aliases]
    made += [_identifier(bundle.id, bundle.url) for bundle in finding.bundles]
    for cwe in finding.cwes:
        if found := _CWE.fullmatch(cwe):
            url = f"https://cwe.mitre.org/data/definitions/{found[1]}.html"
            made.append({"type": "cwe", "name": cwe, "value": found[1], "url": url})
    told = {(one["type"], one["value"]): one for one in reversed(made)}
    return list(reversed(told.values()))[:_IDENTIFIERS]


def _identifier(text: str, url: str = "") -> Document:
    """Name an id's publisher by its prefix, as GitLab does: cve, ghsa, usn, dsa, rhsa."""
    value = _line(text, _SHORT) or "unknown"
    found = _PREFIX.match(value)
    made = {"type": found[0].lower()[:50] if found else "hullmark", "name": value, "value": value}
    return made | {"url": url} if is_url(url) and len(url) <= _URL else made


def _vectors(finding: Finding) -> Iterator[Document]:
    """Give the CVSS vectors that this version of the schema knows, that of the source which counts first."""
    for score in sorted(finding.scores, key=lambda score: score.source != finding.severity_source):
        if _VECTOR.fullmatch(score.vector):
            yield {"vendor": _line(score.source, _SHORT) or "unknown", "vector": score.vector}


def _details(finding: Finding) -> Iterator[tuple[str, str, str]]:
    yield "purl", "Package URL", finding.purl
    yield "state", "State", finding.state
    yield "severity_source", "Severity by", finding.severity_source
    for number, place in enumerate(finding.locations[:5]):
        yield f"path_{number}", "Path", f"{place.path} {place.place}".strip()
        if place.layer >= 0:
            yield f"layer_{number}", "Layer", f"{place.layer} {place.layer_digest} {place.created_by}".strip()
    if finding.from_base is not None:
        yield "from", "Comes with", "the base image" if finding.from_base else "the image's own layers"
    if finding.kev is not None:
        yield "kev", "Known to be exploited since", finding.kev.added or "unknown"
    if finding.epss is not None:
        yield "epss", "EPSS", f"{finding.epss.probability:.1%}"


def _line(text: str, length: int) -> str:
    if len(text) <= length and text.isascii() and text.isprintable():
        return text.strip()
    line = printable(" ".join(text[: 4 * length].split()))
    return line if len(line) <= length else line[: length - 1] + "…"
