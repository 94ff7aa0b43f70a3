r"""Words of an image made fit for a terminal: nothing in them moves the cursor, hides or reorders text.

What is escaped: C0 and C1 controls and DEL (ECMA-48), line and paragraph separators, the bidirectional
controls of UAX #9, invisible format characters and tags, lone surrogates. The escapes are Python's, so that
`ESC` shows as `\x1b`. Column widths follow UAX #11.
"""

import functools
import re
import unicodedata
from typing import Any, TypeVar

import msgspec

_Value = TypeVar("_Value", bound=msgspec.Struct)
_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0"  # invisible
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # separators, bidi controls, invisible operators
    "\ufff9-\ufffb"  # interlinear annotation
    "\ud800-\udfff"  # lone surrogates cannot be encoded
    "\U000e0000-\U000e0fff"  # tags, variation selectors' supplement
    "]"
)

_NARROW = re.compile(r"[\x00-\xac\xae-\u02ff\u2010-\u2027\u2030-\u205e\u2190-\u21ff]*")
"""Characters that take one column each: what most texts, and the marks between them, are made of."""


def printable(text: str) -> str:
    """Escape what a terminal would act on or not show; everything else stays as it is."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def encodable(value: _Value) -> _Value:
    """Escape each lone surrogate in a struct, which no encoding of Unicode holds; one without is given back as it is."""
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.convert(_encodable(msgspec.to_builtins(value)), type(value))
    return value


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(name): _encodable(entry) for name, entry in value.items()}
    return [_encodable(entry) for entry in value] if isinstance(value, list | tuple) else value


def columns(text: str) -> int:
    """Give the number of terminal columns that a printable text takes."""
    return len(text) if text.isascii() or _NARROW.fullmatch(text) else sum(map(_columns, text))


@functools.lru_cache(maxsize=1 << 12)
def _columns(sign: str) -> int:
    if unicodedata.east_asian_width(sign) in "WF":
        return 2
    return 0 if unicodedata.category(sign) in {"Mn", "Me", "Cf"} else 1


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut a printable text to a number of columns, saying so by the ellipsis."""
    if columns(text) <= width:
        return text
    room = width - columns(ellipsis)
    if text.isascii() or _NARROW.fullmatch(text):
        return text[: max(room, 0)].rstrip() + ellipsis if room >= 0 else text[: max(width, 0)]
    kept = []
    for sign in text:
        room -= _columns(sign)
        if room < 0:
            break
        kept.append(sign)
    return "".join(kept).rstrip() + ellipsis if width > 0 else ""


def wrapped(text: str, width: int) -> list[str]:
    """Break a printable text into lines at spaces; a word that is longer than a line is broken where it must be."""
    lines: list[str] = []
    line, used = "", 0
    for word in text.split(" "):
        size = columns(word)
        if line and used + 1 + size <= width:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if line:
            lines.append(line)
        while size > width > 1:
            head = cut(word, width, "")
            if not head:
                break
            lines.append(head)
            word = word[len(head) :]  # noqa: PLW2901  # the rest of it goes on the next line
            size = columns(word)
        line, used = word, size
    return [*lines, line] if line or not lines else lines


def cleaned(text: str, limit: int = 200) -> str:
    """Make words from elsewhere fit to be shown: one line, printable, short."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text[: limit * 2]).split())[
        :limit
    ]
