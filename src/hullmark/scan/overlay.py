"""Layers merged into one view, as a container runtime would see them.

Rules: the OCI image specification, layer.md. A path is placed after the merged tree's directory links are
resolved (Debian lists files under `/lib`, which is a link), a whiteout removes only what lower layers brought,
an opaque directory hides all of it, an entry that is no directory hides a whole directory of its name, and a
directory replaces a link or a file of its name.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from hullmark.images.walk import has_mark, path_mark
from hullmark.model.errors import ImageError
from hullmark.model.facts import Fact, LayerShape, Package
from hullmark.scan.layers import Facts

_MAX_LINK_STEPS = 40
_MAX_LOOKS = 3_000_000
"""Links that lead to wanted files, times layers: ten seconds. A thousand such links in a hundred layers are a thirtieth."""


class _Looks:
    """Counts what is looked at for the sake of links, which multiply with layers and with each other."""

    def __init__(self) -> None:
        self._left = _MAX_LOOKS

    def take(self, count: int) -> None:
        """Count some more. Raises `ImageError` when they are too many."""
        self._left -= count
        if self._left < 0:
            raise ImageError("its layers and the links in them are too many to be followed")


class Visible(NamedTuple):
    """A file of the merged view; `path` is as its layer names it."""

    detector: str
    layer: int
    path: str
    facts: tuple[Fact, ...]

    @property
    def lists_packages(self) -> bool:
        """Tell whether packages stand in the file, and not only whose files are where."""
        return any(isinstance(fact, Package) for fact in self.facts)


Key = tuple[str, str]
"""Detector and resolved path."""


class Merged(NamedTuple):
    """The merged view.

    `files` are the visible files. `below` gives, for the files of databases, the older versions from the top down: of
    the same path, or of the one that a layer moved it from. `skipped` counts files that `--skip-path` left out. `resolve` places a path in the
    merged tree.
    """

    files: dict[Key, Visible]
    below: dict[Key, list[Visible]]
    skipped: int
    resolve: Callable[[str], str]


class _Hiding:
    """What one layer hides of those below it.

    `written` gives, for a folder of the merged tree, the paths by which the layer's entries reach it over links.
    """

    def __init__(self, shape: LayerShape, links: "_Links") -> None:
        self.removed = {links.path(path) for path in _words(shape.whiteouts)}
        self.opaque = {links.folder(path) for path in _words(shape.opaques)}
        self.entries = memoryview(shape.hidden).cast("Q")
        self.folders = memoryview(shape.folders).cast("Q")
        self.written: dict[str, list[str]] = {}

    def find_written(self, shape: LayerShape, links: "_Links") -> None:
        """Place the folders of the layer that links may lead to; its own links are known by now."""
        written: dict[str, list[str]] = {}
        for path in links.that_may_lead(_words(shape.implied)):
            if (place := links.folder(path)) != path:
                written.setdefault(place, []).append(path)
        if written:
            self.written = written
            links.forget()  # over a link an entry may have taken another link's place

    def replaces_link(self, path: str) -> bool:
        """Tell whether the layer puts something else in a link's place, or takes it away."""
        if path in self.removed or self.has(self.entries, path) or self.has(self.folders, path):
            return True
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in self.removed or folder in self.opaque or self.has(self.entries, folder):
                return True
        return False

    def has(self, marks: memoryview, path: str) -> bool:
        """Tell whether the layer has an entry that is placed there."""
        if _has(marks, path):
            return True
        if not self.written:
            return False
        folder, _, name = path.rpartition("/")
        return any(_has(marks, f"{written}/{name}") for written in self.written.get(folder, ()))


