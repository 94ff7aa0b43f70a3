"""What really changed between two builds of one image: layers that are the same, that only look different, and files that changed. Pure."""

import hashlib
import heapq
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from hullmark.advice.layer_rules import UNREPRODUCED
from hullmark.advice.layering import BuiltLayer
from hullmark.advice.steps import as_written
from hullmark.images.index import DIGEST_BYTES, OPAQUE_FOLDER, REMOVED, LayerIndex
from hullmark.model.layering import Comparison, FileChange, Gain, LayerChange, Proposal
from hullmark.model.words import size

_ChangeName = Literal["new", "gone", "changed"]
_Why = Literal["times", "order", "compression", "headers"]
_FILES_SHOWN = 20
_LAYERS_SHOWN = 1_000


class Compared(NamedTuple):
    """What was found: the comparison, the status of each new layer by its number, and proposals."""

    comparison: Comparison
    status: dict[int, LayerChange]
    proposals: list[Proposal]


def compared(new: Sequence[BuiltLayer], old: Sequence[BuiltLayer], name: str, digest: str) -> Compared:
    """Compare a build with an older one.

    A layer is reused where the older one has its digest, at whatever place: a registry and a machine hold a blob once. Others are told to be the same
    by their content, and are else set beside the layer of the same instruction, or of the same place.
    """
    old_digests = {layer.digest: number for number, layer in enumerate(old) if layer.digest}
    waiting = [number for number, layer in enumerate(new) if layer.digest not in old_digests]
    reused = [layer for layer in new if layer.digest in old_digests]
    new_digests = {layer.digest for layer in new if layer.digest}
    partners = _paired(
        new, waiting, old, [n for n, layer in enumerate(old) if layer.digest not in new_digests]
    )
    changes = {number: _change(number, new[number], partners[number], old) for number in waiting}
    pushed = [new[number] for number in waiting]
    same = [number for number in waiting if changes[number].status == "same_content"]
    comparison = Comparison(
        name=name,
        digest=digest,
        layers_reused=len(reused),
        reused_bytes=sum(layer.stored_bytes for layer in reused),
        pushed_bytes=sum(layer.stored_bytes for layer in pushed),
        pulled_bytes=sum(layer.stored_bytes for layer in pushed),
        scanned_bytes=sum(_content_bytes(layer.content) for layer in pushed),
        avoidable_bytes=sum(new[number].stored_bytes for number in same),
        changed_bytes=sum(each.changed_bytes for each in changes.values()),
        layers=tuple(changes[number] for number in waiting[:_LAYERS_SHOWN]),
    )
    return Compared(comparison, changes, _unreproduced(same, new, changes))


def _unreproduced(
    same: Sequence[int], new: Sequence[BuiltLayer], changes: dict[int, LayerChange]
) -> list[Proposal]:
    if not same:
        return []
    stored = sum(new[number].stored_bytes for number in same)
    why = sorted({word for number in same for word in changes[number].why})
    return [
        Proposal(
            rule=UNREPRODUCED.id,
            message=f"{size(stored)} are new only by {' and '.join(why) or 'their headers'}: the files are the same as in the build before",
            advice=UNREPRODUCED.fix,
            layers=tuple(same),
            gain=Gain(
                pushed_bytes=stored,
                pulled_bytes=stored,
                scanned_bytes=sum(_content_bytes(new[number].content) for number in same),
                layers_reused=len(same),
                exact=True,
            ),
        )
    ]


def _content_bytes(index: LayerIndex) -> int:
    return sum(memoryview(index.sizes).cast("Q"))


def _paired(
    new: Sequence[BuiltLayer], waiting: Iterable[int], old: Sequence[BuiltLayer], left: Iterable[int]
) -> dict[int, int | None]:
    """Find for each new layer the old one that it stands for: of the same content, else of the same instruction, else of the same place."""
    free = dict.fromkeys(left)
    found: dict[int, int | None] = dict.fromkeys(waiting)
    for key in (_content_key, _instruction_key):
        offered: dict[object, list[int]] = {}
        for number in reversed(list(free)):
            if (value := key(old[number])) is not None:
                offered.setdefault(value, []).append(number)
        for number, partner in found.items():
            if partner is None and (numbers := offered.get(key(new[number]))):
                found[number] = taken = numbers.pop()
                free.pop(taken)
    for number, partner in found.items():
        if partner is None and number in free and not _instruction_key(new[number]):
            found[number] = number
            free.pop(number)
    return found


def _content_key(layer: BuiltLayer) -> object | None:
    """Give a digest of what a layer does, whatever the order and times of its entries; None for an empty one."""
    if not len(layer.content):
        return None
    lines = sorted(
        b"%s\0%s %o %r %s" % (entry.path, entry.kind, entry.mode, entry.owner, entry.digest)
        for entry in layer.content.entries()
    )
    whole = hashlib.sha256()
    for line in lines:
        whole.update(b"%d " % len(line) + line)
    return whole.digest()


