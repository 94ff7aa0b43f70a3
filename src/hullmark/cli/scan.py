"""`hullmark scan`: what is vulnerable in an image."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

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
    asked_feeds,
)
from hullmark.cli.options import Option
from hullmark.cli.output import look, replacing, write
from hullmark.cli.reading import Reading, check_references
from hullmark.cli.settings import database_folder
from hullmark.cli.terminal import configure, error, fault, progress, warning
from hullmark.model.errors import BaseError, ExitCode, HullmarkError, UsageError

if TYPE_CHECKING:
    from hullmark.images.source import SourceOptions
    from hullmark.model.image import Platform
    from hullmark.model.report import Report
    from hullmark.scan.gate import Gate
    from hullmark.scan.request import ScanRequest

SeverityName = Literal["critical", "high", "medium", "low", "negligible", "unknown"]
StateName = Literal[
    "affected", "fixed_available", "will_not_fix", "end_of_life", "under_investigation", "undecided"
]
SCANNERS = ("vuln", "secret", "config")
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
    severity: Annotated[
        str,
        Option("Show only these, comma-separated: critical, high, medium, low, negligible, unknown."),
    ] = ""
    severity_source: Annotated[
        str,
        Option(
            "Whose severity counts first, comma-separated: vendor, ghsa, ecosystem, cna, adp, nvd. "
            "That is the order without it, too; sources that are left out follow in it."
        ),
    ] = ""
    fixable_only: Annotated[bool, Option("Show only findings with a fixed version.")] = False
    pkg_types: Annotated[str, Option("Only packages of these types: os, library.")] = ""
    ignore_status: Annotated[
        str,
        Option(
            "Leave out findings of these states, comma-separated: affected, fixed_available, will_not_fix, "
            "end_of_life, under_investigation, undecided."
        ),
    ] = ""
    formats: Annotated[
        tuple[str, ...],
        Option(
            "table, json, cyclonedx or spdx; FORMAT=FILE writes a file; may be repeated.",
            name="format",
        ),
    ] = ("table",)
    fail_on: Annotated[
        str,
        Option(
            "Severities that end with code 1: high is high and worse; or vuln:critical,unknown.", filled=True
        ),
    ] = ""
    offline: Annotated[bool, Option("Fetch no advisories.")] = False
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
        from hullmark.advisories.database import load_current
        from hullmark.findings.severity import SOURCES
        from hullmark.model.advisory import Severity
        from hullmark.scan.gate import parse_gate
        from hullmark.scan.references import read_references

        gate = parse_gate(self.fail_on)
        asked = _words(self.scanners, SCANNERS, "--scanners")
        for word in asked:
            if word != "vuln":
                warning(f"this version has no {word} scanner: nothing of that kind was looked for")
        severities = tuple(Severity(word) for word in _words(self.severity, tuple(Severity), "--severity"))
        sources = _words(self.severity_source, SOURCES, "--severity-source")
        states = _words(self.ignore_status, StateName.__args__, "--ignore-status")  # type: ignore[attr-defined]
        types = _words(self.pkg_types, ("os", "library"), "--pkg-types")
        feeds = asked_feeds(self)
        if self.offline and feeds.revision:
            raise UsageError(
                "a fixed revision must be asked for", where="--offline", hint="leave --db-revision out"
            )
        outputs = _outputs(self.formats)
        listed = read_references(self.images_file) if self.images_file else ()
        references = [*self.images, *(name for name in listed if name not in self.images)]
        check_references(references)
        if not references:
            raise UsageError("no image is named", hint="hullmark scan IMAGE")
        request = self.request(references, list_from_input=self.images_file == "-")
        if self.offline and "vuln" in (asked or SCANNERS) and not load_current(database_folder()).parts:
            warning(
                "there is no advisory database",
                where=str(database_folder()),
                hint="hullmark db update where there is a network, db build --from DIR elsewhere",
            )
        with replacing([target for _, target in outputs]):
            with progress() as show:
                template = msgspec.structs.replace(
                    request,
                    database=database_folder(),
                    scanners=asked or SCANNERS,
                    severity_sources=sources,
                    filters=msgspec.structs.replace(
                        request.filters,
                        severities=severities,
                        fixable_only=self.fixable_only,
                        pkg_types=types,
                        ignore_states=states,
                    ),
                    max_age_h=self.db_max_age,
                    offline=self.offline,
                    feeds=None if self.offline else feeds,
                    warn=lambda what, where, hint: warning(what, where=where, hint=hint),
                    progress=show,
                )
                targets, failures = _targets(references, self.platform, template.source)
                _refuse_several(outputs, len(targets) + len(failures))
                reports = _scan_all(template, targets, failures)
            _warn_of_stale(reports, self.db_max_age, self.db_from)
            _write(reports, failures, outputs, alone=len(targets) + len(failures) == 1)
        return _verdict(reports, failures, gate, asked, strict=self.fail_on_incomplete)


def _words(text: str, known: Sequence[str], flag: str) -> tuple[str, ...]:
    words = tuple(word.strip().lower() for word in text.split(",") if word.strip())
    for word in words:
        if word not in known:
            raise UsageError(f"{flag} does not know {word!r}", hint=f"it knows {', '.join(known)}")
    return words


def _outputs(formats: Sequence[str]) -> list[tuple[str, str]]:
    from hullmark.reports import formats as known

    outputs = [(name, target) for name, _, target in (text.partition("=") for text in formats)]
    if not outputs:
        raise UsageError("no format is named", hint="--format json")
    for name, _ in outputs:
        if name not in known():
            raise UsageError(f"there is no format {name!r}", hint=f"there are {', '.join(known())}")
    if sum(not target or target == "-" for _, target in outputs) > 1:
        raise UsageError("two formats would be written to standard output", hint="--format FORMAT=FILE")
    return outputs


def _refuse_several(outputs: Sequence[tuple[str, str]], count: int) -> None:
    """Refuse a document of one image for several, before any of them is scanned."""
    from hullmark.reports import is_of_one_image

    for name, _ in outputs:
        if count > 1 and is_of_one_image(name):
            raise UsageError(
                f"{name} is a document of one image, and these are {count}",
                hint=f"name one image for --format {name}",
            )


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


def _write(
    reports: Sequence["Report"], failures: _Failures, outputs: Sequence[tuple[str, str]], *, alone: bool
) -> None:
    """Write a report for one image, a set of them for several, however many of these failed."""
    from hullmark.reports import render
    from hullmark.scan.several import together

    whole = reports[0] if alone else together(reports, failures)
    for name, target in outputs:
        write(render(name, whole, look(target)), target)


def _warn_of_stale(reports: Sequence["Report"], max_age_h: float, published: str) -> None:
    """Say which parts of the database were used though nobody has asked lately whether they are still right."""
    stale = sorted({part.part for report in reports for part in report.database.parts if part.stale})
    if stale:
        warning(
            f"used though older than {max_age_h:g} h (--db-max-age)",
            where=", ".join(stale),
            hint=f"hullmark db update{f' --from {published}' * bool(published)}",
        )


def _verdict(
    reports: Sequence["Report"],
    failures: _Failures,
    gate: "Gate | None",
    asked: Sequence[str],
    *,
    strict: bool,
) -> int:
    """Give the exit code; 1 outranks 3."""
    over = [reason for report in reports for reason in (gate.over(report) if gate is not None else ())]
    for reason in over:
        error(reason)
    if over:
        return ExitCode.OVER_GATE
    missing = [reason for report in reports for reason in _missing(report, gate, asked, strict=strict)]
    for reason in missing:
        error(reason)
    return ExitCode.INCOMPLETE if failures or missing else ExitCode.CLEAN


def _missing(report: "Report", gate: "Gate | None", asked: Sequence[str], *, strict: bool) -> list[str]:
    """Say what keeps the answer from being whole, where that matters for the exit code."""
    from hullmark.scan.gate import incomplete

    found = incomplete(report, relies=gate is not None and gate.on_packages, strict=strict)
    return found + (gate.not_looked_for(report, asked) if gate is not None else [])
