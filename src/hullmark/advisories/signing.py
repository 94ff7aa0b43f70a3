"""Signatures on a published database, as cosign makes and checks them with a key pair.

What is signed is cosign's simple signing payload, which names the manifest's digest
(https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md); ECDSA over P-256 with SHA-256, in DER. A key is a
PEM file, as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes it. Needs the package `cryptography`,
which the extra `verify` installs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from hullmark.model.errors import FeedError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

_TYPE = "cosign container image signature"


class _Image(Struct, frozen=True):
    digest: str = msgspec.field(name="docker-manifest-digest")


class _Identity(Struct, frozen=True):
    reference: str = msgspec.field(name="docker-reference", default="")


class _Critical(Struct, frozen=True):
    identity: _Identity
    image: _Image
    type: str


class _Payload(Struct, frozen=True):
    critical: _Critical
    optional: dict[str, str] | None = None


def signer(path: Path) -> Callable[[str], tuple[bytes, bytes]]:
    """Make what signs a manifest's digest: it gives what was signed, and the signature. Raises `UsageError`."""
    key = _key(path, private=True)

    def sign(digest: str) -> tuple[bytes, bytes]:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        payload = msgspec.json.encode(_Payload(_Critical(_Identity(), _Image(digest), _TYPE)))
        return payload, key.sign(payload, ec.ECDSA(hashes.SHA256()))  # type: ignore[union-attr]

    return sign


def verifier(path: Path) -> Callable[[list[tuple[bytes, bytes]], str], None]:
    """Make what checks that one of the signatures on a digest is of this key; it raises `FeedError`. Raises `UsageError`."""
    key = _key(path, private=False)

    def verify(signatures: list[tuple[bytes, bytes]], digest: str) -> None:
        if not any(_is_good(key, payload, signed, digest) for payload, signed in signatures):  # type: ignore[arg-type]
            what = "no signature on it is of this key" if signatures else "it is not signed"
            raise FeedError(f"{digest}: {what}", where=str(path), hint="nothing of it was taken")

    return verify


def _is_good(key: "ec.EllipticCurvePublicKey", payload: bytes, signed: bytes, digest: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key.verify(signed, payload, ec.ECDSA(hashes.SHA256()))
        said = msgspec.json.decode(payload, type=_Payload)
    except (InvalidSignature, msgspec.DecodeError):
        return False
    return said.critical.image.digest == digest and said.critical.type == _TYPE


def _key(path: Path, *, private: bool) -> "ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey":
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as problem:
        raise UsageError(
            "signatures need the package cryptography", hint="pip install 'hullmark[verify]'"
        ) from problem
    kind = "private" if private else "public"
    try:
        body = path.read_bytes()
        found = (
            serialization.load_pem_private_key(body, None)
            if private
            else serialization.load_pem_public_key(body)
        )
    except (OSError, ValueError, TypeError) as problem:
        raise UsageError(f"it is no {kind} key in PEM: {problem}", where=str(path)) from problem
    wanted = ec.EllipticCurvePrivateKey if private else ec.EllipticCurvePublicKey
    if not isinstance(found, wanted) or found.curve.name != "secp256r1":
        raise UsageError(f"it is no {kind} key of the curve P-256", where=str(path))
    return found
