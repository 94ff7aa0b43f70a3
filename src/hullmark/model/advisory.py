"""Advisories as every feed's reader gives them and as the database keeps them."""

import enum
from typing import Literal

from msgspec import Struct


class Severity(enum.StrEnum):
    """Worst first. Debian's 'unimportant' and Ubuntu's 'negligible' are negligible."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEGLIGIBLE = "negligible"
    UNKNOWN = "unknown"


SEVERITY_RANK = {level: rank for rank, level in enumerate(Severity)}
"""0 is the worst."""

State = Literal[
    "affected",
    "not_affected",
    "will_not_fix",
    "end_of_life",
    "under_investigation",
]
"""The publisher's word on one package in one release. A range with a `fixed` is `affected` below it."""


class Score(Struct, frozen=True, omit_defaults=True):
    """One source's word on severity.

    `source` is whose word it is, as shown to people (`debian`, `ghsa`, `nvd`, `redhat`, `cna:apache` …).
    `kind` is `cvss2`, `cvss3`, `cvss4` or `level`. `vector` is the CVSS vector as published. `value` is the
    base score (0 to 10; computed at import where only the vector is published), `level` the rating.
    """

    source: str
    kind: Literal["cvss2", "cvss3", "cvss4", "level"] = "level"
    level: Severity = Severity.UNKNOWN
    vector: str = ""
    value: float | None = None


class Reference(Struct, frozen=True, omit_defaults=True):
    """A link; `kind` in OSV's words (ADVISORY, FIX, REPORT, WEB …)."""

    url: str
    kind: str = "WEB"


class Range(Struct, frozen=True, omit_defaults=True):
    """Versions from `introduced` (inclusive; empty or `0`: from the first) to `fixed` (exclusive) or `last_affected` (inclusive).

    With neither end, everything from `introduced` on.
    """

    introduced: str = ""
    fixed: str = ""
    last_affected: str = ""


class Affected(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an advisory says of one package in one release.

    `ecosystem` is the purl type as in `Package.ecosystem`. `release` is empty for language ecosystems, else
    the distribution and release as the feed's parts name them (`debian-12`, `alpine-3.20`, `rhel-9`).
    `scope` tells whether `name` is a source or a binary package (language packages: `binary`). Versions are
    those in any of `ranges` or listed in `versions`. `arches` narrows to architectures where the publisher
    does. `module` narrows to an rpm module (`name:stream`), `cpes` and `repositories` to products. `level` is
    the publisher's severity for this package in this release. `note` is the publisher's own remark.
    """

    ecosystem: str
    name: str
    release: str = ""
    scope: Literal["source", "binary"] = "binary"
    state: State = "affected"
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()
    arches: tuple[str, ...] = ()
    module: str = ""
    cpes: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    level: Severity = Severity.UNKNOWN
    note: str = ""


class Advisory(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record of a feed.

    `aliases` are other ids of the same flaw, never merely related ones. A *bundle* (DSA, USN, RHSA …) fixes
    several flaws at once: `bundle` is true and `fixes` lists their ids, CVE first. Times are RFC 3339 or
    dates as published. `malicious` marks a package that is itself the attack.
    """

    id: str
    title: str = ""
    details: str = ""
    aliases: tuple[str, ...] = ()
    bundle: bool = False
    fixes: tuple[str, ...] = ()
    affected: tuple[Affected, ...] = ()
    scores: tuple[Score, ...] = ()
    cwes: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    published: str = ""
    modified: str = ""
    malicious: bool = False


class Withdrawn(Struct, frozen=True):
    """A record that its publisher took back: it must go from the database."""

    id: str


class Epss(Struct, frozen=True, tag="epss"):
    """FIRST's exploit prediction for a CVE: `probability` and `percentile` are 0 to 1."""

    id: str
    probability: float
    percentile: float
    date: str = ""


class KnownExploited(Struct, frozen=True, tag="kev", omit_defaults=True):
    """An entry of CISA's catalogue of known exploited vulnerabilities; dates as published."""

    id: str
    added: str = ""
    due: str = ""
    ransomware: bool = False
    name: str = ""
    action: str = ""


class Ssvc(Struct, frozen=True, omit_defaults=True):
    """The decision points of CISA's coordinators on a CVE (https://www.cisa.gov/ssvc), in their words and lower case.

    `exploitation` is `none`, `poc` (proof of concept) or `active`, `automatable` `yes` or `no`, `technical_impact` `partial` or
    `total`; `date` is when they were decided.
    """

    exploitation: str = ""
    automatable: str = ""
    technical_impact: str = ""
    date: str = ""


class CveRecord(Struct, frozen=True, tag="cve", omit_defaults=True):
    """What a catalogue (NVD, the CVE List) says of a CVE apart from affected packages."""

    id: str
    details: str = ""
    scores: tuple[Score, ...] = ()
    cwes: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    published: str = ""
    modified: str = ""
    ssvc: Ssvc | None = None


class EndOfLife(Struct, frozen=True, tag="eol", omit_defaults=True):
    """The end of a release's support. `id` is `product-cycle` (`debian-10`); `date` is ISO, empty when unknown.

    `extended` is the end of paid or community extended support, `successor` the next release.
    """

    id: str
    date: str = ""
    extended: str = ""
    successor: str = ""
    ended: bool | None = None


class Repository(Struct, frozen=True, tag="repository"):
    """The products (CPE) that a repository belongs to; `id` is the repository's name."""

    id: str
    cpes: tuple[str, ...]


Note = Epss | KnownExploited | CveRecord | EndOfLife | Repository
"""Facts about a CVE, a release or a repository that are joined when a report is made."""
