"""in-toto statements: a predicate, and the things that it is said of.

Format: https://github.com/in-toto/attestation, `spec/v1/statement.md`; statements of 0.1, which cosign writes, are read alike.
"""

import msgspec
from msgspec import Struct

from hullmark.scan.attest.dsse import EnvelopeError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
TYPE = "https://in-toto.io/Statement/v1"
_TYPES = frozenset((TYPE, "https://in-toto.io/Statement/v0.1"))
_MAX_SUBJECTS = 10_000


class Subject(Struct, frozen=True, omit_defaults=True):
    """A thing, by its digests: algorithm and hex."""

    digest: dict[str, str] = {}
    name: str = ""

    def is_it(self, digest: str) -> bool:
        """Tell whether it is what has this digest (`sha256:…`)."""
        algorithm, _, encoded = digest.partition(":")
        return bool(encoded) and self.digest.get(algorithm) == encoded


class Statement(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is said of some things: a predicate, as it stands in the document, of a type."""

    type: str = msgspec.field(name="_type")
    subject: list[Subject]
    predicate_type: str
    predicate: msgspec.Raw = msgspec.Raw(b"null")

    def speaks_of(self, digest: str) -> bool:
        """Tell whether something is said of what has this digest."""
        return any(each.is_it(digest) for each in self.subject)


def encode(name: str, digest: str, predicate_type: str, predicate: bytes) -> bytes:
    """Make the statement that says a predicate (JSON) of an image with a digest."""
    algorithm, _, encoded = digest.partition(":")
    subject = Subject({algorithm: encoded}, name)
    return msgspec.json.encode(
        Statement(
            type=TYPE, subject=[subject], predicate_type=predicate_type, predicate=msgspec.Raw(predicate)
        )
    )


def decode(payload: bytes) -> Statement:
    """Read a statement. Raises `EnvelopeError`."""
    try:
        found = msgspec.json.decode(payload, type=Statement)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise EnvelopeError(f"what is signed is no in-toto statement: {problem}") from problem
    if found.type not in _TYPES:
        raise EnvelopeError(f"what is signed is no in-toto statement but {found.type[:100]!r}")
    if len(found.subject) > _MAX_SUBJECTS:
        raise EnvelopeError(f"it speaks of {len(found.subject)} things, more than {_MAX_SUBJECTS}")
    return found
