"""The findings, each a row that opens: what it is, where it stands, who says so, what fixes it."""

import functools
from collections.abc import Iterable, Iterator, Sequence

from hullmark.advice.action import fix
from hullmark.advice.removal import REMOVE
from hullmark.model.advisory import Score
from hullmark.model.purl import type_of
from hullmark.model.report import Component, Evidence, Finding, Location, Report, Suppressed
from hullmark.model.sbom import flaw_url
from hullmark.model.sbom_flaws import statement_on
from hullmark.model.words import STATES, stands
from hullmark.reports._page.text import link, listed, mark, pairs, paragraphs, text, texts

CHUNK = 50
"""Rows in one box that is drawn only when it comes into view."""
_TITLE = 160

_OWN = {True: "base", False: "own", None: "unknown"}
_WHOSE = {True: "base", False: "own", None: ""}


def chunks(rows: Iterable[str], kind: str) -> str:
    """Give rows as lists that are laid out only where they are seen.

    They stand in `noscript`: markup without scripts; with them one text each, which is read in no time and which the page's
    script turns into markup slice by slice. Browsers read markup for half a second at a stretch, and nothing answers meanwhile.
    """
    every = list(rows)
    boxes = ("".join(every[start : start + CHUNK]) for start in range(0, len(every), CHUNK))
    drawn = "".join(f'<div class="chunk"><noscript><ul>{box}</ul></noscript></div>' for box in boxes)
    return f'<div class="rows {kind}">{drawn}</div>'


def rows(report: Report) -> Iterator[str]:
    """Give a row for each finding, in the report's order."""
    components = {component.id: component for component in report.packages}
    for finding in report.findings:
        yield _row(finding, components.get(finding.component))


def suppressed_rows(report: Report) -> Iterator[str]:
    """Give a row for each finding that was taken out, with whose word that was."""
    components = {component.id: component for component in report.packages}
    for entry in report.suppressed:
        yield _row(entry.finding, components.get(entry.finding.component), _said(entry, report))


def _said(entry: Suppressed, report: Report) -> str:
    by = statement_on(report, entry)
    source = text(stands(by)) if by is not None else "a filter"
    more = f", until {text(by.expires)}" if by is not None and by.expires else ""
    late = "; a fix has come meanwhile" if by is not None and by.state == "fix_available" else ""
    gated = "; a gate still counts it" if entry.gated else ""
    return f'<p class="why"><b>Suppressed</b> by {source}{more}{late}{gated}: {text(entry.reason)}</p>'


def layers_of(locations: Sequence[Location]) -> tuple[int, ...]:
    """Give the numbers of the layers in which something stands, each once."""
    if len(locations) == 1:
        return (locations[0].layer,) if locations[0].layer >= 0 else ()
    return tuple(sorted({location.layer for location in locations if location.layer >= 0}))


@functools.lru_cache(1024)
def where(layers: tuple[int, ...], from_base: bool | None) -> str:  # noqa: FBT001  # the value itself
    """Say whose something is, and in which layers it stands."""
    shown = ", ".join(map(str, layers[:3])) + (" …" if len(layers) > 3 else "")
    words = [_WHOSE[from_base], f"layer{'s' if len(layers) > 1 else ''} {shown}" if layers else ""]
    return ", ".join(word for word in words if word)


@functools.lru_cache(1024)
def marks(layers: tuple[int, ...], from_base: bool | None) -> str:  # noqa: FBT001  # the value itself
    """Give the attributes by which rows are filtered."""
    return f'data-o="{_OWN[from_base]}" data-l="{" ".join(map(str, layers))}"'


def ecosystem(finding: Finding, component: Component | None) -> str:
    """Give the ecosystem of a finding; that of a release is `release`."""
    if component is not None:
        return component.ecosystem
    return type_of(finding.purl) or "release"


def _row(finding: Finding, component: Component | None, said: str = "") -> str:
    layers, own = layers_of(finding.locations), finding.from_base
    kind, id_, name, version, mend, title = texts(
        ecosystem(finding, component),
        finding.id,
        finding.name,
        finding.version,
        fix(finding, brief=True),
        _title(finding),
    )
    badges = "".join(f" <i>{word}</i>" for word in _badges(finding))
    return (
        f'<li data-s="{finding.severity}" data-f="{finding.state}" {marks(layers, own)} data-e="{kind}"><details><summary>'
        f"{mark(finding.severity)} <span>{id_}{badges}</span> <span><b>{name}</b> {version}</span> <span>{mend}</span>"
        f" <span>{where(layers, own)}</span> <span>{title}</span></summary>{said}{_details(finding, component)}</details></li>"
    )


