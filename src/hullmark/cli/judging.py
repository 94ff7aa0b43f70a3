"""What every command is told that judges findings and writes them: which are shown, which fail, in what form they are written."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, cast, get_args

from hullmark.cli.options import Option
from hullmark.cli.output import look, write
from hullmark.cli.terminal import error, warning
from hullmark.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hullmark.detectors.secrets.foreign import SecretConfig
    from hullmark.findings.baseline import Baseline
    from hullmark.findings.narrowing import Narrowing
    from hullmark.findings.statements import Stated
    from hullmark.images.source import SourceOptions
    from hullmark.model.decision import Decision
    from hullmark.model.look import Look
    from hullmark.model.report import Report, ReportSet, Suppression
    from hullmark.policy.deciding import OnError, Policies
    from hullmark.scan.gate import Gate
    from hullmark.scan.request import Attached

StateName = Literal[
    "affected", "fixed_available", "will_not_fix", "end_of_life", "under_investigation", "undecided"
]
IGNORE_FILE = ".hullmark-ignore.yaml"
"""Read where nothing else is named; `hullmark ignore` writes it."""
_IGNORE_FILES = (IGNORE_FILE, ".dockleignore")
"""Read where nothing else is named, as Dockle does its own."""
NO_FILE = "none"
_LINES_SHOWN = 100
_MANY_FORMATS = 4
_LARGE = 2_000
"""So many packages and findings are worth a second process that makes reports of them."""

Severities = Annotated[
    str, Option("Show only these, comma-separated: critical, high, medium, low, negligible, unknown.")
]
FixableOnly = Annotated[bool, Option("Show only findings with a fixed version.")]
PkgTypes = Annotated[str, Option("Only packages of these types: os, library.")]
IgnoreStatus = Annotated[
    str,
    Option(
        "Leave out findings of these states, comma-separated: affected, fixed_available, will_not_fix, "
        "end_of_life, under_investigation, undecided."
    ),
]
Formats = Annotated[
    tuple[str, ...],
    Option(
        "How to write the report, see below; FORMAT=FILE writes a file; may be repeated. Without one a table.",
        name="format",
    ),
]
Template = Annotated[str, Option("File of your own Jinja2 template, for --format template.", filled=True)]
ShowSuppressed = Annotated[bool, Option("List what was suppressed as well, with the reason.")]
FailOn = Annotated[
    str,
    Option("Severities that end with code 1: high is high and worse; or vuln:critical,unknown.", filled=True),
]
Vex = Annotated[
    tuple[str, ...], Option("VEX document: OpenVEX, CycloneDX or CSAF; may be repeated.", filled=True)
]
VexKeys = Annotated[
    tuple[str, ...],
    Option(
        "Look for VEX documents that are attached to the image, its index or its base in a registry. File of a public key (PEM): what it signed is applied, the rest is shown; may be repeated; none applies nothing.",
        name="vex-key",
        filled=True,
    ),
]
IgnoreFiles = Annotated[
    tuple[str, ...],
    Option(
        f"Ignore file: ours, Trivy's, Grype's or Dockle's; may be repeated; none reads none. Else {' and '.join(_IGNORE_FILES)} where they are.",
        name="ignore-file",
        filled=True,
    ),
]
FailOnUnused = Annotated[
    bool,
    Option("An ignore that has expired or fits nothing ends with code 1.", name="fail-on-unused-ignores"),
]
NewSince = Annotated[
    str,
    Option(
        "Judge only what this other image, or stored report, does not have; the rest is counted.", filled=True
    ),
]
VexOut = Annotated[str, Option("File for a VEX document (OpenVEX) of what was suppressed.", filled=True)]

PolicyWords = Annotated[
    tuple[str, ...],
    Option(
        "Policies that decide: development, baseline, production, strict, a folder or file of Rego, an OPA bundle; may be repeated.",
        name="policy",
        filled=True,
    ),
]
Opa = Annotated[
    str, Option("Address of an OPA server that has these policies and evaluates them.", filled=True)
]
PolicyOnError = Annotated[
    str,
    Option(
        "What counts where a policy cannot be evaluated: deny, or warn. deny when left out, but for development alone."
    ),
]
PolicyContext = Annotated[
    tuple[str, ...],
    Option(
        "What policies are told beside the report: NAME=VALUE, as in namespace=shop, or a JSON file; may be repeated.",
        name="context",
        filled=True,
    ),
]

AttestationKeys = Annotated[
    tuple[str, ...],
    Option(
        "File of a public key (PEM): what it signed of an image counts as verified for a policy; may be repeated.",
        name="attestation-key",
        filled=True,
    ),
]


class Deciding(Protocol):
    """A command that has the flags of policies."""

    @property
    def policy(self) -> tuple[str, ...]:
        """Names and paths."""
        ...

    @property
    def opa(self) -> str:
        """An address."""
        ...

    @property
    def policy_on_error(self) -> str:
        """A verdict."""
        ...

    @property
    def context(self) -> tuple[str, ...]:
        """Names with values, and files."""
        ...


class Filtering(Protocol):
    """A command that has the flags which say what is shown."""

    @property
    def severity(self) -> str:
        """Severities."""
        ...

    @property
    def fixable_only(self) -> bool:
        """Whether only findings with a fix are shown."""
        ...

    @property
    def pkg_types(self) -> str:
        """Types of packages."""
        ...

    @property
    def ignore_status(self) -> str:
        """States."""
        ...

    @property
    def vex(self) -> tuple[str, ...]:
        """Files."""
        ...

    @property
    def ignore_file(self) -> tuple[str, ...]:
        """Files."""
        ...

    @property
    def baseline(self) -> str:
        """A file."""
        ...


class Writing(Protocol):
    """A command that writes reports."""

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats, with or without a file."""
        ...

    @property
    def template(self) -> str:
        """A file."""
        ...

    @property
    def show_suppressed(self) -> bool:
        """Whether what was suppressed is listed."""
        ...


