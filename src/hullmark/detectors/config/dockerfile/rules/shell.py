"""The shell scripts of `RUN`. Of what ShellCheck knows this is what matters in a build; https://www.shellcheck.net/wiki/."""

import re
from collections.abc import Iterator
from itertools import pairwise

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import (
    commands,
    commands_of,
    every,
    is_windows,
    named,
    taken_apart,
)
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
SUBSTITUTION = Rule(
    id="unquoted-substitution",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="what a command prints is split at blanks and its `*` are replaced by file names",
    why="Another output than the expected one becomes other arguments.",
    fix='Put it in double quotes: `"$(…)"`.',
    bad=("FROM debian:12.7\nRUN touch a-$(date)\n", "FROM debian:12.7\nRUN ls `cat list`\n"),
    good=(
        "FROM debian:12.7\nRUN touch \"a-$(date)\" && x=$(date) && echo '$(date)'\n",
        "FROM debian:12.7\nRUN make -j$(nproc)\n",
    ),
    pack="pedantic",
    same_as=("SC2046",),
)
VARIABLE = Rule(
    id="unquoted-variable",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="a variable's value is split at blanks and its `*` are replaced by file names",
    why="Another value than the expected one, of a build argument for example, becomes other arguments.",
    fix='Put it in double quotes: `"$NAME"`.',
    bad=(
        "FROM debian:12.7\nRUN mkdir $DIR\n",
        "FROM debian:12.7\nRUN curl -o a https://example.com/${VERSION}/a\n",
    ),
    good=(
        "FROM debian:12.7\nRUN mkdir \"$DIR\" && x=$y && echo $? '$z' \\$a\n",
        "FROM debian:12.7\nRUN [[ $a == b ]] || exit $#\n",
    ),
    pack="pedantic",
    same_as=("SC2086",),
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
    ),
    good=(
        'FROM debian:12.7\nSHELL ["/bin/bash", "-c"]\nRUN [[ -f a ]] && source /env\n',
        'FROM debian:12.7\nRUN [ -f a ] && . /env && [ "$a" = b ] && a > /dev/null 2>&1 && echo ${A%x} ${B:-c}\n',
    ),
    pack="pedantic",
    same_as=(
        "SC2039",
        "SC3001",
        "SC3010",
        "SC3011",
        "SC3014",
        "SC3020",
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
USELESS_CAT = Rule(
    id="useless-cat",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="`cat` of one file is piped into a command that reads files itself",
    why="It is one process more, and hides that the file is missing.",
    fix="Write `command < file`.",
    bad=("FROM debian:12.7\nRUN cat list | xargs rm\n",),
    good=(
        "FROM debian:12.7\nRUN xargs rm < list\n",
        "FROM debian:12.7\nRUN cat a b | sort && cat -n a | sort && cat *.x | sort\n",
    ),
    pack="pedantic",
    same_as=("SC2002",),
)
GLOB_OPTION = Rule(
    id="glob-as-option",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a pattern may match a file whose name is taken for an option",
    why="Whoever may put a file called `-rf` or `--checkpoint-action=…` there gives the command an option.",
    fix="Write `./*` or `-- *`.",
    bad=("FROM debian:12.7\nRUN rm *\n", "FROM debian:12.7\nRUN tar cf a.tar *.txt\n"),
    good=("FROM debian:12.7\nRUN rm ./* && rm -- * && rm /x/* '*' && find . -name *.c\n",),
    pack="pedantic",
    same_as=("SC2035",),
)
ECHO_ESCAPE = Rule(
    id="echo-escape",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="whether `echo` makes a line end of `\\n` depends on the shell",
    why="dash does and bash does not: the file has other lines once the shell is another one.",
    fix="Use `printf`.",
    bad=('FROM debian:12.7\nRUN echo "a\\nb" > /x\n',),
    good=("FROM debian:12.7\nRUN printf 'a\\nb' > /x && echo -e 'a\\nb' && echo a\n",),
    pack="pedantic",
    same_as=("SC2028",),
)
MASKED = Rule(
    id="masked-exit-code",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="`export` hides that the command whose output it takes failed",
    why="The build goes on with an empty value.",
    fix="Assign first, then export.",
    bad=("FROM debian:12.7\nRUN export V=$(cat version) && make\n",),
    good=(
        "FROM debian:12.7\nRUN V=$(cat version) && export V && make\n",
        "FROM debian:12.7\nRUN export V=1\n",
    ),
    pack="pedantic",
    same_as=("SC2155",),
)
REMOVE_ROOT = Rule(
    id="rm-of-empty-variable",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`rm -r` deletes everything where a variable is empty",
    why="`$DIR/*` is `/*` then.",
    fix="Write `${DIR:?}/*`.",
    bad=("FROM debian:12.7\nRUN rm -rf $DIR/*\n", 'FROM debian:12.7\nRUN rm -rf "${DIR}/"\n'),
    good=(
        'FROM debian:12.7\nRUN rm -rf "${DIR:?}/"* /x/$DIR/*\n',
        "FROM debian:12.7\nENV DIR=/x\nRUN rm -rf $DIR/*\n",
    ),
    pack="pedantic",
    same_as=("SC2115",),
)

_COMPARES = frozenset({"[", "[[", "test", "expr", "((", "let"})
_CAPITAL = re.compile(
    r"(?!if\b|then\b|fi\b|for\b|while\b|do\b|done\b|case\b|esac\b|else\b|elif\b)(?i:if|then|fi|for|while|do|done|case|esac|else|elif)"
)
_SH = frozenset({"sh", "dash", "ash", "busybox"})
_ANY_SH = _SH | {"bash", "zsh", "ksh", "mksh"}
_SPLIT_IS_FINE = frozenset(
    {"[[", "export", "local", "declare", "readonly", "typeset", "case", "let", "((", "eval"}
)
_NUMBERS = frozenset(["nproc", "getconf", "id"])


def _unquoted(raw: str) -> Iterator[str]:
    """Give what the shell replaces outside of quotes: the first signs of each `$name`, `${name…}`, `$(…)` and back-quoted command."""
    at, quoted = 0, False
    while at < len(raw):
        sign = raw[at]
        if sign == "\\":
            at += 1
        elif sign == "'" and not quoted:
            at = raw.find("'", at + 1)
            if at < 0:
                return
        elif sign == '"':
            quoted = not quoted
        elif sign in "$`" and (sign == "`" or raw[at + 1 : at + 2] in {"(", "{"}):
            end = _end(raw, at)
            if not quoted:
                yield raw[at:end]
            at = end - 1
        elif sign == "$" and not quoted:
            found = _NAME.match(raw, at + 1)
            if found:
                yield found[0]
        at += 1


_NAME = re.compile(r"[A-Za-z_]\w*")
_CLOSES = {"(": ")", "{": "}"}


def _end(raw: str, start: int) -> int:
    """Find the end of a substitution that begins at `start`; the end of the text where it has none."""
    if raw[start] == "`":
        found = raw.find("`", start + 1)
        return found + 1 if found > 0 else len(raw)
    opens = raw[start + 1]
    depth = 0
    for at in range(start + 1, len(raw)):
        if raw[at] == opens:
            depth += 1
        elif raw[at] == _CLOSES[opens]:
            depth -= 1
            if depth == 0:
                return at + 1
    return len(raw)


def _is_sh(dockerfile: Dockerfile, instruction: Instruction) -> bool:
    script = instruction.script
    return script is not None and script.shell in _ANY_SH and not is_windows(dockerfile, instruction)


def _scripts(dockerfile: Dockerfile) -> Iterator[tuple[Instruction, tuple[Command, ...]]]:
    """Give the scripts of shells of sh's kind."""
    for instruction in every(dockerfile, "RUN"):
        if _is_sh(dockerfile, instruction):
            yield instruction, commands_of(instruction)


def _find_syntax(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"):
        if (
            _is_sh(dockerfile, instruction)
            and instruction.script is not None
            and instruction.script.broken is not None
        ):
            message = f"the script of this {instruction.keyword} has a syntax error"
            yield Problem(SYNTAX, instruction.script.broken, message)


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
    for _, found in _scripts(dockerfile):
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
    for instruction, found in _scripts(dockerfile):
        piped = next((command for command in found if command.before in {"|", "|&"}), None)
        if piped is not None and not _sets(instruction, "", "pipefail"):
            message = f"a failure before the pipe to {piped.name or 'this command'} goes unnoticed"
            yield Problem(PIPEFAIL, piped.span, message)


def _find_link(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, command in commands(dockerfile, "ln"):
        for word in command.words[1:]:
            if word.text in {"/bin/sh", "/usr/bin/sh"}:
                yield named(SHELL_LINK, word, f"{word.text} is made a link to another shell")


def _find_substitution(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, found in _scripts(dockerfile):
        for command in found:
            for word in command.words if command.name not in _SPLIT_IS_FINE else ():
                text = next((text for text in _unquoted(word.raw) if _is_split(text)), None)
                if text is not None:
                    yield named(SUBSTITUTION, word, f"{text[:60]} is not quoted", resource=text[:200])


def _is_split(text: str) -> bool:
    """Tell whether this is a command whose output may be more than a number."""
    if not text.startswith(("$(", "`")) or text.startswith("$(("):
        return False
    inner = text.strip("$()` ").split(maxsplit=1)
    return bool(inner) and inner[0] not in _NUMBERS


def _find_variable(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, found in _scripts(dockerfile):
        for command in found:
            if command.name in _SPLIT_IS_FINE:
                continue
            for word in command.words:
                name = next(
                    (text for text in _unquoted(word.raw) if text[:2] == "${" or text[0] not in "$`"), None
                )
                if name is not None:
                    name = name.strip("${}")[:60]
                    yield named(VARIABLE, word, f"${name} is not quoted", resource=name)


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


def _bashism(command: Command) -> tuple[Word | None, str]:
    if command.name in _BASH_NAMES:
        return None, command.name
    for operator, target in command.redirects:
        if operator in {"&>", "&>>", "<<<", ">&"} and not target.text.isdigit() and target.text != "-":
            return target, operator
    for word in command.words:
        found = _BASH_WORD.search(word.raw) if not word.raw.startswith("'") else None
        if found:
            return word, word.raw[:60]
        if word.raw == "==" and command.name in {"[", "test"}:
            return word, "=="
    if command.name == "set" and any(
        one.text[:1] == "-" and "o" in one.text and two.text == "pipefail"
        for one, two in pairwise(command.words)
    ):
        return command.words[-1], "pipefail"
    return (None, "|&") if command.before == "|&" else (None, "")


def _find_bashism(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction, found in _scripts(dockerfile):
        if instruction.script is None or instruction.script.shell not in _SH:
            continue
        for command in found:
            word, what = _bashism(command)
            if what:
                span = command.span if word is None else word.span
                yield Problem(BASHISM, span, f"{what} is not known to every sh", resource=what)


def _find_cd(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction, found in _scripts(dockerfile):
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
    for _, found in _scripts(dockerfile):
        for before, command in pairwise(found):
            chain = before.before == "&&" and command.before == "||" and before.nested == command.nested
            if chain and command.name not in harmless and before.name not in harmless:
                message = f"{command.name or 'this command'} runs where {before.name or 'the one before'} fails as well"
                yield Problem(AND_OR, command.span, message)


def _find_cat(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, found in _scripts(dockerfile):
        for command, after in pairwise(found):
            one = command.name == "cat" and len(command.words) == 1 and after.before == "|"
            if one and not re.match(r"-|.*[*?$`<]", command.words[0].raw) and not command.redirects:
                yield named(USELESS_CAT, command.words[0], f"cat only passes {command.words[0].text} on")


_TAKES_FILES = frozenset(
    [
        "rm",
        "mv",
        "cp",
        "chmod",
        "chown",
        "chgrp",
        "ls",
        "tar",
        "cat",
        "gzip",
        "gunzip",
        "rsync",
        "sed",
        "grep",
        "head",
        "tail",
        "wc",
        "zip",
        "touch",
        "ln",
    ]
)


def _find_glob(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, found in _scripts(dockerfile):
        for command in found:
            if command.name not in _TAKES_FILES:
                continue
            for word in command.words:
                if word.text == "--":
                    break
                if word.raw[:1] in {"*", "?"}:
                    yield named(GLOB_OPTION, word, f"{word.raw} may match a name that begins with -")


def _find_echo(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, found in _scripts(dockerfile):
        for command in found:
            if command.name == "echo" and not (
                command.words and re.fullmatch("-[neE]*e[neE]*", command.words[0].text)
            ):
                word = next(
                    (
                        word
                        for word in command.words
                        if re.search(r"(?<!\\)\\[ntr]", word.raw) and word.raw[:1] in "\"'"
                    ),
                    None,
                )
                if word is not None:
                    yield Problem(
                        ECHO_ESCAPE, word.span, "whether echo makes a line end of this depends on the shell"
                    )


def _find_masked(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, command in commands(dockerfile, "export", "local", "declare", "readonly", "typeset"):
        for word in command.words:
            name, _, value = word.raw.partition("=")
            if "$(" in value or "`" in value:
                yield named(
                    MASKED, word, f"{command.name} {name} hides whether its command failed", resource=name
                )


_MAY_BE_ROOT = re.compile(r"[\"']?\$(?:\{(\w+)\}|(\w+))[\"']?/[\"']?\*?")


def _find_remove(dockerfile: Dockerfile) -> Iterator[Problem]:
    known: dict[int, set[str]] = {}
    for instruction in every(dockerfile, "ENV", "ARG", "RUN"):
        names = known.setdefault(instruction.stage, set())
        names.update(name.text for name, value in instruction.pairs if value is not None and value.text)
        for command in commands_of(instruction) if instruction.keyword == "RUN" else ():
            if command.name != "rm" or not taken_apart(instruction, command).has("--recursive", letter="r"):
                continue
            for word in command.words:
                found = _MAY_BE_ROOT.fullmatch(word.raw)
                if found and (found[1] or found[2]) not in names:
                    name = found[1] or found[2]
                    yield named(
                        REMOVE_ROOT, word, f"rm deletes everything where {name} is empty", resource=name
                    )


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(SYNTAX, _find_syntax),
    Check(SLIP, _find_slip),
    Check(PIPEFAIL, _find_pipefail),
    Check(SHELL_LINK, _find_link),
    Check(SUBSTITUTION, _find_substitution),
    Check(VARIABLE, _find_variable),
    Check(BASHISM, _find_bashism),
    Check(CD_UNCHECKED, _find_cd),
    Check(AND_OR, _find_and_or),
    Check(USELESS_CAT, _find_cat),
    Check(GLOB_OPTION, _find_glob),
    Check(ECHO_ESCAPE, _find_echo),
    Check(MASKED, _find_masked),
    Check(REMOVE_ROOT, _find_remove),
)
