"""How a Dockerfile is put together: directories, the order and number of instructions, commands out of place."""

import re
from collections.abc import Iterator
from itertools import pairwise

from hullmark.detectors.config.check import Check, Problem, Span
from hullmark.detectors.config.dockerfile._calls import commands_of, every, keyword_span, named
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

RELATIVE_DIRECTORY = Rule(
    id="relative-workdir",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`WORKDIR` is a relative path",
    why="Where it is depends on the base image and on every line above.",
    fix="Name the whole path.",
    bad=("FROM debian:12.7\nWORKDIR app\n", 'FROM debian:12.7\nWORKDIR "./app"\n'),
    good=(
        'FROM debian:12.7\nWORKDIR /app\nWORKDIR $HOME/x\nWORKDIR "/a b"\n',
        "FROM windows:ltsc2022\nWORKDIR C:\\\\app\n",
    ),
    pack="pedantic",
    same_as=("DL3000", "DS-0009", "AVD-DS-0009", "WorkdirRelativePath"),
)
CD = Rule(
    id="cd-in-run",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="a `RUN` changes the directory with `cd`",
    why="It holds for that `RUN` only, and readers look for where the next one is.",
    fix="Use `WORKDIR`, or a subshell: `(cd dir && make)`.",
    bad=("FROM debian:12.7\nRUN cd /src && make\n", "FROM debian:12.7\nRUN make && cd /x\n"),
    good=(
        "FROM debian:12.7\nWORKDIR /src\nRUN make\n",
        "FROM debian:12.7\nRUN (cd /src && make) && make -C /x\n",
    ),
    pack="pedantic",
    same_as=("DL3003", "DS-0013", "AVD-DS-0013"),
)
POINTLESS = Rule(
    id="pointless-command",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a command is run that does nothing useful while an image is built",
    why="Processes, mounts and services of a build are gone when its step ends.",
    fix="Leave it out, or let the container's start do it.",
    bad=(
        "FROM debian:12.7\nRUN service nginx start\n",
        "FROM debian:12.7\nRUN mount /x && systemctl enable app\n",
    ),
    good=("FROM debian:12.7\nRUN apt-get install -y vim\n", "FROM debian:12.7\nRUN echo top\n"),
    pack="pedantic",
    same_as=("DL3001",),
)
SELF_REFERENCE = Rule(
    id="env-self-reference",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`ENV` uses a variable that the same instruction sets",
    why="All values of an instruction are put in before it: the variable still has its old value, or none.",
    fix="Set it in an `ENV` above.",
    bad=("FROM debian:12.7\nENV A=/a B=$A/b\n", 'FROM debian:12.7\nENV A=/a B="${A}/b"\n'),
    good=(
        "FROM debian:12.7\nENV A=/a\nENV B=$A/b\n",
        "FROM debian:12.7\nENV PATH=/x:$PATH\n",
        "FROM debian:12.7\nENV A=/a AB=1 C='\\$A'\n",
    ),
    pack="pedantic",
    same_as=("DL3044",),
)
CONSECUTIVE = Rule(
    id="consecutive-runs",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="one `RUN` follows another",
    why="Each makes a layer, and what one creates and the next deletes stays in the image.",
    fix="Join them with `&&`, or write a here-document.",
    bad=("FROM debian:12.7\nRUN make\nRUN make install\n",),
    good=(
        "FROM debian:12.7\nRUN make && make install\n",
        "FROM debian:12.7\nRUN make\nRUN --network=none make install\n",
        "FROM debian:12.7\nRUN make\nUSER 1\nRUN make install\n",
    ),
    pack="pedantic",
    same_as=("DL3059",),
)
INLINE_IGNORE = Rule(
    id="inline-ignore",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="a comment silences a rule",
    why="Whoever writes the file decides what is found in it.",
    fix="Put exceptions where they are reviewed, into the ignore file.",
    bad=(
        "FROM debian:12.7\n# hadolint ignore=DL3008\nRUN make\n",
        "#trivy:ignore:DS-0002\nFROM debian:12.7\n",
    ),
    good=("FROM debian:12.7\n# hadolint finds nothing here\nRUN make\n",),
    pack="pedantic",
    same_as=("DL1001",),
)

