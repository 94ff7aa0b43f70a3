"""The shell scripts of `RUN`. Of what ShellCheck knows this is what matters in a build; https://www.shellcheck.net/wiki/."""

import re
from collections.abc import Iterator
from itertools import pairwise, zip_longest

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import (
    commands,
    commands_of,
    every,
    is_sh,
    named,
    shell_scripts,
)
from hullmark.detectors.config.dockerfile._shell_balance import is_broken
from hullmark.detectors.config.dockerfile.model import Command, Dockerfile, Instruction, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

SYNTAX = Rule(
    id="shell-syntax",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a shell script has a syntax error",
    why="The build stops here, or does something else than what is written, and what could not be read was not checked.",
    fix="Look for a quote, a bracket or a keyword without its end.",
    bad=(
        'FROM debian:12.7\nRUN echo "a\n',
        "FROM debian:12.7\nRUN if true; then echo a\n",
        "FROM debian:12.7\nRUN echo a && && echo b\n",
    ),
    good=(
        "FROM debian:12.7\nRUN if true; then echo a; fi\n",
        "FROM debian:12.7\nRUN <<'EOF'\n\tcat > /a <<-'EOM'\n\t\t\\e[1;32mhello\n\tEOM\n\tcat >> /b <<-EOB\n\t\t$- x\n\tEOB\nEOF\n",
        "FROM debian:12.7\nRUN <<EOF\ncat > /a <<E; echo b\nit's\nE\nEOF\n",
        'FROM windows:ltsc2022\nSHELL ["powershell", "-Command"]\nRUN if ($a) { echo "b }\n',
        "FROM mcr.microsoft.com/windows/nanoserver:ltsc2022\nRUN if not exist a (exit 1)\n",
        "ARG BASE\nFROM $BASE\nRUN icacls C:\\x /grant A:(F)\n",
    ),
    same_as=(
        "SC1009",
        "SC1010",
        "SC1045",
        "SC1046",
        "SC1047",
        "SC1056",
        "SC1065",
        "SC1072",
        "SC1073",
        "SC1078",
        "SC1086",
        "SC1089",
        "SC1098",
        "SC1099",
    ),
)

SLIP = Rule(
    id="shell-slip",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a slip of the pen makes a command of what is none",
    why="The build stops there, or goes on without what was meant.",
    fix="Write `name=value` without blanks and `$`, keywords in small letters, and plain blanks and quotes.",
    bad=(
        "FROM debian:12.7\nRUN VERSION = 1.2 && make\n",
        "FROM debian:12.7\nRUN VERSION == 1.2 && make\n",
        "FROM debian:12.7\nRUN $VERSION=1.2 && make\n",
        "FROM debian:12.7\nRUN If true; then make; fi\n",
        "FROM debian:12.7\nRUN make\u00a0install\n",
        "FROM debian:12.7\nRUN echo ´date´\n",
    ),
    good=(
        "FROM debian:12.7\nRUN VERSION=1.2 && [ a = b ] && test a = b && expr 1 = 1 && [[ a == b ]]\n",
        "FROM debian:12.7\nRUN \"$TOOL\" --version=1 && if true; then make; fi && echo 'a\u00a0b'\n",
    ),
    pack="pedantic",
    same_as=("SC1018", "SC1066", "SC1068", "SC1077", "SC1081", "SC1097", "SC2281", "SC2283", "SC2284"),
)

PIPEFAIL = Rule(
    id="pipe-without-pipefail",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="only the last command of a pipe can fail the build",
    why="A download that breaks off in front of the pipe goes unnoticed, and half of it is in the image.",
    fix='Set `SHELL ["/bin/bash", "-o", "pipefail", "-c"]`, or begin the `RUN` with `set -o pipefail` where the shell knows it.',
    bad=(
        "FROM debian:12.7\nRUN curl -fsS https://example.com/a | tar x\n",
        'FROM debian:12.7\nSHELL ["/bin/bash", "-c"]\nRUN a | b\n',
    ),
    good=(
        'FROM debian:12.7\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN a | b\n',
        "FROM debian:12.7\nRUN set -eo pipefail; a | b\n",
        'FROM debian:12.7\nSHELL ["pwsh", "-c"]\nRUN a | b\n',
        'FROM debian:12.7\nRUN ["a", "|", "b"]\n',
        "FROM debian:12.7\nRUN a || b\n",
        'FROM debian:12.7\nSHELL ["/bin/bash", "-eo", "pipefail", "-c"]\nRUN a | b\n',
    ),
    pack="pedantic",
    same_as=("DL4006",),
)

SHELL_LINK = Rule(
    id="shell-by-link",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`/bin/sh` is made a link to another shell",
    why="All scripts of the image run in that shell, those of its packages too, which were not tested with it.",
    fix='Use `SHELL ["/bin/bash", "-c"]`.',
    bad=("FROM debian:12.7\nRUN ln -sf /bin/bash /bin/sh\n",),
    good=(
        'FROM debian:12.7\nSHELL ["/bin/bash", "-c"]\n',
        "FROM debian:12.7\nRUN ln -sf /bin/bash /usr/local/bin/sh-x\n",
    ),
    pack="pedantic",
    same_as=("DL4005",),
)

