"""Layers merged into one view, as a container runtime would see them.

Rules: the OCI image specification, layer.md. A path is placed after the merged tree's directory links are
resolved (Debian lists files under `/lib`, which is a link), a whiteout removes only what lower layers brought,
an opaque directory hides all of it, an entry that is no directory hides a whole directory of its name, and a
directory replaces a link of its name.
"""

import bisect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from hullmark.images.walk import path_mark
from hullmark.model.facts import Fact, LayerShape
from hullmark.scan.layers import Facts

_MAX_LINK_STEPS = 40


class Visible(NamedTuple):
    """A file of the merged view; `path` is as its layer names it."""

    detector: str
    layer: int
    path: str
    facts: tuple[Fact, ...]


Key = tuple[str, str]
"""Detector and resolved path."""


class Merged(NamedTuple):
    """The merged view.

    `files` are the visible files. `below` gives, for the files of databases, the older versions of the same
    path from the top down. `skipped` counts files that `--skip-path` left out. `resolve` places a path in the
    merged tree.
    """

    files: dict[Key, Visible]
    below: dict[Key, list[Visible]]
    skipped: int
    resolve: Callable[[str], str]


class _Hiding:
    """What one layer hides of those below it."""

    def __init__(self, shape: LayerShape, links: "_Links") -> None:
        self.removed = {links.path(path) for path in _words(shape.whiteouts)}
        self.opaque = {links.folder(path) for path in _words(shape.opaques)}
        self._entries = memoryview(shape.hidden).cast("Q")
        self._folders = memoryview(shape.folders).cast("Q")
        self._verdicts: dict[str, bool] = {"": "" in self.opaque}

    def hides(self, path: str) -> bool:
        """Tell whether a path of a lower layer is gone, apart from being written anew."""
        return path in self.removed or self._folder(path.rpartition("/")[0])

    def replaces(self, path: str) -> bool:
        """Tell whether the layer has an entry of that path that is no directory."""
        return _has(self._entries, path)

    def replaces_link(self, path: str) -> bool:
        """Tell whether the layer puts something else in a link's place."""
        return self.hides(path) or _has(self._entries, path) or _has(self._folders, path)

    def _folder(self, folder: str) -> bool:
        """Tell whether a folder's lower content is gone: by itself or by a folder above it."""
        verdicts = self._verdicts
        trail = []
        while folder not in verdicts:
            trail.append(folder)
            folder = folder.rpartition("/")[0]
        hidden = verdicts[folder]
        for inner in reversed(trail):
            hidden = hidden or inner in self.removed or inner in self.opaque or self.replaces(inner)
            verdicts[inner] = hidden
        return hidden


class _Links:
    """The symbolic links of the merged tree so far.

    Layers have thousands of links, and nearly none of them is a folder on the way to a wanted file. So links
    are kept as they came, layer by layer, and whether one is still there is asked only when a path meets it.
    """

    def __init__(self) -> None:
        self._layers: list[tuple[dict[str, str], _Hiding | None]] = []
        self._all: set[str] = set()
        self._known: dict[str, str] = {}

    def add(self, shape: LayerShape, hiding: _Hiding | None) -> None:
        """Put a layer's links on top."""
        words = _words(shape.links)
        paths, targets = words[::2], words[1::2]
        if self._layers and self._all:
            paths = [self.path(path) for path in paths]
        self._layers.append((dict(zip(paths, targets, strict=True)), hiding))
        self._all.update(paths)
        self._known = {}

    def folder(self, folder: str) -> str:
        """Resolve a folder's path; one whose links never end stays as it is."""
        known = self._known.get(folder)
        if known is not None:
            return known
        # Nearly always neither the folder nor one above it is a link: then there is nothing to take apart.
        trail, above = [], folder
        while above and above not in self._known and above not in self._all:
            trail.append(above)
            above = above.rpartition("/")[0]
        if above in self._all or self._known.get(above, above) != above:
            known = self._known[folder] = self._resolve(folder)
            return known
        self._known.update(zip(trail, trail, strict=True))
        return folder

    def path(self, path: str) -> str:
        """Resolve the folder of a path, not its last part."""
        folder, slash, name = path.rpartition("/")
        if not slash:
            return path
        folder = self.folder(folder)
        return f"{folder}/{name}" if folder else name

    def _target(self, path: str) -> str | None:
        if path not in self._all:
            return None
        for links, hiding in reversed(self._layers):
            target = links.get(path)
            if target is not None:
                return target
            if hiding is not None and hiding.replaces_link(path):
                return None
        return None

    def _resolve(self, folder: str) -> str:
        waiting = folder.split("/")[::-1]
        done: list[str] = []
        steps = 0
        while waiting:
            part = waiting.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                done = done[:-1]
                continue
            done.append(part)
            target = self._target("/".join(done))
            if target is not None:
                steps += 1
                if steps > _MAX_LINK_STEPS:
                    return folder
                done = [] if target.startswith("/") else done[:-1]
                waiting.extend(target.split("/")[::-1])
        return "/".join(done)


def merge(
    layers: Sequence[Facts], databases: frozenset[str], skip: Callable[[str], bool] = lambda _path: False
) -> Merged:
    """Merge layers from the lowest up. `databases` are the detectors whose older snapshots are kept."""
    links = _Links()
    files: dict[Key, Visible] = {}
    below: dict[Key, list[Visible]] = {}
    skipped = 0
    for index, layer in enumerate(layers):
        # A layer whose bytes are not what was promised may add, but not hide.
        hiding = _Hiding(layer.shape, links) if index and layer.digest else None
        if hiding is not None:
            for key in [key for key in files if hiding.hides(key[1])]:
                del files[key]
                below.pop(key, None)
        links.add(layer.shape, hiding)
        fresh: dict[Key, Visible] = {}
        for detector, found in layer.files.items():
            for entry in found:
                if skip(entry.path):
                    skipped += 1
                else:
                    fresh[detector, links.path(entry.path)] = Visible(
                        detector, index, entry.path, entry.facts
                    )
        if hiding is not None:
            # What is replaced by something that no detector wants (a link, a device, another binary) is gone.
            for key in [key for key in files if key not in fresh and hiding.replaces(key[1])]:
                del files[key]
                below.pop(key, None)
        for key, visible in fresh.items():
            older = files.get(key)
            if older is not None and key[0] in databases:
                below.setdefault(key, []).insert(0, older)
            files[key] = visible
    return Merged(files, below, skipped, links.path)


def _has(marks: memoryview, path: str) -> bool:
    if not len(marks):
        return False
    mark = path_mark(path)
    at = bisect.bisect_left(marks, mark)
    return at < len(marks) and marks[at] == mark


def _words(packed: bytes) -> list[str]:
    return packed.decode("utf-8", "replace").split("\0")[:-1] if packed else []


def skipper(globs: Iterable[str]) -> Callable[[str], bool]:
    """Compile `--skip-path` globs: `*` within a component, `**` over several; a folder's glob takes all below it."""
    patterns = []
    for glob in globs:
        words = re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/"))
        wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        patterns.append("".join(wild.get(word) or re.escape(word) for word in words) + "(?:/.*)?")
    if not patterns:
        return lambda _path: False
    compiled = re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.DOTALL)
    return lambda path: compiled.fullmatch(path) is not None
