"""Build stages: their names, and who copies from which."""

import re
from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Edit, Problem
from hullmark.detectors.config.dockerfile._calls import named, put
from hullmark.detectors.config.dockerfile.model import Dockerfile, Flag, Stage, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

UNKNOWN = Rule(
    id="copy-from-unknown",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`--from` names no earlier stage",
    why="A name that is no stage is taken as an image and fetched: a slip of the pen brings a stranger's files into the image.",
    fix="Name an earlier stage; write an image with its tag or digest.",
    bad=(
        "FROM debian:12.7 AS build\nFROM debian:12.7\nCOPY --from=biuld /app /app\n",
        "FROM debian:12.7\nCOPY --from=3 /app /app\n",
        "FROM debian:12.7\nCOPY --from=later /app /app\nFROM debian:12.7 AS later\n",
    ),
    good=(
        "FROM debian:12.7 AS build\nFROM debian:12.7\nCOPY --from=build /app /app\nCOPY --from=0 /app /app\nCOPY --from=BUILD /b /b\n",
        "FROM debian:12.7\nCOPY --from=ghcr.io/astral-sh/uv:0.4.0 /uv /bin/\n",
    ),
    pack="pedantic",
    same_as=("DL3022",),
)
ITSELF = Rule(
    id="copy-from-itself",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="a stage copies from itself",
    why="The build stops here.",
    fix="Copy with `RUN cp`, or name the stage that was meant.",
    bad=("FROM debian:12.7 AS build\nCOPY --from=build /a /b\n",),
    good=("FROM debian:12.7 AS build\nFROM debian:12.7\nCOPY --from=build /a /b\n",),
    pack="pedantic",
    same_as=("DL3023", "DS-0006", "AVD-DS-0006"),
)
DUPLICATE = Rule(
    id="duplicate-stage-name",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="two stages have one name",
    why="Which of them is copied from or built with `--target` depends on the place of the line.",
    fix="Give each stage a name of its own.",
    bad=(
        "FROM debian:12.7 AS build\nFROM debian:12.7 AS build\n",
        "FROM debian:12.7 AS a\nFROM debian:12.7 as A\n",
    ),
    good=("FROM debian:12.7 AS build\nFROM debian:12.7 AS test\n",),
    pack="pedantic",
    same_as=("DL3024", "DS-0012", "AVD-DS-0012", "DuplicateStageName"),
)
RESERVED = Rule(
    id="reserved-stage-name",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a stage has a name that stands for something else",
    why="`scratch` is the empty image and `context` the files of the build: who reads or copies from the stage gets another thing.",
    fix="Give the stage another name.",
    bad=("FROM debian:12.7 AS scratch\n", "FROM debian:12.7 AS context\n"),
    good=("FROM debian:12.7 AS scratched\n", "FROM scratch AS build\n"),
    pack="pedantic",
    same_as=("DL3063", "ReservedStageName"),
)
CASE = Rule(
    id="stage-name-case",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="a stage's name has capitals",
    why="Names of stages are compared without regard to case: `Build` and `build` are one.",
    fix="Write it in small letters.",
    bad=("FROM debian:12.7 AS Build\n",),
    good=("FROM debian:12.7 AS build\n",),
    pack="pedantic",
    same_as=("StageNameCasing",),
)

_AN_IMAGE = re.compile(r".*[:@/$.].*", re.DOTALL)


def _sources(dockerfile: Dockerfile) -> Iterator[tuple[Stage, Word]]:
    """Give what each `--from` of `COPY` and each `from=` of a mount names."""
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if instruction.keyword in {"COPY", "ADD", "RUN"}:
                for flag in instruction.flags:
                    name = _named(flag)
                    if name:
                        yield stage, Word(name, name, flag.span)


def _named(flag: Flag) -> str:
    if flag.name == "from":
        return flag.value or ""
    if flag.name == "mount":
        return next((part[5:] for part in (flag.value or "").split(",") if part.startswith("from=")), "")
    return ""


def _find_unknown(dockerfile: Dockerfile) -> Iterator[Problem]:
    names: dict[str, int] = {}
    for stage in dockerfile.stages:
        if stage.name:
            names.setdefault(stage.name.lower(), stage.index)
    for stage, word in _sources(dockerfile):
        name = word.text.lower()
        if name == stage.name.lower() or _AN_IMAGE.fullmatch(name):
            continue
        index = (
            (int(name) if len(name) < 6 else stage.index)
            if name.isdecimal()
            else names.get(name, stage.index)
        )
        if index >= stage.index:
            yield named(UNKNOWN, word, f"{word.text} is no earlier stage")


def _find_itself(dockerfile: Dockerfile) -> Iterator[Problem]:
    for stage, word in _sources(dockerfile):
        if stage.name and word.text.lower() == stage.name.lower():
            yield named(ITSELF, word, f"the stage {stage.name} copies from itself")


def _name(stage: Stage) -> Word | None:
    """Give the word that is the stage's name."""
    return stage.start.words[2] if stage.name and len(stage.start.words) > 2 else None


def _find_duplicate(dockerfile: Dockerfile) -> Iterator[Problem]:
    seen: set[str] = set()
    for stage in dockerfile.stages:
        word = _name(stage)
        if word is not None:
            name = stage.name.lower()
            if name in seen:
                yield named(DUPLICATE, word, f"another stage is called {stage.name} as well")
            seen.add(name)


def _find_reserved(dockerfile: Dockerfile) -> Iterator[Problem]:
    for stage in dockerfile.stages:
        word = _name(stage)
        if word is not None and stage.name.lower() in {"scratch", "context"}:
            yield named(RESERVED, word, f"{stage.name} stands for something else already")


def _find_case(dockerfile: Dockerfile) -> Iterator[Problem]:
    uses: dict[str, tuple[Edit, ...]] = {}
    for stage in dockerfile.stages:
        if stage.name.islower():
            uses[stage.name] = ()
    for stage in dockerfile.stages:
        word = _name(stage)
        if word is not None and word.text != word.text.lower():
            # names are compared without regard to case, so that what uses it stays as it is
            edits = put(word, word.text.lower()) if word.text.lower() not in uses else ()
            yield named(CASE, word, f"the stage's name {word.text} has capitals", edits=edits)


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(UNKNOWN, _find_unknown),
    Check(ITSELF, _find_itself),
    Check(DUPLICATE, _find_duplicate),
    Check(RESERVED, _find_reserved),
    Check(CASE, _find_case),
)
