"""Smaller bases as a table 'now → then' for people, and as JSON."""

from collections.abc import Iterator

import msgspec

from hullmark.advice.bases import Bases, Load, Swap
from hullmark.model.look import Look
from hullmark.model.words import amount, size
from hullmark.reports._terminal import BOLD, Text

FORMATS = ("table", "json")
_REINSTALLED = 5


def render(name: str, found: Bases, look: Look) -> bytes:
    """Render it in the format of that name."""
    if name == "json":
        return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    text = Text(look)
    return text.encoded(_lines(found, text))


def _lines(found: Bases, text: Text) -> Iterator[str]:
    yield text.paint(
        text.joined([text.plain(found.name), f"base {text.plain(found.base)} ({found.evidence})"]), BOLD
    )
    yield ""
    if not found.swaps or found.now is None:
        others = amount(found.known, "other image")
        yield f"No better base is known: {others} of its platform {'was' if found.known == 1 else 'were'} scanned on this machine."
        yield "Scan one that may do (hullmark scan debian:12-slim), and ask again."
        return
    yield f"  now   {_row(found.now, text)}"
    for swap in found.swaps:
        yield ""
        yield f"  then  {_row(swap.then, text)}"
        yield from (f"        {line}" for line in _said(swap, text))


def _row(load: Load, text: Text) -> str:
    when = f"looked at {load.as_of[:10]}" if load.as_of else ""
    return text.joined(
        [text.plain(load.name), load.said(), when, "not read whole" if load.incomplete else ""]
    )


def _said(swap: Swap, text: Text) -> Iterator[str]:
    saved = swap.saved_bytes
    bytes_said = f"{size(abs(saved))} {'less' if saved >= 0 else 'more'}"
    yield text.joined([f"{len(swap.gone):,} flaws go", f"{len(swap.new):,} come", bytes_said])
    if swap.fit.runs is None:
        yield "whether the application finds what it links against: not checked"
    elif swap.fit.runs:
        yield "what the application links against is there"
    else:
        yield "the application does not run there as it is:"
        yield from (f"  {text.plain(each.said())}" for each in swap.fit.missing[:_REINSTALLED])
        if len(swap.fit.missing) > _REINSTALLED:
            yield f"  and {len(swap.fit.missing) - _REINSTALLED:,} more"
    if swap.fit.reinstall:
        names = ", ".join(swap.fit.reinstall[:_REINSTALLED])
        more = len(swap.fit.reinstall) - _REINSTALLED
        yield text.plain(f"to be installed there: {names}" + (f" and {more:,} more" if more > 0 else ""))
