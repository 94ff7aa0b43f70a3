"""Images in an archive, from a file or from a stream: what the sources that get archives share.

Formats: `docker save` (its old and new forms) and an OCI layout in a tar, plain or compressed. A plain file is
indexed by its headers and its layers are read in place. A compressed one, or a stream, can be read only once and
names its layers last: so every member that is an archive itself is read as a layer while it passes, and the
manifest later says which of them were.
"""

import abc
import functools
from collections.abc import Container, Iterator
from pathlib import Path

import msgspec

from hullmark.images import _oci
from hullmark.images.inflate import GZIP, PIECE, ZSTD, DamagedError, Hashed, inflated
from hullmark.images.limits import Budget, ReadLimits
from hullmark.images.source import Blob, OpenedImage, SourceOptions, shown
from hullmark.images.walk import BLOCK, Cut, Selected, Shape, index, walk
from hullmark.model.errors import ImageError, LimitError, UsageError
from hullmark.model.facts import Unread
from hullmark.model.image import DIGEST, Image

_MANIFEST = "manifest.json"
_LAYOUT = "index.json"
_BLOBS = "blobs/sha256/"
_PADDING = 1024 * 1024
_SMALLEST_LAYER = 18  # a gzip file without content


class _Saved(msgspec.Struct, rename="pascal"):
    """An entry of `manifest.json` in a `docker save` archive."""

    config: str
    layers: list[str]
    repo_tags: list[str] | None = None


class _Members(abc.ABC):
    """What an archive holds: small documents by path, and blobs by path."""

    def __init__(self, reference: str, options: SourceOptions) -> None:
        self.reference = reference
        self.options = options
        self.links: dict[str, str] = {}
        self.notes: tuple[Unread, ...] = ()

    @abc.abstractmethod
    def document(self, path: str) -> bytes | None:
        """Give a document of the archive, or None where it has none of that path."""

    @abc.abstractmethod
    def blob(self, path: str) -> Blob | None:
        """Give a member as a layer's blob, or None where there is none."""

    def resolved(self, path: str) -> str:
        """Follow the links by which old `docker save` archives share layers."""
        for _step in range(10):
            target = self.links.get(path)
            if target is None:
                return path
            parts = path.split("/")[:-1]
            for part in target.split("/"):
                if part == "..":
                    parts = parts[:-1]
                elif part not in {"", "."}:
                    parts.append(part)
            path = "/".join(parts)
        return path

    def ends_early(self, problem: Exception, shape: Shape, found: Container[str]) -> None:
        """Go on with what was read so far, if the manifest is among it, and say that there may have been more."""
        if _MANIFEST not in found and _LAYOUT not in found:
            raise ImageError(f"the archive cannot be read: {problem}", where=self.reference) from problem
        shape.say(f"the archive cannot be read to its end: {problem}")

    def take_shape(self, shape: Shape) -> None:
        """Keep the archive's links and what was odd about it."""
        frozen = shape.frozen()
        words = frozen.links.decode("utf-8").split("\0")[:-1]
        self.links = dict(zip(words[::2], words[1::2], strict=True)) | shape.hard_links
        self.notes = frozen.unread


class _FileMembers(_Members):
    """A plain archive in a file, indexed."""

    def __init__(self, reference: str, path: Path, options: SourceOptions) -> None:
        super().__init__(reference, options)
        self.path = path
        shape = Shape(options.limits)
        self.index: dict[str, tuple[int, int]] = {}
        with path.open("rb") as file:
            try:
                index(file, self.index, shape, _of_archive(options.limits))
            except Cut as cut:
                self.ends_early(cut, shape, self.index)
        self.take_shape(shape)

    def document(self, path: str) -> bytes | None:
        at, size = self.index.get(self.resolved(path), (0, -1))
        if size < 0:
            return None
        if size > self.options.limits.document_bytes:
            raise ImageError(f"{path} in it has {size} bytes", where=self.reference)
        return b"".join(self._chunks(at, size))

    def blob(self, path: str) -> Blob | None:
        at, size = self.index.get(self.resolved(path), (0, -1))
        return (
            Blob(open=functools.partial(self._chunks, at, size), size=size, forkable=True)
            if size >= 0
            else None
        )

    def _chunks(self, at: int, size: int) -> Iterator[bytes]:
        with self.path.open("rb", buffering=0) as file:
            file.seek(at)
            while size > 0 and (chunk := file.read(min(size, PIECE))):
                size -= len(chunk)
                yield chunk


