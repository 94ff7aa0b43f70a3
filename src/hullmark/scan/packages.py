"""The merged view becomes packages: each once, with every place, its layer, and who owns it."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from hullmark.advisories.matcher import SYSTEM
from hullmark.detectors.detector import Seen, View, packages_of
from hullmark.model.facts import ContentSet, Distribution, OwnedPaths, Package, Unread
from hullmark.model.purl import purl
from hullmark.scan.catalogue import Catalogue
from hullmark.scan.overlay import Key, Merged, Visible

_ORIGINS = ("installed", "binary", "locked", "declared")


class Place(NamedTuple):
    """Where a package was found."""

    detector: str
    path: str
    place: str
    layer: int


class Found(NamedTuple):
    """A package of the image with all its places, the lowest layer first, and the language packages in it."""

    package: Package
    places: tuple[Place, ...]
    provides: tuple[str, ...]


class Assembled(NamedTuple):
    """What the detectors say of the whole image."""

    packages: tuple[Found, ...]
    distribution: Distribution | None
    content_sets: tuple[str, ...]
    dev_packages: int


Identity = tuple[str, str, str, str]


def assemble(merged: Merged, catalogue: Catalogue, *, include_dev: bool) -> Assembled:
    """Run every detector's assembly over the merged view and join what several say."""
    from hullmark.detectors.packages import os_release

    by_detector: dict[str, list[Seen]] = {}
    keys: dict[tuple[str, str], Key] = {}
    for key, visible in sorted(merged.files.items()):
        by_detector.setdefault(visible.detector, []).append(Seen(visible.layer, visible.path, visible.facts))
        keys[visible.detector, visible.path] = key
    bare = View(by_detector)
    distribution = os_release.distribution(bare)
    view = View(by_detector, distribution)
    owners = _owners(merged)
    found: dict[Identity, list[tuple[Package, Place]]] = {}
    provided: dict[str, set[str]] = {}
    dev = 0
    for detector in catalogue.detectors:
        seen_files = by_detector.get(detector.name)
        if not seen_files:
            continue
        join = catalogue.detector(detector.name).assemble if detector.assembles else None
        given = join(view) if join is not None else packages_of(seen_files)
        snapshots = _Snapshots(merged) if detector.database else None
        for package, seen in given:
            if package.dev and not include_dev:
                dev += 1
                continue
            key = keys[detector.name, seen.path]
            if package.ecosystem not in SYSTEM and (owner := owners.get(key[1])) is not None:
                provided.setdefault(owner, set()).add(purl(package.ecosystem, package.name, package.version))
                continue
            layer = snapshots.lowest(key, package) if snapshots is not None else seen.layer
            identity = (package.ecosystem, package.name, package.version, package.arch)
            found.setdefault(identity, []).append(
                (package, Place(detector.name, seen.path, package.place, layer))
            )
    packages = tuple(_joined(entries, provided) for _, entries in sorted(found.items()))
    facts = [fact for visible in merged.files.values() for fact in visible.facts]
    names = sorted({name for fact in facts if isinstance(fact, ContentSet) for name in fact.names})
    return Assembled(packages, distribution, tuple(names), dev)


def _owners(merged: Merged) -> dict[str, str]:
    """Give the OS package that owns each wanted path, by resolved path. Only packages that are installed own any."""
    facts = [fact for visible in merged.files.values() for fact in visible.facts]
    installed = {fact.name for fact in facts if isinstance(fact, Package) and fact.ecosystem in SYSTEM}
    return {
        merged.resolve(path): fact.package
        for fact in facts
        if isinstance(fact, OwnedPaths) and fact.package in installed
        for path in fact.paths
    }


def _joined(entries: list[tuple[Package, Place]], provided: dict[str, set[str]]) -> Found:
    """Join the statements on one package: the strongest proof first, what others know added."""
    ordered = sorted(
        entries, key=lambda entry: (_ORIGINS.index(entry[0].origin), entry[1].layer, entry[1].path)
    )
    best = ordered[0][0]
    licences = best.licences or next((package.licences for package, _ in ordered if package.licences), ())
    known = next((package for package, _ in ordered if package.direct is not None or package.via), best)
    package = msgspec.structs.replace(
        best,
        licences=licences,
        direct=known.direct,
        via=known.via,
        dev=all(package.dev for package, _ in ordered),
        place="",
    )
    places = tuple(
        sorted({place for _, place in ordered}, key=lambda place: (place.layer, place.path, place.place))
    )
    provides = provided.get(package.name, set()) if package.ecosystem in SYSTEM else set()
    return Found(package, places, tuple(sorted(provides)))


class _Snapshots:
    """Older versions of a package database: a package came with the lowest layer from which all list it."""

    def __init__(self, merged: Merged) -> None:
        self._merged = merged
        self._listed: dict[Key, list[tuple[int, set[Identity]]]] = {}

    def lowest(self, key: Key, package: Package) -> int:
        """Give the layer that a package of the visible snapshot came with."""
        if key not in self._listed:
            chain = [self._merged.files[key], *self._merged.below.get(key, ())]
            self._listed[key] = [(visible.layer, _identities(visible)) for visible in chain]
        identity = _identity(package)
        layer = self._listed[key][0][0]
        for number, listed in self._listed[key]:
            if identity not in listed:
                break
            layer = number
        return layer


def _identity(package: Package) -> Identity:
    return (package.ecosystem, package.name, package.version, package.arch)


def _identities(visible: Visible) -> set[Identity]:
    return {_identity(fact) for fact in visible.facts if isinstance(fact, Package)}


def unread_of(merged: Merged) -> Iterable[tuple[int, Unread]]:
    """Give what could not be read in the visible files, with the layer."""
    for visible in merged.files.values():
        for fact in visible.facts:
            if isinstance(fact, Unread):
                yield visible.layer, msgspec.structs.replace(fact, path=fact.path or visible.path)
