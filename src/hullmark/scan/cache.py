"""The fact cache: what was learned of layers, kept under digests that were verified while bytes were read.

A folder of small files, each written beside its place and renamed into it, so that any number of processes
share it without waiting, a killed one leaves nothing half-written, and a damaged file is merely missing:

    layers/ab/<digest>      rows of one layer: detector key → facts
    files/ab/<hash>         the digest that a local file once had (device, inode, size, mtime, ctime)
    diffs/ab/<digest>       the diff id of a layer, computed from bytes that have that digest (scan/diff_ids.py)
    entries/ab/<digest>     the file index of a layer (images/index.py), for `layers`
    texts/ab/<hash>         what was found in the texts of an image's configuration (scan/secrets.py)
    chains/ab/<hash>        images seen, by the chain of their layers' digests
    names/ab/<hash>         the manifest that a name in a registry had when it was scanned last
    images/ab/<hash>        what was found in an image as a whole (model/known_image.py)
    index/<hash>            what the program's modules say of themselves (scan/catalogue.py)
    locks/<hash>            locked (flock) while a process reads a layer; the kernel lets go when it dies

The folder has mode 0700. It works read-only and when it cannot be made: then nothing is remembered.
"""

import contextlib
import fcntl
import hashlib
import itertools
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from hullmark.model.image import DIGEST
from hullmark.model.known_image import KnownImage

if TYPE_CHECKING:
    from hullmark.images.source import FileIdentity

FORMAT = b"HM1\n"
_CHECK_BYTES = 16
_TOUCH_AFTER_S = 24 * 3600
_SETTLED_NS = 100_000_000
_PRUNE_EVERY_S = 600
_MOST_KNOWN = 1_000
_MOST_NAMES = 20
DEFAULT_MAX_BYTES = 2 * 1024**3


class CacheInfo(NamedTuple):
    """What the cache holds: bytes, layers and images."""

    folder: Path
    size_bytes: int
    layers: int
    images: int
    writable: bool


class SeenImage(msgspec.Struct, frozen=True):
    """An image that was scanned before: its names, newest last."""

    names: tuple[str, ...]


