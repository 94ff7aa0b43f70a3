"""HTML: the report for people who were sent it, as one file that loads nothing (HTML Living Standard, CSP Level 3).

All is in the markup, so that it reads without scripts; the one script filters, and lays out long lists without a pause. The page's policy allows just this script and this style, by their hashes: whatever a name in an image
may have brought into the page would be dead.
"""

import base64
import functools
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hullmark.advice.issues import silenced_said
from hullmark.advice.upgrades import advised
from hullmark.advice.verdict import is_matched, is_of_files, not_shown
from hullmark.findings.issues import NAMES, IssueKind, silenced, subject
from hullmark.findings.issues import issues as every_issue
from hullmark.model.advisory import Severity
from hullmark.model.look import Look
from hullmark.model.report import Report, ReportImage, ReportSet
from hullmark.model.words import STATES, amount
from hullmark.reports._page import findings, issues, layers, lists, verdict
from hullmark.reports._page.text import text

_TITLES: dict[IssueKind, tuple[str, str]] = {
    "secret": ("Secrets", "secrets"),
    "config": ("Misconfiguration", "misconfigurations"),
}
_PARTS = Path(__file__).with_name("_page")


def render(report: Report | ReportSet, look: Look) -> bytes:
    """Render one report, or several as one page with a section for each and a summary."""
    if isinstance(report, Report):
        title, body = _name(report), "".join(_image(report, look, "i0"))
        heading = "Hullmark image report" if report.image is not None else "Hullmark report"
    else:
        title = heading = f"Hullmark report of {amount(len(report.reports), 'image')}"
        sections = ("".join(_image(one, look, f"i{number}")) for number, one in enumerate(report.reports))
        body = _summary(report) + "".join(sections)
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none';"
        " require-trusted-types-for 'script'; trusted-types hullmark"
    )
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>Hullmark: {text(title, 200)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<header><h1>{heading}</h1></header>\n<main>\n{body}</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )
    return page.encode(
        "ascii", "xmlcharrefreplace"
    )  # browsers read ASCII in half the time, under any charset


@functools.cache
def _asset(name: str) -> str:
    return (_PARTS / name).read_text("utf-8")


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _name(report: Report) -> str:
    return subject(report) or ("image" if report.image is not None else "files")


def _summary(report: ReportSet) -> str:
    rows = []
    for number, one in enumerate(report.reports):
        found = Counter(finding.severity for finding in one.findings)
        numbers = "".join(f'<td data-n="{level}">{found[level]:,}</td>' for level in Severity)
        unsure = verdict.unsure(one)
        rows.append(
            f'<tr><th scope="row"><a href="#i{number}">{text(_name(one))}</a>{_platform(one.image)}</th>{numbers}'
            f'<td data-n="secrets">{len(one.secrets):,}</td><td data-n="misconfigurations">{len(one.config):,}</td>'
            f'<td data-n="packages">{len(one.packages):,}</td><td>{unsure or "all read and checked"}</td></tr>'
        )
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Image", *Severity, "Secrets", "Misconfigurations", "Packages", "Read and checked")
    )
    failed = "".join(
        f"<li><b>{text(failure.name)}</b>: not scanned: {text(failure.reason)}"
        f"{f' ({text(failure.hint)})' if failure.hint else ''}</li>"
        for failure in report.failures
    )
    failures = (
        f'<p>Not scanned ({len(report.failures):,}):</p><ul class="gaps">{failed}</ul>' if failed else ""
    )
    scanned = f"{amount(len(report.reports), 'image')} scanned, {len(report.failures):,} failed"
    return (
        f'<section aria-labelledby="summary"><h2 id="summary">{scanned}</h2>{failures}<table class="images"><thead><tr>{head}'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></section>\n"
    )


def _platform(image: ReportImage | None) -> str:
    shown = str(image.platform) if image is not None else ""
    return f" <small>{text(shown)}</small>" if shown not in {"", "linux"} else ""


def _image(report: Report, look: Look, ident: str) -> Iterator[str]:
    found = advised(report)
    yield f'<article id="{ident}" aria-labelledby="{ident}-name"><h2 id="{ident}-name">{text(_name(report))}{_platform(report.image)}</h2>'
    yield f'<p class="facts">{" · ".join(_facts(report))}</p>'
    yield f'<div class="verdict {verdict.tone(report)}"><p>{verdict.said(report)}</p>'
    notes = [verdict.unsure(report, ident), _set_aside(report, ident)]
    yield f"<p>{' '.join(note for note in notes if note)}</p>"
    yield f"{verdict.tiles(report) if is_matched(report) else ''}</div>"
    yield verdict.first(report, found, ident)
    yield layers.charts(report, ident)
    yield layers.layers(report, ident)
    yield _findings(report, ident)
    for kind in NAMES:
        yield _issues(report, kind, ident)
    yield lists.gaps(report, ident)
    yield _suppressed(report, look, ident)
    yield _packages(report, ident)
    yield f"<section>{lists.coverage(report)}</section>"
    tool = f"{text(report.tool.name)} {text(report.tool.version)}"
    yield f'<p class="facts">Made by {tool}, as of {text(report.as_of)}.</p></article>\n'


def _facts(report: Report) -> Iterator[str]:
    image = report.image
    if image is not None:
        if (system := image.distribution) is not None:
            taken = f" (taken for {text(image.derived_from)})" if image.derived_from else ""
            yield text(system.pretty_name or f"{system.id} {system.version_id}") + taken
        elif image.source != "sbom":
            yield "no distribution"
    if not is_of_files(report):
        yield amount(len(report.layers), "layer")
        yield amount(len(report.packages), "package")
    yield f"as of {text(report.as_of)}"
    if image is not None:
        if image.digest:
            yield f"<code>{text(image.digest)}</code>"
        base = image.base
        for name in base.rejected:
            yield f"not its base image: {text(name)} (its layers do not stand at the bottom)"
        if base.layers:
            yield f"base image: {text(base.name)}, {amount(base.layers, 'layer')} (known by {base.evidence})"
        elif base.evidence == "claimed":
            yield f"base image: {text(base.name)} is claimed by a label, not proven"


