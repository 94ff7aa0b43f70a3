"""One scan, from a reference to its report: open, read what is not remembered, assemble, match, report."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from hullmark import __version__
from hullmark.images.open import open_image
from hullmark.images.source import Blob, OpenedImage
from hullmark.model.facts import BinaryFiles, FileFacts, Unread
from hullmark.model.globs import fits_any
from hullmark.model.image import Image, Layer
from hullmark.model.report import BaseImage, Location, Misconfiguration, Report, ReportImage, Tool
from hullmark.scan.base import find_base, open_base
from hullmark.scan.cache import FactCache
from hullmark.scan.catalogue import Catalogue
from hullmark.scan.diff_ids import DiffIds
from hullmark.scan.documents import document_of
from hullmark.scan.feeding import Feeding
from hullmark.scan.known_images import remember
from hullmark.scan.layers import Facts, LayerReader, decode, encode, unreadable
from hullmark.scan.masking import masked_config
from hullmark.scan.matching import REPOSITORIES, Inventory, Item, report
from hullmark.scan.noting import FOLDERS
from hullmark.scan.overlay import Merged, merge
from hullmark.scan.packages import Assembled, Found, Place, assemble, unread_of
from hullmark.scan.request import ScanRequest
from hullmark.scan.searching import SECRETS, Searcher
from hullmark.scan.secrets import Secrets, secrets_of
from hullmark.scan.workers import in_processes

Config = dict[str, Any]
_WORTH_FORKING = 8 * 1024 * 1024
_UNREAD_LISTED = 10_000
_MOST_SEARCHING = 3


def run(request: ScanRequest) -> Report:
    """Scan one image. Raises `HullmarkError` only when there is nothing to report at all."""
    cache = FactCache(request.cache, max_bytes=request.cache_bytes, read_only=request.cache_read_only)
    catalogue = Catalogue(request.cache)
    document = document_of(request.reference)
    with contextlib.ExitStack() as stack:
        feeding = _feeding(request, catalogue)
        if feeding is not None:
            stack.callback(feeding.close)
        if document:
            from hullmark.scan.sbom import inventory_from_sbom

            inventory = inventory_from_sbom(*document)
        else:
            inventory = take_inventory(request, cache, catalogue, feeding)
        if feeding is not None:
            feeding.settle(
                # Those that only development needs are asked about as well: the malicious ones are listed.
                (item.package for item in (*inventory.items, *inventory.dev_items)),
                inventory.distribution,
                notes=(REPOSITORIES,) if inventory.content_sets else (),
            )
    if request.attached is not None and not document:
        filters = request.filters
        said = (
            *filters.suppressions,
            *request.attached(inventory.image, [layer.digest for layer in inventory.layers]),
        )
        request = msgspec.structs.replace(
            request, filters=msgspec.structs.replace(filters, suppressions=said)
        )
    made = report(inventory, request, catalogue)
    if not document and not request.filters.skip_paths:  # else it tells of less than is in the image
        remember(cache, made)
    catalogue.keep(cache.write)
    if request.decide is not None:
        made = msgspec.structs.replace(made, decision=request.decide(made))
    return made


def _feeding(request: ScanRequest, catalogue: Catalogue) -> Feeding | None:
    """Give what has missing advisories fetched, where that is asked for."""
    if request.feeds is None or request.database is None or "vuln" not in request.scanners:
        return None
    return Feeding(request, request.feeds, request.database, catalogue)


def take_inventory(
    request: ScanRequest, cache: FactCache, catalogue: Catalogue, feeding: Feeding | None = None
) -> Inventory:
    """Read an image into packages with their places: everything but the matching."""
    end = time.monotonic() + request.timeout_s if request.timeout_s else float("inf")

    def over() -> bool:
        return time.monotonic() > end

    searcher = (
        Searcher(cache, request.secrets_key, request.secret_config) if "secret" in request.scanners else None
    )
    reader = LayerReader(
        catalogue,
        cache,
        request.limits,
        request.file_limits,
        over,
        searcher,
        notes="config" in request.scanners,
        aside=_searching(request),
    )
    ids = DiffIds(cache, request.limits, over)
    early: dict[int, Facts] = {}
    kept: list[Blob] = []

    def read_early(blob: Blob) -> None:
        kept.append(blob)  # so that its id stays its own
        early[id(blob)] = reader.facts(blob)

    source = msgspec.structs.replace(request.source, limits=request.limits)
    with contextlib.ExitStack() as stack:
        # The bases first: one that cannot be had is said before anything is read.
        bases = []
        for reference in request.base:
            bases.append(open_base(reference, source, ids))
            stack.callback(bases[-1].close)
        opened = open_image(request.reference, msgspec.structs.replace(source, early=read_early))
        stack.callback(opened.close)
        layers = _read_layers(opened, reader, early, request, feeding)
        chain = tuple(layer.digest for layer in layers)
        base = find_base(opened, chain, bases, cache, source, ids)
    skip = fits_any(request.filters.skip_paths)
    noted = [facts.files.get(FOLDERS, ()) for facts in layers]
    layers = [_without_folders(facts) for facts in layers]
    merged = merge(layers, frozenset(d.name for d in catalogue.detectors if d.database), skip)
    assembled = assemble(merged, catalogue, include_dev=request.filters.include_dev)
    if all(chain):
        cache.remember_image(chain, _lasting_name(opened.image))
        _remember_name(cache, opened.image)
    cache.prune_when_due()
    config = masked_config(opened.image.config)
    described = _layers(opened, layers, config, base)
    secrets = Secrets()
    binary_files = 0
    if searcher is not None:
        in_files = [facts.files.get(SECRETS, ()) for facts in layers]
        secrets = secrets_of(searcher, cache, merged, described, in_files, opened.image.config, skip)
        binary_files = _binary_files(in_files)
    config_problems: Sequence[Misconfiguration] = ()
    if reader.notes:
        from hullmark.scan.misconfig import misconfigurations

        shapes = [facts.shape for facts in layers]
        config_problems = misconfigurations(
            opened.image.config,
            opened.image.name,
            merged,
            shapes,
            noted,
            assembled.packages,
            described,
            request.rules,
            {secret.path for secret in secrets.found},
        )
    if secrets.found and config_problems:
        from hullmark.scan.told_once import told_once

        found, config_problems = told_once(secrets.found, config_problems)
        secrets = secrets._replace(found=found)
    return Inventory(
        tool=Tool(
            "hullmark", __version__, {detector.name: detector.version for detector in catalogue.detectors}
        ),
        image=_image(opened.image, assembled, config, described, base),
        layers=described,
        items=_items(assembled.packages, described, base),
        errors=(*_errors(opened.image, layers, merged), *secrets.unread),
        distribution=assembled.distribution,
        content_sets=assembled.content_sets,
        dev_packages=assembled.dev_packages,
        dev_items=_items(assembled.dev, described, base),
        skipped_files=merged.skipped,
        unread_in_deleted=_unread_in_deleted(layers, merged, skip),
        binary_files=binary_files,
        secrets=secrets.found,
        secrets_key=secrets.key_id,
        silenced=secrets.silenced,
        config=tuple(config_problems),
        scanners=(*(("secret",) if searcher is not None else ()), *(("config",) if reader.notes else ())),
    )


def _without_folders(facts: Facts) -> Facts:
    """Leave out what is told of folders: they are not merged as files are."""
    if FOLDERS not in facts.files:
        return facts
    files = {name: found for name, found in facts.files.items() if name != FOLDERS}
    return msgspec.structs.replace(facts, files=files)


def _binary_files(files: Iterable[Sequence[FileFacts]]) -> int:
    """Count the files of all layers that were searched only by the rules for binary ones."""
    counted = (fact for of_layer in files for entry in of_layer if not entry.path for fact in entry.facts)
    return sum(fact.count for fact in counted if isinstance(fact, BinaryFiles))


def _lasting_name(image: Image) -> str:
    return image.tags[0] if image.tags else image.name


def _remember_name(cache: FactCache, image: Image) -> None:
    """Keep what a tag in a registry named, so that `hullmark pin --check` can say when it names something else."""
    if image.source != "registry" or not image.digest:
        return
    from hullmark.images.reference import parse

    name = parse(image.name)
    if name.tag and not name.digest:
        cache.remember_name(str(name), image.digest)


def _read_layers(
    opened: OpenedImage,
    reader: LayerReader,
    early: dict[int, Facts],
    request: ScanRequest,
    feeding: Feeding | None,
) -> list[Facts]:
    """Give the facts of all layers; those that are not remembered are read, several at once."""
    blobs = opened.layers
    found: dict[int, Facts] = {}
    for number, blob in enumerate(blobs):
        known = early.get(id(blob)) or reader.remembered(blob)
        if known is not None:
            found[number] = known
            if feeding is not None:
                feeding.saw(number, known.files)
    # The largest first, so that the last ones to be done are small.
    waiting = sorted((n for n in range(len(blobs)) if n not in found), key=lambda n: -blobs[n].size)
    total = sum(max(blob.size, 0) for blob in blobs)
    done = sum(max(blobs[number].size, 0) for number in found)
    if waiting:
        request.progress("layers", done, total)
    for number, facts in _read_missing(blobs, waiting, reader, _workers(request)):
        found[number] = facts
        if feeding is not None:
            feeding.saw(number, facts.files)
        done += max(blobs[number].size, 0)
        request.progress("layers", done, total)
    return reader.settled(blobs, [found[number] for number in range(len(blobs))])


def _workers(request: ScanRequest) -> int:
    return request.threads or min(os.cpu_count() or 1, 4)


def _searching(request: ScanRequest) -> int:
    """Say how many processes look for secrets in a folder, beside the one that reads it: that is twice their work, with less there is none."""
    workers = _workers(request)
    return min(workers, _MOST_SEARCHING) if workers > 1 else 0


def _read_missing(
    blobs: Sequence[Blob], waiting: list[int], reader: LayerReader, workers: int
) -> Iterator[tuple[int, Facts]]:
    """Read layers: in processes where they may be and are large, else in threads."""
    if workers == 1 or len(waiting) < 2:
        reader.alone = True
        for number in waiting:
            yield number, reader.facts(blobs[number])
    elif (
        all(blobs[number].forkable for number in waiting)
        and sum(blobs[n].size for n in waiting) > _WORTH_FORKING
    ):
        reader.share_budget(workers)
        assert reader.detectors  # imported before the fork, once for all
        if reader.searcher is not None:
            assert reader.searcher.engine.rules  # compiled and imported before the fork as well
        for number, answer in in_processes(
            waiting, workers, lambda number: encode(reader.facts(blobs[number]))
        ):
            reason = "the process that read it ended, for want of memory perhaps"
            yield number, decode(answer) if answer is not None else unreadable(blobs[number], reason)
        reader.cache.stored = True
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(workers) as pool:
            yield from zip(
                waiting, pool.map(lambda number: reader.facts(blobs[number]), waiting), strict=True
            )


def _layers(
    opened: OpenedImage, layers: Sequence[Facts], config: Config, base: BaseImage
) -> tuple[Layer, ...]:
    instructions = _instructions(config, len(layers))
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


def _instructions(config: Config, count: int) -> list[str]:
    """Give the instruction of each layer from the image's history, where their numbers fit."""
    history = config.get("history")
    if not isinstance(history, list):
        return [""] * count
    entries = [entry for entry in history if isinstance(entry, dict) and not entry.get("empty_layer")]
    if len(entries) != count:
        return [""] * count
    return [created if isinstance(created := entry.get("created_by"), str) else "" for entry in entries]


