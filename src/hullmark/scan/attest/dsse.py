"""DSSE: what is signed, with its type, and the signatures on it.

Format: https://github.com/secure-systems-lab/dsse, `protocol.md` (version 1) and `envelope.md`.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
MAX_BYTES = 64 * 1024 * 1024
"""The SBOM of an image of 20,000 packages is a third of that."""
_MAX_SIGNATURES = 20


class EnvelopeError(ValueError):
    """What should be an envelope is none, or holds what it should not."""


class Signature(Struct, frozen=True):
    """A signature in base64; `keyid` is a hint that nobody has signed."""

    sig: str
    keyid: str | None = ""


class Envelope(Struct, frozen=True, rename="camel"):
    """What is signed, in base64, its type and its signatures."""

    payload: str
    payload_type: str
    signatures: list[Signature] = []

    def body(self) -> bytes:
        """Give what is signed. Raises `EnvelopeError`."""
        return unpacked(self.payload)


class Signing(Protocol):
    """A private key."""

    @property
    def keyid(self) -> str:
        """What its public key is told by."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign."""
        ...


class Checking(Protocol):
    """A public key."""

    def is_good(self, message: bytes, signature: bytes) -> bool:
        """Tell whether a signature on a message is of this key."""
        ...


def pae(payload_type: str, payload: bytes) -> bytes:
    """Give the bytes that are signed ('pre-authentication encoding'): the type and the payload, each with its length."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def signed(payload_type: str, payload: bytes, key: Signing) -> Envelope:
    """Sign, and give the envelope. It names no key: some who verify refuse a name that is not the one they would give it."""
    signature = Signature(base64.b64encode(key.sign(pae(payload_type, payload))).decode())
    return Envelope(base64.b64encode(payload).decode(), payload_type, [signature])


def decode(body: bytes) -> Envelope:
    """Read an envelope. Raises `EnvelopeError`."""
    if len(body) > MAX_BYTES:
        raise EnvelopeError(f"it is larger than {MAX_BYTES} bytes")
    try:
        return msgspec.json.decode(body, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise EnvelopeError(f"it is no DSSE envelope: {problem}") from problem


def signers(envelope: Envelope, keys: Sequence[Checking]) -> list[int]:
    """Give the places of those keys of which one signature is; what it says of its key is not asked. Raises `EnvelopeError`."""
    if len(envelope.signatures) > _MAX_SIGNATURES:
        raise EnvelopeError(
            f"it has {len(envelope.signatures)} signatures, and {_MAX_SIGNATURES} are looked at at most"
        )
    message = pae(envelope.payload_type, envelope.body())
    signatures = [unpacked(each.sig) for each in envelope.signatures]
    return [place for place, key in enumerate(keys) if any(key.is_good(message, each) for each in signatures)]


def unpacked(text: str) -> bytes:
    """Read base64 of either alphabet, as the specification demands of who verifies. Raises `EnvelopeError`."""
    try:
        return base64.b64decode(text.translate(_STANDARD), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise EnvelopeError(f"what should be base64 is not: {problem}") from problem


_STANDARD = str.maketrans("-_", "+/")