def _set_aside(report: Report, ident: str) -> str:
    count = len(report.suppressed) + len(report.silenced)
    if not count:
        return ""
    return f'<a href="#{ident}-suppressed">{amount(count, "finding")} suppressed</a>.'


def _findings(report: Report, ident: str) -> str:
    if not report.findings:
        return ""
    components = {component.id: component for component in report.packages}
    states = {finding.state for finding in report.findings}
    selects = (
        _select("f", "State", [(state, words) for state, words in STATES.items() if state in states])
        + _origins(report)
        + _ecosystems({findings.ecosystem(each, components.get(each.component)) for each in report.findings})
    )
    head = "".join(f"<span>{name}</span>" for name in ("Severity", "Flaw", "Package", "Fix", "Where", "What"))
    return (
        f'<section class="list" data-rows="{len(report.findings)}" id="{ident}-findings" aria-labelledby="{ident}-f {ident}-name"><h3 id="{ident}-f">Findings'
        f" <small>{len(report.findings):,}</small></h3>"
        f"{_filters('findings', _boxes(each.severity for each in report.findings), selects)}"
        f'<div class="head findings" aria-hidden="true">{head}</div>'
        f"{findings.chunks(findings.rows(report), 'findings')}</section>"
    )


def _boxes(severities: Iterable[Severity]) -> str:
    present = Counter(severities)
    boxes = "".join(
        f'<label><input type="checkbox" name="s" value="{level}" checked><b class="sev {level}">{level}</b>'
        f" {present[level]:,}</label>"
        for level in Severity
        if present[level]
    )
    return f"<fieldset><legend>Severity</legend>{boxes}</fieldset>"


def _issues(report: Report, kind: IssueKind, ident: str) -> str:
    found = [issue for issue in every_issue(report) if issue.kind == kind]
    if not found:
        return ""
    title, what = _TITLES[kind]
    heads = ("Severity", "Rule", "Place", "Certainty" if kind == "secret" else "About", "Where", "What")
    head = "".join(f"<span>{name}</span>" for name in heads)
    selects = _origins(report) if report.image is not None else ""
    return (
        f'<section class="list" data-rows="{len(found)}" id="{ident}-{kind}" aria-labelledby="{ident}-{kind}-h {ident}-name">'
        f'<h3 id="{ident}-{kind}-h">{title} <small>{len(found):,}</small></h3>'
        f"{_filters(what, _boxes(each.severity for each in found), selects)}"
        f'<div class="head findings" aria-hidden="true">{head}</div>{findings.chunks(issues.rows(found), "findings")}</section>'
    )


def _packages(report: Report, ident: str) -> str:
    if not report.packages:
        return ""
    selects = _origins(report) + _ecosystems({component.ecosystem for component in report.packages})
    return (
        f'<section class="list" data-rows="{len(report.packages)}" id="{ident}-packages" aria-labelledby="{ident}-p {ident}-name"><h3 id="{ident}-p">Packages'
        f" <small>{len(report.packages):,}</small></h3><details><summary>Show all packages</summary>"
        f"{_filters('packages', '', selects)}{lists.packages(report)}</details></section>"
    )


def _suppressed(report: Report, look: Look, ident: str) -> str:
    if not (report.suppressed or report.suppressions or report.silenced):
        return ""
    count = len(report.suppressed) + len(report.silenced)
    if not count:
        rows = ""
    elif look.suppressed:
        told = itertools.chain(
            findings.suppressed_rows(report), issues.silenced_rows(report, silenced(report))
        )
        rows = _filters("suppressed findings", "", "") + findings.chunks(told, "findings")
    else:
        words = "; ".join(filter(None, (not_shown(report), silenced_said(report))))
        rows = f"<p>{text(words)}. With --show-suppressed they stand here.</p>"
    kind = f' class="list" data-rows="{count}"' if count and look.suppressed else ""
    return (
        f'<section{kind} id="{ident}-suppressed" aria-labelledby="{ident}-s {ident}-name"><h3 id="{ident}-s">Suppressed'
        f" <small>{count:,}</small></h3>{rows}{lists.statements(report)}</section>"
    )


def _filters(what: str, boxes: str, selects: str) -> str:
    return (
        f'<form class="filters" hidden>'
        f'<label class="q">Search <input type="search" name="q" autocomplete="off" spellcheck="false"></label>{boxes}{selects}'
        f'<button type="reset">Show all</button></form><p class="shown" role="status" data-what="{what}">Where scripts are blocked but not turned off,'
        " save the file and open it to see the list.</p>"
    )


def _select(name: str, label: str, options: Sequence[tuple[str, str]]) -> str:
    shown = "".join(f'<option value="{text(value)}">{text(words, 80)}</option>' for value, words in options)
    return f'<label>{label} <select name="{name}"><option value="">all</option>{shown}</select></label>'


def _origins(report: Report) -> str:
    options = [("base", "base image"), ("own", "own layers"), ("unknown", "not known whose")]
    options += [(str(layer.index), f"layer {layer.index}") for layer in report.layers]
    return _select("o", "Where", options)


def _ecosystems(names: set[str]) -> str:
    return _select("e", "Ecosystem", [(name, name) for name in sorted(names)])
