"""What the readers of npm's files share: names, versions, aliases, and finding modules as Node does.

Names: https://docs.npmjs.com/cli/configuring-npm/package-json#name (older ones may hold capitals and signs).
"""

import re

_NAME = re.compile(r"(?:@[^\s/@:\x00-\x1f\x7f]+/)?[^\s/@:\x00-\x1f\x7f]+")
_VERSION = re.compile(r"[v=]?[0-9][0-9A-Za-z.+_-]{0,254}")

_MAX_NAME = 214
_MAX_LOOKUPS = 2_000_000

LOCAL = ("workspace:", "link:", "portal:", "file:", "exec:", ".", "~", "/")
"""How a reference to something in the project's own tree starts."""


def is_name(text: object) -> bool:
    """Tell whether this can be a package's name."""
    return isinstance(text, str) and len(text) <= _MAX_NAME and _NAME.fullmatch(text) is not None


def is_version(text: object) -> bool:
    """Tell whether this is a version rather than a URL, a path or a range."""
    return isinstance(text, str) and _VERSION.fullmatch(text) is not None


def split(text: str) -> tuple[str, str]:
    """Split `name@rest` at the first at sign that does not open a scope."""
    at = text.find("@", 1)
    return (text, "") if at < 0 else (text[:at], text[at + 1 :])


def alias(text: str) -> tuple[str, str]:
    """Give name and version that `npm:name@version` stands for; empty where it is no alias."""
    if text.startswith("npm:"):
        name, version = split(text[4:])
        if version:
            return name, version
    return "", ""


class Tree:
    """Nested `node_modules` folders, in which a module is looked up from its user's folder upwards.

    A node is a number, 0 the top. All look-ups together are bounded, since a hostile file can nest deeply.
    """

    def __init__(self) -> None:
        self._parents = [0]
        self._children: dict[tuple[int, str], int] = {}
        self._left = _MAX_LOOKUPS

    def add(self) -> int:
        """Make a node that is not placed yet."""
        self._parents.append(0)
        return len(self._parents) - 1

    def place(self, node: int, parent: int, name: str) -> None:
        """Put a node below its parent under a name."""
        if node != parent:
            self._parents[node] = parent
            self._children.setdefault((parent, name), node)

    def find(self, user: int, name: str) -> int | None:
        """Find the module that `name` means to its user."""
        node = user
        while self._left > 0:
            self._left -= 1
            found = self._children.get((node, name))
            if found is not None:
                return found
            if node == 0:
                break
            node = self._parents[node]
        return None
