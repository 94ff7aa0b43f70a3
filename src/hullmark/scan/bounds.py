"""What one image may cost over all of its layers.

Each of a thousand layers may stay within what one layer may cost, and all together take hours or fill the memory.
What is left out for that reason depends on the other layers of the image, so it is never remembered.
"""

import mmap
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from hullmark.images.inflate import Hashed
from hullmark.images.limits import Large, ReadLimits
from hullmark.images.walk import LINK_COST, Shape
from hullmark.model.errors import HullmarkError
from hullmark.model.facts import FileFacts, LayerShape

_LEARNED = struct.Struct("<3q")
_MIB = 1024 * 1024
_SELDOM = 7  # to ask for the processor time takes as long as to walk some headers
_FILE_BYTES_A_S = 16 * _MIB
_BYTES_AN_ENTRY, _BYTES_A_LINE = 16, 4
"""Compressed bytes; a layer of nothing but empty folders, or of plain lists, takes twice as many for each."""


def weight(entry: FileFacts) -> int:
    """Say as how many facts a file counts. A path of many folders counts as more, since each of them is looked at."""
    return 1 + len(entry.facts) + entry.path.count("/") // 6


def path_bytes(path: str) -> int:
    """Say as how many bytes the folders of a path count: each has a text of its own when layers are merged."""
    return len(path) * path.count("/") // 8


class Weights(NamedTuple):
    """As how much a layer counts: facts, their bytes, bytes of links and whiteouts. The same whether it was read or remembered."""

    facts: int = 0
    fact_bytes: int = 0
    shape_bytes: int = 0


def weigh(shape: LayerShape, files: Mapping[str, tuple[FileFacts, ...]], encoded_bytes: int) -> Weights:
    """Weigh what was learned of a layer; `encoded_bytes` is the size of its facts as they are remembered."""
    facts, fact_bytes = 0, encoded_bytes
    for found in files.values():
        for entry in found:
            facts += weight(entry)
            fact_bytes += path_bytes(entry.path)
    packed = (shape.links, shape.whiteouts, shape.opaques)
    shape_bytes = sum(len(words) + LINK_COST * words.count(b"\0") for words in packed)
    implied = shape.implied.decode("utf-8", "replace").split("\0")
    shape_bytes += sum(len(path) + path_bytes(path) for path in implied)
    return Weights(facts, fact_bytes, shape_bytes)


class BoundsError(HullmarkError):
    """The image as a whole is more than its limits allow; what else it holds is not read."""


class Bounds:
    """Counts what the layers of one image cost, over the threads that read them.

    What a layer of usual make needs for its size is always granted, so that no bomb keeps the others from being read.
    """

    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._bytes_left = limits.image_free_bytes
        self._entries_left = limits.image_entries
        self._lines_left = limits.image_lines
        self._cpu_ends_s = time.process_time() + limits.image_cpu_s
        # Learned is what the parent holds in the end, so forked children count it in memory that all of them share.
        self._learned = mmap.mmap(-1, _LEARNED.size)
        self._learned[:] = _LEARNED.pack(
            limits.image_facts, limits.image_fact_bytes, limits.image_shape_bytes
        )
        self._turn = Large()

    def share(self, workers: int) -> None:
        """Leave each of several processes that are forked from now on its share of what is left to be read."""
        self._turn.share()
        self._bytes_left //= workers
        self._entries_left //= workers
        self._lines_left //= workers
        # A forked process has a clock of its own, which starts now.
        self._cpu_ends_s = max(self._cpu_ends_s - time.process_time(), 0) / workers

    def watched(self, pieces: Iterable[bytes], hashed: Hashed, shape: Shape) -> Iterator[bytes]:
        """Pass a layer's pieces on, as long as the image is within its bounds."""
        inflated = entries = 0
        started_s = time.process_time()
        for number, piece in enumerate(pieces):
            inflated += len(piece)
            if not number & _SELDOM:
                self.check_time(started_s, hashed.size)
            with self._lock:
                self._bytes_left -= len(piece)
                self._entries_left -= shape.entries + shape.extras - entries
            entries = shape.entries + shape.extras
            if self._bytes_left < 0 and inflated > self._limits.layer_ratio * hashed.size:
                raise BoundsError(
                    f"all layers together inflate to more than {self._limits.image_free_bytes} bytes, "
                    f"and this one to more than {self._limits.layer_ratio} times its size",
                    hint="limits.image_free_bytes",
                )
            if self._entries_left < 0 and entries > hashed.size // _BYTES_AN_ENTRY:
                raise BoundsError(
                    f"all layers together have more than {self._limits.image_entries} entries, "
                    f"extended headers and extents of sparse files, and this one more than its size suggests",
                    hint="limits.image_entries",
                )
            yield piece

    def seconds_left(self, started_s: float, packed_bytes: int) -> float:
        """Say how much processor time there is for a layer that was begun at `started_s` by the clock of this process."""
        now_s = time.process_time()
        granted_s = self._limits.layer_cpu_ms / 1000 * packed_bytes / _MIB
        return max(self._cpu_ends_s - now_s, started_s + granted_s - now_s)

    def check_time(self, started_s: float, packed_bytes: int) -> None:
        """Raise `BoundsError` where there is no time left for a layer."""
        if self.seconds_left(started_s, packed_bytes) < 0:
            raise BoundsError(
                f"all layers together take more than {self._limits.image_cpu_s} s of processor time, "
                f"and this one more than its size suggests",
                hint="limits.image_cpu_s",
            )

    def seconds_for_file(self, size_bytes: int) -> float:
        """Say how much processor time a file may take."""
        return self._limits.file_cpu_s + size_bytes / _FILE_BYTES_A_S

    def text(self, lines: int, lines_of_layer: int, packed_bytes: int) -> None:
        """Take the lines of one more text file that is about to be read."""
        with self._lock:
            self._lines_left -= lines
        if self._lines_left < 0 and lines_of_layer > packed_bytes // _BYTES_A_LINE:
            raise BoundsError(
                f"the text files of all layers have more than {self._limits.image_lines} lines, "
                f"and those of this one more than its size suggests",
                hint="limits.image_lines",
            )

    def problem(self, weights: Weights) -> str:
        """Say why what was learned of one more layer is too much, or nothing; what is too much does not count."""
        with self._turn:
            facts_left, bytes_left, shape_left = _LEARNED.unpack(self._learned)
            if weights.facts > facts_left:
                return (
                    f"all layers together say more than {self._limits.image_facts} facts (limits.image_facts)"
                )
            if weights.fact_bytes > bytes_left:
                return f"the facts of all layers have more than {self._limits.image_fact_bytes} bytes"
            if weights.shape_bytes > shape_left:
                most = self._limits.image_shape_bytes
                return f"all layers together have more than {most} bytes of links and whiteouts"
            self._learned[:] = _LEARNED.pack(
                facts_left - weights.facts, bytes_left - weights.fact_bytes, shape_left - weights.shape_bytes
            )
        return ""
