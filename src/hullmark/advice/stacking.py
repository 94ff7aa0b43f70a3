"""What the layers of an image hide of one another: files that are deleted, overwritten, or written again as they were. Pure.

The rules are those of the OCI image specification (layer.md): a whiteout removes a path of lower layers, an opaque mark what lower layers have in a
folder, an entry that is no folder hides a whole folder of its name. Time and memory grow with the number of entries, however they lie.

Beside the true loss dive's figures are counted (https://github.com/wagoodman/dive, `filetree/efficiency.go`), which its gates mean: of a path that stands
in several layers all bytes are wasted, and the least of them would have been enough; a deleted file's last entry has none; a deleted folder counts as
one path more, with all that was in it.
"""

import heapq
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hullmark.images.index import (
    DIGEST_BYTES,
    FILE,
    FOLDER,
    OPAQUE_FOLDER,
    REMOVED,
    LayerIndex,
)
from hullmark.model.errors import LimitError
from hullmark.model.layering import Hidden, Hiding

_HOW: tuple[Hiding, ...] = ("deleted", "overwritten", "touched")
_DELETED, _OVERWRITTEN, _TOUCHED = range(3)
_KEPT = 500
"""Of what hides how much the largest are listed; all of it is counted."""
_FOLDER_ROOM = 96 * 1024 * 1024
_FOLDER_COST = 160
"""Bytes that a folder takes besides its path, more or less."""
_ENTRY_BITS = 24
_ENTRY_MASK = (1 << _ENTRY_BITS) - 1


class Pair(NamedTuple):
    """What one layer hides of another in one way."""

    layer: int
    by: int
    how: Hiding
    size_bytes: int
    files: int


class Dive(NamedTuple):
    """dive's figures: the bytes of all paths, the least that would have been enough, and those of paths that stand in several layers."""

    all_bytes: int
    least_bytes: int
    wasted_bytes: int

    @property
    def efficiency(self) -> float:
        """Give the score, 0 to 1."""
        return self.least_bytes / self.all_bytes if self.all_bytes else 1.0


class Stacked(NamedTuple):
    """What stands in the layers and what of it shows. Lists have a number for each layer; `hides` a byte for each entry of a layer, 1 where it no longer shows."""

    content_bytes: list[int]
    files: list[int]
    hidden_bytes: list[int]
    hidden_paths: int
    largest: tuple[Hidden, ...]
    pairs: tuple[Pair, ...]
    hides: list[bytearray]
    dive: Dive


def stacked(layers: Sequence[LayerIndex]) -> Stacked:
    """Stack layers from the lowest up. Raises `LimitError` for one of more folders than can be held."""
    stack = _Stack(layers)
    for number in range(len(layers)):
        stack.add(number)
    return stack.finished()


