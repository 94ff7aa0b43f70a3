"""Examples of secrets, made when they are needed: as plain text in a source file each would be a find of every scanner, ours too.

`<<alnum:36>>` in an example stands for 36 signs drawn from letters and digits, always the same for the same text.
"""

import base64
import random
import re
import string
import textwrap
import uuid
import zlib
from collections.abc import Callable

from hullmark.detectors.secrets._valid import base36, base62, bech32_checksum

_SETS = {
    "alnum": string.ascii_letters + string.digits,
    "lower": string.ascii_lowercase + string.digits,
    "upper": string.ascii_uppercase + string.digits,
    "letters": string.ascii_letters,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "digits": string.digits,
    "base32": string.ascii_uppercase + "234567",
    "base64": string.ascii_letters + string.digits + "+/",
    "base64url": string.ascii_letters + string.digits + "-_",
    "capitals": string.ascii_uppercase,
    "small": string.ascii_lowercase,
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "small32": string.ascii_lowercase + "234567",
}
_MARK = re.compile(r"<<([A-Za-z0-9]+):(\d+)>>")


def expanded(example: str) -> str:
    """Give an example with random signs in the place of its marks: so many of the set that the mark names, or what `_MADE` says of its kind."""
    # a chance of its own for each example, and no secret of anybody's
    chance = random.Random(example)  # noqa: S311
    return _MARK.sub(lambda found: _drawn(chance, found[1], int(found[2])), example)


def _drawn(chance: random.Random, kind: str, length: int) -> str:
    if kind in _MADE:
        return _MADE[kind](chance, length)
    return "".join(chance.choice(_SETS[kind]) for _ in range(length))


def _crc62(chance: random.Random, length: int) -> str:
    """Give random signs with GitHub's checksum behind them."""
    text = _drawn(chance, "alnum", length)
    return text + base62(zlib.crc32(text.encode()), 6)


def _json64(chance: random.Random, length: int) -> str:
    """Give base64 of a JSON object."""
    text = f'{{"a":"{_drawn(chance, "alnum", length)}"}}'
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _routable(chance: random.Random, length: int) -> str:
    """Give a personal access token of GitLab's that says where it belongs."""
    text = f"glpat-{_drawn(chance, 'base64url', length)}.01.{base36(length, 2)}"
    return text + base36(zlib.crc32(text.encode()), 7)


def _grafana(chance: random.Random, length: int) -> str:
    text = f"glsa_{_drawn(chance, 'alnum', length)}"
    return f"{text}_{zlib.crc32(text.encode()).to_bytes(4, 'little').hex()}"


def _zuplo(chance: random.Random, length: int) -> str:
    text = _drawn(chance, "lower", length)
    return f"zpka_{text}_{zlib.crc32(text.encode()):08x}"


def _jwt(chance: random.Random, length: int) -> str:
    """Give a JSON web token; the length is that of its subject."""
    parts = ('{"alg":"HS256","typ":"JWT"}', f'{{"sub":"{_drawn(chance, "digits", length)}"}}')
    text = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    return f"{text}.{_drawn(chance, 'base64url', 43)}"


def _age(chance: random.Random, length: int) -> str:
    return f"AGE-SECRET-KEY-1{bech32_checksum('age-secret-key-', [chance.randrange(32) for _ in range(length)])}".upper()


def _pem(raw: bytes) -> str:
    return "\n".join(textwrap.wrap(base64.b64encode(raw).decode(), 64))


def _sequence(body: bytes) -> str:
    return _pem(b"\x30\x82" + len(body).to_bytes(2, "big") + body)


def _openssh(cipher: bytes, rest: bytes) -> str:
    return _pem(b"openssh-key-v1\0" + len(cipher).to_bytes(4, "big") + cipher + rest)


_MADE: dict[str, Callable[[random.Random, int], str]] = {
    "crc62": _crc62,
    "json64": _json64,
    "routable": _routable,
    "grafana": _grafana,
    "zuplo": _zuplo,
    "jwt": _jwt,
    "age": _age,
    "uuid": lambda chance, length: str(uuid.UUID(int=chance.getrandbits(128)))[:length],
    # private keys in base64: a version and random bytes, an algorithm and random bytes, and the two kinds of OpenSSH's
    "der": lambda chance, length: _sequence(b"\x02\x01\0" + chance.randbytes(length)),
    "cipher": lambda chance, length: _sequence(b"\x30" + chance.randbytes(length)),
    "openssh": lambda chance, length: _openssh(b"none", chance.randbytes(length)),
    "keptssh": lambda chance, length: _openssh(b"aes256-ctr", chance.randbytes(length)),
    "secretkey": lambda chance, length: _pem(b"\xc5" + chance.randbytes(length)),
    "publickey": lambda chance, length: _pem(b"\xc6" + chance.randbytes(length)),
    # base64 of `user:password`, of a PEM key, and of a JSON web token
    "basic": lambda chance, length: _text64(f"ci:{_drawn(chance, 'alnum', length)}"),
    "pem64": lambda chance, length: _text64(
        f"-----BEGIN PRIVATE KEY-----\n{_drawn(chance, 'der', length)}\n-----END PRIVATE KEY-----\n"
    ),
    "cert64": lambda chance, length: _text64(
        f"-----BEGIN CERTIFICATE-----\n{_drawn(chance, 'der', length)}\n-----END CERTIFICATE-----\n"
    ),
    "pullsecret": lambda chance, length: _text64(
        f'{{"auths":{{"registry.shop.test":{{"auth":"{_drawn(chance, "basic", length)}"}}}}}}'
    ),
    "jwt64": lambda chance, length: _text64(_jwt(chance, length)),
    "pypi": lambda chance, length: (
        "pypi-"
        + base64.urlsafe_b64encode(b"\x02\x01\x08pypi.org\x02" + chance.randbytes(length))
        .decode()
        .rstrip("=")
    ),
    "snowflake64": lambda chance, length: _text64("1" + _drawn(chance, "digits", length - 1)).rstrip("="),
}


def _text64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def corpus(text: str) -> dict[str, str]:
    """Give the files of a corpus, path and expanded text: `=== path` stands before each, and what stands before the first is a comment."""
    parts = (part.partition("\n") for part in text.split("\n=== ")[1:])
    return {path: expanded(body.rstrip("\n") + "\n") for path, _, body in parts}
