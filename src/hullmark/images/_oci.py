"""Manifests, indexes and configurations, bounded and checked, since all of it is an image's own word.

Formats: the OCI image specification (image-layout, index, manifest, config) and Docker's image manifest
version 2, schema 2.
"""

import hashlib
import json
import os
from collections.abc import Callable
from typing import Any

import msgspec

from hullmark.images.limits import ReadLimits
from hullmark.images.source import Blob, OpenedImage, shown
from hullmark.model.errors import ImageError
from hullmark.model.facts import Unread
from hullmark.model.image import DIGEST, Image, Platform

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
EMPTY = "application/vnd.oci.empty.v1+json"
ACCEPT = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)
_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
_MAX_VALUES = 200_000  # an object takes thirty times as much in memory as in the text
_ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_USUAL_VARIANTS = {"amd64": "v1", "arm": "v7", "arm64": "v8"}


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """A pointer to content (descriptor.md)."""

    digest: str
    size: int = -1
    media_type: str = ""
    platform: dict[str, Any] = {}
    annotations: dict[str, str] = {}
    urls: list[str] = []


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """An index or a manifest: which it is shows in what it has."""

    schema_version: int = 2
    media_type: str = ""
    manifests: list[Descriptor] | None = None
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    annotations: dict[str, str] = {}


class _Broken(Descriptor, frozen=True):
    """A descriptor that is none; `problem` says why. JSON never becomes one, so that no image can write its words."""

    problem: str = ""


class _Mended(Manifest, frozen=True):
    """A manifest of which a part could not be read."""

    unread: tuple[Unread, ...] = ()


Fetch = Callable[[Descriptor], bytes]


def default_platform() -> Platform:
    """Give linux on the architecture of this machine."""
    name = os.uname().machine
    return Platform("linux", _ARCHITECTURES.get(name, name))


_NAMES = {
    name.casefold(): name
    for name in (
        "manifests",
        "layers",
        "config",
        "mediaType",
        "digest",
        "size",
        "platform",
        "subject",
        "urls",
    )
}
"""What tells which bytes an image is made of (image-spec, descriptor.md, manifest.md, image-index.md)."""


def decode(body: bytes, where: str) -> Manifest:
    """Decode an index or manifest. Raises `ImageError` for one that two readers could understand differently."""
    try:
        try:
            _check_names(body)
            return msgspec.json.decode(body, type=Manifest)
        except msgspec.ValidationError as problem:
            manifest = _mended(msgspec.json.decode(body), str(problem))
            if manifest is None:
                raise
            return manifest
    except (ValueError, RecursionError) as problem:  # msgspec's errors are ValueErrors as well
        raise ImageError(f"its manifest cannot be read: {problem}", where=where) from problem


def _check_names(body: bytes) -> None:
    """Raise `ValueError` for a document that two readers could understand differently.

    Go's `encoding/json` takes `Layers` for `layers`, and of a name that is there twice it mixes both: what was judged would not be what is run.
    """

    def seen(pairs: list[tuple[str, object]]) -> None:
        names = [(key, key.casefold()) for key, _ in pairs if key.casefold() in _NAMES]
        if len({name for _, name in names}) != len(names) or any(key != _NAMES[name] for key, name in names):
            raise ValueError("a name is there twice, or in other letters than it should be")

    json.loads(body, object_pairs_hook=seen)


def _mended(raw: object, problem: str) -> Manifest | None:
    """Read a manifest part by part, so that what is wrong in one place does not take the other layers with it.

    None where it is no manifest at all: of a wrong index it is not known which image was meant.
    """
    if (
        not isinstance(raw, dict)
        or not isinstance(raw.get("layers"), list)
        or raw.get("manifests") is not None
    ):
        return None
    if "config" not in raw or raw.get("schemaVersion") == 1:
        return None
    annotations = raw.get("annotations")
    pairs = annotations.items() if isinstance(annotations, dict) else ()
    return _Mended(
        config=_descriptor(raw["config"]),
        layers=[_descriptor(layer) for layer in raw["layers"]],
        annotations={key: value for key, value in pairs if isinstance(value, str)},
        unread=(Unread(kind="record", reason=f"it is not as it should be: {problem}", place="manifest"),),
    )


def _descriptor(raw: object) -> Descriptor:
    """Take what is needed of a descriptor, whatever the rest of it is."""
    fields = {"digest": str, "size": int, "mediaType": str, "urls": list}
    needed = {"digest", "size"}
    if isinstance(raw, dict):
        raw = {
            key: raw[key]
            for key, kind in fields.items()
            if raw.get(key) is not None and (key in needed or isinstance(raw[key], kind))
        }
    try:
        return msgspec.convert(raw, Descriptor)
    except msgspec.ValidationError as problem:
        return _Broken(digest="", problem=str(problem))


