"""An OCI image layout directory (image-layout.md of the OCI image specification).

Reference: `DIR`, `DIR:TAG` or `DIR@DIGEST`. A layout's names claim digests; nothing here believes them.
"""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

from hullmark.images import _oci
from hullmark.images.inflate import PIECE
from hullmark.images.source import Blob, FileIdentity, OpenedImage, Source, SourceOptions
from hullmark.model.errors import ImageError
from hullmark.model.image import DIGEST


def split(reference: str) -> tuple[str, str]:
    """Split `DIR[:TAG|@DIGEST]` into the folder and the rest (a tag, or a digest)."""
    if Path(reference, "index.json").exists():
        return reference, ""
    folder, at, digest = reference.rpartition("@")
    if at and DIGEST.fullmatch(digest):
        return folder, digest
    folder, colon, tag = reference.rpartition(":")
    return (folder, tag) if colon and "/" not in tag else (reference, "")


def guess(reference: str) -> bool:
    """Tell whether the reference names an existing layout."""
    return (
        Path(split(reference)[0], "oci-layout").is_file() or Path(split(reference)[0], "index.json").is_file()
    )


def _document(path: Path, limit: int, where: str) -> bytes:
    try:
        with path.open("rb") as stream:
            body = stream.read(limit + 1)
    except OSError as problem:
        raise ImageError(f"{path.name} cannot be read: {problem.strerror}", where=where) from problem
    if len(body) > limit:
        raise ImageError(f"{path.name} is larger than {limit} bytes", where=where)
    return body


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(PIECE):
            yield chunk


def open_layout(reference: str, options: SourceOptions) -> OpenedImage:
    """Open an image of a layout."""
    folder_name, selector = split(reference)
    folder, limit = Path(folder_name), options.limits.document_bytes

    def blob_path(digest: str) -> Path:
        algorithm, _, name = digest.partition(":")
        return folder / "blobs" / algorithm / name

    def fetch(descriptor: _oci.Descriptor) -> bytes:
        if not DIGEST.fullmatch(descriptor.digest):
            raise ImageError(f"{descriptor.digest[:80]!r} is no digest", where=reference)
        return _document(blob_path(descriptor.digest), limit, reference)

    def make(descriptor: _oci.Descriptor) -> Blob:
        path = blob_path(descriptor.digest)
        try:
            status = os.stat(path)
        except OSError as problem:
            reason = "its bytes are elsewhere (a foreign layer)" if descriptor.urls else problem.strerror
            return Blob(open=lambda: iter(()), problem=f"the layer's blob cannot be read: {reason}")
        identity = FileIdentity(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )
        return Blob(open=functools.partial(_chunks, path), identity=identity, local=True)

    root = _oci.decode(_document(folder / "index.json", limit, reference), reference)
    manifest, digest = _oci.choose(
        _selected(root, selector, reference), "", options.platform, fetch, options.limits, reference
    )
    return _oci.opened(reference, "oci", manifest, digest, fetch, make)


def _selected(root: _oci.Manifest, selector: str, where: str) -> _oci.Manifest:
    """Narrow a layout's index to the entries that a tag or digest names."""
    if not selector:
        return root
    entries = [
        entry
        for entry in root.manifests or []
        if selector
        in {
            entry.digest,
            entry.annotations.get("org.opencontainers.image.ref.name"),
            *entry.annotations.values(),
        }
    ]
    if not entries:
        raise ImageError(f"its index has no {selector!r}", where=where)
    return _oci.Manifest(manifests=entries)


SOURCE = Source(name="oci", prefixes=("oci", "oci-dir"), rank=20, guess=guess, open=open_layout)