class _Stack:
    def __init__(self, layers: Sequence[LayerIndex]) -> None:
        self.layers = layers
        self.sizes = [memoryview(index.sizes).cast("Q") for index in layers]
        self.hides = [bytearray(len(index)) for index in layers]
        self.content = [0] * len(layers)
        self.files = [0] * len(layers)
        self.hidden = [0] * len(layers)
        self.hidden_paths = 0
        self.shown: dict[bytes, int] = {}
        self.below: dict[bytes, list[bytes]] = {b"": []}
        self.room = _FOLDER_ROOM
        self.linked: dict[int, frozenset[bytes]] = {}
        self.largest: list[tuple[int, bytes, int, int, int, int]] = []
        self.pairs: dict[int, int] = {}
        self.pair_bytes = array("Q")
        self.pair_files = array("Q")
        self.dive = _Dive()

    def add(self, number: int) -> None:
        """Put one more layer on top."""
        index = self.layers[number]
        paths = index.paths.split(b"\0")[:-1]
        if index.hard_links:
            self.linked[number] = frozenset(index.hard_links.split(b"\0")[:-1])
        kinds = index.kinds
        if REMOVED in kinds or OPAQUE_FOLDER in kinds:
            for path, kind in zip(paths, kinds, strict=True):
                if kind == REMOVED[0]:
                    self._remove(path, number)
                elif kind == OPAQUE_FOLDER[0]:
                    self._drop(path, number, _DELETED)
        self._entries(number, paths, kinds)

    def _entries(self, number: int, paths: list[bytes], kinds: bytes) -> None:
        shown, below = self.shown, self.below
        last, siblings = b"", below[b""]
        files = content = 0
        marker = number << _ENTRY_BITS
        for at, (path, kind, size) in enumerate(zip(paths, kinds, self.sizes[number], strict=True)):
            if kind in (REMOVED[0], OPAQUE_FOLDER[0]):
                continue
            above = path.rpartition(b"/")[0]
            if above != last or siblings is not below.get(last):
                last, siblings = above, self._folder(above)
            if kind == FOLDER[0]:
                if path in shown:
                    self._hide_one(path, number, _OVERWRITTEN)
                self._folder(path)
                continue
            content += size
            files += kind == FILE[0]
            if path in shown:
                self._replace(path, number, at, size)
            else:
                if path in below:
                    self._drop(path, number, _OVERWRITTEN)
                    del below[path]
                siblings.append(path)
                self.dive.fresh(path, size)
            shown[path] = marker | at
        self.content[number] = content
        self.files[number] = files

    def _folder(self, folder: bytes) -> list[bytes]:
        """Give the list of what is in a folder; new ones are put into those above them."""
        found = self.below.get(folder)
        if found is not None:
            return found
        found = self.below[folder] = []
        while folder:
            self.room -= len(folder) + _FOLDER_COST
            if self.room < 0:
                raise LimitError(f"its paths have more than {_FOLDER_ROOM // 1024**2} MiB of folders")
            above = folder.rpartition(b"/")[0]
            siblings = self.below.get(above)
            if siblings is not None:
                siblings.append(folder)
                break
            self.below[above] = [folder]
            folder = above
        return found

    def _replace(self, path: bytes, number: int, at: int, size: int) -> None:
        """Hide what a path shows by another entry of it."""
        old = self.shown[path]
        layer, entry = old >> _ENTRY_BITS, old & _ENTRY_MASK
        old_size = self.sizes[layer][entry]
        if layer == number:  # of two entries of one path in a tar the later counts
            self.dive.replace(path, old_size, size)
        else:
            self.dive.again(path, old_size, size)
        new_digest = self.layers[number].digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES]
        old_digest = self.layers[layer].digests[entry * DIGEST_BYTES : (entry + 1) * DIGEST_BYTES]
        same = size == old_size and new_digest == old_digest
        self._hide(path, old, number, _TOUCHED if same and layer != number else _OVERWRITTEN)

    def _hide_one(self, path: bytes, by: int, how: int) -> None:
        self._hide(path, self.shown.pop(path), by, how)

    def _remove(self, path: bytes, by: int) -> None:
        """Take a path away, a file or a folder with all that is in it."""
        if path in self.shown:
            old = self.shown[path]
            self.dive.again(path, self.sizes[old >> _ENTRY_BITS][old & _ENTRY_MASK], 0)
            self._hide_one(path, by, _DELETED)
        if path in self.below and path:
            self.dive.folder(path, self._drop(path, by, _DELETED))
            del self.below[path]

    def _drop(self, folder: bytes, by: int, how: int) -> int:
        """Take away all that is in a folder; give how many bytes that were."""
        if folder not in self.below:
            return 0
        groups: dict[int, list[int]] = {}
        total = 0
        waiting = [folder]
        while waiting:
            inside = waiting.pop()
            children = self.below.pop(inside, None)
            waiting.extend(children or ())
            old = self.shown.pop(inside, None)
            if old is not None:
                layer, entry = old >> _ENTRY_BITS, old & _ENTRY_MASK
                size = self.sizes[layer][entry]
                total += size
                self.dive.gone(inside, size)
                if self._mark(inside, layer, entry):
                    group = groups.setdefault(layer, [0, 0])
                    group[0] += size
                    group[1] += 1
        self.below[folder] = []
        for layer, (size, files) in groups.items():
            self._count(folder, layer, by, how, size, files)
        return total

    def _hide(self, path: bytes, old: int, by: int, how: int) -> None:
        layer, entry = old >> _ENTRY_BITS, old & _ENTRY_MASK
        if self._mark(path, layer, entry):
            self._count(path, layer, by, how, self.sizes[layer][entry], 1)

    def _mark(self, path: bytes, layer: int, entry: int) -> bool:
        """Note that an entry no longer shows; false where a hard link in its layer still needs its bytes."""
        if layer in self.linked and path in self.linked[layer]:
            return False
        self.hides[layer][entry] = 1
        return True

    def _count(self, path: bytes, layer: int, by: int, how: int, size: int, files: int) -> None:
        self.hidden[layer] += size
        self.hidden_paths += files
        key = (layer * len(self.layers) + by) * len(_HOW) + how
        place = self.pairs.setdefault(key, len(self.pair_bytes))
        if place == len(self.pair_bytes):
            self.pair_bytes.append(0)
            self.pair_files.append(0)
        self.pair_bytes[place] += size
        self.pair_files[place] += files
        if size:
            item = (size, path, layer, by, how, files)
            if len(self.largest) < _KEPT:
                heapq.heappush(self.largest, item)
            elif item > self.largest[0]:
                heapq.heapreplace(self.largest, item)

    def finished(self) -> Stacked:
        """Give what was found."""
        largest = sorted(self.largest, key=lambda item: (-item[0], *item[1:]))
        return Stacked(
            self.content,
            self.files,
            self.hidden,
            self.hidden_paths,
            tuple(
                Hidden(
                    path=path.decode("utf-8", "replace"),
                    size_bytes=size,
                    files=files,
                    layer=layer,
                    by=by,
                    how=_HOW[how],
                )
                for size, path, layer, by, how, files in largest
            ),
            tuple(sorted(self._pairs())),
            self.hides,
            self.dive.finished(),
        )

    def _pairs(self) -> Iterator[Pair]:
        for key, place in self.pairs.items():
            rest, how = divmod(key, len(_HOW))
            layer, by = divmod(rest, len(self.layers))
            yield Pair(layer, by, _HOW[how], self.pair_bytes[place], self.pair_files[place])


