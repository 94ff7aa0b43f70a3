"""What is stored beside an image in its repository and refers to it: signatures, attestations, SBOMs.

Formats: the OCI distribution specification 1.1 ('Listing Referrers', 'Pushing Manifests with Subject', 'Unavailable
Referrers API', 'Referrers Tag Schema') and the OCI image specification 1.1, manifest.md, 'Guidelines for Artifact
Usage'. None of it is to be believed: whoever may write to the repository may say anything of any image.
"""

import contextlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import quote, urljoin

import msgspec
from msgspec import Struct

from hullmark.images import _oci
from hullmark.images.reference import Reference
from hullmark.images.registry import Document, Registry
from hullmark.images.transport import UnreachableError, origin_of
from hullmark.model.errors import ImageError
from hullmark.model.image import DIGEST

if TYPE_CHECKING:
    import httpx2

_EMPTY_BODY = b"{}"
_MAX_REFERRERS = 5_000
_MAX_PAGES = 100
_MAX_LAYERS = 1_000
_TRIES = 5
_NO_API = frozenset((400, 404, 405, 406, 501))
"""What registries answer that know of no referrers; 404 is the specification's own."""
_NEXT = re.compile(r'<([^<>]{1,4096})>\s*;\s*rel="?next"?')


class Subject(Protocol):
    """What is referred to: a manifest or an index."""

    @property
    def digest(self) -> str:
        """Its digest."""
        ...

    @property
    def media_type(self) -> str:
        """Its media type."""
        ...

    @property
    def size(self) -> int:
        """Its size in bytes."""
        ...


class Referrer(Struct, frozen=True, kw_only=True):
    """A manifest that refers to an image, as its registry lists it."""

    digest: str
    media_type: str
    size: int
    artifact_type: str = ""
    annotations: dict[str, str] = {}


class Content(NamedTuple):
    """One layer of a referrer; its bytes have the digest that its manifest gives."""

    media_type: str
    annotations: dict[str, str]
    body: bytes


class _Entry(Struct, rename="camel"):
    """A descriptor in a list of referrers."""

    digest: str
    size: int
    media_type: str = ""
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None


class _List(Struct, rename="camel"):
    manifests: list[_Entry] | None = None


class _Artifact(Struct, rename="camel"):
    """What the manifest of an artifact says of itself."""

    artifact_type: str = ""
    config: _oci.Descriptor | None = None
    annotations: dict[str, str] | None = None


# ── what is there ───────────────────────────────────────────────────────────────────────────────────────


def attached(
    registry: Registry, reference: Reference, digest: str, artifact_type: str = ""
) -> tuple[Referrer, ...]:
    """Give what refers to a digest in the reference's repository, each once, sorted; with a type, only that.

    Asks the referrers API, and reads the fallback tag where there is none. That what is listed has this subject
    is the registry's word. Raises `ImageError` for a list that cannot be read whole.
    """
    _check_digest(digest, reference)
    listed = _listed(registry, reference, digest, artifact_type)
    if listed is None:
        document = _document(registry, reference, fallback_tag(digest))
        listed = [] if document is None else _entries(_index(document, reference), reference)
    found = {
        entry.digest: Referrer(
            digest=entry.digest,
            media_type=entry.media_type,
            size=entry.size,
            artifact_type=entry.artifact_type or "",
            annotations=entry.annotations or {},
        )
        for entry in reversed(listed)
    }
    fitting = (each for each in found.values() if artifact_type in {"", each.artifact_type})
    return tuple(sorted(fitting, key=lambda each: (each.artifact_type, each.digest)))


def tagged(registry: Registry, reference: Reference, tag: str) -> Referrer | None:
    """Give the manifest at a tag of the reference's repository, as cosign stores its own; None where there is none."""
    document = _document(registry, reference, tag)
    if document is None:
        return None
    try:
        _oci.check_values(document.body)
        said = msgspec.json.decode(document.body, type=_Artifact)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as problem:
        raise _broken(f"the manifest at the tag {tag}", problem, reference) from problem
    return Referrer(
        digest=document.digest,
        media_type=document.media_type,
        size=len(document.body),
        artifact_type=said.artifact_type or (said.config.media_type if said.config is not None else ""),
        annotations=said.annotations or {},
    )


