"""Data for standard output or a file."""

import contextlib
import os
import stat
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from hullmark.cli.terminal import error, nobody_reads
from hullmark.model.errors import UsageError
from hullmark.model.look import Look
from hullmark.model.printable import printable


def look(target: str) -> Look:
    """Say how a text may be dressed for a file or for standard output: colour only on a terminal, as it likes it."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    if target not in {"", "-"}:
        return Look()
    if not sys.stdout.isatty():
        return Look(unicode=encoding.startswith("utf"))
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    import shutil  # slow to import, and only tables for people ask how wide the terminal is

    width = shutil.get_terminal_size((100, 24)).columns
    return Look(width=max(width, 40), colour=not plain, unicode=encoding.startswith("utf"))


def write_text(text: str) -> None:
    """Write text of our own."""
    with _standard_output():
        sys.stdout.write(text)


def write_line(text: str) -> None:
    """Write one line of text for people."""
    write_text(printable(text) + "\n")


def flush() -> None:
    """Have what was written leave the process, while that it cannot be is still said."""
    with _standard_output():
        sys.stdout.flush()


@contextlib.contextmanager
def _standard_output() -> Iterator[None]:
    """Say in one line that standard output takes no more, unless its reader went away."""
    try:
        yield
    except BrokenPipeError:
        nobody_reads(sys.stdout)  # the exit code is still somebody's
    except OSError as problem:
        nobody_reads(sys.stdout)
        raise UsageError(f"cannot be written: {problem.strerror}", where="standard output") from problem


def write(body: bytes, target: str) -> None:
    """Write a rendered report to a file (by rename, so that no reader sees half of it) or to standard output."""
    if not target or target == "-":
        with _standard_output():
            sys.stdout.buffer.write(body)
            sys.stdout.buffer.flush()
        return
    path = Path(target)
    beside = path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp")
    try:
        if _is_special(path):
            path.write_bytes(body)
            return
        with beside.open("xb") as file:
            with contextlib.suppress(FileNotFoundError):  # who may read the file stays so
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.write(body)
        beside.replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise UsageError(f"cannot be written: {problem.strerror}", where=target) from problem


@contextlib.contextmanager
def replacing(targets: Collection[str]) -> Iterator[None]:
    """Refuse at once what could not be written at the end (`UsageError`); and where a report was not, speak of the old.

    A file that was to be replaced stays: it may be the only good report that there is, or the SBOM that was read. It is
    said to be of an earlier run.
    """
    before = {target: _version(target) for target in targets}
    try:
        _check(targets)
        yield
    except BaseException:
        for target, version in before.items():
            if version and version == _version(target):
                error("is what an earlier run left: no report of this one was written", where=target)
        raise


def _check(targets: Collection[str]) -> None:
    """Refuse files that there cannot be: minutes of reading would be lost on them."""
    seen = set()
    for target in targets:
        path = Path(target)
        if "\0" in target:  # a config file can hold it
            raise UsageError("cannot be written: no file has such a name", where=target)
        if target in {"", "-"} or _is_special(path):
            continue
        if path.is_dir():
            raise UsageError("cannot be written: it is a folder", where=target, hint="--format FORMAT=FILE")
        if not path.parent.is_dir():
            raise UsageError("cannot be written: its folder is not there", where=target)
        if (place := os.path.realpath(path)) in seen:
            raise UsageError("two formats would be written to it", where=target, hint="each needs its own")
        seen.add(place)


def _is_special(path: Path) -> bool:
    """Tell whether it is a device or a pipe."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _version(target: str) -> tuple[int, ...]:
    """Tell a file from the one that replaces it; nothing where there is none."""
    try:
        found = Path(target).stat()
    except (OSError, ValueError):
        return ()
    return (found.st_dev, found.st_ino, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else ()
