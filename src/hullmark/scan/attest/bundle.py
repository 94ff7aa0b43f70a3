"""Sigstore bundles: an envelope, and what it is verified with, in one document.

Format: sigstore/protobuf-specs, `sigstore_bundle.proto`, version 0.3, in JSON (https://docs.sigstore.dev/about/bundle/).
What cosign 3 stores beside an image is one. Of the material only the hint of a public key is used here: certificates
and entries of a log of transparency are not looked at.
"""

import base64

import msgspec
from msgspec import Struct

from hullmark.scan.attest.dsse import Envelope, EnvelopeError

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MEDIA_TYPES = "application/vnd.dev.sigstore.bundle"
"""How those of all versions begin: 0.1 and 0.2 have the version behind, as `+json;version=0.1`."""


class _PublicKey(Struct, frozen=True):
    hint: str = ""


class _Material(Struct, frozen=True, rename="camel", omit_defaults=True):
    public_key: _PublicKey | None = None
    certificate: dict[str, msgspec.Raw] | None = None
    x509_certificate_chain: dict[str, msgspec.Raw] | None = None


class _Bundle(Struct, frozen=True, rename="camel", omit_defaults=True):
    media_type: str
    verification_material: _Material = _Material()
    dsse_envelope: Envelope | None = None


class Bundled(Struct, frozen=True):
    """An envelope out of a bundle, and whether it was signed with a certificate (keyless)."""

    envelope: Envelope
    certified: bool


def encode(envelope: Envelope, keyid: str) -> bytes:
    """Make a bundle of an envelope that was signed with a key; the hint is the hash of the public key in base64, as cosign has it."""
    hint = base64.b64encode(bytes.fromhex(keyid.partition(":")[2])).decode()
    return msgspec.json.encode(_Bundle(MEDIA_TYPE, _Material(_PublicKey(hint)), envelope))


def decode(body: bytes) -> Bundled:
    """Read a bundle. Raises `EnvelopeError`."""
    try:
        found = msgspec.json.decode(body, type=_Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise EnvelopeError(f"it is no Sigstore bundle: {problem}") from problem
    if not found.media_type.startswith(MEDIA_TYPES):
        raise EnvelopeError(f"it is no Sigstore bundle but {found.media_type[:100]!r}")
    if found.dsse_envelope is None:
        raise EnvelopeError("the bundle holds a signature, and no attestation")
    material = found.verification_material
    certified = material.certificate is not None or material.x509_certificate_chain is not None
    return Bundled(found.dsse_envelope, certified)
