"""The shell scripts of `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK`, parsed with tree-sitter's bash grammar.

Which shell runs what, and what it is given of a here-document, is as in BuildKit's `dispatchRun`
(`frontend/dockerfile/dockerfile2llb/convert.go`). Nothing of tree-sitter leaves this module.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile import _commands
from hullmark.detectors.config.dockerfile._heredocs import Opening
from hullmark.detectors.config.dockerfile._place import Placed
from hullmark.detectors.config.dockerfile._prefixes import base_name, peel
from hullmark.detectors.config.dockerfile._syntax import Mistakes
from hullmark.detectors.config.dockerfile.model import Command, Heredoc, Script, Word

if TYPE_CHECKING:
    from tree_sitter import Parser

SH = frozenset({"ash", "bash", "dash", "ksh", "mksh", "sh", "zsh"})
_LONGEST = 200_000  # characters of one script
_LONGEST_ALL = 1_000_000  # and of all in a file
_DEEPEST = 3  # of sh -c 'sh -c …'
_JSON_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)


class Scripts:
    """Parses the scripts of one file, as long as they are not too many."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._left = _LONGEST_ALL
        self._parser: Parser | None = None

    def plain(self, text: Placed, shell: Sequence[str], redirected: Sequence[Opening] = (), bodies: Sequence[Heredoc] = ()) -> Script:
        """Parse what a shell is given as it stands, with the bodies of the here-documents that it asks for behind it."""
        name, options = _shell(shell)
        whole = Placed([*text.pieces(0, len(text.text)), *(piece for body in bodies for piece in _behind(body))])
        script = Script(shell=name, text=whole.text, span=text.span(0, len(text.text)), options=options)
        return self._parsed(script, text, redirected, bodies)

    def heredoc(self, body: Heredoc, shell: Sequence[str]) -> Script:
        """Parse the content of a here-document that is a script by itself, for the shell that its first line names if it does."""
        text = Placed(_lines(body))
        if text.text.startswith("#!"):
            shell = text.text[2:].partition("\n")[0].split()
        name, options = _shell(shell)
        script = Script(shell=name, text=text.text, span=text.span(0, len(text.text.rstrip("\n"))), options=options)
        return self._parsed(script, text)

    def array(self, words: Sequence[Word], text: Placed, starts: Sequence[int]) -> Script | None:
        """Parse what a JSON array runs: the script of a shell that it names, or the one command that it is."""
        if not words:
            return None
        at = _script_word(words)
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
            return Script(shell="", text=" ".join(word.text for word in words), span=span, commands=(command,))
        name, options = _shell([word.text for word in words[:at]])
        word = words[at]
        placed = _unescaped(text, starts[at], word)
        return self._parsed(Script(shell=name, text=word.text, span=word.span, options=options), placed)

    def _parsed(self, script: Script, text: Placed, redirected: Sequence[Opening] = (), bodies: Sequence[Heredoc] = ()) -> Script:
        if script.shell not in SH:
            return script
        if len(text.text) > min(_LONGEST, self._left):
            self._mistakes.add(script.span, "the script is too long; it was not checked")
            return script
        self._left -= len(text.text)
        source = _without_heredocs(text.text, redirected)
        parsed = _commands.Walk(self._tree_sitter(), source, text.span).run()
        if parsed.is_cut:
            self._mistakes.add(script.span, "the script has too many commands; those behind were not checked")
        return Script(
            shell=script.shell,
            text=script.text,
            span=script.span,
            options=script.options,
            commands=tuple(parsed.commands),
            broken=parsed.broken,
        )

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


def _script_word(words: Sequence[Word]) -> int | None:
    """Find the script in `sh -e -c SCRIPT`."""
    peeled = peel(tuple(words))
    if base_name(peeled.name.text) not in SH:
        return None
    at = len(words) - len(peeled.words)
    is_script = False
    while at < len(words):
        option = words[at].text
        if not option.startswith(("-", "+")):
            return at if is_script else None
        if option.startswith("--"):
            at += 1
            continue
        is_script = is_script or "c" in option
        at += 2 if option.endswith(("o", "O")) else 1
    return None


def _lines(body: Heredoc) -> list[tuple[str, int, int]]:
    pieces: list[tuple[str, int, int]] = []
    for number, line in enumerate(body.content.split("\n")[:-1], body.line):
        kept = line.lstrip("\t") if body.strip_tabs else line
        pieces.append((f"{kept}\n", number, len(line) - len(kept) + 1))
    return pieces


def _behind(body: Heredoc) -> list[tuple[str, int, int]]:
    """Give a here-document as the shell gets it: behind the line that asks for it, with the line that ends it."""
    lines = body.content.count("\n")
    return [("\n" + body.content, body.line, 1), (body.name, body.line + lines, 1)]


def _without_heredocs(text: str, redirected: Sequence[Opening]) -> str:
    """Make `<<EOF` a redirect of the same length whose body is not asked for: it is known already."""
    for one in redirected:
        at = text.index("<<", one.start)
        text = f"{text[: at + 1]}{'_' * (one.end - at - 1)}{text[one.end :]}"
    return text


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
    return Placed([*pieces, *text.pieces(at, raw_end)])
