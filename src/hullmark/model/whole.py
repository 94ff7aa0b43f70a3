"""A report with every name written, whether there is something to say or not.

Facts and advisories leave out what is not said where they are stored by the million. Whether a value counts as left out
depends there on how it was made: one that was read says what one that was not leaves out.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import astuple, replace

from hullmark.model.advisory import EndOfLife, KnownExploited, Reference, Score, Ssvc
from hullmark.model.facts import Distribution, Unread
from hullmark.model.image import Platform
from hullmark.model.report import Finding, Report, ReportSet

WHOLE: dict[type[msgspec.Struct], type[msgspec.Struct]] = {
    kind: msgspec.defstruct(kind.__name__, (), bases=(kind,), frozen=True, omit_defaults=False)
    for kind in (Unread, Distribution, Platform, Score, Reference, KnownExploited, Ssvc, EndOfLife)
}
"""Types that are stored without what they do not say, and the same with every name."""


def whole(report: Report | ReportSet) -> Report | ReportSet:
    """Give a report that is encoded with every name."""
    if isinstance(report, ReportSet):
        return replace(report, reports=tuple(_report(each) for each in report.reports))
    return _report(report)


def _report(report: Report) -> Report:
    image = report.image
    if image is not None:
        image = replace(image, platform=_whole(image.platform), distribution=_whole(image.distribution))
    return replace(
        report,
        image=image,
        errors=_all(report.errors),
        findings=tuple(whole_finding(finding) for finding in report.findings),
        suppressed=tuple(replace(each, finding=whole_finding(each.finding)) for each in report.suppressed),
    )


def whole_finding(finding: Finding) -> Finding:
    """Give a finding with every name in all that it holds."""
    return replace(
        finding,
        scores=_all(finding.scores),
        references=_all(finding.references),
        kev=_whole(finding.kev),
        ssvc=_whole(finding.ssvc),
        eol=_whole(finding.eol),
    )


def _whole(value: msgspec.Struct | None) -> Any:
    return WHOLE[type(value)](*astuple(value)) if value is not None else None


def _all(values: Iterable[msgspec.Struct]) -> tuple[Any, ...]:
    return tuple(map(_whole, values))
