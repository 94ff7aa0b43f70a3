"""Why a flaw is reported for an image, or why it is not: what `hullmark explain` says, for people and for scripts."""

from typing import Literal

from msgspec import Struct

from hullmark.model.advisory import Severity
from hullmark.model.report import Component, DatabasePart, Finding, Suppression

SCHEMA_VERSION = "1.1"

Verdict = Literal[
    "affected",
    "undecided",
    "not_affected",
    "fixed",
    "backported",
    "below",
    "above",
    "not_listed",
    "other_architecture",
    "other_module",
    "other_product",
    "outranked",
]
"""What one statement comes to for one package.

`not_affected` is the publisher's own word. `fixed` is at or above the fixed version; `backported` is so too, where the distribution put
the fix into its own build of an upstream version that lacks it. `below` is before the first affected version, `above` after the last.
`other_…` means that it does not speak of this package, `outranked` that the same publisher's more exact word decides.
"""

Outcome = Literal[
    "malicious",
    "affected",
    "undecided",
    "changed",
    "not_checked",
    "suppressed",
    "development",
    "not_affected",
    "backported",
    "fixed",
    "outside",
    "other",
    "unspoken",
    "not_in_image",
    "unknown",
]
"""How a flaw stands for a package, or for the image: the first that holds for any package.

`changed`: today's advisories say otherwise than those that a stored report was made with. `development`: only development needs it.
`outside` the affected range, `other`: what is said is of another architecture, module or product. `unspoken`: others speak of a package of
this name, the publishers that were asked do not. `not_in_image`: no package has a name that is spoken of. `unknown`: nobody here knows the id.
"""


class Heard(Struct, frozen=True, kw_only=True):
    """One statement of one record on one package: the range as published, what was compared with it, and what it comes to.

    `versions` are some of those that it lists in place of a range. `by` tells how the record speaks of the flaw: as its own `id`, an
    `alias`, or as a notice that fixes it (`bundle`). `because` gives the reason for the verdict in a clause. `level` is the publisher's severity for this package.
    """

    feed: str
    part: str
    revision: str
    record: str
    by: Literal["id", "alias", "bundle"]
    package: str
    scope: str
    state: str
    range: str
    versions: tuple[str, ...] = ()
    fixed: str = ""
    compared: str
    scheme: str
    verdict: Verdict
    because: str
    note: str = ""
    level: Severity = Severity.UNKNOWN


class Rating(Struct, frozen=True, kw_only=True):
    """What one source says of the severity. `counts` marks the one that the finding has."""

    source: str
    level: Severity = Severity.UNKNOWN
    kind: str = "level"
    value: float | None = None
    vector: str = ""
    counts: bool = False


class Remedy(Struct, frozen=True, kw_only=True):
    """What fixes it, and where.

    `action` is `upgrade`, `remove` (a malicious package), `release` (the whole release has to be left) or `none` (nothing has the fix).
    `owner` is whose the package is: `base`, `own`, or empty where the base image is not known. `instruction` made its layer; `how` tells whether it `names` the version, `copies` files or
    `runs` a program. `direct` is
    the dependency whose update brings the fix, by way of `chain`; `inside` the file that holds the package: an archive or a program. `command` is that of the
    distribution's package manager.
    """

    action: Literal["upgrade", "remove", "release", "none"]
    fixed_version: str = ""
    owner: Literal["", "base", "own"] = ""
    base: str = ""
    layer: int = -1
    instruction: str = ""
    how: Literal["", "names", "copies", "runs"] = ""
    is_direct: bool = False
    direct: str = ""
    chain: tuple[str, ...] = ()
    inside: str = ""
    command: str = ""
    fix_is_malicious: bool = False


class Explained(Struct, frozen=True, kw_only=True):
    """One package of the image. `component` is None for a flaw of the release itself (its end of life).

    `finding` is there where it is reported or suppressed, `by` the statement that suppresses it and `filter` the reason or the flag.
    `more` is the number of further statements.
    """

    outcome: Outcome
    because: str
    component: Component | None = None
    finding: Finding | None = None
    filter: str = ""
    by: Suppression | None = None
    statements: tuple[Heard, ...] = ()
    more: int = 0
    ratings: tuple[Rating, ...] = ()
    remedy: Remedy | None = None


class Elsewhere(Struct, frozen=True, kw_only=True):
    """A part of the database that was not asked about this image and knows the flaw, with some of the packages that it speaks of."""

    part: str
    record: str
    packages: tuple[str, ...] = ()


class Unchecked(Struct, frozen=True, kw_only=True):
    """Packages of the image that were not compared with advisories, or with none that can be relied on, by `Component.coverage`."""

    state: str
    ecosystem: str
    packages: int
    examples: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Explanation(Struct, frozen=True, kw_only=True):
    """The whole answer for one flaw and one image.

    `ids` are the names under which the flaw is known here, the one that was asked for first. `packages` stand worst first. `asked` are the parts that the image's packages were compared with,
    `changed` those of them that a stored report was made with in another revision. `spoken_of` are some of the packages that the flaw is in. `named` are
    statements that name the flaw and suppress nothing. `incomplete` says that not all of the image could be read or checked, `unread` what could not be read.
    """

    schema_version: str = SCHEMA_VERSION
    id: str
    ids: tuple[str, ...]
    title: str = ""
    image: str
    digest: str = ""
    as_of: str
    outcome: Outcome
    packages: tuple[Explained, ...] = ()
    asked: tuple[DatabasePart, ...] = ()
    changed: tuple[str, ...] = ()
    spoken_of: tuple[str, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    catalogues: tuple[str, ...] = ()
    named: tuple[Suppression, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    dev_packages: int = 0
    unread: tuple[str, ...] = ()
    incomplete: bool = False
