"""`hullmark promote`: an image goes to where it is used, if it may."""

import os
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
    AttestationKeys,
    BaselineFile,
    FailOnUnused,
    FixableOnly,
    IgnoreFiles,
    IgnoreStatus,
    Opa,
    PkgTypes,
    PolicyContext,
    PolicyOnError,
    PolicyWords,
    SecretConfigs,
    SecretsKey,
    Vex,
    VexKeys,
    asked_attached,
    asked_decide,
    asked_narrowing,
    asked_policies,
    asked_secret_config,
    format_targets,
    verdict,
)
from hullmark.cli.matching import Matched, Offline, SeveritySource
from hullmark.cli.options import Option
from hullmark.cli.output import replacing, write, write_line
from hullmark.cli.reading import Reading, check_references
from hullmark.cli.terminal import configure, error, progress, warning
from hullmark.model.errors import UsageError

if TYPE_CHECKING:
    from hullmark.images.copying import Copied, Place
    from hullmark.model.report import Report
    from hullmark.scan.gate import Gate
    from hullmark.scan.promote import Decision, Promotion, Seal
    from hullmark.scan.request import ScanRequest

_FORMATS = ("table", "json")
_REASONS_SHOWN = 20
_GATE = "vuln:critical,secret:high"
"""What refuses an image where nobody has said what does."""


class Promote(Reading, frozen=True, kw_only=True):
    """Copy an image from one repository to another, if what is in it may pass.

    The tag is resolved once. Every image below it, of all platforms, is scanned and must pass; then just that digest is copied, byte for
    byte, with the signatures, attestations and SBOMs that refer to it, and last of all the new tag is set.

    Exit codes: 0 promoted, 1 refused and nothing written, 2 usage, 3 it could not be scanned whole or not be copied, and the new tag is not set.
    """

    source: Annotated[str, Option("The image to promote: NAME[:TAG][@DIGEST].", name="FROM", positional=True)]
    target: Annotated[str, Option("Where to: NAME[:TAG].", name="TO", positional=True)]
    fail_on: Annotated[
        str,
        Option(
            "Severities that refuse it: high is high and worse; or vuln:critical,unknown. Malicious packages always do. vuln:critical,secret:high where no policy is named either.",
            filled=True,
        ),
    ] = ""
    policy: PolicyWords = ()
    opa: Opa = ""
    policy_on_error: PolicyOnError = ""
    context: PolicyContext = ()
    attestation_key: AttestationKeys = ()
    dry_run: Annotated[bool, Option("Scan and decide; write nothing.")] = False
    no_overwrite: Annotated[bool, Option("Refuse where TO is there already and is another image.")] = False
    attest_key: Annotated[
        str,
        Option(
            "Sign the result of the scan, and the decision, with this private key, and store that beside the image.",
            filled=True,
        ),
    ] = ""
    no_referrers: Annotated[bool, Option("Leave signatures, attestations and SBOMs where they are.")] = False
    formats: Annotated[
        tuple[str, ...],
        Option("table or json; FORMAT=FILE writes a file; may be repeated.", name="format"),
    ] = ("table",)
    severity_source: SeveritySource = ""
    fixable_only: FixableOnly = False
    pkg_types: PkgTypes = ""
    ignore_status: IgnoreStatus = ""
    vex: Vex = ()
    vex_key: VexKeys = ()
    ignore_file: IgnoreFiles = ()
    baseline: BaselineFile = ""
    secrets_key: SecretsKey = ""
    secret_config: SecretConfigs = ()
    fail_on_unused_ignores: FailOnUnused = False
    offline: Offline = False
    db_from: From = ""
    db_key: Key = ""
    db_revision: Revision = ""
    db_mirror: Mirror = ""
    db_nvd_key: NvdKey = ""
    db_max_age: MaxAge = MAX_AGE_H
    db_fetch_timeout: FetchTimeout = FETCH_TIMEOUT_S

    @property
    def severity(self) -> str:
        """No finding is shown, so none is left out of what is shown."""
        return ""

    def run(self) -> int:
        """Do it, and give the exit code."""
        configure(quiet=self.quiet, json_log=self.json_log)
        from msgspec.structs import replace

        from hullmark.scan.gate import parse_gate
        from hullmark.scan.promote import Wishes, promote

        policies = asked_policies(self)
        gate = parse_gate(self.fail_on or ("" if policies is not None else _GATE))
        outputs = format_targets(self.formats, _FORMATS)
        check_references((self.source, self.target))
        if self.platform not in {"", "all"}:
            raise UsageError("all platforms are copied, so all are scanned", where="--platform")
        matched = Matched(self, sources=self.severity_source)
        wishes = Wishes(
            dry_run=self.dry_run, overwrite=not self.no_overwrite, with_referrers=not self.no_referrers
        )
        seen: list[Report] = []
        seal = self._seal(seen) if self.attest_key else None

        def decide(report: "Report") -> "Decision":
            seen.append(report)
            return self._decided(report, gate)

        with replacing([target for _, target in outputs]):
            with progress() as show:
                request = matched.request(self._narrowed(), show)
                request = replace(
                    request,
                    decide=asked_decide(policies, self.attestation_key, request.source),
                    attached=asked_attached(self.vex_key, request.source, self.source),
                )
                matched.warn_of_none()
                found = promote(self.source, self.target, request, decide, wishes, seal)
            matched.warn_of_stale(seen)
            for name, target in outputs:
                if name == "json":
                    write(_document(found), target)
                elif not target:
                    _show(found)
                else:
                    write("".join(f"{line}\n" for line in _lines(found)).encode(), target)
        _say(found)
        return found.code

    def _seal(self, seen: "list[Report]") -> "Seal":
        """Give what signs the results of the scans of the images that were promoted, beside these."""
        from hullmark.reports import render
        from hullmark.scan.attest.keys import load_signer
        from hullmark.scan.attest.signing import attestations, sign
        from hullmark.scan.attest.storing import store

        key = load_signer(Path(self.attest_key), os.environ.get("COSIGN_PASSWORD", "").encode())

        def seal(goal: "Place") -> None:
            name = f"{goal.reference.host}/{goal.reference.repository}"
            for report in seen:
                digest = report.image.digest if report.image is not None else ""
                for kind, predicate in attestations(report, ("scan",), "", render):
                    signed = sign(name, digest, kind, predicate, key)
                    store(goal.registry, goal.reference, digest, signed.body, kind, report.as_of)

        return seal

    def _narrowed(self) -> "ScanRequest":
        from msgspec.structs import asdict, replace

        request = self.request((self.source,))
        return replace(
            request,
            filters=replace(request.filters, **asdict(asked_narrowing(self))),
            secrets_key=Path(self.secrets_key) if self.secrets_key else None,
            secret_config=asked_secret_config(self.secret_config),
        )

    def _decided(self, report: "Report", gate: "Gate | None") -> "Decision":
        """Put one image to the gate as `hullmark scan` does."""
        from hullmark.scan.gate import incomplete, refusals
        from hullmark.scan.promote import Decision

        strict = self.fail_on_incomplete
        policed = report.decision is not None
        code = verdict([report], gate, (), strict=strict, unused=self.fail_on_unused_ignores, policed=policed)
        over = (gate.over(report) if gate is not None else []) + refusals(report)
        relies = policed or (gate is not None and gate.on_packages)
        missing = incomplete(report, relies=relies, strict=strict)
        missing += gate.not_looked_for(report, ()) if gate is not None else []
        return Decision(code, tuple(over or missing) if code else ())


