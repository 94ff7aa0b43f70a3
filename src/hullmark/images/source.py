"""The contract of an image source: from a reference to an image's description and its layers' bytes."""

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec import Struct, field

from hullmark.images.limits import Budget, ReadLimits
from hullmark.images.walk import Body, Select, Shape
from hullmark.model.image import Image, Platform


class FileIdentity(NamedTuple):
    """A local file as the file system knows it: the same numbers mean the same content as far as anyone can tell."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


def shown(reference: str) -> str:
    """Give a reference as text that every report can hold; bytes of a path that are no UTF-8 are escaped."""
    return os.fsencode(reference).decode("utf-8", "backslashreplace")


FolderWalk = Callable[[Select, Shape, Budget, ReadLimits], Iterator[Body]]
"""Walks over what is no tar as `walk` does over one."""


class Blob(Struct, kw_only=True):
    """One layer's bytes.

    `claimed` is the digest that the manifest gives (empty where none does), `size` the size that it gives (-1
    where none does). `addressed` is true where the source finds blobs by their digest, as a registry does: only
    then may facts be looked up by the claim. `identity` is that of the local file which holds just this blob.
    `forkable` says that a forked process may read it: the bytes are in a file, or each process asks for them itself. `linked` says that a link in
    the image leads to that file: nothing may be told of its bytes unless they have the claimed digest.
    `open()` gives the bytes as they are stored, and may be called again unless `once`. `problem` says why the
    blob cannot be had; `open` is then not called. `walk` replaces the tar walk where a source has no tar.
    """

    open: Callable[[], Iterator[bytes]]
    claimed: str = ""
    size: int = -1
    media_type: str = ""
    diff_id: str = ""
    addressed: bool = False
    identity: FileIdentity | None = None
    once: bool = False
    forkable: bool = False
    linked: bool = False
    problem: str = ""
    walk: FolderWalk | None = None


class SourceOptions(Struct, frozen=True, kw_only=True):
    """What a user may say about how to reach an image.

    `platform` chooses from a multi-platform index; None means linux on this machine's architecture. `insecure` are registry
    hosts that may be reached without TLS or with a certificate that does not verify. `cacert` is a file of
    further trusted certificates. `silence_s` is how long a silent peer is waited for. `early` is called with each
    blob of an archive that can be read only once, while it streams. `progress(name, done, total)` is told of bytes.
    """

    platform: Platform | None = None
    insecure: tuple[str, ...] = ()
    cacert: str = ""
    username: str = ""
    password: str = ""
    silence_s: float = 60.0
    limits: ReadLimits = field(default_factory=ReadLimits)
    early: Callable[[Blob], None] | None = None


class OpenedImage(Struct, kw_only=True):
    """An image that was found: its description, its layers from the lowest up, and what must be closed."""

    image: Image
    layers: list[Blob]
    close: Callable[[], None] = lambda: None


class Source(Struct, frozen=True, kw_only=True):
    """One kind of place where images are.

    `prefixes` are the words before the colon that choose it (`registry`, `docker-archive` …). `guess(reference)`
    tells whether a reference without prefix looks like its own; sources are asked in the order of `rank`.
    `open(reference, options)` gets the reference without prefix and raises `ImageError` or `UsageError`.
    `platforms` lists what a multi-platform reference offers. `by_name` is true where images are named, as in a
    registry, and false where files and folders are.
    """

    name: str
    prefixes: tuple[str, ...]
    rank: int
    guess: Callable[[str], bool]
    open: Callable[[str, SourceOptions], OpenedImage]
    platforms: Callable[[str, SourceOptions], tuple[Platform, ...]] | None = None
    by_name: bool = False
