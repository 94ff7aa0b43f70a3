"""A published database: each part a blob of an OCI artifact, in a registry, below a web server or in one file.

The artifact is an OCI image manifest (image-spec 1.1, artifacts) whose configuration is `Contents` and whose layers are the
files of the parts and their records, compressed with zstd; `hullmark.file` names a layer's file. A layer with `hullmark.from` is a *delta*: it is compressed
with the file of that name as its prefix (RFC 8878 calls it a raw content dictionary), for who has that. Nothing is
believed but what fits the digests, down from the manifest's, which a signature vouches for (`signing.py`).
"""

import contextlib
import datetime as dt
import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import Struct

from hullmark.advisories.database import FORMAT, PartInfo, load_current, publish
from hullmark.images._oci import OCI_MANIFEST, digest_of
from hullmark.model.errors import FeedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ARTIFACT = "application/vnd.hullmark.database.v1"
CONTENTS = "application/vnd.hullmark.database.contents.v1+json"
PART = "application/vnd.hullmark.database.part.v1+zstd"
FILE, FILE_FROM = "hullmark.file", "hullmark.from"
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
MAX_PART_BYTES = 8 * 1024**3
_LEVEL = 9
_CHUNK = 1 << 20
_MAX_WINDOW_LOG = 30
_WHOLE_WINDOW_LOG = 25
_WORTH_A_DELTA = 0.6

Moved = Callable[[str, int, int], None]
"""Told a part's name, the bytes that are here, and how many there will be."""


class Blob(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A descriptor (image-spec 1.1, `descriptor.md`)."""

    media_type: str
    digest: str
    size: int
    annotations: dict[str, str] = {}


class Manifest(Struct, frozen=True, rename="camel", kw_only=True):
    """The artifact's manifest."""

    schema_version: int = 2
    media_type: str = OCI_MANIFEST
    artifact_type: str = ""
    config: Blob
    layers: tuple[Blob, ...]


class Contents(Struct, frozen=True):
    """What is in the database: `current.json`'s word on each part, and the SHA-256 of each file."""

    format: int
    parts: dict[str, PartInfo]
    sha256: dict[str, str]


class _Format(Struct, frozen=True):
    """What any version says of its contents."""

    format: int


_Kind = TypeVar("_Kind", _Format, Contents)


class Shelf(Protocol):
    """A place where databases are published."""

    def manifest(self, digest: str = "") -> bytes:
        """Give the manifest that is published there, or the one of this digest; the caller checks it. Raises `FeedError`."""
        ...

    def blob(self, blob: Blob) -> Iterator[bytes]:
        """Give a blob's bytes; the caller checks them. Raises `FeedError`."""
        ...

    def signatures(self, digest: str) -> list[tuple[bytes, bytes]]:
        """Give what was signed and its signature, of every signature on a manifest."""
        ...


class Pulled(NamedTuple):
    """What a pull did: the revision (the manifest's digest), and the parts that are new, the same, or not there.

    `later` are those of the unchanged ones of which a later content is here than what is published.
    """

    revision: str
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]
    absent: tuple[str, ...]
    later: tuple[str, ...] = ()


