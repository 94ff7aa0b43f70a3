"""What tags point to now, asked of their registries: each once, several at a time."""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from hullmark.images import _oci
from hullmark.images.reference import Reference
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions
from hullmark.images.transport import UnreachableError
from hullmark.model.errors import HullmarkError, ImageError

_THREADS = 8


class _Configuration(msgspec.Struct):
    """What tells the configuration of an image from other blobs (OCI image specification, config.md)."""

    rootfs: dict[str, object] | None = None


class Resolver:
    """Asks each registry once what a tag points to; a host that cannot be reached is not asked again. Safe to use from threads."""

    def __init__(self, options: SourceOptions, *, offline: bool = False) -> None:
        self._options = options
        self._offline = offline
        self._registries: dict[str, Registry] = {}
        self._unreachable: dict[str, HullmarkError] = {}
        self._known: dict[str, str | HullmarkError] = {}
        self._ids: dict[tuple[str, str, str], bool] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every connection."""
        for registry in self._registries.values():
            registry.close()

    def ask(self, references: Iterable[Reference]) -> None:
        """Ask for several at once."""
        missing = {tagged(each): each for each in references}
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(self.digest, missing.values()))

    def digest(self, reference: Reference) -> str | HullmarkError:
        """Give the digest that a tag points to now, or what kept it from being known."""
        name = tagged(reference)
        if name not in self._known:
            self._known[name] = self._asked(reference, name)
        return self._known[name]

    def holds(self, reference: Reference, index: str, digest: str) -> bool:
        """Tell whether an index has a manifest with that digest, for whatever platform."""
        try:
            body = self._registry(reference).manifest(_by_tag(reference), index).body
            entries = _oci.decode(body, reference.text).manifests
        except HullmarkError:
            return False
        return any(entry.digest == digest for entry in entries or ())

    def ask_ids(self, references: Iterable[Reference]) -> None:
        """Ask `is_image_id` for several at once."""
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(self.is_image_id, references))

    def is_image_id(self, reference: Reference) -> bool:
        """Tell whether the digest of a reference is that of an image's configuration, which is its id; not where that cannot be known."""
        key = (reference.host, reference.repository, reference.digest)
        if key not in self._ids:
            self._ids[key] = self._is_configuration(reference)
        return self._ids[key]

    def _is_configuration(self, reference: Reference) -> bool:
        if self._offline or reference.host in self._unreachable:
            return False
        # Asked for as a blob: for a manifest with the digest of what is none registries answer as they like, the distribution project's 500.
        blob = _oci.Descriptor(digest=reference.digest)
        try:
            body = self._registry(reference).document(reference, blob)
            _oci.verified(body, blob, reference.text)
        except HullmarkError as problem:
            if isinstance(problem.__cause__, UnreachableError):
                self._unreachable[reference.host] = problem
            return False
        try:
            return msgspec.json.decode(body, type=_Configuration).rootfs is not None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False

    def _asked(self, reference: Reference, name: str) -> str | HullmarkError:
        if self._offline:
            return ImageError("the registry was not asked", where=name, hint="--offline was given")
        if reference.host in self._unreachable:
            return self._unreachable[reference.host]
        try:
            digest = self._registry(reference).resolve(_by_tag(reference))
        except HullmarkError as problem:
            if isinstance(problem.__cause__, UnreachableError):
                self._unreachable[reference.host] = problem
            return problem
        return digest or ImageError(
            f"{reference.host} has no {reference.repository}:{reference.tag}", where=name
        )

    def _registry(self, reference: Reference) -> Registry:
        with self._lock:
            if reference.host not in self._registries:
                self._registries[reference.host] = Registry(reference, self._options)
            return self._registries[reference.host]


def _by_tag(reference: Reference) -> Reference:
    return Reference(
        text=reference.text, host=reference.host, repository=reference.repository, tag=reference.tag
    )


def tagged(reference: Reference) -> str:
    """Give the whole name with its tag, its digest left out: under that the fact cache knows it, too."""
    return str(_by_tag(reference))
