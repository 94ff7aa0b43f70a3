"""An attestation is checked: its signature first, then what it speaks of, its type and its age.

All of it is somebody's word until a key says whose; nothing of an attestation is acted upon before.
"""

import datetime as dt
from collections.abc import Sequence

from msgspec import Struct

from hullmark.scan.attest import bundle, dsse, statement
from hullmark.scan.attest.dsse import EnvelopeError
from hullmark.scan.attest.keys import Verifier
from hullmark.scan.attest.predicates import is_of, kind_of, time_of

_SKEW = dt.timedelta(minutes=5)
"""How far the clock of who signs may be ahead."""


class Candidate(Struct, frozen=True, kw_only=True):
    """What may be an attestation: the document, and where it was found. `problem` says why it could not be read."""

    place: str
    media_type: str = ""
    body: bytes = b""
    problem: str = ""


class Attestation(Struct, frozen=True, kw_only=True):
    """What came of one attestation.

    `identity` and `key` are of the key that signed it, empty where that is none of those that were given; `predicate_type` and `subject` are only
    claimed then. `time` is the one that its predicate says. `reason` says why it does not count.
    """

    verified: bool
    predicate_type: str = ""
    kind: str = ""
    identity: str = ""
    key: str = ""
    subject: str = ""
    time: str = ""
    place: str = ""
    reason: str = ""


class Demand(Struct, frozen=True, kw_only=True):
    """What an attestation must be: of one of the keys, of the image (one of its digests), of one of the types where some are named, not older."""

    keys: Sequence[Verifier]
    digests: Sequence[str]
    types: Sequence[str] = ()
    as_of: dt.datetime
    max_age: dt.timedelta | None = None


class Checked(Struct, frozen=True, kw_only=True):
    """What came of an attestation, and what it says, where it counts."""

    attestation: Attestation
    predicate: bytes = b""


def check(candidate: Candidate, demand: Demand) -> Checked:
    """Check an attestation. Whatever is wrong with it is said in what comes out."""
    noted = {"place": candidate.place}
    try:
        predicate = _checked(candidate, demand, noted)
    except EnvelopeError as problem:
        return Checked(attestation=Attestation(verified=False, reason=str(problem), **noted))
    return Checked(attestation=Attestation(verified=True, **noted), predicate=predicate)


def claimed(candidate: Candidate) -> statement.Statement | None:
    """Give what an attestation says by nobody's word that counts: signed by whomever, or a statement alone, as BuildKit stores it. None for what is none."""
    try:
        try:
            payload = _envelope(candidate)[0].body()
        except EnvelopeError:
            payload = candidate.body
        return statement.decode(payload)
    except EnvelopeError:
        return None


def _checked(candidate: Candidate, demand: Demand, noted: dict[str, str]) -> bytes:
    """Give what an attestation says, and note what it is on the way. Raises `EnvelopeError` where it does not count."""
    if candidate.problem:
        raise EnvelopeError(candidate.problem)
    envelope, certified = _envelope(candidate)
    if envelope.payload_type != statement.PAYLOAD_TYPE:
        raise EnvelopeError(f"what is signed is no in-toto statement but {envelope.payload_type[:100]!r}")
    signers = dsse.signers(envelope, demand.keys)
    said = statement.decode(envelope.body())
    noted |= {"predicate_type": said.predicate_type, "kind": kind_of(said.predicate_type)}
    if not signers:
        raise EnvelopeError(_unsigned(envelope, certified=certified))
    key = demand.keys[signers[0]]
    noted |= {"identity": key.keyid, "key": key.name}
    subject = next((digest for digest in demand.digests if said.speaks_of(digest)), "")
    if not subject:
        raise EnvelopeError("it speaks of another image")
    noted["subject"] = subject
    if demand.types and not any(is_of(said.predicate_type, each) for each in demand.types):
        raise EnvelopeError("its type was not asked for")
    predicate = bytes(said.predicate)
    _check_age(predicate, demand, noted)
    return predicate


def _envelope(candidate: Candidate) -> tuple[dsse.Envelope, bool]:
    """Give the envelope, and whether it was signed with a certificate; what the document is shows in it, where nothing says so."""
    if len(candidate.body) > dsse.MAX_BYTES:
        raise EnvelopeError(f"it is larger than {dsse.MAX_BYTES} bytes")
    is_bundle = candidate.media_type.startswith(bundle.MEDIA_TYPES)
    if is_bundle or (not candidate.media_type and b'"dsseEnvelope"' in candidate.body):
        found = bundle.decode(candidate.body)
        return found.envelope, found.certified
    return dsse.decode(candidate.body), False


def _unsigned(envelope: dsse.Envelope, *, certified: bool) -> str:
    if not envelope.signatures:
        return "it is not signed"
    if certified:
        return "it is signed with a certificate (keyless), which is not checked"
    return "no signature on it is of a key that was given"


def _check_age(predicate: bytes, demand: Demand, noted: dict[str, str]) -> None:
    """Note the time that it says. Raises `EnvelopeError` where that is not good enough."""
    try:
        time = time_of(noted["predicate_type"], predicate)
    except EnvelopeError:
        if demand.max_age is not None:
            raise
        time = None
    if time is not None:
        noted["time"] = time.isoformat(timespec="seconds").replace("+00:00", "Z")
    if demand.max_age is None:
        return
    if time is None:
        raise EnvelopeError("it does not say of what time it is")
    if time - demand.as_of > _SKEW:
        raise EnvelopeError(f"it is of a time that is still to come: {noted['time']}")
    if demand.as_of - time > demand.max_age:
        raise EnvelopeError(f"it is too old: of {noted['time']}")
