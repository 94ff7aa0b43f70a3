"""From texts in a tree to references: what is one, what is left alone, and references whose parts stand under keys of their own."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from hullmark.detectors.config.references._expand import SHELL, expand
from hullmark.detectors.config.references._reference import (
    ImageReference,
    Piece,
    Slot,
    TextFile,
    UnknownError,
    joined,
    unknown,
    with_digest,
)
from hullmark.detectors.config.references._tree import Node, Table, Text, UnreadableError, documents, lines
from hullmark.model.facts import Unread

_TEMPLATE = re.compile(r"\{\{|\{%|<%")
_WHOLE = re.compile(r"\s*(?:\{\{[^{}]*\}\}[:@/]?)+\s*")
_NULL = frozenset({"null", "Null", "NULL", "~"})
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NAME = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_.-]*+(?::[0-9]+(?=/))?(?:/[a-z0-9_.-]++)*(?::[\w.-]*+)?(?:@.*)?", re.ASCII
)

Found = Iterator[ImageReference | Unread]


def each_document(file: TextFile, read: Callable[[Node], Iterable[ImageReference | Unread]]) -> Found:
    """Read every document, each reference once; what is no YAML is read line by line, and said unless it is a template."""
    seen: set[int] = set()
    at: int | None = None
    try:
        for root in documents(file):
            for found in read(root):
                if not isinstance(found, ImageReference):
                    yield found
                elif found.start not in seen:
                    seen.add(found.start)
                    yield found
    except UnreadableError as problem:
        at = problem.at
        if not _TEMPLATE.search(file.text):
            yield file.unread(f"{problem}; read line by line", at)
    if at is not None:
        for text in lines(file):
            if text.start not in seen:
                yield from image(file, text)


def image(
    file: TextFile,
    text: Text | None,
    variables: Mapping[str, Piece] | None = None,
    pattern: re.Pattern[str] = SHELL,
    what: str = "variable",
    prefix: str = "",
) -> Found:
    """Give the reference that a text is, if it is one. Without `variables` a `$` in it is taken as it is.

    What a template makes whole is left alone: its values are read where they stand. `prefix` stands before the reference (`docker://`).
    """
    if text is None or not text.value.startswith(prefix):
        return
    piece = text.piece()
    start = text.start
    if prefix:
        start += len(prefix)
        piece = Piece(piece.text[len(prefix) :], piece.start + len(prefix) if text.exact else piece.start)
    if not piece.text.strip() or (not text.quoted and piece.text in _NULL) or _WHOLE.fullmatch(piece.text):
        return
    if _TEMPLATE.search(piece.text):
        yield unknown(file, start, text.end, "part of it is made by a template or an expression")
        return
    try:
        pieces = [piece] if variables is None else expand(piece, variables, pattern, what)
    except UnknownError as problem:
        yield unknown(file, start, text.end, str(problem))
        return
    whole = "".join(each.text for each in pieces)
    if "$" in whole:
        yield unknown(file, start, text.end, "it has a variable whose value is not in this file")
    elif not _ADDRESS.match(whole) and whole != "scratch" and whole.strip():
        yield joined(file, pieces, start, text.end)


def looks_like_one(text: Text | None) -> bool:
    """Tell whether a text that nothing else says to be an image's name looks like one: it has a tag, a digest or a registry."""
    if text is None or not any(sign in text.value for sign in ":/@") or _ADDRESS.match(text.value):
        return False
    return bool(_NAME.fullmatch(text.value)) and not re.search(
        r"\.(?:png|jpe?g|svg|gif|ico|webp|qcow2|iso|img)$", text.value
    )


def split_image(file: TextFile, table: Table) -> Found:
    """Give the reference of a mapping that has `repository` (or `image`) and beside it `tag`, `digest`, `registry`, as Helm's values do."""
    name = table.text("repository") or (table.text("image") if "tag" in table.entries else None)
    if name is None or not ({"tag", "digest"} & table.entries.keys()):
        return
    if not name.value or _ADDRESS.match(name.value) or not _NAME.fullmatch(name.value):
        return
    parts = [table.text(key) for key in ("tag", "digest", "sha")]
    tag, digest, _ = parts
    registry = table.text("registry")
    if any(_TEMPLATE.search(part.value) for part in (*parts, registry) if part is not None):
        yield unknown(file, name.start, name.end, "part of it is made by a template or an expression")
        return
    pieces = [registry.piece(), Piece("/")] if registry is not None and registry.value else []
    pieces.append(name.piece())
    has_tag = bool(tag and tag.value and tag.value not in _NULL)
    has_digest = bool(digest and digest.value and digest.value not in _NULL)
    if not has_tag and not has_digest and ":" not in name.value.rpartition("/")[2] and "@" not in name.value:
        yield unknown(file, name.start, name.end, "it has no tag here: the chart gives its own")
        return
    if has_tag and tag is not None:
        pieces += [Piece(":"), _value(file, tag)]
    if has_digest and digest is not None:
        pieces += [Piece("@"), digest.piece()]
    shown = tag if has_tag and tag is not None else digest if has_digest and digest is not None else name
    found = joined(file, pieces, shown.start, shown.end)
    if digest is not None and not has_digest and digest.exact and "@" not in found.text:
        found = with_digest(
            found, Slot(digest.start, digest.end, "" if digest.quoted or digest.start < digest.end else " ")
        )
    yield found


def _value(file: TextFile, tag: Text) -> Piece:
    """Give a tag as a piece; in JSON a number cannot be added to."""
    is_bare = file.path.endswith(".json") and not tag.quoted
    return Piece(tag.value, tag.start, "it is a number, not a text") if is_bare else tag.piece()
