"""What all texts for a terminal have in common: colour where it is allowed, columns, and nothing in them that acts."""

from collections.abc import Iterable, Iterator, Sequence

from hullmark.model.advisory import Severity
from hullmark.model.look import Look
from hullmark.model.printable import columns, cut, printable

COLOURS = {
    Severity.CRITICAL: "1;35",
    Severity.HIGH: "31",
    Severity.MEDIUM: "33",
    Severity.LOW: "36",
    Severity.NEGLIGIBLE: "2",
    Severity.UNKNOWN: "2",
}
"""SGR codes (ECMA-48)."""
BOLD, YELLOW = "1", "33"
_LEAST_REST = 16


class Text:
    """How a text is dressed."""

    def __init__(self, look: Look) -> None:
        self.look = look

    def paint(self, text: str, code: str) -> str:
        """Give a text its colour."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.look.colour and code else text

    def plain(self, text: str, most: int = 10_000) -> str:
        """Give a text on one line; of one that is longer than `most` the front."""
        return printable(" ".join(text[:most].split()))

    def cut(self, text: str, width: int) -> str:
        """Give a text on one line of so many columns."""
        return cut(self.plain(text), width, "…" if self.look.unicode else "...")

    def joined(self, words: Iterable[str]) -> str:
        """Give words beside one another, those that are empty left out."""
        return (" · " if self.look.unicode else ", ").join(word for word in words if word)

    def path(self, steps: Iterable[str]) -> str:
        """Give steps of which one leads to the next."""
        return (" › " if self.look.unicode else " > ").join(steps)

    def aligned(
        self, rows: Sequence[Sequence[str]], bounds: Sequence[int], *, indent: int = 2, whole: bool = False
    ) -> Iterator[list[str]]:
        """Give the rows with every cell but the last as wide as its column; `bounds` are the columns' widest.

        A column in which nothing stands is left out. The last cell takes the rest of the line behind `indent` and the others, or, where it
        must be read `whole`, more.
        """
        short = [[self.cut(cell, bound) for cell, bound in zip(row, bounds, strict=False)] for row in rows]
        widths = [max(map(columns, column)) for column in zip(*short, strict=True)]
        used = sum(width + 2 for width in widths if width)
        rest = max(self.look.width - indent - used, _LEAST_REST)
        for row, cells in zip(rows, short, strict=True):
            padded = [cell + " " * (w - columns(cell)) for cell, w in zip(cells, widths, strict=True) if w]
            yield [*padded, self.plain(row[-1]) if whole else self.cut(row[-1], rest)]

    def encoded(self, lines: Iterable[str]) -> bytes:
        """Give the lines as bytes, in ASCII where the terminal takes no more."""
        body = "\n".join(lines) + "\n"
        return body.encode() if self.look.unicode else body.encode("ascii", "backslashreplace")
