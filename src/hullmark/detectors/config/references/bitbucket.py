"""Bitbucket Pipelines: `image` at any level, services, `pipe: docker://…`.

Format: Bitbucket's `bitbucket-pipelines.yml` configuration reference.
"""

from hullmark.detectors.config.references._found import Found, each_document, image
from hullmark.detectors.config.references._reference import Kind, TextFile
from hullmark.detectors.config.references._tree import Node, tables


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: _of_document(file, root))


def _of_document(file: TextFile, root: Node) -> Found:
    for path, table in tables(root):
        if path[-1:] != ("variables",):
            yield from image(file, table.text("image"))
            yield from image(file, table.table("image").text("name"))
            yield from image(file, table.text("pipe"), prefix="docker://")


KIND = Kind("bitbucket", ("bitbucket-pipelines.yml", "bitbucket-pipelines.yaml"), read)
