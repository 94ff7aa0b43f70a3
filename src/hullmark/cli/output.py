"""Data for standard output or a file."""

import contextlib
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
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
    width = shutil.get_terminal_size((100, 24)).columns
    return Look(width=max(width, 40), colour=not plain, unicode=encoding.startswith("utf"))


def write_text(text: str) -> None:
    """Write text of our own."""
    sys.stdout.write(text)


def write_line(text: str) -> None:
    """Write one line of text for people."""
    sys.stdout.write(printable(text) + "\n")


def write(body: bytes, target: str) -> None:
    """Write a rendered report to a file (by rename, so that no reader sees half of it) or to standard output."""
    if not target or target == "-":
        try:
            sys.stdout.buffer.write(body)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            nobody_reads(sys.stdout)  # the exit code is still somebody's
        except OSError as problem:
            nobody_reads(sys.stdout)
            raise UsageError(f"cannot be written: {problem.strerror}", where="standard output") from problem
        return
    path = Path(target)
    beside = path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(body)  # a device or a pipe
            return
        with beside.open("xb") as file:
            file.write(body)
        beside.replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise UsageError(f"cannot be written: {problem.strerror}", where=target) from problem


@contextlib.contextmanager
def replacing(targets: Iterable[str]) -> Iterator[None]:
    """Say of each file that was to be replaced meanwhile, and was not, that it is of an earlier run.

    It stays: what is there may be the only good report that there is, or the SBOM that was read.
    """
    before = {target: _version(target) for target in targets}
    try:
        yield
    except BaseException:
        for target, version in before.items():
            if version and version == _version(target):
                error("is what an earlier run left: no report of this one was written", where=target)
        raise


def _version(target: str) -> tuple[int, ...]:
    """Tell a file from the one that replaces it; nothing where there is none."""
    try:
        found = Path(target).stat()
    except (OSError, ValueError):
        return ()
    return (found.st_dev, found.st_ino, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else ()