def pull(
    shelf: Shelf,
    folder: Path,
    wanted: Iterable[str] | None,
    *,
    now: str,
    revision: str = "",
    verify: Callable[[list[tuple[bytes, bytes]], str], None] | None = None,
    moved: Moved = lambda _part, _here, _all: None,
) -> Pulled:
    """Bring parts of a published database here, those that are not here already, and make them current together.

    `wanted` None means all parts. A part is as fresh as its builder said, and no fresher for being fetched: `now` (RFC 3339)
    is the latest time that is believed. `revision` is the digest that the manifest must have, `verify` raises `FeedError` unless one
    of the signatures is good. What does not fit its digest is refused, and the last good content stays.
    """
    body = shelf.manifest(revision)
    found = digest_of(body)
    if revision and found != revision:
        raise FeedError(f"the database there is {found}, not {revision}")
    if verify is not None:
        verify(shelf.signatures(found), found)
    manifest, contents = _read(shelf, body)
    current = load_current(folder).parts
    keys = sorted(contents.parts if wanted is None else set(wanted))
    store = folder / "parts"
    store.mkdir(parents=True, exist_ok=True)
    new: dict[str, PartInfo] = {}
    updated, absent, later = [], [], []
    seen = {""}

    def bring(what: str, file: str, size: int, old: str) -> bool:
        """Bring a file here unless it is, or was looked at already; tell whether it was not."""
        sha256 = contents.sha256.get(file, "")
        if file in seen or _is_here(store / file, sha256):
            seen.add(file)
            return False
        _fetch(shelf, manifest, sha256, _File(what, file, size), store, old, moved)
        seen.add(file)
        return True

    for key in keys:
        info, old = contents.parts.get(key), current.get(key)
        if info is None:
            absent.append(key)
            continue
        before = old or PartInfo(file="", feed="", lineage="", n=0)
        is_behind = before.lineage == info.lineage and before.n > info.n
        if is_behind and not revision and all((store / file).is_file() for file in before.files()):
            later.append(key)
            continue
        is_new = bring(f"part {key}", info.file, info.size_bytes, before.file) or before.file != info.file
        is_mended = bring(_named(info.records), info.records, info.records_bytes, before.records)
        if is_new or (is_mended and before.records == info.records):
            updated.append(key)
        # a time that has not come yet would keep the part from ever being stale
        checked = min(info.checked, now)
        if key not in updated:
            checked = max(checked, before.checked)
        new[key] = msgspec.structs.replace(info, checked=checked)
    if new:
        publish(folder, new)
    same = tuple(key for key in keys if key not in updated and key not in absent)
    return Pulled(found, tuple(updated), same, tuple(absent), tuple(later))


def _named(records: str) -> str:
    """Give what the records of some parts are called."""
    return records.rpartition("-")[0]


def _is_here(path: Path, sha256: str) -> bool:
    """Tell whether a file is here, by its bytes: two machines may have made the same revision of a part in two ways."""
    return path.is_file() and _sha256(path) == sha256


def _read(shelf: Shelf, body: bytes) -> tuple[Manifest, Contents]:
    manifest, text = _documents(shelf, body)
    found = _format(text)
    if found != FORMAT:
        raise FeedError(
            f"the database there is of format {found}, this version reads {FORMAT}",
            hint="a publisher of the same version of Hullmark is needed",
        )
    return manifest, _contents(text)


def _documents(shelf: Shelf, body: bytes) -> tuple[Manifest, bytes]:
    """Give the manifest, and the list of parts that it names."""
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise FeedError(f"what is published there is no database: {problem}") from problem
    if manifest.artifact_type != ARTIFACT:
        kind = manifest.artifact_type[:100] or manifest.config.media_type[:100]
        raise FeedError(f"what is published there is no database, but {kind!r}")
    if manifest.config.size > MAX_DOCUMENT_BYTES:
        raise FeedError("its list of parts is too long")
    return manifest, b"".join(_checked(shelf.blob(manifest.config), manifest.config))


def _format(text: bytes) -> int:
    return _decoded(text, _Format).format


def _contents(text: bytes) -> Contents:
    contents = _decoded(text, Contents)
    for key, info in contents.parts.items():
        if not _is_name(key) or info.file != f"{key}-{info.lineage}-{info.n}.db" or not _is_name(info.file):
            raise FeedError(f"{key[:100]!r} is no part")
        if info.records and not (info.records.startswith("records-") and _is_name(info.records)):
            raise FeedError(f"part {key} has no such records: {info.records[:100]!r}")
        try:
            for time in filter(None, (info.built, info.checked)):
                dt.datetime.fromisoformat(time).timestamp()
        except (ValueError, OverflowError) as problem:
            raise FeedError(f"part {key} is of no time that there is: {problem}") from problem
    return contents