def _title(finding: Finding) -> str:
    words = finding.title or " ".join(finding.details[:400].split())
    return words if len(words) <= _TITLE else f"{words[:_TITLE]}…"


def _badges(finding: Finding) -> Iterator[str]:
    if finding.kind == "malicious":
        yield "malicious"
    if finding.kev is not None:
        yield "exploited (KEV)"
    if finding.epss is not None and finding.epss.probability >= 0.1:  # a tenth of all CVEs are above it
        yield f"EPSS {finding.epss.probability:.0%}"


def _details(finding: Finding, component: Component | None) -> str:
    told = finding.details if len(finding.title) <= _TITLE else f"{finding.title}\n\n{finding.details}"
    parts = [f'<p class="text">{paragraphs(told)}</p>'] if told else []
    if finding.kind == "malicious":
        parts.append(f"<p><b>Malicious:</b> {REMOVE}.</p>")
    parts.append(pairs(_facts(finding, component)))
    return "".join(parts)


def _facts(finding: Finding, component: Component | None) -> Iterator[tuple[str, str]]:
    yield "Page", link(flaw_url(finding))
    yield "Also known as", text(", ".join(finding.aliases))
    yield "Package", text(finding.purl)
    if component is not None and component.via:
        yield "Comes by", text(" › ".join(component.via))
    yield "Found in", listed([_place(each) for each in finding.locations])
    yield (
        "State",
        STATES[finding.state] if finding.fixed_version and finding.state != "fixed_available" else "",
    )
    yield "Fixed by", listed([link(bundle.url, bundle.id) for bundle in finding.bundles])
    yield "Severity", _severity(finding)
    yield "Exploited", _exploited(finding)
    yield "Weakness", text(", ".join(finding.cwes))
    dates = (("published", finding.published), ("changed", finding.modified))
    yield "Dates", text(", ".join(f"{what} {when[:10]}" for what, when in dates if when))
    yield "Because", listed([_because(each) for each in finding.evidence])
    yield "Links", listed([link(reference.url) for reference in finding.references])


def _place(location: Location) -> str:
    """Give the file that proves a package."""
    place = f" › {text(location.place)}" if location.place else ""
    layer = f" (layer {location.layer})" if location.layer >= 0 else ""
    return f"<code>{text(location.path)}</code>{place}{layer}"


def _severity(finding: Finding) -> str:
    source = f" by {text(finding.severity_source)}" if finding.severity_source else ""
    scores = listed([_score(score) for score in finding.scores])
    return f"{finding.severity}{source}{': ' if scores else ''}{scores}"


def _score(score: Score) -> str:
    value = f" {score.value:.1f}" if score.value is not None else ""
    vector = f" {score.vector}" if score.vector else ""
    return text(f"{score.source} {score.level}{value}{vector}")


def _exploited(finding: Finding) -> str:
    words = []
    if (kev := finding.kev) is not None:
        ransom = ", by ransomware too" if kev.ransomware else ""
        words.append(
            f"known to be exploited (CISA, {text(kev.added)}; to be mended by {text(kev.due)}{ransom})"
        )
    if (epss := finding.epss) is not None:
        words.append(
            f"EPSS {epss.probability:.1%}, more than {min(epss.percentile, 0.999):.1%} of all CVEs ({text(epss.date)})"
        )
    if (ssvc := finding.ssvc) is not None:
        decided = (
            ("exploitation", ssvc.exploitation),
            ("automatable", ssvc.automatable),
            ("technical impact", ssvc.technical_impact),
        )
        words.append("SSVC " + text(", ".join(f"{name} {value}" for name, value in decided if value)))
    return "; ".join(words)


def _because(evidence: Evidence) -> str:
    note = f"; {evidence.note}" if evidence.note else ""
    return text(
        f"{evidence.feed} {evidence.record} (part {evidence.part}, revision {evidence.revision}) says {evidence.range};"
        f" compared {evidence.compared} in the order of {evidence.scheme}{note}"
    )
