"""What a feed's part can speak for: an ecosystem, or one release of a distribution."""

from msgspec import Struct

from hullmark.model.facts import Distribution


class Target(Struct, frozen=True):
    """`ecosystem` is the purl type; `distribution` is set for OS packages (`deb`, `rpm`, `apk`, `alpm`)."""

    ecosystem: str
    distribution: Distribution | None = None
