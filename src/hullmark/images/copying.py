"""Copies an image from one repository to another by its digest, byte for byte, with what refers to it.

Formats: the OCI distribution specification 1.1 (push, cross-repository mount), the OCI image specification 1.1 (index,
manifest, 'Non-Distributable Layers') and the tags under which cosign stores signatures, attestations and SBOMs.

All documents are read before anything is written; then come blobs, manifests, the index, what refers to them, and last
and by itself the tag: a copy that is interrupted is never seen.
"""

import contextlib
import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec
from msgspec import Struct

from hullmark.images import _oci, referrers
from hullmark.images.reference import Reference
from hullmark.images.registry import Document, Registry
from hullmark.model.errors import ImageError
from hullmark.model.image import DIGEST

_THREADS = 3
"""Each holds one piece of a blob (8 MiB) at a time, and twice that while it is put together."""
_COSIGN = (".sig", ".att", ".sbom")
_NOT_DISTRIBUTABLE = (
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
)

_INDEXES = (_oci.OCI_INDEX, _oci.DOCKER_LIST)


class Place(NamedTuple):
    """A repository, and the client of its registry."""

    registry: Registry
    reference: Reference


class Node(Struct, frozen=True):
    """A manifest or index, with what must be there before it; `subject` is what it refers to, empty where it refers to nothing."""

    document: Document
    blobs: tuple[_oci.Descriptor, ...]
    is_index: bool
    subject: str = ""


