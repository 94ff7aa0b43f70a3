"""Conan's `conan.lock` for C and C++, of Conan 1 (a graph) and Conan 2 (lists of references).

Format: https://docs.conan.io/2/tutorial/versioning/lockfiles.html. A reference is `name/version[@user/channel][#revision[%time]]`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from hullmark.detectors._formats import dependency_paths, documents, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_REFERENCE = re.compile(r"([^\s/@#]+)/([^\s/@#:]+)(?:@[^\s#]*)?(?:#\S*)?")


def read(file: File) -> Iterator[Package | Unread]:
    """Give the locked packages; what only builds others is for development."""
    document = documents.json(file)
    if isinstance(document, dict) and "graph_lock" in document:
        yield from _graph(file, untyped.table(document, "graph_lock", "nodes"))
    elif isinstance(document, dict) and "version" in document:
        seen = set()
        for section in ("requires", "build_requires", "python_requires"):
            for reference in untyped.array(document, section):
                found = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
                if not found:
                    yield file.unread("not a reference", section)
                elif found.groups() not in seen:
                    seen.add(found.groups())
                    yield _package(found, dev=section != "requires")
    else:
        raise MalformedError("not a conan.lock: neither a graph nor lists")


def _package(
    found: re.Match[str], *, dev: bool, direct: bool | None = None, via: tuple[str, ...] = ()
) -> Package:
    return Package(
        ecosystem="conan", name=found[1], version=found[2], origin="locked", dev=dev, direct=direct, via=via
    )


def _graph(file: File, nodes: dict[str, Any]) -> Iterator[Package | Unread]:
    found: dict[str, re.Match[str]] = {}
    edges: dict[str, list[str]] = {}
    building: set[str] = set()
    own: dict[str, None] = {}
    for key, node in nodes.items():
        requires = [need for need in untyped.texts(node, "requires") if need in nodes]
        tools = [need for need in untyped.texts(node, "build_requires") if need in nodes]
        edges[key] = [*requires, *tools]
        building.update(tools)
        reference = untyped.text(node, "ref")
        match = _REFERENCE.fullmatch(reference)
        if untyped.text(node, "path") or not reference:
            # the project that was locked: its reference may lack name or version
            own[key] = None
        if match:
            found[key] = match
        elif reference and key not in own:
            yield file.unread("not a reference", f"node {key}")
    direct = dict.fromkeys(need for key in own for need in edges[key])
    via = dependency_paths.paths(
        direct, edges, lambda key: f"{found[key][1]}@{found[key][2]}" if key in found else key
    )
    used = _without_tools(nodes, own or [key for key in nodes if key not in building])
    for key, match in found.items():
        yield _package(
            match,
            dev=key not in used,
            direct=dependency_paths.is_direct(key, direct, via),
            via=via.get(key, ()),
        )


def _without_tools(nodes: dict[str, Any], starts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Give the nodes that are reached by what is linked or run, not by what builds."""
    edges = {
        key: [need for need in untyped.texts(node, "requires") if need in nodes]
        for key, node in nodes.items()
    }
    return dependency_paths.paths(starts, edges, lambda key: key)


DETECTOR = Detector(name="conan_lock", version=2, wants=("**/conan.lock",), read=read)