class Judging(Filtering, Writing, Protocol):
    """A command that has all of these flags."""


BaselineFile = Annotated[
    str,
    Option("Leave out the secrets of this report or baseline, by their fingerprints.", filled=True),
]


SecretsKey = Annotated[str, Option("File with the key of the fingerprints of secrets.", filled=True)]
SecretConfigs = Annotated[
    tuple[str, ...],
    Option(
        "Rules and allow-lists of your own, in gitleaks' or Trivy's format; may be repeated. none reads none.",
        filled=True,
    ),
]


def parted(texts: Sequence[str]) -> tuple[str, ...]:
    """Give the words of a flag that may be repeated, and have commas in it."""
    return tuple(word.strip() for text in texts for word in text.split(",") if word.strip())


def asked_baseline(name: str) -> "Baseline | None":
    """Read the baseline that is asked for. Raises `UsageError`."""
    if not name:
        return None
    from hullmark.findings.baseline import MAX_BYTES, read_baseline

    try:
        with Path(name).open("rb") as file:
            return read_baseline(name, file.read(MAX_BYTES + 1))
    except OSError as problem:
        raise UsageError(f"cannot be read: {problem.strerror}", where=name) from problem


SECRET_CONFIGS = (".gitleaks.toml", ".betterleaks.toml", "trivy-secret.yaml", ".gitleaksignore")
"""Read where they are in the folder, as the tools do whose they are."""


def asked_secret_config(names: Sequence[str]) -> "SecretConfig | None":
    """Read the files of rules for secrets that are asked for, else those in this folder; say what in them means nothing here. Raises `UsageError`."""
    files = [*names] or [name for name in SECRET_CONFIGS if Path(name).is_file()]
    if files in ([], [NO_FILE]):
        return None
    from hullmark.detectors.secrets.foreign import joined, read

    found = []
    for name in files:
        config = read(name, read_file(name))
        for what in config.left_out:
            warning(f"means nothing here: {what}", where=name)
        found.append(config)
    return joined(found)


def asked_policies(asked: Deciding) -> "Policies | None":
    """Load the policies that are asked for. Raises `UsageError`."""
    if not asked.policy:
        for flag, value in (
            ("--opa", asked.opa),
            ("--context", asked.context),
            ("--policy-on-error", asked.policy_on_error),
        ):
            if value:
                raise UsageError(f"{flag} needs a policy", hint="--policy production")
        return None
    from hullmark.policy.deciding import Policies

    on_error = words(asked.policy_on_error, ("deny", "warn"), "--policy-on-error")
    return Policies(
        asked.policy,
        opa=asked.opa,
        on_error=cast("OnError", on_error[0]) if on_error else None,
        context=asked_context(asked.context),
    )


def asked_decide(
    policies: "Policies | None", keys: Sequence[str], source: "SourceOptions"
) -> "Callable[[Report], Decision] | None":
    """Give what decides on a report: the policies, told of the attestations that are attached to its image where keys are named. Raises `UsageError`."""
    if policies is None:
        if keys:
            raise UsageError("--attestation-key needs a policy", hint="--policy strict")
        return None
    if not keys:
        return policies.decide
    from hullmark.scan.attest.attested import attested
    from hullmark.scan.attest.keys import load_verifier

    verifiers = [load_verifier(Path(name)) for name in keys]
    return lambda report: policies.decide(report, {"attestations": attested(report, verifiers, source)})


