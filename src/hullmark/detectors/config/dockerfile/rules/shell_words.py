"""How words of a shell script are split and put together. The rules are ShellCheck's; https://www.shellcheck.net/wiki/."""

import re
from collections.abc import Iterator
from itertools import pairwise

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import (
    commands,
    commands_of,
    every,
    named,
    shell_scripts,
    taken_apart,
)
from hullmark.detectors.config.dockerfile.model import Dockerfile
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

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


def _find_substitution(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, found in shell_scripts(dockerfile):
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
    for _, found in shell_scripts(dockerfile):
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


def _find_cat(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, found in shell_scripts(dockerfile):
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
    for _, found in shell_scripts(dockerfile):
        for command in found:
            if command.name not in _TAKES_FILES:
                continue
            for word in command.words:
                if word.text == "--":
                    break
                if word.raw[:1] in {"*", "?"}:
                    yield named(GLOB_OPTION, word, f"{word.raw} may match a name that begins with -")


def _find_echo(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, found in shell_scripts(dockerfile):
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
    Check(SUBSTITUTION, _find_substitution),
    Check(VARIABLE, _find_variable),
    Check(USELESS_CAT, _find_cat),
    Check(GLOB_OPTION, _find_glob),
    Check(ECHO_ESCAPE, _find_echo),
    Check(MASKED, _find_masked),
    Check(REMOVE_ROOT, _find_remove),
)
