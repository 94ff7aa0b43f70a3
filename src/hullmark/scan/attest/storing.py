"""Attestations beside their image in a registry, and in files.

They are stored as cosign 3 does: a referrer of the type of Sigstore's bundles, with one bundle. They are found as such, as referrers of the types
of DSSE and in-toto, and at the tag `sha256-….att` where cosign 1 and 2 keep theirs (https://github.com/sigstore/cosign, `specs/SIGNATURE_SPEC.md`).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hullmark.images import _oci, referrers
from hullmark.images.reference import Reference
from hullmark.images.referrers import Referrer
from hullmark.images.registry import Registry
from hullmark.model.errors import ImageError, UsageError
from hullmark.scan.attest import bundle, dsse, statement
from hullmark.scan.attest.checking import Candidate

_ENVELOPES = frozenset((dsse.MEDIA_TYPE, statement.PAYLOAD_TYPE, "application/vnd.in-toto+dsse"))
_MAX_ATTESTATIONS = 200
"""Each may have many bytes, and whoever may write to the repository adds as many as they like."""
_MAX_BYTES = 256 * 1024 * 1024
_CREATED = "org.opencontainers.image.created"
_CONTENT = "dev.sigstore.bundle.content"
_PREDICATE = "dev.sigstore.bundle.predicateType"
_BUILDKIT = {"vnd.docker.reference.type": "attestation-manifest"}
_IMAGE = "vnd.docker.reference.digest"


def store(
    registry: Registry, reference: Reference, digest: str, body: bytes, predicate_type: str, as_of: str
) -> str:
    """Store a bundle beside the image of a digest; give the digest that it is found by. Raises `ImageError`."""
    manifest = registry.manifest(reference, digest)
    subject = _oci.Descriptor(digest=digest, size=len(manifest.body), media_type=manifest.media_type)
    words = {_CONTENT: "dsse-envelope", _CREATED: as_of, _PREDICATE: predicate_type}
    return referrers.attach(
        registry, reference, subject, bundle.MEDIA_TYPE, [(bundle.MEDIA_TYPE, body, {})], words
    )


def found(registry: Registry, reference: Reference, digest: str) -> Iterator[Candidate]:
    """Give what may be an attestation of an image, in a fixed order. Raises `ImageError` where the registry cannot say what there is.

    One that cannot be read is given with the reason: another may be good.
    """
    listed = [each for each in referrers.attached(registry, reference, digest) if _may_be(each)]
    left = _MAX_BYTES
    for each in listed[:_MAX_ATTESTATIONS]:
        for candidate in _contents(registry, reference, each, each.digest, left):
            left -= len(candidate.body)
            yield candidate
    if len(listed) > _MAX_ATTESTATIONS:
        rest = len(listed) - _MAX_ATTESTATIONS
        yield Candidate(
            place=digest, problem=f"{rest} more are attached, and {_MAX_ATTESTATIONS} are read at most"
        )
    tag = f"{digest.replace(':', '-')}.att"
    try:
        legacy = referrers.tagged(registry, reference, tag)
    except ImageError as problem:
        yield Candidate(place=tag, problem=f"it cannot be read: {problem.what}")
        return
    if legacy is not None:
        yield from _contents(registry, reference, legacy, tag, left)


def inside(
    registry: Registry, reference: Reference, listed: Sequence[_oci.Descriptor], digest: str
) -> Iterator[Candidate]:
    """Give what an index has that is said of one of its images, as BuildKit stores it: a manifest beside the image's, with a statement in each layer.

    Format: https://github.com/moby/buildkit, `docs/attestations/attestation-storage.md`.
    """
    left = _MAX_BYTES
    own = [each for each in listed if _BUILDKIT.items() <= each.annotations.items()]
    for each in [each for each in own if each.annotations.get(_IMAGE) == digest][:_MAX_ATTESTATIONS]:
        referrer = Referrer(digest=each.digest, media_type=each.media_type, size=each.size)
        for candidate in _contents(registry, reference, referrer, each.digest, left):
            left -= len(candidate.body)
            yield candidate


def read(path: Path) -> Iterator[Candidate]:
    """Give the attestations of a file: one, or one a line. Raises `UsageError`."""
    try:
        with path.open("rb") as file:
            body = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise UsageError(f"cannot be read: {reason}", where=str(path)) from problem
    if len(body) > _MAX_BYTES:
        raise UsageError(f"larger than {_MAX_BYTES} bytes", where=str(path))
    lines = [line for line in body.splitlines() if line.strip()]
    is_one = not lines or not lines[0].rstrip().endswith(b"}")
    if is_one or len(lines) == 1:
        yield Candidate(place=str(path), body=body)
        return
    for number, line in enumerate(lines[:_MAX_ATTESTATIONS], 1):
        yield Candidate(place=f"{path}:{number}", body=line)
    if len(lines) > _MAX_ATTESTATIONS:
        yield Candidate(
            place=str(path), problem=f"it has {len(lines)} lines, and {_MAX_ATTESTATIONS} are read at most"
        )


def _may_be(referrer: Referrer) -> bool:
    return referrer.artifact_type.startswith(bundle.MEDIA_TYPES) or referrer.artifact_type in _ENVELOPES


def _contents(
    registry: Registry, reference: Reference, referrer: Referrer, place: str, left: int
) -> Iterator[Candidate]:
    try:
        for number, content in enumerate(referrers.contents(registry, reference, referrer, left)):
            if number >= _MAX_ATTESTATIONS:
                yield Candidate(place=place, problem=f"more than {_MAX_ATTESTATIONS} in one place")
                return
            media_type = content.media_type
            if media_type.startswith(bundle.MEDIA_TYPES) or media_type in _ENVELOPES:
                yield Candidate(place=place, media_type=media_type, body=content.body)
    except ImageError as problem:
        yield Candidate(place=place, problem=f"it cannot be read: {problem.what}")
