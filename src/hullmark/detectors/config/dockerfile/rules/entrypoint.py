"""`ENTRYPOINT` and `CMD`: how the container starts."""

import re
from collections.abc import Iterator
from json import dumps

from hullmark.detectors.config.check import Check, Edit, Problem, Span
from hullmark.detectors.config.dockerfile._calls import every, keyword_span, lineage
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

SWALLOWS = Rule(
    id="entrypoint-swallows-arguments",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`ENTRYPOINT` runs a shell that passes no arguments on",
    why="What `CMD`, `docker run` or `args` of a pod give is ignored, so that a setting somebody relies on is not in force.",
    fix='Name the program in JSON form, or end the script with `exec program "$@"` and the array with `"--"`.',
    bad=(
        "FROM debian:12.7\nENTRYPOINT /app --port 80\n",
        'FROM debian:12.7\nENTRYPOINT ["sh", "-c", "/app --port $PORT"]\n',
        'FROM debian:12.7\nENTRYPOINT ["/bin/bash", "-lc", "exec /app"]\n',
    ),
    good=(
        'FROM debian:12.7\nENTRYPOINT ["/app", "--port", "80"]\n',
        'FROM debian:12.7\nENTRYPOINT ["sh", "-c", "exec /app \\"$@\\"", "--"]\n',
        "FROM debian:12.7\nENTRYPOINT []\n",
        'FROM debian:12.7\nENTRYPOINT ["bash", "/start.sh"]\n',
    ),
    pack="pedantic",
    controls=("NIST-800-53 CM-6",),
)
SHELL_FORM = Rule(
    id="shell-form-command",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`CMD` or `ENTRYPOINT` is not a JSON array",
    why="A shell stands between the container and its program: signals to stop do not reach it, and the image needs a shell.",
    fix='Write it as an array: `CMD ["program", "argument"]`.',
    bad=(
        "FROM debian:12.7\nCMD python app.py\n",
        "FROM debian:12.7\nENTRYPOINT exec /app $OPTIONS\n",
        "FROM debian:12.7\nENTRYPOINT   /usr/bin/app --port=80 -v\n",
    ),
    good=(
        'FROM debian:12.7\nCMD ["python", "app.py"]\n',
        "FROM debian:12.7\nHEALTHCHECK CMD curl -f http://localhost/\n",
    ),
    pack="pedantic",
    same_as=("DL3025", "JSONArgsRecommended"),
)
SEVERAL_CMD = Rule(
    id="several-cmd",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a stage has several `CMD`s, of which only the last counts",
    why="Whoever reads or changes the first one is mistaken.",
    fix="Keep the last one.",
    bad=('FROM debian:12.7\nCMD ["a"]\nCMD ["b"]\n',),
    good=('FROM debian:12.7 AS a\nCMD ["a"]\nFROM a\nCMD ["b"]\n',),
    pack="pedantic",
    same_as=("DL4003", "DS-0016", "AVD-DS-0016", "MultipleInstructionsDisallowed"),
)
SEVERAL_ENTRYPOINT = Rule(
    id="several-entrypoint",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a stage has several `ENTRYPOINT`s, of which only the last counts",
    why="Whoever reads or changes the first one is mistaken.",
    fix="Keep the last one.",
    bad=('FROM debian:12.7\nENTRYPOINT ["a"]\nENTRYPOINT ["b"]\n',),
    good=('FROM debian:12.7 AS a\nENTRYPOINT ["a"]\nFROM a\nENTRYPOINT ["b"]\n',),
    pack="pedantic",
    same_as=("DL4004", "DS-0007", "AVD-DS-0007", "MultipleInstructionsDisallowed"),
)

_ARGUMENTS = re.compile(r"\$[@*0-9]|\$\{[@*0-9]")
# what a shell would do something with is not plain
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,-][A-Za-z0-9_./:=@%+,-]*")
_BUILTINS = frozenset(
    [
        ".",
        ":",
        "alias",
        "bg",
        "break",
        "cd",
        "command",
        "continue",
        "eval",
        "exec",
        "exit",
        "export",
        "false",
        "fg",
        "getopts",
        "hash",
        "jobs",
        "kill",
        "pwd",
        "read",
        "readonly",
        "return",
        "set",
        "shift",
        "test",
        "times",
        "trap",
        "true",
        "type",
        "ulimit",
        "umask",
        "unalias",
        "unset",
        "wait",
        "echo",
        "printf",
        "source",
    ]
)


def _find_swallows(dockerfile: Dockerfile) -> Iterator[Problem]:
    for stage in lineage(dockerfile):
        found = [instruction for instruction in stage.instructions if instruction.keyword == "ENTRYPOINT"]
        if found:
            yield from _swallows(found[-1])
            return


def _swallows(instruction: Instruction) -> Iterator[Problem]:
    script = instruction.script
    if script is not None and script.shell and not _ARGUMENTS.search(script.text):
        yield Problem(
            SWALLOWS, script.span, "ENTRYPOINT ignores what CMD and docker run give", resource="ENTRYPOINT"
        )


def _as_array(instruction: Instruction) -> tuple[Edit, ...]:
    """Give the edit that makes an array of a command which a shell runs as it stands, and none where the shell does anything to it."""
    script = instruction.script
    words = instruction.words
    if script is None or script.shell != "sh" or script.options != ("-c",) or len(script.commands) != 1:
        return ()
    plain = all(word.raw == word.text and _PLAIN.fullmatch(word.text) for word in words)
    if not plain or "=" in words[0].text or words[0].text in _BUILTINS or script.commands[0].prefixes:
        return ()
    first, last = words[0].span, words[-1].span
    if first.line != last.line:
        return ()
    return (
        Edit(
            Span(first.line, first.column, last.end_line, last.end_column),
            dumps([word.text for word in words]),
        ),
    )


def _find_shell_form(dockerfile: Dockerfile) -> Iterator[Problem]:
    commands = {instruction.stage for instruction in every(dockerfile, "CMD")}
    for instruction in every(dockerfile, "CMD", "ENTRYPOINT"):
        if not instruction.is_json and instruction.words:
            # the arguments that `CMD` gives to an array, or to an `ENTRYPOINT` of the base, would be others
            alone = instruction.keyword == "ENTRYPOINT" and len(dockerfile.stages) == 1 and not commands
            edits = _as_array(instruction) if alone else ()
            message = f"{instruction.keyword} is run by a shell"
            yield Problem(
                SHELL_FORM, keyword_span(instruction), message, resource=instruction.keyword, edits=edits
            )


def _find_several(dockerfile: Dockerfile, rule: Rule, keyword: str) -> Iterator[Problem]:
    for stage in dockerfile.stages:
        found = [instruction for instruction in stage.instructions if instruction.keyword == keyword]
        for instruction in found[1:]:
            yield Problem(
                rule, keyword_span(instruction), f"this {keyword} replaces the one above", resource=keyword
            )


def _find_several_cmd(dockerfile: Dockerfile) -> Iterator[Problem]:
    return _find_several(dockerfile, SEVERAL_CMD, "CMD")


def _find_several_entrypoint(dockerfile: Dockerfile) -> Iterator[Problem]:
    return _find_several(dockerfile, SEVERAL_ENTRYPOINT, "ENTRYPOINT")


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(SWALLOWS, _find_swallows),
    Check(SHELL_FORM, _find_shell_form),
    Check(SEVERAL_CMD, _find_several_cmd),
    Check(SEVERAL_ENTRYPOINT, _find_several_entrypoint),
)
