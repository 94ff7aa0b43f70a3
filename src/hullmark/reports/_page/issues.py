"""Secrets and misconfigurations, each a row that opens: what is wrong, where, what to do, and who else has a name for it."""

from collections.abc import Iterable, Iterator

from hullmark.advice.issues import doubt, mend, placed
from hullmark.findings.issues import Issue
from hullmark.model.report import Report, Silenced
from hullmark.model.words import amount, sentence, stands
from hullmark.reports._page.findings import marks, where
from hullmark.reports._page.text import mark, pairs, paragraphs, text, texts

_SOURCES = {
    "file": "file",
    "deleted_file": "file that a later layer hides",
    "environment": "environment",
    "label": "label",
    "history": "history",
    "command": "command",
    "dockerfile": "Dockerfile",
}
_TITLE = 160


def rows(found: Iterable[Issue]) -> Iterator[str]:
    """Give a row for each, in the order given."""
    for issue in found:
        yield _row(issue)


def silenced_rows(report: Report, found: Iterable[tuple[Issue, Silenced]]) -> Iterator[str]:
    """Give a row for each that was taken out, with whose word that was."""
    for issue, each in found:
        told = report.suppressions
        source = text(stands(told[each.by])) if 0 <= each.by < len(told) else "a filter"
        gated = "; a gate still counts it" if each.gated else ""
        yield _row(issue, f'<p class="why"><b>Suppressed</b> by {source}{gated}: {text(each.reason)}</p>')


def _row(issue: Issue, said: str = "") -> str:
    layers = (issue.layer,) if issue.layer >= 0 else ()
    rule, place, about, message = texts(issue.rule, placed(issue), _about(issue), _short(issue.message))
    return (
        f'<li data-s="{issue.severity}" {marks(layers, issue.from_base)}><details><summary>{mark(issue.severity)} <span>{rule}</span>'
        f" <span><b>{place}</b></span> <span>{about}</span> <span>{where(layers, issue.from_base)}</span> <span>{message}</span></summary>"
        f"{said}{_details(issue)}</details></li>"
    )


def _short(words: str) -> str:
    return words if len(words) <= _TITLE else f"{words[:_TITLE]}…"


def _about(issue: Issue) -> str:
    if issue.kind == "secret":
        return "" if issue.is_sure else f"{issue.confidence} confidence"
    return amount(issue.count, "place") if issue.count > 1 else issue.resource


def _details(issue: Issue) -> str:
    told = "\n".join(word for word in (issue.message, sentence(mend(issue))) if word)
    return f'<p class="text">{paragraphs(told)}</p>{pairs(_facts(issue))}'


def _facts(issue: Issue) -> Iterator[tuple[str, str]]:
    layer = f"layer {issue.layer}: {issue.created_by}" if issue.layer >= 0 else ""
    yield "Found in", f"<code>{text(placed(issue))}</code>"
    yield "Kind", _SOURCES.get(issue.source, "")
    yield "Made by", text(layer)
    yield "Certainty", text(doubt(issue) or ("high confidence" if issue.kind == "secret" else ""))
    yield "About", text(issue.resource)
    yield "Places", f"{issue.count:,}" if issue.count > 1 else ""
    yield "Controls", text(", ".join(issue.controls))
    yield "Also known as", text(", ".join(issue.same_as))
    yield "Fingerprint", text(issue.fingerprint)
