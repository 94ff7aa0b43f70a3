"""An image in a registry (OCI distribution specification 1.1).

Reference: `NAME[:TAG][@DIGEST]` as Docker reads it, so `alpine` is `docker.io/library/alpine:latest`.
"""

import contextlib
import functools
import re

from hullmark.images import _oci
from hullmark.images.reference import Reference, parse
from hullmark.images.registry import Registry
from hullmark.images.source import Blob, OpenedImage, Source, SourceOptions
from hullmark.model.errors import UsageError
from hullmark.model.image import Platform

_FILE_LIKE = re.compile(r"[^@]*\.(?:tar|tgz|gz|zst|zip|json|ya?ml)(?::[^/:]*)?", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[0-9a-f]{64}")


def guess(reference: str) -> bool:
    """Tell whether the text can be an image's name; what ends as a file does (`image.tar`, `image.tar:NAME`) is not.

    A file's name that was mistyped would otherwise be sent to a registry.
    """
    try:
        parse(reference)
    except UsageError:
        return False
    return not _FILE_LIKE.fullmatch(reference) and not _IDENTIFIER.fullmatch(reference)


def open_registry(text: str, options: SourceOptions) -> OpenedImage:
    """Open an image of a registry; its layers are fetched when they are read."""
    reference = parse(text)
    registry = Registry(reference, options)

    def make(descriptor: _oci.Descriptor) -> Blob:
        return Blob(
            open=functools.partial(registry.blob, reference, descriptor), addressed=True, forkable=True
        )

    try:
        root = registry.manifest(reference)
        chosen, digest = _oci.choose(
            _oci.decode(root.body, text),
            root.digest,
            options.platform,
            _manifests(registry, reference),
            options.limits,
            text,
        )
        fetch = functools.partial(registry.document, reference)
        opened = _oci.opened(text, "registry", chosen, digest, fetch, make, options.limits)
    except BaseException:
        registry.close()
        raise
    opened.close = registry.close
    return opened


def platforms(text: str, options: SourceOptions) -> tuple[Platform, ...]:
    """List the platforms that an index offers."""
    reference = parse(text)
    with contextlib.closing(Registry(reference, options)) as registry:
        root = _oci.decode(registry.manifest(reference).body, text)
        return tuple(_oci.platforms(root, _manifests(registry, reference), options.limits, text))


def _manifests(registry: Registry, reference: Reference) -> _oci.Fetch:
    return lambda descriptor: registry.manifest(reference, descriptor.digest).body


SOURCE = Source(
    name="registry",
    prefixes=("registry",),
    rank=100,
    guess=guess,
    open=open_registry,
    platforms=platforms,
    by_name=True,
)
