"""pnpm's `pnpm-lock.yaml`, lock versions 5 to 9, and the `node_modules/.pnpm/lock.yaml` that says what is installed.

Format: https://github.com/pnpm/spec/tree/master/lockfile. A package's key is `/name/1.0.0_peers` (5), `/name@1.0.0(peers)` (6) or `name@1.0.0(peers)`
(9, where `snapshots` say what needs what). A lock that a package ships inside `node_modules` is not read, pnpm does not
read it either.
"""

import re
from collections.abc import Iterator
from typing import Any

from hullmark.detectors._formats import npm, plainyaml, shipped, untyped
from hullmark.detectors._formats.graph import Key, Node, packages
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact

_CURRENT = "node_modules/.pnpm/lock.yaml"
# version 5, and before it with the registry's host in front
_SLASHED = re.compile(r"(?:(?=[^/@.]++\.)[^/@]++)?/((?:@[^/]++/)?[^/@]++)/([^/_(]++)(?:[/_(].*)?", re.DOTALL)
_MAX_KEY = 1000  # apart from peers; npm's own names end at 214
_SECTIONS = (("dependencies", False), ("optionalDependencies", False), ("devDependencies", True))


def read(file: File) -> Iterator[Fact]:
    """Give every locked package apart from workspaces and linked folders."""
    if shipped.is_shipped(file.path) and not f"/{file.path}".endswith(f"/{_CURRENT}"):
        return
    # a document before the last one locks pnpm itself and its plug-ins
    for document in plainyaml.documents(file):
        if document is None:
            continue
        if not isinstance(document, dict) or "lockfileVersion" not in document:
            raise MalformedError("not a pnpm lock: no lockfileVersion")
        yield from _packages(file, document)


def _packages(file: File, document: dict[str, Any]) -> Iterator[Fact]:
    entries = untyped.table(document, "packages")
    snapshots = untyped.table(document, "snapshots") or entries
    nodes: dict[Key, Node] = {}
    for key, snapshot in snapshots.items():
        bare = key.partition("(")[0]
        entry = untyped.table(entries, bare) or untyped.table(entries, key)
        name, version = _name_and_version(bare, entry)
        local = untyped.text(entry, "resolution", "type") == "directory"
        if not local and not (npm.is_name(name) and npm.is_version(version)):
            yield file.unread("package without a valid name and version", f"package {key}"[:200])
            continue
        dev = untyped.text(snapshot, "dev")
        nodes[key] = Node(name, version, [], dev=dev == "true" if dev else None, local=local)
    roots: list[tuple[Key, bool]] = []
    for key, snapshot in snapshots.items():
        if key in nodes:
            node = nodes[key]
            node.needs = [need for need, _ in _needs(nodes, snapshot)]
            if node.local:
                roots += [(need, False) for need in node.needs]
    importers = untyped.table(document, "importers") or {".": document}
    for importer in importers.values():
        roots += _needs(nodes, importer)
    yield from packages("npm", nodes, roots)


def _name_and_version(key: str, entry: dict[str, Any]) -> tuple[str, str]:
    """Give what a key says; entries from elsewhere than a registry say it themselves."""
    if len(key) > _MAX_KEY:
        return "", ""
    slashed = _SLASHED.fullmatch(key)
    if slashed:
        name, version = slashed[1], slashed[2]
    else:
        name, version = npm.split(key.removeprefix("/"))
    return untyped.text(entry, "name") or name, untyped.text(entry, "version") or version


def _needs(nodes: dict[Key, Node], table: Any) -> Iterator[tuple[Key, bool]]:
    for section, dev in _SECTIONS:
        for name, value in untyped.table(table, section).items():
            reference = value if isinstance(value, str) else untyped.text(value, "version")
            # an alias is written as the whole key
            for key in (reference, f"{name}@{reference}", f"/{name}@{reference}", f"/{name}/{reference}"):
                if key in nodes:
                    yield key, dev
                    break


DETECTOR = Detector(name="pnpm_lock", version=2, wants=("**/pnpm-lock.yaml", f"**/{_CURRENT}"), read=read)
