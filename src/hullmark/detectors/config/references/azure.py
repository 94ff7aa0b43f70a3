"""Azure Pipelines: `resources.containers`, a job's `container`.

Format: Azure Pipelines' YAML schema, `resources.containers.container` and `jobs.job.container`. A job may name a container of
`resources` in place of an image; `vmImage` is none of a registry.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.config.references._expand import guarded
from hullmark.detectors.config.references._found import Found, each_document, image, looks_like_one
from hullmark.detectors.config.references._reference import Kind, Piece, TextFile
from hullmark.detectors.config.references._tree import Node, Table, Text, tables

_VARIABLE = re.compile(
    r"\$\((?:variables\.)?(?P<name>[\w.]{1,200})\)|\$\{\{\s*(?:parameters|variables)\.(?P<bare>[\w.]{1,200})\s*\}\}",
    re.ASCII,
)


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: _of_document(file, root))


def _of_document(file: TextFile, root: Node) -> Found:
    if not isinstance(root, Table):
        return
    found = list(_images(root))
    known = _named(root, "variables", "value") | _named(root, "parameters", "default")
    known = guarded(file, known, [text.value for text in found], _VARIABLE)
    for text in found:
        yield from image(file, text, known, _VARIABLE)


def _images(root: Table) -> Iterator[Text]:
    for path, table in tables(root):
        text = table.text("container")
        if path[-2:] == ("containers", "-") or path[-1:] == ("container",):
            text = table.text("image")
        elif not looks_like_one(text) and not (text is not None and _VARIABLE.search(text.value)):
            text = None
        if text is not None:
            yield text
        if path[-1:] == ("services",):
            yield from (
                node for node in table.entries.values() if isinstance(node, Text) and looks_like_one(node)
            )


def _named(root: Table, key: str, value: str) -> dict[str, Piece]:
    """Give what is a mapping, or a list of names with values."""
    pairs = list(root.table(key).entries.items())
    entries = [entry for entry in root.items(key) if isinstance(entry, Table)]
    pairs += [
        (name.value, entry.text(value)) for entry in entries if (name := entry.text("name")) is not None
    ]
    return {name: text.piece() for name, text in pairs if isinstance(text, Text)}


KIND = Kind(
    "azure",
    tuple(
        f"{name}.{end}"
        for name in ("azure-pipelines*", "azure-pipelines/**/*", ".azure-pipelines/**/*", ".azuredevops/**/*")
        for end in ("yml", "yaml")
    ),
    read,
)
