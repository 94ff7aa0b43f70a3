"""From a reference, or a Dockerfile, to how its image is layered."""

import contextlib
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hullmark.advice.comparing import compared
from hullmark.advice.dockerfile_layering import of_dockerfile_alone
from hullmark.advice.layering import BuiltLayer, of_image, ordered
from hullmark.detectors.config.dockerfile.parser import parse
from hullmark.images.open import open_image
from hullmark.images.source import OpenedImage
from hullmark.model.errors import ImageError, LimitError, UsageError
from hullmark.model.facts import Unread
from hullmark.model.image import Image
from hullmark.model.layering import Layering
from hullmark.scan.base import find_base, open_base
from hullmark.scan.build_context import BuildContext
from hullmark.scan.cache import FactCache
from hullmark.scan.diff_ids import DiffIds
from hullmark.scan.indexing import Indexed, IndexReader
from hullmark.scan.masking import masked_config
from hullmark.scan.request import ScanRequest

_MOST_DOCKERFILE_BYTES = 4 * 1024 * 1024
_NAMES = re.compile(r"(?:.*\.)?(?:docker|container)file(?:\..*)?", re.IGNORECASE)
_STARTS = re.compile(rb"(?:\s|#[^\n]*\n)*(?:FROM|ARG)\s", re.IGNORECASE)


class _Read(NamedTuple):
    """An image that was read."""

    image: Image
    layers: tuple[BuiltLayer, ...]
    errors: tuple[Unread, ...]
    base_layers: int
    base_name: str


def is_dockerfile(name: str) -> bool:
    """Tell whether a name is that of a Dockerfile, by what it is called or by its first instruction."""
    path = Path(name)
    try:
        if not path.is_file():
            return False
        if _NAMES.fullmatch(path.name) and path.suffix not in {".tar", ".gz", ".tgz", ".zst"}:
            return True
        with path.open("rb") as file:
            head = file.read(4096)
    except (OSError, ValueError):
        return False
    return b"\0" not in head and _STARTS.match(head) is not None


def layering_of_dockerfile(name: str, context: str = "") -> Layering:
    """Say how the image of a Dockerfile will be layered. Raises `UsageError` where it or its context cannot be read."""
    try:
        with Path(name).open("rb") as file:
            body = file.read(_MOST_DOCKERFILE_BYTES + 1)
    except OSError as problem:
        raise UsageError(f"cannot be read: {problem.strerror or problem}", where=name) from problem
    if len(body) > _MOST_DOCKERFILE_BYTES:
        raise UsageError(
            f"has more than {_MOST_DOCKERFILE_BYTES} bytes", where=name, hint="is it a Dockerfile?"
        )
    dockerfile = parse(body, name)
    known = BuildContext(Path(context), Path(name)) if context else None
    found = of_dockerfile_alone(dockerfile, known.measure if known is not None else None)
    errors = [
        Unread(kind="record", path=name, place=f"line {problem.span.line}", reason=problem.message)
        for problem in dockerfile.broken
    ]
    errors += known.errors if known is not None else ()
    return msgspec.structs.replace(found, errors=tuple(errors), incomplete=bool(errors))


def layering_of_image(request: ScanRequest, against: str = "") -> Layering:
    """Read an image, and an older build of it where one is named, and say how it is layered.

    Raises `HullmarkError` where there is no image to be read.
    """
    cache = FactCache(request.cache, max_bytes=request.cache_bytes, read_only=request.cache_read_only)
    read = _read(request, cache)
    own_from = read.base_layers or _probable_base(read.image.config, len(read.layers))
    try:
        found = of_image(read.image.name, read.layers, base_layers=read.base_layers, own_from=own_from)
    except LimitError as problem:
        raise LimitError(problem.what, where=read.image.name) from problem
    errors = read.errors
    if against:
        old = _read(msgspec.structs.replace(request, reference=against, base=()), cache)
        result = compared(read.layers, old.layers, old.image.name, old.image.digest)
        errors += tuple(
            msgspec.structs.replace(each, path=each.path or old.image.name) for each in old.errors
        )
        status = {number: change.status for number, change in result.status.items()}
        found = msgspec.structs.replace(
            found,
            comparison=result.comparison,
            layers=tuple(
                msgspec.structs.replace(layer, status=status.get(layer.index, "reused"))
                for layer in found.layers
            ),
            proposals=ordered((*found.proposals, *result.proposals)),
        )
    cache.prune_when_due()
    return msgspec.structs.replace(
        found,
        digest=read.image.digest,
        platform=str(read.image.platform) if read.image.platform.architecture else "",
        base=read.base_name,
        errors=errors,
        incomplete=bool(errors),
    )


def _read(request: ScanRequest, cache: FactCache) -> _Read:
    end = time.monotonic() + request.timeout_s if request.timeout_s else float("inf")

    def over() -> bool:
        return time.monotonic() > end

    reader = IndexReader(cache, request.limits, over)
    ids = DiffIds(cache, request.limits, over)
    source = msgspec.structs.replace(request.source, limits=request.limits)
    with contextlib.ExitStack() as stack:
        bases = []
        for reference in request.base:
            bases.append(open_base(reference, source, ids))
            stack.callback(bases[-1].close)
        opened = open_image(request.reference, msgspec.structs.replace(source, early=reader.take))
        stack.callback(opened.close)
        if any(blob.walk is not None for blob in opened.layers):
            raise ImageError("an unpacked root file system has no layers", where=request.reference)
        indexed = reader.all(opened.layers, request.progress, request.threads)
        chain = tuple(layer.digest for layer in indexed)
        base = find_base(opened, chain, bases, cache, source, ids)
    return _Read(
        opened.image,
        _layers(opened, indexed),
        _errors(opened.image, indexed),
        base.layers,
        base.name if base.layers else "",
    )


def _layers(opened: OpenedImage, indexed: Sequence[Indexed]) -> tuple[BuiltLayer, ...]:
    instructions = _instructions(masked_config(opened.image.config), len(indexed))
    return tuple(
        BuiltLayer(
            digest=layer.digest, instruction=instruction, stored_bytes=layer.stored_bytes, content=layer.index
        )
        for layer, instruction in zip(indexed, instructions, strict=True)
    )


def _history(config: dict[str, Any]) -> list[dict[str, Any]]:
    history = config.get("history")
    return [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []


def _instructions(config: dict[str, Any], count: int) -> list[str]:
    """Give the instruction of each layer from the image's history, where their numbers fit."""
    entries = [entry for entry in _history(config) if not entry.get("empty_layer")]
    if len(entries) != count:
        return [""] * count
    return [created if isinstance(created := entry.get("created_by"), str) else "" for entry in entries]


def _probable_base(config: dict[str, Any], count: int) -> int:
    """Say how many layers are probably the base image's where nothing proves it: the history of a base ends with its command.

    An image of several layers without such an end has one layer of a base at least, as dive counts.
    """
    layers = found = 0
    for entry in _history(config):
        if not entry.get("empty_layer"):
            layers += 1
        elif re.search(r"(?:\A|\(nop\)\s+)(?:CMD|ENTRYPOINT)\b", str(entry.get("created_by"))[:200]):
            found = layers if layers < count else found
    fits = layers == count
    return found if fits and found else min(1, max(count - 1, 0))


def _errors(image: Image, indexed: Sequence[Indexed]) -> tuple[Unread, ...]:
    found = list(image.unread)
    for number, layer in enumerate(indexed):
        name = layer.digest or f"layer {number}"
        found += [msgspec.structs.replace(unread, layer=name) for unread in layer.unread]
    return tuple(found[:1000])
