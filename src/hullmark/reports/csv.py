"""CSV for spreadsheets and scripts: a row for each finding, secret and misconfiguration. Format: RFC 4180, in UTF-8.

Rows of the kinds `secret` and `misconfiguration` have the rule as their id, the file or field of the configuration as their path, the number of
places as `places`, and a place in the last columns: what is at `end_line` and `end_column` is not part of it any more.
What could not be read or was not checked has rows of its own, of the kinds `unread`, `not_checked` and `not_scanned`, without an id.
"""

import csv
import io
from collections.abc import Iterator

from hullmark.advice.action import action
from hullmark.advice.issues import mend
from hullmark.advice.verdict import not_checked, unread_place
from hullmark.findings.issues import NAMES, Issue, issues, silenced
from hullmark.model.advisory import Score
from hullmark.model.cells import cell
from hullmark.model.look import Look
from hullmark.model.purl import type_of
from hullmark.model.report import Finding, Report, ReportSet, Suppressed
from hullmark.model.sbom import flaw_links
from hullmark.model.sbom_flaws import statement_on
from hullmark.model.words import stands
from hullmark.reports import failures_of, reports_of

Row = dict[str, str]

COLUMNS = (
    *("image", "digest", "platform", "id", "kind", "severity", "severity_source", "state", "package", "version", "type", "purl"),
    *("fixed_version", "advice", "layer", "layer_digest", "created_by", "from_base", "path", "place", "places", "via", "direct"),
    *("title", "published", "modified", "epss", "epss_percentile", "kev", "kev_added", "kev_due", "cvss_score", "cvss_vector", "cvss_source"),
    *("aliases", "bundles", "cwes", "urls", "suppressed", "reason", "suppressed_by"),
    *("line", "column", "end_line", "end_column", "confidence", "doubt", "resource", "source", "fingerprint", "controls"),
)  # fmt: skip
"""The header, in this order. Names stay and keep their meaning; new ones come at the end."""


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Render the header and a row for each finding, image by image, worst first."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for one in reports_of(report):
        writer.writerows(_plain(row) for row in _rows(one, look))
    for failure in failures_of(report):
        writer.writerow(_plain({"image": failure.name, "kind": "not_scanned", "reason": failure.reason}))
    return out.getvalue().encode()


def _plain(row: Row) -> Row:
    return {name: cell(value) for name, value in row.items()}


def _rows(report: Report, look: Look) -> Iterator[Row]:
    image = report.image
    head = {}
    if image is not None:
        head = {"image": image.name, "digest": image.digest, "platform": str(image.platform)}
    edges = {c.id: {"via": " > ".join(c.via), "direct": _word(c.direct)} for c in report.packages}
    for finding in report.findings:
        yield head | edges.get(finding.component, {}) | _finding(finding)
    if look.suppressed:
        for each in report.suppressed:
            edge = edges.get(each.finding.component, {})
            yield head | edge | _finding(each.finding) | _suppression(report, each)
    for issue in issues(report):
        yield head | _issue(issue)
    if look.suppressed:
        for issue, one in silenced(report):
            by = stands(report.suppressions[one.by]) if 0 <= one.by < len(report.suppressions) else "filter"
            row = {"suppressed": "true", "reason": one.reason, "suppressed_by": by}
            yield head | _issue(issue) | row
    for unread in report.errors:
        yield head | {
            "kind": "unread",
            "layer_digest": unread.layer,
            "path": unread.path,
            "place": unread.place,
            "title": unread_place(unread),
            "reason": unread.reason,
        }
    for gap in not_checked(report):
        if not gap.checked:
            yield head | {"kind": "not_checked", "type": gap.what, "title": str(gap), "reason": gap.reason}


def _suppression(report: Report, each: Suppressed) -> Row:
    said = statement_on(report, each)
    by = stands(said) if said is not None else "filter"
    return {"suppressed": "true", "reason": each.reason, "suppressed_by": by}


def _finding(finding: Finding) -> Row:
    row = {
        "id": finding.id,
        "kind": finding.kind,
        "severity": str(finding.severity),
        "severity_source": finding.severity_source,
        "state": finding.state,
        "package": finding.name,
        "version": finding.version,
        "type": type_of(finding.purl),
        "purl": finding.purl,
        "fixed_version": finding.fixed_version,
        "advice": action(finding),
        "from_base": _word(finding.from_base),
        "places": str(len(finding.locations)),
        "title": finding.title or finding.details[:1000],
        "published": finding.published,
        "modified": finding.modified,
        "aliases": " ".join(finding.aliases),
        "bundles": " ".join(bundle.id for bundle in finding.bundles),
        "cwes": " ".join(finding.cwes),
        "urls": " ".join(flaw_links(finding)),
        "kev": "false",
        "suppressed": "false",
    }
    if finding.kind == "malicious":
        row["fixed_version"] = ""
    if finding.locations:
        place = finding.locations[0]
        row |= {
            "layer": str(place.layer) if place.layer >= 0 else "",
            "layer_digest": place.layer_digest,
            "created_by": place.created_by,
            "path": place.path,
            "place": place.place,
        }
    if finding.epss is not None:
        row |= {"epss": str(finding.epss.probability), "epss_percentile": str(finding.epss.percentile)}
    if finding.kev is not None:
        row |= {"kev": "true", "kev_added": finding.kev.added, "kev_due": finding.kev.due}
    if score := _score(finding):
        row |= {"cvss_score": str(score.value), "cvss_vector": score.vector, "cvss_source": score.source}
    return row


def _issue(issue: Issue) -> Row:
    numbers = {
        "line": issue.line,
        "column": issue.column,
        "end_line": issue.end_line,
        "end_column": issue.end_column,
    }
    row = {name: str(number) for name, number in numbers.items() if number > 0}
    if issue.layer >= 0:
        row["layer"] = str(issue.layer)
    return row | {
        "id": issue.rule,
        "kind": NAMES[issue.kind],
        "severity": str(issue.severity),
        "advice": mend(issue),
        "layer_digest": issue.layer_digest,
        "created_by": issue.created_by,
        "from_base": _word(issue.from_base),
        "path": issue.file,
        "place": f"line {issue.line}" if issue.line else "",
        "places": str(issue.count),
        "title": issue.message,
        "aliases": " ".join(issue.same_as),
        "suppressed": "false",
        "confidence": issue.confidence if issue.kind == "secret" else "",
        "doubt": issue.reason,
        "resource": issue.resource,
        "source": issue.source,
        "fingerprint": issue.fingerprint,
        "controls": ", ".join(issue.controls),
    }


def _score(finding: Finding) -> Score | None:
    """Give the score of the source whose severity counts, else the first one."""
    known = [score for score in finding.scores if score.value is not None]
    counting = [score for score in known if score.source == finding.severity_source]
    return next(iter(counting or known), None)


def _word(truth: bool | None) -> str:  # noqa: FBT001  # the value itself
    return "" if truth is None else "true" if truth else "false"
