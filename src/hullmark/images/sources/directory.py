"""An unpacked root file system: one layer that is walked where it stands and never remembered.

Symbolic links are noted, never followed; nothing outside the folder is read.
"""

import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from hullmark.images.limits import Budget, Holes, ReadLimits
from hullmark.images.source import Blob, OpenedImage, Source, SourceOptions, shown
from hullmark.images.walk import Body, Select, Selected, Shape, search
from hullmark.model.errors import ImageError
from hullmark.model.image import Image

_PIECE = 1024 * 1024


def guess(reference: str) -> bool:
    """Tell whether the reference is a folder."""
    return Path(reference).is_dir()


def open_directory(reference: str, _options: SourceOptions) -> OpenedImage:
    """Open a folder as a root file system."""
    root = Path(reference)
    if not root.is_dir():
        raise ImageError("no such folder", where=reference)

    def walk(select: Select, shape: Shape, budget: Budget, limits: ReadLimits) -> Iterator[Body]:
        return _Tree(root, select, shape, budget, limits).bodies()

    return OpenedImage(
        image=Image(name=shown(reference), source="dir"), layers=[Blob(open=lambda: iter(()), walk=walk)]
    )


class _Tree:
    def __init__(self, root: Path, select: Select, shape: Shape, budget: Budget, limits: ReadLimits) -> None:
        self.root = root
        self.select = select
        self.shape = shape
        self.budget = budget
        self.limits = limits
        self._holes = Holes(limits)
        self._passed = 0

    def bodies(self) -> Iterator[Body]:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            if len(folder) > self.limits.path_bytes:
                self.shape.say(f"a path of {len(folder)} bytes", path=_text(folder[:100]) + "…")
                continue
            try:
                with os.scandir(self.root / folder) as entries:
                    found = sorted(entries, key=lambda entry: entry.name, reverse=True)
            except OSError as problem:
                self.shape.say(f"a folder that cannot be read: {problem.strerror}", path=_text(folder))
                continue
            for entry in reversed(found):
                path = f"{folder}/{entry.name}" if folder else entry.name
                self.shape.entries += 1
                try:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                        self._note_folder(entry, path)
                    elif entry.is_symlink():
                        self.shape.entry(_text(path), b"2", _text(os.readlink(entry.path)))
                    elif entry.is_file(follow_symlinks=False):
                        yield from self._file(entry, path)
                except OSError as problem:
                    self.shape.say(f"a file that cannot be read: {problem.strerror}", path=_text(path))

    def _file(self, entry: os.DirEntry[str], path: str) -> Iterator[Body]:
        text = _text(path)
        status = entry.stat(follow_symlinks=False)
        self.shape.entry(text, b"0", "")
        self.shape.size_bytes += status.st_size
        mode = stat.S_IMODE(status.st_mode)
        if self.shape.notes is not None:
            self.shape.notes.file(text, mode, _header(status), _capability(entry.path))
        selected = self.select(text, mode, status.st_size)
        if selected is None and self.shape.tap is None:
            return
        if self._holes.are_too_many(status):
            self.shape.say("a sparse file with more in it than limits.layer_free_bytes", path=text)
            return
        try:
            descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as problem:
            self.shape.say(f"a file that cannot be read: {problem.strerror}", path=text)
            return
        try:
            pieces = self._tapped(_pieces(descriptor, status.st_size), text, status.st_size)
            if selected is None:
                for _piece in pieces:
                    pass
                return
            head = next(pieces, b"")
            if not selected.elf_only or head[:4] == b"\x7fELF":
                yield from self._body(itertools.chain((head,), pieces), text, status.st_size, mode, selected)
            for _rest in pieces if self.shape.tap is not None else ():
                pass
        finally:
            os.close(descriptor)

    def _note_folder(self, entry: os.DirEntry[str], path: str) -> None:
        if self.shape.notes is not None:
            status = entry.stat(follow_symlinks=False)
            self.shape.notes.folder(_text(path), stat.S_IMODE(status.st_mode), _header(status))

    def _tapped(self, pieces: Iterator[bytes], path: str, size: int) -> Iterator[bytes]:
        """Let the tap see what is read; all files together are its stream, with a line end before each that is none of them."""
        tap = self.shape.tap
        if tap is None:
            yield from pieces
            return
        tap.piece(b"\n")
        self._passed += 1
        tap.file(path, self._passed, size)
        for piece in pieces:
            tap.piece(piece)
            self._passed += len(piece)
            yield piece

    def _body(
        self, pieces: Iterator[bytes], path: str, size: int, mode: int, selected: Selected
    ) -> Iterator[Body]:
        if selected.consume is not None:
            selected.consume(path, size, pieces)
            return
        if size <= selected.max_bytes and self.budget.take(size):
            try:
                # a file that grows while it is read is cut at the size that was asked for
                yield Body(path, size, mode, selected.token, b"".join(pieces), True, {})
            finally:
                self.budget.give(size)
            return
        head, excerpts = search(pieces, selected)
        yield Body(path, size, mode, selected.token, head, False, excerpts)


def _pieces(descriptor: int, size: int) -> Iterator[bytes]:
    left = size
    while left > 0 and (piece := os.read(descriptor, min(left, _PIECE))):
        left -= len(piece)
        yield piece


def _header(status: os.stat_result) -> bytes:
    """Give the begin of a tar header with the owner in it, as the walk over a layer has it."""
    return b"\0" * 108 + b"%07o\0%07o\0" % (status.st_uid & 0o7777777, status.st_gid & 0o7777777)


def _capability(path: str) -> bytes:
    if not hasattr(os, "getxattr"):
        return b""
    try:
        return os.getxattr(path, "security.capability", follow_symlinks=False)
    except OSError:
        return b""


def _text(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


SOURCE = Source(name="dir", prefixes=("dir", "rootfs"), rank=40, guess=guess, open=open_directory)
