"""How a lock file's packages came to be wanted: for each the shortest path from a direct dependency to its parent.

Lock files state edges ("A needs B"); `Package.via` wants paths. The search is breadth first from the direct
dependencies, so every path is a shortest one and the work is linear in the edges. A crafted lock could still
make paths that together are far larger than itself (a chain of a hundred thousand links), so both the length of one
path and the text of all paths are bounded; past a bound a path is left empty, which says "unknown".
"""

from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

_MAX_LENGTH = 32
_MAX_TEXT = 8_000_000

Key = TypeVar("Key", bound=Hashable)


def paths(
    direct: Iterable[Key], edges: Mapping[Key, Sequence[Key]], label: Callable[[Key], str]
) -> dict[Key, tuple[str, ...]]:
    """Give `via` for every package that can be reached; a direct dependency has the empty path."""
    found: dict[Key, tuple[str, ...]] = dict.fromkeys(direct, ())
    budget = _MAX_TEXT
    level = list(found)
    depth = 0
    while level:
        depth += 1
        following: list[Key] = []
        for parent in level:
            path: tuple[str, ...] | None = None
            cost = 0
            for child in edges.get(parent, ()):
                if child in found:
                    continue
                if path is None:
                    path = (*found[parent], label(parent)) if depth <= _MAX_LENGTH else ()
                    cost = sum(map(len, path))
                budget -= cost
                found[child] = path if budget > 0 else ()
                following.append(child)
        level = following
    return found


def is_direct(key: Key, direct: Container[Key], via: Container[Key]) -> bool | None:
    """Tell whether a package is wanted directly; of one that nothing leads to, nobody knows."""
    if key in direct:
        return True
    return False if key in via else None


def tops(edges: Mapping[Key, Sequence[Key]]) -> list[Key]:
    """Give the packages that no other needs: direct dependencies for sure, where a lock does not name them."""
    needed = {child for parent, children in edges.items() for child in children if child != parent}
    return [key for key in edges if key not in needed]
