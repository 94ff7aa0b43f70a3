"""Which layers came with the base image, and the evidence for it."""

from collections.abc import Callable, Sequence

from hullmark.images.open import open_image
from hullmark.images.source import SourceOptions
from hullmark.model.errors import HullmarkError, UsageError
from hullmark.model.image import DIGEST, Image
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
    scanned as an image; else what the label names, where the image's own registry has it and it is a prefix. A
    label that cannot be proven attributes nothing. Options that do not fit are named in `rejected`.
    """
    for reference in options:
        layers = digests(reference, source)
        if _starts_with(chain, layers):
            return BaseImage("option", reference, "", len(layers))
    rejected = tuple(options)
    for length in range(len(chain) - 1, 0, -1):
        seen = cache.image_of(tuple(chain[:length])) if all(chain[:length]) else None
        if seen is not None:
            return BaseImage("memory", seen.names[-1], "", length, rejected)
    labels = image.config.get("config")
    found = labels.get("Labels") if isinstance(labels, dict) else None
    stated = {**image.annotations, **(found if isinstance(found, dict) else {})}
    name, digest = stated.get(_NAME), stated.get(_DIGEST)
    if not isinstance(name, str) and not isinstance(digest, str):
        return BaseImage("none", rejected=rejected)
    name, digest = str(name or "")[:300], str(digest or "")[:200]
    layers = _of_label(image, name, digest, source, digests)
    if _starts_with(chain, layers):
        return BaseImage("label", name, digest, len(layers), rejected)
    return BaseImage("claimed", name, digest, 0, rejected)


def _starts_with(chain: Sequence[str], layers: tuple[str, ...]) -> bool:
    return bool(layers) and all(layers) and tuple(chain[: len(layers)]) == layers


def _of_label(
    image: Image,
    name: str,
    digest: str,
    source: SourceOptions,
    digests: Callable[[str, SourceOptions], tuple[str, ...]],
) -> tuple[str, ...]:
    """Ask the registry that the image itself came from; another one was not given to us to talk to."""
    if image.source != "registry" or not name or not DIGEST.fullmatch(digest):
        return ()
    from hullmark.images.reference import parse

    try:
        base = parse(name)
        if base.host != parse(image.name).host:
            return ()
        return digests(f"registry:{base.host}/{base.repository}@{digest}", source)
    except HullmarkError:
        return ()


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
