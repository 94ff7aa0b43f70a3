"""Which image, or images, a reference names: told once, by digest, before anything is signed or believed."""

import contextlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from hullmark.images import _oci
from hullmark.images.open import choose, open_image
from hullmark.images.reference import Reference, parse
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions
from hullmark.model.errors import UsageError
from hullmark.model.image import Platform


class Target(Struct, frozen=True, kw_only=True):
    """An image of one platform; `reference` names just it to a scan."""

    digest: str
    platform: Platform | None
    reference: str


class Named(Struct, frozen=True, kw_only=True):
    """What a reference names: the digest of what it points to (an index, where there is one), and the images below it that were asked for."""

    name: str
    digest: str
    targets: tuple[Target, ...]


class Place(Struct, frozen=True, kw_only=True):
    """A repository of a registry that is talked to."""

    registry: Registry
    reference: Reference


def registry_reference(text: str) -> Reference | None:
    """Give the reference where the image is one in a registry, else None. Raises `UsageError`."""
    source, rest = choose(text)
    return parse(rest) if source.name == "registry" else None


@contextlib.contextmanager
def at(reference: Reference, options: SourceOptions) -> Iterator[Place]:
    """Talk to a registry."""
    with contextlib.closing(Registry(reference, options)) as registry:
        yield Place(registry=registry, reference=reference)


def named_there(place: Place, platforms: str) -> Named:
    """Ask a registry what a reference names; `platforms` is as `--platform` has it. Raises `ImageError` and `UsageError`."""
    reference, registry = place.reference, place.registry
    root = registry.manifest(reference)
    name = str(msgspec.structs.replace(reference, digest=root.digest))
    limits = registry.options.limits

    def fetch(descriptor: _oci.Descriptor) -> bytes:
        return registry.manifest(reference, descriptor.digest).body

    manifest = _oci.decode(root.body, reference.text)
    wanted: list[Platform | None]
    if platforms == "all":
        wanted = [*_oci.platforms(manifest, fetch, limits, reference.text)] or [None]
    else:
        from hullmark.scan.platforms import platforms_of

        wanted = platforms_of(reference.text, platforms, registry.options)
    targets = []
    for platform in wanted:
        _, digest = _oci.choose(manifest, root.digest, platform, fetch, limits, reference.text)
        by_digest = str(msgspec.structs.replace(reference, digest=digest))
        targets.append(Target(digest=digest, platform=platform, reference=f"registry:{by_digest}"))
    return Named(name=name, digest=root.digest, targets=tuple(targets))


def named_here(text: str, options: SourceOptions, platforms: str) -> Named:
    """Say what an image on this machine is by its manifest. Raises `UsageError` for one that has none, as `docker save` writes it."""
    if platforms == "all":
        raise UsageError("one platform after the other", where=text, hint="--platform os/arch")
    from hullmark.scan.platforms import platforms_of

    (platform,) = platforms_of(text, platforms, options)
    opened = open_image(text, msgspec.structs.replace(options, platform=platform))
    with contextlib.closing(opened):
        image = opened.image
    if not image.digest or image.digest == image.config_digest:
        raise UsageError(
            "it has no manifest, so nothing can be said of it by digest",
            where=text,
            hint="an OCI layout or archive has one, and so has an image in a registry",
        )
    return Named(
        name=text,
        digest=image.digest,
        targets=(Target(digest=image.digest, platform=platform, reference=text),),
    )
