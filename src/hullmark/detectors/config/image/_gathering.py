"""What rules about places share: each place of the image's own a problem, those of the base image one together."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hullmark.detectors.config.check import Problem, Span
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import SEVERITY_RANK, Severity
from hullmark.model.rule import Rule

_EACH = 10
"""So many places of one layer are told one by one, more of them together."""
_NAMED = 3


class Place(NamedTuple):
    """Where a rule is broken: a path, the index of its layer (-1: none), and what is wrong there in a clause that names it."""

    path: str
    layer: int
    message: str
    file: str = ""
    """The field of the configuration, where it is no path."""
    from_base: bool | None = None
    """Whose it is, where no layer tells."""


def configured(
    rule: Rule,
    field: str,
    message: str,
    *,
    resource: str = "",
    advice: str = "",
    from_base: bool | None = None,
) -> Problem:
    """Give a problem of the image's configuration, where `field` is as in the specification: `config.User`."""
    return Problem(rule, Span(), message, advice, resource, file=field, from_base=from_base)


def gathered(
    view: ImageView,
    rule: Rule,
    places: Iterable[Place],
    what: str,
    *,
    base_severity: Severity | None = Severity.LOW,
    together: bool = False,
) -> Iterator[Problem]:
    """Give a problem for each place of the image's own layers, and one for all that came with the base image.

    `what` is the noun for several (`files with SUID or SGID`). `together` lets the places of one layer be one problem from the second on.
    What no layer brought, as a variable, is always told by itself.
    """
    by_layer: dict[int, list[Place]] = {}
    base: list[Place] = []
    for place in places:
        if _origin(view, place):
            base.append(place)
        else:
            by_layer.setdefault(place.layer, []).append(place)
    for layer, own in sorted(by_layer.items()):
        if layer >= 0 and len(own) > (1 if together else _EACH):
            yield _several(rule, own, layer, what, from_base=_origin(view, own[0]))
        else:
            for place in own:
                yield _one(rule, place, from_base=_origin(view, place))
    if base:
        highest = max(place.layer for place in base)
        several = len(base) > 1
        problem = (
            _several(rule, base, highest, what, from_base=True)
            if several
            else _one(rule, base[0], from_base=True)
        )
        yield problem._replace(severity=milder(rule.severity, base_severity))


def _origin(view: ImageView, place: Place) -> bool | None:
    return view.from_base(place.layer) if place.layer >= 0 else place.from_base


def _one(rule: Rule, place: Place, *, from_base: bool | None) -> Problem:
    return Problem(
        rule,
        Span(),
        place.message + (", from the base image" if from_base else ""),
        resource=place.path,
        file=place.file or place.path,
        layer=place.layer,
        from_base=from_base,
    )


def _several(rule: Rule, places: list[Place], layer: int, what: str, *, from_base: bool | None) -> Problem:
    named = listed(place.path for place in places)
    whence = " from the base image" if from_base else ""
    return Problem(
        rule,
        Span(),
        f"{len(places):,} {what}{whence}: {named}",
        resource="base" if from_base else f"layer {layer}",
        file=places[0].file or places[0].path,
        layer=layer,
        number=len(places),
        from_base=from_base,
    )


def milder(severity: Severity, other: Severity | None) -> Severity | None:
    """Give the milder of two severities; None where that is the first, the rule's own."""
    return other if other is not None and SEVERITY_RANK[other] > SEVERITY_RANK[severity] else None


def listed(names: Iterable[str]) -> str:
    """Name a few of them and say how many more there are."""
    found = list(names)
    more = len(found) - _NAMED
    return ", ".join(found[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
