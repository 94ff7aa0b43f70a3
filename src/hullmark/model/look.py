"""How a text for people may be dressed."""

from msgspec import Struct


class Look(Struct, frozen=True):
    """`width` in columns; `colour` allows SGR sequences; `unicode` allows characters beyond ASCII in frames and marks.

    `suppressed` asks for the findings that were taken out as well. `template` is the text of one's own template, `template_name` its file's
    name. `folder` is the one that paths of the machine are seen from, empty where that is not known.
    """

    width: int = 100
    colour: bool = False
    unicode: bool = True
    suppressed: bool = False
    template: str = ""
    template_name: str = ""
    folder: str = ""
