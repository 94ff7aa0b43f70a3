"""Comments in a Dockerfile, or in another file, by which its owner says what is not to be reported: Hadolint's, Trivy's and our own.

`# hadolint ignore=DL3008,SC2046` and `# hullmark ignore=apt-unpinned` speak of the next instruction, `# hadolint global ignore=DL3008` of the whole
file; `#trivy:ignore:DS-0002` (with `:exp:2026-12-31` it ends then) of its own line and of what stands directly below it, before the first
instruction of the whole file. In files without instructions each speaks of its own line and of what stands directly below it. Formats: github.com/hadolint/hadolint, "Inline ignores"; trivy.dev, "Inline ignore in Misconfiguration".
"""

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from hullmark.detectors.config.dockerfile.model import Dockerfile

_HADOLINT = re.compile(
    r"#\s*(?P<tool>hadolint|hullmark)\s+(?P<whole>global\s+)?ignore\s*=\s*(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*)",
    re.IGNORECASE,
)
_TRIVY = re.compile(
    r"#\s*(?:trivy|tfsec):ignore:(?P<rule>[\w-]+|\*)(?:\[[^\]]*\])?(?::exp:(?P<until>\d{4}-\d\d-\d\d))?",
    re.IGNORECASE,
)
_MOST = 10_000


class Ignore(NamedTuple):
    """A comment: the rule that it names, the lines that it speaks of, the day on which it ends (empty: never), and what it says."""

    rule: str
    first: int
    last: int
    until: str
    comment: str


def ignores(dockerfile: Dockerfile) -> list[Ignore]:
    """Give what comments ignore; a rule's name is as written."""
    return list(_found(dockerfile))[:_MOST]


def line_ignores(text: str, signs: tuple[str, ...] = ("#",)) -> list[Ignore]:
    """Give what comments ignore in a file without instructions, such as YAML; one of `signs` begins a comment."""
    if "ignore" not in text.lower():
        return []
    lines = text.split("\n")
    below = [0] * len(lines)  # of each line the one that a comment there speaks of
    for at in range(len(lines) - 1, -1, -1):
        is_comment = lines[at].lstrip().startswith(signs)
        below[at] = below[at + 1] if is_comment and at + 1 < len(lines) else at + 1
    found = (
        Ignore(said.rule, 1 if said.whole else at + 1, len(lines) if said.whole else below[at], *said[1:3])
        for at, line in enumerate(lines)
        for said in _said(line.replace("//", "#") if "//" in signs else line)
    )
    return list(itertools.islice(found, _MOST))


class _Said(NamedTuple):
    """What a comment says of one rule; `whole`: of the whole file; `trivy`: in Trivy's words."""

    rule: str
    until: str
    comment: str
    whole: bool
    trivy: bool


def _said(line: str) -> Iterator[_Said]:
    if "#" not in line or "ignore" not in line.lower():
        return
    if (found := _HADOLINT.search(line)) is not None:
        for rule in found["rules"].split(","):
            yield _Said(rule.strip(), "", found[0].lstrip("# "), bool(found["whole"]), trivy=False)
    for found in _TRIVY.finditer(line):
        yield _Said(found["rule"], found["until"] or "", found[0].lstrip("# "), whole=False, trivy=True)


def _found(dockerfile: Dockerfile) -> Iterator[Ignore]:
    end = len(dockerfile.lines) + 1
    first_instruction = min((one.span.line for one in dockerfile.instructions), default=end)
    for number, line in enumerate(dockerfile.lines, start=1):
        for said in _said(line):
            if said.whole or (said.trivy and number < first_instruction):
                first, last = 1, end
            elif not said.trivy:
                first, last = _next(dockerfile, number, end)
            elif line.lstrip().startswith("#"):
                first, last = number, _next(dockerfile, number, end)[1]
            else:
                first, last = number, number
            yield Ignore(said.rule, first, last, said.until, said.comment)


def _next(dockerfile: Dockerfile, number: int, end: int) -> tuple[int, int]:
    """Give the lines of the instruction that a comment stands above, or in the midst of."""
    for one in dockerfile.instructions:
        if one.span.end_line > number:
            return (
                (one.span.line, one.span.end_line) if one.span.line > number else (number, one.span.end_line)
            )
    return end, end
