"""Keys: what signs, and what checks a signature, with the algorithms that cosign takes for each kind of key.

ECDSA with SHA-256 (P-256), SHA-384 (P-384) or SHA-512 (P-521), Ed25519, RSA with PKCS #1 1.5 and SHA-256. Files are PEM: PKCS #8, SEC 1, PKCS #1 and
cosign's sealed ones; public keys are SubjectPublicKeyInfo. Needs the package `cryptography`, which the extra `verify` installs.
"""

import base64
import binascii
import functools
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from hullmark.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

_MAX_BYTES = 1024 * 1024
_LEAST_RSA_BITS = 2048
_SEALED = re.compile(
    rb"-----BEGIN (ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY)-----([A-Za-z0-9+/=\s]+)-----END \1-----"
)
_CURVES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}


class Signer:
    """A private key. `keyid` is `sha256:` and the hash of its public key (SubjectPublicKeyInfo in DER)."""

    def __init__(self, key: "Private") -> None:
        self._key = key
        self.keyid = _keyid(key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Sign. The same message has the same signature, where the machine's OpenSSL can do that for ECDSA (RFC 6979)."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(message, _ecdsa(self._key))
        return self._key.sign(message)


class Verifier:
    """A public key, of a file. `keyid` is as `Signer` has it."""

    def __init__(self, key: "Public", name: str) -> None:
        self._key = key
        self.name = name
        self.keyid = _keyid(key)

    def is_good(self, message: bytes, signature: bytes) -> bool:
        """Tell whether a signature on a message is of this key. RSA-PSS is taken too, and SHA-256 with any curve, as older signers have it."""
        from cryptography.exceptions import InvalidSignature

        for way in self._ways():
            try:
                way(signature, message)
            except InvalidSignature:
                continue
            return True
        return False

    def _ways(self) -> "Iterator[Callable[[bytes, bytes], None]]":
        """Give the ways to sign with such a key; each raises `InvalidSignature` for what was not signed so."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

        key = self._key
        sha256 = hashes.SHA256()
        if isinstance(key, rsa.RSAPublicKey):
            for padded in (padding.PKCS1v15(), padding.PSS(padding.MGF1(sha256), padding.PSS.AUTO)):
                yield functools.partial(key.verify, padding=padded, algorithm=sha256)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            for hashed in (getattr(hashes, _CURVES[key.curve.name])(), sha256):
                yield functools.partial(key.verify, signature_algorithm=ec.ECDSA(hashed))
        else:
            yield key.verify


def load_signer(path: Path, password: bytes) -> Signer:
    """Read a private key; `password` opens one that is sealed. Raises `UsageError`."""
    body = _body(path, "private")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        if (sealed := _SEALED.search(body)) is not None:
            from hullmark.scan.attest._secretbox import unsealed

            key = serialization.load_der_private_key(unsealed(base64.b64decode(sealed[2]), password), None)
        else:
            is_sealed = b"ENCRYPTED" in body
            key = serialization.load_pem_private_key(body, password if is_sealed else None)
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm) as problem:
        hint = "COSIGN_PASSWORD has its password" if b"ENCRYPTED" in body else ""
        raise UsageError(f"it is no private key in PEM: {problem}", where=str(path), hint=hint) from problem
    _check(key.public_key(), path)
    return Signer(key)  # type: ignore[arg-type]


def load_verifier(path: Path) -> Verifier:
    """Read a public key. Raises `UsageError`."""
    body = _body(path, "public")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_public_key(body)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        hint = "it is the private one" if b"PRIVATE KEY" in body else ""
        raise UsageError(f"it is no public key in PEM: {problem}", where=str(path), hint=hint) from problem
    _check(key, path)
    return Verifier(key, str(path))  # type: ignore[arg-type]


def _body(path: Path, kind: str) -> bytes:
    try:
        import cryptography  # noqa: F401  # here only to say what is missing
    except ImportError as problem:
        raise UsageError(
            "signatures need the package cryptography", hint="pip install 'hullmark[verify]'"
        ) from problem
    try:
        with path.open("rb") as file:
            body = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise UsageError(f"the {kind} key cannot be read: {reason}", where=str(path)) from problem
    if len(body) > _MAX_BYTES:
        raise UsageError(f"it is no {kind} key in PEM: it has more than {_MAX_BYTES} bytes", where=str(path))
    return body


def _check(key: object, path: Path) -> None:
    """Refuse keys of a kind that cosign does not take, and those that are too short."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        raise UsageError(f"an RSA key of {key.key_size} bits is too short", where=str(path))
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _CURVES:
        raise UsageError(f"keys of the curve {key.curve.name} are not used", where=str(path))
    if not isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        raise UsageError(
            "it is a key of a kind that is not used: ECDSA, Ed25519 and RSA are", where=str(path)
        )


def _ecdsa(key: "ec.EllipticCurvePrivateKey") -> "ec.ECDSA":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    hashed = getattr(hashes, _CURVES[key.curve.name])()
    try:
        return ec.ECDSA(hashed, deterministic_signing=True)
    except UnsupportedAlgorithm:
        return ec.ECDSA(hashed)


def _keyid(key: "Public") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(der).hexdigest()}"
