"""SARIF 2.1.0, as GitHub code scanning and other viewers take it: one run an image, one result a flaw and package, a secret or a misconfiguration.

Specification: OASIS SARIF 2.1.0 (errata 01), https://docs.oasis-open.org/sarif/sarif/v2.1.0/. What code scanning makes of it, and
where it stops reading: docs.github.com, "SARIF support for code scanning" and "SARIF results exceed limits".
"""

import functools
import posixpath
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from hullmark.findings.issues import NAMES, Issue
from hullmark.findings.issues import worst_first as worst_issue_first
from hullmark.findings.narrowing import worst_first
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.fingerprint import digest, identity, repository
from hullmark.model.look import Look
from hullmark.model.purl import parse_purl, type_of
from hullmark.model.report import Finding, Location, Report, ReportImage, ReportSet, Suppressed
from hullmark.model.sbom import flaw_url, image_purl, is_url
from hullmark.model.words import sentence
from hullmark.reports import _sentences as say
from hullmark.reports import reports_of

Document = dict[str, Any]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_HOME = "https://hullmark.dev"
_ROOT = "IMAGE"
_MOST_RESULTS = 5000  # of a run; code scanning keeps no more
_MOST_LOCATIONS = 10  # of a result
_MOST_RUNS = 20  # of a file; code scanning refuses more
_MOST_TAGS = 10  # of a rule; 20 are refused
_MOST_NOTES = 500
_MOST_BYTES = 10_000_000  # of a file after gzip; code scanning refuses more
_MOST_TEXT = 1000  # of a rule's descriptions; code scanning takes 1,024 signs
_SCORES = {
    # least, greatest and usual score of a level, as code scanning names them (FIRST's CVSS 3.1, section 5)
    Severity.CRITICAL: (9.0, 10.0, 9.5),
    Severity.HIGH: (7.0, 8.9, 8.0),
    Severity.MEDIUM: (4.0, 6.9, 5.5),
    Severity.LOW: (0.1, 3.9, 2.0),
    Severity.NEGLIGIBLE: (0.1, 3.9, 0.1),
}
_PROBLEMS = {"error": "error", "warning": "warning", "note": "recommendation"}
_NAMES = {
    "vulnerability": "VulnerablePackage",
    "malicious": "MaliciousPackage",
    "end_of_life": "EndOfLifeRelease",
    "bundle": "UnpatchedPackage",
}
_SEMVER = re.compile(r"\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?")
_WORDS = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CWE = re.compile(r"CWE-(\d{1,6})")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{1,60}")
_SIGNS = re.compile(r"[\\`*_\[\]<>#~&@$]")
_WWW = re.compile(r"(www)\.", re.IGNORECASE)
_LISTED = re.compile(r"\A(\d{1,9}(?=[.)])|(?=[-+]))", re.ASCII)
_BEGINS_LIST = frozenset("0123456789-+")
_ENCODE = msgspec.json.Encoder().encode
_PARAGRAPHS = re.compile(r"\n\s*\n")


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Encode the runs. So many of the least severe results are left out, and said to be, as make the file too large."""
    most = _MOST_RESULTS
    while True:
        document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": _runs(report, look, most)}
        body = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
        if not most or len(body) <= _MOST_BYTES or _packed(body) <= _MOST_BYTES:
            return body
        most //= 2


def _packed(body: bytes) -> int:
    """Give the size after compression; that of gzip, which packs a little better, is smaller."""
    from isal import isal_zlib

    return len(isal_zlib.compress(body, 1))


def _runs(report: Report | ReportSet, look: Look, most: int) -> list[Document]:
    reports = reports_of(report)
    runs = [
        _Run(one, look, most).document(category)
        for one, category in zip(reports, _categories(reports), strict=True)
    ]
    if isinstance(report, ReportSet) and report.failures:
        runs.append(_failures(report))
    if len(runs) > _MOST_RUNS:
        text = f"code scanning refuses a file of more than {_MOST_RUNS} images: write one file for each"
        note = _notification(say.Note("cut", "warning", text))
        runs[0]["invocations"][0]["toolExecutionNotifications"].append(note)
    return runs


def _categories(reports: Sequence[Report]) -> list[str]:
    """Give each run an id that stays the same when the image is built anew; tag or digest come in only where two would be the same.

    Code scanning takes what stands before the last slash for the category: a later run of the same category replaces an earlier one.
    """
    plain = [_category(one.image) for one in reports]
    made: list[str] = []
    for one, category in zip(reports, plain, strict=True):
        whole = category
        if plain.count(category) > 1 and one.image is not None:
            whole += _uri(one.image.name.rpartition("/")[2] or "image") + "/"
        number = made.count(whole)
        while whole in made:
            number += 1
            whole = f"{category}{number}/"
        made.append(whole)
    return made


def _category(image: ReportImage | None) -> str:
    words = (
        "hullmark",
        *((_uri(_repository(image)), _uri(str(image.platform))) if image is not None else ()),
    )
    return "/".join(word for word in words if word) + "/"


def _repository(image: ReportImage) -> str:
    """Give the name without tag and digest: that of the registry, else the one that all names in the archive share, else its own."""
    try:
        return parse_purl(image_purl(image)).qualifiers["repository_url"]
    except (ValueError, KeyError):
        names = {repository(tag) for tag in image.tags}
        return names.pop() if len(names) == 1 else repository(image.name)


class _Rule(NamedTuple):
    id: str
    place: int
    findings: list[Finding]
    issues: list[Issue]


class _Run:
    def __init__(self, report: Report, look: Look, most: int) -> None:
        self.report = report
        self.look = look
        self.most = most
        self.rules: dict[tuple[str, str], _Rule] = {}
        self.names: set[str] = set()
        self.seen: dict[str, int] = {}

    def document(self, category: str) -> Document:
        groups = self._groups()
        # Encoded one by one: what is let go of at once does not take the memory of all.
        results = [msgspec.Raw(_ENCODE(made())) for _, made in groups[: self.most]]
        said = say.bounded(say.notes(self.report), _MOST_NOTES)
        if left := len(groups) - len(results):
            text = f"{left} of {len(groups)} results, the least severe, are left out: code scanning takes no more"
            said.append(say.Note("cut", "warning", text))
        root = {"description": {"text": "The root of the image's file system"}}
        return {
            "tool": {"driver": self._driver()},
            "automationDetails": {"id": category},
            "invocations": [_invocation(said)],
            **({"originalUriBaseIds": {_ROOT: root}} if self.report.image is not None else {}),
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": self._properties(),
        }

    def _driver(self) -> Document:
        return {
            **_tool(self.report.tool.name, self.report.tool.version),
            "rules": [
                msgspec.Raw(_ENCODE(_rule(rule.id, rule) if rule.findings else _issue_rule(rule)))
                for rule in self.rules.values()
            ],
        }

    def _named(self, kind: str, name: str) -> _Rule:
        """Give the rule of that name; a rule for secrets that is called as a flaw is another one, and needs another id."""
        if (kind, name) not in self.rules:
            free = name
            while free in self.names:
                free = f"{kind}/{free}"
            self.names.add(free)
            self.rules[kind, name] = _Rule(free, len(self.rules), [], [])
        return self.rules[kind, name]

    def _properties(self) -> Document:
        values: Document = {"asOf": say.plain(self.report.as_of)}
        if self.report.image is not None:
            values["image"] = say.image_name(self.report)
            values["digest"] = say.plain(self.report.image.digest)
        values["findings"] = len(self.report.findings)
        values["suppressed"] = len(self.report.suppressed)
        values["secrets"] = len(self.report.secrets)
        values["misconfigurations"] = len(self.report.config)
        values["silenced"] = len(self.report.silenced)
        return values

    def _groups(self) -> list[tuple[int, Callable[[], Document]]]:
        """Give what makes each result, worst first, those that were suppressed last; what is said of several components of one package is one."""
        groups: dict[tuple[str, ...], tuple[list[Finding], Suppressed | None]] = {}
        for finding, taken in say.shown(self.report, suppressed=self.look.suppressed):
            reason = "" if taken is None else f"-{taken.reason}"
            key = (finding.id, type_of(finding.purl), finding.name, finding.version, reason)
            groups.setdefault(key, ([], taken))[0].append(finding)
        made = [
            (_order(found[0].severity, taken is not None), functools.partial(self._result, found, taken))
            for found, taken in groups.values()
        ]
        made += [
            (_order(issue.severity, bool(reason)), functools.partial(self._issue_result, issue, reason))
            for issue, reason in say.shown_issues(self.report, suppressed=self.look.suppressed)
        ]
        return sorted(made, key=lambda each: each[0])

    def _result(self, found: list[Finding], taken: Suppressed | None) -> Document:
        worst = found[0]
        name = say.plain(worst.id, say.NAME) or "unnamed"
        rule = self._named("flaw", name)
        rule.findings.append(worst)
        by_place = {
            (place.path, place.layer, place.place): (each, place)
            for each in found
            for place in each.locations
        }
        places = [by_place[key] for key in sorted(by_place)]
        message = say.message(worst)
        if len(places) > 1:
            message += f" In {len(places)} places."
        result: Document = {
            "ruleId": rule.id,
            "ruleIndex": rule.place,
            "level": say.level_of(worst),
            "message": {"text": _unlinked(message)},
            "locations": [_location(each, place) for each, place in places[:_MOST_LOCATIONS]]
            or [{"physicalLocation": _physical(say.main_path(self.report, worst), 1)}],
            "partialFingerprints": self._fingerprints(identity(*found)),
        }
        if self.look.suppressed:
            # The specification wants them on all results of a run or on none (section 3.27.23).
            result["suppressions"] = [_suppression(taken.reason)] if taken is not None else []
        result["properties"] = _finding_values(worst)
        return result

    def _issue_result(self, issue: Issue, reason: str) -> Document:
        rule = self._named(issue.kind, say.rule(issue))
        rule.issues.append(issue)
        marks = self._fingerprints(digest(issue.kind, issue.rule, issue.file, issue.resource))
        if issue.fingerprint:
            # Not the only one: it is another with another key.
            marks["hullmark/secret"] = say.plain(issue.fingerprint, say.NAME)
        result: Document = {
            "ruleId": rule.id,
            "ruleIndex": rule.place,
            "level": say.issue_level(issue),
            "message": {"text": _unlinked(say.issue_message(issue))},
            "locations": [self._issue_location(issue)],
            "partialFingerprints": marks,
        }
        if self.look.suppressed:
            result["suppressions"] = [_suppression(reason)] if reason else []
        result["properties"] = _issue_values(issue)
        return result

    def _issue_location(self, issue: Issue) -> Document:
        """Point to the file, or to the field of the configuration, which is none but where viewers demand one."""
        image = self.report.image
        path = say.issue_path(self.report, issue)
        if image is None:
            place: Document = {"artifactLocation": {"uri": _file_uri(path, self.look.folder)}}
        else:
            place = _physical(path, 0)
        place["region"] = _region(issue)
        made: Document = {"physicalLocation": place}
        if issue.layer < 0 and image is not None:
            name = say.plain(issue.file, say.NAME)
            made["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "member"}]
        elif issue.resource:
            made["logicalLocations"] = [{"name": say.plain(issue.resource, say.NAME), "kind": "resource"}]
        return made

    def _fingerprints(self, mark: str) -> Document:
        """Say which flaw it is whatever the tag, the digest and the version.

        Code scanning reads `primaryLocationLineHash` alone, whose last part numbers those that are else the same: two versions of a
        package in one lock file.
        """
        number = self.seen[mark] = self.seen.get(mark, 0) + 1
        return {"primaryLocationLineHash": f"{mark[:16]}:{number}", "hullmark/v1": f"{mark}:{number}"}


def _order(severity: Severity, suppressed: bool) -> int:  # noqa: FBT001  # the value itself
    return SEVERITY_RANK[severity] + len(SEVERITY_RANK) * suppressed


def _failures(report: ReportSet) -> Document:
    """Tell of the images that could not be scanned in a run of its own: an empty run of theirs would close their alerts."""
    tool = report.reports[0].tool if report.reports else None
    said = [
        say.Note("failed", "error", f"not scanned: {say.plain(each.name)}: {say.plain(each.reason)}")
        for each in report.failures
    ]
    return {
        "tool": {"driver": {**_tool(tool.name if tool else "", tool.version if tool else ""), "rules": []}},
        "automationDetails": {"id": "hullmark/not-scanned/"},
        "invocations": [_invocation(said)],
        "results": [],
    }


def _tool(name: str, version: str) -> Document:
    made = {"name": say.plain(name, say.NAME) or "hullmark", "informationUri": _HOME}
    if version:
        made["version"] = say.plain(version, say.NAME)
    if _SEMVER.fullmatch(version):
        made["semanticVersion"] = version
    return made


def _invocation(said: Sequence[say.Note]) -> Document:
    return {
        "executionSuccessful": not any(note.level == "error" for note in said),
        "toolExecutionNotifications": [_notification(note) for note in said],
    }


def _notification(note: say.Note) -> Document:
    made: Document = {
        "descriptor": {"id": note.kind},
        "level": note.level,
        "message": {"text": _unlinked(f"{sentence(note.text)}.")},
    }
    if note.path:
        made["locations"] = [{"physicalLocation": _physical(note.path, 0)}]
    return made


def _issue_rule(rule: _Rule) -> Document:
    """Describe a rule for secrets or misconfigurations by what its worst result says of it."""
    worst = min(rule.issues, key=worst_issue_first)
    surest = min(rule.issues, key=lambda issue: not issue.is_sure)
    title = say.rule_title(worst)
    what = NAMES[worst.kind]
    advice = say.issue_advice(worst)
    facts = [f"Severity: {worst.severity}"]
    for label, names in (("Controls", worst.controls), ("Other tools call it", worst.same_as)):
        if names:
            facts.append(f"{label}: {say.plain(', '.join(names))}")
    told = [f"{advice}."] if advice else []
    plain = [f"{rule.id}: {title}", *told, "\n".join(facts)]
    marked = [f"**{_literal(rule.id)}** {_literal(title)}", *map(_literal, told)]
    marked.append("\n".join(f"- {_literal(fact)}" for fact in facts))
    level = say.issue_level(worst)
    tags = ["security", what, *(["external/cwe/cwe-798"] if worst.kind == "secret" else ())]
    tags += [name for name in worst.same_as if _TAG.fullmatch(name)]
    values: Document = {
        "tags": list(dict.fromkeys(tags))[:_MOST_TAGS],
        "precision": surest.confidence,
        "problem.severity": _PROBLEMS[level],
    }
    if worst.severity in _SCORES:
        values["security-severity"] = f"{_SCORES[worst.severity][2]:.1f}"
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-"))
        if _WORDS.fullmatch(rule.id)
        else what.capitalize(),
        "shortDescription": {"text": _unlinked(title)},
        "fullDescription": {"text": _unlinked(f"{title}. {' '.join(told)}".strip())[:_MOST_TEXT]},
        "defaultConfiguration": {"level": level},
        "help": {"text": _unlinked("\n\n".join(plain)), "markdown": "\n\n".join(marked)},
        "properties": values,
    }


def _rule(name: str, rule: _Rule) -> Document:
    worst = min(rule.findings, key=worst_first)
    title = say.plain(worst.title or worst.details[: say.LINE])
    url = flaw_url(worst) if worst.id.isascii() and len(worst.id) < say.NAME else ""
    url = url if is_url(url) and len(url) < say.PATH else ""
    level = say.level_of(worst)
    head = f"{name}: {title}" if title else name
    told = [say.plain(part) for part in _PARAGRAPHS.split(worst.details[:_MOST_TEXT]) if part.strip()]
    if told and len(worst.details) > _MOST_TEXT:
        told[-1] += "…"
    made: Document = {
        "id": name,
        "name": _NAMES[worst.kind],
        "shortDescription": {"text": _unlinked(head)[:_MOST_TEXT]},
        "fullDescription": {"text": _unlinked(" ".join(told) or head)[:_MOST_TEXT]},
        "defaultConfiguration": {"level": level},
        "help": _help(name, title, told, worst, url),
    }
    if url:
        made["helpUri"] = url
    made["properties"] = {"tags": _tags(worst), "precision": "high", "problem.severity": _PROBLEMS[level]}
    if score := _score(worst):
        made["properties"]["security-severity"] = score
    return made


def _help(name: str, title: str, told: Sequence[str], finding: Finding, url: str) -> Document:
    """Give what is known of the flaw itself, whatever the package, plain and as Markdown."""
    scores = [
        f"{score.value} {score.kind} ({say.plain(score.source, 40)})"
        for score in finding.scores
        if score.value is not None
    ]
    facts = [f"Severity: {say.severity(finding)}"]
    for label, values in (
        ("Scores", scores),
        ("Other ids", [*finding.aliases, *(bundle.id for bundle in finding.bundles)]),
        ("Weaknesses", finding.cwes),
    ):
        if values:
            facts.append(f"{label}: {say.plain(', '.join(dict.fromkeys(values)))}")
    if finding.epss is not None:
        facts.append(f"EPSS: {finding.epss.probability:.1%}")
    if finding.kev is not None:
        facts.append(f"Known to be exploited since {say.plain(finding.kev.added, 40)} (CISA KEV)")
    if finding.kind == "malicious":
        facts.append(say.fix(finding))
    plain = [f"{name}: {title}" if title else name, *told, "\n".join(facts)]
    marked = [f"**{_literal(name)}** {_literal(title)}".strip(), *map(_literal, told)]
    marked.append("\n".join(f"- {_literal(fact)}" for fact in facts))
    if url:
        plain.append(f"More: {url}")
        marked.append(f"<{url}>")
    return {"text": _unlinked("\n\n".join(plain)), "markdown": "\n\n".join(marked)}


def _tags(finding: Finding) -> list[str]:
    tags = ["security", finding.kind.replace("_", "-")]
    if finding.kev is not None:
        tags.append("known-exploited")
    tags += [
        f"external/cwe/cwe-{int(found[1])}" for cwe in sorted(finding.cwes) if (found := _CWE.fullmatch(cwe))
    ]
    tags += [alias for alias in finding.aliases if _TAG.fullmatch(alias)]
    return list(dict.fromkeys(tags))[:_MOST_TAGS]


def _score(finding: Finding) -> str:
    """Give the score of the source that counts, kept inside the level that counts; without one what stands for the level.

    Code scanning makes a level of the number again, and must come to the same one: CVSS 2 has no critical, and a distribution may
    rate a flaw lower than its score. What nobody has judged has no number.
    """
    if finding.severity not in _SCORES:
        return ""
    least, greatest, usual = _SCORES[finding.severity]
    values = [
        score.value
        for score in finding.scores
        if score.value is not None
        and score.source == finding.severity_source
        and score.level == finding.severity
    ]
    value = values[0] if values else usual
    return f"{min(max(value, least), greatest):.1f}"


def _location(finding: Finding, place: Location) -> Document:
    """Point to a file of the image. The Dockerfile's line that brought it would come first, were it known."""
    made: Document = {
        "physicalLocation": _physical(place.path, say.line_of(place) or 1),
        "logicalLocations": [
            {
                "name": say.plain(finding.name, say.NAME),
                "fullyQualifiedName": say.plain(finding.purl),
                "kind": "package",
            }
        ],
    }
    words = [say.layer(place), say.plain(place.place, say.NAME)]
    if said := ": ".join(word for word in words if word):
        made["message"] = {"text": _unlinked(f"{said}.")}
    return made


