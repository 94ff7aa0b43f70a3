"""What is known of the images that a Dockerfile names, from scans that were made before: no image is pulled for it. Pure."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hullmark.detectors.config.check import Problem, Span
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction
from hullmark.images.reference import Reference, parse
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.errors import UsageError
from hullmark.model.known_image import KnownImage
from hullmark.model.rule import Rule
from hullmark.model.words import age, amount, counts

KNOWN_IMAGE = Rule(
    id="known-image",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="what an earlier scan found in an image that a Dockerfile names",
    why="All that is in it is in what is built on it; no gate counts this note.",
    fix="Take a tag with fewer findings, or scan it again where that was long ago.",
)
_HOURS_A_YEAR = 365.25 * 24


class _Named(NamedTuple):
    reference: Reference
    text: str
    span: Span


class Known:
    """Images that were scanned, by the names that they go by; of a tag that was moved the image that it named last."""

    def __init__(self, images: Iterable[KnownImage]) -> None:
        self._by_name: dict[str, KnownImage] = {}
        self._by_digest: dict[tuple[str, str], KnownImage] = {}
        for known in sorted(images, key=lambda each: (each.as_of, each.name, each.digest)):
            for name in known.names:
                self._by_name[name] = known
                reference = _parsed(name)
                if reference is not None:
                    place = f"{reference.host}/{reference.repository}"
                    for digest in {known.digest, reference.digest} - {""}:
                        self._by_digest[place, digest] = known

    def find(self, reference: Reference) -> KnownImage | None:
        """Give what is known of an image: by its digest where the reference has one, else by its tag."""
        if reference.digest:
            return self._by_digest.get((f"{reference.host}/{reference.repository}", reference.digest))
        return self._by_name.get(str(reference))

    def better(self, reference: Reference, now: KnownImage) -> tuple[str, KnownImage] | None:
        """Give the tag of the same repository, for the same platform, that has the fewest of the worst findings, where that is fewer than now."""
        place = f"{reference.host}/{reference.repository}:"
        found = [
            (_order(known), known.count, name.removeprefix(place), known)
            for name, known in self._by_name.items()
            if name.startswith(place)
            and "@" not in name
            and known.platform == now.platform
            and not (known.incomplete or known.unchecked > now.unchecked)
            and known.count < now.count
            and _order(known) < _order(now)
        ]
        if not found:
            return None
        _, _, tag, known = min(found, key=lambda each: each[:3])
        return tag, known


def rules() -> tuple[Rule, ...]:
    """Give the rules about it."""
    return (KNOWN_IMAGE,)


def problems(dockerfile: Dockerfile, known: Known, as_of: str) -> list[Problem]:
    """Give a note for each image of a Dockerfile that was scanned before. `as_of` is now."""
    found = []
    for named in _images(dockerfile):
        now = known.find(named.reference)
        if now is None:
            continue
        better = known.better(named.reference, now)
        said, advice = _said(now, as_of), ""
        if better is not None:
            repository = named.text.partition("@")[0]
            head, slash, tail = repository.rpartition("/")
            other = f"{head}{slash}{tail.partition(':')[0]}:{better[0]}"
            said += f"; {other} has {better[1].count:,}"
            advice = f"Take {other}: {_numbers(better[1])}"
        found.append(
            Problem(
                KNOWN_IMAGE,
                named.span,
                f"{named.text} was scanned {said}",
                advice or "No scanned tag of it has fewer",
                named.text,
            )
        )
    return found


def _images(dockerfile: Dockerfile) -> Iterator[_Named]:
    """Give the images of `FROM` and `COPY --from`; stages and what depends on a build argument are none."""
    names: set[str] = set()
    for stage in dockerfile.stages:
        if stage.base is None and stage.resolved and stage.resolved != "scratch":
            yield from _named(stage.resolved, stage.image.span)
        names |= {stage.name.lower(), str(stage.index)}
        for instruction in stage.instructions:
            source = _source(instruction)
            if source is not None and source[0].lower() not in names:
                yield from _named(*source)


def _source(instruction: Instruction) -> tuple[str, Span] | None:
    for flag in instruction.flags:
        if instruction.keyword == "COPY" and flag.name == "from" and flag.value and "$" not in flag.value:
            return flag.value, flag.span
    return None


def _named(text: str, span: Span) -> Iterator[_Named]:
    reference = _parsed(text)
    if reference is not None:
        yield _Named(reference, text, span)


def _parsed(text: str) -> Reference | None:
    try:
        return parse(text)
    except UsageError:
        return None


def _said(known: KnownImage, as_of: str) -> str:
    """Say it: `3 days ago: 41 findings (2 critical, 39 low), 38 fixable, past its end of life since 2024-06-10, built 2 years ago`."""
    parts = [f"{_ago(known.as_of, as_of)}: {_numbers(known)}"]
    if known.eol:
        parts.append("past its end of life" + (f" since {known.eol_date}" if known.eol_date else ""))
    if built := _ago(known.created, as_of):
        parts.append(f"built {built}")
    return ", ".join(parts)


def _numbers(known: KnownImage) -> str:
    if not known.count:
        said = "no findings"
    else:
        said = f"{amount(known.count, 'finding')} ({counts(known.findings)})"
        said += f", {known.fixable:,} fixable" if known.fixable else ""
    said += f", {amount(known.unchecked, 'package')} not checked" if known.unchecked else ""
    return said + (", not read whole" if known.incomplete else "")


def _ago(then: str, now: str) -> str:
    """Say how long ago a time was, nothing for one that is none or means nothing (builders that leave it out write 1970 or earlier)."""
    hours = _hours(then, now)
    if hours is None:
        return ""
    if hours >= 2 * _HOURS_A_YEAR:
        return f"{int(hours / _HOURS_A_YEAR)} years ago"
    return f"{age(hours)} ago"


def _hours(then: str, now: str) -> float | None:
    try:
        before, after = (dt.datetime.fromisoformat(each) for each in (then, now))
    except ValueError:
        return None
    before, after = (each if each.tzinfo else each.replace(tzinfo=dt.UTC) for each in (before, after))
    return (after - before).total_seconds() / 3600 if before.year > 1980 else None


def _order(known: KnownImage) -> list[int]:
    """Give a key that is lower where there are fewer of the worst."""
    return [known.findings.get(level, 0) for level in sorted(Severity, key=SEVERITY_RANK.__getitem__)]
