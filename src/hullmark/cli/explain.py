"""`hullmark explain`: why a flaw is reported for an image, or why it is not."""

import re
from typing import TYPE_CHECKING, Annotated

import msgspec

from hullmark.cli.feeding import (
    FETCH_TIMEOUT_S,
    MAX_AGE_H,
    FetchTimeout,
    From,
    Key,
    MaxAge,
    Mirror,
    NvdKey,
    Revision,
)
from hullmark.cli.judging import NO_FILE, IgnoreFiles, Vex, asked_suppressions
from hullmark.cli.matching import Matched, Offline, reports_of
from hullmark.cli.options import Option
from hullmark.cli.output import look, write
from hullmark.cli.reading import Reading, check_references
from hullmark.cli.settings import cache_folder, database_folder
from hullmark.cli.terminal import configure, error, progress
from hullmark.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hullmark.model.report import Report

_ID = re.compile(r"(?=.*[0-9-])[A-Za-z0-9][!-~]{2,199}")
"""What publishers' ids look like: no spaces, and a number or a hyphen in them."""
_FORMATS = ("text", "json")


class Explain(Reading, frozen=True, kw_only=True):
    """Explain why an image is affected by a flaw, or why it is not.

    Exit codes: 0 explained, whatever the answer is, 2 usage, 3 could not scan, or a layer or a package database is missing.
    """

    flaw: Annotated[
        str, Option("CVE-…, GHSA-…, DSA-… or another publisher's id.", name="ID", positional=True)
    ]
    image: Annotated[
        str,
        Option(
            "An image reference, an SBOM or a stored JSON report, see below.", name="IMAGE", positional=True
        ),
    ]
    format: Annotated[str, Option("text or json.")] = "text"
    vex: Vex = ()
    ignore_file: IgnoreFiles = ()
    offline: Offline = False
    db_from: From = ""
    db_key: Key = ""
    db_revision: Revision = ""
    db_mirror: Mirror = ""
    db_nvd_key: NvdKey = ""
    db_max_age: MaxAge = MAX_AGE_H
    db_fetch_timeout: FetchTimeout = FETCH_TIMEOUT_S

    def run(self) -> int:
        """Do it, and give the exit code."""
        configure(quiet=self.quiet, json_log=self.json_log)
        import contextlib
        from pathlib import Path

        from hullmark.advisories.database import Database
        from hullmark.reports import _explanation
        from hullmark.scan.catalogue import Catalogue
        from hullmark.scan.explain import explain
        from hullmark.scan.gate import incomplete
        from hullmark.scan.stored import is_report

        if not _ID.fullmatch(self.flaw):
            raise UsageError(
                f"{self.flaw[:80]!r} can be no id of a flaw", hint="hullmark explain CVE-2021-44228 IMAGE"
            )
        if self.format not in _FORMATS:
            raise UsageError(f"there is no format {self.format!r}", hint=f"there are {', '.join(_FORMATS)}")
        check_references([self.image])
        is_stored = is_report(Path(self.image))
        reports = self._stored() if is_stored else self._scanned()
        catalogue = Catalogue(cache_folder())
        with contextlib.closing(Database.open(database_folder())) as database:
            found = [
                explain(self.flaw, report, database, catalogue, include_dev=is_stored or self.include_dev)
                for report in reports
            ]
        write(
            _explanation.encode(found) if self.format == "json" else _explanation.render(found, look("")), ""
        )
        missing = [
            reason
            for report in reports
            for reason in incomplete(report, relies=False, strict=self.fail_on_incomplete)
        ]
        for reason in missing:
            error(reason)
        return ExitCode.INCOMPLETE if missing else ExitCode.CLEAN

    def _stored(self) -> "Sequence[Report]":
        """Read a stored report. An ignore file is read for it only where it is named: the scan had its own."""
        from hullmark.findings.narrowing import Narrowing, narrowed
        from hullmark.model.report import Report
        from hullmark.scan.stored import read_report

        narrowing = Narrowing(suppressions=asked_suppressions(self.vex, self.ignore_file or (NO_FILE,)))
        whole = read_report(self.image)
        reports = [whole] if isinstance(whole, Report) else whole.reports
        if not reports:
            raise UsageError("holds no report of an image", where=self.image)
        return [narrowed(each, narrowing) for each in reports] if narrowing.suppressions else reports

    def _scanned(self) -> "Sequence[Report]":
        """Scan the image, with what only development needs: whether that counts is said by the explanation."""
        matched = Matched(self, ("vuln",))
        request = self.request([self.image])
        filters = msgspec.structs.replace(
            request.filters, include_dev=True, suppressions=asked_suppressions(self.vex, self.ignore_file)
        )
        matched.warn_of_none()
        with progress() as show:
            asked = msgspec.structs.replace(matched.request(request, show), filters=filters)
            return reports_of(self.image, asked, self.platform)