def contents(registry: Registry, reference: Reference, referrer: Subject, limit: int) -> Iterator[Content]:
    """Give the layers of a referrer in their order, their digests checked; together never more than `limit` bytes.

    Raises `ImageError` for what is no manifest, too large, or not what its descriptor says.
    """
    described = _oci.Descriptor(digest=referrer.digest, size=referrer.size)
    _check_digest(referrer.digest, reference)
    body = _oci.verified(registry.manifest(reference, referrer.digest).body, described, reference.text)
    try:
        _oci.check_values(body)
    except ValueError as problem:
        raise _broken(f"the manifest {referrer.digest}", problem, reference) from problem
    layers = _oci.decode(body, reference.text).layers
    if layers is None:
        raise ImageError(f"{referrer.digest} is no manifest with layers", where=reference.text)
    if len(layers) > _MAX_LAYERS:
        raise ImageError(
            f"{referrer.digest} has {len(layers)} layers, more than {_MAX_LAYERS}", where=reference.text
        )
    left = limit
    for layer in layers:
        if problem_said := _oci.layer_problem(layer):
            raise ImageError(f"{referrer.digest}: {problem_said}", where=reference.text)
        if not 0 <= layer.size <= left:
            raise ImageError(
                f"the layers of {referrer.digest} have more than {limit} bytes, or do not say how many",
                where=reference.text,
            )
        left -= layer.size
        content = b"".join(registry.blob(reference, layer))
        yield Content(layer.media_type, layer.annotations, _oci.verified(content, layer, reference.text))


def fallback_tag(digest: str) -> str:
    """Give the tag under which referrers are listed where the registry does not list them ('Referrers Tag Schema')."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"


# ── what is put there ───────────────────────────────────────────────────────────────────────────────────


def attach(
    registry: Registry,
    reference: Reference,
    subject: Subject,
    artifact_type: str,
    layers: Sequence[tuple[str, bytes, Mapping[str, str]]],
    annotations: Mapping[str, str],
) -> str:
    """Store an artifact that refers to an image of the reference's repository; give its digest.

    The same artifact is stored and listed once, however often it is attached. Where the registry does not list
    referrers, the list at the fallback tag is extended: what others put there stays as it is. Registries have no lock
    for that: of two who write at once each looks again and repeats what is lost of its own, but one that has looked
    already can still be overwritten by a third that read before it wrote. Raises `ImageError`.
    """
    _check_digest(subject.digest, reference)
    blobs = [(kind, body, dict(words)) for kind, body, words in layers] or [(_oci.EMPTY, _EMPTY_BODY, {})]
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": _oci.OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": _descriptor(_oci.EMPTY, _EMPTY_BODY),
        "layers": [_descriptor(*blob) for blob in blobs],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
    }
    if annotations:
        manifest["annotations"] = dict(sorted(annotations.items()))
    for content in (_EMPTY_BODY, *(content for _, content, _ in blobs)):
        registry.upload(reference, _oci.digest_of(content), len(content), io.BytesIO(content))
    document = msgspec.json.encode(manifest)
    return put(
        registry, reference, Document(document, _oci.digest_of(document), _oci.OCI_MANIFEST), subject.digest
    )


def put(registry: Registry, reference: Reference, document: Document, subject: str) -> str:
    """Store the manifest or index of a referrer, whose parts are there, by its digest, and have it listed; give the digest."""
    noted = registry.publish(reference, document.digest, document.body, document.media_type)
    if noted != subject:
        _list_at_tag(registry, reference, subject, _entry_of(document, reference))
    return document.digest


def _list_at_tag(registry: Registry, reference: Reference, subject: str, entry: dict[str, Any]) -> None:
    """Add an entry to the list at the fallback tag, unless it is there."""
    tag = fallback_tag(subject)
    for _try in range(_TRIES):
        document = _document(registry, reference, tag)
        index = _index(document, reference) if document is not None else _new_index()
        listed = _entries(index, reference)
        if any(each.digest == entry["digest"] for each in listed):
            return
        if len(listed) >= _MAX_REFERRERS:
            raise ImageError(
                f"the tag {tag} lists {len(listed)} referrers, and no more are added", where=reference.text
            )
        manifests = [*(index.get("manifests") or []), entry]
        registry.publish(
            reference, tag, msgspec.json.encode(index | {"manifests": manifests}), _oci.OCI_INDEX
        )
    document = _document(registry, reference, tag)
    listed = [] if document is None else _entries(_index(document, reference), reference)
    if all(each.digest != entry["digest"] for each in listed):
        raise ImageError(
            f"the list at the tag {tag} is overwritten by others again and again",
            where=reference.text,
            hint="try again later",
        )


def _entry_of(document: Document, reference: Reference) -> dict[str, Any]:
    """Describe a referrer as a list of them must: with its type and its annotations."""
    try:
        said = msgspec.json.decode(document.body, type=_Artifact)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise _broken(f"the manifest {document.digest}", problem, reference) from problem
    entry: dict[str, Any] = {
        "mediaType": document.media_type,
        "digest": document.digest,
        "size": len(document.body),
    }
    kind = said.artifact_type or (said.config.media_type if said.config is not None else "")
    if kind:
        entry["artifactType"] = kind
    if said.annotations:
        entry["annotations"] = dict(sorted(said.annotations.items()))
    return entry


def _new_index() -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": _oci.OCI_INDEX, "manifests": []}


def _descriptor(media_type: str, body: bytes, annotations: Mapping[str, str] | None = None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "mediaType": media_type,
        "digest": _oci.digest_of(body),
        "size": len(body),
    }
    if annotations:
        described["annotations"] = dict(sorted(annotations.items()))
    return described


# ── lists of referrers ──────────────────────────────────────────────────────────────────────────────────


def _listed(registry: Registry, reference: Reference, digest: str, artifact_type: str) -> list[_Entry] | None:
    """Read the list of the referrers API, page by page; None where the registry has none.

    Whether the registry has filtered (`OCI-Filters-Applied`) changes nothing: the caller does it anyway.
    """
    path = f"referrers/{digest}" + (f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else "")
    left = registry.options.limits.document_bytes
    found: list[_Entry] = []
    asked: set[str] = set()
    while path:
        if path in asked or len(asked) >= _MAX_PAGES:
            raise ImageError(f"the list of what refers to {digest} has no end", where=reference.text)
        answer = registry.send("GET", path, reference, headers={"Accept": _oci.OCI_INDEX})
        with contextlib.closing(answer):
            kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            unknown = answer.status_code == 200 and kind != _oci.OCI_INDEX
            if not asked and (answer.status_code in _NO_API or unknown):
                return None
            registry.check(reference, answer)
            body = registry.body(reference, answer, left)
            asked.add(path)
            path = _next(registry, reference, answer)
        left -= len(body)
        found += _entries(_decoded(body, reference), reference)
        _check_count(len(found), reference)
    return found


def _next(registry: Registry, reference: Reference, answer: "httpx2.Response") -> str:
    """Give the URL of the next page (RFC 8288), which must be the same registry's; empty on the last."""
    match = _NEXT.search(answer.headers.get("link", "")[:8_192])
    if match is None:
        return ""
    base = registry.base
    try:
        url: str = urljoin(f"{base}{answer.request.url.path}", match[1])
        is_own = origin_of(url) == origin_of(base)
    except (ValueError, UnreachableError):
        is_own = False
    if not is_own:
        raise ImageError(
            f"{registry.address} sends on to another host for what refers to an image", where=reference.text
        )
    return url


