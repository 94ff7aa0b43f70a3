"""Debian and Ubuntu: the database of installed packages, the files that they own, and their licences.

Formats: dpkg's status database (deb822(5), deb-status fields in dpkg-query(1)), whole in var/lib/dpkg/status or, in
images that are built without dpkg (distroless), one file a package in var/lib/dpkg/status.d; dpkg's file lists
(info/*.list; status.d/*.md5sums); usr/share/doc/*/copyright.
"""

import re
from collections.abc import Iterator

import msgspec

from hullmark.detectors._formats import deb822, debian_copyright, programs
from hullmark.detectors.detector import Detector, File, Seen, View
from hullmark.model.facts import Fact, Licence, OwnedPaths, Package

_STATES = frozenset(
    {
        "installed",
        "half-installed",
        "half-configured",
        "unpacked",
        "triggers-awaited",
        "triggers-pending",
    }
)
"""States of dpkg(1) in which a package's files are there, if not all of them."""

_GONE = frozenset({"not-installed", "config-files"})
_MAX_LICENCES = 1000
_SOURCE = re.compile(r"(\S+)(?:\s*\(([^)\s]*)\s*\))?")


def read(file: File) -> Iterator[Fact]:
    """Read a status file, a file list or a copyright file, told apart by path."""
    folder, _, name = file.path.rpartition("/")
    if name == "copyright":
        licences = debian_copyright.licences(file.body)
        if licences:
            yield Licence(folder.rpartition("/")[2], licences[:_MAX_LICENCES])
        if len(licences) > _MAX_LICENCES:
            yield file.unread(f"more than {_MAX_LICENCES} licences", kind="file")
    elif name.endswith(".list") and folder.endswith("/info"):
        yield from _owned(file, name.removesuffix(".list"), file.text().replace("\n/", "\n").split("\n"))
    elif name.endswith(".md5sums"):
        # "md5  path", and the path is without leading slash
        lines = file.text().split("\n")
        yield from _owned(file, name.removesuffix(".md5sums"), [line[32:].lstrip(" *") for line in lines])
    else:
        yield from _status(file)


def _owned(file: File, package: str, paths: list[str]) -> Iterator[Fact]:
    # Every package has its copyright file, which only this detector wants: of no use to anyone who asks who owns a path.
    wanted = file.wanted
    plain = [path.lstrip("/") for path in paths]
    named = [path for path in plain if wanted(path) and not path.endswith("/copyright")]
    found = tuple(dict.fromkeys([*named, *programs.among(plain)]))
    if found:
        yield OwnedPaths(package.partition(":")[0], found)


def _status(file: File) -> Iterator[Fact]:
    text = file.text()
    empty = True
    for record in deb822.records(text):
        empty = False
        place = f"line {record.line}"
        name, version, status = record.get("Package"), record.get("Version"), record.get("Status")
        state = status.split()[-1] if status.strip() else "installed"
        if name and state in _GONE:
            continue
        if state not in _STATES:
            yield file.unread(f"unknown package state {state[:40]!r}", place)
            continue
        if not (name and version):
            yield file.unread("record without name or version", place)
            continue
        source = _SOURCE.fullmatch(record.get("Source"))
        yield Package(
            ecosystem="deb",
            name=name,
            version=version,
            arch=record.get("Architecture"),
            source=source[1] if source else name,
            source_version=(source[2] if source else "") or version,
            vendor=record.get("Maintainer"),
        )
    if empty and text.strip():
        yield file.unread("not a dpkg status file", kind="package_database")


def assemble(view: View) -> Iterator[tuple[Package, Seen]]:
    """Join the licences onto the packages.

    A package whose documentation folder is a link has no copyright file of its own. Debian Policy 12.3 allows
    such a link only to a package of the same source, so it gets that package's licences.
    """
    stated: dict[str, tuple[str, ...]] = {}
    packages: dict[tuple[str, str, str], tuple[Package, Seen]] = {}
    for seen in view.files("dpkg"):
        for fact in seen.facts:
            if isinstance(fact, Licence):
                stated[fact.package] = fact.licences
            elif isinstance(fact, Package):
                packages.setdefault((fact.name, fact.version, fact.arch), (fact, seen))
    of_source: dict[tuple[str, str], tuple[str, ...]] = {}
    for package, _ in packages.values():
        if package.name in stated:
            of_source.setdefault((package.source, package.source_version), stated[package.name])
    for package, seen in packages.values():
        licences = stated.get(package.name) or of_source.get((package.source, package.source_version), ())
        yield (msgspec.structs.replace(package, licences=licences) if licences else package), seen


DETECTOR = Detector(
    name="dpkg",
    version=2,
    wants=(
        "var/lib/dpkg/status",
        "var/lib/dpkg/status.d/*",
        "var/lib/dpkg/info/*.list",
        "usr/share/doc/*/copyright",
    ),
    read=read,
    assemble=assemble,
    database=True,
    owns=True,
)