BASHISM = Rule(
    id="bash-in-sh",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a script for `sh` uses what only bash and its like know",
    why="In Debian's dash and Alpine's ash it fails, or does something else and goes on.",
    fix='Set `SHELL ["/bin/bash", "-c"]`, or write it for `sh`.',
    bad=(
        "FROM debian:12.7\nRUN [[ -f a ]] && b\n",
        "FROM debian:12.7\nRUN source /env && b\n",
        "FROM debian:12.7\nRUN a &> /dev/null\n",
        "FROM debian:12.7\nRUN diff <(a) b\n",
        "FROM debian:12.7\nRUN echo ${A//x/y} && cat <<< b\n",
        'FROM debian:12.7\nRUN [ "$a" == b ]\n',
        "FROM debian:12.7\nRUN set -o pipefail && a | b\n",
        "FROM debian:12.7\nRUN mkdir -p /x/{a,b} && echo a\n",
        "FROM debian:12.7\nRUN echo -e 'a\\nb'\n",
    ),
    good=(
        'FROM debian:12.7\nSHELL ["/bin/bash", "-c"]\nRUN [[ -f a ]] && source /env\n',
        "FROM debian:12.7\nRUN [ -f a ] && . /env && [ \"$a\" = b ] && a > /dev/null 2>&1 && echo ${A%x} ${B:-c} '{a,b}' {} && echo -n a\n",
    ),
    pack="pedantic",
    same_as=(
        "SC2039",
        "SC3001",
        "SC3009",
        "SC3010",
        "SC3011",
        "SC3014",
        "SC3020",
        "SC3037",
        "SC3040",
        "SC3044",
        "SC3046",
        "SC3060",
    ),
)

CD_UNCHECKED = Rule(
    id="cd-unchecked",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="the script goes on where `cd` fails",
    why="What follows, `rm -rf *` for example, happens in another directory.",
    fix="Join with `&&`, or begin the script with `set -e`.",
    bad=("FROM debian:12.7\nRUN cd /x; make\n",),
    good=(
        "FROM debian:12.7\nRUN cd /x && make\n",
        "FROM debian:12.7\nRUN set -eux; cd /x; make\n",
        "FROM debian:12.7\nRUN cd /x || exit 1; make\n",
        'FROM debian:12.7\nSHELL ["/bin/bash", "-ec"]\nRUN cd /x; make\n',
    ),
    pack="pedantic",
    same_as=("SC2164",),
)

AND_OR = Rule(
    id="and-or-chain",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="`a && b || c` runs `c` where `b` fails as well",
    why="It is no if and else, and a failure of `b` is hidden.",
    fix="Write `if a; then b; else c; fi`.",
    bad=("FROM debian:12.7\nRUN test -f a && make || ./configure\n",),
    good=(
        "FROM debian:12.7\nRUN a || b\n",
        "FROM debian:12.7\nRUN a && b || true\n",
        "FROM debian:12.7\nRUN a && b || exit 1\n",
    ),
    pack="pedantic",
    same_as=("SC2015",),
)

_COMPARES = frozenset({"[", "[[", "test", "expr", "((", "let"})

_CAPITAL = re.compile(
    r"(?!if\b|then\b|fi\b|for\b|while\b|do\b|done\b|case\b|esac\b|else\b|elif\b)(?i:if|then|fi|for|while|do|done|case|esac|else|elif)"
)

_SH = frozenset({"sh", "dash", "ash", "busybox"})


