"""PDM's `pdm.lock`, lock versions 3 to 4.5.

Format: https://pdm-project.org/en/latest/usage/lockfile/. An entry for each set of extras. It does not name the
direct dependencies (pyproject.toml does), nor which group is for development: that is told by its usual name. A lock
inside site-packages is its package's own and not read.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import documents, pypi, shipped, untyped
from hullmark.detectors._formats.graph import Key, Node, packages
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Fact


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
        dev = bool(groups) and all(pypi.is_dev_group(group) for group in groups)
        if key in nodes:
            nodes[key].dev = nodes[key].dev and dev
        else:
            nodes[key] = Node(name, version, [], dev=dev, local="path" in record)
            index.add(name, key)
        wanted.setdefault(key, []).extend(untyped.texts(record, "dependencies"))
    for user, needs in wanted.items():
        names = dict.fromkeys(map(pypi.requirement_name, needs))
        nodes[user].needs = [need for name in names for need in index.find(name) if need != user]
    yield from packages("pypi", nodes)


DETECTOR = Detector(name="pdm_lock", version=2, wants=("**/pdm.lock",), read=read)
