"""How a Dockerfile is written."""

from collections import Counter
from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Edit, Problem, Span
from hullmark.detectors.config.dockerfile._calls import every, keyword_span, named, put
from hullmark.detectors.config.dockerfile.model import Dockerfile
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

KEYWORD_CASE = Rule(
    id="keyword-case",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="instructions are written in capitals here and in small letters there",
    why="Readers and simple tools miss those that look different.",
    fix="Write them all in capitals.",
    bad=(
        "FROM debian:12.7\nrun make\nUSER 1\n",
        "FROM debian:12.7\nRun make\nUSER 1\n",
        "from debian:12.7\nrun make\nUSER 1\n",
    ),
    good=("FROM debian:12.7\nRUN make\n", "from debian:12.7\nrun make\n"),
    pack="pedantic",
    same_as=("ConsistentInstructionCasing",),
)
AS_CASE = Rule(
    id="as-case",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="`FROM` and `AS` are not written in one case",
    why="Readers and simple tools miss the name of the stage.",
    fix="Write both in capitals.",
    bad=("FROM debian:12.7 as build\n", "from debian:12.7 AS build\n", "FROM debian:12.7 As build\n"),
    good=("FROM debian:12.7 AS build\n", "from debian:12.7 as build\n"),
    pack="pedantic",
    same_as=("FromAsCasing",),
)
LEGACY_PAIR = Rule(
    id="legacy-key-value",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="a variable or label is set without an equals sign",
    why="The rest of the line is one value, so that a second `NAME=value` there is part of it.",
    fix="Write `NAME=value`.",
    bad=(
        "FROM debian:12.7\nENV PORT 80\n",
        "FROM debian:12.7\nLABEL vendor Jo and Co\n",
        "FROM debian:12.7\nENV A   b=c\n",
    ),
    good=("FROM debian:12.7\nENV PORT=80 HOST=x\n", "FROM debian:12.7\nARG X\n"),
    pack="pedantic",
    same_as=("LegacyKeyValueFormat",),
)


def _find_keyword_case(dockerfile: Dockerfile) -> Iterator[Problem]:
    written = [instruction.keyword_raw for instruction in dockerfile.instructions]
    counted = Counter(
        "small" if word.islower() else "capitals" if word.isupper() else "mixed" for word in written
    )
    small = counted["small"] > counted["capitals"]
    for instruction in dockerfile.instructions:
        word = instruction.keyword_raw
        wanted = word.lower() if small else word.upper()
        if word != wanted:
            edits = (Edit(keyword_span(instruction), wanted),)
            yield Problem(
                KEYWORD_CASE,
                keyword_span(instruction),
                f"{word} is {wanted} elsewhere",
                resource=word,
                edits=edits,
            )


def _find_as_case(dockerfile: Dockerfile) -> Iterator[Problem]:
    for stage in dockerfile.stages:
        words = stage.start.words
        keyword = stage.start.keyword_raw
        if len(words) > 2 and words[1].text.upper() == "AS":
            wanted = "as" if keyword.islower() else "AS"
            if words[1].text != wanted:
                yield named(
                    AS_CASE,
                    words[1],
                    f"{words[1].text} is not written as {keyword}",
                    edits=put(words[1], wanted),
                )


def _find_legacy(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "ENV", "LABEL"):
        for name, value in instruction.pairs[:1]:
            start = name.span
            between = dockerfile.lines[start.line - 1][start.end_column - 1 : start.end_column]
            if value is None or between == "=":
                continue
            end = value.span
            edits: tuple[Edit, ...] = ()
            # a value with quotes or blanks may mean something else behind an equals sign
            if (
                end.line == start.line
                and value.raw == value.text
                and value.text
                and not set(value.text) & set(" \t\"'\\#")
            ):
                edits = (Edit(Span(start.line, start.end_column, end.line, end.column), "="),)
            yield named(
                LEGACY_PAIR, name, f"{instruction.keyword} {name.text} has no equals sign", edits=edits
            )


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(KEYWORD_CASE, _find_keyword_case),
    Check(AS_CASE, _find_as_case),
    Check(LEGACY_PAIR, _find_legacy),
)
