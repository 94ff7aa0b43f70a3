"""The entries of a lock file as a graph: each package once, with what is direct, what leads to it, what is for development."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from hullmark.detectors._formats import dependency_paths
from hullmark.model.facts import Package

Key = Hashable


class Node(Struct):
    """One entry of a lock. `needs` are the keys of other entries; those that do not exist are passed over.

    `dev` is what the lock itself says, None where that follows from the direct dependencies. A `local` node
    (the project itself, a workspace, a linked folder) is not a package of the ecosystem.
    """

    name: str
    version: str
    needs: list[Key]
    licences: tuple[str, ...] = ()
    dev: bool | None = None
    local: bool = False


class _Merged(Struct):
    direct: bool
    dev: bool
    via: tuple[str, ...] | None
    licences: tuple[str, ...]


def packages(
    ecosystem: str,
    nodes: Mapping[Key, Node],
    roots: Iterable[tuple[Key, bool]] | None = None,
    *,
    origin: Literal["installed", "locked", "declared"] = "locked",
) -> Iterator[Package]:
    """Give each name and version once, with the shortest path to it.

    `roots` are all direct dependencies, and whether each serves development only. Without them those that no
    other package needs are direct for sure, and of the others nobody knows.
    """
    edges = {
        key: [need for need in node.needs if need in nodes and not nodes[need].local]
        for key, node in nodes.items()
        if not node.local
    }
    direct: dict[Key, bool] = {}
    if roots is None:
        direct = dict.fromkeys(dependency_paths.tops(edges), False)
    for key, dev in roots or ():
        if key in edges:
            direct[key] = dev and direct.get(key, True)
    ordered = sorted(direct, key=lambda key: direct[key])
    via = dependency_paths.paths(ordered, edges, lambda key: f"{nodes[key].name}@{nodes[key].version}")
    runtime: Mapping[Key, object] = via
    if any(direct.values()):
        runtime = dependency_paths.paths((key for key in ordered if not direct[key]), edges, lambda _key: "")

    merged: dict[tuple[str, str], _Merged] = {}
    for key in edges:
        node, path = nodes[key], via.get(key)
        dev = node.dev if node.dev is not None else path is not None and key not in runtime
        found = merged.get((node.name, node.version))
        if found is None:
            merged[node.name, node.version] = _Merged(key in direct, dev, path, node.licences)
            continue
        found.direct = found.direct or key in direct
        found.dev = found.dev and dev
        found.licences = found.licences or node.licences
        if path is not None and (not found.via or 0 < len(path) < len(found.via)):
            found.via = path
    for (name, version), entry in merged.items():
        yield Package(
            ecosystem=ecosystem,
            name=name,
            version=version,
            licences=entry.licences,
            origin=origin,
            dev=entry.dev,
            direct=True if entry.direct else None if roots is None or entry.via is None else False,
            via=() if entry.direct else entry.via or (),
        )