class _Tree:
    """The visible files, found by path, by folder and by `path_mark`.

    What a layer hides is looked up from the smaller side, its entries or what is visible, so that two thousand
    layers above many files cost no more than their own entries.
    """

    def __init__(self, looks: _Looks, databases: frozenset[str]) -> None:
        self._looks = looks
        self._databases = databases
        self.files: dict[Key, Visible] = {}
        self.below: dict[Key, list[Visible]] = {}
        self._gone: dict[Key, list[Visible]] = {}
        self._unindexed: list[Key] = []
        self._keys: dict[str, list[Key]] = {}
        self._children: dict[str, set[str]] = {}
        self._marks: dict[int, str] = {}

    def put(self, fresh: dict[Key, Visible]) -> None:
        """Show a layer's files; an older version of a database's file is kept below it.

        A layer may take the older one away first (`rpm --rebuilddb` puts a new folder in the old one's place), and
        put the new one elsewhere, as Alpine's did when /lib/apk became /usr/lib/apk.
        """
        moved = self._moved(fresh)
        for key, visible in fresh.items():
            older = self.files.get(key)
            if older is None:
                self._unindexed.append(key)
                if gone := self._gone.get(moved.get(key, key)):
                    self.below[key] = gone
            elif key[0] in self._databases:
                self.below.setdefault(key, []).insert(0, older)
            self.files[key] = visible
        self._gone.clear()

    def _moved(self, fresh: dict[Key, Visible]) -> dict[Key, Key]:
        """Say where a database was before, if a layer takes one away and brings one."""
        found: dict[Key, Key] = {}
        for detector in {key[0] for key in self._gone}:
            old = [key for key, gone in self._gone.items() if key[0] == detector and gone[0].lists_packages]
            new = [key for key, visible in fresh.items() if key[0] == detector and visible.lists_packages]
            if len(old) == len(new) == 1 and new[0] not in self.files:
                found[new[0]] = old[0]
        return found

    def _hide(self, key: Key) -> None:
        older, below = self.files.pop(key, None), self.below.pop(key, [])
        if older is not None and key[0] in self._databases:
            self._gone[key] = [older, *below]

    def hide(self, hiding: _Hiding) -> list[str]:
        """Take away what a layer hides, and give the files whose path it has an entry for."""
        self._index()
        for path in hiding.removed:
            self._drop(path)
        for folder in hiding.opaque:
            for path in list(self._children.get(folder, ())):
                self._drop(path)
        folders, entries = self._met(hiding.folders), self._met(hiding.entries)
        for folder, ways in hiding.written.items():
            children = self._children.get(folder, ())
            self._looks.take(len(ways) * len(children))
            folders += [path for path in children if hiding.has(hiding.folders, path)]
            entries += [path for path in children if hiding.has(hiding.entries, path)]
        for path in folders:
            if path in self._keys:  # a file that became a folder, as an egg-info does
                self._drop(path)
        rewritten = []
        for path in entries:
            if path in self._children:
                self._drop(path)
            elif path in self._keys:
                rewritten.append(path)
        return rewritten

    def drop_but(self, paths: Iterable[str], fresh: Collection[Key]) -> None:
        """Take away what stands at these paths, apart from what is shown anew."""
        for path in paths:
            for key in self._keys.get(path, [])[:]:
                if key not in fresh:
                    self._keys[path].remove(key)
                    self._hide(key)

    def _met(self, entries: memoryview) -> list[str]:
        if len(entries) <= len(self._marks):
            return [path for mark in entries if (path := self._marks.get(mark)) is not None]
        return [path for mark, path in self._marks.items() if has_mark(entries, mark)]

    def _index(self) -> None:
        for key in self._unindexed:
            path = key[1]
            known = self._keys.setdefault(path, [])
            known.append(key)
            while path:
                self._marks[path_mark(path)] = path
                folder = path.rpartition("/")[0]
                siblings = self._children.setdefault(folder, set())
                if path in siblings:
                    break
                siblings.add(path)
                path = folder
        self._unindexed.clear()

    def _drop(self, path: str) -> None:
        """Take away a file, or a folder with all that is in it."""
        self._children.get(path.rpartition("/")[0], set()).discard(path)
        waiting = [path]
        while waiting:
            path = waiting.pop()
            waiting.extend(self._children.pop(path, ()))
            for key in self._keys.pop(path, ()):
                self._hide(key)