def _instruction_key(layer: BuiltLayer) -> object | None:
    return as_written(layer.instruction) or None


def _change(number: int, layer: BuiltLayer, partner: int | None, old: Sequence[BuiltLayer]) -> LayerChange:
    if partner is None:
        bytes_ = _content_bytes(layer.content)
        return LayerChange(
            index=number,
            old=None,
            status="new",
            stored_bytes=layer.stored_bytes,
            changed_files=len(layer.content),
            changed_bytes=bytes_,
        )
    before = old[partner].content
    changes = _changed_files(layer.content, before)
    if changes.count or not len(layer.content) or not layer.digest or not old[partner].digest:
        return LayerChange(
            index=number,
            old=partner,
            status="changed",
            stored_bytes=layer.stored_bytes,
            changed_files=changes.count,
            changed_bytes=changes.bytes,
            files=changes.files(),
        )
    why: list[_Why] = []
    if layer.content.paths != before.paths:
        why.append("order")
    if dict(_times(layer.content)) != dict(_times(before)):
        why.append("times")
    if not why and layer.content == before:
        why.append("compression" if layer.stored_bytes != old[partner].stored_bytes else "headers")
    return LayerChange(
        index=number,
        old=partner,
        status="same_content",
        why=tuple(sorted(why)) or ("headers",),
        stored_bytes=layer.stored_bytes,
    )


def _times(index: LayerIndex) -> Iterable[tuple[bytes, int]]:
    return zip(index.paths.split(b"\0"), memoryview(index.times).cast("q"), strict=False)


class _Columns:
    """The entries of a layer by number, so that two layers of a million are compared in little memory."""

    def __init__(self, index: LayerIndex) -> None:
        self.paths = index.paths.split(b"\0")[:-1]
        self.kinds = index.kinds
        self.sizes = memoryview(index.sizes).cast("Q")
        self.modes = memoryview(index.modes).cast("H")
        self.owners = memoryview(index.owners)
        self.digests = index.digests

    def key(self, number: int) -> bytes:
        """Give a path with what tells a mark of removal from an entry."""
        is_mark = self.kinds[number : number + 1] in {REMOVED, OPAQUE_FOLDER}
        return self.paths[number] + (b"\0" if is_mark else b"")

    def differs(self, number: int, other: "_Columns", at: int) -> tuple[str, ...]:
        """Name in what an entry differs from one of another layer."""
        content = slice(number * DIGEST_BYTES, (number + 1) * DIGEST_BYTES)
        others = slice(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES)
        found = {
            "kind": self.kinds[number] != other.kinds[at],
            "content": self.digests[content] != other.digests[others]
            or self.sizes[number] != other.sizes[at],
            "mode": self.modes[number] != other.modes[at],
            "owner": self.owners[8 * number : 8 * number + 8] != other.owners[8 * at : 8 * at + 8],
        }
        return tuple(name for name, is_other in found.items() if is_other)


class _Changes:
    """Counts the files that changed and keeps the largest."""

    def __init__(self) -> None:
        self.count = self.bytes = 0
        self._largest: list[tuple[int, bytes, _ChangeName, tuple[str, ...]]] = []

    def add(self, path: bytes, change: "_ChangeName", size_bytes: int, aspects: tuple[str, ...] = ()) -> None:
        self.count += 1
        if change == "new" or "content" in aspects:
            self.bytes += size_bytes
        item = (size_bytes, path.rstrip(b"\0"), change, aspects)
        if len(self._largest) < _FILES_SHOWN:
            heapq.heappush(self._largest, item)
        elif item > self._largest[0]:
            heapq.heapreplace(self._largest, item)

    def files(self) -> tuple[FileChange, ...]:
        return tuple(
            FileChange(
                path=path.decode("utf-8", "replace"), change=change, size_bytes=bytes_, aspects=aspects
            )
            for bytes_, path, change, aspects in sorted(self._largest, key=lambda item: (-item[0], *item[1:]))
        )


def _changed_files(new: LayerIndex, old: LayerIndex) -> _Changes:
    """List what differs between two builds of a layer; times do not count, since every build has its own."""
    ours, theirs = _Columns(new), _Columns(old)
    before = {theirs.key(number): number for number in range(len(old))}
    found = _Changes()
    for number in range(len(new)):
        key = ours.key(number)
        at = before.pop(key, None)
        if at is None:
            found.add(key, "new", ours.sizes[number])
        elif aspects := ours.differs(number, theirs, at):
            found.add(key, "changed", ours.sizes[number], aspects)
    for key, at in before.items():
        found.add(key, "gone", theirs.sizes[at])
    return found
