"""Bounds for what is read out of an image. All are settings (`limits.…`); the defaults fit real images.

docs/explain/limits.md says what happens beyond each of them.
"""

import fcntl
import os
import threading
from types import TracebackType

from msgspec import Struct

MIB = 1024 * 1024


class ReadLimits(Struct, frozen=True, kw_only=True):
    """`…_free_bytes` are always inflated, of a layer and of a whole image; beyond that `layer_ratio` times what is stored.

    `image_lines` are those of all text files, items of lists counted as well, since each takes time.
    `file_cpu_s` is what reading one file may take of processor time (and a second for each 16 MiB), `image_cpu_s` the whole image; beyond the latter a layer
    may take `layer_cpu_ms` for each MiB that is stored.
    `…_facts` and `…_fact_bytes` (as they are remembered) bound what is learned, `…_shape_bytes` links and whiteouts.
    """

    layer_free_bytes: int = 4096 * MIB
    image_free_bytes: int = 16384 * MIB
    layer_ratio: int = 200
    layer_entries: int = 5_000_000
    image_entries: int = 10_000_000
    image_lines: int = 5_000_000
    file_cpu_s: int = 5
    image_cpu_s: int = 25
    layer_cpu_ms: int = 500
    layer_facts: int = 150_000
    image_facts: int = 180_000
    layer_fact_bytes: int = 32 * MIB
    image_fact_bytes: int = 48 * MIB
    layer_shape_bytes: int = 32 * MIB
    image_shape_bytes: int = 64 * MIB
    layers: int = 5_000
    path_bytes: int = 4096
    header_bytes: int = 1 * MIB
    document_bytes: int = 8 * MIB
    manifest_depth: int = 4
    manifests: int = 1_000
    archive_documents_bytes: int = 64 * MIB
    archive_entries: int = 200_000
    unread_records: int = 1_000
    body_budget_bytes: int = 160 * MIB


class Holes:
    """How much may be read of files that are hardly more than holes: they are no work to make, and as much to read as others."""

    _STAT_BLOCK = 512  # the unit of st_blocks, whatever the file system's own is

    def __init__(self, limits: ReadLimits) -> None:
        self._ratio = limits.layer_ratio
        self._left = limits.layer_free_bytes

    def are_too_many(self, status: os.stat_result) -> bool:
        """Take a file's size from what is left, if it is such a file; tell whether it is more than that."""
        if status.st_size <= self._ratio * status.st_blocks * self._STAT_BLOCK:
            return False
        self._left -= status.st_size
        return self._left < 0


class Large:
    """Lets one reader at a time hold something large: one of the threads, or one of the processes once it is shared.

    The kernel frees the lock of a process that dies.
    """

    def __init__(self) -> None:
        self._threads = threading.RLock()
        self._file = -1
        self._depth = 0

    def share(self) -> None:
        """Prepare for children that are forked from now on."""
        if self._file < 0 and hasattr(os, "memfd_create"):
            self._file = os.memfd_create("hullmark-large")

    def __enter__(self) -> None:
        self._threads.acquire()
        self._depth += 1
        if self._depth == 1 and self._file >= 0:
            fcntl.lockf(self._file, fcntl.LOCK_EX)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0 and self._file >= 0:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Give back the file behind the lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Budget:
    """One amount of memory shared by all threads for bodies that must be held whole.

    A thread holds at most one body at a time and never asks for more while it holds one, so waiting ends. Of several
    processes each has its share; what is larger than that is held by one of them at a time.

    `large` is entered before a body is taken, or for one; `parsing` while one is held, and nothing is waited for in it.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.large = Large()
        self.parsing = Large()
        self._own = total
        self._free = total
        self._changed = threading.Condition()

    def share(self, workers: int) -> None:
        """Prepare for children that are forked from now on, and have one thread each."""
        self._own = self.total // workers
        self.large.share()
        self.parsing.share()

    def take(self, size: int) -> bool:
        """Wait until `size` bytes are free and take them; false when there never will be so many."""
        if size > self.total:
            return False
        if size > self._own:
            self.large.__enter__()
            return True
        with self._changed:
            while self._free < size:
                self._changed.wait()
            self._free -= size
        return True

    def give(self, size: int) -> None:
        """Give back what was taken."""
        if size > self._own:
            self.large.__exit__(None, None, None)
            return
        with self._changed:
            self._free += size
            self._changed.notify_all()
