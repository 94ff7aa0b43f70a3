"""The parser of Dockerfiles, against BuildKit's own and against what each part of the language means."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import GOLDEN
from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile._heredocs import hidden
from hullmark.detectors.config.dockerfile._syntax import SYNTAX_ERROR
from hullmark.detectors.config.dockerfile.model import Command, Dockerfile, Flag, Instruction, Word
from hullmark.detectors.config.dockerfile.parser import parse

FOLDERS = sorted((GOLDEN / "dockerfiles").iterdir())


def parsed(folder: Path) -> Dockerfile:
    return parse((folder / "Dockerfile").read_bytes(), "Dockerfile")


def first(text: str) -> Instruction:
    return parse(f"FROM alpine:3.20\n{text}\n", "Dockerfile").instructions[1]


def flag_text(flag: Flag) -> str:
    return f"--{flag.name}" if flag.value is None else f"--{flag.name}={flag.value}"


def buildkit_arguments(instruction: Instruction) -> list[str]:
    """Give an instruction's arguments in the form in which BuildKit's syntax tree has them."""
    if trigger := instruction.trigger:
        return [trigger.keyword_raw, *map(flag_text, trigger.flags), *buildkit_arguments(trigger)]
    words = instruction.words
    if instruction.is_json and instruction.keyword != "HEALTHCHECK":
        return [json.loads(word.raw) for word in words]
    if instruction.keyword in {"ENV", "LABEL"}:
        sign = "=" if "=" in words[0].raw else ""
        return [
            text for name, value in instruction.pairs for text in (name.raw, value.raw if value else "", sign)
        ]
    if instruction.keyword == "HEALTHCHECK":
        command = instruction.text[len(words[0].raw) :].strip()
        return [words[0].raw, command] if command else [words[0].raw]
    if instruction.keyword in {"RUN", "CMD", "ENTRYPOINT"}:
        return [instruction.text]
    return [word.raw for word in words]


def as_buildkit(instruction: Instruction) -> dict[str, Any]:
    heredocs = (instruction.trigger or instruction).heredocs
    return {
        "value": instruction.keyword,
        "flags": [flag_text(flag) for flag in instruction.flags],
        "args": buildkit_arguments(instruction),
        "json": instruction.is_json,
        "start": instruction.span.line,
        "heredocs": [
            {"name": one.name, "content": one.content, "expand": one.expand, "chomp": one.strip_tabs}
            for one in heredocs
        ],
    }


@pytest.mark.parametrize(
    "folder",
    [folder for folder in FOLDERS if (folder / "buildkit.json").exists()],
    ids=lambda folder: folder.name,
)
def test_the_same_as_buildkit(folder: Path) -> None:
    """`buildkit.json` is what BuildKit 0.32.2's parser makes of the file."""
    theirs = json.loads((folder / "buildkit.json").read_text("utf-8").replace("\\r\\n", "\\n"))
    dockerfile = parsed(folder)
    keys = as_buildkit(dockerfile.instructions[0]).keys()
    assert [as_buildkit(one) for one in dockerfile.instructions] == [
        {key: node[key] for key in keys} for node in theirs["nodes"]
    ]
    assert [[stage.name, stage.image.raw, stage.platform] for stage in dockerfile.stages] == theirs["stages"]
    assert dockerfile.escape == theirs["escape"]
    assert dockerfile.broken == ()


def place(span: Span) -> str:
    return f"{span.line}:{span.column}-{span.end_line}:{span.end_column}"


def word(one: Word) -> str:
    return f"{one.text!r}@{place(one.span)}"


def command_lines(one: Command) -> list[str]:
    marks = " ".join(
        [
            *one.prefixes,
            *["nested"] * one.nested,
            *["conditional"] * one.conditional,
            *map(word, one.assignments),
        ]
    )
    head = f"    {one.before or 'first'} {one.pipeline} {one.name!r} {place(one.span)} [{marks}]"
    return [
        head,
        *(f"      {word(argument)}" for argument in one.words),
        *(f"      {operator} {word(target)}" for operator, target in one.redirects),
    ]


