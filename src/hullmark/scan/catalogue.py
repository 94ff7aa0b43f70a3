"""What detectors, feeds and version schemes there are, without importing them all.

A warm scan reads no layer, so it needs of most detectors only their names and versions, of one feed its word on
which parts speak for a release, and one or two version schemes. Importing the hundred modules for that would cost
more than the scan. So what they say is kept in the cache folder, under a key made of the modules' files: any
change of the program makes it anew.
"""

import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

import hullmark
from hullmark.advisories.matcher import Cover, cover
from hullmark.advisories.scheme import Scheme
from hullmark.detectors.detector import Detector
from hullmark.model.facts import Distribution

_FOLDERS = (
    "detectors/packages",
    "detectors/packages/rpm",
    "detectors/config",
    "advisories",
    "advisories/feeds",
    "advisories/versions",
)


class DetectorEntry(msgspec.Struct, frozen=True):
    """What must be known of a detector before it runs; the words of `Detector`."""

    name: str
    version: int
    wants: tuple[str, ...]
    binaries: bool
    database: bool
    owns: bool
    assembles: bool
    max_bytes: int


class _Index(msgspec.Struct):
    detectors: tuple[DetectorEntry, ...]
    schemes: dict[str, str]
    covers: dict[str, Cover] = {}


class Catalogue:
    """Answers from the kept index, and imports what is asked for beyond it."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / "index" / _identity() if folder is not None else None
        index = _load(self._path)
        self._changed = index is None
        self._index = index or _Index(_entries(), _scheme_modules())
        self._loaded: dict[str, Detector] = {}

    @property
    def detectors(self) -> tuple[DetectorEntry, ...]:
        """Every detector, by name."""
        return self._index.detectors

    def detector(self, name: str) -> Detector:
        """Give a detector whole; its module is imported now."""
        if name not in self._loaded:
            from hullmark.detectors.registry import load

            self._loaded[name] = load(name)
        return self._loaded[name]

    def scheme(self, ecosystem: str) -> Scheme | None:
        """Give the version scheme of an ecosystem."""
        module = self._index.schemes.get(ecosystem)
        if module is None:
            return None
        scheme: Scheme = importlib.import_module(module).SCHEME
        return scheme

    def cover(self, ecosystem: str, distribution: Distribution | None) -> Cover:
        """Give the parts that speak for an ecosystem of this image."""
        key = repr((ecosystem, distribution))
        known = self._index.covers.get(key)
        if known is not None:
            return known
        found = cover(ecosystem, distribution)
        if len(self._index.covers) < 1000:
            self._index.covers[key] = found
            self._changed = True
        return found

    def keep(self, write: Callable[[Path, bytes], None]) -> None:
        """Keep what was learned for the next scan."""
        if self._changed and self._path is not None:
            write(self._path, msgspec.msgpack.encode(self._index))


def _load(path: Path | None) -> _Index | None:
    from hullmark.scan.cache import read_checked

    content = read_checked(path)
    if content is None:
        return None
    try:
        return msgspec.msgpack.decode(content, type=_Index)
    except msgspec.DecodeError:
        return None


def _identity() -> str:
    """Hash what decides which modules there are and what they say: their files, and the folders of installed packages."""
    root = Path(hullmark.__file__).parent
    parts: list[object] = [hullmark.__version__, sys.version]
    for folder in _FOLDERS:
        with os.scandir(root / folder) as entries:
            parts += sorted(
                (entry.path, status.st_mtime_ns, status.st_size)
                for entry in entries
                if entry.name.endswith(".py") and (status := entry.stat())
            )
    for place in sorted({place for place in sys.path if place.endswith("-packages")}):
        try:
            parts.append((place, os.stat(place).st_mtime_ns))
        except OSError:
            continue
    return hashlib.blake2b(repr(parts).encode(), digest_size=20).hexdigest()


def _entries() -> tuple[DetectorEntry, ...]:
    from hullmark.detectors.registry import detectors

    return tuple(entry_of(detector) for detector in detectors())


def entry_of(detector: Detector) -> DetectorEntry:
    """Give what must be known of a detector before it runs."""
    return DetectorEntry(
        detector.name,
        detector.version,
        detector.wants,
        detector.binaries,
        detector.database,
        detector.owns,
        detector.assemble is not None,
        detector.max_bytes,
    )


def _scheme_modules() -> dict[str, str]:
    from hullmark.advisories.registry import scheme_modules

    return scheme_modules()
