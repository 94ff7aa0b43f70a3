"""The report: everything a scan knows, in the names that every format, policy and service uses.

Its JSON form is docs/reference/report.schema.json; lists are always whole, `summary` is additional.
"""

from typing import Any, Literal

from msgspec import Struct

from hullmark.model.advisory import EndOfLife, Epss, KnownExploited, Reference, Score, Severity, Ssvc
from hullmark.model.decision import Decision
from hullmark.model.facts import SYSTEM, Distribution, Unread
from hullmark.model.image import Layer, Platform
from hullmark.model.rule import Confidence

SCHEMA_VERSION = "1.4"

CHECKED = frozenset({"matched", "feed_stale", "release_eol"})
"""The states of packages that were compared with advisories."""

CoverageState = Literal["matched", "no_feed", "feed_missing", "feed_stale", "release_unknown", "release_eol"]
FindingState = Literal[
    "affected", "fixed_available", "will_not_fix", "end_of_life", "under_investigation", "undecided"
]


class Tool(Struct, frozen=True):
    """Who made the report: the program, and each detector with its version."""

    name: str
    version: str
    detectors: dict[str, int]


class DatabasePart(Struct, frozen=True):
    """A part of the advisory database that this report used: its revision, time and age in hours at `as_of`."""

    part: str
    feed: str
    revision: str
    built: str = ""
    newest: str = ""
    advisories: int = 0
    age_hours: float | None = None
    stale: bool = False


class ReportDatabase(Struct, frozen=True):
    """The advisory database as this report used it."""

    parts: tuple[DatabasePart, ...]


class BaseImage(Struct, frozen=True):
    """Which of the layers came with the base image, and how that is known.

    `evidence` is `option` (--base), `memory` (an image with just these layers was scanned before), `label`
    (resolved and verified) or `claimed` (a label alone, which attributes nothing). `layers` is their number.
    `rejected` are the references of --base whose layers this image does not start with. `compared` tells by what
    the layers were found to be the same: `digests` of their blobs, or `diff_ids` computed from their bytes.
    """

    evidence: Literal["option", "memory", "label", "claimed", "none"]
    name: str = ""
    digest: str = ""
    layers: int = 0
    rejected: tuple[str, ...] = ()
    compared: Literal["", "digests", "diff_ids"] = ""


class Location(Struct, frozen=True):
    """Where a package stands: the file that proves it, the place in it, the layer that brought it."""

    path: str
    layer: int
    place: str = ""
    layer_digest: str = ""
    created_by: str = ""
    from_base: bool | None = None
    detector: str = ""


class ReportImage(Struct, frozen=True, kw_only=True):
    """The image. `release` is the file that names the distribution. `config` is its own configuration; values that may be secrets are `***` in it and in `annotations`."""

    name: str
    source: str
    digest: str = ""
    config_digest: str = ""
    platform: Platform = Platform()
    tags: tuple[str, ...] = ()
    distribution: Distribution | None = None
    release: Location | None = None
    derived_from: str = ""
    base: BaseImage = BaseImage("none")
    config: dict[str, Any] = {}
    annotations: dict[str, str] = {}


_SYSTEMS = SYSTEM | {"ebuild", "opkg"}


def package_type(ecosystem: str) -> str:
    """Tell an operating system's packages (`os`) from a language's (`library`)."""
    return "os" if ecosystem in _SYSTEMS else "library"


class Component(Struct, frozen=True, kw_only=True):
    """A package of the image, once, with every place where it was found.

    `id` is stable within the report. `provides` are language packages whose files this OS package owns.
    `from_base` is None where the base image is not known, `coverage` where no vulnerabilities were looked for.
    """

    id: str
    purl: str
    ecosystem: str
    name: str
    version: str
    arch: str = ""
    source: str = ""
    source_version: str = ""
    licences: tuple[str, ...] = ()
    origin: str = "installed"
    dev: bool = False
    direct: bool | None = None
    via: tuple[str, ...] = ()
    module: str = ""
    vendor: str = ""
    cpe: str = ""
    provides: tuple[str, ...] = ()
    locations: tuple[Location, ...] = ()
    from_base: bool | None = None
    coverage: CoverageState | None = "matched"
    feeds: tuple[str, ...] = ()


