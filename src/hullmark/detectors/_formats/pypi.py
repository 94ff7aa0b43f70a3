"""What the readers of Python's files share: names, versions, and looking packages up by name.

Specified: https://packaging.python.org/en/latest/specifications/name-normalization/
"""

import re
from collections.abc import Hashable

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.!+_-]{0,127}")
_RUNS = re.compile(r"[-_.]+")
_START = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_DEV_GROUPS = frozenset(
    ("dev", "develop", "development", "doc", "docs", "lint", "linting", "test", "testing", "tests", "typing")
)

_MAX_CANDIDATES = 8


def is_name(text: object) -> bool:
    """Tell whether this is a valid distribution name."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def is_version(text: object) -> bool:
    """Tell whether this may be a version: one word, not a URL, not a range."""
    return isinstance(text, str) and _VERSION.fullmatch(text) is not None


def canonical(name: str) -> str:
    """Normalise a name, for comparing only: facts keep it as written."""
    return _RUNS.sub("-", name).lower()


def requirement_name(text: str) -> str:
    """Give the name at the start of a dependency specifier (`name[extra]>=1; marker`)."""
    start = _START.match(text)
    return start[1] if start else ""


def is_dev_group(name: str) -> bool:
    """Tell whether a group of dependencies is, by its usual name, for development only."""
    return canonical(name) in _DEV_GROUPS


class Index:
    """Keys of lock entries by name. A lock may hold one name in several versions; then each is a candidate."""

    def __init__(self) -> None:
        self._keys: dict[str, list[Hashable]] = {}

    def add(self, name: str, key: Hashable) -> None:
        """Note an entry; more versions of one name than any real lock has are left out."""
        keys = self._keys.setdefault(canonical(name), [])
        if len(keys) < _MAX_CANDIDATES:
            keys.append(key)

    def find(self, name: str) -> list[Hashable]:
        """Give the entries of a name."""
        return self._keys.get(canonical(name), [])
