"""NuGet's `packages.lock.json`, `packages.config` and `Directory.Packages.props`.

Formats: https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files#locking-dependencies,
https://learn.microsoft.com/nuget/reference/packages-config and
https://learn.microsoft.com/nuget/consume-packages/central-package-management.
"""

import re
from collections.abc import Iterator
from typing import Any

from hullmark.detectors._formats import dependency_paths, documents, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_PROPERTY = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)")
_EXACT = re.compile(r"\[?\s*(\d[^\s,\[\]()*$]*)\s*\]?")


def read(file: File) -> Iterator[Package | Unread]:
    """Give the packages of whichever of the three files this is."""
    if file.name == "packages.config":
        yield from _config(file)
    elif file.name == "Directory.Packages.props":
        yield from _props(file)
    else:
        yield from _lock(file)


def _lock(file: File) -> Iterator[Package | Unread]:
    document = documents.json(file)
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), dict):
        raise MalformedError("not a packages.lock.json: no dependencies")
    found: dict[tuple[str, str], Package] = {}
    for framework, entries in untyped.table(document, "dependencies").items():
        for fact in _framework(file, framework, untyped.table(entries)):
            if isinstance(fact, Unread):
                yield fact
                continue
            # one package for all frameworks; the one that wants it directly speaks
            key = (fact.name, fact.version)
            if key not in found or (fact.direct and not found[key].direct):
                found[key] = fact
    yield from found.values()


def _framework(file: File, framework: str, entries: dict[str, Any]) -> Iterator[Package | Unread]:
    # ids are compared without case, and a lock may spell one both ways
    known = {name.lower(): name for name in entries}
    edges: dict[str, list[str]] = {}
    versions: dict[str, str] = {}
    direct: set[str] = set()
    starts: list[str] = []
    for name, entry in entries.items():
        kind, version = untyped.text(entry, "type"), untyped.text(entry, "resolved")
        needs = untyped.table(entry, "dependencies")
        edges[name] = [known[need.lower()] for need in needs if need.lower() in known]
        if kind in {"Direct", "Project"}:
            starts.append(name)
        if kind == "Project":
            continue
        if not version:
            yield file.unread("package without a resolved version", f"{framework}: {name}")
            continue
        versions[name] = version
        if kind == "Direct":
            direct.add(name)
    via = dependency_paths.paths(
        starts, edges, lambda name: f"{name}@{versions[name]}" if name in versions else name
    )
    for name, version in versions.items():
        yield Package(
            ecosystem="nuget",
            name=name,
            version=version,
            place=framework,
            origin="locked",
            direct=dependency_paths.is_direct(name, direct, via),
            via=via.get(name, ()),
        )


def _config(file: File) -> Iterator[Package | Unread]:
    root = documents.xml(file)
    if root.name != "packages":
        raise MalformedError(f"not a packages.config: its root is {root.name}")
    for entry in root.all("package"):
        name, version = entry.attributes.get("id", ""), entry.attributes.get("version", "")
        if not (name and version):
            yield file.unread("package without id or version", f"line {entry.line}")
            continue
        yield Package(
            ecosystem="nuget",
            name=name,
            version=version,
            place=f"line {entry.line}",
            origin="declared",
            dev=entry.attributes.get("developmentDependency", "").lower() == "true",
        )


def _props(file: File) -> Iterator[Package | Unread]:
    root = documents.xml(file)
    if root.name != "Project":
        raise MalformedError(f"not a Directory.Packages.props: its root is {root.name}")
    properties = {
        item.name.lower(): item.text.strip()
        for group in root.all("PropertyGroup")
        for item in group.children
        if not item.children
    }
    for group in root.all("ItemGroup"):
        for entry in group.children:
            if entry.name not in {"PackageVersion", "GlobalPackageReference", "PackageReference"}:
                continue
            name = entry.attributes.get("Include") or entry.attributes.get("Update") or ""
            stated = entry.attributes.get("Version") or entry.value("Version")
            version = _PROPERTY.sub(lambda part: properties.get(part[1].lower(), part[0]), stated)
            exact = _EXACT.fullmatch(version)
            if not name or not exact:
                yield file.unread("package without a name or a definite version", f"line {entry.line}")
                continue
            yield Package(
                ecosystem="nuget",
                name=name,
                version=exact[1],
                place=f"line {entry.line}",
                origin="declared",
            )


DETECTOR = Detector(
    name="nuget_lock",
    version=2,
    wants=(
        "**/packages.lock.json",
        "**/packages.*.lock.json",
        "**/packages.config",
        "**/Directory.Packages.props",
    ),
    read=read,
)
