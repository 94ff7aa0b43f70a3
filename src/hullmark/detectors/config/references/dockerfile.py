"""Dockerfiles and Containerfiles: `FROM`, `COPY --from=`, `ADD --from=`, `RUN --mount=…,from=`, also behind `ONBUILD`.

Format: https://docs.docker.com/reference/dockerfile/. A variable in `FROM` is the default of a global `ARG`, so the digest goes
into that default where it holds the tag.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile.ignores import ignores
from hullmark.detectors.config.dockerfile.model import Dockerfile, Flag, Instruction, Word
from hullmark.detectors.config.dockerfile.parser import parse
from hullmark.detectors.config.references._found import Found, image
from hullmark.detectors.config.references._reference import Kind, Piece, TextFile
from hullmark.detectors.config.references._tree import Text

_MOUNTED = re.compile(r"(?:^|,)from=([^,]*)")
_START = re.compile(
    r"\ufeff?(?:[ \t]*+(?:#[^\n]*+|ARG[ \t][^\n]*+|\r)?\n)*+[ \t]*FROM[ \t]+[^\s]", re.IGNORECASE
)
_QUOTES = {"'", '"'}


def read(file: TextFile) -> Found:
    """Give the references in the order of the file; names of stages are none."""
    parsed = parse(file.text, file.path)
    known = _arguments(file, parsed)
    names: set[str] = set()
    stages = iter(parsed.stages)
    for instruction in parsed.instructions:
        if instruction.keyword == "FROM":
            stage = next(stages, None)
            if stage is not None and stage.base is None and stage.image.raw:
                yield from image(file, _text(file, stage.image), known, what="ARG")
            if stage is not None:
                names |= {stage.name, str(stage.index)}
        for text in _sources(file, instruction.trigger or instruction):
            if text.value.lower() not in names:
                yield from image(file, text)
    if parsed.broken and not parsed.stages and file.text.strip():
        yield file.unread("no Dockerfile: it has no FROM")


def _arguments(file: TextFile, parsed: Dockerfile) -> dict[str, Piece]:
    """Give the defaults of the global arguments, each with its place."""
    found: dict[str, Piece] = {}
    used = {
        name.text
        for each in parsed.instructions
        if each.keyword == "ARG" and each.stage >= 0
        for name, _ in each.pairs
    }
    for instruction in parsed.instructions:
        if instruction.keyword != "ARG" or instruction.stage >= 0:
            continue
        for name, value in instruction.pairs:
            if value is None:
                continue
            piece = _text(file, value).piece()
            if name.text in used and not any(sign in value.text for sign in ":/@"):
                piece = piece._replace(fixed=f"ARG {name.text} is used inside a stage too")
            found[name.text] = piece
    return found


def _text(file: TextFile, word: Word) -> Text:
    start, end = _offsets(file, word.span)
    if len(word.raw) > 1 and word.raw[0] in _QUOTES and word.raw[-1] == word.raw[0]:
        start, end = start + 1, end - 1
    return Text(word.text, start, end, file.text[start:end] == word.text)


def _sources(file: TextFile, instruction: Instruction) -> Iterator[Text]:
    for flag in instruction.flags:
        if flag.name == "from" and flag.value and instruction.keyword in {"COPY", "ADD"}:
            yield _value(file, flag, 0, len(flag.value))
        elif flag.name == "mount" and flag.value and (match := _MOUNTED.search(flag.value)) and match[1]:
            yield _value(file, flag, *match.span(1))


def _value(file: TextFile, flag: Flag, start: int, end: int) -> Text:
    """Give a part of a flag's value with its place."""
    value = flag.value or ""
    _, stop = _offsets(file, flag.span)
    if file.text[stop - 1 : stop] in _QUOTES and not value.endswith(file.text[stop - 1]):
        stop -= 1
    begin = stop - len(value)
    exact = file.text[begin:stop] == value
    return Text(value[start:end], begin + start, begin + end, exact)


def _offsets(file: TextFile, span: Span) -> tuple[int, int]:
    shift = 1 if file.text.startswith("\ufeff") else 0  # the parser takes it off
    return (
        file.offset(span.line, span.column) + (shift if span.line == 1 else 0),
        file.offset(span.end_line, span.end_column) + (shift if span.end_line == 1 else 0),
    )


def is_one(text: str) -> bool:
    """Tell it by its first instruction, comments and arguments apart."""
    return bool(_START.match(text))


KIND = Kind(
    "dockerfile",
    (
        *(form for name in ("Dockerfile", "Containerfile") for form in (name, f"{name}[-_.]*", f"*.{name}")),
        *(form for name in ("dockerfile", "containerfile") for form in (name, f"*.{name}")),
    ),
    read,
    is_one,
    lambda text: ignores(parse(text, "")) if "ignore" in text.lower() else [],
)
