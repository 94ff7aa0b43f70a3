"""`hullmark diff`: what is new, gone and otherwise in one image, beside another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from hullmark.cli.judging import (
    BaselineFile,
    FixableOnly,
    IgnoreFiles,
    IgnoreStatus,
    PkgTypes,
    SecretsKey,
    Severities,
    ShowSuppressed,
    Vex,
    asked_narrowing,
    format_targets,
    verdict,
)
from hullmark.cli.matching import Matched, Offline, SeveritySource, reports_of
from hullmark.cli.options import Option
from hullmark.cli.output import look, replacing, write
from hullmark.cli.reading import Reading, check_references
from hullmark.cli.terminal import configure, progress
from hullmark.model.errors import UsageError

if TYPE_CHECKING:
    from hullmark.model.report import Report
    from hullmark.scan.request import ScanRequest


class Diff(Reading, frozen=True, kw_only=True):
    """Say what differs between two images.

    Packages, findings and layers that are new, gone or otherwise in the second. Each of the two is an image, an SBOM or a stored JSON report.
    Flags narrow what is shown of both.

    Exit codes: 0 clean, 1 what is new is over the gate, 2 usage, 3 could not scan or incomplete where the gate relies on it.
    """

    images: Annotated[
        tuple[str, ...],
        Option("Two of them: images (see below), SBOMs or stored reports.", name="IMAGE", positional=True),
    ] = ()
    severity: Severities = ""
    severity_source: SeveritySource = ""
    fixable_only: FixableOnly = False
    pkg_types: PkgTypes = ""
    ignore_status: IgnoreStatus = ""
    vex: Vex = ()
    ignore_file: IgnoreFiles = ()
    baseline: BaselineFile = ""
    secrets_key: SecretsKey = ""
    show_suppressed: ShowSuppressed = False
    formats: Annotated[
        tuple[str, ...],
        Option("table, json or markdown; FORMAT=FILE writes a file; may be repeated.", name="format"),
    ] = ("table",)
    fail_on: Annotated[
        str,
        Option("Severities of what is new that end with code 1: high is high and worse.", filled=True),
    ] = ""
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
        from msgspec.structs import replace

        from hullmark.findings.diff import diff, only_new
        from hullmark.findings.narrowing import Narrowing, narrowed
        from hullmark.reports._diff import FORMATS, render
        from hullmark.scan.gate import parse_gate
        from hullmark.scan.stored import is_report

        gate = parse_gate(self.fail_on)
        narrowing = asked_narrowing(self)
        outputs = format_targets(self.formats, FORMATS)
        matched = Matched(self, sources=self.severity_source)
        if len(self.images) != 2:
            raise UsageError(
                f"two images are compared, and these are {len(self.images)}",
                hint="hullmark diff BEFORE AFTER",
            )
        check_references(self.images)
        request = self.request(self.images)
        if not all(is_report(Path(name)) for name in self.images):
            matched.warn_of_none()
        with replacing([target for _, target in outputs]):
            with progress() as show:
                plain = replace(
                    matched.request(request, show),
                    secrets_key=Path(self.secrets_key) if self.secrets_key else None,
                )
                before, after = (_report_of(name, plain, self.platform) for name in self.images)
            matched.warn_of_stale((before, after))
            if narrowing != Narrowing():
                before, after = narrowed(before, narrowing), narrowed(after, narrowing)
            found = diff(before, after)
            for name, target in outputs:
                dressed = replace(look(target), suppressed=self.show_suppressed)
                write(render(name, found, dressed), target)
        code = verdict([only_new(after, found)], gate, (), strict=self.fail_on_incomplete, unused=False)
        # What the first does not show for certain makes more new, never less: the gate does not rely on it.
        return code or verdict([before], None, (), strict=self.fail_on_incomplete, unused=False)


def _report_of(name: str, request: "ScanRequest", platform: str) -> "Report":
    found = reports_of(name, request, platform)
    if len(found) != 1:
        raise UsageError(
            f"one image is compared with one, and these are {len(found)}",
            where=name,
            hint="--platform os/arch",
        )
    return found[0]
