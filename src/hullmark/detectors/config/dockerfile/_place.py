"""Text put together of pieces of a file, each character of which knows where it stands there."""

from bisect import bisect_right
from collections.abc import Iterable

from hullmark.detectors.config.check import Span


class Placed:
    """`text` and where each piece of it begins: at which offset, in which line and column of the file (both from 1)."""

    __slots__ = ("_offsets", "_places", "text")

    def __init__(self, pieces: Iterable[tuple[str, int, int]]) -> None:
        """Join pieces of (text, line, column)."""
        texts: list[str] = []
        self._offsets: list[int] = []
        self._places: list[tuple[int, int]] = []
        offset = 0
        for text, line, column in pieces:
            self._offsets.append(offset)
            self._places.append((line, column))
            texts.append(text)
            offset += len(text)
        self.text = "".join(texts)

    def place(self, offset: int) -> tuple[int, int]:
        """Give the line and column of a character."""
        piece = max(bisect_right(self._offsets, offset) - 1, 0)
        line, column = self._places[piece]
        return line, column + offset - self._offsets[piece]

    def span(self, start: int, end: int) -> Span:
        """Give the place of the characters from `start` up to `end`, without what a continuation puts behind the last one."""
        line, column = self.place(start)
        if end <= start:
            return Span(line, column, line, column)
        last_line, last_column = self.place(end - 1)
        end_line, end_column = self.place(end)
        # In one line the next character tells: the last one may be an escape of JSON, several characters wide.
        return Span(line, column, last_line, end_column if end_line == last_line else last_column + 1)

    def pieces(self, start: int, end: int) -> Iterable[tuple[str, int, int]]:
        """Give the pieces of a part of the text."""
        index = max(bisect_right(self._offsets, start) - 1, 0)
        while start < end:
            stop = self._offsets[index + 1] if index + 1 < len(self._offsets) else len(self.text)
            line, column = self._places[index]
            yield self.text[start : min(stop, end)], line, column + start - self._offsets[index]
            start = stop
            index += 1
