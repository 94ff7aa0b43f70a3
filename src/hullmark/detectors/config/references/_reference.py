"""What a reference to an image in a file is: its text, its place, and the place where its digest is to be written.

A reference may be put together of pieces that stand apart: a variable's default, a repository and a tag under keys of their own.
Each piece knows where in the file it stands, so that a digest goes behind the tag wherever that is, and everything else stays as it is.
"""

import bisect
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile.ignores import Ignore, line_ignores
from hullmark.model.facts import Unread

NOWHERE = -1


class TextFile:
    """A file that may name images. `text` keeps its line ends."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @functools.cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], self.text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.text.find("\n", at + 1)
        return starts

    def span(self, start: int, end: int) -> Span:
        """Give lines and columns of a part of the text."""
        return Span(*self._place(start), *self._place(end))

    def offset(self, line: int, column: int) -> int:
        """Give where a line and column are, both counted from 1; the end of the text where there is no such line."""
        return self._starts[line - 1] + column - 1 if 0 < line <= len(self._starts) else len(self.text)

    def _place(self, at: int) -> tuple[int, int]:
        line = bisect.bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def unread(self, reason: str, at: int | None = None) -> Unread:
        """Give what says that something of this file could not be read."""
        place = "" if at is None else f"line {self._place(at)[0]}"
        return Unread(kind="file" if at is None else "record", reason=reason, path=self.path, place=place)


class Piece(NamedTuple):
    """A part of a reference. `start` is where its text stands in the file word for word, else `NOWHERE`.

    `fixed` says why nothing may be written there.
    """

    text: str
    start: int = NOWHERE
    fixed: str = ""


class Slot(NamedTuple):
    """Where a digest goes: `before` and the digest replace what is between `start` and `end`."""

    start: int
    end: int
    before: str


class ImageReference(Struct, frozen=True, kw_only=True):
    """A reference to an image. `text` is all of it, variables replaced by their defaults; it stands between `start` and `end`.

    `slot` is where its digest is, or would be; where there is none, `fixed` says why. `unknown` says why the text cannot be known.
    """

    text: str
    start: int
    end: int
    span: Span
    slot: Slot | None = None
    fixed: str = ""
    unknown: str = ""


class UnknownError(Exception):
    """Part of a reference cannot be known from the file."""


class Kind(Struct, frozen=True):
    """A kind of file that names images.

    `wants` are globs of its paths. `is_one` tells it by its content, where its name says nothing. `read` gives the references in the order of the file,
    `ignores` what its comments say is not to be reported.
    """

    name: str
    wants: tuple[str, ...]
    read: Callable[[TextFile], Iterator[ImageReference | Unread]]
    is_one: Callable[[str], bool] | None = None
    ignores: Callable[[str], list[Ignore]] = line_ignores


def joined(file: TextFile, pieces: Sequence[Piece], start: int, end: int) -> ImageReference:
    """Give the reference that these pieces make, shown as standing between `start` and `end`."""
    text = "".join(piece.text for piece in pieces)
    slot, fixed = _slot(text, pieces)
    return ImageReference(text=text, start=start, end=end, span=file.span(start, end), slot=slot, fixed=fixed)


def unknown(file: TextFile, start: int, end: int, why: str) -> ImageReference:
    """Give a reference whose text cannot be known."""
    return ImageReference(text="", start=start, end=end, span=file.span(start, end), unknown=why)


def with_digest(reference: ImageReference, slot: Slot) -> ImageReference:
    """Give a reference whose digest has a place of its own."""
    return ImageReference(
        text=reference.text, start=reference.start, end=reference.end, span=reference.span, slot=slot
    )


def _slot(text: str, pieces: Sequence[Piece]) -> tuple[Slot | None, str]:
    name, at, digest = text.partition("@")
    if at:
        found, fixed = _within(pieces, len(name) + 1, len(text))
        return (Slot(found, found + len(digest), ""), "") if fixed == "" else (None, fixed)
    colon = name.find(":", name.rfind("/") + 1)
    begin = colon + 1 if colon >= 0 else max(len(text) - 1, 0)
    found, fixed = _within(pieces, begin, len(text))
    if fixed:
        return None, fixed
    end = found + len(text) - begin
    return Slot(end, end, "@" if colon >= 0 else ":latest@"), ""


def _within(pieces: Sequence[Piece], begin: int, end: int) -> tuple[int, str]:
    """Give where in the file that part of the text stands which must be in one piece, or why it cannot be changed there."""
    at = 0
    for piece in pieces:
        if at <= begin and end <= at + len(piece.text):
            if piece.fixed or piece.start == NOWHERE:
                return NOWHERE, piece.fixed or "it is not written in one piece, or with escapes"
            return piece.start + begin - at, ""
        at += len(piece.text)
    return NOWHERE, "its tag is put together of several parts"