class _Dive:
    """Counts as dive does. Only paths that stand in more than one layer are held."""

    def __init__(self) -> None:
        self.all_bytes = 0
        self.once_bytes = 0
        self.several: dict[bytes, tuple[int, int]] = {}
        self.earlier: dict[bytes, int] = {}
        self.folders: dict[bytes, tuple[int, int, int]] = {}

    def fresh(self, path: bytes, size: int) -> None:
        """Count an entry whose path does not show."""
        if path in self.several:
            self.again(path, 0, size)
        elif path in self.earlier:
            self.again(path, self.earlier.pop(path), size)
        else:
            self.all_bytes += size
            self.once_bytes += size

    def again(self, path: bytes, old: int, size: int) -> None:
        """Count one more entry of a path whose last one has `old` bytes."""
        self.all_bytes += size
        if path in self.several:
            total, least = self.several[path]
        else:
            total = least = old
            self.once_bytes -= old
        self.several[path] = (total + size, min(least, size))

    def replace(self, path: bytes, old: int, size: int) -> None:
        """Count an entry in the place of another of the same layer."""
        self.all_bytes += size - old
        if path in self.several:
            total, least = self.several[path]
            self.several[path] = (total + size - old, min(least, size))
        else:
            self.once_bytes += size - old

    def gone(self, path: bytes, size: int) -> None:
        """Remember a path that went with its folder, in case that it comes again."""
        if path not in self.several:
            self.earlier[path] = size

    def folder(self, path: bytes, size: int) -> None:
        """Count a folder that is taken away as a path, with all bytes in it."""
        times, total, least = self.folders.get(path, (0, 0, size))
        self.folders[path] = (times + 1, total + size, min(least, size))

    def finished(self) -> Dive:
        """Give the sums."""
        wasted = sum(total for total, _ in self.several.values())
        wasted += sum(total for times, total, _ in self.folders.values() if times > 1)
        least = self.once_bytes + sum(least for _, least in self.several.values())
        least += sum(least for _, _, least in self.folders.values())
        every = self.all_bytes + sum(total for _, total, _ in self.folders.values())
        return Dive(every, least, wasted)
