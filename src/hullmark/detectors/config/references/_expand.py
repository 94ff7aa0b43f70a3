"""Variables in references, each replaced by what the file itself says it is."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from hullmark.detectors.config.references._reference import NOWHERE, Piece, TextFile, UnknownError

SHELL = re.compile(
    r"\$(?:(?P<bare>\w+)|\{(?P<name>\w+)(?P<sign>:?[-+?])?(?P<default>(?(sign)[^{}]*|))\})", re.ASCII
)
"""`$NAME`, `${NAME}`, `${NAME:-default}`, as in Dockerfiles, Compose and GitLab."""
_MAX_GUARDED = 100
_DEPTH = 8
_MAX_PIECES = 64
_MAX_TEXT = 4096


def expand(
    piece: Piece, variables: Mapping[str, Piece], pattern: re.Pattern[str] = SHELL, what: str = "variable"
) -> list[Piece]:
    """Give the pieces of a text whose variables are replaced. Raises `UnknownError` where one has no value here.

    `pattern` has the groups `name`, and where the syntax has them `bare`, `sign` and `default`. `what` is what a variable is called.
    """
    found = list(_expanded(piece, variables, pattern, what, _DEPTH))
    if len(found) > _MAX_PIECES or sum(len(each.text) for each in found) > _MAX_TEXT:
        raise UnknownError("it grows too long when its variables are replaced")
    return found


def guarded(
    file: TextFile,
    variables: Mapping[str, Piece],
    texts: Iterable[str],
    pattern: re.Pattern[str] = SHELL,
    what: str = "variable",
) -> dict[str, Piece]:
    """Give the variables, those fixed that hold only a part of a reference and are used for something else than images, too.

    `texts` are those of the images. A script that installs version `$VERSION` would not know what to do with a digest.
    """
    uses = Counter(
        match["name"] or match.groupdict().get("bare") for text in texts for match in pattern.finditer(text)
    )
    found = dict(variables)
    for name, count in uses.most_common(_MAX_GUARDED):
        piece = found.get(name or "")
        if name is None or piece is None or any(sign in piece.text for sign in ":/@"):
            continue
        last = name.rpartition(".")[2]
        named = re.findall(rf"(?<![\w.-]){re.escape(last)}(?![\w-])|\.{re.escape(last)}(?![\w-])", file.text)
        if len(named) > count + 1:
            found[name] = piece._replace(fixed=f"{what} {name} is used for something else, too")
    return found


def _expanded(
    piece: Piece, variables: Mapping[str, Piece], pattern: re.Pattern[str], what: str, depth: int
) -> list[Piece]:
    if len(piece.text) > _MAX_TEXT or depth == 0:
        raise UnknownError("it grows too long when its variables are replaced")
    found: list[Piece] = []
    at = 0
    for match in pattern.finditer(piece.text):
        if match.start() > at:
            found.append(_part(piece, at, match.start()))
        at = match.end()
        value = _value(piece, match, variables, what)
        found += _expanded(value, variables, pattern, what, depth - 1)
        if len(found) > _MAX_PIECES:
            raise UnknownError("it has too many variables")
    rest = _part(piece, at, len(piece.text))
    return [*found, rest] if rest.text or not found else found


def _value(piece: Piece, match: re.Match[str], variables: Mapping[str, Piece], what: str) -> Piece:
    groups = match.groupdict()
    name = groups.get("name") or groups.get("bare") or ""
    value = variables.get(name)
    sign = groups.get("sign") or ""
    if sign.endswith("+"):
        raise UnknownError(f"it depends on whether {what} {name} is set")
    if value is not None and (value.text or not sign.startswith(":")):
        return value
    if sign.endswith("-"):
        return _part(piece, match.start("default"), match.end("default"))
    raise UnknownError(f"{what} {name} has no value in this file")


def _part(piece: Piece, start: int, end: int) -> Piece:
    begin = piece.start + start if piece.start != NOWHERE else NOWHERE
    return Piece(piece.text[start:end], begin, piece.fixed)
