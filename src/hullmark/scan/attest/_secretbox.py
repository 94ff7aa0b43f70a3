"""Private keys as cosign writes them: PKCS #8, sealed with a password.

Format: secure-systems-lab/go-securesystemslib, `encrypted/encrypted.go`: scrypt (RFC 7914) makes a key of the password, with which NaCl's
secretbox (https://nacl.cr.yp.to/secretbox.html: XSalsa20 and Poly1305, tag first) is opened. No wheel of those that are needed has XSalsa20:
it is Salsa20 (https://cr.yp.to/snuffle/spec.pdf) with a key made by its own core, and here opens 200 bytes once.
"""

import hashlib
import struct

import msgspec
from msgspec import Struct

_COSTS = frozenset(((32_768, 8, 1), (65_536, 8, 1), (131_072, 8, 1)))
"""The three that are written; others could make anybody's scan wait for days."""
_MEMORY_BYTES = 256 * 1024 * 1024
_TAG, _KEY, _NONCE, _BLOCK = 16, 32, 24, 64
_MAX_BYTES = 64 * 1024
_SIGMA = struct.unpack("<4I", b"expand 32-byte k")
_ROUNDS = (
    (0, 4, 8, 12),
    (5, 9, 13, 1),
    (10, 14, 2, 6),
    (15, 3, 7, 11),
    (0, 1, 2, 3),
    (5, 6, 7, 4),
    (10, 11, 8, 9),
    (15, 12, 13, 14),
)
"""Columns, then rows: the words that each quarter-round changes."""


class _Costs(Struct, frozen=True):
    n: int = msgspec.field(name="N")
    r: int
    p: int


class _Kdf(Struct, frozen=True):
    name: str
    params: _Costs
    salt: bytes


class _Cipher(Struct, frozen=True):
    name: str
    nonce: bytes


class _Sealed(Struct, frozen=True):
    kdf: _Kdf
    cipher: _Cipher
    ciphertext: bytes


def unsealed(body: bytes, password: bytes) -> bytes:
    """Open what a password seals. Raises `ValueError` for another password, and for what is not such a document."""
    try:
        sealed = msgspec.json.decode(body, type=_Sealed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise ValueError(f"what the password seals cannot be read: {problem}") from problem
    costs = (sealed.kdf.params.n, sealed.kdf.params.r, sealed.kdf.params.p)
    if (sealed.kdf.name, sealed.cipher.name) != ("scrypt", "nacl/secretbox") or costs not in _COSTS:
        raise ValueError("it is sealed in a way that is not known")
    if len(sealed.cipher.nonce) != _NONCE or not _TAG < len(sealed.ciphertext) <= _MAX_BYTES:
        raise ValueError("it was cut short")
    n, r, p = costs
    key = hashlib.scrypt(password, salt=sealed.kdf.salt, n=n, r=r, p=p, maxmem=_MEMORY_BYTES, dklen=_KEY)
    return opened(sealed.ciphertext, sealed.cipher.nonce, key)


def opened(box: bytes, nonce: bytes, key: bytes) -> bytes:
    """Open a secretbox. Raises `ValueError` where its tag is not of this key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.poly1305 import Poly1305

    tag, sealed = box[:_TAG], box[_TAG:]
    stream = _stream(key, nonce, _KEY + len(sealed))
    try:
        Poly1305.verify_tag(stream[:_KEY], sealed, tag)
    except InvalidSignature as problem:
        raise ValueError("the password is another") from problem
    return bytes(one ^ other for one, other in zip(sealed, stream[_KEY:], strict=True))


def _stream(key: bytes, nonce: bytes, size: int) -> bytes:
    """Give the first bytes of XSalsa20's stream."""
    words = _mixed(_state(key, nonce[:16]))
    inner = struct.pack("<8I", *(words[at] for at in (0, 5, 10, 15, 6, 7, 8, 9)))
    made = bytearray()
    for number in range(-(-size // _BLOCK)):
        start = _state(inner, nonce[16:] + struct.pack("<Q", number))
        mixed = _mixed(start)
        made += struct.pack(
            "<16I", *((one + other) & 0xFFFFFFFF for one, other in zip(start, mixed, strict=True))
        )
    return bytes(made[:size])


def _state(key: bytes, block: bytes) -> list[int]:
    keys = struct.unpack("<8I", key)
    inner = struct.unpack("<4I", block)
    return [_SIGMA[0], *keys[:4], _SIGMA[1], *inner, _SIGMA[2], *keys[4:], _SIGMA[3]]


def _mixed(start: list[int]) -> list[int]:
    """Give what 20 rounds of Salsa20 make of its 16 words."""
    x = list(start)
    for _double in range(10):
        for a, b, c, d in _ROUNDS:
            x[b] ^= _turned(x[a] + x[d], 7)
            x[c] ^= _turned(x[b] + x[a], 9)
            x[d] ^= _turned(x[c] + x[b], 13)
            x[a] ^= _turned(x[d] + x[c], 18)
    return x


def _turned(word: int, by: int) -> int:
    word &= 0xFFFFFFFF
    return (word << by | word >> (32 - by)) & 0xFFFFFFFF
