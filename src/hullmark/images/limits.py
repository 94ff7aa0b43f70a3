"""Bounds for what is read out of an image. All are settings (`limits.…`); the defaults fit real images."""

import threading

from msgspec import Struct

MIB = 1024 * 1024


class ReadLimits(Struct, frozen=True, kw_only=True):
    """`layer_free_bytes` of a layer are always inflated; beyond that at most `layer_ratio` times its compressed size."""

    layer_free_bytes: int = 4096 * MIB
    layer_ratio: int = 200
    layer_entries: int = 5_000_000
    layers: int = 5_000
    path_bytes: int = 4096
    header_bytes: int = 1 * MIB
    document_bytes: int = 8 * MIB
    manifest_depth: int = 4
    manifests: int = 1_000
    archive_documents_bytes: int = 64 * MIB
    unread_records: int = 1_000
    body_budget_bytes: int = 160 * MIB


class Budget:
    """One amount of memory shared by all threads for bodies that must be held whole.

    A thread holds at most one body at a time and never asks for more while it holds one, so waiting ends.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = total
        self._changed = threading.Condition()

    def take(self, size: int) -> bool:
        """Wait until `size` bytes are free and take them; false when there never will be so many."""
        if size > self.total:
            return False
        with self._changed:
            while self._free < size:
                self._changed.wait()
            self._free -= size
        return True

    def give(self, size: int) -> None:
        """Give back what was taken."""
        with self._changed:
            self._free += size
            self._changed.notify_all()
