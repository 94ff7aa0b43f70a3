"""Smaller bases: which findings and bytes would go with another base image, a table 'now → then'.

What another base would bring is known, not guessed: it is an image that was scanned, as it was found then. Whether the application would still run
on it is what `hullmark.advice.linking` tells.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from hullmark.advice.linking import Fit
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.known_image import KnownImage
from hullmark.model.report import Finding, Report
from hullmark.model.words import amount, counts

SCHEMA_VERSION = "1.0"
_SCANNER = "vuln"
_RUNS = {True: 0, None: 1, False: 2}


class Load(Struct, frozen=True, kw_only=True):
    """What comes with a base image: how many findings of which severity, and how many bytes of files, uncompressed.

    `unchecked` packages were compared with no advisories, `incomplete` says that something of it could not be read: such a base has more than is
    known. `as_of` is when it was looked at.
    """

    name: str
    findings: dict[str, int]
    size_bytes: int
    packages: int = 0
    unchecked: int = 0
    incomplete: bool = False
    as_of: str = ""

    @property
    def count(self) -> int:
        """The number of findings."""
        return sum(self.findings.values())

    def said(self) -> str:
        """Say it in one line: `24 findings (2 medium, 22 low), 77.98 MB`. The name is not in it."""
        found = f"{amount(self.count, 'finding')} ({counts(self.findings)})" if self.count else "no findings"
        unknown = f", {amount(self.unchecked, 'package')} not checked" if self.unchecked else ""
        return f"{found}{unknown}, {self.size_bytes / 1_000_000:,.2f} MB"


class Swap(Struct, frozen=True, kw_only=True):
    """Another base, the image with the `digest`: `now` and `then`, the ids of flaws that would go and of those that would come, and whether the application fits on it."""

    now: Load
    then: Load
    digest: str = ""
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    fit: Fit = Fit()

    @property
    def saved_bytes(self) -> int:
        """How much smaller the image would be; negative for bigger."""
        return self.now.size_bytes - self.then.size_bytes


class Bases(Struct, frozen=True, kw_only=True):
    """The bases that are better than today's (`now`), the best first, of `known` images that were scanned.

    For the best ones it is looked whether what the image's own layers hold would find there what it links against; of the others `fit.runs` is None.
    """

    schema_version: str = SCHEMA_VERSION
    name: str
    digest: str
    as_of: str
    base: str
    evidence: str
    now: Load | None
    known: int
    swaps: tuple[Swap, ...]
    incomplete: bool = False


def swaps(report: Report, known: Iterable[KnownImage], fits: Mapping[str, Fit] | None = None) -> list[Swap]:
    """Give the bases that are better than today's, the best first: those on which the application runs, with the fewest of the worst findings.

    `known` are images that were scanned and may be bases; of several with one name the one that was looked at last counts. `fits` tells of each, by
    its digest, what `hullmark.advice.linking.fit` found. Better is one whose findings are not worse from the worst severity down, and that has
    fewer of them or fewer bytes. Where the base of the image is not known, there is nothing to compare.
    """
    image = report.image
    if image is None or not image.base.layers or _SCANNER not in report.coverage.scanners:
        return []
    now, found = _today(report)
    own = {image.digest, image.base.digest} - {""}
    names = {image.name, image.base.name}
    chain = tuple(layer.digest for layer in report.layers[: image.base.layers])
    better: dict[str, Swap] = {}
    for other in sorted(known, key=lambda each: (each.as_of, each.digest)):
        if other.platform != image.platform or other.digest in own or other.name in names:
            continue
        then = _load(other)
        better.pop(then.name, None)
        is_new = not (chain and all(chain) and other.layers[: len(chain)] == chain)
        if (
            is_new
            and _order(then) <= _order(now)
            and (then.count < now.count or then.size_bytes < now.size_bytes)
        ):
            brought = set(other.ids)
            better[then.name] = Swap(
                now=now,
                then=then,
                digest=other.digest,
                gone=tuple(sorted(found - brought)),
                new=tuple(sorted(brought - found)),
                fit=(fits or {}).get(other.digest, Fit()),
            )
    return sorted(better.values(), key=_rank)


def _all(report: Report) -> list[Finding]:
    """Give the findings, with those that are only not shown."""
    return [*report.findings, *(each.finding for each in report.suppressed if each.gated)]


def _today(report: Report) -> tuple[Load, set[str]]:
    """Give what comes with today's base, of which the image's own report tells."""
    image = report.image
    assert image is not None
    found = [finding for finding in _all(report) if finding.from_base]
    components = [component for component in report.packages if component.from_base]
    load = Load(
        name=image.base.name,
        findings=_by_severity(found),
        size_bytes=sum(layer.content_bytes for layer in report.layers[: image.base.layers]),
        packages=len(components),
        incomplete=bool(report.errors),
        as_of=report.as_of,
    )
    return load, {finding.id for finding in found}


def _load(known: KnownImage) -> Load:
    return Load(
        name=known.name,
        findings=known.findings,
        size_bytes=known.size_bytes,
        packages=known.packages,
        unchecked=known.unchecked,
        incomplete=known.incomplete,
        as_of=known.as_of,
    )


def _by_severity(found: Iterable[Finding]) -> dict[str, int]:
    number = Counter(finding.severity for finding in found)
    return {level: number[level] for level in Severity if number[level]}


def _order(load: Load) -> list[int]:
    """Give a key that is lower where there are fewer of the worst; an unknown severity counts last."""
    return [load.findings.get(level, 0) for level in sorted(Severity, key=SEVERITY_RANK.__getitem__)]


def _rank(swap: Swap) -> tuple[int, bool, list[int], int, str]:
    then = swap.then
    return (
        _RUNS[swap.fit.runs],
        bool(then.unchecked or then.incomplete),
        _order(then),
        then.size_bytes,
        then.name,
    )
