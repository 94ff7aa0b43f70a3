"""Which layers came with the base image, and the evidence for it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from hullmark.images.open import open_image
from hullmark.images.source import Blob, OpenedImage, SourceOptions
from hullmark.model.errors import BaseError, HullmarkError
from hullmark.model.image import DIGEST, Image
from hullmark.model.report import BaseImage
from hullmark.scan.cache import FactCache
from hullmark.scan.diff_ids import DiffIds
from hullmark.scan.masking import masked_text

_NAME = "org.opencontainers.image.base.name"
_DIGEST = "org.opencontainers.image.base.digest"


class Base(Struct, frozen=True):
    """An image that `--base` names, from the lowest layer up."""

    reference: str
    layers: tuple[Blob, ...]
    close: Callable[[], None]


def open_base(reference: str, source: SourceOptions, ids: DiffIds) -> Base:
    """Open an image that may be the base. Raises `BaseError` where it cannot be had."""
    try:
        opened = open_image(reference, msgspec.structs.replace(source, early=ids.take))
    except HullmarkError as problem:
        raise BaseError(
            f"the base image cannot be read: {problem.what}",
            where=problem.where or reference,
            hint=problem.hint or "see --base",
        ) from problem
    return Base(reference, tuple(opened.layers), opened.close)


def find_base(
    opened: OpenedImage,
    chain: Sequence[str],
    bases: Sequence[Base],
    cache: FactCache,
    source: SourceOptions,
    ids: DiffIds,
) -> BaseImage:
    """Find the base image of an image whose layers have these verified digests (an unverified one's is empty).

    The first of `bases` whose own layers stand at the bottom, by the digests of their blobs or by their computed diff
    ids; else the longest strict prefix that this machine has scanned as an image; else what the label names, where
    the image's own registry has it and it is a prefix. A label that cannot be proven attributes nothing. Bases that
    do not fit are named in `rejected`.
    """
    for base in bases:
        if compared := _compared(base.layers, opened.layers, chain, ids):
            return BaseImage("option", base.reference, "", len(base.layers), compared=compared)
    rejected = tuple(base.reference for base in bases)
    if (known := cache.base_of(chain)) is not None:
        seen, length = known
        return BaseImage("memory", seen.names[-1], "", length, rejected, "digests")
    image = opened.image
    name, digest = labelled(image.config, image.annotations)
    if not name and not digest:
        return BaseImage("none", rejected=rejected)
    layers = _of_label(image, name, digest, source)
    if _starts_with(chain, layers):
        return BaseImage("label", name, digest, len(layers), rejected, "digests")
    return BaseImage("claimed", masked_text(name), digest, 0, rejected)


def labelled(config: Mapping[str, Any], annotations: Mapping[str, str]) -> tuple[str, str]:
    """Give the name and the digest of the base as an image's labels or annotations claim them; empty where they do not."""
    labels = config.get("config")
    found = labels.get("Labels") if isinstance(labels, dict) else None
    stated = {**annotations, **(found if isinstance(found, dict) else {})}
    name, digest = stated.get(_NAME), stated.get(_DIGEST)
    return (
        name[:300] if isinstance(name, str) else "",
        digest[:200] if isinstance(digest, str) else "",
    )


def _compared(
    base: Sequence[Blob], layers: Sequence[Blob], chain: Sequence[str], ids: DiffIds
) -> Literal["", "digests", "diff_ids"]:
    """Say by what a base's layers are the lowest of an image, or nothing where they are not."""
    if _starts_with(chain, tuple(blob.claimed for blob in base)):
        return "digests"
    below = list(zip(base, layers, chain, strict=False))
    # Reading costs, so it is done only where both configurations claim that it would be worth it.
    claimed = all(
        theirs.diff_id and theirs.diff_id == ours.diff_id and digest for theirs, ours, digest in below
    )
    if not base or len(below) < len(base) or not claimed:
        return ""
    same = all(
        theirs.claimed == digest or ids.of(ours, digest) == ids.of_base(theirs) == ours.diff_id
        for theirs, ours, digest in below
    )
    return "diff_ids" if same else ""


def _starts_with(chain: Sequence[str], layers: tuple[str, ...]) -> bool:
    return bool(layers) and all(layers) and tuple(chain[: len(layers)]) == layers


def _of_label(image: Image, name: str, digest: str, source: SourceOptions) -> tuple[str, ...]:
    """Ask the registry that the image itself came from; another one was not given to us to talk to."""
    if image.source != "registry" or not name or not DIGEST.fullmatch(digest):
        return ()
    from hullmark.images.reference import parse

    try:
        base = parse(name)
        if base.host != parse(image.name).host:
            return ()
        opened = open_image(f"registry:{base.host}/{base.repository}@{digest}", source)
    except HullmarkError:
        return ()
    opened.close()
    return tuple(blob.claimed for blob in opened.layers)
