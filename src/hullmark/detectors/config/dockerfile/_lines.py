"""The lines of a Dockerfile joined to those of its instructions: comments, continuations, parser directives, here-documents.

As BuildKit's `frontend/dockerfile/parser/parser.go`.
"""

import re
from bisect import bisect_left

from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile._place import Placed
from hullmark.detectors.config.dockerfile._syntax import Mistakes
from hullmark.detectors.config.dockerfile.model import Heredoc
from hullmark.detectors.config.dockerfile.words import SPACES

_DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*\Z")
_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_LONGEST_LINE = 65_535  # bytes, of Go's bufio.Scanner, BuildKit's reader of lines
# Where a here-document without an end stops: at the next line that looks like an instruction of the file.
_INSTRUCTION = re.compile(
    r"(?:FROM|RUN|CMD|LABEL|EXPOSE|ENV|ADD|COPY|ENTRYPOINT|VOLUME|USER|WORKDIR|ARG|ONBUILD|STOPSIGNAL|HEALTHCHECK|SHELL|MAINTAINER)[ \t]"
)


class Lines:
    """Gives the instructions of a file one by one, each as one text. `escape` is known once the first was asked for."""

    def __init__(self, lines: tuple[str, ...], mistakes: Mistakes) -> None:
        self.lines = lines
        self.at = 0
        self.escape = "\\"
        self.directives: dict[str, str] = {}
        self.comments: list[str] = []
        self._mistakes = mistakes
        self._ends: dict[tuple[bool, str], list[int]] | None = None
        self._directives_over = False

    def next(self) -> Placed | None:
        """Give the next instruction, its `comments` being those directly above; None at the end of the file."""
        self.comments = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            text = line.lstrip(SPACES)
            if not text:
                self.comments = []
                self._directives_over = True
            elif text[0] != "#":
                self._directives_over = True
                placed = self._join()
                if placed.text.strip(SPACES):
                    return placed
                self._mistakes.add(
                    placed.span(0, 0), "a continuation has no instruction", "Take the line out."
                )
                continue
            elif not self._directive(text, len(line) - len(text) + 1):
                self.comments.append(text[1:].strip(SPACES))
            self.at += 1
        return None

    def _directive(self, comment: str, column: int) -> bool:
        if self._directives_over:
            return False
        found = _DIRECTIVE.match(comment[1:].lstrip(SPACES))
        name = found[1].lower() if found else ""
        if not found or name not in _DIRECTIVES:
            self._directives_over = True
            return False
        span = Span(self.at + 1, column, self.at + 1, column + len(comment))
        if name in self.directives:
            self._mistakes.add(span, f"the parser directive “{name}” stands twice", "Leave one of them.")
            return True
        self.directives[name] = found[2]
        if name == "escape" and found[2] in {"\\", "`"}:
            self.escape = found[2]
        elif name == "escape":
            self._mistakes.add(
                span, "the escape sign is neither “\\” nor “`”", "Write “# escape=\\” or “# escape=`”."
            )
        return True

    def _join(self) -> Placed:
        pieces: list[tuple[str, int, int]] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            text = line.lstrip(SPACES)
            self.at += 1
            if pieces and (not text or text[0] == "#"):
                continue
            self._check_length(line)
            indent = 0 if pieces else len(line) - len(text)
            kept = line.rstrip(" \t")
            if kept.endswith(self.escape) and kept[-2:-1] != self.escape:
                pieces.append((line[indent : len(kept) - 1], self.at, indent + 1))
                continue
            pieces.append((line[indent:], self.at, indent + 1))
            break
        return Placed(pieces)

    def _check_length(self, line: str) -> None:
        if len(line) * 4 > _LONGEST_LINE and len(line.encode()) > _LONGEST_LINE:
            span = Span(self.at, 1, self.at, len(line) + 1)
            self._mistakes.add(
                span,
                f"the line is longer than the {_LONGEST_LINE} bytes that the builder reads",
                "Break it with continuations.",
            )

    def heredoc(self, name: str, *, expand: bool, strip_tabs: bool, span: Span) -> Heredoc:
        """Take the lines up to the one that is `name`. Without one it ends where the next instruction seems to begin."""
        first = self.at
        end = self._end_of(name, strip_tabs=strip_tabs)
        if end is None:
            self._mistakes.add(
                span,
                f"the here-document “{name}” has no end",
                f"Put a line with nothing but “{name}” behind it.",
            )
            end = next(
                (at for at in range(first, len(self.lines)) if _INSTRUCTION.match(self.lines[at])),
                len(self.lines),
            )
            self.at = end
        else:
            self.at = end + 1
        content = "".join(f"{line}\n" for line in self.lines[first:end])
        return Heredoc(name=name, content=content, line=first + 1, expand=expand, strip_tabs=strip_tabs)

    def _end_of(self, name: str, *, strip_tabs: bool) -> int | None:
        if (
            self._ends is None
        ):  # made once, as each of many here-documents could look through the whole file else
            self._ends = {}
            for number, line in enumerate(self.lines):
                self._ends.setdefault((False, line), []).append(number)
                self._ends.setdefault((True, line.lstrip("\t")), []).append(number)
        numbers = self._ends.get((strip_tabs, name), [])
        found = bisect_left(numbers, self.at)
        return numbers[found] if found < len(numbers) else None
