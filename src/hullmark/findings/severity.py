"""Whose word on a finding's severity counts. All sources are kept, whichever it is."""

from collections.abc import Iterable, Sequence

from hullmark.findings.merge import Hit
from hullmark.model.advisory import SEVERITY_RANK, Score, Severity

SOURCES = ("vendor", "ghsa", "ecosystem", "cna", "adp", "nvd")
"""The order in which sources count, unless `--severity-source` says otherwise.

`vendor` is the distribution that made the package, `ghsa` GitHub's database, `ecosystem` any other that has a record on the
package (PyPA's, RustSec …), `cna` who assigned the CVE, `adp` CISA's container in its record, `nvd` NVD.
"""

_FORMS = {"level": 1, "cvss4": 2, "cvss3": 3, "cvss2": 4}
"""In which order a source's scores count, after what it says of this package in this release."""


def severity(
    hits: Sequence[Hit], extra: Iterable[Score], *, system: bool, first: Sequence[str] = ()
) -> tuple[Severity, str, tuple[Score, ...]]:
    """Choose the severity that counts, say whose it is, and give all scores.

    The `first` of `SOURCES` come before the others. `system` tells an OS package, for which its distribution speaks. What a
    bundle says is of the worst flaw in it, so a record of the flaw's own comes before it. Of one source its word on this package in
    this release comes before that on the flaw, which is of the worst package, then what its vectors amount to, a newer CVSS
    before an older one. Of several of one rank the worst counts.
    """
    order = {name: rank for rank, name in enumerate(dict.fromkeys((*first, *SOURCES)))}
    candidates: list[tuple[int, str, int, Severity]] = []
    scores: dict[Score, None] = {}
    for hit in hits:
        shared = int(hit.statement.bundle)
        own = order["vendor" if system else _kind(hit.feed, "", system=False)]
        candidates.append((2 * own + shared, hit.feed, 0, hit.statement.level))
        for score in hit.advisory.scores:
            scores[score] = None
            rank = 2 * order[_kind(score.source, hit.feed, system=system)] + shared
            candidates.append((rank, score.source, _FORMS[score.kind], score.level))
    for score in extra:
        scores[score] = None
        rank = 2 * order[_kind(score.source, "", system=system)]
        candidates.append((rank, score.source, _FORMS[score.kind], score.level))
    words: dict[tuple[int, str], tuple[int, int, Severity]] = {}
    for rank, source, form, level in candidates:
        if level is not Severity.UNKNOWN:
            word = (form, SEVERITY_RANK[level], level)
            words[rank, source] = min(words.get((rank, source), word), word)
    shown = tuple(sorted(scores, key=lambda score: (score.source, score.kind, score.vector, score.level)))
    if not words:
        return Severity.UNKNOWN, "", shown
    _, _, source, level = min(
        (rank, worst, source, level) for (rank, source), (_, worst, level) in words.items()
    )
    return level, source, shown


def _kind(source: str, feed: str, *, system: bool) -> str:
    """Name which of `SOURCES` a score is of; `feed` is the one whose record it stands in."""
    if system and source == feed:
        return "vendor"
    if source in {"ghsa", "nvd"}:
        return source
    if source.startswith("cna"):
        return "cna"
    return "adp" if source == "cisa-adp" else "ecosystem"