class _Links:
    """The symbolic links of the merged tree so far.

    Layers have thousands of links, and nearly none of them is a folder on the way to a wanted file. So links
    are kept as they came, layer by layer, and whether one is still there is asked only when a path meets it.
    """

    def __init__(self, looks: _Looks) -> None:
        self._looks = looks
        self._layers: list[tuple[dict[str, str], _Hiding | None]] = []
        self._all: set[str] = set()
        self._known: dict[str, str] = {}
        self._targets: dict[str, tuple[int, str | None]] = {}
        """For a link that was met: how many layers were looked at, and where it leads as far as those go."""

    def add(self, shape: LayerShape, hiding: _Hiding | None) -> None:
        """Put a layer's links on top. What the layer itself puts in a link's place counts for them already."""
        words = _words(shape.links)
        paths, targets = words[::2], words[1::2]
        self._layers.append(({}, hiding))
        self._known = {}
        if len(self._layers) > 1 and self._all:
            paths = [self.path(path) for path in paths]
        self._set(paths, targets)
        inner = self._inner(paths)
        if inner:
            again = [self.path(path) if path.rpartition("/")[0] in inner else path for path in paths]
            self._set(again, targets)

    def that_may_lead(self, folders: Iterable[str]) -> Iterator[str]:
        """Give the folders that are, or are below, what has ever been a link; unlike `folder`, it remembers nothing.

        Quick where a folder comes after the one that it is in.
        """
        plain = {""}
        for folder in folders:
            above = folder
            while above not in plain and above not in self._all:
                above = above.rpartition("/")[0]
            if above in plain:
                plain.add(folder)
            else:
                yield folder

    def forget(self) -> None:
        """Ask anew what the top layer does to the links that were met."""
        self._known.clear()
        self._targets.clear()

    def _set(self, paths: list[str], targets: list[str]) -> None:
        """Give the top layer these links."""
        self._layers[-1] = (dict(zip(paths, targets, strict=True)), self._layers[-1][1])
        self._all.update(paths)
        self._known = {}
        for path in self._targets.keys() & set(paths) if self._targets else ():
            del self._targets[path]

    def _inner(self, paths: list[str]) -> set[str]:
        """Give the folders of a layer's links that stand below another one of its links, or are one."""
        links = set(paths)
        below: dict[str, bool] = {"": False}

        def is_below(folder: str) -> bool:
            trail = []
            while folder not in below:
                trail.append(folder)
                folder = folder.rpartition("/")[0]
            inside = below[folder]
            for name in reversed(trail):
                inside = below[name] = inside or name in links
            return inside

        return {folder for folder in {path.rpartition("/")[0] for path in paths} if is_below(folder)}

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
        seen, target = self._targets.get(path, (0, None))
        self._looks.take(len(self._layers) - seen)
        for links, hiding in self._layers[seen:]:
            found = links.get(path)
            if found is not None:
                target = found
            elif target is not None and hiding is not None and hiding.replaces_link(path):
                target = None
        self._targets[path] = (len(self._layers), target)
        return target

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
    looks = _Looks()
    links = _Links(looks)
    tree = _Tree(looks, databases)
    skipped = 0
    for index, layer in enumerate(layers):
        # A layer whose bytes are not what was promised may add, but not hide.
        hiding = _Hiding(layer.shape, links) if index and layer.digest else None
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
            hiding.find_written(layer.shape, links)
            # What is replaced by something that no detector wants (a link, a device, another binary) is gone.
            tree.drop_but(tree.hide(hiding), fresh)
        tree.put(fresh)
    return Merged(tree.files, tree.below, skipped, links.path)


def _has(marks: memoryview, path: str) -> bool:
    return len(marks) > 0 and has_mark(marks, path_mark(path))


def _words(packed: bytes) -> list[str]:
    return packed.decode("utf-8", "replace").split("\0")[:-1] if packed else []
