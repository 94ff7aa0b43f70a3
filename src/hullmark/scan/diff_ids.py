"""Diff ids of layers, computed: the digest of a layer's bytes when they are inflated (config.md of the OCI image specification).

The same layer has one diff id however it was compressed, so it tells that two images share a layer where the
digests of their blobs differ. An image's configuration only claims its diff ids, so a claim says where it is worth
computing and never decides. What was computed is remembered under the blob's verified digest.
"""

import hashlib
from typing import NamedTuple

from hullmark.images.inflate import DamagedError, Hashed, inflated
from hullmark.images.limits import ReadLimits
from hullmark.images.source import Blob
from hullmark.model.errors import HullmarkError
from hullmark.scan.cache import FactCache
from hullmark.scan.layers import Deadline


class _Computed(NamedTuple):
    digest: str
    diff_id: str


class DiffIds:
    """Computes diff ids, each once for one cache."""

    def __init__(self, cache: FactCache, limits: ReadLimits, over: Deadline) -> None:
        self._cache = cache
        self._limits = limits
        self._over = over
        self._bytes_left = limits.image_free_bytes  # which the layers of bases take as well
        self._streamed: dict[int, _Computed | None] = {}
        self._kept: list[Blob] = []

    def take(self, blob: Blob) -> None:
        """Compute that of a blob that passes only once, while it streams."""
        self._kept.append(blob)  # so that its id stays its own
        self._streamed[id(blob)] = self._computed(blob)

    def of(self, blob: Blob, digest: str) -> str:
        """Give the diff id of a layer whose blob has that verified digest, or nothing where its bytes cannot be had."""
        if digest == blob.diff_id:
            return digest  # stored plain: what was verified is the claimed diff id itself
        known = self._cache.diff_id_of(digest)
        if known or blob.once or blob.walk is not None:
            return known
        computed = self._computed(blob)
        return computed.diff_id if computed is not None and computed.digest == digest else ""

    def of_base(self, blob: Blob) -> str:
        """Give the diff id of a layer of an image that the user named as base, or nothing where it is not what it claims.

        Bytes that are on this machine are read. A registry's word is taken, since it is the one that was asked for:
        its configuration is content that it is addressed by.
        """
        if id(blob) in self._streamed:
            computed = self._streamed[id(blob)]
        elif blob.problem or blob.once or blob.walk is not None:
            return ""
        elif blob.addressed:
            return self._cache.diff_id_of(blob.claimed) or blob.diff_id
        else:
            digest = self._cache.digest_of(blob.identity) if blob.identity is not None else ""
            if digest and digest == blob.claimed and (known := self._cache.diff_id_of(digest)):
                return known
            computed = self._computed(blob)
        return computed.diff_id if computed is not None and blob.claimed in {"", computed.digest} else ""

    def _computed(self, blob: Blob) -> _Computed | None:
        """Read a blob for the digests of its bytes as they are stored and as they inflate."""
        algorithm = "sha512" if blob.claimed.startswith("sha512:") else "sha256"
        content = hashlib.sha256()
        try:
            hashed = Hashed(blob.open(), algorithm)
            for piece in inflated(hashed, self._limits):
                content.update(piece)
                self._bytes_left -= len(piece)
                if self._bytes_left < 0 or self._over():
                    return None
            hashed.drain()
        except (DamagedError, HullmarkError, OSError):
            return None  # which is told of the image's own layers when they are read for their facts
        found = _Computed(hashed.digest, f"sha256:{content.hexdigest()}")
        self._cache.remember_diff_id(*found)
        return found
