"""A build context: the files that a build is given after `.dockerignore`, and which of them a copy takes in.

Specification: https://docs.docker.com/build/concepts/context/#dockerignore-files and https://docs.docker.com/reference/dockerfile/#copy.
Symbolic links are not followed, files are opened only where `read` is asked for one, and what is listed is bounded.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hullmark.model.errors import UsageError
from hullmark.model.facts import Unread
from hullmark.scan.context_patterns import IgnoreRules, Pattern, ignore_pattern, source_pattern

_MOST_ENTRIES = 1_000_000
_MOST_BYTES = 1024 * 1024


class _File(NamedTuple):
    path: str
    size_bytes: int
    is_link: bool


class BuildContext:
    """The files that a build is given. `errors` say what could not be read."""

    def __init__(self, folder: Path, dockerfile: Path, *, most_entries: int = _MOST_ENTRIES) -> None:
        if not folder.is_dir():
            raise UsageError("is no folder", where=str(folder), hint="--context DIR")
        self.errors: list[Unread] = []
        self.ignore_file, text = _ignore_file(folder, dockerfile)
        self._root = folder
        self._most_entries = most_entries
        self._rules = IgnoreRules(text)
        self.errors += [
            Unread(kind="record", path=str(self.ignore_file), reason=problem)
            for problem in self._rules.problems
        ]
        self._files = list(self._listed())

    def measure(self, sources: tuple[str, ...]) -> tuple[int, int, int]:
        """Give bytes and files that a copy of these sources takes in, and the bytes of Git's among them."""
        size = files = git = 0
        for each in self._of(sources):
            size += each.size_bytes
            files += 1
            git += each.size_bytes if each.path.startswith(".git/") or "/.git/" in each.path else 0
        return size, files, git

    def taken(
        self, sources: Sequence[str], excluded: Sequence[str] = (), *, parents: bool = False
    ) -> list[str]:
        """Give the paths of the files that a copy of these sources takes in: not what `--exclude` leaves out, and no links.

        With `--parents` a source may have `**`. A pattern that is none takes and excludes nothing.
        """
        without = [found for text in excluded if (found := _read(text, folders=True)) is not None]
        return [
            each.path
            for each in self._of(sources, parents=parents)
            if not each.is_link and not any(_is_excluded(each.path, pattern) for pattern in without)
        ]

    def read(self, path: str, most_bytes: int) -> bytes:
        """Give the first bytes of a file, nothing where it cannot be read. Links are not followed."""
        try:
            descriptor = os.open(
                self._root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
            with os.fdopen(descriptor, "rb") as file:
                return file.read(most_bytes) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
        except (OSError, ValueError):
            return b""

    def _of(self, sources: Sequence[str], *, parents: bool = False) -> Iterator[_File]:
        patterns = [
            found
            for source in sources
            if (found := _read(source.replace("/./", "/"), folders=parents)) is not None
        ]
        return (each for each in self._files if any(pattern.fits(each.path) for pattern in patterns))

    def _listed(self) -> Iterator[_File]:
        count = 0
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(self._root / folder) as entries:
                    found = sorted(entries, key=lambda entry: entry.name, reverse=True)
            except OSError as problem:
                self._say("file", f"a folder that cannot be read: {problem.strerror}", folder)
                continue
            for entry in found:
                count += 1
                if count > self._most_entries:
                    self._say("record", f"the build context has more than {self._most_entries} entries")
                    return
                path = f"{folder}/{entry.name}" if folder else entry.name
                is_out = self._rules.leaves_out(path)
                if entry.is_dir(follow_symlinks=False):
                    # an exception may let something in again that is in a folder left out
                    if not is_out or self._rules.has_exceptions:
                        waiting.append(path)
                elif not is_out:
                    status = entry.stat(follow_symlinks=False)
                    is_file = stat.S_ISREG(status.st_mode)
                    yield _File(_text(path), status.st_size if is_file else 0, stat.S_ISLNK(status.st_mode))

    def _say(self, kind: str, reason: str, path: str = "") -> None:
        self.errors.append(
            Unread(kind="file" if kind == "file" else "record", path=_text(path), reason=reason)
        )


def _read(text: str, *, folders: bool) -> Pattern | None:
    try:
        return ignore_pattern(f"/{text}") if folders and text.strip("/.") else source_pattern(text)
    except UsageError:
        return None


def _is_excluded(path: str, pattern: Pattern) -> bool:
    """Tell whether `--exclude` leaves a file out. Its patterns start at the source, so they are tried at each folder: rather too much is left out."""
    parts = path.split("/")
    return any(pattern.fits("/".join(parts[start:])) for start in range(min(len(parts), 50)))


def _ignore_file(folder: Path, dockerfile: Path) -> tuple[Path, str]:
    """Read the file of patterns: the Dockerfile's own goes before the context's."""
    beside = dockerfile.with_name(f"{dockerfile.name}.dockerignore")
    for path in (beside, folder / ".dockerignore"):
        try:
            with path.open("rb") as file:
                return path, file.read(_MOST_BYTES).decode("utf-8-sig", "surrogateescape")
        except FileNotFoundError:
            continue
        except OSError as problem:
            raise UsageError(f"cannot be read: {problem.strerror or problem}", where=str(path)) from problem
    return folder / ".dockerignore", ""


def _text(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
