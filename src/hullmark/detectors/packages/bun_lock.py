"""Bun's text lock file `bun.lock`, versions 0 to 2; its older binary form `bun.lockb` is named as unread.

Format: Bun's `src/install/lockfile/bun.lock.zig`: JSON with trailing commas. A key of `packages` is the path of names under which
the package is found (`express/debug`), its value starts with `name@version`. A lock that a package ships inside
`node_modules` is not read.
"""

import re
from collections.abc import Iterator
from typing import Any

from hullmark.detectors._formats import npm, shipped, untyped
from hullmark.detectors._formats.graph import Key, Node, packages
from hullmark.detectors._formats.jsonc import jsonc
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact

_NEEDS = ("dependencies", "optionalDependencies", "peerDependencies")
_TARBALL = re.compile(r"\.t(?:ar\.)?gz$")
_BINARY = "binary Bun lock: run `bun install --save-text-lockfile` to get one that can be read"


def read(file: File) -> Iterator[Fact]:
    """Give every locked package apart from workspaces and linked folders."""
    if shipped.is_shipped(file.path):
        return
    if file.name == "bun.lockb":
        raise MalformedError(_BINARY)
    document = jsonc(file)
    if not isinstance(document, dict) or "lockfileVersion" not in document:
        raise MalformedError("not a bun.lock: no lockfileVersion")
    tree = npm.Tree()
    nodes: dict[Key, Node] = {}
    entries = untyped.table(document, "packages")
    numbers = {path: tree.add() for path in entries}
    for path, entry in entries.items():
        above, name = _parent(path)
        tree.place(numbers[path], numbers.get(above, 0), name)
        stated = entry[0] if isinstance(entry, list) and entry and isinstance(entry[0], str) else ""
        name, version = npm.split(stated)
        if version.startswith(("workspace:", "link:", "root:")) or (
            version.startswith("file:") and not _TARBALL.search(version)
        ):
            nodes[numbers[path]] = Node(name, version, [], local=True)
        elif npm.is_name(name) and npm.is_version(version):
            nodes[numbers[path]] = Node(name, version, [])
        elif not (npm.is_name(name) and (":" in version or "/" in version or _TARBALL.search(version))):
            # `name@github:…`, `name@https://…`, `name@a.tgz` name no version
            yield file.unread("package without a valid name and version", f"package {path}"[:200])
    for path, entry in entries.items():
        node = nodes.get(numbers[path])
        if node is not None:
            node.needs = list(_find(tree, numbers[path], _details(entry), _NEEDS))
    roots: list[tuple[Key, bool]] = []
    for workspace in untyped.table(document, "workspaces").values():
        user = numbers.get(untyped.text(workspace, "name"), 0)
        roots += [(need, False) for need in _find(tree, user, workspace, _NEEDS)]
        roots += [(need, True) for need in _find(tree, user, workspace, ("devDependencies",))]
    for node in nodes.values():
        if node.local:
            roots += [(need, False) for need in node.needs]
    yield from packages("npm", nodes, roots)


def _parent(path: str) -> tuple[str, str]:
    """Split a key into the key above it and the last name, which may have a scope."""
    above, _, name = path.rpartition("/")
    higher, _, scope = above.rpartition("/")
    return (higher, f"{scope}/{name}") if scope.startswith("@") else (above, name)


def _details(entry: Any) -> Any:
    return next((part for part in entry if isinstance(part, dict)), {}) if isinstance(entry, list) else {}


def _find(tree: npm.Tree, user: int, table: Any, sections: tuple[str, ...]) -> Iterator[Key]:
    for section in sections:
        for name in untyped.table(table, section):
            found = tree.find(user, name)
            if found is not None:
                yield found


DETECTOR = Detector(
    name="bun_lock",
    version=2,
    wants=("**/bun.lock", "**/bun.lockb"),
    read=read,
    max_bytes=32 * 1024 * 1024,
)
