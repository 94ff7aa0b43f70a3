"""Every reference judged, as a report: what is named too loosely, what is broken, which tags have moved."""

import bisect
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from hullmark import __version__
from hullmark.advice.pinning import Judged, Level, judged, level_of, names_for, understood
from hullmark.detectors.config.check import Span
from hullmark.detectors.config.references import Ignore, ImageReference, TextFile
from hullmark.images.reference import Reference
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.errors import HullmarkError
from hullmark.model.facts import Unread
from hullmark.model.report import Coverage, Misconfiguration, Report, ReportDatabase, Silenced, Summary, Tool
from hullmark.model.rule import normal
from hullmark.scan.cache import FactCache
from hullmark.scan.pinning import Seen
from hullmark.scan.resolving import Resolver, tagged

_SHOWN = 300


class Checked(NamedTuple):
    """The report, each reference with its level (empty where it is broken or not known), and whether something is wrong from medium up.

    What comments in the files leave out is in the report's `silenced` alone.
    """

    report: Report
    levels: tuple[tuple[TextFile, ImageReference, str], ...]
    is_below: bool


def check(
    seen: Sequence[Seen],
    unread: Sequence[Unread],
    required: Level,
    resolver: Resolver | None,
    cache: FactCache,
    as_of: str,
) -> Checked:
    """Judge every reference; with a resolver also say which tags no longer point to what is pinned or was scanned."""
    drift = _Drift(resolver, cache, seen)
    found: list[Misconfiguration] = []
    silenced: list[Silenced] = []
    notes: list[Unread] = list(unread)
    levels: list[tuple[TextFile, ImageReference, str]] = []
    for one in seen:
        comments = _Comments(one.ignores, as_of[:10])
        for each in one.references:
            named = understood(each.text) if not each.unknown else None
            if each.unknown:
                levels.append((one.file, each, ""))
                notes.append(_note(one.file, each, f"an image is not known: {each.unknown}"))
                continue
            now, scanned, problem = drift.of(named)
            if problem is not None:
                notes.append(
                    _note(one.file, each, f"where {each.text} points to is not known: {problem.what}")
                )
            is_id = drift.is_image_id(named, now)
            levels.append((one.file, each, "" if named is None or is_id else str(level_of(named))))
            said = judged(each.text, required, now, scanned, one.file.path, each.fixed, is_id=is_id)
            for judgement in said:
                made = _finding(one.file, each, judgement)
                comment = comments.on(names_for(judgement.rule, each.text), each.span)
                if comment:
                    silenced.append(Silenced(comment, made.rule, made.file, made.line, config=made))
                else:
                    found.append(made)
    is_below = any(SEVERITY_RANK[each.severity] <= SEVERITY_RANK[Severity.MEDIUM] for each in found)
    return Checked(_report(found, silenced, notes, as_of), tuple(levels), is_below)


def _note(file: TextFile, reference: ImageReference, reason: str) -> Unread:
    return Unread(kind="record", path=file.path, place=f"line {reference.span.line}", reason=reason)


def _finding(file: TextFile, reference: ImageReference, said: Judged) -> Misconfiguration:
    return Misconfiguration(
        rule=said.rule.id,
        severity=said.severity,
        message=said.message,
        advice=said.advice,
        file=file.path,
        **reference.span._asdict(),
        resource=reference.text[:_SHOWN],
        same_as=said.rule.same_as,
        controls=said.rule.controls,
    )


class _Comments:
    """Finds the comment that leaves something out, in a time that grows little with how many there are."""

    def __init__(self, found: Sequence[Ignore], day: str) -> None:
        self._starts: dict[str, list[int]] = {}
        self._furthest: dict[
            str, list[Ignore]
        ] = {}  # of all that begin there or before the one that ends last
        for each in sorted(found, key=lambda one: one.first):
            if each.until and each.until < day:
                continue
            name = normal(each.rule)
            before = self._furthest.setdefault(name, [])
            before.append(each if not before or each.last > before[-1].last else before[-1])
            self._starts.setdefault(name, []).append(each.first)

    def on(self, names: Collection[str], span: Span) -> str:
        """Give the comment that leaves out a rule with one of these names there; empty where there is none."""
        for name in (*sorted(names), "*"):
            at = bisect.bisect_right(self._starts.get(name, ()), span.end_line)
            if at and (each := self._furthest[name][at - 1]).last >= span.line:
                return each.comment
        return ""


class _Drift:
    def __init__(self, resolver: Resolver | None, cache: FactCache, seen: Sequence[Seen]) -> None:
        self._resolver = resolver
        self._cache = cache
        if resolver is not None:
            named = (understood(each.text) for one in seen for each in one.references if not each.unknown)
            references = [each for each in named if each is not None]
            resolver.ask(each for each in references if self._before(each))
            resolver.ask_ids(each for each in references if each.digest and not each.tag)

    def of(self, named: Reference | None) -> tuple[str, str, HullmarkError | None]:
        """Give what a tag points to now, what it did when it was scanned, and what kept the former from being known."""
        if named is None or self._resolver is None or not (before := self._before(named)):
            return "", "", None
        now = self._resolver.digest(named)
        if isinstance(now, HullmarkError):
            return "", "", now
        if now != before and self._resolver.holds(named, now, before):
            now = before  # it is the manifest of one platform in the same index
        return now, "" if named.digest else before, None

    def is_image_id(self, named: Reference | None, now: str) -> bool:
        """Tell whether an image's id stands in the place of a digest; `now` is what its tag points to."""
        if self._resolver is None or named is None or not named.digest or named.digest == now:
            return False
        return self._resolver.is_image_id(named)

    def _before(self, named: Reference) -> str:
        """Give what a tag pointed to: as its pin says, else as it was scanned."""
        if not named.tag:
            return ""
        return named.digest or self._cache.digest_seen(tagged(named))


def _report(
    found: Sequence[Misconfiguration], silenced: Sequence[Silenced], notes: Sequence[Unread], as_of: str
) -> Report:
    return Report(
        tool=Tool("hullmark", __version__, {}),
        as_of=as_of,
        database=ReportDatabase(()),
        image=None,
        incomplete=bool(notes),
        errors=tuple(notes),
        coverage=Coverage(scanners=("config",)),
        summary=Summary(
            packages=0,
            config=dict(sorted(Counter(str(each.severity) for each in found).items())),
            unread=dict(sorted(Counter(note.kind for note in notes).items())),
        ),
        config=tuple(found),
        silenced=tuple(silenced),
    )
