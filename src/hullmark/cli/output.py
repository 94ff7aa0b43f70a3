"""Data for standard output or a file."""

import sys
from pathlib import Path

from hullmark.model.errors import UsageError
from hullmark.model.printable import printable


def write_line(text: str) -> None:
    """Write one line of text for people."""
    sys.stdout.write(printable(text) + "\n")


def write(body: bytes, target: str) -> None:
    """Write a rendered report to a file (by rename, so that no reader sees half of it) or to standard output."""
    if not target or target == "-":
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    beside = path.with_name(f".{path.name}.tmp")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(body)  # a device or a pipe
            return
        beside.write_bytes(body)
        beside.replace(path)
    except OSError as problem:
        raise UsageError(f"cannot be written: {problem.strerror}", where=target) from problem
