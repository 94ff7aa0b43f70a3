"""npm's lock files: `package-lock.json`, `npm-shrinkwrap.json` and the hidden `node_modules/.package-lock.json`; versions 1 to 3.

Format: https://docs.npmjs.com/cli/configuring-npm/package-lock-json. Versions 2 and 3 list the folders of `node_modules`, version 1
nests them. A lock that a package ships inside `node_modules` is not read, npm does not read it either. The hidden
one lists what npm has put there, and may be out of date.
"""

from collections.abc import Iterator
from typing import Any

from hullmark.detectors._formats import documents, licences, npm, shipped, untyped
from hullmark.detectors._formats.graph import Key, Node, packages
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact, Unread

_HIDDEN = ".package-lock.json"
_FOLDER = "node_modules/"
_NEEDS = ("dependencies", "optionalDependencies", "peerDependencies")


def read(file: File) -> Iterator[Fact]:
    """Give every locked package apart from the project's own."""
    if shipped.is_shipped(file.path) and file.name != _HIDDEN:
        return
    document = documents.json(file)
    if not isinstance(document, dict):
        raise MalformedError("not an npm lock: no object")
    if isinstance(document.get("packages"), dict):
        yield from _flat(file, document["packages"])
    elif isinstance(document.get("dependencies"), dict):
        yield from _nested(file, document["dependencies"])
    elif "lockfileVersion" not in document and "name" not in document:
        raise MalformedError("not an npm lock: neither packages nor dependencies")


def _flat(file: File, entries: dict[str, Any]) -> Iterator[Fact]:
    """Versions 2 and 3: an entry a folder, '' the project itself, others outside `node_modules` its workspaces."""
    tree = npm.Tree()
    numbers = {path: tree.add() if path else 0 for path in entries}
    nodes: dict[Key, Node] = {}
    for path, entry in entries.items():
        above, folder, name = path.rpartition(_FOLDER)
        if not folder:
            nodes[numbers[path]] = Node("", "", [], local=True)
            continue
        tree.place(numbers[path], numbers.get(above.rstrip("/"), 0), name)
        name = untyped.text(entry, "name") or name
        if not isinstance(entry, dict):
            yield file.unread("not an object", _place(path))
        elif not entry.get("link"):
            yield from _add(file, nodes, numbers[path], name, entry, path)
    for path, entry in entries.items():
        node = nodes.get(numbers[path])
        if node is not None:
            for section in _NEEDS:
                _need(tree, node, numbers[path], untyped.table(entry, section))
    if "" not in entries:
        # the hidden lock does not know the project
        yield from packages("npm", nodes)
        return
    roots: list[tuple[Key, bool]] = []
    for path, entry in entries.items():
        number = numbers[path]
        if number in nodes and nodes[number].local:
            roots += [(need, False) for need in nodes[number].needs]
            for name in untyped.table(entry, "devDependencies"):
                found = tree.find(number, name)
                if found is not None:
                    roots.append((found, True))
    yield from packages("npm", nodes, roots)


def _nested(file: File, top: dict[str, Any]) -> Iterator[Fact]:
    """Version 1: `dependencies` are the folders inside a folder, `requires` says what needs what."""
    tree = npm.Tree()
    nodes: dict[Key, Node] = {}
    requires: list[tuple[int, dict[str, Any]]] = []
    waiting: list[tuple[dict[str, Any], int, int]] = [(top, 0, 1)]
    for entries, parent, depth in waiting:  # grows while it is walked
        if depth > file.limits.max_depth:
            raise MalformedError("dependencies nested too deeply")
        for name, entry in entries.items():
            if not isinstance(entry, dict):
                yield file.unread("not an object", _place(name))
                continue
            number = tree.add()
            name = name.removeprefix(_FOLDER)  # noqa: PLW2901
            tree.place(number, parent, name)
            version = untyped.text(entry, "version")
            real, aliased = npm.alias(version)
            if real:
                entry = entry | {"version": aliased}  # noqa: PLW2901
            if version.startswith(("file:", "link:")) and not version.endswith((".tgz", ".tar.gz")):
                nodes[number] = Node(name, "", [], local=True)
            elif ":" not in version or real:
                yield from _add(file, nodes, number, real or name, entry, name)
            requires.append((number, untyped.table(entry, "requires")))
            waiting.append((untyped.table(entry, "dependencies"), number, depth + 1))
    for number, names in requires:
        if number in nodes:
            _need(tree, nodes[number], number, names)
    yield from packages("npm", nodes)


def _add(
    file: File, nodes: dict[Key, Node], number: int, name: str, entry: dict[str, Any], path: str
) -> Iterator[Unread]:
    version = entry.get("version")
    if npm.is_name(name) and npm.is_version(version):
        # `devOptional` is needed by a development dependency, or optionally: not for development only
        nodes[number] = Node(
            name,
            untyped.text(version),
            [],
            licences=licences.of_npm(entry.get("license")),
            dev=entry.get("dev") is True,
        )
    elif not (version is None and entry.get("optional")):
        # npm leaves the version out of optional packages for another platform
        yield file.unread("package without a valid name and version", _place(path))


def _need(tree: npm.Tree, node: Node, number: int, names: dict[str, Any]) -> None:
    for name in names:
        found = tree.find(number, name)
        if found is not None:
            node.needs.append(found)


def _place(path: str) -> str:
    return f"package {path}" if len(path) <= 200 else f"package {path[:200]}…"


DETECTOR = Detector(
    name="npm_lock",
    version=2,
    wants=("**/package-lock.json", "**/npm-shrinkwrap.json", f"**/node_modules/{_HIDDEN}"),
    read=read,
)