def _find_syntax(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"):
        if (
            is_sh(dockerfile, instruction)
            and instruction.script is not None
            and instruction.script.broken is not None
        ):
            span = instruction.script.broken
            if is_broken(instruction.script.text):
                yield Problem(SYNTAX, span, f"the script of this {instruction.keyword} has a syntax error")
            else:
                message = f"the script of this {instruction.keyword} cannot be read whole here, and was not checked whole"
                yield Problem(
                    SYNTAX, span, message, "Look whether it is right.", severity=Severity.NEGLIGIBLE
                )


def _slip(command: Command) -> str:
    """Give what is wrong with a command that was meant to be something else."""
    first = command.words[0].raw if command.words else ""
    if first in {"=", "=="} and command.name not in _COMPARES and re.fullmatch(r"\w+", command.name):
        return f"{command.name} is run as a command, not assigned to"
    if re.match(r"\$\w+=", command.name):
        return f"{command.name.partition('=')[0]} cannot be assigned to with its $"
    if _CAPITAL.fullmatch(command.name):
        return f"{command.name} is no keyword, but a command"
    if "\u00a0" in command.name or any(
        "\u00a0" in word.raw and word.raw[0] not in "\"'" for word in command.words
    ):
        return "a no-break space is part of the word"
    if any("´" in word.raw and word.raw[0] not in "\"'" for word in command.words):
        return "´ is no quote"
    return ""


def _find_slip(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, found in shell_scripts(dockerfile):
        for command in found:
            message = _slip(command)
            if message:
                yield Problem(SLIP, command.span, message, resource=command.name[:80])


def _sets(instruction: Instruction, letter: str, name: str) -> bool:
    """Tell whether an option of the shell is on: by `SHELL` or by a `set` of the script."""
    options = instruction.script.options if instruction.script else ()
    given = [
        list(options),
        *([word.text for word in each.words] for each in commands_of(instruction) if each.name == "set"),
    ]
    for texts in given:
        for at, text in enumerate(texts):
            group = text[:1] == "-" and text[1:2] != "-"
            if group and letter and letter in text[1:]:
                return True
            if group and "o" in text[1:] and texts[at + 1 : at + 2] == [name]:
                return True
    return False


def _find_pipefail(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction, found in shell_scripts(dockerfile):
        piped = next((command for command in found if command.before in {"|", "|&"}), None)
        if piped is not None and not _sets(instruction, "", "pipefail"):
            message = f"a failure before the pipe to {piped.name or 'this command'} goes unnoticed"
            yield Problem(PIPEFAIL, piped.span, message)


def _find_link(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, command in commands(dockerfile, "ln"):
        for word in command.words[1:]:
            if word.text in {"/bin/sh", "/usr/bin/sh"}:
                yield named(SHELL_LINK, word, f"{word.text} is made a link to another shell")


_BASH_NAMES = frozenset(
    {
        "[[",
        "source",
        "pushd",
        "popd",
        "declare",
        "typeset",
        "shopt",
        "mapfile",
        "readarray",
        "let",
        "dirs",
        "disown",
    }
)

_BASH_WORD = re.compile(r"^[<>]\(|\$\{!?\w+(?:\[[^]]{1,80}\])?(?://?[^}]|\^|,|:\d|@)|\$\{\w+\[|\$\[")


_BRACES = re.compile(r"(?<!\$)\{(?:[\w./-]{1,60}(?:,[\w./-]{0,60}){1,60}|\w{1,20}\.\.\w{1,20})\}")


def _bashism(command: Command) -> tuple[Word | None, str]:
    """Give what of a command only bash knows, and the word that it is, if it is one."""
    if command.name in _BASH_NAMES:
        return None, command.name
    for operator, target in command.redirects:
        if operator in {"&>", "&>>", "<<<", ">&"} and not target.text.isdigit() and target.text != "-":
            return target, operator
    for before, word in zip_longest((None, *command.words[:-1]), command.words):
        what = _bash_word(command.name, before, word)
        if what:
            return word, what
    return (None, "|&") if command.before == "|&" else (None, "")


def _bash_word(name: str, before: Word | None, word: Word | None) -> str:
    raw = word.raw if word is not None else ""
    if name == "echo" and before is None and re.fullmatch("-[nE]*e[neE]*", raw):
        return f"echo {raw}"
    if name == "set" and before is not None and re.fullmatch(r"[-+]\w*o", before.raw) and raw == "pipefail":
        return raw
    compared = raw == "==" and name in {"[", "test"}
    braces = raw[:1] not in {"'", '"'} and _BRACES.search(raw)
    return raw[:60] if compared or braces or (raw[:1] != "'" and _BASH_WORD.search(raw)) else ""


def _find_bashism(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction, found in shell_scripts(dockerfile):
        if instruction.script is None or instruction.script.shell not in _SH:
            continue
        for command in found:
            word, what = _bashism(command)
            if what:
                span = command.span if word is None else word.span
                yield Problem(BASHISM, span, f"{what} is not known to every sh", resource=what)


def _find_cd(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction, found in shell_scripts(dockerfile):
        if _sets(instruction, "e", "errexit"):
            continue
        for command, after in pairwise(found):
            if (
                command.name == "cd"
                and after.before in {";", "\n"}
                and command.before != "||"
                and not command.conditional
            ):
                yield Problem(CD_UNCHECKED, command.span, "what follows runs even where this cd fails")


def _find_and_or(dockerfile: Dockerfile) -> Iterator[Problem]:
    harmless = {"true", ":", "exit", "echo", "false", "return", "printf"}
    for _, found in shell_scripts(dockerfile):
        for before, command in pairwise(found):
            chain = before.before == "&&" and command.before == "||" and before.nested == command.nested
            if chain and command.name not in harmless and before.name not in harmless:
                message = f"{command.name or 'this command'} runs where {before.name or 'the one before'} fails as well"
                yield Problem(AND_OR, command.span, message)


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(SYNTAX, _find_syntax),
    Check(SLIP, _find_slip),
    Check(PIPEFAIL, _find_pipefail),
    Check(SHELL_LINK, _find_link),
    Check(BASHISM, _find_bashism),
    Check(CD_UNCHECKED, _find_cd),
    Check(AND_OR, _find_and_or),
)
