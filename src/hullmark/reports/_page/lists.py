"""The packages, the statements of what is not to be reported, what was not checked and what could not be read."""

from collections import Counter
from collections.abc import Iterator, Sequence

from hullmark.advice.verdict import left_out, not_checked, searched_for_less
from hullmark.model.facts import Unread
from hullmark.model.report import CHECKED, Component, EcosystemCoverage, Report, Suppression
from hullmark.model.words import COVERAGE, UNREAD, age, amount, sentence, stands
from hullmark.reports._page.findings import chunks, layers_of, marks, where
from hullmark.reports._page.text import listed, text, texts

_ORIGINS = {"binary": "from a binary", "locked": "from a lock file", "declared": "only declared"}
_STATEMENTS = {
    "used": "used",
    "fix_available": "used, but a fix has come",
    "unused": "unused",
    "expired": "expired",
    "contradicted": "contradicted by another, so neither counts",
    "other_image": "speaks of another image",
    "kept": "says that something is affected",
    "claimed": "VEX claimed, not applied",
}
_UNREAD_SHOWN = 200


def packages(report: Report) -> str:
    """Give a row for each package."""
    findings = Counter(finding.component for finding in report.findings)
    return chunks((_package(component, findings[component.id]) for component in report.packages), "packages")


def _package(component: Component, findings: int) -> str:
    places, own = component.locations, component.from_base
    layers = layers_of(places)
    name, version, kind, licences, path = texts(
        component.name,
        component.version,
        component.ecosystem,
        ", ".join(component.licences),
        places[0].path if places else "",
    )
    more = f" and {amount(len(places) - 1, 'more place')}" if len(places) > 1 else ""
    found = f"<b>{amount(findings, 'finding')}</b>" if findings else ""
    remarks = "".join(f"; {word}" for word in _remarks(component))
    return (
        f'<li {marks(layers, own)} data-e="{kind}"><span><b>{name}</b> {version}</span> <span>{kind}</span>'
        f" <span>{found}</span> <span>{where(layers, own)}</span> <span>{licences}</span>"
        f" <span><code>{path}</code>{more}{remarks}</span></li>"
    )


def _remarks(component: Component) -> Iterator[str]:
    if component.source and component.source != component.name:
        yield f"source {text(component.source)}"
    if component.via:
        yield f"via {text(' › '.join(component.via))}"
    if component.direct:
        yield "direct dependency"
    if component.dev:
        yield "for development"
    if component.origin in _ORIGINS:
        yield _ORIGINS[component.origin]
    if component.coverage is not None and (words := COVERAGE.get(component.coverage)):
        checked = "" if component.coverage in CHECKED else "not checked: "
        yield f"<b>{checked}{words.replace(' for them', ' for it')}</b>"


def gaps(report: Report, ident: str) -> str:
    """Say what was not checked and what could not be read."""
    said = [*_gaps(report)]
    unread = _unread(report)
    if not said and not unread:
        return ""
    checks = f"<ul>{''.join(f'<li>{each}</li>' for each in said)}</ul>" if said else ""
    return (
        f'<section class="gaps" aria-labelledby="{ident}-gaps {ident}-name"><h3 id="{ident}-gaps">Not checked, or not read</h3>'
        f"{checks}{unread}</section>"
    )


def _gaps(report: Report) -> Iterator[str]:
    yield from (text(sentence(str(gap))) for gap in not_checked(report))
    yield from map(sentence, filter(None, (*left_out(report), searched_for_less(report))))
    if deleted := report.summary.unread_in_deleted:
        yield f"{amount(deleted, 'fault')} in files that an upper layer deletes"


def _unread(report: Report) -> str:
    if not report.errors:
        return "<p>Incomplete: not all of it could be read.</p>" if report.incomplete else ""
    entries = [_fault(each) for each in report.errors[: _UNREAD_SHOWN + 1]]
    entries += [""] * (len(report.errors) - len(entries))
    return f"<p>Could not be read ({len(report.errors):,}):</p>{listed(entries, _UNREAD_SHOWN)}"


def _fault(unread: Unread) -> str:
    where_ = " › ".join(part for part in (unread.path, unread.place) if part)
    layer = text(unread.layer[:19])
    told = f"<code>{text(where_)}</code>" if where_ else ""
    what = UNREAD[unread.kind]
    return f"{what} {told} {f'in {layer}' if told and layer else layer}: {text(unread.reason)}"


def coverage(report: Report) -> str:
    """Say how each ecosystem was checked, and with which advisories."""
    checked = [(entry.ecosystem, _checked(entry), _feeds(entry)) for entry in report.coverage.ecosystems]
    parts = [
        (
            part.part,
            amount(part.advisories, "record"),
            (f"{age(part.age_hours)} old" if part.age_hours is not None else "of unknown age")
            + f", revision {part.revision}"
            + (", stale" if part.stale else ""),
        )
        for part in report.database.parts
    ]
    return _table("Checked", ("Ecosystem", "Packages", "Feeds"), checked) + _table(
        "Advisories", ("Part", "Records", "Age and revision"), parts
    )


def _table(title: str, names: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _checked(entry: EcosystemCoverage) -> str:
    checked = sum(entry.states.get(state, 0) for state in CHECKED)
    return f"{checked:,} of {amount(entry.packages, 'package')}"


def _feeds(entry: EcosystemCoverage) -> str:
    words = ", ".join(entry.feeds) or "no feed"
    if entry.age_hours is not None:
        words += f", {age(entry.age_hours)} old"
    if entry.missing and entry.states.get("feed_missing"):
        words += f"; not in the database: {', '.join(entry.missing)}"
    return words


def statements(report: Report) -> str:
    """Give the entries of ignore files and VEX documents with what came of each."""
    if not report.suppressions:
        return ""
    said = [_statement(each) for each in report.suppressions]
    return f"<h4>Statements</h4>{listed(said, _UNREAD_SHOWN)}"


def _statement(said: Suppression) -> str:
    named = (said.ids, said.packages, said.paths, said.layers, said.states)
    what = ", ".join(word for words in named for word in words)
    reason = ": ".join(word for word in (said.status, said.justification, said.reason) if word)
    until = f" (until {text(said.expires)})" if said.expires else ""
    took = f", {amount(said.findings, 'finding')}" if said.findings else ""
    return f"<b>{_STATEMENTS[said.state]}{took}</b>: {text(stands(said))}: {text(what)}{until} {text(reason)}"
