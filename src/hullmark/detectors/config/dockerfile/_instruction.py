"""One instruction: its keyword, flags, words, pairs. What it must have is in `_arguments.py`.

As BuildKit's `frontend/dockerfile/parser/{split_command,line_parsers}.go` and `frontend/dockerfile/instructions`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile import _arguments, words
from hullmark.detectors.config.dockerfile._expand import MalformedError, unquote
from hullmark.detectors.config.dockerfile._heredocs import Opening, opening, openings
from hullmark.detectors.config.dockerfile._lines import Lines
from hullmark.detectors.config.dockerfile._place import Placed
from hullmark.detectors.config.dockerfile._syntax import Mistakes
from hullmark.detectors.config.dockerfile.model import Flag, Heredoc, Instruction, Script, Word
from hullmark.detectors.config.dockerfile.shell import Scripts

_MAY_BE_JSON = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
_HAVE_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})
_HAVE_SCRIPTS = frozenset({"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"})
_AS_WRITTEN = frozenset(
    {"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "SHELL", "MAINTAINER"}
)  # nobody takes their quotes off
_ONE_WORD = frozenset({"MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR"})
_IN_PAIRS = frozenset({"ARG", "ENV", "LABEL"})
_MOST_WORDS = 20_000


class Surroundings(NamedTuple):
    """What an instruction is parsed with. `shell` is that of its stage."""

    lines: Lines
    mistakes: Mistakes
    scripts: Scripts
    stage: int
    shell: tuple[str, ...]
    comments: tuple[str, ...] = ()
    is_trigger: bool = False


def parse(text: Placed, start: int, around: Surroundings) -> Instruction:
    """Parse the instruction that begins at `start`, and take its here-documents out of the lines that follow."""
    return _Parser(text, start, around).instruction()


class _Parser:
    def __init__(self, text: Placed, start: int, around: Surroundings) -> None:
        self.placed = text
        self.text = text.text
        self.around = around
        self.escape = around.lines.escape
        self.end = len(self.text.rstrip(words.SPACES))
        self.start = start
        blank = words.BLANKS.search(self.text, start, self.end)
        self.keyword_end = blank.start() if blank else self.end
        self.keyword = self.text[start : self.keyword_end].upper()
        self.at = blank.end() if blank else self.end
        self.is_json = False
        self.starts: list[int] = []  # of the words of a JSON array
        self.openings: list[Opening] = []

    def instruction(self) -> Instruction:
        flags = self._flags()
        self.at = words.skip_spaces(self.text, self.at, self.end)
        arguments = self.at
        trigger = None
        pairs: tuple[tuple[Word, Word | None], ...] = ()
        if self.keyword == "ONBUILD":
            found: Sequence[Word] = ()
            if self.at < self.end and not self.around.is_trigger:
                trigger = parse(self.placed, self.at, self.around._replace(comments=(), is_trigger=True))
        else:
            found = self._words()
            pairs = self._pairs(found)
        heredocs = self._heredocs()
        raw = self.text[self.start : self.keyword_end]
        instruction = Instruction(
            keyword=self.keyword,
            keyword_raw=raw,
            span=self._span(heredocs, trigger),
            stage=self.around.stage,
            text=self.text[arguments : self.end],
            flags=flags,
            words=tuple(found),
            pairs=pairs,
            is_json=self.is_json,
            heredocs=heredocs,
            script=self._script(found, heredocs),
            comments=self.around.comments,
            trigger=trigger,
        )
        _arguments.check(instruction, self.around.mistakes, is_trigger=self.around.is_trigger)
        return instruction

    def _span(self, heredocs: tuple[Heredoc, ...], trigger: Instruction | None) -> Span:
        span = self.placed.span(self.start, self.end)
        if trigger:
            return Span(span.line, span.column, trigger.span.end_line, trigger.span.end_column)
        if heredocs:
            last = self.around.lines.at
            return Span(span.line, span.column, last, len(self.around.lines.lines[last - 1]) + 1)
        return span

    def _flags(self) -> tuple[Flag, ...]:
        """Take what begins with `--` off the front. Quotes are taken off, escapes too, as BuildKit's `extractBuilderFlags` does."""
        flags: list[Flag] = []
        while self.at < self.end:
            self.at = words.skip_spaces(self.text, self.at, self.end)
            if not self.text.startswith("--", self.at) or len(flags) > _MOST_WORDS:
                break
            start = self.at
            word = self._flag_text()
            if word == "--":
                break
            name, equals, value = word[2:].partition("=")
            flags.append(Flag(name, value if equals else None, self.placed.span(start, self.at)))
        return tuple(flags)

    def _flag_text(self) -> str:
        parts: list[str] = []
        quote = ""
        while self.at < self.end:
            char = self.text[self.at]
            if not quote and char in words.SPACES:
                break
            self.at += 1
            if char == quote:
                quote = ""
            elif not quote and char in "'\"":
                quote = char
            elif char == self.escape:
                parts.append(self.text[self.at : self.at + 1])
                self.at = min(self.at + 1, self.end)
            else:
                parts.append(char)
        return "".join(parts)

    def _words(self) -> list[Word]:
        at, end = self.at, self.end
        found: list[Word] = []
        if self.keyword == "HEALTHCHECK":
            kind = words.blank_words(self.text, at, end)[:1]
            found = [self._word(start, stop) for start, stop in kind]
            at = kind[0].end if kind else end
            at = words.skip_spaces(self.text, at, end)
        if self.keyword in _MAY_BE_JSON or found:
            strings = self._json(at)
            if strings is not None:
                self.is_json = True
                return found + strings
        if self.keyword in _ONE_WORD:
            return [self._word(at, end)] if at < end else []
        if self.keyword in _IN_PAIRS:
            pieces = words.quoted_words(self.text, at, end, self.escape)
        else:
            pieces = words.blank_words(self.text, at, end)
        if len(pieces) > _MOST_WORDS:
            place = self.placed.span(pieces[_MOST_WORDS].start, end)
            self.around.mistakes.not_checked(place, f"{self.keyword} has more than {_MOST_WORDS} words")
        silent = self.keyword in _IN_PAIRS  # it is the names and values that are looked at there
        return found + [self._word(start, stop, silent=silent) for start, stop in pieces[:_MOST_WORDS]]

    def _json(self, at: int) -> list[Word] | None:
        try:
            strings = words.json_strings(self.text, at, self.end)
        except words.NotStringsError:
            span = self.placed.span(at, self.end)
            self.around.mistakes.add(
                span,
                f"the array of {self.keyword} holds something else than strings",
                "Put each in double quotes.",
            )
            return None
        if strings is None:
            if words.looks_like_json(self.text[at : self.end]):
                span = self.placed.span(at, self.end)
                message = f"the array of {self.keyword} is not JSON, so that it is taken for plain words"
                self.around.mistakes.add(
                    span, message, "Put each word in double quotes, with a comma between two of them."
                )
            return None
        if len(strings) > _MOST_WORDS:
            place = self.placed.span(strings[_MOST_WORDS].start, self.end)
            self.around.mistakes.not_checked(place, f"{self.keyword} has more than {_MOST_WORDS} words")
        self.starts = [one.start for one in strings]
        return [self._word(one.start, one.end, one.value) for one in strings[:_MOST_WORDS]]

    def _word(self, start: int, end: int, value: str | None = None, *, silent: bool = False) -> Word:
        raw = self.text[start:end]
        text = raw if value is None else value
        if self.keyword not in _AS_WRITTEN:
            try:
                text = unquote(text, self.escape)
            except MalformedError as error:
                if not silent:
                    at = start if value is not None else min(start + error.offset, end - 1)
                    self.around.mistakes.add(self.placed.span(at, end), f"{self.keyword} has {error}")
        return Word(text, raw, self.placed.span(start, end))

    def _pairs(self, found: Sequence[Word]) -> tuple[tuple[Word, Word | None], ...]:
        if self.keyword not in _IN_PAIRS or not found:
            return ()
        pieces = words.quoted_words(self.text, self.at, self.end, self.escape)[: len(found)]
        if self.keyword != "ARG" and "=" not in found[0].raw:
            blank = words.BLANKS.search(self.text, self.at, self.end)
            if not blank:
                return ((found[0], None),)
            return ((self._word(self.at, blank.start()), self._word(blank.end(), self.end)),)
        pairs: list[tuple[Word, Word | None]] = []
        for start, end in pieces:
            equals = self.text.find("=", start, end)
            if equals < 0:
                pairs.append((self._word(start, end), None))
            else:
                pairs.append((self._word(start, equals), self._word(equals + 1, end)))
        return tuple(pairs)

    def _heredocs(self) -> tuple[Heredoc, ...]:
        if self.keyword not in _HAVE_HEREDOCS or self.is_json:
            return ()
        self.openings = openings(self.text)
        return tuple(
            self.around.lines.heredoc(
                one.name,
                expand=one.expand,
                strip_tabs=one.strip_tabs,
                span=self.placed.span(one.start, one.end),
            )
            for one in self.openings
        )

    def _script(self, found: Sequence[Word], heredocs: tuple[Heredoc, ...]) -> Script | None:
        if self.keyword not in _HAVE_SCRIPTS:
            return None
        at = self.at
        if self.keyword == "HEALTHCHECK":
            if not found or found[0].text.upper() != "CMD":
                return None
            found = found[1:]
            at = words.skip_spaces(self.text, at + 3, self.end)
        scripts = self.around.scripts
        if self.is_json:
            return scripts.array(found, self.placed, self.starts)
        if at >= self.end:
            return None
        if heredocs and opening(self.text, at, self.end):
            return scripts.heredoc(heredocs[0], self.around.shell, self.placed.span(at, self.end))
        asked = [
            one._replace(start=one.start - at, end=one.end - at) for one in self.openings if one.start >= at
        ]
        return scripts.plain(Placed(self.placed.pieces(at, self.end)), self.around.shell, asked, heredocs)
