"""What is said of an image: the types of predicates, those that are written here, and the time that each says.

Formats: CycloneDX and SPDX documents as they are; `spec/predicates/vulns_02.md` of https://github.com/in-toto/attestation;
and our own, a scan's result without its lists: docs/reference/attestation.schema.json.
"""

import datetime as dt

import msgspec
from msgspec import Struct

from hullmark.model.advisory import Score
from hullmark.model.decision import Decision
from hullmark.model.report import Coverage, Finding, Report, ReportDatabase, Summary, Tool
from hullmark.scan.attest.dsse import EnvelopeError

SCHEMA_VERSION = "1.0"
SCAN = f"https://hullmark.dev/schema/attestation-{SCHEMA_VERSION}.json"
VULNS = "https://in-toto.io/attestation/vulns/v0.2"
CYCLONEDX = "https://cyclonedx.org/bom"
SPDX = "https://spdx.dev/Document"
OPENVEX = "https://openvex.dev/ns"
SBOMS = {"cyclonedx": CYCLONEDX, "spdx": SPDX}
KINDS = {
    "sbom": (CYCLONEDX, SPDX),
    "scan": (SCAN,),
    "vulns": (VULNS, "https://cosign.sigstore.dev/attestation/vuln/v1"),
    "vex": (OPENVEX,),
}
"""What people call the types of predicates. A type may have a version behind it, as `https://cyclonedx.org/bom/v1.6` has."""
_URI = "https://hullmark.dev"


class StoredReport(Struct, frozen=True, kw_only=True):
    """The whole report of which this is the sum: the digest of the file, and its schema version."""

    digest: str
    schema_version: str


class ScanResult(Struct, frozen=True, kw_only=True):
    """What a scan came to: the names are the report's, and its lists are left out.

    `report` names the report itself. `decision` is that of the policies, null where none was asked.
    """

    schema_version: str = SCHEMA_VERSION
    tool: Tool
    as_of: str
    database: ReportDatabase
    platform: str
    incomplete: bool
    coverage: Coverage
    summary: Summary
    decision: Decision | None
    report: StoredReport


class _Db(Struct, frozen=True, rename="camel", omit_defaults=True):
    uri: str = ""
    version: str = ""
    last_update: str = ""


class _Severity(Struct, frozen=True):
    method: str
    score: str


class _Flaw(Struct, frozen=True):
    id: str
    severity: list[_Severity]
    annotations: list[dict[str, str]]


class _Scanner(Struct, frozen=True):
    uri: str
    version: str
    db: _Db
    result: list[_Flaw]


class _Metadata(Struct, frozen=True, rename="camel"):
    scan_started_on: str
    scan_finished_on: str


class _Vulns(Struct, frozen=True):
    scanner: _Scanner
    metadata: _Metadata


def scan_result(report: Report, body: bytes) -> bytes:
    """Give the predicate that sums up a report; `body` is the report's file."""
    from hullmark.images._oci import digest_of

    result = ScanResult(
        tool=report.tool,
        as_of=report.as_of,
        database=report.database,
        platform=str(report.image.platform) if report.image is not None else "",
        incomplete=report.incomplete,
        coverage=report.coverage,
        summary=report.summary,
        decision=report.decision,
        report=StoredReport(digest=digest_of(body), schema_version=report.schema_version),
    )
    return msgspec.json.encode(result)


def vulns(report: Report) -> bytes:
    """Give in-toto's predicate of vulnerabilities, version 0.2: each flaw of each package that the report lists."""
    parts = report.database.parts
    db = _Db(
        uri=f"{_URI}/database",
        version=" ".join(f"{part.part}@{part.revision}" for part in parts),
        last_update=max((part.built for part in parts), default=""),
    )
    flaws = [_flaw(finding) for finding in report.findings if finding.kind != "end_of_life"]
    scanner = _Scanner(_URI, report.tool.version, db, flaws)
    return msgspec.json.encode(_Vulns(scanner, _Metadata(report.as_of, report.as_of)))


def _flaw(finding: Finding) -> _Flaw:
    severity = [_Severity(finding.severity_source or "hullmark", str(finding.severity))]
    severity += [_Severity(*said) for each in finding.scores if (said := _said(each)) is not None]
    notes = {"purl": finding.purl, "state": finding.state, "fixed_version": finding.fixed_version}
    return _Flaw(finding.id, severity, [{name: text} for name, text in notes.items() if text])


def _said(score: Score) -> tuple[str, str] | None:
    return (score.source, score.vector) if score.vector else None


# ── what others, or we, have said ───────────────────────────────────────────────────────────────────────


class _OurTime(Struct, frozen=True):
    as_of: str = ""


class _CycloneTime(Struct, frozen=True):
    class Metadata(Struct, frozen=True):
        timestamp: str = ""

    metadata: Metadata = Metadata()


class _SpdxTime(Struct, frozen=True, rename="camel"):
    class Info(Struct, frozen=True):
        created: str = ""

    creation_info: Info = Info()


class _VexTime(Struct, frozen=True):
    timestamp: str = ""
    last_updated: str = ""


class _VulnsTime(Struct, frozen=True):
    class Metadata(Struct, frozen=True, rename="camel"):
        scan_finished_on: str = ""

    metadata: Metadata = Metadata()


class _CustomTime(Struct, frozen=True, rename="pascal"):
    timestamp: str = ""


def is_of(predicate_type: str, wanted: str) -> bool:
    """Tell whether a type is the wanted one, whatever its version where only the type is named."""
    return predicate_type == wanted or predicate_type.startswith(f"{wanted}/v")


def kind_of(predicate_type: str) -> str:
    """Give what people call a type; empty for those of others."""
    names = (kind for kind, types in KINDS.items() if any(is_of(predicate_type, each) for each in types))
    return next(names, "")


def time_of(predicate_type: str, predicate: bytes) -> dt.datetime | None:
    """Give the time that a predicate says it is of; None where it says none. Raises `EnvelopeError` for what is not of its type."""
    try:
        said = _time_said(predicate_type, predicate)
        found = dt.datetime.fromisoformat(said) if said else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as problem:
        raise EnvelopeError(f"its predicate is none of its type: {problem}") from problem
    try:
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC) if found else None
    except OverflowError as problem:
        raise EnvelopeError(f"it says a time that there is not: {said[:40]!r}") from problem


def _time_said(predicate_type: str, predicate: bytes) -> str:
    match kind_of(predicate_type):
        case "scan":
            return msgspec.json.decode(predicate, type=_OurTime).as_of
        case "vulns":
            return msgspec.json.decode(predicate, type=_VulnsTime).metadata.scan_finished_on
        case "vex":
            told = msgspec.json.decode(predicate, type=_VexTime)
            return told.last_updated or told.timestamp
        case "sbom" if is_of(predicate_type, CYCLONEDX):
            return msgspec.json.decode(predicate, type=_CycloneTime).metadata.timestamp
        case "sbom":
            return msgspec.json.decode(predicate, type=_SpdxTime).creation_info.created
    return ""
