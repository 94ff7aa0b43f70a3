"""What is attested of an image that was scanned, for the policies that ask who signed it."""

import datetime as dt
from collections.abc import Sequence

from hullmark.images import _oci
from hullmark.images.source import SourceOptions
from hullmark.model.context import Attested
from hullmark.model.report import Report
from hullmark.scan.attest.checking import Demand, check
from hullmark.scan.attest.keys import Verifier
from hullmark.scan.attest.storing import found
from hullmark.scan.attest.targets import Place, at, registry_reference


def attested(report: Report, keys: Sequence[Verifier], options: SourceOptions) -> tuple[Attested, ...]:
    """Give what is attached to the image of a report, and to the index that names it: what is of these keys is verified.

    Nothing for an image that is in no registry. Raises `ImageError` where its registry cannot be asked.
    """
    image = report.image
    reference = registry_reference(image.name) if image is not None and image.source == "registry" else None
    if image is None or reference is None:
        return ()
    as_of = dt.datetime.fromisoformat(report.as_of)
    with at(reference, options) as place:
        told = {
            Attested(
                predicate_type=each.predicate_type,
                identity=each.identity if each.verified else "",
                verified=each.verified,
            )
            for digest in _digests(place, image.digest)
            for candidate in found(place.registry, reference, digest)
            for each in (check(candidate, Demand(keys=keys, digests=(digest,), as_of=as_of)).attestation,)
        }
    return tuple(sorted(told, key=lambda each: (not each.verified, each.predicate_type, each.identity)))


def _digests(place: Place, digest: str) -> list[str]:
    """Give the digest of the image, and that of the index which its reference names, where that has it."""
    root = place.registry.manifest(place.reference)
    if root.digest == digest:
        return [digest]
    manifest = _oci.decode(root.body, place.reference.text)
    listed = {entry.digest for entry in manifest.manifests or ()}
    return [digest, root.digest] if digest in listed else [digest]
