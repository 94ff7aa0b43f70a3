"""How an image is layered, from its layers' file indexes and its history, or from a Dockerfile: what is wasted and what would be better. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hullmark.advice.layer_rules import (
    CACHE_LEFT_BEHIND,
    DELETED_LATER,
    DUPLICATED_LATER,
    HISTORY_IN_IMAGE,
    MERGEABLE,
    TOUCHED_LATER,
)
from hullmark.advice.leftovers import cache_of, leftovers
from hullmark.advice.ordering import Sizes, again, proposals
from hullmark.advice.stacking import Pair, Stacked, stacked
from hullmark.advice.steps import Step, of_history
from hullmark.images.index import LayerIndex
from hullmark.model.layering import (
    Gain,
    Hidden,
    Hiding,
    Layering,
    LayerSize,
    Leftover,
    PathBytes,
    Proposal,
    Rebuild,
    Totals,
)
from hullmark.model.rule import Rule
from hullmark.model.words import amount, size

_WORTH_BYTES = 100_000
_SMALL_LAYER_BYTES = 1_000_000
_SHOWN = 200
_ROW = 3
_EXAMPLES = 5
_RULES: dict[Hiding, Rule] = {
    "deleted": DELETED_LATER,
    "overwritten": DUPLICATED_LATER,
    "touched": TOUCHED_LATER,
}


class BuiltLayer(Struct, frozen=True, kw_only=True):
    """A layer as it was read. `instruction` is the history's own text; `content` is empty where it could not be read."""

    digest: str
    instruction: str
    stored_bytes: int
    content: LayerIndex


def of_image(name: str, layers: Sequence[BuiltLayer], *, base_layers: int = 0, own_from: int = 0) -> Layering:
    """Say how an image is layered. `base_layers` are known to be the base image's; what is below `own_from` is not advised about.

    Raises `LimitError` for what is too much to be stacked.
    """
    contents = [layer.content for layer in layers]
    stack = stacked(contents)
    left = leftovers(contents, stack.hides)
    steps = [of_history(layer.instruction, number) for number, layer in enumerate(layers)]
    own = steps[own_from:]
    sizes = [Sizes(layer.stored_bytes, stack.content_bytes[number]) for number, layer in enumerate(layers)]
    redone = (False,) * own_from + again(own)
    order = proposals(own, sizes[own_from:])
    cache_bytes = [0] * len(layers)
    for each in left:
        cache_bytes[each.layer] += each.size_bytes
    found = [
        *order,
        *_of_caches(left, layers, stack, own_from),
        *_of_hiding(stack, layers, own_from),
        *_of_merging(own, stack, redone),
    ]
    return Layering(
        name=name,
        totals=_totals(layers, stack, sum(cache_bytes)),
        layers=tuple(
            LayerSize(
                index=number,
                digest=layer.digest,
                instruction=steps[number].text,
                role=steps[number].role,
                from_base=number < base_layers if base_layers else None,
                stored_bytes=layer.stored_bytes,
                content_bytes=stack.content_bytes[number],
                files=stack.files[number],
                hidden_bytes=stack.hidden_bytes[number],
                cache_bytes=cache_bytes[number],
                again=redone[number],
            )
            for number, layer in enumerate(layers)
        ),
        rebuild=rebuild(own, sizes, redone, order),
        hidden=stack.largest[:_SHOWN],
        leftovers=left[:_SHOWN],
        proposals=ordered(found),
    )


def ordered(found: Iterable[Proposal]) -> tuple[Proposal, ...]:
    """Put the proposals that gain most first; what gains an unknown amount stands before what gains nothing."""

    def worth(each: Proposal) -> int:
        known = max(each.gain.pushed_bytes or 0, each.gain.smaller_bytes)
        return known or (1 if each.gain.pushed_bytes is None and each.gain.layers_reused else 0)

    return tuple(sorted(found, key=lambda each: (-worth(each), each.line, each.layers, each.rule)))


def _totals(layers: Sequence[BuiltLayer], stack: Stacked, cache_bytes: int) -> Totals:
    content = sum(stack.content_bytes)
    above = content - stack.content_bytes[0] if layers else 0
    return Totals(
        layers=len(layers),
        stored_bytes=sum(layer.stored_bytes for layer in layers),
        content_bytes=content,
        hidden_bytes=sum(stack.hidden_bytes),
        hidden_paths=stack.hidden_paths,
        cache_bytes=cache_bytes,
        efficiency=stack.dive.efficiency,
        wasted_bytes=stack.dive.wasted_bytes,
        user_wasted_percent=stack.dive.wasted_bytes / above if above else None,
    )


def rebuild(
    steps: Sequence[Step], sizes: Sequence[Sizes], redone: Sequence[bool], order: Sequence[Proposal]
) -> Rebuild | None:
    """Compare what a change to the source makes of the layers with what it would after the proposals about their order."""
    if not any(step.role == "source" for step in steps):
        return None
    reused = sum(not each for each in redone)
    counts = Rebuild(
        layers_reused=reused,
        layers_again=sum(redone),
        layers_reused_then=reused + sum(each.gain.layers_reused for each in order),
    )
    stored = [each.stored for each in sizes if each.stored is not None]
    if len(stored) < len(sizes):
        return counts
    again_bytes = sum(each for each, is_again in zip(stored, redone, strict=True) if is_again)
    return replace(
        counts,
        reused_bytes=sum(stored) - again_bytes,
        again_bytes=again_bytes,
        again_bytes_then=again_bytes - sum(each.gain.pushed_bytes or 0 for each in order),
    )


