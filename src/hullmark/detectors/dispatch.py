"""Finds, for a path, the detectors that want it, at a cost that does not grow with their number.

Every pattern ends in a literal name, a literal extension or, below a literal folder, `*`; so three look-ups
in dictionaries (base name, extension, folder) leave only true candidates, which the pattern confirms.
"""

import functools
import re
from collections.abc import Iterable

from hullmark.detectors.detector import Detector

_WILD = re.compile(r"\*\*/|\*|\?")


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern when its first candidate comes: most of a thousand never have one."""
    out, at = [], 0
    for wild in _WILD.finditer(pattern):
        out += [
            re.escape(pattern[at : wild.start()]),
            {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}[wild[0]],
        ]
        at = wild.end()
    return re.compile("".join([*out, re.escape(pattern[at:])]), re.DOTALL)


class Dispatcher:
    """The patterns of some detectors, compiled into one set of tables."""

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self.detectors = tuple(detectors)
        self.binaries = tuple(detector for detector in self.detectors if detector.binaries)
        tables: dict[str, dict[str, list[tuple[str, Detector]]]]
        tables = {"name": {}, "extension": {}, "folder": {}}
        for detector in self.detectors:
            for pattern in detector.wants:
                folder, _, last = pattern.rpartition("/")
                if "*" not in last and "?" not in last:
                    table, entry = "name", last
                elif "." in last and not _WILD.search(last.rpartition(".")[2]):
                    table, entry = "extension", last.rpartition(".")[2]
                elif last == "*" and not _WILD.search(folder):
                    table, entry = "folder", folder
                else:
                    raise ValueError(
                        f"{detector.name} wants {pattern!r}: its last component has no literal part"
                    )
                anywhere = pattern == f"**/{last}" and table == "name"
                tables[table].setdefault(entry, []).append(("" if anywhere else pattern, detector))
        self._names, self._extensions, self._folders = tables["name"], tables["extension"], tables["folder"]

    def find(self, path: str) -> list[Detector]:
        """Give the detectors that want this path (no leading slash), each once."""
        folder, _, name = path.rpartition("/")
        extension = name.rpartition(".")[2]
        found: list[Detector] = []
        if name not in self._names and extension not in self._extensions and folder not in self._folders:
            return found  # as for nearly all paths
        for candidates in (
            self._names.get(name, ()),
            self._extensions.get(extension, ()),
            self._folders.get(folder, ()),
        ):
            for pattern, detector in candidates:
                if (not pattern or _compiled(pattern).fullmatch(path)) and detector not in found:
                    found.append(detector)
        return found

    def wants(self, path: str) -> bool:
        """Tell whether any detector wants this path."""
        folder, _, name = path.rpartition("/")
        extension = name.rpartition(".")[2]
        if name not in self._names and extension not in self._extensions and folder not in self._folders:
            return False  # said without a call, since a package manager lists 100,000 paths
        return bool(self.find(path))
