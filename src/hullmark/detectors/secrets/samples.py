"""Examples of secrets, made when they are needed: as plain text in a source file each would be a find of every scanner, ours too.

`<<alnum:36>>` in an example stands for 36 signs drawn from letters and digits, always the same for the same text.
"""

import base64
import random
import re
import string
import zlib

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
}
_MARK = re.compile(r"<<([A-Za-z0-9]+):(\d+)>>")
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def expanded(example: str) -> str:
    """Give an example with random signs in the place of its marks. `<<crc62:30>>` has GitHub's checksum behind 30 random signs, `<<json64:20>>` is base64 of JSON."""
    # a chance of its own for each example, and no secret of anybody's
    chance = random.Random(example)  # noqa: S311
    return _MARK.sub(lambda found: _drawn(chance, found[1], int(found[2])), example)


def _drawn(chance: random.Random, kind: str, length: int) -> str:
    if kind == "crc62":
        text = _drawn(chance, "alnum", length)
        return text + base62(zlib.crc32(text.encode()), 6)
    if kind == "json64":
        text = f'{{"a":"{_drawn(chance, "alnum", length)}"}}'
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return "".join(chance.choice(_SETS[kind]) for _ in range(length))


def base62(number: int, length: int) -> str:
    """Write a number with 62 signs (digits, capitals, small letters), filled up with zeros."""
    signs = ""
    while number:
        number, digit = divmod(number, 62)
        signs = _BASE62[digit] + signs
    return signs.rjust(length, "0")
