"""What a scan is asked for."""

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct, field

from hullmark.detectors.detector import Limits
from hullmark.detectors.secrets.foreign import SecretConfig
from hullmark.findings.narrowing import Narrowing
from hullmark.images.limits import ReadLimits
from hullmark.images.source import SourceOptions
from hullmark.model.decision import Decision
from hullmark.model.report import Report, ReportImage, Suppression

Progress = Callable[[str, int, int], None]
Decide = Callable[[Report], Decision]
Attached = Callable[[ReportImage, Sequence[str]], tuple[Suppression, ...]]
"""Gives the statements that are attached to an image with layers of these digests."""
Warn = Callable[[str, str, str], None]
"""Told what a person should know, of what, and what to do."""


def _silent(_what: str, _done: int, _total: int) -> None:
    return


def _unheard(_what: str, _where: str, _hint: str) -> None:
    return


class Feeds(Struct, frozen=True, kw_only=True):
    """Where a scan fetches advisories that it lacks: from a published database alone, a mirror's address, or their publishers.

    A published one must be signed by `key` and have the digest `revision` where these are given. A scan waits `timeout_s` for
    what is missing. `nvd_key` is a file.
    """

    published: str = ""
    key: str = ""
    revision: str = ""
    mirror: str = ""
    nvd_key: str = ""
    timeout_s: float = 30.0


class Filters(Narrowing, frozen=True, kw_only=True):
    """Which packages are looked at, and which findings are shown. `skip_paths` are globs."""

    skip_paths: tuple[str, ...] = ()
    include_dev: bool = False


class ScanRequest(Struct, frozen=True, kw_only=True):
    """One image and everything that shapes its report.

    `as_of` (RFC 3339, UTC) is the only clock. `scanners` say what is looked for beside packages, which always are:
    `vuln`, `secret`, `config`; the report says which of them ran. `cache` None remembers nothing, `database` None matches
    nothing. `feeds` None fetches nothing. `severity_sources` are those whose severities count before all others. `base` are references of possible base images. `timeout_s` 0 means no limit. `max_age_h` is the age at which a part is stale.
    `secrets_key` is the file with the key of the fingerprints of secrets; without one the cache has its own. `rules` are names of rules beside the default set, or `pedantic`.
    `secret_config` are rules and allow-lists for secrets of a team's own. `decide` asks the policies.
    `attached` looks for what is said of an image in its registry; those statements stand behind those of `filters`.
    """

    reference: str
    as_of: str
    scanners: tuple[str, ...] = ("vuln",)
    cache: Path | None = None
    cache_bytes: int = 2 * 1024**3
    cache_read_only: bool = False
    database: Path | None = None
    base: tuple[str, ...] = ()
    severity_sources: tuple[str, ...] = ()
    filters: Filters = field(default_factory=Filters)
    source: SourceOptions = field(default_factory=SourceOptions)
    limits: ReadLimits = field(default_factory=ReadLimits)
    file_limits: Limits = field(default_factory=Limits)
    timeout_s: float = 0
    max_age_h: float = 24.0
    secrets_key: Path | None = None
    rules: tuple[str, ...] = ()
    secret_config: SecretConfig | None = None
    threads: int = 0
    offline: bool = False
    feeds: Feeds | None = None
    decide: Decide | None = None
    attached: Attached | None = None
    progress: Progress = _silent
    warn: Warn = _unheard
