"""An image in one archive: `docker save` (its old and new forms) or an OCI layout in a tar, plain or compressed.

Reference: `FILE`, `FILE:NAME` where the archive holds several images; `-` or `-:NAME` for standard input.
"""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from hullmark.images import _archive
from hullmark.images.inflate import GZIP, PIECE, ZSTD
from hullmark.images.source import OpenedImage, Source, SourceOptions
from hullmark.model.errors import ImageError

_NOT_READ = {b"\xfd7zXZ\0": "xz", b"BZh": "bzip2"}


def guess(reference: str) -> bool:
    """Tell whether the reference is a file (or standard input)."""
    name, _ = _split(reference)
    return name == "-" or Path(name).is_file()


def _split(reference: str) -> tuple[str, str]:
    path, colon, name = reference.partition(":")
    if path == "-":
        return path, name
    if Path(reference).exists():
        return reference, ""
    while colon and not Path(path).exists() and ":" in name:
        more, _, name = name.partition(":")
        path = f"{path}:{more}"
    return (path, name) if colon and Path(path).exists() else (reference, "")


def open_archive(reference: str, options: SourceOptions) -> OpenedImage:
    """Open an image of an archive."""
    name, wanted = _split(reference)
    if name == "-":
        chunks = _chunks(sys.stdin.buffer)
        if not (first := next(chunks, b"")):
            raise ImageError(
                "standard input is empty", where=reference, hint="did the command before the pipe fail?"
            )
        _check_packing(first, reference)
        return _archive.open_stream(reference, itertools.chain((first,), chunks), wanted, options)
    path = Path(name)
    try:
        with path.open("rb") as file:
            head = file.read(6)
            _check_packing(head, reference)
            if head[:2] == GZIP or head[:4] == ZSTD:
                file.seek(0)
                return _archive.open_stream(reference, _chunks(file), wanted, options)
            return _archive.open_file(reference, path, wanted, options)
    except OSError as problem:
        raise ImageError(f"cannot be read: {problem.strerror or problem}", where=reference) from problem


def _check_packing(head: bytes, reference: str) -> None:
    """Name a compression that other tools write and that is not read here."""
    for magic, name in _NOT_READ.items():
        if head.startswith(magic):
            raise ImageError(
                f"the archive is compressed with {name}; gzip and zstd are read",
                where=reference,
                hint=f"{name} -dc FILE | hullmark scan -",
            )


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: stream.read(PIECE), b"")


SOURCE = Source(
    name="archive",
    prefixes=("docker-archive", "oci-archive", "archive"),
    rank=30,
    guess=guess,
    open=open_archive,
)
