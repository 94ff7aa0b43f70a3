"""What rules about the commands of `RUN` share: which commands there are, and their options, verbs and packages."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hullmark.detectors.config.check import Edit, Problem, Span
from hullmark.detectors.config.dockerfile.model import Command, Dockerfile, Instruction, Stage, Word
from hullmark.detectors.config.dockerfile.variables import resolve, walk
from hullmark.model.rule import Rule

_WINDOWS = ("windows", "nanoserver", "servercore")
_CMD = re.compile(r"(?i)\b[a-z]:\\|\bif (?:not )?exist |%[a-z_]\w{0,60}%|\bNEQ\b|%[a-z] in \(")
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh", "mksh", "busybox"})


class Call(NamedTuple):
    """A command taken apart. `verb` is its first word that is no option (`install`), `operands` are those behind it."""

    instruction: Instruction
    command: Command
    verb: Word | None
    operands: tuple[Word, ...]
    options: tuple[Word, ...]

    def has(self, *names: str, letter: str = "") -> bool:
        """Tell whether an option is there, by a long name (with or without a value) or by a letter in a group (`-qy`)."""
        return self.option(*names, letter=letter) is not None

    def option(self, *names: str, letter: str = "") -> Word | None:
        """Give the first option of these names."""
        for word in self.options:
            text = word.text
            if text.partition("=")[0] in names:
                return word
            if letter and text[:2] != "--" and letter in text.partition("=")[0][1:]:
                return word
        return None


def every(dockerfile: Dockerfile, *keywords: str) -> Iterator[Instruction]:
    """Give the instructions of these kinds, those that wait behind `ONBUILD` too."""
    for instruction in dockerfile.instructions:
        found = instruction.trigger or instruction
        if found.keyword in keywords:
            yield found


def commands_of(instruction: Instruction) -> tuple[Command, ...]:
    """Give the commands that an instruction runs."""
    return instruction.script.commands if instruction.script is not None else ()


def commands(dockerfile: Dockerfile, *names: str) -> Iterator[tuple[Instruction, Command]]:
    """Give the commands of all `RUN`s, or only those with one of these names."""
    for instruction in every(dockerfile, "RUN"):
        for command in commands_of(instruction):
            if not names or command.name in names:
                yield instruction, command


def calls(
    dockerfile: Dockerfile, *names: str, verbs: Iterable[str] = (), valued: frozenset[str] = frozenset()
) -> Iterator[Call]:
    """Give the commands of these names whose verb is one of `verbs` (any, where there are none), taken apart."""
    for instruction in every(dockerfile, "RUN"):
        yield from calls_in(instruction, *names, verbs=verbs, valued=valued)


def calls_in(
    instruction: Instruction, *names: str, verbs: Iterable[str] = (), valued: frozenset[str] = frozenset()
) -> Iterator[Call]:
    """Do as `calls` for one `RUN`."""
    wanted = frozenset(verbs)
    for command in commands_of(instruction):
        if command.name in names:
            call = taken_apart(instruction, command, valued)
            if not wanted or (call.verb is not None and call.verb.text in wanted):
                yield call


def taken_apart(instruction: Instruction, command: Command, valued: frozenset[str] = frozenset()) -> Call:
    """Tell options from verb and operands. Those in `valued` take the next word as their value."""
    options: list[Word] = []
    rest: list[Word] = []
    words = iter(command.words)
    for word in words:
        if word.text == "--":
            rest += words
        elif word.text.startswith("-") and word.text != "-":
            options.append(word)
            if word.text in valued:
                value = next(words, None)
                if value is not None and value.text.startswith("-"):
                    options.append(value)
        else:
            rest.append(word)
    return Call(instruction, command, rest[0] if rest else None, tuple(rest[1:]), tuple(options))


def packages(call: Call) -> Iterator[Word]:
    """Give the operands that name a package for certain: no file, address or variable."""
    for word in call.operands:
        text = word.text
        if not (
            text.startswith((".", "/", "~"))
            or "://" in text
            or "$" in word.raw
            or "`" in word.raw
            or not text
        ):
            yield word


def option_values(command: Command, *names: str) -> Iterator[Word]:
    """Give the words that are values of an option: the one behind it, or itself where the value is joined to it (`--name=value`, `-nvalue`)."""
    words = iter(command.words)
    for word in words:
        if word.text in names:
            value = next(words, None)
            if value is not None:
                yield value
        elif word.text.startswith(tuple(f"{name}=" for name in names if name.startswith("--"))):
            yield word


def value_of(word: Word) -> str:
    """Give the value in a word that `option_values` gave."""
    return word.text.partition("=")[2] if word.text.startswith("--") else word.text


def mounts_cache(instruction: Instruction, *parts: str) -> bool:
    """Tell whether a cache or tmpfs is mounted at a path with one of these in it."""
    for flag in instruction.flags:
        value = (flag.value or "") if flag.name == "mount" else ""
        if ("type=cache" in value or "type=tmpfs" in value) and any(part in value for part in parts):
            return True
    return False


def is_windows(dockerfile: Dockerfile, instruction: Instruction) -> bool:
    """Tell whether a script is for the `cmd` of Windows, as far as that can be seen: its default shell is `sh` to a parser that has no image."""
    stage = dockerfile.stages[instruction.stage] if 0 <= instruction.stage < len(dockerfile.stages) else None
    base = f"{stage.image.text} {stage.resolved}".lower() if stage is not None else ""
    text = instruction.script.text if instruction.script is not None else ""
    return dockerfile.escape == "`" or any(name in base for name in _WINDOWS) or _CMD.search(text) is not None


def is_sh(dockerfile: Dockerfile, instruction: Instruction) -> bool:
    """Tell whether a script is one of a shell of sh's kind."""
    script = instruction.script
    return script is not None and script.shell in _SHELLS and not is_windows(dockerfile, instruction)


