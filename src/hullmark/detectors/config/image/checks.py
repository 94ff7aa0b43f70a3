"""Runs the checks of an image."""

import functools
import importlib
from collections.abc import Iterable, Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.image import rules as packs
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import SEVERITY_RANK
from hullmark.model.report import Misconfiguration
from hullmark.model.rule import Rule
from hullmark.modules import names_in

_MOST = 200
"""So many findings of one rule are told, the others counted in the last: an image may have a million open files."""


@functools.cache
def checks() -> tuple[Check[ImageView], ...]:
    """Give every check, by the id of its rule."""
    found = [
        check
        for name in names_in(packs.__path__)
        for check in importlib.import_module(f"{packs.__name__}.{name}").CHECKS
    ]
    return tuple(sorted(found, key=lambda check: check.rule.id))


def rules() -> tuple[Rule, ...]:
    """Give every rule about images."""
    return tuple(check.rule for check in checks())


def problems(view: ImageView, selected: Iterable[Rule] | None = None) -> list[Misconfiguration]:
    """Give what is wrong with an image, worst first; by the rules of the default pack where none are `selected`.

    `layer_digest` and `created_by` are those of `view.layers`. Messages have the image's own words in them, as hostile as these.
    """
    wanted = None if selected is None else {rule.id for rule in selected}
    found: list[Misconfiguration] = []
    for check in checks():
        if check.rule.pack == "default" if wanted is None else check.rule.id in wanted:
            found += _bounded(_told(view, problem) for problem in check.find(view))
    return sorted(
        found,
        key=lambda each: (SEVERITY_RANK[each.severity], each.rule, each.file, each.resource, each.layer),
    )


def _bounded(found: Iterable[Misconfiguration]) -> Iterator[Misconfiguration]:
    each = list(found)
    yield from each[:_MOST]
    if len(each) > _MOST:
        last = each[_MOST]
        more = sum(other.count for other in each[_MOST:])
        yield Misconfiguration(
            rule=last.rule,
            severity=last.severity,
            message=f"{more:,} more of the same kind",
            advice=last.advice,
            file=last.file,
            resource="more",
            count=more,
            same_as=last.same_as,
            controls=last.controls,
        )


def _told(view: ImageView, problem: Problem) -> Misconfiguration:
    rule = problem.rule
    layer = view.layers[problem.layer] if 0 <= problem.layer < len(view.layers) else None
    return Misconfiguration(
        rule=rule.id,
        severity=problem.severity or rule.severity,
        message=problem.message,
        advice=problem.advice or rule.fix,
        file=problem.file,
        resource=problem.resource,
        count=problem.number,
        layer=problem.layer,
        layer_digest=layer.digest if layer else "",
        created_by=layer.created_by if layer else "",
        from_base=problem.from_base,
        same_as=rule.same_as,
        controls=rule.controls,
    )
