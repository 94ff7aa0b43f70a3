"""Which layers came with the base image, and the evidence for it."""

from collections.abc import Callable, Sequence

from hullmark.images.open import open_image
from hullmark.images.source import SourceOptions
from hullmark.model.errors import HullmarkError, UsageError
from hullmark.model.image import Image
from hullmark.model.report import BaseImage
from hullmark.scan.cache import FactCache

_NAME = "org.opencontainers.image.base.name"
_DIGEST = "org.opencontainers.image.base.digest"


def find_base(
    image: Image,
    chain: Sequence[str],
    options: Sequence[str],
    cache: FactCache,
    source: SourceOptions,
    digests: Callable[[str, SourceOptions], tuple[str, ...]],
) -> BaseImage:
    """Find the base image of a chain of verified layer digests (an unverified layer's digest is empty).

    The first of `options` whose own layers are a prefix; else the longest strict prefix that this machine has
    scanned as an image; else the label's claim, which attributes nothing.
    """
    for reference in options:
        layers = digests(reference, source)
        if layers and len(layers) <= len(chain) and tuple(chain[: len(layers)]) == layers:
            return BaseImage("option", reference, "", len(layers))
    if options:
        names = ", ".join(options)
        raise UsageError(
            f"its layers do not start with those of {names}", where=image.name, hint="see --base"
        )
    for length in range(len(chain) - 1, 0, -1):
        seen = cache.image_of(tuple(chain[:length])) if all(chain[:length]) else None
        if seen is not None:
            return BaseImage("memory", seen.names[-1], "", length)
    labels = image.config.get("config")
    found = labels.get("Labels") if isinstance(labels, dict) else None
    stated = {**image.annotations, **(found if isinstance(found, dict) else {})}
    name, digest = stated.get(_NAME), stated.get(_DIGEST)
    if isinstance(name, str) or isinstance(digest, str):
        return BaseImage("claimed", str(name or "")[:300], str(digest or "")[:200])
    return BaseImage("none")


def layer_digests(reference: str, source: SourceOptions) -> tuple[str, ...]:
    """Give the layer digests that an image's manifest names, empty where the image cannot be had."""
    try:
        opened = open_image(reference, source)
    except UsageError:
        raise
    except HullmarkError as problem:
        raise UsageError(
            f"the base image cannot be read: {problem}", where=reference, hint="see --base"
        ) from problem
    opened.close()
    return tuple(blob.claimed for blob in opened.layers)
