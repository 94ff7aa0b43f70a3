"""Poetry's `poetry.lock`, lock versions 1.0 to 2.1.

Format: Poetry's `poetry/packages/locker.py`. It does not name the direct dependencies (pyproject.toml does). A lock inside
site-packages is its package's own and not read.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import documents, pypi, shipped, untyped
from hullmark.detectors._formats.graph import Key, Node, packages
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Fact

_MAIN_GROUPS = {"main", "default"}


def read(file: File) -> Iterator[Fact]:
    """Give every locked package apart from folders of the project's own."""
    if shipped.is_shipped(file.path):
        return
    index = pypi.Index()
    nodes: dict[Key, Node] = {}
    wanted: dict[Key, list[str]] = {}
    for number, record in enumerate(untyped.array(documents.toml(file), "package"), 1):
        name, version = untyped.text(record, "name"), untyped.text(record, "version")
        if not pypi.is_name(name) or not pypi.is_version(version):
            yield file.unread("package without a valid name and version", f"package {number}")
            continue
        key = (name, version)
        groups = untyped.texts(record, "groups")
        dev = untyped.text(record, "category") == "dev" or (
            bool(groups) and not _MAIN_GROUPS.intersection(groups)
        )
        local = untyped.text(record, "source", "type") == "directory"
        nodes[key] = Node(name, version, [], dev=dev, local=local)
        wanted.setdefault(key, []).extend(untyped.table(record, "dependencies"))
        index.add(name, key)
    for user, names in wanted.items():
        nodes[user].needs = [need for name in names for need in index.find(name)]
    yield from packages("pypi", nodes)


DETECTOR = Detector(name="poetry_lock", version=2, wants=("**/poetry.lock",), read=read)
