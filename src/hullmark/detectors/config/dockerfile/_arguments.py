"""What each instruction must have: which flags, how many words. As BuildKit's `frontend/dockerfile/instructions/parse.go`."""

import re

from hullmark.detectors.config.check import Span
from hullmark.detectors.config.dockerfile._heredocs import opening
from hullmark.detectors.config.dockerfile._syntax import Mistakes
from hullmark.detectors.config.dockerfile.model import Flag, Instruction

_COPY_FLAGS = {"chown": 1, "chmod": 1, "link": 0, "exclude": 2, "parents": 0, "checksum": 1}
# 0: true or false, 1: one value, 2: any number of them. Those of Buildah and of BuildKit's labs channel are among them.
_FLAGS: dict[str, dict[str, int]] = {
    "FROM": {"platform": 1},
    "RUN": {"mount": 2, "network": 1, "security": 1, "device": 2},
    "COPY": {**_COPY_FLAGS, "from": 1, "retry": 1, "retry-delay": 1},
    "ADD": {**_COPY_FLAGS, "keep-git-dir": 0, "unpack": 0, "retry": 1, "retry-delay": 1},
    "HEALTHCHECK": {"interval": 1, "timeout": 1, "start-period": 1, "start-interval": 1, "retries": 1},
}
_LEAST_WORDS = {"ADD": 2, "COPY": 2, "CMD": 0, "ENTRYPOINT": 0, "RUN": 0}
_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*\Z")
KEYWORDS = (
    *(
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
    ),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)


def check(instruction: Instruction, mistakes: Mistakes, *, is_trigger: bool) -> None:
    """Note what a builder would refuse."""
    keyword = instruction.keyword
    if keyword not in KEYWORDS:
        _unknown(instruction, mistakes)
        return
    _flags(instruction, mistakes)
    if is_trigger and keyword in {"ONBUILD", "FROM", "MAINTAINER"}:
        mistakes.add(instruction.span, f"{keyword} cannot stand behind ONBUILD")
        return
    count = 1 if instruction.trigger else len(instruction.words)
    least = _LEAST_WORDS.get(keyword, 1)
    if count < least:
        what = "no argument" if not count else "only one argument"
        mistakes.add(instruction.span, f"{keyword} has {what}")
    elif keyword == "FROM":
        _from(instruction, mistakes)
    elif keyword in {"ENV", "LABEL", "ARG"}:
        _pairs(instruction, mistakes)
    elif keyword in {"COPY", "ADD"}:
        last = instruction.words[-1]
        if not instruction.is_json and opening(last.raw, 0, len(last.raw)):
            mistakes.add(last.span, f"{keyword} has a here-document where its destination belongs")
    elif keyword == "HEALTHCHECK":
        _healthcheck(instruction, mistakes)
    elif keyword == "SHELL" and not instruction.is_json:
        mistakes.add(instruction.span, "SHELL is not a JSON array", 'Write it as SHELL ["/bin/bash", "-c"].')
    elif keyword == "VOLUME" and any(not word.text.strip() for word in instruction.words):
        mistakes.add(instruction.span, "VOLUME has an empty path")


def _unknown(instruction: Instruction, mistakes: Mistakes) -> None:
    from difflib import get_close_matches

    raw = instruction.keyword_raw
    shown = raw if len(raw) <= 40 else f"{raw[:40]}…"
    span = instruction.span
    if span.line == span.end_line:
        span = Span(span.line, span.column, span.line, span.column + len(raw))
    close = get_close_matches(instruction.keyword[:40], KEYWORDS, 1)
    mistakes.add(span, f"there is no instruction “{shown}”", f"Write {close[0]}." if close else "")


def _flags(instruction: Instruction, mistakes: Mistakes) -> None:
    if instruction.keyword in {"ARG", "STOPSIGNAL"}:  # BuildKit does not look at theirs
        return
    known = _FLAGS.get(instruction.keyword, {})
    seen: set[str] = set()
    for flag in instruction.flags:
        kind = known.get(flag.name)
        if kind is None:
            message = f"{instruction.keyword} has no flag “--{flag.name[:60]}”"
        elif kind != 2 and flag.name in seen:
            message = f"{instruction.keyword} has “--{flag.name}” twice"
        else:
            message = _value(flag, kind)
        if message:
            mistakes.add(flag.span, message)
        seen.add(flag.name)


def _value(flag: Flag, kind: int) -> str:
    if kind and flag.value is None:
        return f"the flag “--{flag.name}” has no value"
    if not kind and flag.value is not None and flag.value.lower() not in {"true", "false"}:
        return f"the flag “--{flag.name}” is neither true nor false"
    return ""


def _from(instruction: Instruction, mistakes: Mistakes) -> None:
    words = instruction.words
    if len(words) == 3 and words[1].text.upper() == "AS":
        if not _STAGE_NAME.match(words[2].text.lower()):
            mistakes.add(
                words[2].span,
                f"“{words[2].text[:60]}” cannot be the name of a stage",
                "Begin it with a letter; letters, digits, “-”, “_” and “.” may follow.",
            )
    elif len(words) != 1:
        mistakes.add(
            instruction.span,
            "FROM has neither one nor three arguments",
            "Write it as FROM image or FROM image AS name.",
        )


def _pairs(instruction: Instruction, mistakes: Mistakes) -> None:
    keyword = instruction.keyword
    if keyword != "ARG" and len(instruction.pairs) == 1 and instruction.pairs[0][1] is None:
        name = instruction.pairs[0][0]
        mistakes.add(
            name.span, f"{keyword} has no value for “{name.text[:60]}”", f"Write it as {keyword} name=value."
        )
        return
    for name, value in instruction.pairs:
        if value is None and keyword != "ARG":
            mistakes.add(
                name.span, f"{keyword} has no “=” in “{name.text[:60]}”", "Put a value with blanks in quotes."
            )
        elif not name.raw:
            mistakes.add(instruction.span, f"{keyword} has a value without a name")


def _healthcheck(instruction: Instruction, mistakes: Mistakes) -> None:
    kind, *rest = instruction.words
    if kind.text.upper() not in {"CMD", "NONE"}:
        mistakes.add(kind.span, f"HEALTHCHECK has “{kind.text[:60]}” where CMD or NONE belongs")
    elif kind.text.upper() == "NONE" and rest:
        mistakes.add(instruction.span, "HEALTHCHECK NONE has arguments")
    elif kind.text.upper() == "CMD" and not rest:
        mistakes.add(instruction.span, "HEALTHCHECK CMD has no command")
