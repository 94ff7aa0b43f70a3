"""The contract of a version scheme: a key function whose bytes sort as the ecosystem sorts its versions."""

import functools
import importlib
from collections.abc import Callable

from msgspec import Struct

from hullmark.model.errors import VersionError


def _same(name: str) -> str:
    return name


class Scheme(Struct, frozen=True, kw_only=True):
    """One ecosystem's order of versions.

    `key(text)` gives bytes so that, for any two valid versions, comparing the keys as bytes gives the order
    of the versions (so SQL can range over them); equal versions have equal keys. It raises `VersionError`
    for what the scheme cannot order, and nothing else, in time linear in the text. `ecosystems` are the purl
    types that use it. `fold` makes a package's name comparable (PEP 503 for PyPI, lower case where the
    ecosystem ignores case). `revision` is raised when keys change, since the database stores keys.
    """

    name: str
    ecosystems: tuple[str, ...]
    key: Callable[[str], bytes]
    fold: Callable[[str], str] = _same
    revision: int = 1


@functools.lru_cache(maxsize=1 << 16)
def sort_key(scheme: Scheme, text: str) -> bytes | None:
    """Give a version's sort key; None where it has none. The same versions come again and again, in advisories and images."""
    try:
        return scheme.key(text)
    except VersionError:
        return None


def named(name: str) -> Scheme | None:
    """Give the scheme of that name, which is its module's name too; no other module is imported."""
    if not name.isidentifier():
        return None
    try:
        module = importlib.import_module(f"hullmark.advisories.versions.{name}")
    except ModuleNotFoundError:
        return None
    found = getattr(module, "SCHEME", None)
    return found if isinstance(found, Scheme) else None
