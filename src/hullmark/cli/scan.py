"""`hullmark scan`: what is vulnerable in an image."""

import functools
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from cyclopts import Parameter

from hullmark.cli.settings import cache_folder, database_folder
from hullmark.cli.terminal import configure, error, fault, progress, warning
from hullmark.model.errors import ExitCode, HullmarkError, UsageError

if TYPE_CHECKING:
    from hullmark.model.report import Report
    from hullmark.scan.gate import Gate
    from hullmark.scan.request import ScanRequest

SeverityName = Literal["critical", "high", "medium", "low", "negligible", "unknown"]
StateName = Literal[
    "affected", "fixed_available", "will_not_fix", "end_of_life", "under_investigation", "undecided"
]
_Result = TypeVar("_Result")
Comma = Parameter(consume_multiple=False, negative="")
Many = Parameter(negative="")


def scan(  # the flags of one command, each used once
    *images: Annotated[
        str,
        Parameter(
            allow_leading_hyphen=True,
            help="Image references; prefixes: registry: oci: docker-archive: dir: sbom: docker: containerd:",
        ),
    ],
    images_file: Annotated[
        str,
        Parameter(
            name="--images",
            allow_leading_hyphen=True,
            help="File with one reference a line, a compose or Kubernetes file, or - .",
        ),
    ] = "",
    scanners: Annotated[str, Parameter(help="Comma-separated: vuln, secret, config.")] = "",
    severity: Annotated[str, Parameter(help="Show only these severities, comma-separated.")] = "",
    fixable_only: Annotated[bool, Many] = False,
    pkg_types: Annotated[str, Parameter(help="Comma-separated: os, library.")] = "",
    ignore_status: Annotated[
        str, Parameter(help="Leave out findings of these states, comma-separated.")
    ] = "",
    skip_path: Annotated[
        list[str] | None, Parameter(help="Glob of paths to pass over; may be repeated.", negative="")
    ] = None,
    include_dev: Annotated[bool, Many] = False,
    formats: Annotated[
        list[str] | None,
        Parameter(name="--format", help="FORMAT or FORMAT=FILE; may be repeated.", negative=""),
    ] = None,
    fail_on: Annotated[str, Parameter(help="Severities that fail, like high or vuln:critical,unknown.")] = "",
    fail_on_incomplete: Annotated[bool, Many] = False,
    platform: Annotated[str, Parameter(help="os/arch[/variant], or all.")] = "",
    base: Annotated[
        list[str] | None,
        Parameter(help="A reference of the base image; the first that fits counts.", negative=""),
    ] = None,
    offline: Annotated[bool, Parameter(negative="", help="Fetch no advisories.")] = False,
    as_of: Annotated[str, Parameter(help="The time that the report is made for (RFC 3339).")] = "",
    insecure: Annotated[
        list[str] | None,
        Parameter(help="Registry host that may be reached without verified TLS.", negative=""),
    ] = None,
    cacert: Annotated[str, Parameter(help="File of further trusted certificates.")] = "",
    username: str = "",
    password_stdin: Annotated[bool, Many] = False,
    timeout: Annotated[float, Parameter(help="Seconds after which the partial report is written.")] = 0,
    db_max_age: Annotated[float, Parameter(help="Hours after which advisories count as stale.")] = 24,
    limit: Annotated[
        list[str] | None,
        Parameter(help="NAME=NUMBER, a bound for what is read (see hullmark config).", negative=""),
    ] = None,
    quiet: Annotated[bool, Many] = False,
    json_log: Annotated[bool, Many] = False,
) -> int:
    """Scan images and say what is vulnerable in them.

    Exit codes: 0 clean, 1 over the gate, 2 usage, 3 could not scan or incomplete where the gate relies on it.
    """
    configure(quiet=quiet, json_log=json_log)
    from hullmark.images.source import SourceOptions
    from hullmark.model.advisory import Severity
    from hullmark.scan.gate import parse_gate
    from hullmark.scan.limits import with_limits
    from hullmark.scan.references import read_references
    from hullmark.scan.request import Filters, ScanRequest
    from hullmark.scan.run import moment

    gate = parse_gate(fail_on)
    for word in _words(scanners, ("vuln", "secret", "config"), "--scanners"):
        if word != "vuln":
            warning(f"this version has no {word} scanner yet: nothing of that kind was looked for")
    severities = tuple(Severity(word) for word in _words(severity, tuple(Severity), "--severity"))
    filters = Filters(
        severities=severities,
        fixable_only=fixable_only,
        pkg_types=_words(pkg_types, ("os", "library"), "--pkg-types"),
        ignore_states=_words(ignore_status, StateName.__args__, "--ignore-status"),  # type: ignore[attr-defined]
        skip_paths=tuple(skip_path or ()),
        include_dev=include_dev,
    )
    outputs = _outputs(formats or [])
    references = [*images, *(read_references(images_file) if images_file else ())]
    for reference in references:
        if reference.startswith("-") and reference != "-":
            raise UsageError(f"there is no option {reference}", hint="hullmark scan --help")
    if not references:
        raise UsageError("no image is named", hint="hullmark scan IMAGE")
    if references.count("-") + (images_file == "-") + password_stdin > 1:
        raise UsageError("standard input is asked for more than once", hint="an image, a list or a password")
    for number, flag in ((timeout, "--timeout"), (db_max_age, "--db-max-age")):
        if not 0 <= number < float("inf"):
            raise UsageError(f"{flag} needs a number of 0 or more, not {number}")
    password = sys.stdin.readline().rstrip("\n") if password_stdin else ""
    source = SourceOptions(
        insecure=tuple(insecure or ()), cacert=cacert, username=username, password=password
    )
    limits, file_limits = with_limits(limit or [])
    with progress(quiet=quiet) as show:
        template = ScanRequest(
            reference="",
            as_of=moment(as_of),
            cache=cache_folder(),
            database=database_folder(),
            base=tuple(base or ()),
            filters=filters,
            source=source,
            limits=limits,
            file_limits=file_limits,
            timeout_s=timeout,
            max_age_h=db_max_age,
            offline=offline,
            progress=show,
        )
        reports, failures = _scan_all(template, references, platform)
    _write(reports, failures, outputs)
    return _verdict(reports, failures, gate, fail_on_incomplete=fail_on_incomplete)


