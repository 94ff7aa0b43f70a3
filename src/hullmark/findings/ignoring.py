"""An entry more in our own ignore file: as text, so that comments and order of what is there stay as they are."""

import json
import re
from collections.abc import Mapping, Sequence

from hullmark.findings.statements import IsRule, no_rule
from hullmark.findings.statements._yaml import Node, decoded, load
from hullmark.findings.statements.ignorefile import KEYS, read
from hullmark.model.errors import UsageError
from hullmark.model.printable import printable
from hullmark.model.report import Suppression

_HEAD = "# What hullmark does not report, why, and until when: `hullmark ignore` adds to it.\n"
_EMPTY = re.compile(r":[ \t]*(?:\[\s*\]|~|null)?([ \t]*(?:#.*)?\r?\n?)\Z")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._/@()-]*[A-Za-z0-9.)]")
_MEANS_MORE = re.compile(r"y|n|yes|no|on|off|true|false|null", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
"""What ends a line in YAML 1.1 (section 5.4)."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def extended(
    name: str, body: bytes | None, values: Mapping[str, Sequence[str]], is_rule: IsRule = no_rule
) -> tuple[bytes, Suppression]:
    """Give a file with an entry more at its end, and what the entry says. `values` are its keys, each with one text or several.

    Raises `UsageError` for a file or an entry that is not right, and where an entry cannot be put into the file without touching what else
    is in it.
    """
    _check(values, is_rule)
    before = read(name, body, is_rule).suppressions if body is not None else ()
    made = _inserted(name, decoded(name, body) if body is not None else "", values)
    try:
        after = read(name, made, is_rule).suppressions
    except UsageError:
        after = ()
    if len(after) != len(before) + 1 or list(map(_content, after[:-1])) != list(map(_content, before)):
        raise UsageError(
            "nothing can be added to it as it is written",
            where=name,
            hint=f"add by hand: {{{', '.join(_lines(values))}}}",
        )
    return made, after[-1]


def _check(values: Mapping[str, Sequence[str]], is_rule: IsRule) -> None:
    """Refuse an entry that is not right, before it stands anywhere."""
    for text in (text for texts in values.values() for text in texts):
        if printable(text) != text:
            raise UsageError(f"{printable(text[:80])!r} has signs in it that nobody sees")
    try:
        read("", b"ignore:\n" + _entry(values, 0).encode(), is_rule)
    except UsageError as problem:
        raise UsageError(problem.what, hint=problem.hint) from problem


def twin(entries: Sequence[Suppression], said: Suppression) -> Suppression | None:
    """Find an entry that is about all that another is about: the same ids or more, and the same places."""
    for each in entries:
        same = (each.packages, each.paths, each.layers) == (said.packages, said.paths, said.layers)
        mine = {name.upper() for name in said.ids}
        if same and (mine <= {name.upper() for name in each.ids}) and bool(mine) == bool(each.ids):
            return each
    return None


def _content(said: Suppression) -> tuple[object, ...]:
    places = (said.ids, said.packages, said.paths, said.layers)
    return (*places, said.reason, said.author, said.expires, said.justification)


def _inserted(name: str, text: str, values: Mapping[str, Sequence[str]]) -> bytes:
    """Put an entry behind the last one; what cannot be done is found when the file is read again."""
    top = load(name, text.encode())
    ignore = top.value.get("ignore") if top is not None and isinstance(top.value, dict) else None
    end = "\r\n" if "\r\n" in text else "\n"
    if ignore is None:
        head, tail = text or _HEAD, ""
        more = f"ignore:\n{_entry(values, 0)}"
    elif ignore.value and not ignore.is_null:
        place = _line_end(text, ignore.end)
        head, tail = text[:place], text[place:]
        more = _entry(values, _indent(text, ignore))
    else:  # nothing, or a list with nothing in it
        lines = text.splitlines(keepends=True)
        at = ignore.key_line - 1
        head = "".join([*lines[:at], _EMPTY.sub(r":\1", lines[at])])
        tail = "".join(lines[at + 1 :])
        more = _entry(values, 0)
    head += end if not head.endswith("\n") else ""
    return (head + more.replace("\n", end) + tail).encode()


def _indent(text: str, ignore: Node) -> int:
    """Give the columns before the hyphen of the first entry."""
    line = _LINE_END.split(text)[ignore.line - 1]
    return len(line) - len(line.lstrip(" "))


def _line_end(text: str, place: int) -> int:
    """Give the place behind the line on which the last value ends; a block of text ends where the next line begins."""
    if place and text[place - 1] == "\n":
        return place
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _entry(values: Mapping[str, Sequence[str]], indent: int) -> str:
    return "".join(
        f"{' ' * indent}{'- ' if at == 0 else '  '}{line}\n" for at, line in enumerate(_lines(values))
    )


def _lines(values: Mapping[str, Sequence[str]]) -> list[str]:
    lines = []
    for key in KEYS:
        if texts := values.get(key):
            words = [_scalar(text) for text in texts]
            lines.append(f"{key}: {words[0] if len(words) == 1 else '[' + ', '.join(words) + ']'}")
    return lines


def _scalar(text: str) -> str:
    """Write a text so that it is read as that text by every YAML reader."""
    is_plain = _DAY.fullmatch(text) or (_PLAIN.fullmatch(text) and not _MEANS_MORE.fullmatch(text))
    return text if is_plain else json.dumps(text, ensure_ascii=False)
