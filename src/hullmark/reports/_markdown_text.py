"""Words of an image made fit for Markdown as GitHub and GitLab render it: nothing in them is markup, a link or a mention.

CommonMark 0.31: a code span (6.1) holds nothing but text; elsewhere an entity (2.5) never stands for what gives a document its
structure. Links and mentions are made of the rendered text as well, even in a `code` element of HTML: an invisible word joiner parts
what would become one.
"""

import re

from hullmark.model.printable import cut, printable

_MARKS = re.compile(r"""[!#$&*<>@\[\\\]^_`|~\u2060]|:(?=\S)|(?<=[Ww]{3})\.""")
_LINKED = re.compile(
    r"(?<=[@#!])(?=\w)|(?<=(?<!\w)[~$%^&])(?=[\w\"'])|(?<=:)(?=//)|(?<=[Ww]{3})(?=\.)|(?<=[Gg][Hh]-)(?=\d)"
)
_ENDS = re.compile(r"[`|\\]")
_JOINER = "\u2060"


def code(text: str, most: int = 120) -> str:
    """Give words as code, in one line and cut to a number of columns; nothing where there are none."""
    short = _short(text, most)
    if not short:
        return ""
    # A code span ends at a backtick, and in a table a bar ends it all the same, however it is escaped.
    return f"<code>{_inert(short)}</code>" if _ENDS.search(short) else f"`{short}`"


def escaped(text: str, most: int = 120) -> str:
    """Give words as plain text, in one line and cut to a number of columns."""
    return _inert(_short(text, most))


def _inert(text: str) -> str:
    return _MARKS.sub(_entity, _LINKED.sub(_JOINER, text))


def _short(text: str, most: int) -> str:
    return cut(printable(" ".join(text[: most * 8].split())), most)


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
