"""Kustomize: `images:` with `name`, `newName`, `newTag`, `digest`.

Format: the Kustomization file, `images`. An entry without `newTag` and `digest` leaves the tag to the manifests.
"""

import re

from hullmark.detectors.config.references._found import Found, each_document
from hullmark.detectors.config.references._reference import Kind, Piece, Slot, TextFile, joined, with_digest
from hullmark.detectors.config.references._tree import Node, Table

_KIND = re.compile(r"^kind[ \t]*:[ \t]*(?:Kustomization|Component)[ \t]*\r?$", re.MULTILINE)


def read(file: TextFile) -> Found:
    """Give the references of every document."""
    return each_document(file, lambda root: _of_document(file, root))


def _of_document(file: TextFile, root: Node) -> Found:
    if not isinstance(root, Table):
        return
    for entry in root.items("images"):
        if isinstance(entry, Table):
            yield from _of_entry(file, entry)


def _of_entry(file: TextFile, entry: Table) -> Found:
    name = entry.text("newName") or entry.text("name")
    tag, digest = entry.text("newTag"), entry.text("digest")
    if name is None or not name.value:
        return
    pieces = [name.piece()]
    if tag is not None and tag.value:
        pieces += [Piece(":"), tag.piece()]
    if digest is not None and digest.value:
        pieces += [Piece("@"), digest.piece()]
    if len(pieces) == 1:
        return
    shown = tag if tag is not None and tag.value else digest
    assert shown is not None
    found = joined(file, pieces, shown.start, shown.end)
    if digest is not None and not digest.value and digest.exact:
        found = with_digest(found, Slot(digest.start, digest.end, "" if digest.quoted else " "))
    yield found


def is_one(text: str) -> bool:
    """Tell it by its kind."""
    return bool(_KIND.search(text))


KIND = Kind("kustomize", ("kustomization.yaml", "kustomization.yml", "Kustomization"), read, is_one)
