"""The merged view: random stacks of layers against a plain file system onto which they are applied one by one."""

import io
import random
import tarfile
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullmark.images.limits import Budget, ReadLimits
from hullmark.images.walk import Selected, Shape, walk
from hullmark.model.errors import ImageError
from hullmark.model.facts import FileFacts, Package
from hullmark.model.globs import fits_any
from hullmark.scan.layers import Facts
from hullmark.scan.overlay import merge

WANTED = "f"
LIMITS = ReadLimits()


class Entry(NamedTuple):
    """An entry of a layer. `kind` is file, folder, link, whiteout or opaque; `text` is content or target."""

    kind: str
    path: str
    text: str = ""


class FileSystem:
    """A root as a container runtime fills it: every path's kind and content. No rule here is Hullmark's own."""

    def __init__(self) -> None:
        self.nodes: dict[str, Entry] = {}

    def resolve(self, folder: str, over: set[str] | None = None) -> str:
        """Follow links as the kernel does inside this root; raise OSError where it would. `over` gets the links."""
        waiting, done, steps = folder.split("/")[::-1], "", 0
        while waiting:
            part = waiting.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            done = f"{done}/{part}".strip("/")
            node = self.nodes.get(done)
            if node is not None and node.kind == "file":
                raise NotADirectoryError(done)
            if node is not None and node.kind == "link":
                steps += 1
                if over is not None:
                    over.add(done)
                if steps > 40:
                    raise OSError(f"too many links: {done}")
                done = "" if node.text.startswith("/") else done.rpartition("/")[0]
                waiting.extend(node.text.split("/")[::-1])
        return done

    def place(self, path: str, over: set[str] | None = None) -> str:
        folder, _, name = path.rpartition("/")
        return f"{self.resolve(folder, over)}/{name}".strip("/")

    def remove(self, path: str) -> None:
        for known in [known for known in self.nodes if known == path or known.startswith(f"{path}/")]:
            del self.nodes[known]

    def apply(self, layer: list[Entry]) -> list[Entry]:
        """Apply a layer and give the entries that could be applied.

        Whiteouts are about lower layers, so they come first. What would replace an entry of the same layer is left
        out: a layer is the difference of two trees. For the same reason none leads over a link whose place another takes.
        """
        done: list[Entry] = []
        removed: list[str] = []
        for entry in layer:
            if entry.kind in {"whiteout", "opaque"}:
                try:
                    place = self.place(entry.path) if entry.kind == "whiteout" else self.resolve(entry.path)
                except OSError:
                    continue
                inside = [known for known in self.nodes if known.startswith(f"{place}/") or not place]
                removed += [place] if entry.kind == "whiteout" else inside
                done.append(entry)
        for path in removed:
            self.remove(path)
        placed: set[str] = set()
        ways: set[str] = set()
        ended: set[str] = set()
        for entry in layer:
            if entry.kind not in {"whiteout", "opaque"} and self.can_place(entry, placed, ways, ended):
                place = self.place(entry.path, ways)
                if place != entry.path and (old := self.nodes.get(place)) is not None and old.kind == "link":
                    ended.add(place)
                self.put(entry, place)
                placed.add(place)
                done.append(entry)
        return done

    def can_place(self, entry: Entry, placed: set[str], ways: set[str], ended: set[str]) -> bool:
        """Tell whether an entry fits a layer that goes over the links `ways` and has put others in place of `ended`."""
        over: set[str] = set()
        try:
            place = self.place(entry.path, over)
            self.resolve(place.rpartition("/")[0])
        except OSError:
            return False
        if place in ways | over or any(f"{place}/".startswith(f"{link}/") for link in ended) or over & ended:
            return False
        old = self.nodes.get(place)
        merges = old is None or old.kind == entry.kind == "folder"
        return place not in placed and (merges or not any(known.startswith(f"{place}/") for known in placed))

    def put(self, entry: Entry, place: str) -> None:
        parts = place.split("/")[:-1]
        for number in range(len(parts)):
            self.nodes.setdefault("/".join(parts[: number + 1]), Entry("folder", ""))
        old = self.nodes.get(place)
        if old is None or old.kind != "folder" or entry.kind != "folder":
            self.remove(place)
            self.nodes[place] = entry

    def files(self) -> dict[str, str]:
        return {
            path: node.text
            for path, node in self.nodes.items()
            if node.kind == "file" and path.rpartition("/")[2] == WANTED
        }


