"""An image in containerd's own store on this machine, read without containerd.

Reference: a name as Docker reads it, or a manifest's digest; `@/FOLDER` behind it names another root than the
usual ones. Content lies by digest below `io.containerd.content.v1.content/blobs`; names are in the bbolt database
`io.containerd.metadata.v1.bolt/meta.db`, bucket `v1/NAMESPACE/images/NAME/target` (containerd, metadata/buckets.go).
A node that throws layers away after unpacking them (`discard_unpacked_layers`) lacks their blobs.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from hullmark.images import _bolt, _oci
from hullmark.images._content import ContentFolder
from hullmark.images.reference import parse
from hullmark.images.source import OpenedImage, Source, SourceOptions
from hullmark.model.errors import ImageError, UsageError
from hullmark.model.image import DIGEST

_ROOTS = (
    "/var/lib/containerd",
    "/var/lib/rancher/k3s/agent/containerd",
    "/var/lib/rancher/rke2/agent/containerd",
    "/var/lib/k0s/containerd",
    "/var/snap/microk8s/common/var/lib/containerd",
)
_CONTENT = "io.containerd.content.v1.content/blobs"
_NAMES = "io.containerd.metadata.v1.bolt/meta.db"
_NAMESPACES = (b"k8s.io", b"default")


def _split(reference: str) -> tuple[str, list[Path]]:
    """Split `NAME[@/ROOT]` into the name and the roots to look below."""
    name, at, folder = reference.partition("@/")
    roots = [Path(f"/{folder}")] if at else [Path(root) for root in _ROOTS]
    return name, [root for root in roots if os.access(root / _CONTENT, os.R_OK | os.X_OK)]


def _names(name: str) -> list[bytes]:
    """Give what an image may be called in the database."""
    try:
        reference = parse(name)
    except UsageError:
        return [name.encode()]
    plain = f"{reference.host}/{reference.repository}"
    written = [str(reference), name]
    if reference.digest:
        written.insert(0, f"{plain}@{reference.digest}")
    return [each.encode() for each in dict.fromkeys(written)]


def _digest_of(root: Path, name: str) -> str:
    """Look a name up in every namespace; empty where it is unknown."""
    first = os.environ.get("CONTAINERD_NAMESPACE", "").encode()

    def see(top: _bolt.Bucket) -> str:
        version = top.bucket(b"v1")
        known = list(version.keys()) if version is not None else []
        order = [space for space in (first, *_NAMESPACES) if space in known]
        for space in (*order, *(space for space in known if space not in order)):
            for each in _names(name):
                target = top.bucket(b"v1", space, b"images", each, b"target")
                digest = (target.get(b"digest") or b"") if target is not None else b""
                if digest:
                    return digest.decode("utf-8", "replace")
        return ""

    try:
        return _bolt.look(root / _NAMES, see)
    except FileNotFoundError:
        return ""
    except (OSError, _bolt.BoltError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise ImageError(f"{root / _NAMES} cannot be read: {reason}", where=name) from problem


def _found(name: str, roots: list[Path]) -> Iterator[tuple[Path, str]]:
    for root in roots:
        if not DIGEST.fullmatch(name):
            digest = _digest_of(root, name)
            if digest:
                yield root, digest
        elif root.joinpath(_CONTENT, *name.split(":")).is_file():
            yield root, name


def guess(reference: str) -> bool:
    """Tell whether containerd's store is here, may be read, and has the image with all of its layers."""
    if not _split(reference)[1]:
        return False
    try:
        opened = open_containerd(reference, SourceOptions())
    except (ImageError, UsageError):
        return False
    return not any(layer.problem for layer in opened.layers)


def open_containerd(reference: str, options: SourceOptions) -> OpenedImage:
    """Open an image of containerd's store."""
    name, roots = _split(reference)
    if not roots:
        raise ImageError(
            "no store of containerd is here that may be read",
            where=reference,
            hint="it takes root's rights; another folder is given as NAME@/FOLDER",
        )
    root, digest = next(_found(name, roots), (None, ""))
    if root is None:
        raise ImageError(f"no such image below {' or '.join(map(str, roots))}", where=reference)
    content = ContentFolder(root / _CONTENT, reference, options.limits)
    target = _oci.Descriptor(digest=digest)
    body = _oci.verified(content.fetch(target), target, reference)
    manifest, digest = _oci.choose(
        _oci.decode(body, reference), digest, options.platform, content.fetch, options.limits, reference
    )
    return _oci.opened(reference, "containerd", manifest, digest, content.fetch, content.make, options.limits)


SOURCE = Source(
    name="containerd",
    prefixes=("containerd",),
    rank=95,
    guess=guess,
    open=open_containerd,
    by_name=True,
)