def _stored(content_bytes: int, layer: int, layers: Sequence[BuiltLayer], stack: Stacked) -> int:
    """Estimate as how many bytes some of a layer's content is stored."""
    whole = stack.content_bytes[layer]
    return min(round(content_bytes * layers[layer].stored_bytes / whole), content_bytes) if whole else 0


def _smaller(parts: Iterable[tuple[int, int]], layers: Sequence[BuiltLayer], stack: Stacked) -> Gain:
    """Give what is gained where content of layers is not there: (layer, bytes) in turn."""
    stored = content = 0
    for layer, bytes_ in parts:
        stored += _stored(bytes_, layer, layers, stack)
        content += bytes_
    return Gain(pushed_bytes=stored, pulled_bytes=stored, scanned_bytes=content, smaller_bytes=content)


def _of_caches(
    left: Sequence[Leftover], layers: Sequence[BuiltLayer], stack: Stacked, own_from: int
) -> Iterator[Proposal]:
    tools: dict[str, list[Leftover]] = {}
    for each in left:
        if each.layer >= own_from and not each.is_hidden:
            tools.setdefault(each.tool, []).append(each)
    for tool, found in tools.items():
        bytes_ = sum(each.size_bytes for each in found)
        if bytes_ < _WORTH_BYTES and tool != "git":
            continue
        cache = cache_of(tool)
        numbers = tuple(sorted({each.layer for each in found}))
        yield Proposal(
            rule=(HISTORY_IN_IMAGE if tool == "git" else CACHE_LEFT_BEHIND).id,
            message=f"{cache.what}: {size(bytes_)} in {amount(sum(each.files for each in found), 'file')}",
            advice=f"Avoid it by {cache.fix}",
            layers=numbers,
            gain=_smaller(((each.layer, each.size_bytes) for each in found), layers, stack),
            paths=tuple(PathBytes(each.path, each.size_bytes, each.files) for each in found[:_EXAMPLES]),
        )


def _of_hiding(stack: Stacked, layers: Sequence[BuiltLayer], own_from: int) -> Iterator[Proposal]:
    groups: dict[tuple[int, Hiding], list[Pair]] = {}
    for pair in stack.pairs:
        # What the base image holds cannot be taken out of it from above: only what is written again is our own doing.
        if (
            pair.by >= own_from
            and pair.layer != pair.by
            and (pair.layer >= own_from or pair.how != "deleted")
        ):
            groups.setdefault((pair.by, pair.how), []).append(pair)
    for (by, how), pairs in sorted(groups.items()):
        bytes_ = sum(pair.size_bytes for pair in pairs)
        if bytes_ < _WORTH_BYTES:
            continue
        rule = _RULES[how]
        files = sum(pair.files for pair in pairs)
        below = sorted({pair.layer for pair in pairs})
        yield Proposal(
            rule=rule.id,
            message=f"layer {by} {_DOES[how]} {amount(files, 'file')} of {size(bytes_)} from {_layers(below)}",
            advice=rule.fix,
            layers=(*below, by),
            gain=_smaller(((pair.layer, pair.size_bytes) for pair in pairs), layers, stack),
            paths=_examples(stack.largest, by, how),
        )


_DOES: dict[Hiding, str] = {
    "deleted": "deletes",
    "overwritten": "writes anew",
    "touched": "changes only mode, owner or time of",
}


def _layers(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:4])) + (f" and {len(numbers) - 4} more" if len(numbers) > 4 else "")
    return f"layer{'s' if len(numbers) > 1 else ''} {shown}"


def _examples(largest: Sequence[Hidden], by: int, how: Hiding) -> tuple[PathBytes, ...]:
    fitting = (each for each in largest if each.by == by and each.how == how)
    return tuple(
        PathBytes(each.path, each.size_bytes, each.files)
        for each, _ in zip(fitting, range(_EXAMPLES), strict=False)
    )


def _of_merging(own: Sequence[Step], stack: Stacked, redone: Sequence[bool]) -> Iterator[Proposal]:
    """Find RUNs in a row of which all but one write little: nothing is lost when they are one layer."""
    for group in rows(own, redone):
        bytes_ = sorted(stack.content_bytes[step.layer] for step in group)
        if sum(bytes_[:-1]) > _SMALL_LAYER_BYTES:
            continue
        yield Proposal(
            rule=MERGEABLE.id,
            message=f"{len(group)} RUN instructions in a row make as many layers; all but one hold {size(sum(bytes_[:-1]))} together",
            advice=f"{MERGEABLE.fix.rstrip('.')}: {amount(len(group) - 1, 'layer')} fewer",
            layers=tuple(step.layer for step in group),
            line=group[0].line,
            gain=Gain(pushed_bytes=0, pulled_bytes=0, scanned_bytes=0),
        )


def rows(steps: Sequence[Step], redone: Sequence[bool]) -> Iterator[list[Step]]:
    """Give RUNs that stand in a row, three at least, and are done again for the same reasons; `redone` is by layer."""
    group: list[Step] = []
    for step in (*steps, None):
        fits = step is not None and step.text.startswith("RUN ") and step.role not in {"", "dependencies"}
        if group and (not fits or step is None or redone[step.layer] != redone[group[-1].layer]):
            if len(group) >= _ROW:
                yield group
            group = []
        if step is not None and fits:
            group.append(step)
