"""Where a published database is kept: a repository of a registry, a folder below a web server, one file.

The folder and the file are OCI image layouts (image-spec 1.1, `image-layout.md`), the file one in a tar archive, so that
`skopeo` and its like can carry them from one to the other. A signature stands as cosign has it: the manifest that is
tagged `sha256-<digest>.sig`, with what was signed as its layer.
"""

import abc
import base64
import contextlib
import io
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import quote

import msgspec
from msgspec import Struct

from hullmark.advisories.database import changing, written
from hullmark.advisories.published import (
    ARTIFACT,
    MAX_DOCUMENT_BYTES,
    Blob,
    Contents,
    Manifest,
    Moved,
    Press,
    Pulled,
    Shelf,
    pull,
    read,
)
from hullmark.images import _oci, wire
from hullmark.images.reference import Reference, parse
from hullmark.images.registry import Registry
from hullmark.images.source import SourceOptions
from hullmark.images.transport import UnreachableError, origin_of
from hullmark.model.errors import FeedError, ImageError, UsageError
from hullmark.model.image import DIGEST

SIGNED = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
NAME = "org.opencontainers.image.ref.name"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MOST_SIGNATURES = 20
_CHUNK = 1 << 20
_RESUMES = 6
_PROGRESS_BYTES = 1 << 20


class _Document(Struct, frozen=True, rename="camel"):
    """A manifest or an index, as far as it matters here."""

    schema_version: int = 2
    media_type: str = ""
    config: Blob | None = None
    manifests: tuple["_Entry", ...] = ()
    layers: tuple[Blob, ...] = ()


