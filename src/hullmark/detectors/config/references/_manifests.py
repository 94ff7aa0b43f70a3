"""Images in Kubernetes manifests and whatever else has their form: pod templates, custom resources, Tekton's tasks.

Format: Kubernetes API, `PodSpec` (v1). A custom resource may name an image anywhere; a text under `image` counts where it looks like one.
"""

import re
from collections.abc import Iterator, Mapping

from hullmark.detectors.config.references._found import Found, image, looks_like_one, split_image
from hullmark.detectors.config.references._reference import Piece, TextFile
from hullmark.detectors.config.references._tree import Node, Table, tables

_CONTAINERS = frozenset(
    {"containers", "initContainers", "ephemeralContainers", "steps", "sidecars", "services"}
)
_WITHOUT = frozenset({"ConfigMap", "Secret", "CustomResourceDefinition", "Kustomization", "Component"})
"""Kinds that hold texts of any kind; what names no image there would be taken for one."""
_RELATED = "RELATED_IMAGE_"


def of_manifest(
    file: TextFile,
    root: Node,
    variables: Mapping[str, Piece] | None = None,
    pattern: re.Pattern[str] = re.compile(r"(?!)(?P<name>)"),
) -> Found:
    """Give the references of one document: an object, or a list of them."""
    for manifest in _objects(root):
        kind = manifest.text("kind")
        if kind is None or manifest.text("apiVersion") is None or kind.value in _WITHOUT:
            continue
        for path, table in tables(manifest):
            yield from _of_table(file, path, table, variables, pattern)


def _objects(root: Node) -> Iterator[Table]:
    if isinstance(root, Table):
        kind = root.text("kind")
        if kind is not None and kind.value.endswith("List"):
            yield from (item for item in root.items("items") if isinstance(item, Table))
        else:
            yield root


def _of_table(
    file: TextFile,
    path: tuple[str, ...],
    table: Table,
    variables: Mapping[str, Piece] | None,
    pattern: re.Pattern[str],
) -> Found:
    if {"annotations", "labels", "matchLabels"} & set(path[-1:]):
        return
    text = table.text("image")
    inside = (path[-2:-1] and path[-2] in _CONTAINERS) or path[-1:] == ("stepTemplate",)
    if "tag" in table.entries or "digest" in table.entries:
        yield from split_image(file, table)
    elif text is not None and (inside or looks_like_one(text) or "$(" in text.value):
        yield from image(file, text, variables, pattern, "parameter")
    if path[-2:-1] == ("volumes",):
        yield from image(file, table.table("image").text("reference"))
    name, value = table.text("name"), table.text("value")
    if (
        name is not None
        and (name.value.startswith(_RELATED) or name.value == "bundle")
        and looks_like_one(value)
    ):
        yield from image(file, value, variables, pattern, "parameter")
    if path[-1:] in {("taskRef",), ("pipelineRef",)}:
        yield from image(file, table.text("bundle"), variables, pattern, "parameter")
