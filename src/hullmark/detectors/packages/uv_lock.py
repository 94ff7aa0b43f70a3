"""uv's `uv.lock`.

Format: https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile and uv's `crates/uv-resolver/src/lock`. The
project and its workspace stand in it as packages too: they name the direct dependencies and are no packages of
PyPI. A lock inside site-packages is its package's own and not read.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from hullmark.detectors._formats import documents, pypi, shipped, untyped
from hullmark.detectors._formats.graph import Key, Node, packages
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Fact

_LOCAL = ("virtual", "editable", "directory")


def read(file: File) -> Iterator[Fact]:
    """Give every locked package apart from the project's own."""
    if shipped.is_shipped(file.path):
        return
    index = pypi.Index()
    nodes: dict[Key, Node] = {}
    records: dict[Key, Any] = {}
    for number, record in enumerate(untyped.array(documents.toml(file), "package"), 1):
        name, version = untyped.text(record, "name"), untyped.text(record, "version")
        local = not untyped.table(record, "source").keys().isdisjoint(_LOCAL)
        # the project's version may be dynamic and then is not there
        if not pypi.is_name(name) or not (local or pypi.is_version(version)):
            yield file.unread("package without a valid name and version", f"package {number}")
            continue
        key = (pypi.canonical(name), version)
        nodes[key] = Node(name, version, [], local=local)
        records[key] = record
        index.add(name, key)
    roots: list[tuple[Key, bool]] = []
    for user, record in records.items():
        needs = list(_keys(index, nodes, _dependencies(record, "dependencies", "optional-dependencies")))
        if nodes[user].local:
            roots += [(need, False) for need in needs]
            roots += [(need, True) for need in _keys(index, nodes, _dependencies(record, "dev-dependencies"))]
        else:
            nodes[user].needs = needs
    yield from packages("pypi", nodes, roots or None)


def _dependencies(record: Any, *sections: str) -> Iterator[Any]:
    for section in sections:
        value = record.get(section)
        if isinstance(value, dict):
            for group in value:
                yield from untyped.array(value, group)
        else:
            yield from untyped.array(record, section)


def _keys(index: pypi.Index, nodes: dict[Key, Node], dependencies: Iterable[Any]) -> Iterator[Key]:
    for dependency in dependencies:
        name, version = untyped.text(dependency, "name"), untyped.text(dependency, "version")
        key = (pypi.canonical(name), version)
        if version and key in nodes:
            yield key
        else:
            yield from index.find(name)


DETECTOR = Detector(name="uv_lock", version=2, wants=("**/uv.lock",), read=read)