class _StreamMembers(_Members):
    """An archive that is read once, front to back."""

    def __init__(self, reference: str, chunks: Iterator[bytes], options: SourceOptions) -> None:
        super().__init__(reference, options)
        self.documents: dict[str, bytes] = {}
        self.blobs: dict[str, Blob] = {}
        self.room = options.limits.archive_documents_bytes
        limits = _of_archive(options.limits)
        packed = Hashed(chunks)
        shape = Shape(limits)
        selected = Selected(None, 0, consume=self._member)
        try:
            pieces = inflated(packed, limits)
            for _body in walk(pieces, lambda *_: selected, shape, Budget(0), limits):
                pass
            _drain(pieces, packed)
        except (Cut, DamagedError, LimitError, OSError) as problem:
            self.ends_early(problem, shape, self.documents)
        self.take_shape(shape)

    def _member(self, path: str, size: int, parts: Iterator[bytes]) -> None:
        head = b""
        for part in parts:
            head += part
            if len(head) >= BLOCK:
                break
        rest = _chain(head, parts)
        if size >= _SMALLEST_LAYER and _is_layer(head) and len(self.blobs) < self.options.limits.layers:
            blob = self.blobs[path] = Blob(open=lambda: rest, size=size, once=True)
            if self.options.early is not None:
                self.options.early(blob)
        elif size <= self.options.limits.document_bytes and (
            self.room > size or path in {_MANIFEST, _LAYOUT}
        ):
            self.room -= size + BLOCK
            self.documents[path] = b"".join(rest)

    def document(self, path: str) -> bytes | None:
        return self.documents.get(self.resolved(path))

    def blob(self, path: str) -> Blob | None:
        return self.blobs.get(self.resolved(path))


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _of_archive(limits: ReadLimits) -> ReadLimits:
    """Give the bounds of an archive: it is a whole image, and each layer in it has bounds of its own."""
    return msgspec.structs.replace(
        limits, layer_entries=limits.archive_entries, layer_free_bytes=limits.image_free_bytes
    )


def _drain(pieces: Iterator[bytes], packed: Hashed) -> None:
    """Read what follows a tar's end: padding, and in a compressed archive the checksum of it all."""
    left = _PADDING
    while (not packed.plain or left > 0) and (piece := next(pieces, None)) is not None:
        left -= len(piece)


def _is_layer(head: bytes) -> bool:
    """Tell by its first block whether a member may be a layer: packed, a tar, or a tar without entries."""
    return head[:2] == GZIP or head[:4] == ZSTD or head[257:262] == b"ustar" or not head.strip(b"\0")


def open_file(reference: str, path: Path, wanted: str, options: SourceOptions) -> OpenedImage:
    """Open an image of a plain archive in a file. Raises `OSError` where the file cannot be read."""
    return _opened(_FileMembers(reference, path, options), wanted)


def open_stream(reference: str, chunks: Iterator[bytes], wanted: str, options: SourceOptions) -> OpenedImage:
    """Open an image of an archive that is read once; an `OSError` of the chunks is where it ends."""
    return _opened(_StreamMembers(reference, chunks, options), wanted)


def _opened(members: _Members, wanted: str) -> OpenedImage:
    opened = _from_layout(members, wanted) or _from_saved(members, wanted)
    if opened is None:
        raise ImageError(
            "not an image archive: it has neither manifest.json nor index.json",
            where=members.reference,
            hint="an unpacked root file system is scanned with dir:FOLDER",
        )
    opened.image = msgspec.structs.replace(opened.image, unread=(*opened.image.unread, *members.notes))
    return opened


def _from_layout(members: _Members, wanted: str) -> OpenedImage | None:
    body = members.document(_LAYOUT)
    if body is None or (wanted and members.document(_MANIFEST) is not None):
        return None  # docker save's own list knows the images' full names

    def fetch(descriptor: _oci.Descriptor) -> bytes:
        found = members.document("blobs/" + descriptor.digest.replace(":", "/", 1))
        if found is None:
            raise ImageError(f"the archive lacks {descriptor.digest[:80]}", where=members.reference)
        return found

    def make(descriptor: _oci.Descriptor) -> Blob:
        blob = members.blob("blobs/" + descriptor.digest.replace(":", "/", 1))
        reason = "its bytes are elsewhere (a foreign layer)" if descriptor.urls else "the archive lacks it"
        return blob or Blob(open=lambda: iter(()), problem=f"the layer's blob cannot be read: {reason}")

    root = _oci.decode(body, members.reference)
    if wanted:
        entries = [
            entry for entry in root.manifests or [] if wanted in {entry.digest, *entry.annotations.values()}
        ]
        if not entries:
            raise ImageError(f"its index has no {wanted!r}", where=members.reference)
        root = _oci.Manifest(manifests=entries)
    options = members.options
    manifest, digest = _oci.choose(root, "", options.platform, fetch, options.limits, members.reference)
    return _oci.opened(members.reference, "oci-archive", manifest, digest, fetch, make, options.limits)


