"""References in files: found, judged, resolved by their registries, and rewritten to what they point to.

What is written is the digest of the index, where the tag has one, so that every architecture still fits. A file is written beside its place
and renamed into it; every byte but the digests stays.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from hullmark.advice.pinning import broken, understood
from hullmark.detectors.config.references import Ignore, ImageReference, Slot, TextFile, kind_of, may_want
from hullmark.detectors.config.references import read as read_references
from hullmark.images.reference import Reference
from hullmark.model.errors import HullmarkError, UsageError
from hullmark.model.facts import Unread
from hullmark.scan.project import decoded, read_text, wanted_files
from hullmark.scan.rewriting import rewrite

Resolve = Callable[[Reference], str | HullmarkError]
"""Gives the digest that a tag points to, or what kept it from being known."""
STDIN = "-"


class Seen(NamedTuple):
    """A file that names images, the references in it, and what its comments say is not to be reported."""

    file: TextFile
    references: tuple[ImageReference, ...]
    ignores: tuple[Ignore, ...] = ()


class Failure(NamedTuple):
    """A reference that could not be resolved or written, and why."""

    where: str
    what: str
    hint: str = ""


class Change(NamedTuple):
    """What is written in the place of what is between `start` and `end`; `before` and `after` are the whole reference."""

    start: int
    end: int
    text: str
    before: str
    after: str
    where: str


class Plan(Struct):
    """What will be changed in a file."""

    file: TextFile
    changes: list[Change]

    @property
    def text(self) -> str:
        """Give the file as it will be."""
        parts, at = [], 0
        for change in self.changes:
            parts += [self.file.text[at : change.start], change.text]
            at = change.end
        return "".join([*parts, self.file.text[at:]])


# ── finding ─────────────────────────────────────────────────────────────────────────────────────────────


def find(paths: Sequence[str], stdin: bytes = b"") -> tuple[list[Seen], list[Unread]]:
    """Give the files that name images and what could not be read; raises `UsageError` for a path that is not there."""
    for path in paths:
        if path != STDIN and ("\0" in path or not Path(path).exists()):
            raise UsageError("there is no such file or folder", where=path)
    seen: list[Seen] = []
    unread: list[Unread] = []
    named = set(paths)
    for found in wanted_files([path for path in paths if path != STDIN], may_want):
        if isinstance(found, Unread):
            unread.append(found)
        else:
            _take(found, read_text(found), seen, unread, is_named=found in named)
    if STDIN in named:
        _take(STDIN, decoded(STDIN, stdin), seen, unread, is_named=True)
    return seen, unread


def _take(path: str, text: str | Unread, seen: list[Seen], unread: list[Unread], *, is_named: bool) -> None:
    if isinstance(text, Unread):
        if is_named or not path.endswith(".json"):  # JSON that is no text is no manifest
            unread.append(text)
        return
    kind = kind_of(str(Path(path).absolute()) if path != STDIN else "/stdin.yaml", text)
    if kind is None:
        if is_named:
            unread.append(
                Unread(kind="file", path=path, reason="no kind of file that is known to name images")
            )
        return
    file = TextFile(path, text)
    found = list(read_references(file, kind))
    unread += [each for each in found if isinstance(each, Unread)]
    references = tuple(each for each in found if isinstance(each, ImageReference))
    seen.append(Seen(file, references, tuple(kind.ignores(text)) if references else ()))


def place(file: TextFile, reference: ImageReference) -> str:
    """Give file, line and column, as editors and compilers write them."""
    return f"{file.path}:{reference.span.line}:{reference.span.column}"


# ── pinning ─────────────────────────────────────────────────────────────────────────────────────────────


def plan(seen: Sequence[Seen], resolve: Resolve, *, update: bool) -> tuple[list[Plan], list[Failure]]:
    """Say what is to be written so that every reference has its digest; `update` moves those that have one to what their tag points to."""
    plans, failures = [], []
    for one in seen:
        changes: dict[tuple[int, int], Change] = {}
        shared = _shared_slots(one.references)
        for reference in one.references:
            if reference.slot in shared:
                what = f"{reference.text} cannot be pinned: other images have their tag from the same place"
                failures.append(Failure(place(one.file, reference), what, "write the digests there yourself"))
                continue
            found = _change(one.file, reference, resolve, update=update)
            if isinstance(found, Failure):
                failures.append(found)
            elif found is not None:
                changes.setdefault((found.start, found.end), found)
        if changes:
            plans.append(Plan(one.file, sorted(changes.values())))
    return plans, failures


def _shared_slots(references: Iterable[ImageReference]) -> set[Slot]:
    """Give the places that hold the tag of several images, as one `ARG` may: a digest fits one of them only."""
    names: dict[Slot, set[str]] = {}
    for each in references:
        named = understood(each.text) if each.slot is not None else None
        if named is not None and each.slot is not None:
            names.setdefault(each.slot, set()).add(f"{named.host}/{named.repository}")
    return {slot for slot, found in names.items() if len(found) > 1}


def to_resolve(seen: Sequence[Seen], *, update: bool) -> Iterator[Reference]:
    """Give the references whose digests are needed."""
    for one in seen:
        for each in one.references:
            named = understood(each.text) if each.slot is not None else None
            if named is not None and named.tag and (update or not named.digest):
                yield named


def _change(
    file: TextFile, reference: ImageReference, resolve: Resolve, *, update: bool
) -> Change | Failure | None:
    where, text = place(file, reference), reference.text
    if (failure := _hopeless(reference, where)) is not None:
        return failure
    named, slot = understood(text), reference.slot
    if named is None or (named.digest and not (update and named.tag)):
        return None
    if slot is None:
        return Failure(
            where, f"{text} cannot be pinned: {reference.fixed}", "write the digest there yourself"
        )
    digest = resolve(named)
    if isinstance(digest, HullmarkError):
        return Failure(where, f"{text} cannot be resolved: {digest.what}", digest.hint)
    if digest == named.digest:
        return None
    name = text.partition("@")[0]
    after = f"{name}{'' if ':' in name.rpartition('/')[2] else ':latest'}@{digest}"
    return Change(slot.start, slot.end, slot.before + digest, text, after, where)


def _hopeless(reference: ImageReference, where: str) -> Failure | None:
    if reference.unknown:
        return Failure(where, f"cannot be pinned: {reference.unknown}")
    problem = broken(reference.text)
    return Failure(where, problem[0], f"the right form is {problem[1]}") if problem is not None else None


def write(plan: Plan) -> None:
    """Write a file as planned, by rename. Raises `ImageError` where it has changed meanwhile or cannot be written."""
    rewrite(plan.file.path, plan.file.text.encode(), plan.text.encode())


def unified_diff(plan: Plan, context: int = 3) -> Iterator[str]:
    """Give the lines of a unified diff with their ends. No change adds or takes away a line, so nothing has to be compared."""
    old, new = plan.file.text.split("\n"), plan.text.split("\n")
    differing = [number for number, line in enumerate(old) if line != new[number]]
    last = len(old) - 1 if old[-1] == "" else len(old)
    yield f"--- a/{plan.file.path.lstrip('/')}\n"
    yield f"+++ b/{plan.file.path.lstrip('/')}\n"
    while differing:
        count = 1
        while count < len(differing) and differing[count] - differing[count - 1] <= 2 * context + 1:
            count += 1
        hunk, differing = differing[:count], differing[count:]
        begin, end = max(hunk[0] - context, 0), min(hunk[-1] + context + 1, last)
        yield f"@@ -{begin + 1},{end - begin} +{begin + 1},{end - begin} @@\n"
        yield from _hunk(old, new, begin, end)


def _hunk(old: list[str], new: list[str], begin: int, end: int) -> Iterator[str]:
    at = begin
    while at < end:
        if old[at] == new[at]:
            yield _line(" ", old, at)
            at += 1
            continue
        stop = at
        while stop < end and old[stop] != new[stop]:
            stop += 1
        yield from (_line("-", old, number) for number in range(at, stop))
        yield from (_line("+", new, number) for number in range(at, stop))
        at = stop


def _line(sign: str, lines: list[str], at: int) -> str:
    return f"{sign}{lines[at]}\n" + ("" if at < len(lines) - 1 else "\\ No newline at end of file\n")
