r"""Words of an image made fit for Markdown as GitHub and GitLab read it: nothing in them is markup, a link, a mention or an image.

Escapes do not help: both platforms look for `@user`, `#123`, addresses and commits in the text that is left once they are
undone. They leave code spans alone, so whatever is not plain prose stands in one. Specifications: CommonMark 0.31, 6.1 (code
spans), GitHub Flavored Markdown 0.29, 4.10 (tables) and 6.9 (autolinks).
"""

import re

from hullmark.model.printable import printable

_PROSE = re.compile(
    r"""(?!\d+[.)]|--)(?>[("]?(?:(?:--)?(?![0-9A-Fa-f]{7}|[Ww]{3}\.)[A-Za-z]+\d{0,2}[A-Za-z]{0,3}(?:['-][a-z]+)*|\d{1,4}(?:\.\d{1,4}){0,3})"""
    r"""[)"']?[.,;:]?…?(?: |\Z))++"""
)
"""Words and flags without a sign that could mean something; no list, no reference (`ABC-123`), no long hexadecimal number (a commit), no `www.`."""
_TICKS = re.compile("`+")


def code(text: str, length: int = 200) -> str:
    r"""Give a text as a code span on one line, cut to a length; fit for a table's cell.

    A pipe would end the cell and its escape depends on what stands before it, so that it is shown as `\x7c`.
    """
    return _span(_line(text, length))


def prose(text: str, length: int = 200) -> str:
    """Give a text as it is where all its words are plain, else as a code span."""
    shown = _line(text, length)
    return shown if _PROSE.fullmatch(shown) else _span(shown)


def _span(line: str) -> str:
    shown = line.replace("|", "\\x7c")
    if "`" not in shown:
        return f"`{shown}`" if shown else ""
    fence = "``"
    if fence in shown:
        runs = {len(run) for run in _TICKS.findall(shown)}
        fence = "`" * next(size for size in range(1, len(runs) + 2) if size not in runs)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _line(text: str, length: int) -> str:
    if len(text) <= length and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    # Cut before and after: what is escaped grows, and a megabyte need not be escaped whole.
    line = printable(" ".join(text[: 4 * length].split()))
    return line if len(line) <= length and len(text) <= 4 * length else line[: length - 1].rstrip() + "…"