def _from_saved(members: _Members, wanted: str) -> OpenedImage | None:
    body = members.document(_MANIFEST)
    if body is None:
        return None
    images, unread = _saved(body, members.reference)
    fitting = [image for image in images if not wanted or _is_named(image, wanted)]
    if not fitting:
        raise ImageError(
            f"it holds no image {wanted!r}" if wanted else "it holds no image", where=members.reference
        )
    if len(fitting) > 1 and not wanted:
        names = ", ".join(tag for image in images for tag in image.repo_tags or [image.config])
        raise UsageError(
            f"it holds several images: {names}",
            where=members.reference,
            hint=f"name one: {shown(members.reference)}:NAME",
        )
    image = fitting[0]
    _oci.check_layers(len(image.layers), members.options.limits, members.reference)
    config, digest, problems = _saved_config(members, image)
    layers = _saved_layers(members, image, config)
    unread = (*unread, *problems, *_oci.unfit_count(len(layers), config))
    described = Image(
        name=shown(members.reference),
        source="docker-archive",
        digest=digest,
        config_digest=digest,
        platform=_oci.platform_of_config(config),
        config=config,
        tags=tuple(image.repo_tags or ()),
        unread=unread,
    )
    return OpenedImage(image=described, layers=layers)


def _saved(body: bytes, where: str) -> tuple[list[_Saved], tuple[Unread, ...]]:
    """Read `manifest.json`; what is wrong in one place of it does not take the other layers with it."""
    try:
        try:
            return msgspec.json.decode(body, type=list[_Saved]), ()
        except msgspec.ValidationError as problem:
            raw = msgspec.json.decode(body)
            images = [found for entry in raw if (found := _mended(entry))] if isinstance(raw, list) else []
            if not images:
                raise
            reason = f"it is not as it should be: {problem}"
            return images, (Unread(kind="record", reason=reason, place=_MANIFEST),)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise ImageError(f"its {_MANIFEST} cannot be read: {problem}", where=where) from problem


def _mended(raw: object) -> _Saved | None:
    """Take what can be used of an entry; None where it names no layers."""
    if not isinstance(raw, dict) or not isinstance(raw.get("Layers"), list):
        return None
    config, tags = raw.get("Config"), raw.get("RepoTags")
    return _Saved(
        config=config if isinstance(config, str) else "",
        layers=[path if isinstance(path, str) else "" for path in raw["Layers"]],
        repo_tags=[tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else None,
    )


def _saved_config(members: _Members, image: _Saved) -> tuple[dict[str, object], str, list[Unread]]:
    """Give the configuration, its digest, and what is wrong with it."""
    body = members.document(image.config)
    if body is None:
        return {}, "", [_in_config("the archive lacks it")]
    config: dict[str, object] = {}
    problems = []
    try:
        config = _oci.read_config(body)
    except ValueError as problem:
        problems.append(_in_config(f"not an image configuration: {problem}"))
    digest = _oci.digest_of(body)
    claimed = image.config.rpartition("/")[2].removesuffix(".json")
    if DIGEST.fullmatch(f"sha256:{claimed}") and digest != f"sha256:{claimed}":
        problems.append(_in_config(f"content of sha256:{claimed} has the digest {digest}"))
    return config, digest, problems


def _in_config(reason: str) -> Unread:
    return Unread(kind="file", reason=reason, place="image configuration")


def _is_named(image: _Saved, wanted: str) -> bool:
    tags = image.repo_tags or []
    return wanted in tags or f"{wanted}:latest" in tags or wanted == image.config


def _saved_layers(members: _Members, image: _Saved, config: dict[str, object]) -> list[Blob]:
    ids = _oci.diff_ids(config)
    layers = []
    for number, path in enumerate(image.layers):
        blob = members.blob(path) or Blob(
            open=lambda: iter(()),
            problem=f"the layer's blob cannot be read: the archive lacks {path[:200]!r}"
            if path
            else f"{_MANIFEST} does not say where the layer is",
        )
        claimed = "sha256:" + path.removeprefix(_BLOBS)
        blob.claimed = claimed if path.startswith(_BLOBS) and DIGEST.fullmatch(claimed) else ""
        blob.diff_id = ids[number] if len(ids) == len(image.layers) else ""
        layers.append(blob)
    return layers