def lines(one: Instruction, indent: str = "") -> list[str]:
    found = [f"{indent}{one.keyword} {place(one.span)} stage {one.stage} {one.text!r}"]
    found += [f"  # {comment}" for comment in one.comments]
    found += [f"  {flag_text(flag)} {place(flag.span)}" for flag in one.flags]
    if one.pairs:
        found += [f"  {word(name)} = {word(value) if value else '-'}" for name, value in one.pairs]
    elif one.script is None:
        found += [f"  {word(argument)}" for argument in one.words]
    if script := one.script:
        broken = f" broken {place(script.broken)}" if script.broken else ""
        found.append(
            f"  {script.shell or 'exec'} {script.options} {place(script.span)} {script.text!r}{broken}"
        )
        found += [text for command in script.commands for text in command_lines(command)]
    if one.trigger:
        found += lines(one.trigger, "> ")
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_part_and_its_place(folder: Path, golden: Callable[[Path, bytes], None]) -> None:
    dockerfile = parsed(folder)
    found = [text for one in dockerfile.instructions for text in lines(one)]
    found += [
        f"stage {one.index} {one.name!r} {one.resolved!r} {one.platform!r} {one.base}"
        for one in dockerfile.stages
    ]
    found += [f"arguments {dockerfile.arguments} directives {dockerfile.directives}"]
    found += [f"broken {place(one.span)} {one.message} | {one.advice}" for one in dockerfile.broken]
    golden(folder / "parsed.txt", "".join(f"{text}\n" for text in found).encode())


@pytest.mark.parametrize("text", SYNTAX_ERROR.bad)
def test_bad_examples(text: str) -> None:
    assert [problem.rule.id for problem in parse(text, "Dockerfile").broken] == ["syntax-error"]


@pytest.mark.parametrize("text", SYNTAX_ERROR.good)
def test_good_examples(text: str) -> None:
    assert parse(text, "Dockerfile").broken == ()


def test_a_word_split_by_a_continuation_begins_and_ends_where_it_does() -> None:
    word = first("COPY ab\\\n  \\\n# no part of it\ncd /x").words[0]
    assert (word.text, word.raw, word.span) == ("ab", "ab", Span(2, 6, 2, 8))
    word = first("COPY ab\\\n# no part of it\ncd /x").words[0]
    assert (word.text, word.span) == ("abcd", Span(2, 6, 4, 3))


def test_what_follows_an_error_is_parsed() -> None:
    dockerfile = parse("FROM a\nENV\nRUN <<EOF\necho x\nUSER app\nEXPOSE 22\n", "Dockerfile")
    assert [one.keyword for one in dockerfile.instructions] == ["FROM", "ENV", "RUN", "USER", "EXPOSE"]
    assert [(one.span.line, one.message) for one in dockerfile.broken] == [
        (2, "ENV has no argument"),
        (3, "the here-document “EOF” has no end"),
    ]


def test_base_stages_are_found_by_what_their_name_resolves_to() -> None:
    dockerfile = parse("ARG B=One\nFROM a AS one\nFROM ${B}\nFROM ${UNKNOWN}x\nFROM 0\n", "Dockerfile")
    assert [(one.resolved, one.base) for one in dockerfile.stages] == [
        ("a", None),
        ("One", 0),
        ("", None),
        ("0", None),
    ]


def test_shell_is_that_of_the_stage_or_the_stage_it_builds_on() -> None:
    text = 'FROM a AS x\nSHELL ["/bin/bash", "-c"]\nFROM b\nRUN a\nFROM x\nRUN a\n'
    scripts = [one.script for one in parse(text, "Dockerfile").instructions if one.keyword == "RUN"]
    assert [script.shell for script in scripts if script] == ["sh", "bash"]


