"""What is remembered of an image that was scanned: enough to say what comes with it, without reading it again."""

from msgspec import Struct

from hullmark.model.image import Platform

MOST_IDS = 5_000
"""Ids of flaws that are kept of one image; their numbers are whole."""


class KnownImage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An image as it was found at `as_of`; nothing of its files, its configuration's variables or what statements said of it.

    `name` is its first tag, else its `reference`, by which it was read out of a `source`. `names` are the references of registries that it goes by, spelt out (`docker.io/library/debian:12.7`), the
    newest last. `findings` are numbers by severity, `ids` the flaws. `eol` tells that its release was past its end of life, since `eol_date`
    where that is known. `created` is what its configuration says. `size_bytes` are those of the files in its layers (`layers`, verified digests).
    `unchecked` packages were compared with no advisories, `incomplete` says that something of it could not be read.
    """

    name: str
    reference: str = ""
    source: str = ""
    names: tuple[str, ...] = ()
    digest: str
    platform: Platform = Platform()
    as_of: str
    findings: dict[str, int] = {}
    fixable: int = 0
    ids: tuple[str, ...] = ()
    eol: bool = False
    eol_date: str = ""
    created: str = ""
    size_bytes: int = 0
    distribution: str = ""
    packages: int = 0
    unchecked: int = 0
    incomplete: bool = False
    layers: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """The number of findings."""
        return sum(self.findings.values())