NAMES = st.sampled_from("abf")
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
TARGETS = st.one_of(PATHS, PATHS.map("/{}".format), PATHS.map("../{}".format), st.just("."), st.just(".."))
ENTRIES = st.one_of(
    st.builds(Entry, st.just("file"), PATHS, st.uuids().map(str)),
    st.builds(Entry, st.just("file"), PATHS.map(lambda path: f"{path}/{WANTED}"), st.uuids().map(str)),
    st.builds(Entry, st.just("folder"), PATHS),
    st.builds(Entry, st.just("link"), PATHS, TARGETS),
    st.builds(Entry, st.just("whiteout"), PATHS),
    st.builds(Entry, st.just("opaque"), PATHS),
)


def usable(layer: list[Entry]) -> list[Entry]:
    """One entry a path, parents first, as in the tars that are in use."""
    kept: dict[tuple[bool, str], Entry] = {}
    for entry in layer:
        kept.setdefault((entry.kind in {"whiteout", "opaque"}, entry.path), entry)
    return [entry for _, entry in sorted(kept.items(), key=lambda item: item[1].path)]


LAYERS = st.lists(st.lists(ENTRIES, max_size=6).map(usable), min_size=1, max_size=5)


def tar_of(layer: list[Entry]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for entry in layer:
            folder, _, name = entry.path.rpartition("/")
            path = {"whiteout": f"{folder}/.wh.{name}".lstrip("/"), "opaque": f"{entry.path}/.wh..wh..opq"}
            info = tarfile.TarInfo(path.get(entry.kind, entry.path))
            body = entry.text.encode() if entry.kind == "file" else b""
            info.size = len(body)
            if entry.kind == "folder":
                info.type = tarfile.DIRTYPE
            elif entry.kind == "link":
                info.type, info.linkname = tarfile.SYMTYPE, entry.text
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def facts_of(tar: bytes, digest: str = "sha256:00") -> Facts:
    """Read a layer with one detector, which wants the files of one name and says what is in them."""
    shape = Shape(LIMITS)
    selected = Selected(None, 1000, (), 0)

    def select(path: str, _mode: int, _size: int) -> Selected | None:
        return selected if path.rpartition("/")[2] == WANTED else None

    def pieces() -> Iterator[bytes]:
        yield tar

    found = {
        body.path: FileFacts(body.path, (Package("t", body.data.decode(), "1"),))
        for body in walk(pieces(), select, shape, Budget(LIMITS.body_budget_bytes), LIMITS)
    }
    return Facts(digest, shape.frozen(), {"d": tuple(found.values())})


def shown(layers: list[Facts]) -> dict[str, str]:
    found = {}
    for (_, path), visible in merge(layers, frozenset()).files.items():
        (fact,) = visible.facts
        assert isinstance(fact, Package)
        found[path] = fact.name
    return found


@settings(max_examples=300, deadline=None)
@given(LAYERS, st.randoms(use_true_random=False))
def test_merge_is_what_applying_the_layers_gives(layers: list[list[Entry]], chance: random.Random) -> None:
    model = FileSystem()
    stack = []
    for layer in layers:
        applied = model.apply(layer)
        hiding = [entry for entry in applied if entry.kind in {"whiteout", "opaque"}]
        rest = [entry for entry in applied if entry.kind not in {"whiteout", "opaque"}]
        chance.shuffle(hiding)  # wherever they stand in the tar, they are about lower layers
        at = chance.randint(0, len(rest))
        stack.append(facts_of(tar_of([*rest[:at], *hiding, *rest[at:]])))
    assert shown(stack) == model.files()


def stack_of(*layers: list[Entry]) -> list[Facts]:
    return [facts_of(tar_of(layer)) for layer in layers]


def file(path: str, text: str = "x") -> Entry:
    return Entry("file", path, text)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        # a folder takes a file's place, as when an egg-info file becomes a folder
        ([[file("a/f")], [Entry("folder", "a/f"), file("a/f/f", "y")]], {"a/f/f": "y"}),
        # a real folder takes a link's place; the links in it are in it
        (
            [
                [Entry("link", "lib", "usr/lib"), file("usr/lib/f")],
                [Entry("folder", "lib"), Entry("link", "lib/x", "../b"), file("lib/x/f", "y")],
            ],
            {"usr/lib/f": "x", "b/f": "y"},
        ),
        # a whiteout through a link removes what stands behind it
        ([[Entry("link", "lib", "usr/lib"), file("usr/lib/f")], [Entry("whiteout", "lib/f")]], {}),
        # removed and written anew in one layer
        ([[file("a/f"), file("a/b/f")], [Entry("whiteout", "a"), file("a/f", "y")]], {"a/f": "y"}),
        ([[file("a/f"), file("a/b/f")], [Entry("opaque", "a"), file("a/f", "y")]], {"a/f": "y"}),
        # a link to a file hides the file, and is not followed
        ([[file("a/f")], [Entry("link", "a/f", "../b/f")]], {}),
        # the same, a file in a folder's place and a folder in a file's, through a link to the folder that holds them
        ([[Entry("link", "lib", "usr/lib"), file("usr/lib/f")], [Entry("link", "lib/f", "x")]], {}),
        ([[Entry("link", "lib", "usr/lib"), file("usr/lib/a/f")], [file("lib/a")]], {}),
        (
            [
                [Entry("link", "lib", "usr/lib"), file("usr/lib/f")],
                [Entry("folder", "lib/f"), file("lib/f/f", "y")],
            ],
            {"usr/lib/f/f": "y"},
        ),
        # through a link of the layer's own; into a folder that has an entry, below one that has none
        ([[file("usr/lib/a/f")], [Entry("link", "lib", "usr/lib"), file("lib/a")]], {}),
        (
            [
                [Entry("link", "lib", "usr/lib"), file("usr/lib/a/f")],
                [Entry("folder", "lib/a"), Entry("link", "lib/a/f", "x")],
            ],
            {},
        ),
        # what takes another link's place over a link ends the way over that one
        (
            [
                [Entry("link", "lib", "usr/lib"), Entry("link", "usr/lib/m", "/e"), file("e/f")],
                [Entry("folder", "lib/m")],
                [file("usr/lib/m/f", "y")],
            ],
            {"e/f": "x", "usr/lib/m/f": "y"},
        ),
        # a folder with an entry of its own is no link any more, so nothing behind the link is hidden
        (
            [
                [Entry("link", "lib", "usr/lib"), file("usr/lib/f")],
                [Entry("folder", "lib"), Entry("link", "lib/f", "x")],
            ],
            {"usr/lib/f": "x"},
        ),
        # a link that never ends
        ([[Entry("link", "a", "b"), Entry("link", "b", "a"), file("c/f")]], {"c/f": "x"}),
    ],
)
def test_single_rules(layers: list[list[Entry]], expected: dict[str, str]) -> None:
    assert shown(stack_of(*layers)) == expected