def digest_of(body: bytes) -> str:
    """Give the digest of a document."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def verified(body: bytes, descriptor: Descriptor, where: str) -> bytes:
    """Give a document back when its digest and size are as described."""
    if not DIGEST.fullmatch(descriptor.digest):
        raise ImageError(f"{descriptor.digest[:80]!r} is no digest", where=where)
    algorithm = descriptor.digest.partition(":")[0]
    actual = f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"
    if actual != descriptor.digest:
        raise ImageError(f"content of {descriptor.digest} has the digest {actual}", where=where)
    if descriptor.size not in {-1, len(body)}:
        raise ImageError(f"{descriptor.digest} has {len(body)} bytes, not {descriptor.size}", where=where)
    return body


def is_platform(descriptor: Descriptor) -> bool:
    """Tell whether an entry of an index is an image for a platform; attestations are not."""
    if descriptor.annotations.get("vnd.docker.reference.type"):
        return False
    if descriptor.media_type not in {"", OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST}:
        return False
    return descriptor.platform.get("os") != "unknown" and descriptor.platform.get("architecture") != "unknown"


def platform_of(descriptor: Descriptor) -> Platform:
    """Give the platform that an entry of an index names."""
    words = (descriptor.platform.get(key) for key in ("os", "architecture", "variant"))
    system, architecture, variant = (word if isinstance(word, str) else "" for word in words)
    return Platform(system, architecture, variant)


def fits(wanted: Platform, offered: Platform) -> bool:
    """Tell whether an offered platform is the wanted one; a variant counts only when it was asked for.

    What an index leaves open fits: it may be an index itself, as builders put one below a layout's own. An architecture
    without a variant is its usual one (containerd's platforms package, "Normalization").
    """
    variant = offered.variant or _USUAL_VARIANTS.get(offered.architecture, "")
    return (
        (not offered.os or offered.os == wanted.os)
        and (not offered.architecture or offered.architecture == wanted.architecture)
        and (not wanted.variant or not offered.architecture or variant == wanted.variant)
    )


def choose(
    root: Manifest, digest: str, wanted: Platform | None, fetch: Fetch, limits: ReadLimits, where: str
) -> tuple[Manifest, str]:
    """Follow indexes down to the manifest for a platform; give it with its digest.

    Raises `ImageError` for an index that names itself, nests too deeply, is too large or lacks the platform.
    """
    path = {digest}
    manifest = root
    for _depth in range(limits.manifest_depth + 1):
        if manifest.manifests is None:
            return manifest, digest
        if len(manifest.manifests) > limits.manifests:
            raise ImageError(f"an index of {len(manifest.manifests)} entries", where=where)
        entries = [entry for entry in manifest.manifests if is_platform(entry)]
        target = wanted or default_platform()
        fitting = [entry for entry in entries if fits(target, platform_of(entry))]
        if wanted is None and not fitting and len(entries) == 1:
            fitting = entries  # the only image there is
        if not fitting:
            offered = ", ".join(sorted({str(platform_of(entry)) for entry in entries})) or "none"
            raise ImageError(
                f"no image for {target}; there are: {offered}", where=where, hint="see --platform"
            )
        entry = fitting[0]
        if entry.digest in path:
            raise ImageError("its index names itself", where=where)
        path.add(entry.digest)
        digest = entry.digest
        manifest = decode(verified(fetch(entry), entry, where), where)
    raise ImageError(f"indexes nested more than {limits.manifest_depth} deep", where=where)


def platforms(root: Manifest, fetch: Fetch, limits: ReadLimits, where: str) -> list[Platform]:
    """Give every platform that an index offers, nested ones too."""
    found: list[Platform] = []
    waiting = [(root, 0)]
    seen: set[str] = set()
    while waiting:
        manifest, depth = waiting.pop()
        for entry in (manifest.manifests or [])[: limits.manifests]:
            if not is_platform(entry) or entry.digest in seen:
                continue
            seen.add(entry.digest)
            if entry.media_type in {OCI_INDEX, DOCKER_LIST} and depth < limits.manifest_depth:
                waiting.append((decode(verified(fetch(entry), entry, where), where), depth + 1))
            elif platform_of(entry) not in found:
                found.append(platform_of(entry))
    return sorted(found, key=str)


def check_layers(count: int, limits: ReadLimits, where: str) -> None:
    """Raise `ImageError` for an image of too many layers."""
    if count > limits.layers:
        raise ImageError(f"it has {count} layers, more than {limits.layers} (limits.layers)", where=where)


def check_is_image(manifest: Manifest, limits: ReadLimits, where: str) -> None:
    """Raise `ImageError` for what is not a container image (a chart, a signature, Docker's schema 1) or too large."""
    if manifest.schema_version == 1:
        raise ImageError(
            "Docker's image manifest version 1 is not supported", where=where, hint="push it again"
        )
    if manifest.layers is None:
        raise ImageError("its manifest has no layers", where=where)
    kind = manifest.config.media_type if manifest.config is not None else ""
    check_layers(len(manifest.layers), limits, where)
    if kind and kind not in _CONFIGS and not kind.startswith("application/vnd.oci.empty"):
        raise ImageError(f"not a container image but an artifact of type {kind[:100]!r}", where=where)


def check_values(body: bytes) -> None:
    """Raise `ValueError` for a document of so many values that it would take too much memory."""
    if sum(body.count(sign) for sign in b"{[,") > _MAX_VALUES:
        raise ValueError(f"of more than {_MAX_VALUES} values")


def read_config(body: bytes) -> dict[str, Any]:
    """Decode an image configuration. Raises `ValueError` when it is not a JSON object."""
    check_values(body)
    try:
        config = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise ValueError(str(problem)) from problem
    if not isinstance(config, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  # one kind of error for all bad content
    return config


def diff_ids(config: dict[str, Any]) -> list[str]:
    """Give the diff ids that a configuration claims."""
    rootfs = config.get("rootfs")
    found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    return [entry for entry in found if isinstance(entry, str)] if isinstance(found, list) else []


def platform_of_config(config: dict[str, Any]) -> Platform:
    """Give the platform that a configuration names."""
    words = (config.get(key) for key in ("os", "architecture", "variant"))
    system, architecture, variant = (word if isinstance(word, str) else "" for word in words)
    return Platform(system, architecture, variant)


def layer_problem(descriptor: Descriptor) -> str:
    """Say why a layer cannot be what its descriptor says, or nothing."""
    if isinstance(descriptor, _Broken):
        return f"its manifest does not describe it: {descriptor.problem}"
    if not DIGEST.fullmatch(descriptor.digest):
        return f"its manifest gives {descriptor.digest[:80]!r}, which is no digest"
    return ""


def blobs(manifest: Manifest, config: dict[str, Any], make: Callable[[Descriptor], Blob]) -> list[Blob]:
    """Make the layers' blobs in order, each with the diff id that the configuration claims."""
    ids = diff_ids(config)
    layers = manifest.layers or []
    found = []
    for index, descriptor in enumerate(layers):
        problem = layer_problem(descriptor)
        blob = Blob(open=lambda: iter(()), problem=problem) if problem else make(descriptor)
        blob.claimed, blob.size, blob.media_type = descriptor.digest, descriptor.size, descriptor.media_type
        blob.diff_id = ids[index] if len(ids) == len(layers) else ""
        found.append(blob)
    return found


def unfit_count(layers: int, config: dict[str, Any]) -> tuple[Unread, ...]:
    """Say where the number of layers contradicts the configuration."""
    ids = diff_ids(config)
    if len(ids) != layers and (ids or config):
        reason = f"the manifest names {layers} layers, the configuration {len(ids)}"
        return (Unread(kind="record", reason=reason, place="image configuration"),)
    return ()


def opened(
    name: str,
    source: str,
    manifest: Manifest,
    digest: str,
    fetch: Fetch,
    make: Callable[[Descriptor], Blob],
    limits: ReadLimits,
) -> OpenedImage:
    """Join a chosen manifest, its configuration and its layers to an image.

    A configuration that cannot be had or does not fit is Unread; the layers are there all the same.
    """
    check_is_image(manifest, limits, name)
    described = manifest.config or _Broken(digest="", problem="it names no configuration")
    config: dict[str, Any] = {}
    unread: tuple[Unread, ...] = ()
    what = layer_problem(described)
    try:
        if not what:
            config = read_config(verified(fetch(described), described, name))
            unread = unfit_count(len(manifest.layers or []), config)
    except (ImageError, ValueError) as problem:
        what = problem.what if isinstance(problem, ImageError) else f"not an image configuration: {problem}"
    if what:
        unread = (Unread(kind="file", reason=what, place="image configuration"),)
    if isinstance(manifest, _Mended):
        unread = (*manifest.unread, *unread)
    image = Image(
        name=shown(name),
        source=source,
        digest=digest,
        config_digest=described.digest,
        platform=platform_of_config(config),
        config=config,
        annotations=manifest.annotations,
        unread=unread,
    )
    return OpenedImage(image=image, layers=blobs(manifest, config, make))