def _physical(path: str, line: int) -> Document:
    made: Document = {"artifactLocation": {"uri": _uri(path) or "image", "uriBaseId": _ROOT}}
    if line:
        made["region"] = {"startLine": line}
    return made


def _region(issue: Issue) -> Document:
    """Give the place (section 3.30): as here, what is at the end column is not part of it."""
    made = {"startLine": issue.line or 1}
    if issue.line and issue.column:
        made["startColumn"] = issue.column
        if (issue.end_line, issue.end_column) > (issue.line, issue.column):
            made |= {"endLine": issue.end_line, "endColumn": max(issue.end_column, 1)}
    return made


def _file_uri(path: str, folder: str) -> str:
    """Give a path of the machine as it is seen from the working folder, which is what viewers take for the root of the project.

    Code scanning finds no file by an absolute path or a step upwards: of a file elsewhere the rest of its path is given.
    """
    whole = posixpath.normpath(posixpath.join(folder, path))
    root = folder.rstrip("/") + "/"
    return (
        _uri(whole.removeprefix(root) if folder and whole.startswith(root) else posixpath.normpath(path))
        or "file"
    )


@functools.lru_cache(4096)
def _uri(path: str) -> str:
    """Give a path as a relative reference (RFC 3986, section 4.2) below the root."""
    return quote(say.inner(path))


