"""CircleCI: the images of `docker:` executors; `machine:` images are none of a registry.

Format: CircleCI's configuration reference, `docker`. `<< parameters.NAME >>` is that parameter's default.
"""

import re

from hullmark.detectors.config.references._expand import guarded
from hullmark.detectors.config.references._found import Found, each_document, image
from hullmark.detectors.config.references._reference import Kind, Piece, TextFile
from hullmark.detectors.config.references._tree import Node, Table, tables

_PARAMETER = re.compile(r"<<\s*(?P<name>(?:pipeline\.)?parameters\.[\w-]{1,200})\s*>>", re.ASCII)


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: _of_document(file, root))


def _of_document(file: TextFile, root: Node) -> Found:
    if not isinstance(root, Table):
        return
    common = {f"pipeline.{name}": piece for name, piece in _defaults(root).items()}
    found = [
        (root.table(path[0]).table(path[1]), text)
        for path, table in tables(root)
        if len(path) > 2 and path[-2:] == ("docker", "-") and (text := table.text("image")) is not None
    ]
    texts = [text.value for _, text in found]
    for owner, text in found:
        known = guarded(file, common | _defaults(owner), texts, _PARAMETER, "parameter")
        yield from image(file, text, known, _PARAMETER, "parameter")


def _defaults(owner: Table) -> dict[str, Piece]:
    found = {}
    for name, parameter in owner.table("parameters").entries.items():
        if isinstance(parameter, Table) and (default := parameter.text("default")) is not None:
            found[f"parameters.{name}"] = default.piece()
    return found


KIND = Kind("circleci", (".circleci/**/*.yml", ".circleci/**/*.yaml"), read)
