"""`pylock.toml`, the lock file of all Python installers.

Specified: https://packaging.python.org/en/latest/specifications/pylock-toml/. A lock inside site-packages is its package's own
and not read.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import documents, pypi, shipped, untyped
from hullmark.detectors._formats.graph import Key, Node, packages
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact

_SOURCES = {"directory", "vcs", "archive"}  # these may go without a version


def read(file: File) -> Iterator[Fact]:
    """Give every locked package with a version, apart from folders of the project's own."""
    if shipped.is_shipped(file.path):
        return
    document = documents.toml(file)
    if "lock-version" not in document:
        raise MalformedError("not a pylock file: no lock-version")
    index = pypi.Index()
    nodes: dict[Key, Node] = {}
    wanted: dict[Key, list[str]] = {}
    for number, record in enumerate(untyped.array(document, "packages"), 1):
        name, version = untyped.text(record, "name"), untyped.text(record, "version")
        if not pypi.is_name(name) or not pypi.is_version(version):
            if not (pypi.is_name(name) and not version and _SOURCES.intersection(record)):
                yield file.unread("package without a valid name and version", f"package {number}")
            continue
        key = (name, version)
        dev = _only_in_groups(untyped.text(record, "marker"))
        if key in nodes:
            nodes[key].dev = nodes[key].dev and dev
        else:
            nodes[key] = Node(name, version, [], dev=dev, local="directory" in record)
            index.add(name, key)
        wanted.setdefault(key, []).extend(
            untyped.text(need, "name") for need in untyped.array(record, "dependencies")
        )
    stated = any(wanted.values())
    for user, names in wanted.items():
        nodes[user].needs = [need for name in names for need in index.find(name)]
    # the list of dependencies is optional: without any, nothing is known of what is direct
    yield from packages("pypi", nodes, None if stated else ())


def _only_in_groups(marker: str) -> bool:
    return "in dependency_groups" in marker and " or " not in marker and "not in" not in marker


DETECTOR = Detector(name="pylock", version=2, wants=("**/pylock.toml", "**/pylock.*.toml"), read=read)