def asked_context(given: Sequence[str]) -> "dict[str, Any]":
    """Read what policies are told beside the report. Raises `UsageError`."""
    import json

    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if equals and name.isidentifier():
            found[name] = value
            continue
        try:
            told = json.loads(read_file(text))
        except ValueError as problem:
            raise UsageError(f"is no JSON: {problem}", where=text, hint="--context NAME=VALUE") from problem
        if not isinstance(told, dict):
            raise UsageError("holds no object", where=text)
        found |= told
    return found


def words(text: str, known: Sequence[str], flag: str) -> tuple[str, ...]:
    """Take a comma-separated list apart. Raises `UsageError` for a word that is not known."""
    found = tuple(word.strip().lower() for word in text.split(",") if word.strip())
    for word in found:
        if word not in known:
            raise UsageError(f"{flag} does not know {word!r}", hint=f"it knows {', '.join(known)}")
    return found


def asked_narrowing(asked: Filtering) -> "Narrowing":
    """Give which findings are asked for; the files of statements and the baseline are read. Raises `UsageError`."""
    from hullmark.findings.narrowing import Narrowing
    from hullmark.model.advisory import Severity

    return Narrowing(
        severities=tuple(Severity(word) for word in words(asked.severity, tuple(Severity), "--severity")),
        fixable_only=asked.fixable_only,
        pkg_types=words(asked.pkg_types, ("os", "library"), "--pkg-types"),
        ignore_states=words(asked.ignore_status, get_args(StateName), "--ignore-status"),
        suppressions=asked_suppressions(asked.vex, asked.ignore_file),
        baseline=asked_baseline(asked.baseline),
    )


def asked_suppressions(vex: Sequence[str], ignores: Sequence[str]) -> "tuple[Suppression, ...]":
    """Read VEX documents and ignore files; say of each line that cannot be translated that it suppresses nothing."""
    files = [*ignores] or [name for name in _IGNORE_FILES if Path(name).is_file()]
    if files == [NO_FILE]:
        files = []
    if not vex and not files:
        return ()
    from hullmark.findings.statements import read_ignores, read_vex

    found: list[Suppression] = []
    for name in vex:
        found += _stated(name, read_vex(name, read_file(name)))
    for name in files:
        found += _stated(name, read_ignores(name, read_file(name), is_rule))
    return tuple(found)


def asked_attached(names: Sequence[str], source: "SourceOptions", image: str = "") -> "Attached | None":
    """Give what looks for VEX documents beside an image, where keys are named; `image` is what it is asked for by, where it is scanned by digest. Raises `UsageError`."""
    if not names:
        return None
    from hullmark.scan.attest.keys import load_verifier
    from hullmark.scan.attest.vex import attached_vex

    keys = [] if tuple(names) == (NO_FILE,) else [load_verifier(Path(name)) for name in names]

    def warn(what: str, where: str, hint: str) -> None:
        warning(what, where=where, hint=hint)

    return lambda found, layers: attached_vex(found, layers, keys, source, warn, image)


def is_rule(name: str) -> bool:
    """Tell whether a rule goes by that name; all rules are loaded for it, which only what has not the form of an id is worth."""
    from hullmark.scan import rules

    return rules.is_rule(name)


def _stated(name: str, stated: "Stated") -> "tuple[Suppression, ...]":
    for line, what in stated.left_out[:_LINES_SHOWN]:
        warning(
            f"suppresses nothing: {what}", where=f"{name}:{line}" if line else name, hint="the rest counts"
        )
    if len(stated.left_out) > _LINES_SHOWN:
        warning(f"{len(stated.left_out) - _LINES_SHOWN} more lines suppress nothing", where=name)
    return stated.suppressions


def read_file(name: str) -> bytes:
    """Read a small file that a flag names. Raises `UsageError`."""
    from hullmark.findings.statements import MAX_BYTES

    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise UsageError(f"cannot be read: {reason}", where=name) from problem


def format_targets(formats: Sequence[str], known: Sequence[str]) -> list[tuple[str, str]]:
    """Give each format that is asked for with its file, empty or `-` for standard output. Raises `UsageError`."""
    pairs = [(name, target) for name, _, target in (text.partition("=") for text in formats)]
    if not pairs:
        raise UsageError("no format is named", hint="--format json")
    for name, _ in pairs:
        if name not in known:
            raise UsageError(f"there is no format {name!r}", hint=f"there are {', '.join(known)}")
    if sum(target in {"", "-"} for _, target in pairs) > 1:
        raise UsageError("two formats would be written to standard output", hint="--format FORMAT=FILE")
    return pairs


