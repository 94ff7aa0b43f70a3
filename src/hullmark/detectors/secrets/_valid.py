"""What tells, without asking anybody, that a value is a credential: its checksum, or what it is when it is decoded."""

import base64
import binascii
import json
import re
import zlib
from typing import Any
from urllib.parse import unquote

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def base62(number: int, length: int) -> str:
    """Write a number with 62 signs (digits, capitals, small letters), filled up with zeros."""
    return _in_base(number, 62).rjust(length, "0")


def base36(number: int, length: int) -> str:
    """Write a number with digits and small letters, filled up with zeros."""
    return _in_base(number, 36).rjust(length, "0").lower()


def _in_base(number: int, base: int) -> str:
    signs = ""
    while number:
        number, digit = divmod(number, base)
        signs = _BASE62[digit] + signs
    return signs


def crc62(value: str) -> bool:
    """Tell whether the last 6 signs are the CRC-32 in base 62 of what stands between them and the first `_` (GitHub, npm, Vercel)."""
    body = value.partition("_")[2]
    return base62(zlib.crc32(body[:-6].encode()), 6) == body[-6:]


def crc36(value: str) -> bool:
    """Tell whether the last 7 signs are the CRC-32 in base 36 of all before them (GitLab's routable tokens)."""
    return base36(zlib.crc32(value[:-7].encode()), 7) == value[-7:]


def grafana(value: str) -> bool:
    """Tell whether the last 8 signs are the CRC-32, low byte first, of all before the last `_` (Grafana's service accounts)."""
    text, _, checksum = value.rpartition("_")
    return zlib.crc32(text.encode()).to_bytes(4, "little").hex() == checksum.lower()


def zuplo(value: str) -> bool:
    """Tell whether the last 8 signs are the CRC-32 in hex of what stands between the two `_`."""
    _, body, checksum = value.split("_")
    return f"{zlib.crc32(body.encode()):08x}" == checksum


def aws_key_id(value: str) -> bool:
    """Tell whether an access key id names an account that there can be: 40 bits behind the first, of at most 12 digits.

    Those made before 2019 have no account in them; their fifth sign is I or J.
    """
    if value[4] in "IJ":
        return "EXAMPLE" not in value
    number = int.from_bytes(base64.b32decode(value[4:])[:6], "big")
    return (number & 0x7FFFFFFFFF80) >> 7 < 10**12 and "EXAMPLE" not in value


def json_part(text: str) -> dict[str, Any]:
    """Give the JSON object in a part of a token in base64 (of either alphabet, without padding), an empty one if there is none."""
    try:
        found = json.loads(
            base64.urlsafe_b64decode(
                text.replace("+", "-").replace("/", "_").rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
            )
        )
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def jwt(value: str) -> bool:
    """Tell whether the first two parts are what RFC 7519 says: JSON with an algorithm, and JSON claims (of nobody's example, nor of the public role)."""
    header, claims = (json_part(part) for part in f"{value}.".split(".")[:2])
    if not isinstance(header.get("alg"), str) or header["alg"].lower() == "none" or not claims:
        return False
    return (
        claims.get("name") != "John Doe"
        and claims.get("sub") != "1234567890"
        and claims.get("role") != "anon"
    )


def jwt64(value: str) -> bool:
    """Tell whether it is the base64 of a JSON web token, or of its beginning."""
    parts = decoded(value).decode("latin-1").split(".")
    return len(parts) > 1 and isinstance(json_part(parts[0]).get("alg"), str)


def json64(value: str) -> bool:
    """Tell whether what follows the last prefix (`glc_`, `sntrys_`) is the base64 of a JSON object, or of its beginning."""
    return decoded(value.partition("_")[2].partition("_")[0] or value).startswith(b'{"')


def pypi(value: str) -> bool:
    """Tell whether it is a macaroon (libmacaroons, version 2) of the Python Package Index: location, then an identifier."""
    raw = decoded(value.removeprefix("pypi-"))
    return (raw[:3] == b"\x02\x01\x08" and raw[3:12] == b"pypi.org\x02") or (
        raw[:3] == b"\x02\x01\x0d" and raw[3:17] == b"test.pypi.org\x02"
    )


def discord(value: str) -> bool:
    """Tell whether the first part of a bot's token is its id: digits in base64."""
    return re.fullmatch(rb"\d{17,20}", decoded(value.partition(".")[0])) is not None


def bech32(value: str) -> bool:
    """Tell whether the checksum of BIP 173 is right (age's keys)."""
    text = value.lower()
    prefix, _, data = text.rpartition("1")
    return (
        _polymod(
            [ord(sign) >> 5 for sign in prefix]
            + [0]
            + [ord(sign) & 31 for sign in prefix]
            + [_BECH32.find(sign) for sign in data]
        )
        == 1
    )


def bech32_checksum(prefix: str, data: list[int]) -> str:
    """Give data of five bits each and their checksum in the alphabet of BIP 173."""
    known = [ord(sign) >> 5 for sign in prefix] + [0] + [ord(sign) & 31 for sign in prefix] + data
    rest = _polymod([*known, 0, 0, 0, 0, 0, 0]) ^ 1
    return "".join(
        _BECH32[number] for number in data + [(rest >> 5 * (5 - place)) & 31 for place in range(6)]
    )


def _polymod(values: list[int]) -> int:
    total = 1
    for value in values:
        top = total >> 25
        total = (total & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            total ^= generator if top >> bit & 1 else 0
    return total


def decoded(text: str) -> bytes:
    """Decode base64 of either alphabet, with or without padding, as far as it goes."""
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    text = text[:-1] if len(text) % 4 == 1 else text
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


_PLACEHOLDER = re.compile(
    r"(?i)^(?:.{0,5}|[x*.#_-]+|.*(?:password|passwd|secret|passwort|example|change.?me|placeholder|your.?|redacted|dummy|123456|abcdef|<|>|\$|\{|%s|%\().*|"
    r"(?:pass|pw|pwd|user|username|test|guest|root|admin|foo|bar|baz|tiger|hello|token|none|null|hunter2|pa55w[o0]rd|p[a@]ssw[o0]rd.*)\d{0,3})$"
)
_NOWHERE = re.compile(
    r"(?i)^(?:localhost|127\.\S*|0\.0\.0\.0|\[?::1\]?|host(?:name)?|server|ip|.*(?:example|invalid|test)(?:\.\w+)?|.*your.*|.*[<>{}$].*|x+)$"
)


def placeholder(password: str) -> bool:
    """Tell whether a password only stands for one: too short, the word itself (also with other signs in it), or a variable."""
    text = unquote(password)
    return any(_PLACEHOLDER.match(one) for one in (text, re.sub(r"[^A-Za-z0-9<>${}%]", "", text)))


def login_url(value: str) -> bool:
    """Tell whether a URL has a password that is none of the usual examples, for a host that may be one."""
    user, _, rest = value.partition("://")[2].partition(":")
    password, _, host = rest.rpartition("@")
    host = re.split(r"[/?,:#]", host, maxsplit=1)[0]
    return (
        bool(host)
        and password.lower() != user.lower()
        and not placeholder(password)
        and not _NOWHERE.match(host)
    )


def basic(value: str) -> bool:
    """Tell whether it is the base64 of `user:password`, as of HTTP's Basic authentication (RFC 7617), and no example."""
    text = decoded(value)
    user, colon, password = text.partition(b":")
    return (
        bool(colon and user)
        and text.isascii()
        and text.decode().isprintable()
        and password != user
        and not placeholder(password.decode())
    )
