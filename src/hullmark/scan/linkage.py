"""What the programs and libraries of an image need and give (`Needs`), read by one detector alone and remembered under its own key."""

import posixpath
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from hullmark.advice.linking import Linked, Part
from hullmark.detectors import linkage
from hullmark.detectors.detector import Detector
from hullmark.images.open import open_image
from hullmark.images.source import Blob
from hullmark.model.errors import HullmarkError
from hullmark.model.facts import Needs
from hullmark.model.known_image import KnownImage
from hullmark.scan.cache import FactCache
from hullmark.scan.catalogue import DetectorEntry, entry_of
from hullmark.scan.layers import Facts, LayerReader
from hullmark.scan.overlay import Visible, merge
from hullmark.scan.request import ScanRequest

_MOST_LINKS = 200_000
_MOST_STEPS = 10


class _Linkage:
    """The one detector that is asked."""

    @property
    def detectors(self) -> tuple[DetectorEntry, ...]:
        return (entry_of(linkage.DETECTOR),)

    def detector(self, name: str) -> Detector:
        assert name == linkage.DETECTOR.name
        return linkage.DETECTOR


class Linkages:
    """Reads the programs and libraries of images."""

    def __init__(self, request: ScanRequest, cache: FactCache) -> None:
        self._request = request
        self._cache = cache
        self._end = time.monotonic() + request.timeout_s if request.timeout_s else float("inf")

    def parts(self, reference: str, digest: str, base_layers: int) -> tuple[Part, Part] | None:
        """Give what the layers of an image above its base hold, and the base; None where it cannot be read whole or is not the `digest` any more."""
        facts = self._opened(reference, digest)
        if facts is None:
            return None
        own, base = _split(facts, base_layers)
        return own, base

    def part(self, known: KnownImage) -> Part | None:
        """Give what is in an image that was scanned: from memory, else it is opened again, with --offline not from a registry."""
        may_open = not (self._request.offline and known.source == "registry")
        facts = self._remembered(known) or (self._opened(known.reference, known.digest) if may_open else None)
        return _split(facts, len(facts))[1] if facts is not None else None

    def _reader(self) -> LayerReader:
        limits, file_limits = self._request.limits, self._request.file_limits
        return LayerReader(_Linkage(), self._cache, limits, file_limits, self._is_over)

    def _is_over(self) -> bool:
        return time.monotonic() > self._end

    def _remembered(self, known: KnownImage) -> list[Facts] | None:
        reader = self._reader()
        found = [
            reader.remembered(Blob(open=lambda: iter(()), claimed=digest, addressed=True)) if digest else None
            for digest in known.layers
        ]
        whole = [each for each in found if each is not None and not _is_broken(each)]
        return whole if whole and len(whole) == len(found) else None

    def _opened(self, reference: str, digest: str) -> list[Facts] | None:
        reader = self._reader()
        early: dict[int, Facts] = {}
        kept: list[Blob] = []

        def take(blob: Blob) -> None:
            kept.append(blob)  # so that its id stays its own
            early[id(blob)] = reader.facts(blob)

        source = msgspec.structs.replace(self._request.source, limits=self._request.limits, early=take)
        try:
            opened = open_image(reference, source)
        except HullmarkError:
            return None
        try:
            if opened.image.digest != digest:
                return None
            found = [early.get(id(blob)) or reader.facts(blob) for blob in opened.layers]
        finally:
            opened.close()
        return None if any(map(_is_broken, found)) else found


def _is_broken(facts: Facts) -> bool:
    return bool(facts.unread or facts.shape.unread or not facts.digest)


def _split(layers: Sequence[Facts], base_layers: int) -> tuple[Part, Part]:
    merged = merge(layers, frozenset())
    files = {path: visible for (_, path), visible in merged.files.items()}
    own: list[Linked] = []
    base: list[Linked] = []
    names: tuple[set[str], set[str]] = (set(), set())
    for path, visible in sorted(files.items()):
        into = own if visible.layer >= base_layers else base
        into += _linked(path, visible)
        names[into is base].add(path.rpartition("/")[2])
    links = {merged.resolve(path): (layer, target) for layer, path, target in _links(layers)}
    for path, (layer, _) in sorted(links.items()):
        found = _followed(path, links, merged.resolve)
        if found in files and path not in files:
            into = own if layer >= base_layers else base
            into += _linked(path, files[found])
            names[into is base].add(path.rpartition("/")[2])
    return Part(files=tuple(own), programs=frozenset(names[0])), Part(
        files=tuple(base), programs=frozenset(names[1])
    )


def _followed(path: str, links: Mapping[str, tuple[int, str]], resolve: Callable[[str], str]) -> str:
    """Follow a link to what it leads to in the end, as far as it is worth it."""
    for _step in range(_MOST_STEPS):
        if path not in links:
            break
        target = posixpath.join("/", posixpath.dirname(path), links[path][1])
        path = resolve(posixpath.normpath(target).lstrip("/"))
    return path


def _linked(path: str, visible: Visible) -> Iterator[Linked]:
    return (Linked(path, fact) for fact in visible.facts if isinstance(fact, Needs))


def _links(layers: Sequence[Facts]) -> Iterator[tuple[int, str, str]]:
    """Give the symbolic links of all layers: layer, path and target."""
    count = 0
    for number, facts in enumerate(layers):
        words = facts.shape.links.decode("utf-8", "replace").split("\0")[:-1]
        for path, target in zip(words[::2], words[1::2], strict=False):
            count += 1
            if count > _MOST_LINKS:
                return
            yield number, path, target
