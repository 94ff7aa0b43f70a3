"""Whatever the bytes, parsing ends, and each part stands where it says."""

from collections.abc import Iterator

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction, Word
from hullmark.detectors.config.dockerfile.parser import parse

PIECES = (
    "FROM a", "ENV ", "LABEL x=", "RUN ", "COPY --from=b ", "ONBUILD ", "HEALTHCHECK CMD ", "CMD [", '"a", ', '"b\\u00e9"]', "A=1", "é",
    "\\", "\\\n", "\n", "\r\n", "#", " # c\n", "'", '"', "$", "${a:-", "}", "<<EOF", "<<-'E'", "\nEOF\n", " ", "\t", "`", "# escape=`\n", "&&",
    "|", ";", "(", ")", "$(", "if a; then ", "fi", "sudo ", "sh -c 'a b'", ">x", "\ufeff", "\x00", "\U0001f600", 'SHELL ["bash", "-c"]', "ARG ",
)  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def words(instruction: Instruction) -> Iterator[Word]:
    yield from instruction.words
    for name, value in instruction.pairs:
        yield name
        if value:
            yield value
    for command in instruction.script.commands if instruction.script else ():
        yield from (*command.words, *command.assignments, *(target for _, target in command.redirects))
    if instruction.trigger:
        yield from words(instruction.trigger)


def spans(instruction: Instruction) -> Iterator[Span]:
    yield instruction.span
    yield from (flag.span for flag in instruction.flags)
    yield from (word.span for word in words(instruction))
    if instruction.script:
        yield instruction.script.span
        yield from (command.span for command in instruction.script.commands)
        if instruction.script.broken:
            yield instruction.script.broken
    if instruction.trigger:
        yield from spans(instruction.trigger)


def check(dockerfile: Dockerfile) -> None:
    for span in (
        *(span for one in dockerfile.instructions for span in spans(one)),
        *(one.span for one in dockerfile.broken),
    ):
        assert (1, 1) <= (span.line, span.column) <= (span.end_line, span.end_column)
        assert span.end_line <= max(len(dockerfile.lines), 1)
        for line, column in ((span.line, span.column), (span.end_line, span.end_column)):
            assert column <= (len(dockerfile.lines[line - 1]) if dockerfile.lines else 0) + 1
    for instruction in dockerfile.instructions:
        for word in words(instruction):
            span = word.span
            if span.line == span.end_line and not (instruction.trigger or instruction).is_json:
                assert dockerfile.lines[span.line - 1][span.column - 1 : span.end_column - 1] == word.raw


@settings(max_examples=400, deadline=None)
@given(texts)
def test_each_part_stands_where_it_says(text: str) -> None:
    check(parse(text, "Dockerfile"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(body: bytes) -> None:
    check(parse(b"FROM a\nRUN " + body, "Dockerfile"))
    check(parse(body, "Dockerfile"))


@settings(max_examples=200, deadline=None)
@given(texts)
def test_the_same_each_time_and_all_of_it_can_be_written_down(text: str) -> None:
    dockerfile = parse(text, "Dockerfile")
    assert msgspec.json.encode(dockerfile) == msgspec.json.encode(
        parse(text.encode("utf-8", "replace"), "Dockerfile")
    )
    assert len(dockerfile.instructions) <= text.count("\n") + 1


@settings(max_examples=200, deadline=None)
@given(texts)
def test_what_is_put_together_again_is_the_same(text: str) -> None:
    """An instruction written anew from its parts is parsed to the same parts."""
    before = parse(text, "Dockerfile")
    for one in before.instructions:
        if (
            one.heredocs
            or one.trigger
            or "\\" in one.text
            or "`" in one.text
            or "<<" in one.text
            or "#" in one.keyword
        ):
            continue
        again = parse(f"{one.keyword} {one.text}", "Dockerfile").instructions
        if again and not one.flags and again[0].keyword == one.keyword and not one.text.startswith("--"):
            assert [word.raw for word in again[0].words] == [word.raw for word in one.words]