def _document(found: "Promotion") -> bytes:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _show(found: "Promotion") -> None:
    for line in _lines(found):
        write_line(line)


def _lines(found: "Promotion") -> list[str]:
    """Say what was decided and done."""
    lines = [f"{found.source}"]
    lines += [f"  {each.platform or 'image'} {each.digest}: {each.decision}" for each in found.images]
    if found.decision != "allow":
        return [*lines, f"not promoted to {found.target}: {found.decision}"]
    if found.copied is None:
        extent = found.extent
        sizes = f": {extent.blobs} blobs of {extent.bytes} bytes" if extent is not None else ""
        return [*lines, f"would be promoted to {found.target}{sizes}", *_replaced(found, "would move")]
    lines.append(f"promoted to {found.target}: {_copied(found.copied)}")
    return [*lines, *_replaced(found, "moved")]


def _replaced(found: "Promotion", verb: str) -> list[str]:
    return [f"the tag {verb} there from {found.replaced}"] if found.replaced else []


def _copied(done: "Copied") -> str:
    parts = [
        f"{done.manifests} manifest{'' if done.manifests == 1 else 's'}",
        f"{done.referrers} referring to them" if done.referrers else "",
        f"blobs: {done.sent} sent ({done.sent_bytes} bytes)",
        f"{done.mounted} mounted ({done.mounted_bytes} bytes)",
        f"{done.present} there already",
        f"{done.not_distributable} not to be given away" if done.not_distributable else "",
    ]
    return ", ".join(part for part in parts if part)


def _say(found: "Promotion") -> None:
    """Say on standard error what kept an image from being promoted whole; the gate has said its own reasons already."""
    for reason in found.reasons:
        error(reason, hint="without --no-overwrite its tag is moved")
    for each in found.images:
        if each.decision == "incomplete" and not each.platform:  # the others were judged, and that was said
            for reason in each.reasons:
                error(reason)
    left_out = found.copied.left_out if found.copied is not None else ()
    for words in left_out[:_REASONS_SHOWN]:
        warning(words, where=found.target)
    if len(left_out) > _REASONS_SHOWN:
        warning(f"{len(left_out) - _REASONS_SHOWN} more are left out", where=found.target)
