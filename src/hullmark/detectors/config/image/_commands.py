"""The commands of a script in an image's history, as far as rules about it need them: words without quotes, and what is piped into what.

Grammar: POSIX.1-2024, Shell Command Language, 2.3 Token Recognition. No expansion, no here-documents: a history has them on one line.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from hullmark.detectors.config.image._words import words

_PART = re.compile(
    r"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|\\(?P<escaped>.)|(?P<plain>[^\s'"\\;&|()<>]+)"""
    r"""|(?P<operator>&&|\|\||\|&|[;&|\n()])|(?P<space>[ \t\r\f\v]+|\d?[<>]+&?)|(?P<stray>.)""",
    re.DOTALL,
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PREFIXES = words("sudo env exec command time nohup nice doas builtin then do else if while until !") | {"{"}


class Command(NamedTuple):
    """One simple command. `name` is its base name, `words` its arguments, `pipeline` the number of the pipeline that it is part of."""

    name: str
    words: tuple[str, ...]
    pipeline: int
    prefixes: tuple[str, ...] = ()

    def has(self, *wanted: str) -> bool:
        """Tell whether any of these is a word of it."""
        return any(word in wanted for word in self.words)

    def short(self, letter: str) -> bool:
        """Tell whether it has a one-letter option, alone or among others (`-fsSLk`)."""
        return any(word[:1] == "-" and word[1:2] != "-" and letter in word for word in self.words)


def commands(script: str) -> Iterator[Command]:
    """Give the commands of a script in their order."""
    words: list[str] = []
    pieces: list[str] = []
    pipeline = 0
    for part in _PART.finditer(script):
        kind = part.lastgroup or ""
        if kind not in {"space", "operator"}:
            pieces.append(part[kind])
            continue
        if pieces:
            words.append("".join(pieces))
            pieces = []
        if kind == "operator":
            if found := _command(words, pipeline):
                yield found
            words = []
            pipeline += part["operator"] not in {"|", "|&"}
    if pieces:
        words.append("".join(pieces))
    if found := _command(words, pipeline):
        yield found


def _command(words: list[str], pipeline: int) -> Command | None:
    prefixes: list[str] = []
    for at, word in enumerate(words):
        name = word.rpartition("/")[2]
        if name in _PREFIXES:
            prefixes.append(name)
        elif not _ASSIGNMENT.match(word) and not (prefixes and word[:1] == "-"):
            return Command(name, tuple(words[at + 1 :]), pipeline, tuple(prefixes))
    return None
