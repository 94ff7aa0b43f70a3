"""Which package of one image is which of another: the same one, or the one that took its place.

Several versions of a package stand side by side in many images. The same version is the same package; of the rest, what proves
itself by the same file is; what is left is paired by the order of versions, so that neighbours meet.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from hullmark.advisories.registry import schemes
from hullmark.advisories.scheme import sort_key
from hullmark.model.report import Component

_MOST_CELLS = 10_000
"""Beyond so many comparisons the versions of one package are paired in order alone."""

_LINE = 3
_LINE_CHARACTERS = 80
_NUMBER = re.compile(r"\d+")

Pair = tuple[Component, Component]


class Pairs(NamedTuple):
    """The packages that both have, first and second as each has it, and those that one has."""

    both: tuple[Pair, ...]
    gone: tuple[Component, ...]
    new: tuple[Component, ...]


def paired(before: Sequence[Component], after: Sequence[Component], *, same_platform: bool = True) -> Pairs:
    """Pair packages by ecosystem, name and architecture; the last does not count between platforms."""

    def key(component: Component) -> tuple[str, str, str]:
        return component.ecosystem, component.name, component.arch if same_platform else ""

    groups: dict[tuple[str, str, str], tuple[list[Component], list[Component]]] = {}
    for side, components in enumerate((before, after)):
        for component in components:
            groups.setdefault(key(component), ([], []))[side].append(component)
    both: list[Pair] = []
    gone: list[Component] = []
    new: list[Component] = []
    for _, (old, now) in sorted(groups.items()):
        left = _Left(old, now)
        left.pair_by(lambda component: (component.version, component.purl))
        left.pair_by(lambda component: (component.version,))
        left.pair_by_file()
        left.pair_by_order()
        both += left.pairs
        gone += left.before
        new += left.after
    return Pairs(tuple(both), tuple(gone), tuple(new))


def direction(ecosystem: str, before: str, after: str) -> Literal["up", "down", "unordered"]:
    """Tell whether a version is higher than another (`up`) or lower; `unordered` where the ecosystem's order cannot say."""
    first, second = _key(ecosystem, before), _key(ecosystem, after)
    if first is None or second is None or first == second:
        return "unordered"
    return "up" if first < second else "down"


def _key(ecosystem: str, version: str) -> bytes | None:
    scheme = schemes().get(ecosystem)
    return sort_key(scheme, version) if scheme is not None else None


def _whole(component: Component) -> tuple[object, ...]:
    """Give what sorts packages of one name the same way in any report."""
    places = [(place.path, place.place) for place in component.locations]
    return component.version, component.purl, component.arch, places


class _Left:
    """The packages of one name that are not paired yet."""

    def __init__(self, before: list[Component], after: list[Component]) -> None:
        self.before = sorted(before, key=_whole)
        self.after = sorted(after, key=_whole)
        self.pairs: list[Pair] = []

    def _pair(self, found: Sequence[Pair]) -> None:
        done = {id(component) for pair in found for component in pair}
        self.pairs += found
        self.before = [component for component in self.before if id(component) not in done]
        self.after = [component for component in self.after if id(component) not in done]

    def pair_by(self, key: Callable[[Component], tuple[str, ...]]) -> None:
        """Pair those with the same key, in order."""
        if not (self.before and self.after):
            return
        waiting: defaultdict[tuple[str, ...], list[Component]] = defaultdict(list)
        for component in reversed(self.after):
            waiting[key(component)].append(component)
        self._pair(
            [
                (component, waiting[key(component)].pop())
                for component in self.before
                if waiting[key(component)]
            ]
        )

    def pair_by_file(self) -> None:
        """Pair those that a file proves which proves one on each side."""
        if not (self.before and self.after) or len(self.before) == len(self.after) == 1:
            return
        old, now = _by_file(self.before), _by_file(self.after)
        found: list[Pair] = []
        taken: set[int] = set()
        for path in sorted(old.keys() & now.keys()):
            first, second = old[path], now[path]
            if len(first) == len(second) == 1 and taken.isdisjoint({id(first[0]), id(second[0])}):
                found.append((first[0], second[0]))
                taken |= {id(first[0]), id(second[0])}
        self._pair(found)

    def pair_by_order(self) -> None:
        """Pair neighbours in the order of versions; those without an order as they come."""
        if not (self.before and self.after):
            return
        if len(self.before) == len(self.after) == 1:
            self._pair([(self.before[0], self.after[0])])
            return
        keys = [[_key(c.ecosystem, c.version) for c in side] for side in (self.before, self.after)]
        ordered: list[list[tuple[bytes, Component]]] = [
            sorted(
                ((k, c) for k, c in zip(known, side, strict=True) if k is not None),
                key=lambda entry: (entry[0], _whole(entry[1])),
            )
            for known, side in zip(keys, (self.before, self.after), strict=True)
        ]
        others = [
            [c for k, c in zip(known, side, strict=True) if k is None]
            for known, side in zip(keys, (self.before, self.after), strict=True)
        ]
        self._pair([*_neighbours(*ordered), *zip(*others, strict=False)])


def _by_file(components: Sequence[Component]) -> dict[str, list[Component]]:
    found: dict[str, list[Component]] = {}
    for component in components:
        for path in {place.path for place in component.locations}:
            found.setdefault(path, []).append(component)
    return found


def _neighbours(old: Sequence[tuple[bytes, Component]], now: Sequence[tuple[bytes, Component]]) -> list[Pair]:
    """Pair as many as can be, in order: those of one line (`1.2`) first, then such that few versions stand between those of a pair."""
    few, many = (old, now) if len(old) <= len(now) else (now, old)
    if len(few) == len(many) or len(few) * len(many) > _MOST_CELLS:
        chosen = list(range(len(few)))
    else:
        ranks = {key: rank for rank, key in enumerate(sorted({key for key, _ in (*old, *now)}))}
        chosen = _nearest(
            [
                [
                    _strangeness(one.version, other.version) * len(ranks) ** 2 + abs(ranks[key] - ranks[at])
                    for at, other in many
                ]
                for key, one in few
            ]
        )
    found = [(few[at][1], many[place][1]) for at, place in enumerate(chosen)]
    return found if few is old else [(second, first) for first, second in found]


def _strangeness(version: str, other: str) -> int:
    """Tell how few leading numbers two versions share; what is no line of anybody's counts as far apart."""
    first, second = (_NUMBER.findall(text, 0, _LINE_CHARACTERS)[:_LINE] for text in (version, other))
    shared = 0
    for one, two in zip(first, second, strict=False):
        if one != two:
            break
        shared += 1
    return _LINE - shared


def _nearest(costs: Sequence[Sequence[int]]) -> list[int]:
    """Give for each row a column, in order, so that the costs are least in sum; of equal ones the higher columns."""
    width = len(costs[0]) if costs else 0
    sums: list[list[float]] = [[0] * (width + 1)]
    for row in costs:
        above = sums[-1]
        line: list[float] = [float("inf")]
        for place, cost in enumerate(row):
            line.append(min(line[place], above[place] + cost))
        sums.append(line)
    places: list[int] = []
    place = width
    for at in range(len(costs), 0, -1):
        while sums[at][place] != sums[at - 1][place - 1] + costs[at - 1][place - 1]:
            place -= 1
        place -= 1
        places.append(place)
    return places[::-1]
