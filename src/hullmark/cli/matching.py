"""What every command does that matches packages with advisories: what it asks of a scan, and the reports of whatever was named."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

from hullmark.cli.feeding import Feeding, asked_feeds
from hullmark.cli.options import Option
from hullmark.cli.settings import database_folder
from hullmark.cli.terminal import warning
from hullmark.model.errors import UsageError

if TYPE_CHECKING:
    from hullmark.model.report import Report
    from hullmark.scan.request import Progress, ScanRequest

SCANNERS = ("vuln", "secret", "config")

SeveritySource = Annotated[
    str,
    Option(
        "Whose severity counts first, comma-separated: vendor, ghsa, ecosystem, cna, adp, nvd. "
        "That is the order without it, too; sources that are left out follow in it."
    ),
]
Offline = Annotated[bool, Option("Fetch no advisories.")]


class Matching(Feeding, Protocol):
    """A command that has these flags."""

    @property
    def offline(self) -> bool:
        """Whether nothing is fetched."""
        ...


class Matched:
    """What a command asks of every scan beside the image; `sources` are those of --severity-source. Raises `UsageError` for what makes no sense."""

    def __init__(self, asked: Matching, scanners: Sequence[str] = (), sources: str = "") -> None:
        from hullmark.cli.judging import words
        from hullmark.findings.severity import SOURCES

        self._sources = words(sources, SOURCES, "--severity-source")
        self._feeds = asked_feeds(asked)
        self._max_age_h = asked.db_max_age
        self._published = asked.db_from
        self._offline = asked.offline
        self._scanners = tuple(scanners) or SCANNERS
        if self._offline and self._feeds.revision:
            raise UsageError(
                "a fixed revision must be asked for", where="--offline", hint="leave --db-revision out"
            )

    def request(self, request: "ScanRequest", show: "Progress") -> "ScanRequest":
        """Give the request with the advisories in it."""
        from msgspec.structs import replace

        return replace(
            request,
            database=database_folder(),
            scanners=self._scanners,
            severity_sources=self._sources,
            max_age_h=self._max_age_h,
            offline=self._offline,
            feeds=None if self._offline else self._feeds,
            warn=lambda what, where, hint: warning(what, where=where, hint=hint),
            progress=show,
        )

    def warn_of_none(self) -> None:
        """Say that there are no advisories, where none may be fetched."""
        from hullmark.advisories.database import load_current

        if self._offline and "vuln" in self._scanners and not load_current(database_folder()).parts:
            warning(
                "there is no advisory database",
                where=str(database_folder()),
                hint="hullmark db update where there is a network, db build --from DIR elsewhere",
            )

    def warn_of_stale(self, reports: "Sequence[Report]") -> None:
        """Say which parts of the database were used though nobody has asked lately whether they are still right."""
        stale = sorted({part.part for report in reports for part in report.database.parts if part.stale})
        if stale:
            warning(
                f"used though older than {self._max_age_h:g} h (--db-max-age)",
                where=", ".join(stale),
                hint=f"hullmark db update{f' --from {self._published}' * bool(self._published)}",
            )


def reports_of(name: str, request: "ScanRequest", platform: str) -> "list[Report]":
    """Give the reports of a name: those that are stored in the file, else of the image on each platform, scanned as `request` says."""
    from msgspec.structs import replace

    from hullmark.model.report import Report
    from hullmark.scan.stored import is_report, read_report

    if is_report(Path(name)):
        stored = read_report(name)
        return [stored] if isinstance(stored, Report) else list(stored.reports)
    from hullmark.scan.platforms import platforms_of
    from hullmark.scan.run import run

    platforms = platforms_of(name, platform, request.source)
    return [
        run(replace(request, reference=name, source=replace(request.source, platform=each)))
        for each in platforms
    ]
