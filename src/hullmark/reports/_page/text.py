"""Texts of an image and of its advisories made fit for HTML: the only way by which they reach the page.

What is escaped is what could end a text or an attribute value in double quotes (HTML Living Standard, 13.1.2 and 13.3),
and what a reader could not see (`hullmark.model.printable`). Nothing else of a report is ever put into the page: no
script, style, class name or id is made of it.
"""

import html
import re
from collections.abc import Iterable, Sequence

from hullmark.model.advisory import Severity
from hullmark.model.printable import printable
from hullmark.model.sbom import is_url

_is_plain = re.compile(r"[ !#-%(-;=?-~]*").fullmatch
_LINE, _PARAGRAPHS, _LIST = 2_000, 1_500, 12


def text(value: str, limit: int = _LINE) -> str:
    """Give a text on one line, escaped; one that is longer than `limit` is cut and says so."""
    if len(value) > limit:
        return f"{text(value[:limit])}… (cut from {len(value):,} characters)"
    return value if _is_plain(value) else html.escape(printable(value))


def texts(*values: str) -> tuple[str, ...]:
    """Give several texts as `text` does; most are plain, which is found out for all of them at once."""
    whole = "".join(values)
    return values if len(whole) <= _LINE and _is_plain(whole) else tuple(map(text, values))


def paragraphs(value: str, limit: int = _PARAGRAPHS) -> str:
    """Give a text with its line breaks, escaped; one that is longer than `limit` is cut and says so."""
    lines = "\n".join(map(text, value[:limit].strip().splitlines()))
    return f"{lines}… (cut from {len(value):,} characters)" if len(value) > limit else lines


def link(url: str, label: str = "") -> str:
    """Give a link to a page of the web, or the text alone where it is no such address."""
    if len(url) > _LINE or not is_url(url):
        return text(label or url)
    address = html.escape(url) if "&" in url or "'" in url else url
    return (
        f'<a href="{address}" rel="noopener noreferrer">{text(label) or address.removeprefix("https://")}</a>'
    )


def listed(entries: Sequence[str], limit: int = _LIST) -> str:
    """Give markup as a list, an only entry by itself; what is beyond `limit` is counted."""
    if len(entries) < 2:  # no list
        return entries[0] if entries else ""
    more = len(entries) - limit
    shown = [*entries[:limit], f"and {more:,} more, all in the JSON report"] if more > 0 else entries
    return "<ul>" + "".join(f"<li>{entry}</li>" for entry in shown) + "</ul>"


def pairs(entries: Iterable[tuple[str, str]]) -> str:
    """Give names with markup as a list of descriptions, those without a value left out."""
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in entries if value) + "</dl>"


def mark(level: Severity) -> str:
    """Give a severity as a word with its mark."""
    return f'<b class="sev {level}">{level}</b>'
