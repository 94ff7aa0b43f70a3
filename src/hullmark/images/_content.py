"""Blobs in a local folder `ALGORITHM/HEX`, as OCI layouts and containerd keep them."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path

from hullmark.images import _oci
from hullmark.images.inflate import PIECE
from hullmark.images.source import Blob, FileIdentity
from hullmark.model.errors import ImageError
from hullmark.model.image import DIGEST


class ContentFolder:
    """Gives documents and layers out of such a folder; what a file's name claims is not believed."""

    def __init__(self, folder: Path, where: str, limit: int) -> None:
        self.folder = folder
        self.where = where
        self.limit = limit

    def _path(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise ImageError(f"{digest[:80]!r} is no digest", where=self.where)
        algorithm, _, name = digest.partition(":")
        return self.folder / algorithm / name

    def fetch(self, descriptor: _oci.Descriptor) -> bytes:
        """Read a small document; its digest is the caller's to check."""
        try:
            with self._path(descriptor.digest).open("rb") as stream:
                body = stream.read(self.limit + 1)
        except OSError as problem:
            raise ImageError(
                f"{descriptor.digest} cannot be read: {problem.strerror}", where=self.where
            ) from problem
        if len(body) > self.limit:
            raise ImageError(f"{descriptor.digest} is larger than {self.limit} bytes", where=self.where)
        return body

    def make(self, descriptor: _oci.Descriptor) -> Blob:
        """Give a layer's blob, with the identity of its file."""
        path = self._path(descriptor.digest)
        try:
            status = os.stat(path)
        except OSError as problem:
            reason = "its bytes are elsewhere (a foreign layer)" if descriptor.urls else problem.strerror
            return Blob(open=lambda: iter(()), problem=f"the layer's blob cannot be read: {reason}")
        identity = FileIdentity(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )
        return Blob(open=functools.partial(_chunks, path), identity=identity, local=True)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(PIECE):
            yield chunk
