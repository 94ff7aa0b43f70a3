"""From a layer's blob to its file index: looked up where it is remembered under a verified digest, read where it is not."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from hullmark.images.index import VERSION, Indexing, LayerIndex, Room
from hullmark.images.inflate import DamagedError, Hashed
from hullmark.images.inflate import inflated as inflate
from hullmark.images.limits import ReadLimits
from hullmark.images.source import Blob
from hullmark.images.walk import Cut
from hullmark.model.errors import HullmarkError
from hullmark.model.facts import Unread
from hullmark.scan.bounds import Bounds
from hullmark.scan.cache import FactCache
from hullmark.scan.layers import TIME_OVER, Deadline
from hullmark.scan.request import Progress


class Indexed(msgspec.Struct, frozen=True, array_like=True):
    """A layer's index. `digest` is verified, empty where the blob is not what was promised or could not be read whole.

    `is_plain`: the blob was not compressed.
    """

    digest: str
    index: LayerIndex
    stored_bytes: int
    is_plain: bool = False
    unread: tuple[Unread, ...] = ()


class _Row(NamedTuple):
    """An index as it is remembered."""

    version: int
    stored_bytes: int
    is_plain: bool
    listed: LayerIndex


class IndexReader:
    """Reads the file indexes of layers, within the bounds of one image."""

    def __init__(self, cache: FactCache, limits: ReadLimits, over: Deadline) -> None:
        self.cache = cache
        self.limits = limits
        self.bounds = Bounds(limits)
        self.over = over
        self.room = Room()
        self._early: dict[int, Indexed] = {}
        self._kept: list[Blob] = []

    def take(self, blob: Blob) -> None:
        """Read a blob that passes only once, while it streams."""
        self._kept.append(blob)  # so that its id stays its own
        self._early[id(blob)] = self.read(blob)

    def all(self, blobs: Sequence[Blob], progress: Progress, workers: int = 0) -> list[Indexed]:
        """Give the indexes of an image's layers, several read at once: inflating and hashing let go of the interpreter's lock.

        Where they are too much together, those that come first are kept, from the lowest layer up.
        """
        total = sum(max(blob.size, 0) for blob in blobs)
        done = 0
        found = []
        with ThreadPoolExecutor(workers or min(os.cpu_count() or 1, 4)) as pool:
            for blob, layer in zip(blobs, pool.map(self._one, blobs), strict=True):
                found.append(layer)
                done += max(blob.size, 0)
                progress("layers", done, total)
        if not self.room.is_over or any(blob.once for blob in blobs):
            return found
        found.clear()
        self.room = Room()
        for blob in blobs:
            before = (self.room.entries, self.room.path_bytes)
            found.append(self._one(blob))
            if self.room.is_over:
                self.room = Room(*before)
        return found

    def _one(self, blob: Blob) -> Indexed:
        known = self._known(blob)
        if known is None:
            return self.read(blob)
        if id(blob) not in self._early:
            try:
                self.room.take(len(known.index), len(known.index.paths) + len(known.index.hard_links))
            except Cut as problem:
                return _unreadable(blob, str(problem))
        return known

    def _known(self, blob: Blob) -> Indexed | None:
        if id(blob) in self._early:
            return self._early[id(blob)]
        if blob.problem:
            return _unreadable(blob, blob.problem)
        if blob.identity is not None and blob.size not in {-1, blob.identity.size}:
            return None
        digest = blob.claimed if blob.addressed else ""
        if not digest and blob.identity is not None:
            digest = self.cache.digest_of(blob.identity)
        return self._remembered(digest) if digest and digest == blob.claimed else None

    def _remembered(self, digest: str) -> Indexed | None:
        if (content := self.cache.index_of(digest)) is None:
            return None
        try:
            row = msgspec.msgpack.decode(content, type=_Row)
        except msgspec.DecodeError:
            return None
        if row.version != VERSION:
            return None
        return Indexed(digest, row.listed, row.stored_bytes, row.is_plain)

    def read(self, blob: Blob) -> Indexed:
        """Read a blob: hash it, and every file in it. What is wrong with it is Unread in the answer."""
        if self.over():
            return _unreadable(blob, TIME_OVER)
        started_ns = time.time_ns()
        hashed = Hashed(blob.open(), "sha512" if blob.claimed.startswith("sha512:") else "sha256")
        indexing = Indexing(self.limits, self.room)
        problems: list[str] = []
        is_whole = False
        try:
            pieces = self._pieces(hashed, indexing)
            try:
                indexing.read(pieces)
            except Cut as problem:
                problems.append(str(problem))
            for _rest in pieces:
                pass
            for _chunk in hashed:
                if self.over():
                    raise Cut(TIME_OVER)  # noqa: TRY301  # where every end of the reading is told
            is_whole = True
        except (Cut, DamagedError) as problem:
            problems.append(str(problem))
        except HullmarkError as problem:
            problems.append(f"{problem.what} ({problem.hint})" if problem.hint else problem.what)
        except OSError as problem:
            problems.append(str(problem.strerror or problem))
        return self._finished(blob, hashed, indexing, problems, started_ns if is_whole else 0)

    def _pieces(self, hashed: Hashed, indexing: Indexing) -> Iterator[bytes]:
        for piece in self.bounds.watched(inflate(hashed, self.limits), hashed, indexing.shape):
            if self.over():
                raise Cut(TIME_OVER)
            yield piece

    def _finished(
        self, blob: Blob, hashed: Hashed, indexing: Indexing, problems: list[str], started_ns: int
    ) -> Indexed:
        """Compare what was read with what was promised, and remember it under what it is. `started_ns` is 0 where the end was not reached."""
        expected = blob.claimed or (blob.diff_id if hashed.plain else "")
        if started_ns and blob.size not in {-1, hashed.size}:
            problems.append(f"its blob has {hashed.size} bytes, not {blob.size}")
        if started_ns and expected and hashed.digest != expected:
            problems.append(f"its bytes have the digest {hashed.digest}, not {expected}")
            if blob.linked:
                return _unreadable(
                    blob, "its blob is a link to a file whose digest is not the one that the manifest gives"
                )
        index = LayerIndex() if self.room.is_over else indexing.frozen()
        unread = (
            tuple(Unread(kind="layer", reason=reason) for reason in problems) + indexing.shape.frozen().unread
        )
        if started_ns and not unread:
            row = _Row(VERSION, hashed.size, hashed.plain, index)
            self.cache.remember_index(hashed.digest, msgspec.msgpack.encode(row))
            if blob.identity is not None:
                self.cache.remember_file(blob.identity, hashed.digest, started_ns)
        return Indexed("" if problems else hashed.digest, index, hashed.size, hashed.plain, unread)


def _unreadable(blob: Blob, reason: str) -> Indexed:
    return Indexed("", LayerIndex(), max(blob.size, 0), unread=(Unread(kind="layer", reason=reason),))
