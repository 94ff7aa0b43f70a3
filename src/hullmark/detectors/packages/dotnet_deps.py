""".NET: `<application>.deps.json`, which `dotnet publish` writes and the host reads at start.

Format: https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md. `libraries` says what each
library is, `targets` (the one that `runtimeTarget` names) what each brings along.
"""

import re
from collections.abc import Iterator
from typing import Any

from hullmark.detectors._formats import dependency_paths, documents, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_KINDS = frozenset({"package", "project", "runtimepack"})
# a library that brings none of these was needed to compile only, or the shared runtime's newer copy replaced it
_ASSETS = ("runtime", "runtimeTargets", "native", "resources")
_PACK = "runtimepack."
_SHARED = re.compile(r"(?:.*/)?shared/([^/]+)/(\d[^/]*)/([^/]+)\.deps\.json")


def read(file: File) -> Iterator[Package | Unread]:
    """Give the libraries that stand beside an application, or the shared runtime that the file belongs to."""
    document = documents.json(file)
    if not isinstance(document, dict) or not ("libraries" in document or "targets" in document):
        raise MalformedError("not a .deps.json: neither libraries nor targets")
    target = untyped.text(document, "runtimeTarget") or untyped.text(document, "runtimeTarget", "name")
    brought = untyped.table(document, "targets", target)
    kinds: dict[str, str] = {}
    for key, library in untyped.table(document, "libraries").items():
        name, _, version = key.partition("/")
        kind = untyped.text(library, "type").lower()
        if not (name and version and kind):
            yield file.unread("library without name, version or type", key)
        elif kind in _KINDS:
            kinds[key] = kind
    edges = {key: _needs(brought.get(key), kinds) for key in kinds}
    roots = [key for key in dependency_paths.tops(edges) if kinds[key] == "project"]
    direct = dict.fromkeys(need for root in roots for need in edges[root])
    via = dependency_paths.paths(direct, edges, lambda key: key.replace("/", "@").removeprefix(_PACK))
    seen = set()
    for key in kinds:
        entry = untyped.table(brought.get(key))
        if brought and not any(entry.get(asset) for asset in _ASSETS):
            continue
        name, _, version = key.removeprefix(_PACK).partition("/")
        seen.add(name)
        yield Package(
            ecosystem="nuget",
            name=name,
            version=version,
            place=f"library {key}",
            direct=dependency_paths.is_direct(key, direct, via),
            via=via.get(key, ()),
        )
    yield from _shared_runtime(file, target, seen)


def _needs(entry: Any, kinds: dict[str, str]) -> list[str]:
    """Give the keys of what a target's library needs; a name that was resolved to another version finds nothing."""
    needs = (f"{name}/{version}" for name, version in untyped.table(entry, "dependencies").items())
    return [need for need in needs if need in kinds]


def _shared_runtime(file: File, target: str, seen: set[str]) -> Iterator[Package]:
    """Give the runtime itself: its version is its folder's, its package the one that advisories speak of."""
    found = _SHARED.fullmatch(file.path)
    if not found or found[1] != found[3]:
        return
    framework, version = found[1], found[2]
    platform = target.partition("/")[2]
    for name in (framework, f"{framework}.Runtime.{platform}" if platform else ""):
        if name and name not in seen:
            yield Package(ecosystem="nuget", name=name, version=version, place="folder")


DETECTOR = Detector(
    name="dotnet_deps",
    version=2,
    wants=("**/*.deps.json",),
    read=read,
)
