"""The files of a project that somebody wants: folders are walked, within bounds, without what is not the project's own."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from hullmark.model.facts import Unread
from hullmark.scan import gitignore

MAX_BYTES = 16 * 1024 * 1024
_MAX_ENTRIES = 500_000
_MAX_DEPTH = 64
_IGNORE_BYTES = 256 * 1024
_FOREIGN = frozenset(
    {".git", ".hg", ".svn", ".bzr", ".jj"}
    | {"node_modules", "bower_components", "vendor", "site-packages", ".venv", "venv", "__pycache__"}
    | {".terraform", ".tox", ".nox", ".mypy_cache", ".cache"}
)
"""Folders of version control, of dependencies and of what tools leave behind."""


class Folder(Struct, frozen=True):
    """A folder that is being walked: its path, what it is called below where the walk began, and who is ignored there."""

    path: str
    depth: int
    ignores: tuple[tuple[str, tuple[gitignore.Pattern, ...]], ...]


def wanted_files(paths: Sequence[str], wants: Callable[[str], bool]) -> Iterator[str | Unread]:
    """Give the files that are named, whatever they are called, and those below named folders that are wanted, sorted, each once.

    `wants` is asked with the absolute path. Links below a folder are not followed.
    """
    seen: set[str] = set()
    for path in paths:
        found = _walked(path, wants) if Path(path).is_dir() else iter((path,))
        for each in found:
            if isinstance(each, Unread):
                yield each
            elif (place := os.path.realpath(each)) not in seen:
                seen.add(place)
                yield each.removeprefix("./") if each not in paths else each


def _walked(top: str, wants: Callable[[str], bool]) -> Iterator[str | Unread]:
    waiting = [Folder(top, 0, ())]
    left = _MAX_ENTRIES
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder.path) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError as problem:
            yield Unread(kind="file", path=folder.path, reason=f"cannot be listed: {problem.strerror}")
            continue
        left -= len(entries)
        if left < 0:
            yield Unread(
                kind="file",
                path=folder.path,
                reason=f"more than {_MAX_ENTRIES} files and folders; the rest was not looked at",
            )
            return
        ignores = _ignores(folder)
        below = []
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if (is_folder and entry.name in _FOREIGN) or _is_ignored(
                ignores, entry.path, is_folder=is_folder
            ):
                continue
            if is_folder and folder.depth < _MAX_DEPTH:
                below.append(Folder(entry.path, folder.depth + 1, ignores))
            elif is_folder:
                yield Unread(kind="file", path=entry.path, reason="nested too deeply")
            elif entry.is_file(follow_symlinks=False) and wants(str(Path(entry.path).absolute())):
                yield entry.path
        waiting += reversed(below)


def _ignores(folder: Folder) -> tuple[tuple[str, tuple[gitignore.Pattern, ...]], ...]:
    try:
        with Path(folder.path, ".gitignore").open("rb") as file:
            body = file.read(_IGNORE_BYTES)
    except OSError:
        return folder.ignores
    patterns = gitignore.parse(body.decode("utf-8", "replace"))
    return (*folder.ignores, (folder.path, patterns)) if patterns else folder.ignores


def _is_ignored(
    ignores: tuple[tuple[str, tuple[gitignore.Pattern, ...]], ...], path: str, *, is_folder: bool
) -> bool:
    return any(
        gitignore.is_ignored(patterns, os.path.relpath(path, top), is_folder=is_folder)
        for top, patterns in ignores
    )


def read_text(path: str) -> str | Unread:
    """Read a file as UTF-8, its line ends kept; a device, a binary file or one that is too large is not read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return Unread(kind="file", path=path, reason="no file")
            body = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        return Unread(kind="file", path=path, reason=f"cannot be read: {reason}")
    return decoded(path, body)


def decoded(path: str, body: bytes) -> str | Unread:
    """Give a body as text."""
    if len(body) > MAX_BYTES:
        return Unread(kind="file", path=path, reason=f"larger than {MAX_BYTES} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Unread(kind="file", path=path, reason="no UTF-8")
    return Unread(kind="file", path=path, reason="a binary file") if "\0" in text else text
