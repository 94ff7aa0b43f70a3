"""Compose files: the services' images, and those that a build takes in by `docker-image://`.

Format: the Compose specification, `services.image`, `build.additional_contexts`; interpolation as in its section 12. The image of
a service that is built here is what comes out of the build, so it is no reference.
"""

import re

from hullmark.detectors.config.references._found import Found, each_document, image
from hullmark.detectors.config.references._reference import Kind, Piece, TextFile
from hullmark.detectors.config.references._tree import Node, Text, tables

_SERVICES = re.compile(r"^services[ \t]*:[ \t]*(?:#.*)?\r?$", re.MULTILINE)
_NOT_ONE = re.compile(
    r"^(?:stages|jobs|pipeline|pool|steps|script|default|apiVersion|clone)[ \t]*:", re.MULTILINE
)
_NONE: dict[str, Piece] = {}


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: _of_document(file, root))


def _of_document(file: TextFile, root: Node) -> Found:
    for path, table in tables(root):
        is_service = len(path) == 2 and path[0] == "services"
        is_fragment = bool(path) and path[0].startswith("x-")
        if (is_service or is_fragment) and "build" not in table.entries:
            yield from image(file, table.text("image"), _NONE)
        if path[-1:] == ("additional_contexts",):
            for context in table.entries.values():
                if isinstance(context, Text):
                    yield from image(file, context, _NONE, prefix="docker-image://")


def is_one(text: str) -> bool:
    """Tell it by its services, where no other kind of file that has some is meant."""
    return bool(_SERVICES.search(text)) and not _NOT_ONE.search(text)


KIND = Kind(
    "compose",
    tuple(
        f"{name}*.{end}"
        for name in ("compose", "docker-compose", "podman-compose")
        for end in ("yml", "yaml")
    ),
    read,
    is_one,
)
