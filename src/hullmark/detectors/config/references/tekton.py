"""Tekton's tasks, pipelines and their runs: steps, sidecars, step templates, bundles; `$(params.NAME)` is its default.

Format: Tekton Pipelines, `Task` and `PipelineRun` (tekton.dev/v1).
"""

import re

from hullmark.detectors.config.references._expand import guarded
from hullmark.detectors.config.references._found import Found, each_document
from hullmark.detectors.config.references._manifests import of_manifest
from hullmark.detectors.config.references._reference import Kind, Piece, TextFile
from hullmark.detectors.config.references._tree import Node, Table, tables

_PARAMETER = re.compile(
    r"\$\((?:inputs\.)?params\.(?P<name>[\w.-]{1,200})\)|\$\(params\[['\"](?P<bare>[^'\"]{1,200})['\"]\]\)"
)
_API = re.compile(r"""^[ \t]{0,40}["']?apiVersion["']?[ \t]*:[ \t]*["']?tekton\.dev/""", re.MULTILINE)


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: of_manifest(file, root, _known(file, root), _PARAMETER))


def _known(file: TextFile, root: Node) -> dict[str, Piece]:
    texts = [text.value for _path, table in tables(root) if (text := table.text("image")) is not None]
    return guarded(file, _defaults(root), texts, _PARAMETER, "parameter")


def _defaults(root: Node) -> dict[str, Piece]:
    """Give the defaults of parameters; of two that differ under one name none is known."""
    found: dict[str, Piece] = {}
    differing: set[str] = set()
    for _path, table in tables(root):
        for parameter in table.items("params"):
            if not isinstance(parameter, Table):
                continue
            name, default = parameter.text("name"), parameter.text("default")
            if name is None or default is None:
                continue
            if name.value in found and found[name.value].text != default.value:
                differing.add(name.value)
            found[name.value] = default.piece()
    return {name: piece for name, piece in found.items() if name not in differing}


def is_one(text: str) -> bool:
    """Tell it by its API group."""
    return bool(_API.search(text))


KIND = Kind("tekton", (), read, is_one)
