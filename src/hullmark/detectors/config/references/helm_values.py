"""Helm's values: `repository`, `tag`, `digest` and `registry` side by side, or an `image` that is whole.

No format specifies them: it is the habit of `helm create` and of the large chart collections.
"""

from hullmark.detectors.config.references._found import (
    Found,
    each_document,
    image,
    looks_like_one,
    split_image,
)
from hullmark.detectors.config.references._reference import Kind, TextFile
from hullmark.detectors.config.references._tree import Node, tables


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: _of_document(file, root))


def _of_document(file: TextFile, root: Node) -> Found:
    for _path, table in tables(root):
        whole = table.text("image")
        if whole is not None and "tag" not in table.entries:
            if looks_like_one(whole):
                yield from image(file, whole)
        else:
            yield from split_image(file, table)


KIND = Kind(
    "helm_values",
    tuple(
        f"{name}.{end}"
        for name in ("values", "values[-_.]*", "*[-_.]values", "values/*")
        for end in ("yaml", "yml")
    ),
    read,
)
