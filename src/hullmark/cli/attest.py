"""`hullmark attest`: what a scan found, signed and stored beside the image."""

import os
from pathlib import Path
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
from hullmark.cli.judging import words
from hullmark.cli.matching import Matched, Offline, SeveritySource
from hullmark.cli.options import Option
from hullmark.cli.output import replacing, write, write_line
from hullmark.cli.parser import is_input
from hullmark.cli.reading import Reading, check_references
from hullmark.cli.terminal import configure, error, progress
from hullmark.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hullmark.model.report import Report
    from hullmark.scan.attest.keys import Signer
    from hullmark.scan.attest.signing import Signed
    from hullmark.scan.attest.targets import Named, Place
    from hullmark.scan.request import ScanRequest

_FORMATS = ("cyclonedx", "spdx")


class Attest(Reading, frozen=True, kw_only=True):
    """Sign the SBOM and the result of a scan, and store them beside the image.

    The tag is resolved once: what is scanned is what is signed, by its digest. What is signed is stored in the image's repository, as a referrer,
    or in a file. The password of a sealed key is in COSIGN_PASSWORD.

    Exit codes: 0 signed, 2 usage, 3 it could not be scanned or stored, or not be read whole; what was found is signed as incomplete then.
    """

    image: Annotated[str, Option("An image reference, see below.", name="IMAGE", positional=True)]
    key: Annotated[
        str, Option("File of the private key (PEM, or one of cosign's) to sign with.", filled=True)
    ]
    types: Annotated[
        str, Option("What to sign, comma-separated: sbom, scan, vulns.", name="type", filled=True)
    ] = "sbom,scan"
    sbom_format: Annotated[str, Option("cyclonedx or spdx.", filled=True)] = "cyclonedx"
    report: Annotated[
        str,
        Option(
            "Sign this stored report (--format json) of just this image; nothing is scanned.", filled=True
        ),
    ] = ""
    output: Annotated[
        str,
        Option(
            "Write what is signed to this file, one bundle a line, in place of the registry.", filled=True
        ),
    ] = ""
    severity_source: SeveritySource = ""
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
        check_references([self.image])
        from hullmark.scan.attest.keys import load_signer
        from hullmark.scan.attest.signing import KINDS
        from hullmark.scan.attest.targets import at, named_here, named_there, registry_reference

        kinds = words(self.types, KINDS, "--type")
        if self.sbom_format not in _FORMATS:
            raise UsageError(
                f"--sbom-format does not know {self.sbom_format!r}", hint=f"it knows {', '.join(_FORMATS)}"
            )
        key = load_signer(Path(self.key), os.environ.get("COSIGN_PASSWORD", "").encode())
        reference = registry_reference(self.image)
        if is_input(self.image):
            raise UsageError(
                "an image that comes once cannot be signed", where=self.image, hint="store it first"
            )
        if reference is None and not self.output:
            raise UsageError("it is in no registry", where=self.image, hint="--output FILE")
        request = self.request([self.image])
        with replacing([self.output] if self.output else []):
            if reference is None:
                named = named_here(self.image, request.source, self.platform)
                return self._attested(kinds, key, named, request, None)
            with at(reference, request.source) as place:
                named = named_there(place, self.platform)
                return self._attested(kinds, key, named, request, place)

    def _attested(
        self,
        kinds: "tuple[str, ...]",
        key: "Signer",
        named: "Named",
        request: "ScanRequest",
        place: "Place | None",
    ) -> int:
        from hullmark.reports import render
        from hullmark.scan.attest.signing import attestations, sign
        from hullmark.scan.gate import incomplete

        name = f"{place.reference.host}/{place.reference.repository}" if place is not None else ""
        signed: list[Signed] = []
        missing: list[str] = []
        for report, body in self._reports(named, request):
            assert report.image is not None
            for predicate_type, predicate in attestations(report, kinds, self.sbom_format, render, body):
                signed.append(sign(name, report.image.digest, predicate_type, predicate, key))
            missing += incomplete(report, relies=kinds != ("sbom",), strict=self.fail_on_incomplete)
        if self.output:
            write(b"".join(each.body + b"\n" for each in signed), self.output)
        stored = self._stored(signed, place, request.as_of)
        if not self.quiet and self.output != "-":
            for each, where in zip(signed, stored, strict=True):
                write_line(f"{each.digest} {each.predicate_type} {where}")
        for reason in missing:
            error(reason)
        return ExitCode.INCOMPLETE if missing else ExitCode.CLEAN

    def _stored(self, signed: "Iterable[Signed]", place: "Place | None", as_of: str) -> list[str]:
        """Store what is signed beside the image, unless it went to a file; say where each is."""
        from hullmark.scan.attest.storing import store

        if self.output or place is None:
            return [self.output for _ in signed]
        return [
            store(place.registry, place.reference, each.digest, each.body, each.predicate_type, as_of)
            for each in signed
        ]

    def _reports(self, named: "Named", request: "ScanRequest") -> "Iterator[tuple[Report, bytes]]":
        """Give the report of each image that was named, with the bytes of the file that it was in."""
        if self.report:
            yield from self._given(named)
            return
        from hullmark.scan.run import run

        matched = Matched(self, sources=self.severity_source)
        matched.warn_of_none()
        seen = []
        for target in named.targets:
            with progress() as show:
                source = msgspec.structs.replace(request.source, platform=target.platform)
                asked = msgspec.structs.replace(
                    matched.request(request, show), reference=target.reference, source=source
                )
                report = run(asked)
            if report.image is None or report.image.digest != target.digest:
                raise UsageError(
                    "the image was replaced while it was read", where=self.image, hint="nothing was signed"
                )
            seen.append(report)
            yield report, b""
        matched.warn_of_stale(seen)

    def _given(self, named: "Named") -> "Iterator[tuple[Report, bytes]]":
        """Take the report that was given, if it is of the image and of nothing else."""
        from hullmark.model.report import Report
        from hullmark.scan.stored import read_stored

        found, body = read_stored(self.report)
        reports = (found,) if isinstance(found, Report) else found.reports
        digests = {target.digest for target in named.targets}
        for report in reports:
            digest = report.image.digest if report.image is not None else ""
            if digest not in digests:
                raise UsageError(
                    f"it is of {digest or 'no image'}, and {self.image} is {', '.join(sorted(digests))}",
                    where=self.report,
                    hint="nothing was signed; --platform says which image of several is meant",
                )
            yield report, body