def test_other_encodings() -> None:
    dockerfile = parse(b"FROM a\nLABEL a=\xe9 b=\xc3\xa9\n", "Dockerfile")
    assert [value.text for _, value in dockerfile.instructions[1].pairs if value] == ["\ufffd", "é"]
    dockerfile = parse("FROM a\nUSER b\n".encode("utf-16"), "Dockerfile")
    assert [one.keyword for one in dockerfile.instructions] == ["FROM", "USER"]
    assert [one.message for one in dockerfile.broken] == ["the file is UTF-16, which no builder reads"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"FROM a\n" + b"\n" * 200_000, id="lines"),
        pytest.param(b"FROM a\n" * 30_000, id="instructions"),
        pytest.param(b"FROM a\nEXPOSE " + b"1 " * 50_000, id="words"),
        pytest.param(b"FROM a\n#" + b"x" * (5 << 20), id="bytes"),
        pytest.param(b"FROM a\nRUN " + b"echo a; " * 5_000, id="script"),
        pytest.param(
            b"FROM a\nRUN " + b"echo a; " * 1_000 + b"\nRUN " + b"a=(" * 10_000, id="hostile script"
        ),
    ],
)
def test_what_is_beyond_a_limit_is_said_once_each(body: bytes) -> None:
    broken = [one.message for one in parse(body, "Dockerfile").broken]
    assert len([one for one in broken if "not checked" in one]) == 1
    assert len(broken) <= 101


HOSTILE = {
    "parentheses": b"(" * 10_000,
    "closing": b")" * 24_000,
    "substitutions": b"$(" * 10_000 + b"a" + b")" * 10_000,
    "quoted": b'"$(' * 5_000,
    "braces": b"${a:-" * 10_000,
    "arrays": b"a=(" * 8_000,
    "pipes": b":|" * 12_000,
    "case": b"case x in a) " * 10_000,
    "here-documents": b"<<A " * 10_000,
    "json": b"[" * 1_000_000,
    "flags": b"--a='" * 100_000,
    "strings": b'["' + b'\\u0041",\n"' * 10_000,
}


@pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE)
def test_hostile_scripts_end_soon(script: bytes) -> None:
    begin = time.process_time()
    parse(b"FROM a\nRUN " + script[:15_900], "Dockerfile")  # as long as is still looked at
    parse(b"FROM a\nRUN " + script + b"\nENV A=" + script + b"\nCMD " + script, "Dockerfile")
    assert time.process_time() - begin < 60  # seconds here; without a limit it would be minutes


def test_what_follows_a_redirect_is_an_argument() -> None:
    script = first("RUN curl >/dev/null -k http://x 2>&1 y").script
    assert script
    (curl,) = script.commands
    assert [word.text for word in curl.words] == ["-k", "http://x", "y"]
    assert [(operator, word.text) for operator, word in curl.redirects] == [(">", "/dev/null"), (">&", "1")]


def test_heredocs_that_the_grammar_cannot_read_are_redirects() -> None:
    text = "FROM a\nRUN <<EOF\nécho ü; cat <<'E' > /x; curl x | sh\n\\1 ü $(\n\n\tE\nE\ncat <<A <<-B | tee x\n\\$\nA\n\tB\ndone_\nEOF\n"
    script = parse(text, "Dockerfile").instructions[-1].script
    assert script is not None
    assert script.broken is None
    found = [(one.name, one.before, one.span.line, one.span.column) for one in script.commands]
    assert found == [
        ("écho", "", 3, 1),
        ("cat", ";", 3, 9),
        ("curl", ";", 3, 25),
        ("sh", "|", 3, 34),
        ("cat", ";", 8, 1),
        ("tee", "|", 8, 16),
        ("done_", ";", 12, 1),
    ]
    assert [(operator, word.text) for operator, word in script.commands[1].redirects] == [
        ("<<", "E"),
        (">", "/x"),
    ]
    assert [operator for operator, _ in script.commands[4].redirects] == ["<<", "<<-"]


def test_hidden_heredocs_keep_every_place_and_cost_no_more_than_their_size() -> None:
    script = b"cat <<A\n\xc3\xbc\\x\nA\necho <<-'B C'\n\t\tx\n\t\tB C\ncat <<D\nno end\n"
    data, found = hidden(script)
    assert data == b"cat <__\n    \n \necho <_______\n   \n     \ncat <<D\nno end\n"
    assert [script[one.start : one.end] for one in found] == [b"<<A", b"<<-'B C'"]
    assert [(one.name, one.expand, one.strip_tabs) for one in found] == [
        ("A", True, False),
        ("B C", False, True),
    ]
    start = time.process_time()
    hidden(b"<<A <<B\n" * 200_000)
    hidden(b"<<A\nA\n" * 200_000)
    hidden(b"<<A" * 200_000)
    assert time.process_time() - start < 5
