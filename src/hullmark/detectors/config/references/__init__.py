"""References to images in files: one module a kind of file, each with a `KIND`.

A kind whose `wants` fit a path is taken first; else the first whose `is_one` knows the content. Adding a kind is adding a module.
"""

import functools
import importlib
import itertools
import re
from collections.abc import Iterator

from hullmark.detectors.config.dockerfile.ignores import Ignore
from hullmark.detectors.config.references._reference import ImageReference, Kind, Slot, TextFile
from hullmark.model.facts import Unread
from hullmark.modules import names_in

__all__ = ["Ignore", "ImageReference", "Kind", "Slot", "TextFile", "kind_of", "kinds", "may_want", "read"]

_MAX_FOUND = 10_000
_OTHERS = (".dockerignore", ".md", ".rst", ".bak", ".orig", ".swp", "~")
_GLOB = re.compile(r"/\*\*/|\*|\[[^]]*\]|[^/*\[]+|/")
_BY_CONTENT = (".yaml", ".yml", ".json")


@functools.cache
def kinds() -> tuple[Kind, ...]:
    """Give every kind; Kubernetes, whose form others share, is the last."""
    found = [importlib.import_module(f"{__name__}.{name}").KIND for name in names_in(__path__)]
    return tuple(sorted(found, key=lambda kind: (kind.name == "kubernetes", kind.name)))


def may_want(path: str) -> bool:
    """Tell whether a file of that path may name images, so that it is worth reading."""
    return path.endswith(_BY_CONTENT) or _by_path(path) is not None


def kind_of(path: str, text: str) -> Kind | None:
    """Give the kind of a file, nothing where it is none that names images. `path` has `/` between its parts."""
    return _by_path(path) or next((kind for kind in kinds() if kind.is_one and kind.is_one(text)), None)


def read(file: TextFile, kind: Kind) -> Iterator[ImageReference | Unread]:
    """Give the references of a file in its order, and what of it could not be read."""
    found = list(itertools.islice(kind.read(file), _MAX_FOUND + 1))
    if len(found) > _MAX_FOUND:
        found[_MAX_FOUND] = file.unread(f"more than {_MAX_FOUND} images; the rest was not looked at")
    yield from sorted(
        (each for each in found if isinstance(each, ImageReference)), key=lambda each: each.start
    )
    yield from (each for each in found if isinstance(each, Unread))


def _by_path(path: str) -> Kind | None:
    if path.endswith(_OTHERS):
        return None
    found = _wanted().fullmatch(path)
    return next((kind for kind in kinds() if found is not None and kind.name == found.lastgroup), None)


@functools.cache
def _wanted() -> re.Pattern[str]:
    """Compile what all kinds want into one pattern, a group for each; `folder/**/name` is a file at any depth below that folder."""
    groups = (f"(?P<{kind.name}>{'|'.join(map(_expression, kind.wants))})" for kind in kinds() if kind.wants)
    return re.compile(f"(?:.*/)?(?:{'|'.join(groups)})", re.DOTALL)


def _expression(pattern: str) -> str:
    words = {"/**/": "/(?:.*/)?", "*": "[^/]*"}
    return "".join(
        words.get(part) or (part if part[0] == "[" else re.escape(part)) for part in _GLOB.findall(pattern)
    )
