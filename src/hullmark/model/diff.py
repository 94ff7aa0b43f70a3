"""What differs between the reports of two images, or of one at two times.

`before` and `after` are what was named first and second. Only differences are listed; the counts are of everything.
"""

from typing import Literal

from msgspec import Struct

from hullmark.model.advisory import Severity
from hullmark.model.image import Layer
from hullmark.model.report import FindingState, Location, Misconfiguration, SecretFinding

SCHEMA_VERSION = "1.1"

Change = Literal["new", "gone", "changed", "unchanged"]
PackageAspect = Literal["version", "base", "layer", "licences", "places"]
FindingAspect = Literal["version", "severity", "state", "fixed_version", "exploited", "suppressed"]


class Side(Struct, frozen=True, kw_only=True):
    """One of the two: which image it is, what the report knows of it, and what it does not.

    `incomplete` is the report's own word. `unread` and `not_checked` are numbers of things and of packages. `source` is `sbom` where
    no image was read.
    """

    name: str
    source: str = ""
    digest: str = ""
    platform: str = ""
    distribution: str = ""
    as_of: str
    packages: int
    findings: int
    suppressed: int
    incomplete: bool = False
    unread: int = 0
    not_checked: int = 0


class Caveat(Struct, frozen=True):
    """Why the two cannot be compared without reserve; `side` is where the reason lies, `text` one clause for people.

    `database`, `detectors` and `filters` mean that what is new may not be the image's doing. `names` are those that differ.
    """

    kind: Literal[
        "platform",
        "source",
        "database",
        "detectors",
        "scanners",
        "filters",
        "unread",
        "not_checked",
        "skipped",
        "layers",
        "secrets_key",
    ]
    side: Literal["before", "after", "both"]
    text: str
    names: tuple[str, ...] = ()


class PartChange(Struct, frozen=True):
    """A part of the advisory database of which the two used another revision; empty where one lacked it."""

    part: str
    before: str = ""
    after: str = ""


class Layers(Struct, frozen=True):
    """The layers: how many both have, by digest, and those that one has. Sizes are those of the blobs, in bytes."""

    common: int = 0
    new: tuple[Layer, ...] = ()
    gone: tuple[Layer, ...] = ()
    before_bytes: int = 0
    after_bytes: int = 0


class PackageSide(Struct, frozen=True):
    """A package as one of the two has it."""

    version: str
    purl: str
    licences: tuple[str, ...] = ()
    from_base: bool | None = None
    locations: tuple[Location, ...] = ()


class PackageChange(Struct, frozen=True, kw_only=True):
    """A package that one has and the other has not, or has otherwise.

    `direction` is that of the version: `unordered` where the ecosystem's order cannot tell. `unsure` says why it may be there all the
    same: the side that does not list it could not be read whole.
    """

    change: Literal["new", "gone", "changed"]
    ecosystem: str
    name: str
    arch: str = ""
    before: PackageSide | None = None
    after: PackageSide | None = None
    aspects: tuple[PackageAspect, ...] = ()
    direction: Literal["", "up", "down", "unordered"] = ""
    unsure: str = ""


class FindingSide(Struct, frozen=True, kw_only=True):
    """A flaw of a package as one of the two has it, in any of the package's versions. `severity` is the worst.

    Where some of its findings are shown, only these are meant; else `suppressed` says why none is.
    """

    versions: tuple[str, ...]
    severity: Severity
    states: tuple[FindingState, ...]
    fixed_versions: tuple[str, ...] = ()
    exploited: bool = False
    suppressed: tuple[str, ...] = ()
    from_base: bool | None = None
    locations: tuple[Location, ...] = ()


class FindingChange(Struct, frozen=True, kw_only=True):
    """A flaw of a package that one has and the other has not, or has otherwise.

    `why` it is new or gone: the `package` is, its `version` is another one, or the `advisories` say otherwise of the same version.
    `other_versions` are those that the side without the flaw has in its place. One that is `unchanged` is listed where the package has
    another version now and the flaw still. `unsure` says why a flaw that
    is gone may be there all the same, or one that is new may not be: the other side could not be read or checked whole.
    """

    change: Change
    id: str
    kind: str
    package: str
    name: str
    title: str = ""
    before: FindingSide | None = None
    after: FindingSide | None = None
    aspects: tuple[FindingAspect, ...] = ()
    why: Literal["", "package", "version", "advisories"] = ""
    other_versions: tuple[str, ...] = ()
    unsure: str = ""

    @property
    def is_shown(self) -> bool:
        """Tell whether any of the two shows it, rather than having it suppressed."""
        return any(side is not None and not side.suppressed for side in (self.before, self.after))

    @property
    def latest(self) -> FindingSide:
        """Give it as it is, or as it was."""
        found = self.after or self.before
        assert found is not None
        return found


class SecretChange(Struct, frozen=True, kw_only=True):
    """A secret that one has and the other has not: it is the same by its rule, its path and its value.

    `suppressed` says why it is not shown, `unsure` why it may be in the other all the same.
    """

    change: Literal["new", "gone"]
    secret: SecretFinding
    suppressed: str = ""
    unsure: str = ""


class ConfigChange(Struct, frozen=True, kw_only=True):
    """A misconfiguration that one has and the other has not: it is the same by its rule, its file and its resource.

    `suppressed` says why it is not shown, `unsure` why it may be in the other all the same.
    """

    change: Literal["new", "gone"]
    misconfiguration: Misconfiguration
    suppressed: str = ""
    unsure: str = ""


class Counts(Struct, frozen=True):
    """Numbers over everything. Flaws are counted by package, whatever versions of it have them, and only where they are shown.

    `secrets` and `config` (misconfigurations) are `new`, `gone` and `unchanged`.
    """

    packages: dict[str, int]
    versions: dict[str, int]
    findings: dict[str, int]
    new_by_severity: dict[str, int]
    gone_by_severity: dict[str, int]
    unsure: int = 0
    suppressed: int = 0
    secrets: dict[str, int] = {}
    config: dict[str, int] = {}


class Diff(Struct, frozen=True, kw_only=True):
    """What differs. `caveats` are what keeps the two from being compared without reserve."""

    schema_version: str = SCHEMA_VERSION
    before: Side
    after: Side
    caveats: tuple[Caveat, ...] = ()
    database: tuple[PartChange, ...] = ()
    summary: Counts
    layers: Layers = Layers()
    packages: tuple[PackageChange, ...] = ()
    findings: tuple[FindingChange, ...] = ()
    secrets: tuple[SecretChange, ...] = ()
    config: tuple[ConfigChange, ...] = ()