def test_a_layer_that_is_not_what_was_promised_hides_nothing() -> None:
    lower, upper = stack_of([file("a/f"), file("b/f")], [Entry("whiteout", "a"), file("c/f", "y")])
    assert shown([lower, Facts("", upper.shape, upper.files)]) == {"a/f": "x", "b/f": "x", "c/f": "y"}


def test_ways_and_files_that_multiply_end_in_words() -> None:
    base = [Entry("link", f"l{number}", "srv") for number in range(2000)]
    files = [file(f"srv/{number}/{WANTED}") for number in range(2000)]
    above = [file(f"l{number}/x") for number in range(2000)]
    with pytest.raises(ImageError, match="too many to be followed"):
        merge(stack_of([*base, *files], above), frozenset())


def test_older_snapshots_of_a_database_are_kept_from_the_top_down() -> None:
    layers = stack_of([file("db/f", "1")], [file("db/f", "2")], [], [file("db/f", "3")])
    merged = merge(layers, frozenset({"d"}))
    assert [visible.layer for visible in merged.below["d", "db/f"]] == [1, 0]
    removed = merge([*layers, *stack_of([Entry("whiteout", "db")], [file("db/f", "4")])], frozenset({"d"}))
    assert "d" in {key[0] for key in removed.files}
    assert not removed.below


def test_skipped_paths_are_counted() -> None:
    layers = stack_of([file("srv/x/f"), file("srv/y/f"), file("opt/f")])
    merged = merge(layers, frozenset(), fits_any(("/srv/*/f", "opt")))
    assert (merged.files, merged.skipped) == ({}, 3)