def _suppression(reason: str) -> Document:
    return {"kind": "external", "status": "accepted", "justification": say.plain(reason)}


def _issue_values(issue: Issue) -> Document:
    values: Document = {
        "severity": str(issue.severity),
        "confidence": issue.confidence if issue.kind == "secret" else "",
        "doubt": say.plain(issue.reason),
        "source": issue.source,
        "resource": say.plain(issue.resource, say.NAME),
        "count": issue.count if issue.count > 1 else "",
        "layerDigest": say.plain(issue.layer_digest, say.NAME),
        "fromBase": issue.from_base,
        "controls": [say.plain(each, say.NAME) for each in issue.controls] or "",
    }
    return {name: value for name, value in values.items() if value not in ("", None)}


def _finding_values(finding: Finding) -> Document:
    values: Document = {
        "purl": say.plain(finding.purl),
        "version": say.plain(finding.version, say.NAME),
        "fixedVersion": say.plain(finding.fixed_version, say.NAME),
        "severity": str(finding.severity),
        "severitySource": say.plain(finding.severity_source, say.NAME),
        "state": finding.state,
        "fromBase": finding.from_base,
    }
    if finding.epss is not None:
        values["epss"] = finding.epss.probability
    if finding.kev is not None:
        values["knownExploited"] = True
    return {name: value for name, value in values.items() if value not in {"", None}}


def _unlinked(text: str) -> str:
    """Keep brackets of an image's own from being links (section 3.11.6)."""
    return text.replace("[", "\\[").replace("]", "\\]") if "](" in text else text


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


@functools.lru_cache(4096)
def _literal(text: str) -> str:
    """Give a line as Markdown that shows just it: no markup, no HTML, no link (CommonMark 0.31, section 2.4; GitHub's autolinks)."""
    shown = _SIGNS.sub(_escaped, text).replace("://", "\\://")
    if "www." in shown.lower():
        shown = _WWW.sub(r"\1\\.", shown)
    return _LISTED.sub(r"\1\\", shown) if shown[:1] in _BEGINS_LIST else shown
