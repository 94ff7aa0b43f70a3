"""What the layers, the proposals and the comparison say in words: the same in every form."""

from collections.abc import Iterator

from hullmark.model.layering import Comparison, Gain, LayerChange, Layering, LayerSize, Proposal, Rebuild
from hullmark.model.words import amount, size

ROLES = {
    "": "",
    "manifests": "lists of dependencies",
    "dependencies": "dependencies",
    "system": "system packages",
    "source": "source",
    "build": "build",
    "copy": "copy",
    "settings": "settings",
}
STATUS = {"": "", "reused": "reused", "same_content": "same content", "changed": "changed", "new": "new"}
CHANGES = {"new": "+", "gone": "-", "changed": "~"}


def share(part: int, whole: int) -> str:
    """Give a share in hundredths."""
    return f"{100 * part / whole:.1f}%" if whole else "0%"


def sums(found: Layering) -> Iterator[str]:
    """Say what the image is in numbers."""
    totals = found.totals
    yield amount(totals.layers, "layer")
    if totals.content_bytes is None or totals.stored_bytes is None:
        return
    yield f"{size(totals.stored_bytes)} stored, {size(totals.content_bytes)} of files"
    hidden = f"{size(totals.hidden_bytes)} hidden by later layers ({share(totals.hidden_bytes, totals.content_bytes)})"
    yield hidden if totals.hidden_bytes else "nothing hidden by later layers"
    if totals.cache_bytes:
        yield f"{size(totals.cache_bytes)} of caches and leftovers"


def efficiency(found: Layering) -> str:
    """Give dive's figures."""
    totals = found.totals
    user = (
        ""
        if totals.user_wasted_percent is None
        else f", {100 * totals.user_wasted_percent:.2f}% of what is above the first layer"
    )
    return f"Efficiency {100 * totals.efficiency:.2f}%, {size(totals.wasted_bytes)} wasted{user} (as dive counts)"


def rebuild(found: Rebuild) -> str:
    """Say what a build after a change to the source makes of the layers."""
    again = f"{amount(found.layers_again, 'layer')} made again"
    if found.again_bytes is not None:
        again += f" ({size(found.again_bytes)} pushed, pulled and scanned again)"
    said = f"After a change to the source: {amount(found.layers_reused, 'layer')} reused, {again}"
    if found.layers_reused_then <= found.layers_reused:
        return said
    then = f"{found.layers_reused_then} reused"
    if found.again_bytes_then is not None:
        then += f", {size(found.again_bytes_then)} again"
    return f"{said}. In a better order: {then}"


def gain(found: Gain) -> str:
    """Say what a proposal saves."""
    words = []
    about = "" if found.exact else "about "
    if found.pushed_bytes:
        every = " at every build" if found.layers_reused else ""
        words.append(f"{about}{size(found.pushed_bytes)} less to push and to pull{every}")
    if found.scanned_bytes:
        words.append(f"{size(found.scanned_bytes)} less to scan")
    if found.layers_reused:
        words.append(f"{amount(found.layers_reused, 'layer')} more reused")
    if not words and found.pushed_bytes is None:
        return "gain not known without the built image"
    return ", ".join(words)


def where(proposal: Proposal, kind: str) -> str:
    """Say which layers or which line a proposal is about."""
    if kind == "dockerfile" and proposal.line:
        return f"line {proposal.line}"
    numbers = ", ".join(map(str, proposal.layers[:6])) + (" …" if len(proposal.layers) > 6 else "")
    return f"layer{'s' if len(proposal.layers) != 1 else ''} {numbers}" if proposal.layers else ""


def compared(found: Comparison) -> Iterator[str]:
    """Say what changed since the older build."""
    yield f"{amount(found.layers_reused, 'layer')} reused ({size(found.reused_bytes)})"
    yield f"{amount(len(found.layers), 'layer')} new: {size(found.pushed_bytes)} to push and to pull, {size(found.scanned_bytes)} to scan"
    if found.avoidable_bytes:
        yield f"{size(found.avoidable_bytes)} of it for layers whose content is the same"
    yield f"{size(found.changed_bytes)} of files really changed"


def change(found: LayerChange) -> str:
    """Say of one layer what became of it."""
    if found.status == "same_content":
        return f"the same files; what differs: {', '.join(found.why)}"
    if found.status == "new":
        return f"new: {amount(found.changed_files, 'entry' if found.changed_files == 1 else 'entrie')}"
    return f"{amount(found.changed_files, 'file')} changed, {size(found.changed_bytes)}"


def bytes_of(layer: LayerSize) -> int:
    """Give the bytes by which a layer is drawn: of its files, else as it is stored."""
    return layer.content_bytes or layer.stored_bytes or 0