class Outputs:
    """The formats that are asked for, each with its target, and how they are dressed. Raises `UsageError` for what makes no sense."""

    def __init__(self, asked: Writing) -> None:
        from hullmark.reports import formats as known

        formats = asked.formats
        if asked.template and not any(text.partition("=")[0] == "template" for text in formats):
            formats = ("template",) if formats == ("table",) else (*formats, "template")
        self.pairs = format_targets(formats, known())
        if not asked.template and any(name == "template" for name, _ in self.pairs):
            raise UsageError("--format template needs a template", hint="--template FILE")
        self._suppressed = asked.show_suppressed
        self._template = _text(asked.template) if asked.template else ""
        self._template_name = asked.template

    @property
    def targets(self) -> list[str]:
        """Give the files, empty or `-` for standard output."""
        return [target for _, target in self.pairs]

    def refuse_several(self, count: int) -> None:
        """Refuse a document of one image for several, before any of them is scanned."""
        from hullmark.reports import is_of_one_image

        for name, _ in self.pairs:
            if count > 1 and is_of_one_image(name):
                raise UsageError(
                    f"{name} is a document of one image, and these are {count}",
                    hint=f"name one image for --format {name}",
                )

    def write(self, whole: "Report | ReportSet") -> None:
        """Write a report in every format; several large ones are made in processes side by side."""
        from hullmark.reports import renderer

        rendered = renderer(whole)
        left = dict(enumerate(self.pairs))
        files = [number for number, (_, target) in left.items() if target not in {"", "-"}]
        if len(files) >= _MANY_FORMATS and _is_large(whole) and (os.cpu_count() or 1) > 1:
            from hullmark.scan.workers import in_processes

            def made(number: int) -> bytes:
                name, target = self.pairs[number]
                return rendered(name, self._look(target))

            for number, body in in_processes(files, 2, made):
                if body is not None:  # else it says below what is wrong
                    write(body, left.pop(number)[1])
        for name, target in left.values():
            write(rendered(name, self._look(target)), target)

    def _look(self, target: str) -> "Look":
        from msgspec.structs import replace

        return replace(
            look(target),
            suppressed=self._suppressed,
            template=self._template,
            template_name=self._template_name,
            folder=_working_folder(),
        )


def _is_large(whole: "Report | ReportSet") -> bool:
    from hullmark.model.report import Report

    reports = (whole,) if isinstance(whole, Report) else whole.reports
    return sum(len(each.packages) + len(each.findings) for each in reports) >= _LARGE


def _working_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return ""  # it is gone


def _text(name: str) -> str:
    try:
        return read_file(name).decode()
    except UnicodeDecodeError as problem:
        raise UsageError(f"is no UTF-8: {problem}", where=name) from problem


def formats_said() -> str:
    """List the formats there are, from the modules themselves."""
    from hullmark.reports import formats

    return f"Formats: {', '.join(formats())}."


def write_vex(reports: "Sequence[Report]", target: str) -> None:
    """Write what was suppressed in these images as a VEX document."""
    from hullmark.findings.stating import document

    if not any(entry.by >= 0 for report in reports for entry in report.suppressed):
        warning("nothing was suppressed by a statement: the document has none", where=target)
    write(document(reports), target)


def verdict(
    reports: "Sequence[Report]",
    gate: "Gate | None",
    asked: Sequence[str],
    *,
    strict: bool,
    unused: bool,
    failed: bool = False,
    policed: bool = False,
) -> int:
    """Say why, and give the exit code; 1 outranks 3. `asked` are the scanners that were asked for by name, `policed` says whether policies decided."""
    from hullmark.findings.aging import idle
    from hullmark.scan.gate import refusals

    over = [reason for report in reports for reason in (gate.over(report) if gate is not None else ())]
    over += [reason for report in reports for reason in (refusals(report) if policed else ())]
    over += idle(reports) if unused else []
    for reason in over:
        error(reason)
    if over:
        return ExitCode.OVER_GATE
    missing = [
        reason
        for report in reports
        for reason in _missing(report, gate, asked, strict=strict, policed=policed)
    ]
    for reason in missing:
        error(reason)
    return ExitCode.INCOMPLETE if failed or missing else ExitCode.CLEAN


def _missing(
    report: "Report", gate: "Gate | None", asked: Sequence[str], *, strict: bool, policed: bool
) -> list[str]:
    """Say what keeps the answer from being whole, where that matters for the exit code."""
    from hullmark.scan.gate import incomplete

    relies = (gate is not None and gate.on_packages) or policed
    found = incomplete(report, relies=relies, strict=strict)
    return found + (gate.not_looked_for(report, asked) if gate is not None else [])
