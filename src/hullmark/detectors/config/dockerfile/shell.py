"""The shell scripts of `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK`, parsed with tree-sitter's bash grammar.

Which shell runs what, and what it is given of a here-document, is as in BuildKit's `dispatchRun`
(`frontend/dockerfile/dockerfile2llb/convert.go`). Nothing of tree-sitter leaves this module.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import structs

from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile import _commands
from hullmark.detectors.config.dockerfile._heredocs import Opening
from hullmark.detectors.config.dockerfile._place import Placed
from hullmark.detectors.config.dockerfile._prefixes import SH, base_name, peel, script_word
from hullmark.detectors.config.dockerfile._syntax import Mistakes
from hullmark.detectors.config.dockerfile.model import Command, Heredoc, Script, Word

if TYPE_CHECKING:
    from tree_sitter import Parser

# What tree-sitter needs for a script full of syntax errors grows with the square of its length: 2.5 s for 16,000 characters.
_LONGEST = 16_000
_MOST_WORK = 400_000_000  # the squares of all lengths together
_DEEPEST = 3  # of sh -c 'sh -c …'
_JSON_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)


class Scripts:
    """Parses the scripts of one file, as long as they are not too many."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._left = _MOST_WORK
        self._parser: Parser | None = None

    def plain(
        self,
        text: Placed,
        shell: Sequence[str],
        redirected: Sequence[Opening] = (),
        bodies: Sequence[Heredoc] = (),
    ) -> Script:
        """Parse what a shell is given as it stands, with the bodies of the here-documents that it asks for behind it."""
        name, options = _shell(shell)
        whole = Placed(
            [*text.pieces(0, len(text.text)), *(piece for body in bodies for piece in _behind(body))]
        )
        script = Script(shell=name, text=whole.text, span=text.span(0, len(text.text)), options=options)
        return self._parsed(script, text, redirected, bodies)

    def heredoc(self, body: Heredoc, shell: Sequence[str], asked: Span) -> Script:
        """Parse the content of a here-document that is a script by itself, for the shell that its first line names if it does.

        `asked` is the place of what asks for it, which stands for one without content.
        """
        text = Placed(_lines(body))
        if text.text.startswith("#!"):
            shell = text.text[2:].partition("\n")[0].split()
        name, options = _shell(shell)
        span = text.span(0, len(text.text.rstrip("\n"))) if text.text else asked
        return self._parsed(Script(shell=name, text=text.text, span=span, options=options), text)

    def array(self, words: Sequence[Word], text: Placed, starts: Sequence[int]) -> Script | None:
        """Parse what a JSON array runs: the script of a shell that it names, or the one command that it is."""
        if not words:
            return None
        at = script_word(words)
        if at is None:
            first, last = words[0].span, words[-1].span
            span = Span(first.line, first.column, last.end_line, last.end_column)
            peeled = peel(tuple(words))
            command = Command(
                name=base_name(peeled.name.text),
                span=span,
                words=peeled.words,
                prefixes=peeled.prefixes,
                assignments=peeled.assignments,
            )
            return Script(
                shell="", text=" ".join(word.text for word in words), span=span, commands=(command,)
            )
        name, options = _shell([word.text for word in words[:at]])
        word = words[at]
        placed = _unescaped(text, starts[at], word)
        return self._parsed(Script(shell=name, text=word.text, span=word.span, options=options), placed)

    def _parsed(
        self, script: Script, text: Placed, redirected: Sequence[Opening] = (), bodies: Sequence[Heredoc] = ()
    ) -> Script:
        if script.shell not in SH:
            return script
        parsed = self._walk(text, redirected, bodies, 0)
        if parsed is None:
            self._mistakes.not_checked(script.span, "the script is too long")
            return script
        if parsed.is_cut:
            self._mistakes.not_checked(script.span, "the script has too many commands")
        return structs.replace(script, commands=tuple(parsed.commands), broken=parsed.broken)

    def _walk(
        self, text: Placed, redirected: Sequence[Opening], bodies: Sequence[Heredoc], depth: int
    ) -> _commands.Parsed | None:
        """Find the commands of a script and of those that it gives to other shells; None where that would take too long."""
        work = len(text.text) ** 2
        if len(text.text) > _LONGEST or work > self._left:
            return None
        self._left -= work
        parsed = _commands.Walk(self._tree_sitter(), text.text, text.span, redirected).run()
        for one in reversed(parsed.inner if depth < _DEEPEST else []):
            if one.heredoc is None:
                part = Placed(text.pieces(one.start, one.end))
            elif one.heredoc < len(bodies):
                part = Placed(_lines(bodies[one.heredoc]))
            else:
                continue
            inner = self._walk(part, (), (), depth + 1)
            if inner:
                outer = parsed.commands[one.command]
                first = 1 + max(command.pipeline for command in parsed.commands)
                parsed.commands[one.command + 1 : one.command + 1] = [
                    structs.replace(
                        command,
                        pipeline=command.pipeline + first,
                        nested=True,
                        conditional=command.conditional or outer.conditional,
                    )
                    for command in inner.commands
                ]
        return parsed

    def _tree_sitter(self) -> "Parser":
        if self._parser is None:
            from hullmark.detectors.config.dockerfile._grammar import parser

            self._parser = parser()
        return self._parser


def _shell(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Give the name of a shell, whatever runs it (`env`, `busybox`), and its options."""
    if not words:
        return "", ()
    peeled = peel(tuple(Word(word, word, Span()) for word in words))
    name = base_name(peeled.name.text.replace("\\", "/")).lower().removesuffix(".exe")
    return name, tuple(word.text for word in peeled.words)


def _lines(body: Heredoc) -> list[tuple[str, int, int]]:
    pieces: list[tuple[str, int, int]] = []
    for number, line in enumerate(body.content.split("\n")[:-1], body.line):
        kept = line.lstrip("\t") if body.strip_tabs else line
        pieces.append((f"{kept}\n", number, len(line) - len(kept) + 1))
    return pieces or [("", body.line, 1)]


def _behind(body: Heredoc) -> list[tuple[str, int, int]]:
    """Give a here-document as the shell gets it: behind the line that asks for it, with the line that ends it."""
    lines = body.content.count("\n")
    return [("\n" + body.content, body.line, 1), (body.name, body.line + lines, 1)]


def _unescaped(text: Placed, start: int, word: Word) -> Placed:
    """Give the text of a JSON string, each character with its place in the file."""
    from hullmark.detectors.config.dockerfile.words import json_value

    pieces: list[tuple[str, int, int]] = []
    at = start + 1
    raw_end = start + len(word.raw) - 1
    for found in _JSON_ESCAPE.finditer(text.text, at, raw_end):
        pieces += text.pieces(at, found.start())
        pieces.append((json_value(f'"{found[0]}"'), *text.place(found.start())))
        at = found.end()
    return Placed([*pieces, *text.pieces(at, raw_end), ("", *text.place(raw_end))])