def _image(
    image: Image, assembled: Assembled, config: Config, layers: Sequence[Layer], base: BaseImage
) -> ReportImage:
    named = assembled.release
    return ReportImage(
        name=image.name,
        source=image.source,
        digest=image.digest,
        config_digest=image.config_digest,
        platform=image.platform,
        tags=image.tags,
        distribution=assembled.distribution,
        release=_location(named, layers, base) if named is not None else None,
        base=base,
        config=config,
        annotations=masked_config(image.annotations),
    )


def _location(place: Place, layers: Sequence[Layer], base: BaseImage) -> Location:
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


def _items(packages: Iterable[Found], layers: Sequence[Layer], base: BaseImage) -> tuple[Item, ...]:
    return tuple(
        Item(found.package, tuple(_location(place, layers, base) for place in found.places), found.provides)
        for found in packages
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


def _unread_in_deleted(layers: Sequence[Facts], merged: Merged, skip: Callable[[str], bool]) -> int:
    """Count what could not be read in files that no longer show, and are not skipped: of no weight for packages."""
    entries = (entry for facts in layers for found in facts.files.values() for entry in found)
    everything = _count(entry.facts for entry in entries if not skip(entry.path))
    return everything - _count(visible.facts for visible in merged.files.values())


def _count(files: Iterable[Sequence[object]]) -> int:
    return sum(isinstance(fact, Unread) for facts in files for fact in facts)
