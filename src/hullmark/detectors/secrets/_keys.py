"""Private keys: whether what stands behind `-----BEGIN … PRIVATE KEY-----` is one, and whether it is encrypted."""

import re

from hullmark.detectors.secrets._valid import decoded

_LABEL = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,30}?) ?PRIVATE KEY")
_HEADERS = re.compile(r"(?:[A-Za-z-]{4,20}: [^\n\\]{1,200}(?:\\r|\\n|\s){1,4}){1,8}")
# Line ends as such or escaped, quotes and signs that join strings of a program, signs of a comment or a quotation.
_BETWEEN = re.compile(r"\\[nrt]|[\"'][ \t]*\+?[ \t]*(?:\r?\n)?[ \t]*[\"']?|[\s,|#>*\\]")


def plain(value: str) -> bool:
    """Tell whether it is a whole private key (or the first 3 kB of one) that no passphrase keeps."""
    return _kind(value) == "plain"


def encrypted(value: str) -> bool:
    """Tell whether it is a private key that is kept by a passphrase."""
    return _kind(value) == "encrypted"


def plain64(value: str) -> bool:
    """Tell whether it is the base64 of such a key in PEM."""
    return _kind(decoded(value).decode("latin-1")) == "plain"


def pgp(value: str) -> bool:
    """Tell whether an armoured block (RFC 9580, section 6.2) begins with a secret key packet."""
    raw = decoded(_BETWEEN.sub("", _body(value))[:64])
    # tag 5 in the old and in the new form of a packet's head
    return bool(raw) and (raw[0] & 0xFC == 0x94 or raw[0] == 0xC5)


def _kind(value: str) -> str:
    label = _LABEL.search(value)
    if label is None:
        return ""
    if "DEK-Info:" in value:
        return "encrypted"
    text = _BETWEEN.sub("", _body(value))
    raw = decoded(text.rstrip("-"))
    if raw.startswith(b"openssh-key-v1\0"):
        # the name of the cipher is the first string behind the magic (PROTOCOL.key of OpenSSH)
        return "plain" if raw[15:23] == b"\0\0\0\4none" else "encrypted"
    return _der(raw, label[1], whole=value.rstrip().endswith("-"))


def _body(value: str) -> str:
    return _HEADERS.sub("", value.partition("KEY")[2].lstrip("- BLOCK"))


def _der(raw: bytes, label: str, *, whole: bool) -> str:
    """Tell by the head of a DER sequence: a version (RFC 8017, 5915, 5208), or the algorithm of an encrypted one (RFC 5958)."""
    if len(raw) < 32 or raw[0] != 0x30:
        return ""
    size = raw[1] & 0x7F if raw[1] & 0x80 else 0
    length = int.from_bytes(raw[2 : 2 + size], "big") if size else raw[1]
    if size > 3 or (whole and not 0 <= len(raw) - 2 - size - length < 8):
        return ""
    inner = raw[2 + size : 5 + size]
    if label == "ENCRYPTED":
        return "encrypted" if inner[0] == 0x30 else ""
    return "plain" if inner[:2] == b"\x02\x01" and inner[2] < 2 else ""
