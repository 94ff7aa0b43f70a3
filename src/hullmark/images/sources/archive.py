"""An image in one archive: `docker save` (its old and new forms) or an OCI layout in a tar, plain or compressed.

Reference: `FILE`, `FILE:NAME` where the archive holds several images, or `-` for standard input.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hullmark.images import _archive
from hullmark.images.inflate import GZIP, PIECE, ZSTD
from hullmark.images.source import OpenedImage, Source, SourceOptions
from hullmark.model.errors import ImageError


def guess(reference: str) -> bool:
    """Tell whether the reference is a file (or standard input)."""
    return reference == "-" or Path(_split(reference)[0]).is_file()


def _split(reference: str) -> tuple[str, str]:
    if reference == "-" or Path(reference).exists():
        return reference, ""
    path, colon, name = reference.partition(":")
    while colon and not Path(path).exists() and ":" in name:
        more, _, name = name.partition(":")
        path = f"{path}:{more}"
    return (path, name) if colon and Path(path).exists() else (reference, "")


def open_archive(reference: str, options: SourceOptions) -> OpenedImage:
    """Open an image of an archive."""
    name, wanted = _split(reference)
    if name == "-":
        return _archive.open_stream(reference, _chunks(sys.stdin.buffer), wanted, options)
    path = Path(name)
    try:
        with path.open("rb") as file:
            head = file.read(4)
            if head[:2] == GZIP or head == ZSTD:
                file.seek(0)
                return _archive.open_stream(reference, _chunks(file), wanted, options)
            return _archive.open_file(reference, path, wanted, options)
    except OSError as problem:
        raise ImageError(f"cannot be read: {problem.strerror or problem}", where=reference) from problem


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: stream.read(PIECE), b"")


SOURCE = Source(
    name="archive",
    prefixes=("docker-archive", "oci-archive", "archive"),
    rank=30,
    guess=guess,
    open=open_archive,
)
