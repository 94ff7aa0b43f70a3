"""What becomes of the arguments and signals that a container is given.

`ENTRYPOINT` in shell form is stored as the shell, `-c` and the script, so what `docker run` or `args` adds becomes `$0`, `$1` … of that script.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.image._commands import commands
from hullmark.detectors.config.image._gathering import configured
from hullmark.detectors.config.image._words import words
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_SHELLS = words("sh bash ash dash zsh ksh")
_USES_ARGUMENTS = re.compile(r"\$(?:[@*0-9]|\{[@*0-9#])")

SWALLOWED = Rule(
    id="image-entrypoint-swallows-arguments",
    kind="image",
    severity=Severity.LOW,
    summary="the ENTRYPOINT swallows its arguments",
    why="What docker run, compose or Kubernetes adds after the image is thrown away without a word, an option that turns a protection on as well.",
    fix='Write ENTRYPOINT as a list of words, ["/main"], or let the script end in exec /main "$@" and put "--" behind it.',
    bad=(
        '{"config": {"Entrypoint": ["/bin/sh", "-c", "/main --port 80"]}}',
        '{"config": {"Entrypoint": ["bash", "-ec", "exec /main"], "Cmd": ["--verbose"]}}',
    ),
    good=(
        '{"config": {"Entrypoint": ["/main"]}}',
        '{"config": {"Entrypoint": ["sh", "-c", "exec /main \\"$@\\"", "--"]}}',
        '{"config": {"Cmd": ["/bin/sh", "-c", "/main --port 80"]}}',
    ),
    controls=("NIST-800-190 4.1.2", "NIST-800-53 CM-6", "PCI-DSS 2.2.6"),
    same_as=("DL3025",),
)
SHELL_FIRST = Rule(
    id="image-shell-as-first-process",
    kind="image",
    severity=Severity.LOW,
    summary="a shell is the first process and does not pass signals on",
    why="The application never hears that it is to stop, and is killed in the midst of its work.",
    fix="Write ENTRYPOINT and CMD as lists of words, or put exec before the last command of the script.",
    bad=('{"config": {"Cmd": ["/bin/sh", "-c", "prepare && /main"]}}',),
    good=(
        '{"config": {"Cmd": ["/bin/sh", "-c", "prepare && exec /main"]}}',
        '{"config": {"Cmd": ["/main"]}}',
        '{"config": {"Entrypoint": ["tini", "--"], "Cmd": ["/bin/sh", "-c", "prepare && /main"]}}',
    ),
    pack="pedantic",
    controls=("NIST-800-190 4.1.2", "NIST-800-53 CM-6"),
    same_as=("DL3025",),
)


class _Script(NamedTuple):
    text: str
    after: tuple[str, ...]


def _script(words: Sequence[str]) -> _Script | None:
    """Give the script that a shell is called with, and the words behind it; None where no shell is."""
    if not words or words[0].rpartition("/")[2] not in _SHELLS:
        return None
    for at, word in enumerate(words[1:], 1):
        if word[:1] != "-" and words[at - 1] not in {"-o", "+o"}:
            return None
        if word[:1] == "-" and word[1:2] != "-" and "c" in word:
            return _Script(words[at + 1], tuple(words[at + 2 :])) if at + 1 < len(words) else None
    return None


def _swallowed(view: ImageView) -> Iterator[Problem]:
    script = _script(view.settings.entrypoint)
    if script is None or _USES_ARGUMENTS.search(script.text):
        return
    lost = (
        "CMD and what is added to docker run are"
        if view.settings.command
        else "what is added to docker run is"
    )
    yield configured(
        SWALLOWED,
        "config.Entrypoint",
        f"the ENTRYPOINT is a shell with a script that does not use its arguments: {lost} thrown away",
        from_base=view.origin("ENTRYPOINT", script.text[:200]),
    )


def _shell_first(view: ImageView) -> Iterator[Problem]:
    settings = view.settings
    script = _script(settings.entrypoint or settings.command)
    if script is None:
        return
    found = list(commands(script.text))
    # one command alone is run in the shell's own place, by dash and bash alike
    if len(found) > 1 and "exec" not in found[-1].prefixes:
        field = "config.Entrypoint" if settings.entrypoint else "config.Cmd"
        message = f"a shell is the first process, and {found[-1].name[:100]} below it hears no signal"
        yield configured(SHELL_FIRST, field, message)


CHECKS: tuple[Check[ImageView], ...] = (Check(SWALLOWED, _swallowed), Check(SHELL_FIRST, _shell_first))
