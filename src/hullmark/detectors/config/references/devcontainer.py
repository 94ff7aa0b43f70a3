"""Development containers: `image` of devcontainer.json, JSON with comments.

Format: the Development Containers specification, devcontainer.json reference.
"""

import functools

from hullmark.detectors.config.dockerfile.ignores import line_ignores
from hullmark.detectors.config.references._found import Found, each_document, image
from hullmark.detectors.config.references._reference import Kind, TextFile
from hullmark.detectors.config.references._tree import Node, Table


def read(file: TextFile) -> Found:
    """Give the reference."""
    return each_document(file, lambda root: _of_document(file, root))


def _of_document(file: TextFile, root: Node) -> Found:
    if isinstance(root, Table):
        yield from image(file, root.text("image"))


KIND = Kind(
    "devcontainer",
    ("devcontainer.json", ".devcontainer.json"),
    read,
    ignores=functools.partial(line_ignores, signs=("//",)),
)
