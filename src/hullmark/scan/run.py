"""One scan, from a reference to its report: open, read what is not remembered, assemble, match, report."""

import datetime as dt
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from hullmark import __version__
from hullmark.detectors.registry import detectors as all_detectors
from hullmark.images.open import open_image
from hullmark.images.source import Blob, OpenedImage
from hullmark.model.errors import UsageError
from hullmark.model.facts import Unread
from hullmark.model.image import Image, Layer
from hullmark.model.report import BaseImage, Location, Report, ReportImage, Tool
from hullmark.scan.base import find_base, layer_digests
from hullmark.scan.cache import FactCache
from hullmark.scan.layers import Facts, LayerReader
from hullmark.scan.matching import Inventory, Item, report
from hullmark.scan.overlay import Merged, merge, skipper
from hullmark.scan.packages import Assembled, Place, assemble, unread_of
from hullmark.scan.request import ScanRequest

_SWITCH_S = 0.0005
_UNREAD_LISTED = 10_000


def run(request: ScanRequest) -> Report:
    """Scan one image. Raises `HullmarkError` only when there is nothing to report at all."""
    inventory = take_inventory(request)
    return report(inventory, request)


def take_inventory(request: ScanRequest) -> Inventory:
    """Read an image into packages with their places: everything but the matching."""
    detectors = all_detectors()
    cache = FactCache(request.cache, max_bytes=request.cache_bytes, read_only=request.cache_read_only)
    end = time.monotonic() + request.timeout_s if request.timeout_s else float("inf")
    reader = LayerReader(
        detectors, cache, request.limits, request.file_limits, lambda: time.monotonic() > end
    )
    early: dict[int, Facts] = {}
    kept: list[Blob] = []

    def read_early(blob: Blob) -> None:
        kept.append(blob)  # so that its id stays its own
        early[id(blob)] = reader.facts(blob)

    source = msgspec.structs.replace(request.source, limits=request.limits, early=read_early)
    opened = open_image(request.reference, source)
    try:
        layers = _read_layers(opened, reader, early, request)
    finally:
        opened.close()
    merged = merge(
        layers, frozenset(d.name for d in detectors if d.database), skipper(request.filters.skip_paths)
    )
    assembled = assemble(merged, detectors, include_dev=request.filters.include_dev)
    chain = tuple(layer.digest for layer in layers)
    base = find_base(opened.image, chain, request.base, cache, source, layer_digests)
    if all(chain):
        cache.remember_image(chain, _lasting_name(opened.image))
    cache.prune_when_due()
    described = _layers(opened, layers, base)
    return Inventory(
        tool=Tool("hullmark", __version__, {detector.name: detector.version for detector in detectors}),
        image=_image(opened.image, assembled, base),
        layers=described,
        items=_items(assembled, described, base),
        errors=_errors(opened.image, layers, merged),
        distribution=assembled.distribution,
        dev_packages=assembled.dev_packages,
        skipped_files=merged.skipped,
        unread_in_deleted=_unread_in_deleted(layers, merged),
    )


def _lasting_name(image: Image) -> str:
    return image.tags[0] if image.tags else image.name


def _read_layers(
    opened: OpenedImage, reader: LayerReader, early: dict[int, Facts], request: ScanRequest
) -> list[Facts]:
    """Read all layers, several at once; those that another process reads just now come last."""
    blobs = opened.layers
    total = sum(max(blob.size, 0) for blob in blobs)
    done = 0

    def one(blob: Blob) -> Facts:
        nonlocal done
        facts = early.get(id(blob)) or reader.facts(blob)
        done += max(blob.size, 0)
        request.progress("layers", done, total)
        return facts

    threads = request.threads or min(os.cpu_count() or 1, 4)
    if threads == 1 or len(blobs) < 2:
        return [one(blob) for blob in blobs]
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)  # inflating threads must not wait long for one that runs Python
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, blobs))
    finally:
        sys.setswitchinterval(before)