def shell_scripts(dockerfile: Dockerfile) -> Iterator[tuple[Instruction, tuple[Command, ...]]]:
    """Give the scripts of shells of sh's kind."""
    for instruction in every(dockerfile, "RUN"):
        if is_sh(dockerfile, instruction):
            yield instruction, commands_of(instruction)


def is_shell(name: str) -> bool:
    """Tell whether a program is a shell of sh's kind."""
    return name in _SHELLS


def insert(after: Word, text: str) -> tuple[Edit, ...]:
    """Make an edit that puts a text behind a word."""
    span = after.span
    return (Edit(Span(span.end_line, span.end_column, span.end_line, span.end_column), text),)


def put(word: Word, text: str) -> tuple[Edit, ...]:
    """Make an edit that puts a text in the place of a word."""
    return (Edit(word.span, text),)


def name_span(dockerfile: Dockerfile, command: Command) -> Span | None:
    """Give the place of a command's name; None where something stands before it, or it is written in another way."""
    line, column = command.span.line, command.span.column
    end = column + len(command.name)
    written = dockerfile.lines[line - 1][column - 1 : end] if 0 < line <= len(dockerfile.lines) else ""
    return Span(line, column, line, end) if written.rstrip() == command.name else None


def keyword_span(instruction: Instruction) -> Span:
    """Give the place of an instruction's keyword."""
    line, column = instruction.span.line, instruction.span.column
    return Span(line, column, line, column + len(instruction.keyword_raw))


def same_case(word: str, as_in: str) -> str:
    """Give a keyword in small letters where another one is."""
    return word.lower() if as_in.islower() else word


def lineage(dockerfile: Dockerfile) -> Iterator[Stage]:
    """Give the last stage and those that it builds on, the last one first."""
    stage = dockerfile.last
    while stage is not None:
        yield stage
        # a stage builds on an earlier one: this ends
        stage = dockerfile.stages[stage.base] if stage.base is not None and stage.base < stage.index else None


def reached(dockerfile: Dockerfile) -> frozenset[int]:
    """Give the stages whose files are in the image: the last one and those that it builds on."""
    return frozenset(stage.index for stage in lineage(dockerfile))


def resolved(dockerfile: Dockerfile, stage: Stage, keyword: str) -> Iterator[tuple[Instruction, Word, str]]:
    """Give each word of a stage's instructions of one kind, and what it is once variables have their values ("" where one has none)."""
    found = [instruction for instruction in stage.instructions if instruction.keyword == keyword]
    if any("$" in word.raw for instruction in found for word in instruction.words):
        for instruction, values in walk(dockerfile, stage):
            if instruction.keyword == keyword:
                for word in instruction.words:
                    text = resolve(word.raw, values, dockerfile.escape) if "$" in word.raw else word.text
                    yield instruction, word, text
        return
    for instruction in found:
        for word in instruction.words:
            yield instruction, word, word.text


def named(
    rule: Rule, word: Word, message: str, *, resource: str = "", edits: tuple[Edit, ...] = ()
) -> Problem:
    """Make a problem at a word; what tells it apart is the word itself where nothing else is given."""
    return Problem(rule, word.span, message, resource=resource or word.text, edits=edits)
