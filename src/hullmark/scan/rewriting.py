"""Puts a changed text in the place of a user's file."""

import contextlib
import os
import stat
from pathlib import Path

from hullmark.model.errors import ImageError


def rewrite(name: str, before: bytes, after: bytes) -> None:
    """Write a file anew by rename, with the permissions that it has; a link stays one. Raises `ImageError` where it is not what it was, or cannot be written."""
    path = Path(name).resolve()
    beside = path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp")
    try:
        if path.read_bytes() != before:
            what = "has changed meanwhile, and stays as it is"
            raise ImageError(what, where=name, hint="run it again")
        with beside.open("xb") as file:
            os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise ImageError(f"cannot be written: {problem.strerror}", where=name) from problem
