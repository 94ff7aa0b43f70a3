"""Data for standard output or a file."""

import contextlib
import os
import shutil
import sys
from pathlib import Path

from hullmark.cli.terminal import nobody_reads
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
