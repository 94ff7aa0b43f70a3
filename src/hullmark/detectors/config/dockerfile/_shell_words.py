"""The words of a shell script with quotes and escapes taken off; what is replaced when it runs stands as written."""

import re

from tree_sitter import Node

_ESCAPE = re.compile(r"\\(?:\n|(.))", re.DOTALL)
_QUOTED_ESCAPE = re.compile(r"\\(?:\n|([\"\\$`]))")
_ANSI = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|([0-7]{1,3})|(.))", re.DOTALL)
_ANSI_LETTERS = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_DEEPEST = 8


def text_of(node: Node, depth: int = 0) -> str:
    """Give what a word is to the command that gets it."""
    raw = (node.text or b"").decode("utf-8", "replace")
    kind = node.type
    if kind in {"word", "extglob_pattern", "regex"}:
        return _ESCAPE.sub(_kept, raw)
    if kind == "string":
        return _string(node, raw)
    if kind in {"raw_string", "translated_string", "ansi_c_string"}:
        inner = raw[1 if kind == "raw_string" else 2 : -1]
        return _ANSI.sub(_ansi, inner) if kind == "ansi_c_string" else inner
    if kind in {"concatenation", "command_name", "variable_assignment"} and depth < _DEEPEST:
        return "".join(text_of(child, depth + 1) for child in node.children)
    return raw


def _kept(found: re.Match[str]) -> str:
    return found[1] or ""


def _ansi(found: re.Match[str]) -> str:
    if number := found[1] or found[2]:
        code = int(number, 16)
        return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)
    if found[3]:
        return chr(int(found[3], 8) & 0xFF)
    return _ANSI_LETTERS.get(found[4], found[4])


def _string(node: Node, raw: str) -> str:
    if "\\" not in raw:
        return raw.removeprefix('"').removesuffix('"')
    # Escapes within `$(…)` are the inner shell's own.
    data = node.text or b""
    begin = node.start_byte
    at = 1
    parts: list[str] = []
    for child in node.named_children:
        if child.type != "string_content":
            parts += [
                _plain(data[at : child.start_byte - begin]),
                (child.text or b"").decode("utf-8", "replace"),
            ]
            at = child.end_byte - begin
    end = len(data) - 1 if data.endswith(b'"') else len(data)
    return "".join([*parts, _plain(data[at:end])])


def _plain(data: bytes) -> str:
    return _QUOTED_ESCAPE.sub(_kept, data.decode("utf-8", "replace"))
