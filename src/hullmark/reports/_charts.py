"""Charts as SVG 2, drawn without a library: bars whose widths are shares, so that they fit any width without scaling their words.

Colours are the page's own, by class (`critical`, `base` …); each chart says in its description all that it shows.
"""

import html
from collections.abc import Iterable, Sequence

from msgspec import Struct

_BAND, _BAR, _GAP = 18, 14, 10  # heights in pixels: the words above a bar, the bar, the space below it


class Part(Struct, frozen=True):
    """A part of a bar: the class that gives its colour, its name and its size."""

    kind: str
    name: str
    value: int


class Bar(Struct, frozen=True):
    """A bar: the words above it on the left and on the right, and its parts. `label` and `note` may be anybody's text, made printable."""

    label: str
    note: str
    parts: tuple[Part, ...]


def bars(ident: str, title: str, rows: Sequence[Bar]) -> str:
    """Draw bars one below the other, all on one scale. `ident` is unique in the page."""
    longest = max((_total(row) for row in rows), default=0)
    drawn = []
    for number, row in enumerate(rows):
        top = number * (_BAND + _BAR + _GAP)
        drawn.append(f'<text x="0" y="{top + 12}">{html.escape(row.label)}</text>')
        drawn.append(f'<text x="100%" y="{top + 12}" class="note">{html.escape(row.note)}</text>')
        drawn.append(_strip(row.parts, longest, top + _BAND, _BAR))
    said = ". ".join(f"{row.label}: {_said(row)}" for row in rows)
    return _svg(ident, title, said, max(len(rows) * (_BAND + _BAR + _GAP) - _GAP, 0), drawn)


def strip(ident: str, title: str, said: str, parts: Sequence[Part], height: int = 28) -> str:
    """Draw one bar of the whole width; `said` is its description."""
    return _svg(ident, title, said, height, [_strip(parts, sum(part.value for part in parts), 0, height)])


def share(kind: str, value: int, whole: int) -> str:
    """Draw a small bar beside a number that says the same: a picture without words of its own."""
    width = _percent(value, whole)
    return (
        '<svg class="share" width="100%" height="8" aria-hidden="true"><rect class="track" width="100%" height="8"/>'
        f'<rect class="{kind}" width="{width}" height="8"/></svg>'
    )


def _svg(ident: str, title: str, said: str, height: int, drawn: Iterable[str]) -> str:
    return (
        f'<svg class="chart" role="img" width="100%" height="{height}" aria-labelledby="{ident}-t {ident}-d">'
        f'<title id="{ident}-t">{html.escape(title)}</title><desc id="{ident}-d">{html.escape(said)}</desc>'
        f"{''.join(drawn)}</svg>"
    )


def _strip(parts: Sequence[Part], whole: int, top: int, height: int) -> str:
    drawn = [f'<rect class="track" y="{top}" width="100%" height="{height}"/>']
    start = 0
    for part in parts:
        if part.value:
            drawn.append(
                f'<rect class="part {part.kind}" x="{_percent(start, whole)}" y="{top}" width="{_percent(part.value, whole)}"'
                f' height="{height}"><title>{html.escape(part.name)}: {part.value:,}</title></rect>'
            )
        start += part.value
    return "".join(drawn)


def _said(row: Bar) -> str:
    return ", ".join(f"{part.value:,} {part.name}" for part in row.parts if part.value) or "none"


def _total(row: Bar) -> int:
    return sum(part.value for part in row.parts)


def _percent(value: int, whole: int) -> str:
    return f"{100 * value / whole:.3f}%" if whole else "0%"