class FactCache:
    """See the module. `folder` None means: remember nothing."""

    def __init__(
        self, folder: Path | None, *, max_bytes: int = DEFAULT_MAX_BYTES, read_only: bool = False
    ) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.stored = False
        self.read_only = read_only or folder is None
        if folder is not None and not read_only:
            try:
                make_folder(folder)
                self.read_only = not os.access(folder, os.W_OK)
            except OSError:
                self.read_only = True

    def load(self, digest: str) -> dict[str, msgspec.Raw]:
        """Give all rows of a layer, still encoded; none when it is unknown or its file is damaged."""
        content = self._read(self._layer(digest))
        if content is None:
            return {}
        try:
            return msgspec.msgpack.decode(content, type=dict[str, msgspec.Raw])
        except msgspec.DecodeError:
            return {}

    def store(self, digest: str, rows: Mapping[str, bytes]) -> None:
        """Add rows to those of a layer."""
        path = self._layer(digest)
        if self.read_only or path is None:
            return
        merged = {**self.load(digest), **{key: msgspec.Raw(row) for key, row in rows.items()}}
        self.write(path, msgspec.msgpack.encode(merged))
        self.stored = True

    def digest_of(self, identity: "FileIdentity") -> str:
        """Give the digest that this cache once computed for that very file, or nothing."""
        content = self._read(self._path("files", _name(identity)))
        return content.decode("ascii", "replace") if content else ""

    def remember_file(self, identity: "FileIdentity", digest: str, read_from_ns: int) -> None:
        """Keep a file's digest, unless it changed so shortly before it was read that its times could hide another change.

        `read_from_ns` is the time at which reading began.
        """
        path = self._path("files", _name(identity))
        settled = read_from_ns - max(identity.mtime_ns, identity.ctime_ns) > _SETTLED_NS
        if path is not None and settled and not self.read_only:
            self.write(path, digest.encode())

    def diff_id_of(self, digest: str) -> str:
        """Give the diff id that was once computed from bytes of that digest, or nothing."""
        content = self._read(self._path("diffs", digest)) if DIGEST.fullmatch(digest) else None
        return content.decode("ascii", "replace") if content else ""

    def remember_diff_id(self, digest: str, diff_id: str) -> None:
        """Keep a layer's diff id; both were computed while the same bytes were read."""
        path = self._path("diffs", digest)
        if path is not None and not self.read_only:
            self.write(path, diff_id.encode())
            self.stored = True

    def index_of(self, digest: str) -> bytes | None:
        """Give what was remembered of a layer's file index, still encoded; None when it is unknown or damaged."""
        return self._read(self._path("entries", digest)) if DIGEST.fullmatch(digest) else None

    def remember_index(self, digest: str, encoded: bytes) -> None:
        """Keep a layer's file index, made while bytes of that digest were read."""
        path = self._path("entries", digest) if DIGEST.fullmatch(digest) else None
        if path is not None and not self.read_only:
            self.write(path, encoded)
            self.stored = True

    def text_facts(self, digest: str) -> bytes | None:
        """Give what was remembered of texts with that digest, or nothing."""
        return self._read(self._path("texts", digest))

    def remember_text(self, digest: str, content: bytes) -> None:
        """Keep what was found in texts; the digest is of these, and of all that shapes what is found."""
        path = self._path("texts", digest)
        if path is not None:
            self.write(path, content)

    def remember_image(self, chain: tuple[str, ...], name: str) -> None:
        """Keep that an image of that name has this chain of verified layer digests."""
        if not chain:
            return
        path = self._path("chains", _chain_ids(chain)[-1])
        known = self.image_of(chain)
        if path is None or self.read_only or (known and name in known.names):
            return
        names = (*(known.names if known else ()), name)[-20:]
        self.write(path, msgspec.msgpack.encode(SeenImage(names)))

    def image_of(self, chain: tuple[str, ...]) -> SeenImage | None:
        """Give the image that was seen with exactly this chain."""
        return self._seen(_chain_ids(chain)[-1]) if chain else None

    def remember_name(self, name: str, digest: str) -> None:
        """Keep which manifest a name in a registry, spelt out with its tag, was when it was scanned."""
        path = self._path("names", _name(name))
        if path is not None and not self.read_only and self.digest_seen(name) != digest:
            self.write(path, digest.encode())

    def digest_seen(self, name: str) -> str:
        """Give the digest of the manifest that a name was when it was scanned last, or nothing."""
        content = self._read(self._path("names", _name(name)))
        found = content.decode("ascii", "replace") if content else ""
        return found if DIGEST.fullmatch(found) else ""

    def remember_known(self, known: KnownImage) -> None:
        """Keep what was found in an image; of one that is known already the names are kept as well."""
        path = self._path("images", _name((known.digest, str(known.platform))))
        if path is None or self.read_only or not DIGEST.fullmatch(known.digest):
            return
        before = _known(self._read(path))
        if before is not None:
            others = [name for name in before.names if name not in known.names]
            known = msgspec.structs.replace(known, names=(*others, *known.names)[-_MOST_NAMES:])
        self.write(path, msgspec.msgpack.encode(known))

    def known_images(self) -> list[KnownImage]:
        """Give what is known of images, the one that was looked at last first; of very many those that were scanned last."""
        if self.folder is None:
            return []
        files = []
        for path in (self.folder / "images").glob("??/[!.]*"):
            with contextlib.suppress(OSError):
                files.append((path.stat().st_mtime_ns, path))
        found = [_known(read_checked(path)) for _, path in sorted(files, reverse=True)[:_MOST_KNOWN]]
        return sorted(
            (known for known in found if known is not None),
            key=lambda known: (known.as_of, known.name, known.digest, str(known.platform)),
            reverse=True,
        )

    def base_of(self, chain: Sequence[str]) -> tuple[SeenImage, int] | None:
        """Give the image with the longest strict prefix of this chain that was seen, and how many layers that has."""
        ids = _chain_ids(itertools.takewhile(bool, chain))
        for length in range(min(len(chain) - 1, len(ids)), 0, -1):
            if (seen := self._seen(ids[length - 1])) is not None:
                return seen, length
        return None

    def _seen(self, chain_id: str) -> SeenImage | None:
        content = self._read(self._path("chains", chain_id))
        if content is None:
            return None
        try:
            return msgspec.msgpack.decode(content, type=SeenImage)
        except msgspec.DecodeError:
            return None

    @contextlib.contextmanager
    def reading(self, digest: str) -> Iterator[bool]:
        """Hold the right to read a layer; false where another living process holds it already."""
        if self.read_only or self.folder is None or not digest:
            yield True
            return
        descriptor = self._lock(self.folder / "locks" / _name(digest))
        if descriptor is None:
            yield False
            return
        try:
            yield True
        finally:
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    (self.folder / "locks" / _name(digest)).unlink()
                os.close(descriptor)

    @staticmethod
    def _lock(path: Path) -> int | None:
        """Lock a file and give its descriptor, -1 where it cannot be made; None when it is locked already."""
        while True:
            try:
                make_folder(path.parent)
                descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            except OSError:
                return -1
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held, named = os.fstat(descriptor), os.stat(path)
            except FileNotFoundError:
                pass  # whoever held it has removed it just now: this is no lock any more
            except OSError:
                os.close(descriptor)
                return None
            else:
                if (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino):
                    return descriptor
            os.close(descriptor)

    def info(self) -> CacheInfo:
        """Count what is there."""
        files = list(self._files())
        kinds = [path.relative_to(self.folder).parts[0] for path, _ in files] if self.folder else []
        return CacheInfo(
            self.folder or Path(),
            sum(status.st_size for _, status in files),
            kinds.count("layers"),
            kinds.count("chains"),
            not self.read_only,
        )

    def prune(self, max_bytes: int | None = None) -> int:
        """Remove the least recently used files until the cache fits; give the number of bytes removed."""
        if self.read_only:
            return 0
        bound = self.max_bytes if max_bytes is None else max_bytes
        files = sorted(self._files(), key=lambda entry: (entry[1].st_mtime_ns, entry[0]))
        total = sum(status.st_size for _, status in files)
        removed = 0
        now = time.time()
        for path, status in files:
            left_over = path.name.startswith(".") and now - status.st_mtime > _PRUNE_EVERY_S
            if total - removed > bound or left_over:
                # One that another process removes at the same time is gone as well.
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
                    removed += status.st_size
        self._remove_locks()
        return removed

    def _remove_locks(self) -> None:
        """Remove the lock files that killed processes left; one that is held stays."""
        if self.folder is None:
            return
        for path in (self.folder / "locks").glob("*"):
            descriptor = self._lock(path)
            if descriptor is not None and descriptor >= 0:
                with contextlib.suppress(OSError):
                    path.unlink()
                os.close(descriptor)

    def prune_when_due(self) -> None:
        """Keep the bound after something was stored, looking at most every ten minutes."""
        if self.read_only or self.folder is None or not self.stored:
            return
        stamp = self.folder / "pruned"
        try:
            if abs(time.time() - stamp.stat().st_mtime) < _PRUNE_EVERY_S:
                return
        except OSError:
            pass
        with contextlib.suppress(OSError):
            stamp.touch()
            self.prune()

    def clear(self) -> int:
        """Remove everything; give the number of bytes removed."""
        return self.prune(0)

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        if self.folder is None:
            return
        for kind in ("layers", "files", "diffs", "entries", "chains", "names", "texts", "images", "index"):
            for path in (self.folder / kind).glob("*/*" if kind != "index" else "*"):
                with contextlib.suppress(OSError):
                    yield path, path.stat()
                    continue

    def _path(self, kind: str, name: str) -> Path | None:
        if self.folder is None:
            return None
        clean = name.partition(":")[2] or name
        return self.folder / kind / clean[:2] / clean

    def _layer(self, digest: str) -> Path | None:
        return self._path("layers", digest) if DIGEST.fullmatch(digest) else None

    def _read(self, path: Path | None) -> bytes | None:
        """Read a file of the cache, and mark it as used."""
        content = read_checked(path)
        if content is not None and path is not None and not self.read_only:
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _TOUCH_AFTER_S:
                    os.utime(path)
        return content

    def write(self, path: Path, content: bytes) -> None:
        """Write a file of the cache, unless that is only read."""
        if not self.read_only:
            write_checked(path, content)


