"""What a report says of an image's configuration: all of it but the values that may be secrets.

An environment's values are kept for a few well-known harmless names and masked for all others. In other texts
(instructions, commands, labels) what is assigned to a name of credentials is masked, and so are the user and password
of a URL. docs/adr/0011-values-that-may-be-secrets-are-masked.md says why.
"""

import itertools
import re
import string
from collections.abc import Iterator
from typing import Any

MASK = "***"
_DEEPEST = 32
_WORD = string.ascii_letters + string.digits + "_-"

_NAME = (
    # anywhere in a name: MYSQL_ROOT_PASSWORD, dbPassword, AWS_SECRET_ACCESS_KEY
    r"(?:passw(?:or)?d|passphrase|secret|credential|tokens?(?![a-z])|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|signing[_-]?key|encryption[_-]?key|authorization|connection[_-]?string"
    # as a word of its own: DB_PASS, ?auth=, GITHUB_PAT, MYSQL_PWD
    r"|(?<![a-z0-9])(?:pass|auth|key|pat|sas|sig|signature|jwt|bearer|creds?|cookie|session|otp|dsn)(?![a-z])"
    r"|(?<=_)pwd(?![a-z]))"
)
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*(?:"|\\?\Z)|'[^']*(?:'|\Z))"""
_QUOTED_WITHIN = r"""\\["'](?:[^"'\\]|\\(?!["']))*(?:\\["']|(?=["'])|\Z)"""
"""As it stands in a text that is quoted itself."""
_BARE = r"""(?:[^\s&;|"'<>\\,]|,(?=[^\s"'\\])|\\(?!["']))"""
_VALUE = (
    rf"(?:{_QUOTED}|{_QUOTED_WITHIN}|{_BARE})"
    # A quote goes on with the value where something of it follows; else it is the end of what is around it.
    rf"(?:(?=[\"']\w){_QUOTED}|(?=\\[\"']\w){_QUOTED_WITHIN}|{_BARE})*"
)
_CREDENTIALS = re.compile(_NAME, re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"([\w.-]{{0,64}}(?:\\?[\"']?\s{{0,4}}(?:=>|:=|[=:])\s{{0,4}}|(?P<space>\s{{1,4}})(?!-)))"
    rf"(?:(?:[Bb]earer|[Bb]asic|[Dd]igest|[Tt]oken)\s{{1,4}})?{_VALUE}",
    re.DOTALL,
)
_LONGEST_FLAG = 64
_URL = re.compile(r"(://)[^\s/?#\"'<>]+@")
_USER = re.compile(r"((?<!\S)(?:-u|--user|--proxy-user)[ =]\s{0,4})[\"']?(?!\d+:\d+\b)[^\s:\"']+:[^\s\"']+")

_ENVIRONMENT = re.compile(r"((?:.{0,60}?#\(nop\)\s{1,4})?(?:ENV|ARG)\s{1,4})(.*)", re.DOTALL)
_ARGUMENTS = re.compile(r"((?:RUN\s{1,4})?\|\d+\s{1,4})(.*)", re.DOTALL)
_SHELL = re.compile(r"\s/(?:[\w.-]+/){0,8}(?:ba|da|a|z|k)?sh\s-")
_ASSIGNMENT = re.compile(r"(?:(?<=\s)|\A)([A-Za-z_]\w*)=")

_HARMLESS = re.compile(
    r"PATH|LANG|LANGUAGE|LC_[A-Z]+|TZ|HOME|TERM|SHELL|USER|HOSTNAME|DEBIAN_FRONTEND|container|PORT|VERSION"
    r"|NODE_ENV|APP_ENV|RAILS_ENV|GOPATH|GOROOT|GOTOOLCHAIN|JAVA_HOME|CARGO_HOME|RUSTUP_HOME|PYTHONPATH"
    r"|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|[A-Z][A-Z0-9_]*_VERSION|TARGET(?:OS|ARCH|VARIANT|PLATFORM)|BUILDPLATFORM"
)
_PLAIN = re.compile(r"""["']?(?!.*://)[\w.+~:;/@,%(){}$\\ -]{0,2000}["']?""")
"""Such a value of a harmless name is shown: paths, words and numbers."""


def masked_config(value: Any, name: str = "", depth: int = 0) -> Any:
    """Give a configuration, annotations or a part of them, with values that may be secrets replaced by `***`."""
    if depth > _DEEPEST or (isinstance(value, str) and value and _CREDENTIALS.search(name)):
        return MASK
    if isinstance(value, dict):
        return {key: masked_config(part, key, depth + 1) for key, part in value.items()}
    if isinstance(value, list):
        return list(_words(value, depth, is_environment=name.lower() == "env"))
    return masked_instruction(value) if isinstance(value, str) else value


def _words(words: list[Any], depth: int, *, is_environment: bool) -> Iterator[Any]:
    """Mask the variables of an environment, or the words of a command: what follows `--password` is its value."""
    before = ""
    for word in words:
        if not isinstance(word, str):
            yield masked_config(word, "", depth + 1)
        elif is_environment:
            yield _variable(word)
        else:
            follows = _is_flag(before) and _CREDENTIALS.search(before) and word[:1] != "-"
            yield MASK if follows else masked_instruction(word)
        before = word if isinstance(word, str) else ""


def masked_instruction(text: str) -> str:
    """Give an instruction of an image's history (`created_by`), with values that may be secrets replaced by `***`.

    The forms are those of Docker's classic builder and of BuildKit: `ENV A=1 B=2`, `ARG A=1`, and `RUN |1 A=1 /bin/sh
    -c …`, where the arguments of the build stand before the command. None of them is quoted.
    """
    if found := _ENVIRONMENT.match(text):
        return found[1] + "".join(_assignments(found[2]))
    if found := _ARGUMENTS.match(text):
        command = _SHELL.search(found[2])
        end = command.start() if command else len(found[2])
        return found[1] + "".join(_assignments(found[2][:end])) + masked_text(found[2][end:])
    return masked_text(text)


def _assignments(text: str) -> Iterator[str]:
    """Mask `A=1 B=2`, where a value may have spaces in it: it ends before the next name. Also `A 1`, the old form."""
    starts = [found.start(1) for found in _ASSIGNMENT.finditer(text)]
    name, space, value = text[: starts[0] if starts else len(text)].partition(" ")
    yield name + space + (MASK + " " * bool(starts) if value.strip() else value)
    for start, end in itertools.pairwise([*starts, len(text)]):
        bare = text[start:end].rstrip()
        yield _variable(bare) + text[start + len(bare) : end]


def _variable(text: str) -> str:
    """Mask one `NAME=VALUE`."""
    name, equals, value = text.partition("=")
    if not value or (_HARMLESS.fullmatch(name) and not _CREDENTIALS.search(name) and _PLAIN.fullmatch(value)):
        return text
    return name + equals + MASK


def masked_text(text: str) -> str:
    """Give a text in which what is assigned to credentials' names, and the user of a URL, is replaced by `***`."""
    text = _URL.sub(rf"\1{MASK}@", text)
    text = _USER.sub(rf"\1{MASK}", text)
    found, at = [], 0
    for name in _CREDENTIALS.finditer(text):
        assigned = _ASSIGNED.match(text, name.end()) if name.start() >= at else None
        if assigned is None:
            continue
        flag = text[max(name.start() - _LONGEST_FLAG, 0) : name.start()]
        if assigned["space"] is None or _is_flag(flag[len(flag.rstrip(_WORD)) :]):
            found += [text[at : assigned.end(1)], MASK]
            at = assigned.end()
    return "".join([*found, text[at:]])


def _is_flag(text: str) -> bool:
    """Tell whether a text is an option of a command line, or its begin, whose value is the next word."""
    return text[:1] == "-" and len(text) < _LONGEST_FLAG and "=" not in text
