"""The merged view becomes packages: each once, with every place, its layer, and who owns it."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from hullmark.advisories.origins import Makers
from hullmark.detectors.detector import Seen, View, packages_of
from hullmark.model.facts import SYSTEM, ContentSet, Distribution, OwnedPaths, Package, Unread
from hullmark.model.purl import purl
from hullmark.scan.catalogue import Catalogue
from hullmark.scan.overlay import Key, Merged, Visible

_ORIGINS = ("installed", "binary", "locked", "declared")
_SYSTEM_FOLDERS = ("bin/", "lib", "sbin/", "usr/")
_OS_RELEASE = "os-release"
_C_LIBRARY = "libc6"
_DEBIAN = frozenset({"debian.org", "debian.net"})
"""Domains of maintainers that derivatives keep on what they take over."""

_PYTHON = re.compile(r"python[23](?:\.\d+)?")


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
    """What the detectors say of the whole image. `release` is the file that names the distribution."""

    packages: tuple[Found, ...]
    distribution: Distribution | None
    release: Place | None
    content_sets: tuple[str, ...]
    dev_packages: int
    dev: tuple[Found, ...]
    """The packages that were left out, since only development needs them."""


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
    owners = _Owners(merged, distribution)
    found: dict[Identity, list[tuple[Package, Place]]] = {}
    provided: dict[str, set[str]] = {}
    left_out: dict[Identity, list[tuple[Package, Place]]] = {}
    dev = 0
    names = _Names(catalogue)
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
                place = Place(detector.name, seen.path, package.place, seen.layer)
                left_out.setdefault(_identified(package, names), []).append((package, place))
                continue
            key = keys[detector.name, seen.path]
            if package.ecosystem not in SYSTEM and (owner := owners.of(key[1], package)) is not None:
                provided.setdefault(owner, set()).add(purl(package.ecosystem, package.name, package.version))
                continue
            layer = snapshots.lowest(key, package) if snapshots is not None else seen.layer
            place = Place(detector.name, seen.path, package.place, layer)
            found.setdefault(_identified(package, names), []).append((package, place))
    packages = tuple(_joined(entries, provided) for _, entries in sorted(found.items()))
    hidden = tuple(_joined(entries, {}) for name, entries in sorted(left_out.items()) if name not in found)
    facts = [fact for visible in merged.files.values() for fact in visible.facts]
    sets = sorted({name for fact in facts if isinstance(fact, ContentSet) for name in fact.names})
    proof = os_release.proof(bare)
    release = Place("os_release", proof.path, "", proof.layer) if proof is not None else None
    return Assembled(packages, distribution, release, tuple(sets), dev, hidden)


class _Names:
    """Names as their ecosystem compares them: `Flask` in its metadata is `flask` in a lock."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._folds: dict[str, Callable[[str], str]] = dict.fromkeys(SYSTEM, str)

    def fold(self, ecosystem: str, name: str) -> str:
        """Give the name by which a package is the same as another one."""
        fold = self._folds.get(ecosystem)
        if fold is None:
            scheme = self._catalogue.scheme(ecosystem)
            fold = self._folds[ecosystem] = scheme.fold if scheme is not None else str
        return fold(name)


def _identified(package: Package, names: _Names) -> Identity:
    name = names.fold(package.ecosystem, package.name)
    return (package.ecosystem, name, package.version, package.arch)


class _Owners:
    """Which OS package a path belongs to, by resolved path. Only packages that are installed own any."""

    def __init__(self, merged: Merged, distribution: Distribution | None) -> None:
        facts = [fact for visible in merged.files.values() for fact in visible.facts]
        system = [fact for fact in facts if isinstance(fact, Package) and fact.ecosystem in SYSTEM]
        installed = {fact.name for fact in system}
        owned = [fact for fact in facts if isinstance(fact, OwnedPaths) and fact.package in installed]
        # Thousands of programs have an owner, and few of them are asked for.
        names = {path.rpartition("/")[2] for _, path in merged.files} | {_OS_RELEASE}
        self._owner = {
            merged.resolve(path): fact.package
            for fact in owned
            for path in fact.paths
            if path.rpartition("/")[2] in names
        }
        # Distroless images of before 2023 have packages, but no word on whose a file is.
        self._unlisted = [] if owned else sorted(system, key=lambda package: package.name)
        core = {owner for path, owner in self._owner.items() if path.endswith(f"/{_OS_RELEASE}")}
        domains = _DEBIAN | {_domain(package) for package in system if package.name in core | {_C_LIBRARY}}
        makers = Makers(distribution, system)
        self._foreign = {package.name for package in system if makers.origin(package) == "other"}
        # A deb's maintainer may be anyone: of most that are not the distribution's own nothing tells so for certain.
        self._distributed = {
            package.name
            for package in system
            if package.name not in self._foreign
            and (package.ecosystem != "deb" or _domain(package) in domains)
        }

    def of(self, path: str, package: Package) -> str | None:
        """Give the OS package that owns the file, or in whose place it stands where no file has an owner.

        What came with somebody else's package (docker-ce, NodeSource's nodejs) stays itself: the distribution says
        nothing of it.
        """
        owner = self._owner.get(path)
        if owner in self._foreign:
            return None
        if package.origin == "binary" and package.ecosystem != "generic":
            return owner if owner in self._distributed else None
        if owner is not None or package.origin != "binary":
            return owner
        if not path.startswith(_SYSTEM_FOLDERS) or path.startswith("usr/local/"):
            return None
        for own in self._unlisted:
            if package.name in {own.source or own.name, _PYTHON.sub("python", own.source)}:
                upstream = own.version.rpartition(":")[2]
                rest = upstream.removeprefix(package.version)
                if rest != upstream and not rest[:1].isdigit():
                    return own.name
        return None


def _domain(package: Package) -> str:
    """Give the domain of a Debian package's maintainer."""
    return ".".join(package.vendor.rpartition("@")[2].strip(" >").lower().split(".")[-2:])


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
