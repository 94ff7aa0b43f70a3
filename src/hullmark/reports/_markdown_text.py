"""Words of an image made fit for Markdown as GitHub and GitLab render it: nothing in them is markup, a link or a mention.

CommonMark 0.31, section 2.5: an entity never stands for what gives a document its structure. Links and mentions are made of the
rendered text as well, but not of what stands in a `code` element; elsewhere an invisible word joiner parts what would become one.
"""

import re

from hullmark.model.printable import cut, printable

_MARKS = re.compile(r"""[!#$&*<>@\[\\\]^_`|~\u2060]|:(?=\S)|(?<=[Ww]{3})\.""")
_LINKED = re.compile(
    r"(?<=[@#!])(?=\w)|(?<=(?<!\w)[~$%^&])(?=[\w\"'])|(?<=:)(?=//)|(?<=[Ww]{3})(?=\.)|(?<=[Gg][Hh]-)(?=\d)"
)
_JOINER = "\u2060"


def code(text: str, most: int = 120) -> str:
    """Give words as a code element, in one line and cut to a number of columns; nothing where there are none."""
    short = _short(text, most)
    return f"<code>{_MARKS.sub(_entity, short)}</code>" if short else ""


def escaped(text: str, most: int = 120) -> str:
    """Give words as plain text, in one line and cut to a number of columns."""
    return _MARKS.sub(_entity, _LINKED.sub(_JOINER, _short(text, most)))


def _short(text: str, most: int) -> str:
    return cut(printable(" ".join(text[: most * 8].split())), most)


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
