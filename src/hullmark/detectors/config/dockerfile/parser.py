"""Dockerfiles and Containerfiles, whole.

Specification: https://docs.docker.com/reference/dockerfile/; what it leaves open is done as BuildKit's parser does it
(https://github.com/moby/buildkit, `frontend/dockerfile`). Where that stops at the first error, this one notes it and goes on.
"""

import codecs

from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile import _instruction, variables
from hullmark.detectors.config.dockerfile._arguments import KEYWORDS
from hullmark.detectors.config.dockerfile._lines import Lines
from hullmark.detectors.config.dockerfile._place import Placed
from hullmark.detectors.config.dockerfile._syntax import Mistakes
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction, Stage, Word
from hullmark.detectors.config.dockerfile.shell import Scripts
from hullmark.detectors.config.dockerfile.words import BLANKS, SPACES

_LARGEST = 4 << 20  # bytes
_MOST_LINES = 100_000
_MOST_INSTRUCTIONS = 10_000


def parse(body: bytes | str, path: str) -> Dockerfile:
    """Parse a file. What is wrong in it is in `broken`; nothing is raised, whatever the file holds.

    UTF-8 is expected, bytes of another encoding become U+FFFD. Columns count characters. `words` of `USER`, `WORKDIR`, `STOPSIGNAL` and
    `MAINTAINER` are one word, blanks and all; the first of `HEALTHCHECK` is `CMD` or `NONE`. Names of stages are in small letters, as they are
    looked up.
    """
    mistakes = Mistakes()
    lines = _lines(body, mistakes)
    return _File(Lines(lines, mistakes), mistakes).parse(path)


def _lines(body: bytes | str, mistakes: Mistakes) -> tuple[str, ...]:
    if isinstance(body, str):
        body = body.encode("utf-8", "replace")
    whole = len(body)
    body = body[:_LARGEST]
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        mistakes.add(Span(1, 1, 1, 1), "the file is UTF-16, which no builder reads", "Store it as UTF-8.")
        text = body.decode("utf-16", "replace").encode("utf-8", "replace").decode()
    else:
        text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    lines = text.split("\n", _MOST_LINES + 1)
    if lines[-1] == "":
        lines.pop()
    if whole > _LARGEST or len(lines) > _MOST_LINES:
        lines = lines[:_MOST_LINES]
        place = Span(len(lines), 1, len(lines), 1)
        mistakes.not_checked(place, f"the file is larger than {_LARGEST >> 20} MB or {_MOST_LINES} lines")
    return tuple(line.rstrip("\r") for line in lines)


class _File:
    def __init__(self, lines: Lines, mistakes: Mistakes) -> None:
        self.lines = lines
        self.mistakes = mistakes
        self.scripts = Scripts(mistakes)
        self.instructions: list[Instruction] = []
        self.arguments: dict[str, str] = {}
        self.starts: list[tuple[Instruction, str, Word, str, int | None]] = []
        self.within: list[list[Instruction]] = []
        self.shells: list[tuple[str, ...]] = []
        self.indices: dict[str, int] = {}

    def parse(self, path: str) -> Dockerfile:
        while text := self.lines.next():
            if len(self.instructions) >= _MOST_INSTRUCTIONS:
                place = text.span(0, 1)
                self.mistakes.not_checked(place, f"there are more than {_MOST_INSTRUCTIONS} instructions")
                break
            self._take(text)
        if not self.instructions:
            self.mistakes.add(Span(1, 1, 1, 1), "the file has no instruction", "Begin with FROM.")
        elif all(one.keyword == "ARG" for one in self.instructions):
            place = self.instructions[-1].span
            self.mistakes.add(place, "the file has no FROM")
        return Dockerfile(
            path=path,
            lines=self.lines.lines,
            escape=self.lines.escape,
            syntax=self.lines.directives.get("syntax", "").partition(" ")[0],
            directives=self.lines.directives,
            arguments=self.arguments,
            stages=tuple(self._stage(index) for index in range(len(self.starts))),
            instructions=tuple(self.instructions),
            broken=self.mistakes.all(),
        )

    def _take(self, text: Placed) -> None:
        start = len(text.text) - len(text.text.lstrip(SPACES))
        default = ("cmd", "/S", "/C") if self.lines.escape == "`" else ("/bin/sh", "-c")
        shell = self.shells[-1] if self.shells else default
        keyword = BLANKS.split(text.text[start:].rstrip(SPACES), 1)[0].upper()
        is_from = keyword == "FROM"
        stage = len(self.starts) - 1 + is_from
        around = _instruction.Surroundings(
            self.lines, self.mistakes, self.scripts, stage, shell, tuple(self.lines.comments)
        )
        instruction = _instruction.parse(text, start, around)
        self.instructions.append(instruction)
        if is_from:
            self._from(instruction, default)
            return
        if self.within:
            self.within[-1].append(instruction)
        elif instruction.keyword != "ARG":
            self._before_from(instruction)
        if instruction.keyword == "ARG" and not self.starts:
            variables.take(self.arguments, self.arguments, instruction, {}, self.lines.escape)
        if instruction.keyword == "SHELL" and instruction.is_json and instruction.words and self.shells:
            self.shells[-1] = tuple(word.text for word in instruction.words)

    def _before_from(self, instruction: Instruction) -> None:
        if instruction.keyword in KEYWORDS:
            self.mistakes.add(instruction.span, f"{instruction.keyword} stands before the first FROM")

    def _from(self, instruction: Instruction, default: tuple[str, ...]) -> None:
        words = instruction.words
        image = words[0] if words else Word("", "", instruction.span)
        resolved = variables.resolve(image.raw, self.arguments, self.lines.escape)
        base = self.indices.get(resolved.lower())
        name = words[2].text.lower() if len(words) >= 3 and words[1].text.upper() == "AS" else ""
        if name:
            self.indices[name] = len(self.starts)
        self.starts.append((instruction, name, image, resolved, base))
        self.within.append([])
        self.shells.append(default if base is None else self.shells[base])

    def _stage(self, index: int) -> Stage:
        start, name, image, resolved, base = self.starts[index]
        return Stage(
            index=index,
            name=name,
            start=start,
            image=image,
            resolved=resolved,
            platform=start.flag("platform") or "",
            base=base,
            instructions=tuple(self.within[index]),
        )
