"""`hullmark convert`: a stored report in other formats, and past a gate, without a rescan."""

from typing import Annotated

from hullmark.cli.judging import (
    BaselineFile,
    FailOn,
    FailOnUnused,
    FixableOnly,
    Formats,
    IgnoreFiles,
    IgnoreStatus,
    NewSince,
    Opa,
    Outputs,
    PkgTypes,
    PolicyContext,
    PolicyOnError,
    PolicyWords,
    Severities,
    ShowSuppressed,
    Template,
    Vex,
    VexOut,
    asked_narrowing,
    asked_policies,
    formats_said,
    verdict,
    write_vex,
)
from hullmark.cli.options import Option
from hullmark.cli.output import replacing
from hullmark.cli.reading import Messages
from hullmark.cli.since import stored_since
from hullmark.cli.terminal import configure


class Convert(Messages, frozen=True, kw_only=True):
    """Write a stored report in other formats, and put it to a gate.

    What is written is what the scan would have written. Flags narrow further what the scan has shown; what it took out stays so. An ignore file is read only where it is named.

    Exit codes: 0 clean, 1 over the gate, 2 usage, 3 incomplete where the gate relies on it.
    """

    report: Annotated[
        str, Option("A stored report: what --format json wrote.", name="REPORT", positional=True)
    ]
    severity: Severities = ""
    fixable_only: FixableOnly = False
    pkg_types: PkgTypes = ""
    ignore_status: IgnoreStatus = ""
    vex: Vex = ()
    ignore_file: IgnoreFiles = ("none",)
    baseline: BaselineFile = ""
    new_since: NewSince = ""
    show_suppressed: ShowSuppressed = False
    formats: Formats = ("table",)
    template: Template = ""
    vex_out: VexOut = ""
    fail_on: FailOn = ""
    fail_on_unused_ignores: FailOnUnused = False
    policy: PolicyWords = ()
    opa: Opa = ""
    policy_on_error: PolicyOnError = ""
    context: PolicyContext = ()
    fail_on_incomplete: Annotated[
        bool, Option("Any file or record that could not be read ends with code 3.")
    ] = False

    def run(self) -> int:
        """Do it, and give the exit code."""
        configure(quiet=self.quiet, json_log=self.json_log)
        import gc

        # A report is a tree without cycles and lasts as long as the process: looking for some takes a quarter of the time.
        gc.disable()
        from msgspec.structs import replace

        from hullmark.findings.narrowing import Narrowing, narrowed
        from hullmark.model.report import Report
        from hullmark.scan.gate import parse_gate
        from hullmark.scan.several import added
        from hullmark.scan.stored import read_report

        gate = parse_gate(self.fail_on)
        narrowing = asked_narrowing(self)
        outputs = Outputs(self)
        policies = asked_policies(self)
        with replacing([*outputs.targets, *([self.vex_out] if self.vex_out else [])]):
            whole = read_report(self.report)
            before = stored_since(self.new_since) if self.new_since else None
            if before is not None:
                narrowing = replace(narrowing, known=before.known)
            if narrowing != Narrowing():
                whole = (
                    narrowed(whole, narrowing)
                    if isinstance(whole, Report)
                    else added(whole, [narrowed(each, narrowing) for each in whole.reports])
                )
            reports = [whole] if isinstance(whole, Report) else list(whole.reports)
            failures = () if isinstance(whole, Report) else whole.failures
            outputs.refuse_several(len(reports) + len(failures))
            if policies is not None:
                reports = [replace(report, decision=policies.decide(report)) for report in reports]
                whole = reports[0] if isinstance(whole, Report) else replace(whole, reports=tuple(reports))
            if before is not None:
                before.warn(reports)
            outputs.write(whole)
            if self.vex_out:
                write_vex(reports, self.vex_out)
        code = verdict(
            reports,
            gate,
            (),
            strict=self.fail_on_incomplete,
            policed=policies is not None,
            unused=self.fail_on_unused_ignores,
            failed=bool(failures),
        )
        return before.code(code, strict=self.fail_on_incomplete) if before is not None else code

    @classmethod
    def epilogue(cls) -> str:
        """Give the formats."""
        return formats_said()
