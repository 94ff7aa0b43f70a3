"""Mends a Dockerfile: the changes that problems propose, put into its text."""

from collections.abc import Iterable

from hullmark.detectors.config.check import Edit, Problem, Span


def fixed(text: str, problems: Iterable[Problem]) -> tuple[str, int]:
    """Give the text with the edits of problems made, and of how many problems that was.

    The edits of one problem are made together or not at all; those that touch what another one changes are left for the next time.
    """
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    taken: list[tuple[int, int, str]] = []
    count = 0
    for problem in problems:
        edits = [_at(edit, starts, len(text)) for edit in problem.edits]
        if not edits or None in edits:
            continue
        whole = [edit for edit in edits if edit is not None]
        if any(_meets(edit, other) for edit in whole for other in taken):
            continue
        taken += whole
        count += 1
    for start, end, new in sorted(taken, reverse=True):
        text = text[:start] + new + text[end:]
    return text, count


def _at(edit: Edit, starts: list[int], size: int) -> tuple[int, int, str] | None:
    start, end = _offset(edit.span, starts)
    return (start, end, edit.text) if 0 <= start <= end <= size else None


def _offset(span: Span, starts: list[int]) -> tuple[int, int]:
    if not (0 < span.line <= len(starts) and 0 < span.end_line <= len(starts)):
        return -1, -1
    return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1


def _meets(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    """Tell whether two changes touch; two insertions at one place do as well."""
    return one[0] <= other[1] and other[0] <= one[1]