def _document(registry: Registry, reference: Reference, tag: str) -> Document | None:
    """Fetch what a tag of the reference's repository points to now; None where there is no such tag."""
    named = msgspec.structs.replace(reference, tag=tag, digest="")
    digest = registry.resolve(named)
    return registry.manifest(named, digest) if digest else None


def _index(document: Document, reference: Reference) -> dict[str, Any]:
    """Decode the list at a fallback tag."""
    if document.media_type != _oci.OCI_INDEX:
        raise ImageError(
            f"what should list referrers, {document.digest}, is no index but {document.media_type[:100]!r}",
            where=reference.text,
            hint="the tag is someone's mistake: remove it",
        )
    return _decoded(document.body, reference)


def _decoded(body: bytes, reference: Reference) -> dict[str, Any]:
    try:
        _oci.check_values(body)
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as problem:
        raise _broken("a list of referrers", problem, reference) from problem
    if not isinstance(found, dict):
        raise ImageError("a list of referrers is no JSON object", where=reference.text)
    return found


def _entries(index: Mapping[str, Any], reference: Reference) -> list[_Entry]:
    """Take the descriptors out of an index. Raises `ImageError` for one that is none."""
    try:
        found = msgspec.convert(index, _List).manifests or []
    except msgspec.ValidationError as problem:
        raise _broken("a list of referrers", problem, reference) from problem
    _check_count(len(found), reference)
    for entry in found:
        _check_digest(entry.digest, reference)
    return found


def _check_count(count: int, reference: Reference) -> None:
    if count > _MAX_REFERRERS:
        raise ImageError(
            f"{count} referrers are listed, and {_MAX_REFERRERS} are read at most", where=reference.text
        )


def _check_digest(digest: str, reference: Reference) -> None:
    if not DIGEST.fullmatch(digest):
        raise ImageError(f"{digest[:80]!r} is no digest", where=reference.text)


def _broken(what: str, problem: Exception, reference: Reference) -> ImageError:
    return ImageError(f"{what} cannot be read: {problem}", where=reference.text)
