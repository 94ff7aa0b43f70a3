"""A build context: how much of it a copy takes in, after `.dockerignore`.

Patterns are those of the Dockerfile reference (".dockerignore file"): Go's filepath.Match with `**`, `!` for exceptions, the last that fits
counts. Symbolic links are not followed, files are not opened, and what is listed is bounded.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from hullmark.model.errors import UsageError
from hullmark.model.facts import Unread

_MOST_FILES = 1_000_000
_MOST_BYTES = 1024 * 1024
_MOST_PATTERNS = 2_000
_MOST_ANY = 4
_LONGEST = 1_000


class BuildContext:
    """The files that a build is given. `errors` say what could not be read."""

    def __init__(self, folder: Path, dockerfile: Path) -> None:
        if not folder.is_dir():
            raise UsageError("is no folder", where=str(folder), hint="--context DIR")
        self.errors: list[Unread] = []
        self._rules = _rules(_ignore_file(folder, dockerfile))
        self._files = list(self._listed(folder))

    def measure(self, sources: tuple[str, ...]) -> tuple[int, int, int]:
        """Give bytes and files that a copy of these sources takes in, and the bytes of Git's among them."""
        patterns = [_pattern(source) for source in sources]
        size = files = git = 0
        for path, bytes_ in self._files:
            if any(pattern.match(path) for pattern in patterns):
                size += bytes_
                files += 1
                git += bytes_ if path.startswith(".git/") or "/.git/" in path else 0
        return size, files, git

    def _listed(self, root: Path) -> Iterator[tuple[str, int]]:
        count = 0
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(root / folder) as entries:
                    found = sorted(entries, key=lambda entry: entry.name, reverse=True)
            except OSError as problem:
                self.errors.append(
                    Unread(
                        kind="file",
                        path=_text(folder),
                        reason=f"a folder that cannot be read: {problem.strerror}",
                    )
                )
                continue
            for entry in found:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif not self._is_ignored(path):
                    count += 1
                    if count > _MOST_FILES:
                        self.errors.append(
                            Unread(
                                kind="record", reason=f"the build context has more than {_MOST_FILES} files"
                            )
                        )
                        return
                    is_file = entry.is_file(follow_symlinks=False)
                    yield _text(path), entry.stat(follow_symlinks=False).st_size if is_file else 0

    def _is_ignored(self, path: str) -> bool:
        for pattern, is_exception in reversed(self._rules):
            if pattern.match(path):
                return not is_exception
        return False


def _ignore_file(folder: Path, dockerfile: Path) -> str:
    """Read the file of patterns: the Dockerfile's own goes before the context's."""
    for path in (dockerfile.with_name(f"{dockerfile.name}.dockerignore"), folder / ".dockerignore"):
        try:
            with path.open("rb") as file:
                return file.read(_MOST_BYTES).decode("utf-8-sig", "surrogateescape")
        except FileNotFoundError:
            continue
        except OSError as problem:
            raise UsageError(f"cannot be read: {problem.strerror or problem}", where=str(path)) from problem
    return ""


def _rules(text: str) -> list[tuple[re.Pattern[str], bool]]:
    found = []
    for line in text.splitlines():
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        is_exception = words.startswith("!")
        pattern = words.lstrip("!").strip()
        if pattern.strip("/."):
            found.append((_pattern(pattern), is_exception))
        if len(found) >= _MOST_PATTERNS:
            break
    return found


def _pattern(glob: str) -> re.Pattern[str]:
    """Make a pattern over paths of one of Go's, which fits what is in a folder of that name as well."""
    parts = [part for part in glob[:_LONGEST].split("/") if part not in {"", "."}]
    if parts.count("**") > _MOST_ANY:
        raise UsageError(f"a pattern with more than {_MOST_ANY} `**`", where=glob[:80])
    if not parts:
        return re.compile("")
    made = []
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part == "**":
            made.append(".*" if is_last else "(?:.*/)?")
        else:
            made.append(_part(part) + ("" if is_last else "/"))
    return re.compile("".join(made) + r"(?:/|\Z)", re.DOTALL)


def _part(part: str) -> str:
    """Make a pattern of one part of a path. What stands before a star's end is found once and for all, so that no name takes long."""
    first, *rest = (re.escape(piece).replace(r"\?", "[^/]") for piece in re.split(r"\*+", part))
    if not rest:
        return first
    return first + "".join(f"(?>[^/]*?{piece})" for piece in rest[:-1]) + f"[^/]*{rest[-1]}"


def _text(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