def _decoded(text: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise FeedError(f"its list of parts cannot be read: {problem}") from problem


def _is_name(text: str) -> bool:
    return (
        text.replace("-", "").replace(".", "").replace("_", "").replace("+", "").isalnum()
        and text[0].isalnum()
    )


def _checked(chunks: Iterator[bytes], blob: Blob) -> Iterator[bytes]:
    """Pass bytes on; raises `FeedError` at the end unless they were those of the descriptor, and before it is much more."""
    algorithm, _, value = blob.digest.partition(":")
    if algorithm != "sha256":
        raise FeedError(f"{blob.digest[:80]!r} is no digest that is understood")
    total, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > blob.size:
            break
        total.update(chunk)
        yield chunk
    if size != blob.size or total.hexdigest() != value:
        raise FeedError(f"the bytes of {blob.digest} are others than it says")


class _File(NamedTuple):
    """A file that is published: what it is, its name and its size."""

    what: str
    name: str
    size_bytes: int


def _fetch(
    shelf: Shelf, manifest: Manifest, sha256: str, file: _File, store: Path, old: str, moved: Moved
) -> None:
    """Bring a file here: as a delta to the `old` one that is here where that is offered."""
    if file.size_bytes > MAX_PART_BYTES:
        raise FeedError(f"{file.what} has {file.size_bytes} bytes")
    layers = [layer for layer in manifest.layers if layer.annotations.get(FILE) == file.name]
    whole = next((layer for layer in layers if FILE_FROM not in layer.annotations), None)
    delta = next((layer for layer in layers if old and layer.annotations.get(FILE_FROM) == old), None)
    beside = store / f".{file.name}.{os.getpid()}.tmp"
    try:
        if delta is not None:
            with contextlib.suppress(FeedError, OSError):
                _write(shelf, delta, beside, file, sha256, moved, store / old)
                beside.replace(store / file.name)
                return
        if whole is None:
            raise FeedError(f"{file.what} is listed, but not there")
        _write(shelf, whole, beside, file, sha256, moved, None)
        beside.replace(store / file.name)
    finally:
        beside.unlink(missing_ok=True)


def _write(
    shelf: Shelf,
    layer: Blob,
    path: Path,
    wanted: _File,
    sha256: str,
    moved: Moved,
    prefix: Path | None,
) -> None:
    """Decompress a layer into a file. Raises `FeedError` unless that is what the list of parts promises."""
    total, size, here = hashlib.sha256(), 0, 0
    dictionary = zstd.ZstdDict(prefix.read_bytes(), is_raw=True).as_prefix if prefix is not None else None
    # what is whole needs no large window: one that is asked for only takes memory
    window = _MAX_WINDOW_LOG if prefix is not None else _WHOLE_WINDOW_LOG
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: window}
    inflater = zstd.ZstdDecompressor(zstd_dict=dictionary, options=options)
    with path.open("wb") as file:
        try:
            for chunk in _checked(shelf.blob(layer), layer):
                here += len(chunk)
                moved(wanted.what.removeprefix("part "), here, layer.size)
                data = chunk
                while not inflater.eof:
                    piece = inflater.decompress(data, _CHUNK)
                    data = b""
                    size += len(piece)
                    if size > wanted.size_bytes:
                        raise FeedError(f"{wanted.what} is larger than it should be")
                    total.update(piece)
                    file.write(piece)
                    if inflater.needs_input:
                        break
        except zstd.ZstdError as problem:
            raise FeedError(f"{wanted.what} is damaged: {problem}") from problem
        file.flush()
        os.fsync(file.fileno())
    if size != wanted.size_bytes or total.hexdigest() != sha256:
        raise FeedError(f"{wanted.what} is not what the list of parts says")


# ── publishing ──────────────────────────────────────────────────────────────────────────────────────────


class Press(Protocol):
    """A place where a database can be put."""

    def put(self, blob: Blob, path: Path) -> None:
        """Put a blob there from a file, unless it is there already."""
        ...

    def finish(self, manifest: bytes, signature: tuple[bytes, bytes] | None) -> None:
        """Put the manifest there when all that it names is, and its signature."""
        ...


