"""Users and groups: `passwd`, `shadow` and `group`, one line each.

Formats: passwd(5), shadow(5), group(5), and crypt(5) for what stands in a password's place. Lines that begin with `+` or `-` refer to NIS.
"""

import re
from collections.abc import Iterator
from typing import Literal

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Account, Fact

_LONGEST_NAME = 256
_HASH = re.compile(r"\$[\w.-]{1,20}\$.{8,}|_[\w./]{19}|[\w./]{13}", re.DOTALL)
"""Modular, extended DES, and DES of crypt(5)."""


def read(file: File) -> Iterator[Fact]:
    """Give an account for each line."""
    is_shadow, is_group = "shadow" in file.name, file.name == "group"
    for number, line in enumerate(file.text().split("\n"), 1):
        if not line.strip() or line[:1] in "#+-":
            continue
        text = line.rstrip("\r")
        found = group(text) if is_group else account(text, is_shadow=is_shadow)
        yield found or file.unread(f"not a line of {'groups' if is_group else 'users'}", f"line {number}")


def account(line: str, *, is_shadow: bool = False) -> Account | None:
    """Read one line of passwd(5), or of shadow(5); None for what is none."""
    fields = line.split(":", 5)
    if len(fields) < (2 if is_shadow else 4) or not 0 < len(fields[0]) <= _LONGEST_NAME:
        return None
    if is_shadow:
        return Account(fields[0], password=_password(fields[1]))
    uid, gid = _number(fields[2]), _number(fields[3])
    return Account(fields[0], uid, gid, _password(fields[1])) if uid >= 0 else None


def group(line: str) -> Account | None:
    """Take a line of `/etc/group` for an account without a user id; None for what is none. Its password is nobody's to sign in with."""
    fields = line.split(":", 3)
    if len(fields) < 3 or not 0 < len(fields[0]) <= _LONGEST_NAME:
        return None
    gid = _number(fields[2])
    return Account(fields[0], gid=gid) if gid >= 0 else None


def _number(field: str) -> int:
    return int(field) if field.isascii() and field.isdigit() and len(field) <= 10 else -1


def _password(field: str) -> Literal["empty", "hash", "locked", "shadow"]:
    if not field:
        return "empty"
    if field == "x":
        return "shadow"
    return "hash" if _HASH.fullmatch(field) else "locked"


DETECTOR = Detector(
    name="accounts",
    version=2,
    wants=("etc/passwd", "etc/shadow", "etc/group"),
    read=read,
    max_bytes=4 * 1024 * 1024,
)
