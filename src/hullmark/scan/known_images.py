"""What a scan learns of an image as a whole, kept for `lint` and `bases`: a `KnownImage` in the cache's folder `images`."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

from hullmark.images.reference import parse
from hullmark.model.advisory import Severity
from hullmark.model.errors import UsageError
from hullmark.model.known_image import MOST_IDS, KnownImage
from hullmark.model.report import Finding, Report, ReportImage
from hullmark.scan.cache import FactCache

_NAMED_BY_REFERENCE = frozenset({"registry"})
_MOST_NAMES = 20
_LONGEST = 300


def remember(cache: FactCache, report: Report) -> None:
    """Keep what is known of a report's image, where vulnerabilities were looked for and its manifest or configuration has a digest."""
    known = known_image(report)
    if known is not None:
        cache.remember_known(known)


def known_image(report: Report) -> KnownImage | None:
    """Give what is to be remembered of a report; None where it tells nothing of an image's vulnerabilities.

    What filters took out of the report's list counts, since it is in the image; what somebody's statements did does not.
    """
    image = report.image
    is_checked = "vuln" in report.coverage.scanners and (report.database.parts or not report.packages)
    if image is None or not image.digest or image.derived_from or not is_checked:
        return None
    found = list(_found(report))
    number = Counter(finding.severity for finding in found)
    end = next((finding for finding in found if finding.kind == "end_of_life"), None)
    created = image.config.get("created")
    distribution = image.distribution
    return KnownImage(
        name=(image.tags[0] if image.tags else image.name)[:_LONGEST],
        reference=image.name[:_LONGEST],
        source=image.source,
        names=tuple(_names(image)),
        digest=image.digest,
        platform=image.platform,
        as_of=report.as_of,
        findings={level: number[level] for level in Severity if number[level]},
        fixable=sum(bool(finding.fixed_version) and finding.kind != "end_of_life" for finding in found),
        ids=tuple(sorted({finding.id for finding in found})[:MOST_IDS]),
        eol=end is not None,
        eol_date=end.eol.date if end is not None and end.eol is not None else "",
        created=created[:_LONGEST] if isinstance(created, str) else "",
        size_bytes=sum(layer.content_bytes for layer in report.layers),
        distribution=f"{distribution.id} {distribution.version_id}".strip() if distribution else "",
        packages=len(report.packages),
        unchecked=report.coverage.not_checked,
        incomplete=bool(report.errors),
        layers=tuple(layer.digest for layer in report.layers),
    )


def _found(report: Report) -> Iterator[Finding]:
    yield from report.findings
    yield from (each.finding for each in report.suppressed if each.by < 0)


def _names(image: ReportImage) -> Iterator[str]:
    """Give the references by which a registry or daemon knows the image; a path is none."""
    told: Iterable[str] = (*image.tags, *((image.name,) if image.source in _NAMED_BY_REFERENCE else ()))
    for text in list(dict.fromkeys(told))[:_MOST_NAMES]:
        with contextlib.suppress(UsageError):
            yield str(parse(text))