def is_unchecked(component: Component, pkg_types: tuple[str, ...]) -> bool:
    """Tell whether a package that was asked for (`Coverage.pkg_types`) was not compared with advisories, though it should."""
    asked = not pkg_types or package_type(component.ecosystem) in pkg_types
    return asked and component.coverage is not None and component.coverage not in CHECKED


class Bundle(Struct, frozen=True):
    """A publisher's notice that fixes several flaws at once (DSA, USN, RHSA …), and when it came."""

    id: str
    fixed_version: str = ""
    url: str = ""
    published: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """Why a package is affected: the record, its revision, the range as published, and the order used."""

    feed: str
    part: str
    revision: str
    record: str
    range: str
    scheme: str
    compared: str
    state: str = "affected"
    note: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """One flaw in one package.

    `id` is the CVE, else the GHSA, else the publisher's id. `fixed_version` is the lowest version that has the
    fix on the package's own line. `severity_source` says whose severity counts.
    """

    id: str
    kind: Literal["vulnerability", "malicious", "end_of_life", "bundle"] = "vulnerability"
    component: str
    purl: str
    name: str
    version: str
    severity: Severity = Severity.UNKNOWN
    severity_source: str = ""
    state: FindingState = "affected"
    fixed_version: str = ""
    aliases: tuple[str, ...] = ()
    title: str = ""
    details: str = ""
    scores: tuple[Score, ...] = ()
    cwes: tuple[str, ...] = ()
    published: str = ""
    modified: str = ""
    bundles: tuple[Bundle, ...] = ()
    epss: Epss | None = None
    kev: KnownExploited | None = None
    ssvc: Ssvc | None = None
    eol: EndOfLife | None = None
    references: tuple[Reference, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    locations: tuple[Location, ...] = ()
    from_base: bool | None = None
    fix_is_malicious: bool = False


VexStatus = Literal["not_affected", "affected", "fixed", "under_investigation"]


class Suppression(Struct, frozen=True, kw_only=True):
    """What somebody said of flaws beforehand: an entry of an ignore file or a statement of a VEX document, where it stands.

    It speaks of the findings that fit all that it names: `ids` (a finding's id or an alias), `packages` (package URLs; without a version of
    every one; or bare names), `paths` (globs), `layers` (digests, or `base` and `own`), `states`, and `products` (the images, by package URL,
    digest or name). What is empty fits all. `status` is empty for an ignore file, whose entries always take findings out; of VEX statements
    `not_affected` and `fixed` do.

    `state` is what came of it: `used` (it took `findings` out), `fix_available` (it did, and for one of them a fix has come), `unused`,
    `expired`, `contradicted` (another statement says otherwise, so neither counts), `other_image`, `kept` (it says that something is
    affected), or `claimed` (it is attached to the image and nobody who is believed has signed it, so it does not count: `source` says why).
    """

    source: str
    line: int = 0
    ids: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    status: Literal["", VexStatus] = ""
    justification: str = ""
    reason: str = ""
    author: str = ""
    expires: str = ""
    said: str = ""
    state: Literal[
        "used", "fix_available", "unused", "expired", "contradicted", "other_image", "kept", "claimed"
    ] = "unused"
    findings: int = 0


class Suppressed(Struct, frozen=True):
    """A finding that a filter or statement took out of the list, with the reason.

    `gated` ones are only not shown: a gate counts them as it does those that are. `by` is the place of the statement in
    `Report.suppressions`, -1 for a filter.
    """

    reason: str
    finding: Finding
    gated: bool = False
    by: int = -1


class EcosystemCoverage(Struct, frozen=True):
    """How the packages of one ecosystem were checked. `missing` are parts that speak for some of them and could not be asked."""

    ecosystem: str
    packages: int
    states: dict[str, int]
    feeds: tuple[str, ...] = ()
    age_hours: float | None = None
    missing: tuple[str, ...] = ()


class Coverage(Struct, frozen=True):
    """What was checked and what was not.

    `scanners` are those that ran: `vuln`, `secret`, `config`. `dev_packages` and `skipped_files` are left out on
    purpose and counted; `dev_unchecked` of the former may be malicious, since their advisories could not be asked. `pkg_types` are those that the findings were asked for (`os`, `library`; all when empty).
    `release` says whether the end of life of the distribution's release was looked up (empty: no distribution).
    `binary_files`, those of all layers with a NUL byte in the first 8 KiB, were searched for secrets only by the rules for such files.
    """

    ecosystems: tuple[EcosystemCoverage, ...] = ()
    not_checked: int = 0
    dev_packages: int = 0
    skipped_files: int = 0
    scanners: tuple[str, ...] = ()
    pkg_types: tuple[str, ...] = ()
    release: Literal["", "matched", "no_feed", "feed_missing"] = ""
    dev_unchecked: int = 0
    binary_files: int = 0


SecretSource = Literal["file", "deleted_file", "environment", "label", "history", "command", "dockerfile"]


class SecretFinding(Struct, frozen=True, kw_only=True):
    """A secret: where it stands and by which rule it was found, never its value.

    `source` says in what: a visible file, one that a later layer deletes or overwrites (who can pull the image can read it), the image's
    configuration, or a Dockerfile. `path` is that of the file, else the field (`config.Env.DB_PASSWORD`, `history.7`). `line` and `column` count
    from 1, 0 where there is none. `fingerprint` is an HMAC of rule and value, made with the key whose id is `Report.secrets_key`; where
    the same value stands in several places it is the same. Gates count `high` confidence alone. `reason` says what lowered it.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    message: str
    source: SecretSource
    path: str
    line: int = 0
    column: int = 0
    end_column: int = 0
    fingerprint: str = ""
    reason: str = ""
    layer: int = -1
    layer_digest: str = ""
    created_by: str = ""
    from_base: bool | None = None
    same_as: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()


class Misconfiguration(Struct, frozen=True, kw_only=True):
    """Something wrong with an image's configuration, its file system, or a Dockerfile.

    `file` is the Dockerfile or the path in the image, else the field of the configuration (`config.User`). `line` and `column` count from
    1, 0 where there is none; what is at `end_line` and `end_column` is not part of it any more. `message` says what is wrong here, `advice` what to do here.
    `resource` tells findings of one rule and place apart: a port, a path, a stage. Several places of the same kind are one finding, `count` of them.
    """

    rule: str
    severity: Severity
    message: str
    advice: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    resource: str = ""
    count: int = 1
    layer: int = -1
    layer_digest: str = ""
    created_by: str = ""
    from_base: bool | None = None
    same_as: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()


class Silenced(Struct, frozen=True):
    """A secret or misconfiguration that a filter, an ignore file, a baseline, an ignore comment or a file of allowed values took out of the lists.

    `secret` or `config` is the whole of it, where that is known. `gated` ones are only not shown: a gate counts them as it does those that
    are. `by` is the place of the statement in `Report.suppressions`, -1 where there is none.
    """

    reason: str
    rule: str
    path: str
    line: int = 0
    fingerprint: str = ""
    gated: bool = False
    by: int = -1
    secret: SecretFinding | None = None
    config: Misconfiguration | None = None


class Summary(Struct, frozen=True):
    """Numbers over the lists of the report; `secrets` and `config` are by severity."""

    packages: int
    findings: int = 0
    by_severity: dict[str, int] = {}
    fixable: int = 0
    from_base: int = 0
    from_own_layers: int = 0
    unattributed: int = 0
    unread: dict[str, int] = {}
    unread_in_deleted: int = 0
    secrets: dict[str, int] = {}
    config: dict[str, int] = {}


class Report(Struct, frozen=True, kw_only=True):
    """The whole answer to one scan of one image."""

    schema_version: str = SCHEMA_VERSION
    tool: Tool
    as_of: str
    database: ReportDatabase
    image: ReportImage | None
    layers: tuple[Layer, ...] = ()
    incomplete: bool = False
    errors: tuple[Unread, ...] = ()
    coverage: Coverage = Coverage()
    summary: Summary
    packages: tuple[Component, ...] = ()
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    secrets: tuple[SecretFinding, ...] = ()
    secrets_key: str = ""
    config: tuple[Misconfiguration, ...] = ()
    silenced: tuple[Silenced, ...] = ()
    decision: Decision | None = None


class Failure(Struct, frozen=True):
    """An image that could not be scanned at all."""

    name: str
    reason: str
    hint: str = ""


class ReportSet(Struct, frozen=True, kw_only=True):
    """Several images in one call: their reports in the order asked for, the failures, and numbers over all."""

    schema_version: str = SCHEMA_VERSION
    reports: tuple[Report, ...]
    failures: tuple[Failure, ...] = ()
    summary: Summary
