"""What `--new-since` compares with, for a gate that counts only what a change added: what it has, and how far it is to be trusted."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hullmark.cli.judging import verdict
from hullmark.cli.matching import reports_of
from hullmark.cli.terminal import error, warning
from hullmark.model.errors import ExitCode

if TYPE_CHECKING:
    from hullmark.model.diff import Caveat
    from hullmark.model.report import Failure, Report
    from hullmark.scan.request import ScanRequest

_DIFFERS = frozenset({"platform", "source", "database", "detectors", "scanners", "secrets_key"})
_LACKS = frozenset({"unread", "not_checked", "skipped"})
"""The caveats that make something new which is not, or hide that it is. What is shown of either is no matter here: all of it is compared."""


class Since:
    """The image or report that was there before. What it lacks makes more findings new, never fewer."""

    def __init__(self, name: str, reports: "Sequence[Report]", failures: "Sequence[Failure]" = ()) -> None:
        from hullmark.findings.narrowing import Known

        self.known = Known(name, tuple(reports))
        self._name = name
        self._reports = reports
        self._failures = failures

    def warn(self, reports: "Sequence[Report]") -> None:
        """Say what keeps these reports from being compared with it without reserve, once."""
        from hullmark.findings.caveats import caveats
        from hullmark.findings.narrowing import counterparts

        said: dict[Caveat, None] = {}
        for report in reports:
            for before in counterparts(self._reports, report):
                for caveat in caveats(before, report):
                    own = caveat.kind in _LACKS and caveat.side == "before"
                    if own or (
                        caveat.kind in _DIFFERS and (caveat.side == "both" or caveat.kind == "source")
                    ):
                        said[caveat] = None
        for caveat in said:
            names = f" ({', '.join(caveat.names)})" if caveat.names else ""
            warning(f"{caveat.text}{names}", where=f"--new-since {self._name}")

    def code(self, code: int, *, strict: bool) -> int:
        """Give the exit code: where nothing is over the gate, that this was read only in part stands beside it, in words."""
        if code:
            return code
        for failure in self._failures:
            error(f"not scanned: {failure.reason}", where=f"--new-since {self._name}: {failure.name}")
        found = verdict(self._reports, None, (), strict=strict, unused=False)
        return ExitCode.INCOMPLETE if self._failures else found


def stored_since(name: str) -> Since:
    """Read a stored report. Raises `ImageError` and `UsageError`."""
    from hullmark.model.report import Report
    from hullmark.scan.stored import read_report

    stored = read_report(name)
    return (
        Since(name, [stored]) if isinstance(stored, Report) else Since(name, stored.reports, stored.failures)
    )


def since(name: str, request: "ScanRequest", platform: str) -> Since:
    """Read a stored report as it is; scan an image as `request` says, so that a new advisory is not laid to the change."""
    from hullmark.scan.stored import is_report

    return stored_since(name) if is_report(Path(name)) else Since(name, reports_of(name, request, platform))