def press(
    folder: Path,
    scratch: Path,
    to: Press,
    *,
    before: tuple[Manifest, Contents] | None = None,
    sign: Callable[[str], tuple[bytes, bytes]] | None = None,
    parts: Iterable[str] | None = None,
) -> str:
    """Publish the database of a folder; give its revision.

    Part by part: one whose file was published `before` is taken over as it was compressed then. Where the file that was
    published before is still here, a delta to it is published too.
    """
    current = load_current(folder).parts
    chosen = {key: current[key] for key in sorted(current if parts is None else parts) if key in current}
    if not chosen:
        raise FeedError("there is no advisory database", where=str(folder), hint="hullmark db update")
    layers: list[Blob] = []
    sums: dict[str, str] = {}
    for key, info in chosen.items():
        old = before[1].parts.get(key) if before is not None else None
        for file, earlier in (
            (info.file, old.file if old else ""),
            (info.records, old.records if old else ""),
        ):
            if not file or file in sums:
                continue
            path = folder / "parts" / file
            sums[file] = _sha256(path)
            if old is not None and file == info.file and _is_behind(info, sums[file], old, before):
                raise FeedError(
                    f"part {key} does not follow what is published there: who has that would not take it",
                    hint="hullmark db update --from takes what is published; then hullmark db update, and push again",
                )
            known = _layers_of(before, file, sums[file])
            if known:
                layers += known
                continue
            layers.append(_compressed(path, scratch / "whole", {FILE: file}, None))
            to.put(layers[-1], scratch / "whole")
            prefix = folder / "parts" / earlier
            if earlier not in {"", file} and prefix.is_file():
                delta = _compressed(path, scratch / "delta", {FILE: file, FILE_FROM: earlier}, prefix)
                if delta.size < _WORTH_A_DELTA * layers[-1].size:
                    to.put(delta, scratch / "delta")
                    layers.append(delta)
    body = msgspec.json.encode(Contents(FORMAT, chosen, sums))
    (scratch / "contents").write_bytes(body)
    config = Blob(media_type=CONTENTS, digest=digest_of(body), size=len(body))
    to.put(config, scratch / "contents")
    manifest = msgspec.json.encode(Manifest(artifact_type=ARTIFACT, config=config, layers=tuple(layers)))
    revision = digest_of(manifest)
    to.finish(manifest, sign(revision) if sign is not None else None)
    return revision


def read(shelf: Shelf) -> tuple[Manifest, Contents] | None:
    """Read what is published, None where that is of another format. Raises `FeedError`, also for what is no database."""
    manifest, text = _documents(shelf, shelf.manifest())
    return (manifest, _contents(text)) if _format(text) == FORMAT else None


def _is_behind(info: PartInfo, sha256: str, old: PartInfo, before: tuple[Manifest, Contents] | None) -> bool:
    """Tell whether a part is an earlier revision than the published one, or another one of the same number."""
    if info.lineage != old.lineage or before is None:
        return False
    return info.n < old.n or (info.n == old.n and sha256 != before[1].sha256.get(old.file))


def _layers_of(before: tuple[Manifest, Contents] | None, file: str, sha256: str) -> list[Blob]:
    """Give the layers of a file that has not changed since it was published."""
    if before is None or before[1].sha256.get(file) != sha256:
        return []
    return [layer for layer in before[0].layers if layer.annotations.get(FILE) == file]


def _compressed(path: Path, target: Path, annotations: dict[str, str], prefix: Path | None) -> Blob:
    """Compress a file, with another as its prefix where one is given."""
    options: dict[int, int] = {zstd.CompressionParameter.compression_level: _LEVEL}
    dictionary = None
    size = path.stat().st_size
    if prefix is not None:
        dictionary = zstd.ZstdDict(prefix.read_bytes(), is_raw=True).as_prefix
        reach = (size + prefix.stat().st_size).bit_length()
        options[zstd.CompressionParameter.window_log] = min(max(reach, 20), _MAX_WINDOW_LOG)
        options[zstd.CompressionParameter.enable_long_distance_matching] = 1
    compressor = zstd.ZstdCompressor(options=options, zstd_dict=dictionary)
    compressor.set_pledged_input_size(size)
    total, length = hashlib.sha256(), 0
    with path.open("rb") as source, target.open("wb") as file:
        while True:
            chunk = source.read(_CHUNK)
            packed = compressor.compress(chunk) if chunk else compressor.flush()
            total.update(packed)
            length += len(packed)
            file.write(packed)
            if not chunk:
                break
    return Blob(media_type=PART, digest=f"sha256:{total.hexdigest()}", size=length, annotations=annotations)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
