"""Deno's `deno.lock`, versions 1 to 5: the packages that it takes from npm.

Format: the crate `deno_lockfile` (`src/transforms.rs` says how a version differs from the one before). A package's key is
`name@version`, with `_` and what it was resolved beside behind that where there are peers. `specifiers` say what the project, or a
package of JSR, asks for. JSR's packages and remote modules are not npm's; version 1 has nothing but the latter.
"""

from collections.abc import Iterator
from typing import Any

from hullmark.detectors._formats import documents, npm, shipped, untyped
from hullmark.detectors._formats.graph import Key, Node, packages
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact


def read(file: File) -> Iterator[Fact]:
    """Give the packages locked from npm."""
    if shipped.is_shipped(file.path):
        return
    document = documents.json(file)
    if not isinstance(document, dict):
        raise MalformedError("not a deno.lock: not an object")
    # version 2 has both under `npm`, version 3 under `packages`, later ones at the top
    if "packages" in untyped.table(document, "npm"):
        entries = untyped.table(document, "npm", "packages")
        specifiers = untyped.table(document, "npm", "specifiers")
    else:
        inner = untyped.table(document, "packages") or document
        entries, specifiers = untyped.table(inner, "npm"), untyped.table(inner, "specifiers")
    nodes: dict[Key, Node] = {}
    by_name: dict[str, str] = {}
    for entry in entries:
        name, rest = npm.split(entry)
        version = rest.partition("_")[0]
        if npm.is_name(name) and npm.is_version(version):
            nodes[entry] = Node(name, version, [])
            by_name.setdefault(name, entry)
        else:
            yield file.unread("package without a valid name and version", entry[:200])
    for key, node in nodes.items():
        node.needs = [by_name.get(need, need) for need in _needs(entries[str(key)])]
    roots = [(_wanted(asked, found), False) for asked, found in specifiers.items() if isinstance(found, str)]
    yield from packages("npm", nodes, roots)


def _needs(entry: Any) -> Iterator[str]:
    """Give the keys of what a package needs; a name alone where there is only one of it, `alias@npm:key` for another name."""
    for section in ("dependencies", "optionalDependencies"):
        table = untyped.table(entry, section)
        for need in table.values() if table else untyped.array(entry, section):
            if isinstance(need, str):
                yield need.partition("@npm:")[2] or need


def _wanted(asked: str, found: str) -> str:
    """Give the key that a specifier was resolved to: written whole up to version 3, as its version later."""
    if npm.split(found.removeprefix("npm:"))[1] and not npm.is_version(found.partition("_")[0]):
        return found.removeprefix("npm:")
    return f"{npm.split(asked.removeprefix('npm:'))[0]}@{found}" if asked.startswith("npm:") else ""


DETECTOR = Detector(
    name="deno_lock", version=1, wants=("**/deno.lock",), read=read, max_bytes=32 * 1024 * 1024
)
