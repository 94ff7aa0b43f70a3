"""Several images in one call: one report over all."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from hullmark.model.errors import HullmarkError
from hullmark.model.report import Failure, Report, ReportSet, Summary


def together(reports: Sequence[Report], failures: Sequence[tuple[str, HullmarkError]]) -> ReportSet:
    """Join reports and failures."""
    told = tuple(Failure(_text(name), _text(problem.what), _text(problem.hint)) for name, problem in failures)
    return added(ReportSet(reports=(), failures=told, summary=Summary(packages=0)), reports)


def added(whole: ReportSet, reports: Sequence[Report]) -> ReportSet:
    """Give a set with these reports in place of its own; the summary adds up."""
    levels: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    secrets: Counter[str] = Counter()
    config: Counter[str] = Counter()
    for report in reports:
        levels.update(report.summary.by_severity)
        unread.update(report.summary.unread)
        secrets.update(report.summary.secrets)
        config.update(report.summary.config)
    summaries = [report.summary for report in reports]
    summary = Summary(
        packages=sum(summary.packages for summary in summaries),
        findings=sum(summary.findings for summary in summaries),
        by_severity=dict(levels),
        fixable=sum(summary.fixable for summary in summaries),
        from_base=sum(summary.from_base for summary in summaries),
        from_own_layers=sum(summary.from_own_layers for summary in summaries),
        unattributed=sum(summary.unattributed for summary in summaries),
        unread=dict(unread),
        unread_in_deleted=sum(summary.unread_in_deleted for summary in summaries),
        secrets=dict(secrets),
        config=dict(config),
    )
    return msgspec.structs.replace(whole, reports=tuple(reports), summary=summary)


def _text(words: str) -> str:
    """Escape what a path may hold and a document cannot: bytes that are no UTF-8."""
    return words.encode("utf-8", "backslashreplace").decode()