def write_checked(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a reader sees the old content or the new one, never a part."""
    beside = path.parent / f".{path.name[:16]}.{os.getpid()}.{time.monotonic_ns()}"
    check = hashlib.blake2b(content, digest_size=_CHECK_BYTES).digest()
    try:
        make_folder(path.parent)
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(FORMAT + check + content)
        beside.replace(path)
    except OSError:
        # A full or vanished disk costs only the memory of this layer.
        with contextlib.suppress(OSError):
            beside.unlink()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that nobody but its owner may enter. Raises `OSError`."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def read_checked(path: Path | None) -> bytes | None:
    """Give a file's content when it is whole and its checksum fits."""
    if path is None:
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    start = len(FORMAT) + _CHECK_BYTES
    body = content[start:]
    if not content.startswith(FORMAT):
        return None
    check = hashlib.blake2b(body, digest_size=_CHECK_BYTES).digest()
    return body if content[len(FORMAT) : start] == check else None


def _known(content: bytes | None) -> KnownImage | None:
    if content is None:
        return None
    try:
        return msgspec.msgpack.decode(content, type=KnownImage)
    except msgspec.DecodeError:
        return None


def _name(key: object) -> str:
    return hashlib.blake2b(repr(key).encode(), digest_size=20).hexdigest()


def _chain_ids(chain: Iterable[str]) -> list[str]:
    """Name each prefix of a chain of digests; each name is made from the one before (as the OCI image specification's ChainID)."""
    ids: list[str] = []
    for digest in chain:
        ids.append(_name((ids[-1] if ids else "", digest)))
    return ids
