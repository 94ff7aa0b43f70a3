"""What a build after a change to the source does again, and which order of the instructions would spare it. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from hullmark.advice.layer_rules import COPY_BEFORE_INSTALL, VOLATILE_BELOW_STEADY
from hullmark.advice.steps import Step
from hullmark.model.layering import Gain, Proposal
from hullmark.model.rule import Rule
from hullmark.model.words import size

_WORTH_BYTES = 1_000_000
"""Below that moving an instruction is not worth a person's time."""


class Sizes(Struct, frozen=True):
    """What a layer holds, None where it is not known: as it is stored, and its content."""

    stored: int | None
    content: int | None


def again(steps: Sequence[Step]) -> tuple[bool, ...]:
    """Tell for each step whether it is done again after a change to the source: it copies that, or stands above one that does."""
    found = False
    done = []
    for step in steps:
        found = found or step.role == "source"
        done.append(found)
    return tuple(done)


def moved(steps: Sequence[Step]) -> frozenset[int]:
    """Give the places of the steps that stand above a copy of the source and could stand below it.

    A step can where it installs packages and speaks of nothing that was copied or built meanwhile.
    """
    found = set()
    copied: list[str] = []
    above = False
    for place, step in enumerate(steps):
        if step.role in {"dependencies", "system"} and above:
            if not step.needs_source and not any(name in step.text for name in copied if len(name) > 2):
                found.add(place)
        elif step.role == "source":
            above = True
        if step.role in {"source", "copy"}:
            copied.extend(step.brings)
    return frozenset(found)


def proposals(steps: Sequence[Step], sizes: Sequence[Sizes]) -> list[Proposal]:
    """Give the proposals about the order, with what each spares a build after a change to the source."""
    places = moved(steps)
    installs = [place for place in sorted(places) if steps[place].role == "dependencies"]
    steady = [place for place in sorted(places) if steps[place].role == "system"]
    found = []
    if installs and any(step.is_whole for step in steps[: installs[0]]):
        found.append(_install(steps, sizes, installs))
    else:
        steady = sorted((*installs, *steady))
    bytes_ = [sizes[place].stored for place in steady]
    if steady and sum(each for each in bytes_ if each is not None) >= (0 if None in bytes_ else _WORTH_BYTES):
        found.append(_steady(steps, sizes, steady))
    return found


def _source_below(steps: Sequence[Step], place: int) -> int:
    return next(number for number, step in enumerate(steps[:place]) if step.role == "source")


def _install(steps: Sequence[Step], sizes: Sequence[Sizes], places: list[int]) -> Proposal:
    tools = [tool for place in places for tool in steps[place].tools]
    needs = list(dict.fromkeys(name for tool in tools for name in tool.needs))
    flags = list(dict.fromkeys(tool.flag for tool in tools if tool.flag))
    names = ", ".join(dict.fromkeys(tool.tool for tool in tools))
    lists = f"`COPY {' '.join(needs)} ./`" if needs else "what lists the dependencies"
    with_flags = f" (with {', '.join(flags)})" if flags else ""
    source = _source_below(steps, places[0])
    return _proposal(
        COPY_BEFORE_INSTALL,
        f"`{_short(steps[source])}` stands before {names} installs the dependencies",
        f"{lists} first, then `{_short(steps[places[0]])}`{with_flags}, and `{_short(steps[source])}` after that",
        (source, *places),
        steps,
        _gain(sizes, places),
    )


def _steady(steps: Sequence[Step], sizes: Sequence[Sizes], places: list[int]) -> Proposal:
    source = _source_below(steps, places[0])
    gain = _gain(sizes, places)
    what = f"{size(gain.pushed_bytes)} that hardly change" if gain.pushed_bytes else "what hardly changes"
    return _proposal(
        VOLATILE_BELOW_STEADY,
        f"`{_short(steps[source])}` stands below {what}",
        f"Put `{_short(steps[places[0]])}`{' and the like' if len(places) > 1 else ''} above `{_short(steps[source])}`",
        (source, *places),
        steps,
        gain,
    )


def _gain(sizes: Sequence[Sizes], places: Sequence[int]) -> Gain:
    stored = [sizes[place].stored for place in places]
    content = [sizes[place].content for place in places]
    known = [each for each in stored if each is not None]
    read = [each for each in content if each is not None]
    is_known = len(known) == len(places)
    return Gain(
        pushed_bytes=sum(known) if is_known else None,
        pulled_bytes=sum(known) if is_known else None,
        scanned_bytes=sum(read) if len(read) == len(places) else None,
        layers_reused=len(places),
        exact=is_known,
    )


def _proposal(
    rule: Rule, message: str, advice: str, places: tuple[int, ...], steps: Sequence[Step], gain: Gain
) -> Proposal:
    return Proposal(
        rule=rule.id,
        message=message,
        advice=advice,
        layers=tuple(steps[place].layer for place in places),
        line=steps[places[0]].line,
        gain=gain,
    )


def _short(step: Step) -> str:
    words = " ".join(step.text.replace("`", "'").split())
    return words if len(words) <= 60 else f"{words[:57].rstrip()}…"
