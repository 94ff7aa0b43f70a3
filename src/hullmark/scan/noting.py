"""What is noted of a layer's files and folders for what they are: permissions worth telling, and paths whose mere presence is.

Files become facts as those of a detector, and are merged with these. Folders stay apart: a folder that a higher layer lists again is
still the same one, with the permissions that it has there.
"""

from collections.abc import Iterable, Iterator, Sequence

from hullmark.detectors._formats.credential_files import known_file, may_be_known
from hullmark.detectors.config.image.known import is_known
from hullmark.detectors.config.image.modes import ACCOUNT_FILES, mode_fact
from hullmark.detectors.config.image.view import ModeAt, PathAt
from hullmark.images.walk import has_mark, owner, path_mark
from hullmark.model.facts import FileFacts, FileMode, LayerShape, Unread

NOTED = "noted"
FOLDERS = "noted_folders"
VERSION = 2


class LayerNotes:
    """Takes note of one layer; of more than `most` paths the rest is counted."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._files: dict[str, FileFacts] = {}
        self._folders: dict[str, FileFacts] = {}
        self._left_out = 0

    def file(self, path: str, mode: int, header: bytes, capability: bytes) -> None:
        """Take a regular file."""
        known = is_known(path) or (may_be_known(path.rpartition("/")[2]) and known_file(path) is not None)
        if not (known or mode & 0o6002 or capability or path in ACCOUNT_FILES):
            if path in self._files:  # of two entries of one path the later counts
                del self._files[path]
            return
        fact = mode_fact(path, mode, *owner(header), capability)
        if fact is not None or known:
            self._put(self._files, FileFacts(path, (fact,) if fact is not None else ()))

    def folder(self, path: str, mode: int, header: bytes) -> None:
        """Take a folder."""
        fact = mode_fact(path, mode, *owner(header), folder=True) if mode & 0o022 else None
        if fact is not None:
            self._put(self._folders, FileFacts(path, (fact,)))

    def _put(self, into: dict[str, FileFacts], facts: FileFacts) -> None:
        if len(self._files) + len(self._folders) < self._most or facts.path in into:
            into[facts.path] = facts
        else:
            self._left_out += 1

    def facts(self) -> dict[str, tuple[FileFacts, ...]]:
        """Give what was noted, by path."""
        files = [self._files[path] for path in sorted(self._files)]
        if self._left_out:
            reason = f"{self._left_out} more files and folders have permissions worth telling"
            files.append(FileFacts("", (Unread(kind="record", reason=reason),)))
        return {NOTED: tuple(files), FOLDERS: tuple(self._folders[path] for path in sorted(self._folders))}


def visible_folders(shapes: Sequence[LayerShape], noted: Sequence[Iterable[FileFacts]]) -> Iterator[ModeAt]:
    """Give the folders with permissions worth telling: those whose highest entry has them. Whiteouts take folders away as they do files."""
    tables = [memoryview(shape.folders).cast("Q") for shape in shapes]
    removed = [set(shape.whiteouts.decode("utf-8", "replace").split("\0")) for shape in shapes]
    done: set[str] = set()
    for number in range(len(shapes) - 1, -1, -1):
        for entry in noted[number]:
            if entry.path in done:
                continue
            mark = path_mark(entry.path)
            above = range(number + 1, len(shapes))
            if any(
                has_mark(tables[other], mark) or _is_removed(entry.path, removed[other]) for other in above
            ):
                continue
            done.add(entry.path)
            for fact in entry.facts:
                if isinstance(fact, FileMode):
                    yield ModeAt(entry.path, number, fact)


def _is_removed(path: str, removed: set[str]) -> bool:
    while path:
        if path in removed:
            return True
        path = path.rpartition("/")[0]
    return False


def known_links(shapes: Sequence[LayerShape]) -> Iterator[PathAt]:
    """Give the symbolic links whose mere presence tells something, each with the highest layer that has it."""
    highest: dict[str, int] = {}
    for number, shape in enumerate(shapes):
        words = shape.links.decode("utf-8", "replace").split("\0")
        for path in words[:-1:2]:
            if is_known(path):
                highest[path] = number
        for path in shape.whiteouts.decode("utf-8", "replace").split("\0"):
            highest.pop(path, None)
    for path in sorted(highest):
        yield PathAt(path, highest[path])
