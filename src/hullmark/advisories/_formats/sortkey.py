"""Pieces of sort keys that several version schemes build on."""


def number(digits: str) -> bytes:
    """Encode a non-negative decimal number so that bytes sort as numbers do; leading zeros do not count.

    The number of digits comes first (one byte, or 0xff and four bytes), then the digits.
    """
    stripped = digits.lstrip("0").encode("ascii")
    size = len(stripped)
    if size < 0xFF:
        return bytes((size,)) + stripped
    return b"\xff" + size.to_bytes(4, "big") + stripped