_POINTLESS = frozenset(
    [
        "free",
        "kill",
        "killall",
        "mount",
        "umount",
        "ps",
        "service",
        "shutdown",
        "reboot",
        "halt",
        "poweroff",
        "ssh",
        "top",
        "htop",
        "vim",
        "vi",
        "nano",
        "ifconfig",
        "systemctl",
        "iptables",
        "modprobe",
    ]
)
_VARIABLE = re.compile(r"(?<!\\)\$(?:\{(\w+)|(\w+))")
_IGNORE = re.compile(
    r"\s*#\s*(?:hadolint\s+(?:global\s+)?ignore\s*=|trivy:ignore:|hullmark[\s:]+ignore|checkov:skip=|kics-scan\s+(?:ignore|disable))"
)
_SET_DIRECTORY = ("/", "\\", "$", "%")


def _find_relative(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "WORKDIR"):
        for word in instruction.words[:1]:
            drive = word.text[1:2] == ":"
            if word.text and not word.text.startswith(_SET_DIRECTORY) and not drive:
                yield named(RELATIVE_DIRECTORY, word, f"WORKDIR {word.text} is a relative path")


def _find_cd(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "RUN"):
        for command in commands_of(instruction):
            if command.name == "cd" and not command.nested and command.words:
                where = command.words[0].text
                yield Problem(CD, command.span, f"cd {where} holds for this RUN only", resource=where)
                break


def _find_pointless(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "RUN"):
        for command in commands_of(instruction):
            if command.name in _POINTLESS:
                message = f"{command.name} does nothing useful in a build"
                yield Problem(POINTLESS, command.span, message, resource=command.name)


def _find_self_reference(dockerfile: Dockerfile) -> Iterator[Problem]:
    known: dict[int, set[str]] = {}
    for instruction in every(dockerfile, "ENV", "ARG"):
        before = known.setdefault(instruction.stage, set())
        own = {name.text for name, _ in instruction.pairs}
        if instruction.keyword == "ENV":
            for name, value in instruction.pairs:
                asked = (
                    _VARIABLE.findall(value.raw)
                    if value is not None and not value.raw.startswith("'")
                    else []
                )
                used = [braced or plain for braced, plain in asked]
                wrong = next(
                    (each for each in used if each in own and each not in before and each != name.text), None
                )
                if wrong is not None and value is not None:
                    yield named(
                        SELF_REFERENCE,
                        value,
                        f"{wrong} is set by the same ENV, and has no value yet",
                        resource=wrong,
                    )
        before |= own


def _find_consecutive(dockerfile: Dockerfile) -> Iterator[Problem]:
    for stage in dockerfile.stages:
        for before, instruction in pairwise(stage.instructions):
            pair = before.keyword == instruction.keyword == "RUN"
            if pair and _written(before) == _written(instruction):
                yield Problem(
                    CONSECUTIVE, keyword_span(instruction), "this RUN could be part of the one above"
                )


def _written(instruction: Instruction) -> list[tuple[str, str | None]]:
    return [(flag.name, flag.value) for flag in instruction.flags]


def _find_ignore(dockerfile: Dockerfile) -> Iterator[Problem]:
    for number, line in enumerate(dockerfile.lines, 1):
        found = _IGNORE.match(line)
        if found:
            span = Span(number, 1 + len(line) - len(line.lstrip()), number, len(line.rstrip()) + 1)
            yield Problem(INLINE_IGNORE, span, "a comment silences a rule", resource=line.strip()[:200])


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(RELATIVE_DIRECTORY, _find_relative),
    Check(CD, _find_cd),
    Check(POINTLESS, _find_pointless),
    Check(SELF_REFERENCE, _find_self_reference),
    Check(CONSECUTIVE, _find_consecutive),
    Check(INLINE_IGNORE, _find_ignore),
)