class Plan(Struct, frozen=True, kw_only=True):
    """All that is to be copied, each after what it needs.

    `nodes` are the image's own, its root the last; `referrers` those that refer to one of them; `tagged` are cosign's, by tag.
    `left_out` says what is listed at the source and cannot be copied.
    """

    nodes: tuple[Node, ...]
    referrers: tuple[Node, ...] = ()
    tagged: tuple[tuple[str, Node], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def root(self) -> Document:
        """The manifest or index that the digest names."""
        return self.nodes[-1].document

    @property
    def blobs(self) -> list[_oci.Descriptor]:
        """Every blob once, in the order in which they are first named."""
        every = (*self.nodes, *self.referrers, *(node for _, node in self.tagged))
        return list({blob.digest: blob for node in every for blob in node.blobs}.values())


class Copied(Struct, kw_only=True):
    """What a copy did. Blobs were sent, mounted from another repository of the registry, there already, or not to be given away."""

    manifests: int = 0
    referrers: int = 0
    sent: int = 0
    sent_bytes: int = 0
    mounted: int = 0
    mounted_bytes: int = 0
    present: int = 0
    not_distributable: int = 0
    left_out: tuple[str, ...] = ()


Progress = Callable[[str, int, int], None]


# ── what there is to copy ───────────────────────────────────────────────────────────────────────────────


def plan(source: Place, digest: str, *, with_referrers: bool = True) -> Plan:
    """Read all documents below a digest, and with them what refers to any of them. Raises `ImageError`."""
    reader = _Reader(source)
    nodes = reader.tree(digest)
    if not with_referrers:
        return Plan(nodes=tuple(nodes))
    found = reader.referring([node.document.digest for node in nodes])
    tagged = reader.tagged([node.document.digest for node in nodes])
    return Plan(
        nodes=tuple(nodes), referrers=tuple(found), tagged=tuple(tagged), left_out=tuple(reader.left_out)
    )


class _Reader:
    """Reads documents, each once and all together within a bound."""

    def __init__(self, source: Place) -> None:
        self._source = source
        self._limits = source.registry.options.limits
        self._left = self._limits.archive_documents_bytes
        self._known: set[str] = set()
        self.left_out: list[str] = []

    def tree(self, digest: str, depth: int = 0) -> list[Node]:
        """Give a manifest, or an index behind all that it names; what was given before is left out."""
        if digest in self._known:
            return []
        self._known.add(digest)
        where = self._source.reference.text
        if not DIGEST.fullmatch(digest):
            raise ImageError(f"{digest[:80]!r} is no digest", where=where)
        document = self._source.registry.manifest(self._source.reference, digest)
        self._left -= len(document.body)
        if self._left < 0 or len(self._known) > self._limits.manifests:
            raise ImageError("its manifests are too many or too large to be copied", where=where)
        try:
            _oci.check_values(document.body)
        except (ValueError, RecursionError) as problem:
            raise ImageError(f"the manifest {digest} cannot be read: {problem}", where=where) from problem
        manifest = _oci.decode(document.body, where)
        document = document._replace(media_type=document.media_type or manifest.media_type)
        if (document.media_type in _INDEXES) != (manifest.manifests is not None):
            raise ImageError(f"{digest} is not what it is called, {document.media_type[:100]!r}", where=where)
        subject = _subject(document, where)
        if manifest.manifests is None:
            return [Node(document, _blobs(manifest, digest, where), is_index=False, subject=subject)]
        if manifest.layers is not None or manifest.config is not None:
            raise ImageError(f"{digest} is an index and a manifest in one", where=where)
        if depth >= self._limits.manifest_depth:
            raise ImageError(f"indexes nested more than {self._limits.manifest_depth} deep", where=where)
        below = [node for entry in manifest.manifests for node in self.tree(entry.digest, depth + 1)]
        return [*below, Node(document, (), is_index=True, subject=subject)]

    def referring(self, digests: Iterable[str]) -> list[Node]:
        """Give what refers to these, and in turn to that, each behind what it refers to."""
        found: list[Node] = []
        waiting = deque(digests)
        while waiting:
            digest = waiting.popleft()
            for referrer in referrers.attached(self._source.registry, self._source.reference, digest):
                nodes = self._referrer(referrer.digest, digest)
                found += nodes
                waiting.extend(node.document.digest for node in nodes[-1:])
        return found

    def _referrer(self, referrer: str, digest: str) -> list[Node]:
        if referrer in self._known:
            return []
        named = msgspec.structs.replace(self._source.reference, tag="", digest=referrer)
        if not self._source.registry.resolve(named):
            self.left_out.append(f"{referrer} is listed as a referrer of {digest}, and is not there")
            return []
        nodes = self.tree(referrer)
        if nodes[-1].subject != digest:
            self.left_out.append(f"{referrer} is listed as a referrer of {digest}, and does not refer to it")
            return []
        return nodes

    def tagged(self, digests: Iterable[str]) -> Iterator[tuple[str, Node]]:
        """Give the manifests that cosign's tags for these name."""
        for digest in digests:
            for ending in _COSIGN:
                tag = digest.replace(":", "-") + ending
                found = referrers.tagged(self._source.registry, self._source.reference, tag)
                nodes = self.tree(found.digest) if found is not None else []
                for node in nodes[-1:]:
                    if len(nodes) == 1 and not node.is_index:
                        yield tag, node
                    else:
                        self.left_out.append(f"{tag} is an index, which cosign does not write")


class _Referring(Struct):
    subject: _oci.Descriptor | None = None


def _subject(document: Document, where: str) -> str:
    try:
        said = msgspec.json.decode(document.body, type=_Referring).subject
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise ImageError(
            f"the manifest {document.digest} cannot be read: {problem}", where=where
        ) from problem
    return said.digest if said is not None else ""


def _blobs(manifest: _oci.Manifest, digest: str, where: str) -> tuple[_oci.Descriptor, ...]:
    """Give what a manifest is made of. Raises `ImageError` where that cannot be told for certain."""
    if manifest.config is None or manifest.layers is None:
        raise ImageError(f"{digest} is neither an index nor an image manifest", where=where)
    found = (manifest.config, *manifest.layers)
    for blob in found:
        if problem := _oci.layer_problem(blob) or ("it does not say its size" if blob.size < 0 else ""):
            raise ImageError(f"{digest}: {problem}", where=where)
    return found


# ── copying ─────────────────────────────────────────────────────────────────────────────────────────────


def copy(planned: Plan, source: Place, target: Place, progress: Progress | None = None) -> Copied:
    """Put all of a plan into another repository, under no tag but cosign's. Raises `ImageError`.

    What is there is not sent again. The digest of every blob is checked as it passes, besides by the registry.
    """
    copier = _Copier(source, target, progress)
    copier.blobs(planned.blobs)
    done = copier.done
    done.left_out = planned.left_out
    for node in planned.nodes:
        _publish(target, node)
        done.manifests += 1
    for node in planned.referrers:
        _publish(target, node)
        done.referrers += 1
    for tag, node in planned.tagged:
        if not _would_lose(target, tag, node):
            target.registry.publish(target.reference, tag, node.document.body, node.document.media_type)
            done.referrers += 1
        else:
            done.left_out += (f"{tag} stays as it is at {target.reference}: it holds more than the source's",)
    return done


def point(target: Place, tag: str, document: Document) -> None:
    """Let a tag point to what was copied; it is seen from now on. Raises `ImageError`."""
    target.registry.publish(target.reference, tag, document.body, document.media_type)


def _publish(target: Place, node: Node) -> None:
    if node.subject:
        referrers.put(target.registry, target.reference, node.document, node.subject)
    else:
        point(target, node.document.digest, node.document)


def _would_lose(target: Place, tag: str, node: Node) -> bool:
    """Tell whether something is at one of cosign's tags there that would be gone."""
    there = referrers.tagged(target.registry, target.reference, tag)
    if there is None or there.digest == node.document.digest:
        return False
    body = target.registry.manifest(target.reference, there.digest).body
    layers = _oci.decode(body, target.reference.text).layers or []
    return not _signatures(layers) <= _signatures(node.blobs)


def _signatures(layers: Iterable[_oci.Descriptor]) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Tell layers of cosign's apart: those of two who signed the same differ in their annotations alone."""
    return {(layer.digest, tuple(sorted(layer.annotations.items()))) for layer in layers}


class _Copier:
    """Brings blobs over, several at a time."""

    def __init__(self, source: Place, target: Place, progress: Progress | None) -> None:
        self._source = source
        self._target = target
        self._progress = progress
        self._can_mount = source.reference.host == target.reference.host
        self._lock = threading.Lock()
        self.done = Copied()

    def blobs(self, blobs: list[_oci.Descriptor]) -> None:
        """Bring these over; the first that fails ends it."""
        pool = ThreadPoolExecutor(_THREADS)
        try:
            for _done in pool.map(self._blob, blobs):
                pass
        finally:
            pool.shutdown(cancel_futures=True)

    def _blob(self, blob: _oci.Descriptor) -> None:
        registry, reference = self._target
        if blob.media_type.startswith(_NOT_DISTRIBUTABLE):
            with self._lock:
                self.done.not_distributable += 1
            return
        if registry.holds(reference, blob.digest):
            with self._lock:
                self.done.present += 1
            return
        place = self._mounted(blob) if self._can_mount else ""
        if place is None:
            with self._lock:
                self.done.mounted += 1
                self.done.mounted_bytes += blob.size
            return
        stream = _Stream(self._source.registry.blob(self._source.reference, blob), blob, self._told)
        registry.put_blob(reference, blob.digest, blob.size, stream, place)
        with self._lock:
            self.done.sent += 1
            self.done.sent_bytes += blob.size

    def _mounted(self, blob: _oci.Descriptor) -> str | None:
        """Have a blob taken over within the registry; where it is not, give where to send it."""
        with contextlib.suppress(ImageError):  # who may not mount may still send
            return self._target.registry.mount(
                self._target.reference, blob.digest, self._source.reference.repository
            )
        return ""

    def _told(self, blob: _oci.Descriptor, done: int) -> None:
        if self._progress is not None:
            self._progress(blob.digest[:19], done, blob.size)


class _Stream:
    """A blob on its way: given in pieces, and the last of them only if the whole has its digest."""

    def __init__(
        self, parts: Iterator[bytes], blob: _oci.Descriptor, told: Callable[[_oci.Descriptor, int], None]
    ) -> None:
        self._parts = parts
        self._blob = blob
        self._told = told
        self._rest = b""
        self._hash = hashlib.new(blob.digest.partition(":")[0])
        self._count = 0

    def read(self, size: int, /) -> bytes:
        """Give so many bytes, fewer only at the end."""
        pieces: list[bytes] = []
        wanted = size
        while wanted:
            part = self._rest or next(self._parts, None)
            if part is None:
                break
            pieces.append(part[:wanted])
            self._rest = part[wanted:]
            wanted -= len(pieces[-1])
            self._hash.update(pieces[-1])
        self._count += size - wanted
        algorithm = self._blob.digest.partition(":")[0]
        if self._count == self._blob.size and f"{algorithm}:{self._hash.hexdigest()}" != self._blob.digest:
            raise ImageError(f"the content of {self._blob.digest} has another digest")
        self._told(self._blob, self._count)
        return b"".join(pieces)