class _Entry(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    media_type: str = ""
    digest: str = ""
    size: int = -1
    artifact_type: str = ""
    annotations: dict[str, str] = {}


def shelf_of(address: str, options: SourceOptions) -> "contextlib.AbstractContextManager[Shelf]":
    """Open where a database is published: `oci://HOST/REPOSITORY:TAG`, an `https://` folder, or a file.

    Raises `UsageError` for an address that is none, `FeedError` for a file that cannot be read.
    """
    if address.startswith("oci://"):
        return contextlib.closing(RegistryShelf(parse(address.removeprefix("oci://")), options))
    if address.startswith(("https://", "http://")):
        return contextlib.closing(WebShelf(address, options))
    if Path(address).is_file():
        return contextlib.closing(FileShelf(Path(address)))
    raise UsageError(
        "no database is published there"
        if "://" in address or Path(address).exists()
        else "there is no such file",
        where=address,
        hint="oci://HOST/REPOSITORY:TAG, https://HOST/FOLDER, or a file that db export made",
    )


def signature_name(digest: str) -> str:
    """Give the tag of the signatures on a manifest, as cosign has it."""
    return f"{digest.replace(':', '-')}.sig"


class RegistryShelf:
    """A repository of a registry."""

    def __init__(self, reference: Reference, options: SourceOptions) -> None:
        self._reference = reference
        self._registry = Registry(reference, options)

    def close(self) -> None:
        """Close every connection."""
        self._registry.close()

    def is_empty(self) -> bool:
        """Tell whether nothing has the tag yet."""
        with _as_feed_error():
            return not self._registry.resolve(self._reference)

    def manifest(self, digest: str = "") -> bytes:
        """Give the manifest of the tag, or of a digest."""
        with _as_feed_error():
            return self._registry.manifest(self._reference, digest).body

    def blob(self, blob: Blob) -> Iterator[bytes]:
        """Give a blob's bytes."""
        with _as_feed_error():
            yield from self._registry.blob(
                self._reference, _oci.Descriptor(digest=blob.digest, size=blob.size)
            )

    def signatures(self, digest: str) -> list[tuple[bytes, bytes]]:
        """Give what was signed, and the signatures."""
        name = signature_name(digest)
        tagged = msgspec.structs.replace(self._reference, tag=name, digest="")
        with _as_feed_error():
            if not self._registry.resolve(tagged):
                return []
            return _signatures(self._registry.manifest(tagged).body, self.blob)


class _LayoutShelf(abc.ABC):
    """An image layout, wherever its files are; `where` names it in errors."""

    def __init__(self, where: str) -> None:
        self._where = where

    @abc.abstractmethod
    def blob(self, blob: Blob) -> Iterator[bytes]:
        """Give a blob's bytes."""

    @abc.abstractmethod
    def _document(self, place: str) -> bytes:
        """Give a small file whole."""

    def manifest(self, digest: str = "") -> bytes:
        """Give the manifest of the database."""
        entry = _entry(self._document("index.json"), digest, self._where)
        return _as_named(self._document(_place(entry.digest)), entry)

    def signatures(self, digest: str) -> list[tuple[bytes, bytes]]:
        """Give what was signed, and the signatures."""
        found = _named(self._document("index.json"), signature_name(digest))
        return [
            each for entry in found for each in _signatures(self._document(_place(entry.digest)), self.blob)
        ]


class WebShelf(_LayoutShelf):
    """An image layout below a web server: nothing but static files."""

    def __init__(self, address: str, options: SourceOptions) -> None:
        super().__init__(address.rstrip("/"))
        self._options = options
        self._wire = wire.Wire(options)

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

    def blob(self, blob: Blob) -> Iterator[bytes]:
        """Give a blob's bytes."""
        return self._bytes(_place(blob.digest))

    def _document(self, place: str) -> bytes:
        return _bounded(self._bytes(place), f"{self._where}/{place}")

    def _bytes(self, place: str) -> Iterator[bytes]:
        """Give a file's bytes. A connection that breaks is taken up again where it broke, as far as the server can."""
        import httpx2

        url = f"{self._where}/{quote(place)}"
        offset = broken = mark = 0
        while True:
            try:
                for part in self._from(url, offset):
                    offset += len(part)
                    yield part
            except UnreachableError as problem:
                raise FeedError(problem.what, where=url, hint=problem.hint) from problem
            except httpx2.TransportError as problem:
                broken = 1 if offset - mark >= _PROGRESS_BYTES else broken + 1
                mark = offset
                if broken > _RESUMES or isinstance(problem, httpx2.TimeoutException):
                    told = wire.explained(problem, origin_of(url), self._options)
                    raise FeedError(told.what, where=url, hint=told.hint) from problem
                wire.pause(wire.backoff_s(broken))
            else:
                return

    def _from(self, url: str, offset: int) -> Iterator[bytes]:
        """Give a file's bytes from an offset on. What they are is checked by their digest, so no validator is asked for."""
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        answer = self._wire.send("GET", url, headers=headers)
        with contextlib.closing(answer):
            skipped = offset
            if offset and answer.status_code == 206 and wire.starts_at(answer, offset):
                skipped = 0
            elif answer.status_code != 200:
                raise FeedError(f"{origin_of(url).address} answers {answer.status_code}", where=url)
            for part in wire.received(answer, self._options):
                rest = part[skipped:]
                skipped -= len(part) - len(rest)
                if rest:
                    yield rest


class FileShelf(_LayoutShelf):
    """One file: an image layout in a tar archive."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        try:
            self._archive = tarfile.open(path, "r:")  # noqa: SIM115  # until it is closed
            self._members = {member.name: member for member in self._archive if member.isreg()}
        except (OSError, tarfile.TarError) as problem:
            raise FeedError(f"it is no exported database: {problem}", where=str(path)) from problem

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def blob(self, blob: Blob) -> Iterator[bytes]:
        """Give a blob's bytes."""
        with self._open(_place(blob.digest)) as file:
            while chunk := file.read(_CHUNK):
                yield chunk

    def _document(self, name: str) -> bytes:
        with self._open(name) as file:
            return _bounded(iter(lambda: file.read(_CHUNK), b""), f"{self._where}: {name}")

    def _open(self, name: str) -> IO[bytes]:
        member = self._members.get(name)
        stream = self._archive.extractfile(member) if member is not None else None
        if stream is None:
            raise FeedError(f"{name} is not in it", where=self._where)
        return stream


# ── putting it there ────────────────────────────────────────────────────────────────────────────────────


class RegistryPress:
    """Puts a database into a repository of a registry."""

    def __init__(self, reference: Reference, options: SourceOptions) -> None:
        self._reference = reference
        self._registry = Registry(reference, options)

    def close(self) -> None:
        """Close every connection."""
        self._registry.close()

    def put(self, blob: Blob, path: Path) -> None:
        """Upload a blob that is not there."""
        with _as_feed_error(), path.open("rb") as file:
            self._registry.upload(self._reference, blob.digest, blob.size, file)

    def finish(self, manifest: bytes, signature: tuple[bytes, bytes] | None) -> None:
        """Upload the signature, then the manifest that it is on: who sees the one finds the other."""
        with _as_feed_error():
            if signature is not None:
                document, blobs = _signature_manifest(signature)
                for digest, body in blobs.items():
                    self._registry.upload(self._reference, digest, len(body), io.BytesIO(body))
                tag = signature_name(_oci.digest_of(manifest))
                self._registry.publish(self._reference, tag, document, _oci.OCI_MANIFEST)
            self._registry.publish(self._reference, self._reference.tag, manifest, _oci.OCI_MANIFEST)


class FilePress:
    """Writes a database into one file, which has its name when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.with_name(f".{path.name}.tmp")
        self._archive = tarfile.open(self._beside, "w")  # noqa: SIM115  # until it is finished
        self._there: set[str] = set()

    def close(self) -> None:
        """Leave nothing half made behind."""
        self._archive.close()
        self._beside.unlink(missing_ok=True)

    def put(self, blob: Blob, path: Path) -> None:
        """Add a blob."""
        if blob.digest in self._there:
            return
        self._there.add(blob.digest)
        with path.open("rb") as file:
            self._archive.addfile(_member(_place(blob.digest), blob.size), file)

    def finish(self, manifest: bytes, signature: tuple[bytes, bytes] | None) -> None:
        """Add the documents, and give the file its name."""
        entries = [
            _Entry(
                media_type=_oci.OCI_MANIFEST,
                digest=_oci.digest_of(manifest),
                size=len(manifest),
                artifact_type=ARTIFACT,
                annotations={NAME: "latest"},
            )
        ]
        self._add(_place(_oci.digest_of(manifest)), manifest)
        if signature is not None:
            document, blobs = _signature_manifest(signature)
            for digest, body in (*blobs.items(), (_oci.digest_of(document), document)):
                self._add(_place(digest), body)
            named = {NAME: signature_name(_oci.digest_of(manifest))}
            entries.append(
                _Entry(
                    media_type=_oci.OCI_MANIFEST,
                    digest=_oci.digest_of(document),
                    size=len(document),
                    annotations=named,
                )
            )
        index = {"schemaVersion": 2, "mediaType": _oci.OCI_INDEX, "manifests": entries}
        self._add("index.json", msgspec.json.encode(index))
        self._add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        self._archive.close()
        self._beside.replace(self._path)

    def _add(self, name: str, body: bytes) -> None:
        self._archive.addfile(_member(name, len(body)), io.BytesIO(body))


def press_of(address: str, options: SourceOptions) -> "contextlib.AbstractContextManager[Press]":
    """Open where a database is to be published: `oci://HOST/REPOSITORY:TAG`, or a file."""
    if address.startswith("oci://"):
        return contextlib.closing(RegistryPress(_tag(address), options))
    if "://" in address:
        raise UsageError("nothing can be published there", where=address, hint="oci://HOST/REPOSITORY:TAG")
    return contextlib.closing(FilePress(Path(address)))


def published_before(address: str, options: SourceOptions) -> tuple[Manifest, Contents] | None:
    """Read what a push to a registry would follow; None where there is nothing, or it is of another format.

    Raises `FeedError` where that cannot be told: what is pushed then might not be what others can go on with.
    """
    with contextlib.closing(RegistryShelf(_tag(address), options)) as shelf:
        return None if shelf.is_empty() else read(shelf)


def _tag(address: str) -> Reference:
    reference = parse(address.removeprefix("oci://"))
    if reference.digest:
        raise UsageError("a database is published under a tag, not a digest", where=address)
    return reference


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Describe a member of the file: the same content makes the same file, byte for byte."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info


def _place(digest: str) -> str:
    if not DIGEST.fullmatch(digest):
        raise FeedError(f"{digest[:80]!r} is no digest")
    return f"blobs/{digest.replace(':', '/')}"


def _decoded(body: bytes, where: str) -> _Document:
    try:
        return msgspec.json.decode(body, type=_Document)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise FeedError(f"it cannot be read: {problem}", where=where) from problem


def _entry(index: bytes, digest: str, where: str) -> _Entry:
    """Find the database in a layout's index."""
    for entry in _decoded(index, where).manifests:
        if entry.digest == digest or (
            not digest and entry.artifact_type in {"", ARTIFACT} and not _is_signature(entry)
        ):
            return entry
    raise FeedError(f"no database {digest} is there".replace("  ", " "), where=where)


def _as_named(body: bytes, entry: _Entry) -> bytes:
    """Give a document back when it is the one that the index names."""
    if _oci.digest_of(body) != entry.digest:
        raise FeedError(f"the bytes of {entry.digest} are others than it says")
    return body


def _is_signature(entry: _Entry) -> bool:
    return entry.annotations.get(NAME, "").endswith(".sig")


def _named(index: bytes, name: str) -> list[_Entry]:
    return [entry for entry in _decoded(index, name).manifests if entry.annotations.get(NAME) == name]


def _signature_manifest(signature: tuple[bytes, bytes]) -> tuple[bytes, dict[str, bytes]]:
    """Make the manifest of a signature, and the blobs that it names."""
    payload, signed = signature
    config = b"{}"
    layer = Blob(
        media_type=SIGNED,
        digest=_oci.digest_of(payload),
        size=len(payload),
        annotations={SIGNATURE: base64.b64encode(signed).decode()},
    )
    document = {
        "schemaVersion": 2,
        "mediaType": _oci.OCI_MANIFEST,
        "config": Blob(media_type=_CONFIG, digest=_oci.digest_of(config), size=len(config)),
        "layers": [layer],
    }
    return msgspec.json.encode(document), {_oci.digest_of(config): config, _oci.digest_of(payload): payload}


def _signatures(body: bytes, blob: Callable[[Blob], Iterator[bytes]]) -> list[tuple[bytes, bytes]]:
    """Read the signatures of their manifest; those that cannot be read are none."""
    found = []
    for layer in _decoded(body, "a signature").layers[:_MOST_SIGNATURES]:
        with contextlib.suppress(ValueError):
            signed = base64.b64decode(layer.annotations.get(SIGNATURE, ""), validate=True)
            payload = _bounded(blob(layer), "a signature")
            if _oci.digest_of(payload) == layer.digest:
                found.append((payload, signed))
    return found


def _bounded(chunks: Iterator[bytes], where: str) -> bytes:
    parts, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_DOCUMENT_BYTES:
            raise FeedError("it is too long", where=where)
        parts.append(chunk)
    return b"".join(parts)


@contextlib.contextmanager
def _as_feed_error() -> Iterator[None]:
    """Tell of a registry's troubles as of those of other places."""
    try:
        yield
    except ImageError as problem:
        raise FeedError(problem.what, where=problem.where, hint=problem.hint) from problem


def pull_from(
    address: str,
    options: SourceOptions,
    folder: Path,
    parts: Iterable[str] | None,
    *,
    key: str = "",
    revision: str = "",
    moved: Moved = lambda _part, _here, _all: None,
) -> Pulled:
    """Bring a database here that is published at an address, signed by `key` where one is named.

    One process at a time does it; who waited finds that there is little left to do. Raises `FeedError` and `UsageError`.
    """
    verify = None
    if key:
        from hullmark.advisories.signing import verifier

        verify = verifier(Path(key))
    now = written(time.time())
    try:
        with changing(folder, "lock-published"), shelf_of(address, options) as shelf:
            return pull(shelf, folder, parts, now=now, revision=revision, verify=verify, moved=moved)
    except FeedError as problem:
        if problem.where:
            raise
        raise FeedError(problem.what, where=address, hint=problem.hint) from problem
    except OSError as problem:
        raise FeedError(f"cannot be kept: {problem.strerror or problem}", where=str(folder)) from problem
