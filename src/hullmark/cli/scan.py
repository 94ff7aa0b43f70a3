"""`hullmark scan`: what is vulnerable in an image."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

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
from hullmark.cli.judging import (
    AttestationKeys,
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
    SecretConfigs,
    SecretsKey,
    Severities,
    ShowSuppressed,
    Template,
    Vex,
    VexKeys,
    VexOut,
    asked_attached,
    asked_decide,
    asked_narrowing,
    asked_policies,
    asked_secret_config,
    formats_said,
    parted,
    verdict,
    words,
    write_vex,
)
from hullmark.cli.matching import SCANNERS, Matched, Offline, SeveritySource
from hullmark.cli.options import Option
from hullmark.cli.output import replacing
from hullmark.cli.reading import Reading, check_references
from hullmark.cli.since import since
from hullmark.cli.terminal import configure, error, fault, progress
from hullmark.model.errors import BaseError, HullmarkError, UsageError

if TYPE_CHECKING:
    from hullmark.images.source import SourceOptions
    from hullmark.model.image import Platform
    from hullmark.model.report import Report
    from hullmark.scan.request import ScanRequest

_Failures = list[tuple[str, HullmarkError]]
_Result = TypeVar("_Result")


class Scan(Reading, frozen=True, kw_only=True):
    """Scan images and say what is vulnerable in them.

    Exit codes: 0 clean, 1 over the gate, 2 usage, 3 could not scan or incomplete where the gate relies on it.
    """

    images: Annotated[
        tuple[str, ...], Option("Image references, see below.", name="IMAGE", positional=True)
    ] = ()
    images_file: Annotated[
        str,
        Option(
            "File of images: one reference a line, a compose or a Kubernetes file; - is standard input.",
            name="images",
        ),
    ] = ""
    scanners: Annotated[
        str, Option("What to look for, comma-separated: vuln, secret, config; all when left out.")
    ] = ""
    severity: Severities = ""
    severity_source: SeveritySource = ""
    fixable_only: FixableOnly = False
    pkg_types: PkgTypes = ""
    ignore_status: IgnoreStatus = ""
    vex: Vex = ()
    vex_key: VexKeys = ()
    ignore_file: IgnoreFiles = ()
    baseline: BaselineFile = ""
    rules: Annotated[
        tuple[str, ...],
        Option("pedantic, or a rule by any of its names, beside those that count; may be repeated."),
    ] = ()
    secrets_key: SecretsKey = ""
    secret_config: SecretConfigs = ()
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
    attestation_key: AttestationKeys = ()
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
        from hullmark.scan.gate import parse_gate
        from hullmark.scan.references import read_references
        from hullmark.scan.several import together

        gate = parse_gate(self.fail_on)
        asked = words(self.scanners, SCANNERS, "--scanners")
        narrowing = asked_narrowing(self)
        matched = Matched(self, asked, self.severity_source)
        outputs = Outputs(self)
        policies = asked_policies(self)
        listed = read_references(self.images_file) if self.images_file else ()
        references = [*self.images, *(name for name in listed if name not in self.images)]
        check_references([*references, *([self.new_since] if self.new_since else [])])
        if not references:
            raise UsageError("no image is named", hint="hullmark scan IMAGE")
        request = self.request([*references, self.new_since], list_from_input=self.images_file == "-")
        matched.warn_of_none()
        with replacing([*outputs.targets, *([self.vex_out] if self.vex_out else [])]):
            with progress() as show:
                plain = msgspec.structs.replace(
                    matched.request(request, show),
                    rules=parted(self.rules),
                    secrets_key=Path(self.secrets_key) if self.secrets_key else None,
                    secret_config=asked_secret_config(self.secret_config),
                )
                before = since(self.new_since, plain, self.platform) if self.new_since else None
                known = before.known if before is not None else None
                asked_for = msgspec.structs.replace(narrowing, known=known)
                filters = msgspec.structs.replace(request.filters, **msgspec.structs.asdict(asked_for))
                decide = asked_decide(policies, self.attestation_key, request.source)
                attached = asked_attached(self.vex_key, request.source)
                template = msgspec.structs.replace(plain, filters=filters, decide=decide, attached=attached)
                targets, failures = _targets(references, self.platform, template.source)
                outputs.refuse_several(len(targets) + len(failures))
                reports = _scan_all(template, targets, failures)
            matched.warn_of_stale(reports)
            if before is not None:
                before.warn(reports)
            alone = len(targets) + len(failures) == 1
            outputs.write(reports[0] if alone else together(reports, failures))
            if self.vex_out:
                write_vex(reports, self.vex_out)
        code = verdict(
            reports,
            gate,
            asked,
            strict=self.fail_on_incomplete,
            policed=policies is not None,
            unused=self.fail_on_unused_ignores,
            failed=bool(failures),
        )
        return before.code(code, strict=self.fail_on_incomplete) if before is not None else code

    @classmethod
    def epilogue(cls) -> str:
        """Give the formats, and what an image reference may look like."""
        return f"{formats_said()}\n\n{super().epilogue()}"


def _targets(
    references: Sequence[str], platform: str, source: "SourceOptions"
) -> tuple[list[tuple[str, "Platform | None"]], _Failures]:
    """Give every image to scan, by reference and platform, and the references that offer none."""
    from hullmark.scan.platforms import platforms_of

    failures: _Failures = []
    if platform != "all":
        (chosen,) = platforms_of("", platform, source)
        return [(reference, chosen) for reference in references], failures
    targets = []
    for reference in references:
        offered = functools.partial(platforms_of, reference, platform, source)
        found = _attempt(reference, offered, failures, alone=len(references) == 1)
        targets += [(reference, each) for each in found or ()]
    return targets, failures


def _scan_all(
    template: "ScanRequest", targets: Sequence[tuple[str, "Platform | None"]], failures: _Failures
) -> list["Report"]:
    """Scan one image after the other; a failure never ends the rest."""
    from hullmark.scan.run import run

    reports = []
    alone = len(targets) + len(failures) == 1
    for reference, platform in targets:
        source = msgspec.structs.replace(template.source, platform=platform)
        request = msgspec.structs.replace(template, reference=reference, source=source)
        report = _attempt(reference, functools.partial(run, request), failures, alone=alone)
        if report is not None:
            reports.append(report)
    return reports


def _attempt(
    reference: str, work: Callable[[], _Result], failures: _Failures, *, alone: bool
) -> _Result | None:
    """Do what may fail for one image: alone, its failure is that of the command; else it is said and kept.

    A base that cannot be had is the command's failure too: it is the same for all, and asked for before each is read.
    """
    try:
        return work()
    except HullmarkError as problem:
        told = problem
    except Exception as problem:  # noqa: BLE001  # a fault of ours in one image must not cost the others
        told = fault(problem, reference)
    if alone or isinstance(told, BaseError):
        raise told
    error(told.what, where=told.where, hint=told.hint)
    failures.append((reference, told))
    return None
