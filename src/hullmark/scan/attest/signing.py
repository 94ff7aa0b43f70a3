"""A report becomes signed attestations: its packages as an SBOM, its sum, its flaws."""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hullmark.model.errors import UsageError
from hullmark.model.report import Coverage, Report, Summary
from hullmark.scan.attest import bundle, dsse, predicates, statement
from hullmark.scan.attest.dsse import Signing

KINDS = ("sbom", "scan", "vulns")

Render = Callable[[str, Report], bytes]
"""Renders a report in the format of a name."""


class Signed(Struct, frozen=True, kw_only=True):
    """An attestation of an image: a Sigstore bundle."""

    digest: str
    predicate_type: str
    body: bytes


def attestations(
    report: Report, kinds: Sequence[str], sbom_format: str, render: Render, body: bytes = b""
) -> Iterator[tuple[str, bytes]]:
    """Give what is to be said of a report's image: types and predicates. `body` is the report's file, where it was stored.

    Raises `UsageError` for flaws of which none were looked for.
    """
    for kind in kinds:
        if kind == "sbom":
            yield predicates.SBOMS[sbom_format], render(sbom_format, inventory_of(report))
        elif kind == "scan":
            yield predicates.SCAN, predicates.scan_result(report, body or render("json", report))
        else:
            if "vuln" not in report.coverage.scanners or not report.database.parts:
                what = "nothing was matched with advisories, so that nothing can be said of vulnerabilities"
                name = report.image.name if report.image is not None else ""
                raise UsageError(what, where=name, hint="--type sbom,scan")
            yield predicates.VULNS, predicates.vulns(report)


def sign(name: str, digest: str, predicate_type: str, predicate: bytes, key: Signing) -> Signed:
    """Sign what is said of an image; `name` is its repository's, empty where it is in none."""
    payload = statement.encode(name, digest, predicate_type, predicate)
    envelope = dsse.signed(statement.PAYLOAD_TYPE, payload, key)
    return Signed(digest=digest, predicate_type=predicate_type, body=bundle.encode(envelope, key.keyid))


def inventory_of(report: Report) -> Report:
    """Leave of a report what an SBOM has: an SBOM is right for as long as the image is there, what is known of flaws for a day."""
    coverage = report.coverage
    return replace(
        report,
        database=replace(report.database, parts=()),
        packages=tuple(replace(each, coverage=None, feeds=()) for each in report.packages),
        coverage=Coverage(dev_packages=coverage.dev_packages, skipped_files=coverage.skipped_files),
        summary=Summary(
            packages=report.summary.packages,
            unread=report.summary.unread,
            unread_in_deleted=report.summary.unread_in_deleted,
        ),
        findings=(),
        suppressed=(),
        suppressions=(),
        secrets=(),
        secrets_key="",
        config=(),
        silenced=(),
        decision=None,
    )
