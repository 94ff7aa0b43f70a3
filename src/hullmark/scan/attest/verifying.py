"""All attestations of an image are looked at, and what each comes to is said."""

from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import Struct

from hullmark.scan.attest.checking import Attestation, Candidate, Demand, check
from hullmark.scan.attest.predicates import KINDS, is_of
from hullmark.scan.attest.targets import Named


class VerifiedImage(Struct, frozen=True, kw_only=True):
    """An image of one platform, and what was asked for and is not verified of it."""

    digest: str
    platform: str = ""
    verified: bool
    missing: tuple[str, ...] = ()


class Verification(Struct, frozen=True, kw_only=True):
    """What came of all attestations. `verified` says that each image has each type that was asked for, or any where none was.

    `digest` is that of what the reference points to. What is verified stands first, the newest first.
    """

    reference: str
    digest: str
    as_of: str
    verified: bool
    images: tuple[VerifiedImage, ...]
    attestations: tuple[Attestation, ...]


Find = Callable[[str], Iterable[Candidate]]
"""Gives what may be an attestation of a digest."""


def types_of(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Give the types of predicates that each word means: a name of ours, or a type itself."""
    return {word: KINDS.get(word, (word,)) for word in words}


def verify(
    named: Named, wanted: dict[str, tuple[str, ...]], demand: Demand, find: Find, as_of: str
) -> Verification:
    """Check everything that is attached to an image; `demand` says what is asked of each, but for its subject and type.

    What is said of an index is said of each image in it.
    """
    types = tuple(each for several in wanted.values() for each in several)
    digests = dict.fromkeys((*(target.digest for target in named.targets), named.digest))
    found: list[Attestation] = []
    for digest in digests:
        one = msgspec.structs.replace(demand, digests=(digest,), types=types)
        found += [check(candidate, one).attestation for candidate in find(digest)]
    images = tuple(
        _image(target.digest, str(target.platform or ""), named.digest, wanted, found)
        for target in named.targets
    )
    return Verification(
        reference=named.name,
        digest=named.digest,
        as_of=as_of,
        verified=all(image.verified for image in images),
        images=images,
        attestations=tuple(_ordered(found)),
    )


def _image(
    digest: str, platform: str, root: str, wanted: dict[str, tuple[str, ...]], found: Sequence[Attestation]
) -> VerifiedImage:
    good = [each for each in found if each.verified and each.subject in {digest, root}]
    missing = tuple(
        word
        for word, types in wanted.items()
        if not any(is_of(each.predicate_type, one) for each in good for one in types)
    )
    verified = bool(good) and not missing
    return VerifiedImage(digest=digest, platform=platform, verified=verified, missing=missing)


def _ordered(found: Iterable[Attestation]) -> list[Attestation]:
    """Put what is verified first, the newest of it first; each once, though it may be stored in two ways."""
    once = {
        (each.verified, each.predicate_type, each.place, each.subject, each.reason, each.time): each
        for each in found
    }
    by_name = sorted(once.values(), key=lambda each: (each.predicate_type, each.place, each.reason))
    by_time = sorted(by_name, key=lambda each: each.time, reverse=True)
    return sorted(by_time, key=lambda each: not each.verified)