def _layers(opened: OpenedImage, layers: Sequence[Facts], base: BaseImage) -> tuple[Layer, ...]:
    instructions = _instructions(opened.image, len(layers))
    return tuple(
        Layer(
            index=index,
            digest=facts.digest,
            diff_id=blob.diff_id,
            media_type=blob.media_type,
            size_bytes=facts.size_bytes,
            created_by=instructions[index],
            from_base=_from_base(index, base),
            entries=facts.shape.entries,
            content_bytes=facts.shape.size_bytes,
        )
        for index, (blob, facts) in enumerate(zip(opened.layers, layers, strict=True))
    )


def _from_base(layer: int, base: BaseImage) -> bool | None:
    return layer < base.layers if base.layers else None


def _instructions(image: Image, count: int) -> list[str]:
    """Give the instruction of each layer from the image's history, where their numbers fit."""
    history = image.config.get("history")
    if not isinstance(history, list):
        return [""] * count
    entries = [entry for entry in history if isinstance(entry, dict) and not entry.get("empty_layer")]
    if len(entries) != count:
        return [""] * count
    return [created if isinstance(created := entry.get("created_by"), str) else "" for entry in entries]


def _image(image: Image, assembled: Assembled, base: BaseImage) -> ReportImage:
    return ReportImage(
        name=image.name,
        source=image.source,
        digest=image.digest,
        config_digest=image.config_digest,
        platform=image.platform,
        tags=image.tags,
        distribution=assembled.distribution,
        base=base,
        config=image.config,
        annotations=image.annotations,
    )


def _items(assembled: Assembled, layers: Sequence[Layer], base: BaseImage) -> tuple[Item, ...]:
    def location(place: Place) -> Location:
        layer = layers[place.layer]
        return Location(
            path=place.path,
            layer=place.layer,
            place=place.place,
            layer_digest=layer.digest,
            created_by=layer.created_by,
            from_base=_from_base(place.layer, base),
            detector=place.detector,
        )

    return tuple(
        Item(found.package, tuple(location(place) for place in found.places), found.provides)
        for found in assembled.packages
    )


def _errors(image: Image, layers: Sequence[Facts], merged: Merged) -> tuple[Unread, ...]:
    """List what could not be read: of the image, of its layers, of visible files."""
    found = list(image.unread)
    for index, facts in enumerate(layers):
        name = facts.digest or f"layer {index}"
        found += [
            msgspec.structs.replace(unread, layer=name) for unread in (*facts.unread, *facts.shape.unread)
        ]
    names = [facts.digest or f"layer {index}" for index, facts in enumerate(layers)]
    found += [msgspec.structs.replace(unread, layer=names[layer]) for layer, unread in unread_of(merged)]
    ordered = sorted(set(found), key=lambda u: (_KINDS.index(u.kind), u.layer, u.path, u.place, u.reason))
    if len(ordered) > _UNREAD_LISTED:
        left = len(ordered) - _UNREAD_LISTED
        ordered = [*ordered[:_UNREAD_LISTED], Unread(kind="record", reason=f"{left} more could not be read")]
    return tuple(ordered)


_KINDS = ("layer", "package_database", "file", "record")


def _unread_in_deleted(layers: Sequence[Facts], merged: Merged) -> int:
    """Count what could not be read in files that no longer show: of no weight for packages."""
    everything = _count(entry.facts for facts in layers for found in facts.files.values() for entry in found)
    return everything - _count(visible.facts for visible in merged.files.values())


def _count(files: Iterable[Sequence[object]]) -> int:
    return sum(isinstance(fact, Unread) for facts in files for fact in facts)


def moment(text: str = "") -> str:
    """Give the time that a report is made for: as told, else `SOURCE_DATE_EPOCH`, else the clock (RFC 3339, UTC)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if text:
        try:
            told = dt.datetime.fromisoformat(text)
        except ValueError as problem:
            raise UsageError(f"{text!r} is no time", hint="--as-of 2026-01-31T12:00:00Z") from problem
        told = told.replace(tzinfo=told.tzinfo or dt.UTC).astimezone(dt.UTC)
    elif epoch.isdigit():
        told = dt.datetime.fromtimestamp(int(epoch), dt.UTC)
    else:
        told = dt.datetime.now(dt.UTC)
    return told.strftime("%Y-%m-%dT%H:%M:%SZ")
