"""Comments in a Dockerfile by which its owner says what is not to be reported: Hadolint's, Trivy's and our own.

`# hadolint ignore=DL3008,SC2046` and `# hullmark ignore=apt-unpinned` speak of the next instruction, `# hadolint global ignore=DL3008` of the whole
file; `#trivy:ignore:DS-0002` (with `:exp:2026-12-31` it ends then) of its own line and of what stands directly below it, before the first
instruction of the whole file. Formats: github.com/hadolint/hadolint, "Inline ignores"; trivy.dev, "Inline ignore in Misconfiguration".
"""

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


def _found(dockerfile: Dockerfile) -> Iterator[Ignore]:
    end = len(dockerfile.lines) + 1
    first_instruction = min((one.span.line for one in dockerfile.instructions), default=end)
    for number, line in enumerate(dockerfile.lines, start=1):
        if "#" not in line or "ignore" not in line.lower():
            continue
        if (found := _HADOLINT.search(line)) is not None:
            first, last = (1, end) if found["whole"] else _next(dockerfile, number, end)
            for rule in found["rules"].split(","):
                yield Ignore(rule.strip(), first, last, "", found[0].lstrip("# "))
        for found in _TRIVY.finditer(line):
            if number < first_instruction:
                first, last = 1, end
            else:
                first, last = (
                    number,
                    _next(dockerfile, number, end)[1] if line.lstrip().startswith("#") else number,
                )
            yield Ignore(found["rule"], first, last, found["until"] or "", found[0].lstrip("# "))


def _next(dockerfile: Dockerfile, number: int, end: int) -> tuple[int, int]:
    """Give the lines of the instruction that a comment stands above, or in the midst of."""
    for one in dockerfile.instructions:
        if one.span.end_line > number:
            return (
                (one.span.line, one.span.end_line) if one.span.line > number else (number, one.span.end_line)
            )
    return end, end