def _words(text: str, known: Sequence[str], flag: str) -> tuple[str, ...]:
    words = tuple(word.strip().lower() for word in text.split(",") if word.strip())
    for word in words:
        if word not in known:
            raise UsageError(f"{flag} does not know {word!r}", hint=f"it knows {', '.join(known)}")
    return words


def _outputs(formats: Sequence[str]) -> list[tuple[str, str]]:
    from hullmark.reports import formats as known

    outputs = [(name, target) for name, _, target in (text.partition("=") for text in formats)]
    for name, _ in outputs:
        if name not in known():
            raise UsageError(f"there is no format {name!r}", hint=f"there are {', '.join(known())}")
    if sum(not target or target == "-" for _, target in outputs) > 1:
        raise UsageError("two formats would be written to standard output", hint="--format FORMAT=FILE")
    return outputs or [("table", "")]


def _scan_all(
    template: "ScanRequest", references: Sequence[str], platform: str
) -> tuple[list["Report"], list[tuple[str, HullmarkError]]]:
    """Scan one image after the other; a failure never ends the rest."""
    import msgspec

    from hullmark.scan.platforms import platforms_of
    from hullmark.scan.run import run

    reports, failures = [], []
    one_for_all = platforms_of("", platform, template.source) if platform != "all" else []

    def attempt(reference: str, work: Callable[[], _Result]) -> _Result | None:
        try:
            return work()
        except HullmarkError as problem:
            if isinstance(problem, UsageError) and len(references) == 1:
                raise
            failures.append((reference, _told(problem)))
        except Exception as problem:  # noqa: BLE001  # a fault of ours in one image must not cost the others
            failures.append((reference, _told(fault(problem, reference))))
        return None

    for reference in references:
        offered = functools.partial(platforms_of, reference, platform, template.source)
        for chosen in one_for_all or attempt(reference, offered) or ():
            source = msgspec.structs.replace(template.source, platform=chosen)
            request = msgspec.structs.replace(template, reference=reference, source=source)
            report = attempt(reference, functools.partial(run, request))
            if report is not None:
                reports.append(report)
    return reports, failures


def _told(problem: HullmarkError) -> HullmarkError:
    error(problem.what, where=problem.where, hint=problem.hint)
    return problem


def _write(
    reports: Sequence["Report"],
    failures: Sequence[tuple[str, HullmarkError]],
    outputs: Sequence[tuple[str, str]],
) -> None:
    from hullmark.cli.output import look, write
    from hullmark.reports import render
    from hullmark.scan.several import together

    if not reports and not failures:
        return
    whole = reports[0] if len(reports) == 1 and not failures else together(reports, failures)
    for name, target in outputs:
        write(render(name, whole, look(target)), target)


def _verdict(
    reports: Sequence["Report"],
    failures: Sequence[tuple[str, HullmarkError]],
    gate: "Gate | None",
    *,
    fail_on_incomplete: bool,
) -> int:
    """Give the exit code; 1 outranks 3."""
    over = [reason for report in reports for reason in (gate.over(report) if gate is not None else ())]
    for reason in over:
        error(reason)
    if over:
        return ExitCode.OVER_GATE
    missing = [
        reason
        for report in reports
        for reason in _missing(report, gate, fail_on_incomplete=fail_on_incomplete)
    ]
    for reason in missing:
        error(reason)
    return ExitCode.INCOMPLETE if failures or missing else ExitCode.CLEAN


def _missing(report: "Report", gate: "Gate | None", *, fail_on_incomplete: bool) -> list[str]:
    """Say what keeps the answer from being whole, where that matters for the exit code."""
    from hullmark.scan.gate import incomplete

    return incomplete(report, relies=gate is not None and gate.on_packages, strict=fail_on_incomplete)
