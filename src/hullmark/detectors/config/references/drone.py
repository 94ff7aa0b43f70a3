"""Drone and Woodpecker: the images of steps, services and clone steps.

Format: Drone's `kind: pipeline` (docker and kubernetes runners); Woodpecker's workflow syntax.
"""

from hullmark.detectors.config.references._found import Found, each_document, image
from hullmark.detectors.config.references._reference import Kind, TextFile
from hullmark.detectors.config.references._tree import Node, Table, tables

_PARTS = ("steps", "services", "clone", "pipeline")


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: _of_document(file, root))


def _of_document(file: TextFile, root: Node) -> Found:
    if not isinstance(root, Table):
        return
    for part in _PARTS:
        for path, table in tables(root.entries.get(part)):
            if len(path) == 1:  # a step, in a list or under its name; what is deeper are a plugin's settings
                yield from image(file, table.text("image"))


KIND = Kind(
    "drone",
    tuple(
        f"{name}.{end}" for name in (".drone", ".woodpecker", ".woodpecker/**/*") for end in ("yml", "yaml")
    ),
    read,
)
