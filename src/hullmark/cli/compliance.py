"""`hullmark compliance`: what a scan of an image says of the controls of frameworks."""

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
    NO_FILE,
    IgnoreFiles,
    Opa,
    PolicyContext,
    PolicyOnError,
    Vex,
    asked_policies,
    asked_suppressions,
    format_targets,
    parted,
    words,
)
from hullmark.cli.matching import Matched, Offline, reports_of
from hullmark.cli.options import Option
from hullmark.cli.output import look, replacing, write
from hullmark.cli.reading import Reading, check_references
from hullmark.cli.terminal import configure, error, progress
from hullmark.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hullmark.model.compliance import Compliance as Found
    from hullmark.model.report import Report
    from hullmark.model.rule import Rule


class Compliance(Reading, frozen=True, kw_only=True):
    """Put an image to the controls of NIST SP 800-190 and 800-53, PCI DSS and CIS Docker.

    A control is failed where something speaks against it, passed where all that speaks of it looked and found nothing, else not checked.

    Exit codes: 0 said, whatever the answer is, 1 a control failed with --fail-on-controls, 2 usage, 3 could not scan, a layer or a package
    database is missing, or a policy could not be evaluated.
    """

    image: Annotated[
        str,
        Option(
            "An image reference, an SBOM or a stored JSON report, see below.", name="IMAGE", positional=True
        ),
    ]
    framework: Annotated[
        tuple[str, ...],
        Option(
            "pci-dss, nist-800-190, nist-800-53 or cis-docker; may be repeated. All when left out.",
            filled=True,
        ),
    ] = ()
    formats: Annotated[
        tuple[str, ...],
        Option("table, json, csv or markdown; FORMAT=FILE writes a file; may be repeated.", name="format"),
    ] = ("table",)
    fail_on_controls: Annotated[bool, Option("A control that failed ends with code 1.")] = False
    rules: Annotated[
        tuple[str, ...],
        Option("pedantic, or a rule by any of its names, beside those that count; may be repeated."),
    ] = ()
    vex: Vex = ()
    ignore_file: IgnoreFiles = ()
    policy: Annotated[
        tuple[str, ...],
        Option(
            "Policies that say what speaks against a control: development, baseline, production, strict, or your own; may be repeated. strict when left out.",
            filled=True,
        ),
    ] = ("strict",)
    opa: Opa = ""
    policy_on_error: PolicyOnError = ""
    context: PolicyContext = ()
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
        from hullmark.policy.compliance import compliance
        from hullmark.policy.controls import FRAMEWORKS
        from hullmark.reports._compliance import FORMATS, render

        names = [name for text in self.framework for name in words(text, tuple(FRAMEWORKS), "--framework")]
        outputs = format_targets(self.formats, FORMATS)
        policies = asked_policies(self)
        assert policies is not None  # there is always one
        check_references([self.image])
        with replacing([target for _, target in outputs]):
            reports = self._reports()
            looked = self._rules()
            found = [compliance(each, policies, looked, names or tuple(FRAMEWORKS)) for each in reports]
            for form, target in outputs:
                write(render(form, found, look(target)), target)
        return self._code(reports, found)

    def _reports(self) -> "Sequence[Report]":
        """Scan the image, or read the report. An ignore file is read for a stored one only where it is named: the scan had its own."""
        from msgspec.structs import replace

        from hullmark.findings.narrowing import Narrowing, narrowed
        from hullmark.scan.stored import is_report

        is_stored = is_report(Path(self.image))
        ignores = self.ignore_file or ((NO_FILE,) if is_stored else ())
        suppressions = asked_suppressions(self.vex, ignores)
        matched = Matched(self)
        request = self.request([self.image])
        if not is_stored:
            matched.warn_of_none()
        filters = replace(request.filters, suppressions=suppressions)
        with progress() as show:
            asked = replace(matched.request(request, show), filters=filters, rules=parted(self.rules))
            reports = reports_of(self.image, asked, self.platform)
        if not reports:
            raise UsageError("holds no report of an image", where=self.image)
        if is_stored and suppressions:
            return [narrowed(each, Narrowing(suppressions=suppressions)) for each in reports]
        if not is_stored:
            matched.warn_of_stale(reports)
        return reports

    def _rules(self) -> "list[Rule]":
        """Give the rules that look at an image: the default set, and those that are named."""
        from hullmark.model.rule import normal
        from hullmark.scan.rules import all_rules, names_of

        every = [rule for rule in all_rules() if rule.kind in {"image", "secret"}]
        named = parted(self.rules)
        known = names_of(every)
        more = {name for word in named for name in known.get(normal(word), ())}
        return [rule for rule in every if rule.pack == "default" or "pedantic" in named or rule.id in more]

    def _code(self, reports: "Sequence[Report]", found: "Sequence[Found]") -> int:
        from hullmark.reports._compliance import summary
        from hullmark.scan.gate import incomplete

        failed = [f"{each.title}: {summary(each)}" for one in found for each in one.frameworks if each.failed]
        if failed and self.fail_on_controls:
            for line in failed:
                error(line, where=self.image)
            return ExitCode.OVER_GATE
        missing = [
            reason
            for report in reports
            for reason in incomplete(report, relies=False, strict=self.fail_on_incomplete)
        ]
        missing += [f"a policy could not be evaluated: {one.error}" for one in found if one.error]
        for reason in missing:
            error(reason)
        return ExitCode.INCOMPLETE if missing else ExitCode.CLEAN
