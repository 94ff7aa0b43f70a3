"""Blobs in a local folder `ALGORITHM/HEX`, as OCI layouts and containerd keep them.

Whoever made the folder chose what stands in it. Only a regular file is ever opened, so that no pipe or device in a
blob's place is waited for or read without end. Build tools make blobs links to files elsewhere (Bazel's rules_oci
does), so a link is followed to such a file, which may be anyone's: that is safe since nothing is told of its content,
not even its digest, unless the manifest gave that digest and whoever wrote it knows the content.
"""

import errno
import functools
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hullmark.images import _oci
from hullmark.images.inflate import PIECE
from hullmark.images.limits import Holes, ReadLimits
from hullmark.images.source import Blob, FileIdentity
from hullmark.model.errors import ImageError
from hullmark.model.image import DIGEST


def _status(path: Path) -> os.stat_result:
    """Give the status of a regular file or one that a link leads to. Raises `OSError`, for anything else as well."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return status


def _open(path: Path) -> IO[bytes]:
    """Open what `_status` accepts. Raises `OSError`, also for anything else that came there just now."""
    _status(path)
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb", 0)
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "not a regular file")
    return stream


def document(path: Path, name: str, limit: int, where: str) -> bytes:
    """Read a small document; its digest is the caller's to check."""
    try:
        with _open(path) as stream:
            body = stream.read(limit + 1)
    except OSError as problem:
        raise ImageError(f"{name} cannot be read: {problem.strerror}", where=where) from problem
    if len(body) > limit:
        raise ImageError(f"{name} is larger than {limit} bytes", where=where)
    return body


class ContentFolder:
    """Gives documents and layers out of such a folder; what a file's name claims is not believed."""

    def __init__(self, folder: Path, where: str, limits: ReadLimits) -> None:
        self.folder = folder
        self.where = where
        self.limits = limits
        self._holes = Holes(limits)

    def _path(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise ImageError(f"{digest[:80]!r} is no digest", where=self.where)
        algorithm, _, name = digest.partition(":")
        return self.folder / algorithm / name

    def fetch(self, descriptor: _oci.Descriptor) -> bytes:
        """Read a small document; its digest is the caller's to check, unless it was read through a link."""
        path = self._path(descriptor.digest)
        body = document(path, descriptor.digest, self.limits.document_bytes, self.where)
        if path.is_symlink():
            try:
                _oci.verified(body, descriptor, self.where)
            except ImageError:
                raise ImageError(
                    f"{descriptor.digest} is a link to a file of other content", where=self.where
                ) from None
        return body

    def make(self, descriptor: _oci.Descriptor) -> Blob:
        """Give a layer's blob, with the identity of its file."""
        path = self._path(descriptor.digest)
        try:
            status = _status(path)
        except OSError as problem:
            reason = "its bytes are elsewhere (a foreign layer)" if descriptor.urls else problem.strerror
            return Blob(open=lambda: iter(()), problem=f"the layer's blob cannot be read: {reason}")
        if self._holes.are_too_many(status):
            # Without its size, since that of a file that a link leads to is not told.
            reason = "a sparse file with more in it than limits.layer_free_bytes"
            return Blob(open=lambda: iter(()), problem=f"the layer's blob cannot be read: {reason}")
        identity = FileIdentity(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )
        linked = path.is_symlink()
        return Blob(open=functools.partial(_chunks, path), identity=identity, forkable=True, linked=linked)


def _chunks(path: Path) -> Iterator[bytes]:
    with _open(path) as stream:
        left = os.fstat(
            stream.fileno()
        ).st_size  # a file that grows, or gives more than it has, is not read for ever
        while left > 0 and (chunk := stream.read(min(left, PIECE))):
            left -= len(chunk)
            yield chunk
