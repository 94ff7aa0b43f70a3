"""An image as its manifest and configuration describe it, before anything in its layers was read."""

import re
from typing import Any

from msgspec import Struct

from hullmark.model.facts import Unread

DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
"""A digest of the OCI image specification, descriptor.md; these two algorithms are registered there."""


class Platform(Struct, frozen=True, omit_defaults=True):
    """`os/architecture[/variant]`, the words of the OCI image index."""

    os: str = "linux"
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        """Give the form that `--platform` takes."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Image(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of an image without reading a layer.

    `name` is what the user asked for; `digest` that of the manifest, or of the configuration where the source
    has no manifest, else empty. `config` is the image's configuration document, decoded and bounded, empty
    where there is none. `tags` are the names that the source itself gives the image.
    """

    name: str
    source: str
    digest: str = ""
    config_digest: str = ""
    platform: Platform = Platform()
    config: dict[str, Any] = {}
    tags: tuple[str, ...] = ()
    annotations: dict[str, str] = {}
    unread: tuple[Unread, ...] = ()


class Layer(Struct, frozen=True, kw_only=True):
    """One layer: `digest` is the verified one of its blob, empty where the blob could not be read whole.

    `diff_id` is the one that the configuration claims. `created_by` is the instruction from the image's history.
    """

    index: int
    digest: str = ""
    diff_id: str = ""
    media_type: str = ""
    size_bytes: int = 0
    created_by: str = ""
    from_base: bool | None = None
    entries: int = 0
    content_bytes: int = 0
