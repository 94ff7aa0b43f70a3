"""An OCI image layout directory (image-layout.md of the OCI image specification).

Reference: `DIR`, `DIR:TAG` or `DIR@DIGEST`. A layout's names claim digests; nothing here believes them.
"""

from pathlib import Path

from hullmark.images import _oci
from hullmark.images._content import ContentFolder, document
from hullmark.images.source import OpenedImage, Source, SourceOptions
from hullmark.model.errors import ImageError
from hullmark.model.image import DIGEST, Platform


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


def open_layout(reference: str, options: SourceOptions) -> OpenedImage:
    """Open an image of a layout."""
    folder_name, selector = split(reference)
    folder, limit = Path(folder_name), options.limits.document_bytes
    content = ContentFolder(folder / "blobs", reference, options.limits)
    index = document(folder / "index.json", "index.json", limit, reference)
    manifest, digest = _oci.choose(
        _selected(_oci.decode(index, reference), selector, reference),
        "",
        options.platform,
        content.fetch,
        options.limits,
        reference,
    )
    return _oci.opened(reference, "oci", manifest, digest, content.fetch, content.make, options.limits)


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


def platforms(reference: str, options: SourceOptions) -> tuple[Platform, ...]:
    """Give every platform that a layout's index offers."""
    folder_name, selector = split(reference)
    folder, limit = Path(folder_name), options.limits.document_bytes
    content = ContentFolder(folder / "blobs", reference, options.limits)
    index = document(folder / "index.json", "index.json", limit, reference)
    root = _selected(_oci.decode(index, reference), selector, reference)
    return tuple(_oci.platforms(root, content.fetch, options.limits, reference))


SOURCE = Source(
    name="oci", prefixes=("oci", "oci-dir"), rank=20, guess=guess, open=open_layout, platforms=platforms
)
