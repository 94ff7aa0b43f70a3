"""How a text for people may be dressed."""

from msgspec import Struct


class Look(Struct, frozen=True):
    """`width` in columns; `colour` allows SGR sequences; `unicode` allows characters beyond ASCII in frames and marks."""

    width: int = 100
    colour: bool = False
    unicode: bool = True
