"""The layers as one HTML page that loads nothing (HTML Living Standard, CSP Level 3): bars to scale, waste, proposals.

There is no script in it, and the page's policy allows none; its style is allowed by its hash.
"""

import base64
import functools
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from hullmark.model.layering import Comparison, Layering, LayerSize, Proposal
from hullmark.model.look import Look
from hullmark.model.words import sentence, size
from hullmark.reports._charts import Part, strip
from hullmark.reports._layers import words
from hullmark.reports._page.text import text

_PAGE = Path(__file__).parents[1] / "_page" / "page.css"
_OWN = Path(__file__).with_name("page.css")
_HIDDEN, _LEFTOVERS, _LAYERS = 100, 100, 2_000


def render(found: Layering, _look: Look) -> bytes:
    """Render the layers of an image."""
    style = _style()
    policy = f"default-src 'none'; style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"
    body = "".join(_body(found))
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>Hullmark layers: {text(found.name, 200)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<header><h1>Hullmark layers</h1></header>\n<main>\n<article>{body}</article></main>\n</body>\n</html>\n"
    )
    return page.encode("ascii", "xmlcharrefreplace")


@functools.cache
def _style() -> str:
    return _PAGE.read_text("utf-8") + _OWN.read_text("utf-8")


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _body(found: Layering) -> Iterator[str]:
    yield f"<h2>{text(found.name)}</h2>"
    facts = [found.platform, f"base image: {found.base}" if found.base else "", *words.sums(found)]
    yield f'<p class="facts">{" · ".join(text(each) for each in facts if each)}</p>'
    yield _verdict(found)
    yield _picture(found)
    if found.comparison is not None:
        yield _compared(found, found.comparison)
    yield _proposals(found)
    yield _lists(found)
    yield _errors(found)


def _verdict(found: Layering) -> str:
    failed = [each for each in found.gates if not each.passed]
    tone = "bad" if failed else "fair" if found.proposals or found.incomplete else "good"
    first = found.proposals[0].message if found.proposals else "Nothing was found that would be better."
    lines = [
        words.efficiency(found) if found.kind == "image" else "",
        words.rebuild(found.rebuild) if found.rebuild is not None and found.comparison is None else "",
        *(
            f"{each.name} {each.bound}: {'kept' if each.passed else 'not kept'} ({each.found})"
            for each in found.gates
        ),
        "It could not be read whole." if found.incomplete else "",
    ]
    said = "".join(f"<p>{text(line)}</p>" for line in lines if line)
    return f'<div class="verdict {tone}"><p>{text(sentence(first))}</p>{said}</div>'


def _parts(layer: LayerSize) -> tuple[Part, ...]:
    """Take a layer's bytes apart: what shows, caches, what is hidden."""
    bytes_ = words.bytes_of(layer)
    hidden = min(layer.hidden_bytes, bytes_)
    cache = min(layer.cache_bytes, bytes_ - hidden)
    kind = "base" if layer.from_base else "own"
    return (
        Part(kind, "bytes that show", bytes_ - hidden - cache),
        Part("cache", "bytes of caches", cache),
        Part("hidden-bytes", "hidden bytes", hidden),
    )


def _picture(found: Layering) -> str:
    if not found.layers:
        return ""
    largest = max(map(words.bytes_of, found.layers))
    rows = "".join(_row(layer, largest, found.kind) for layer in found.layers[:_LAYERS])
    more = len(found.layers) - _LAYERS
    rest = f"<p>and {more:,} more, all in the JSON</p>" if more > 0 else ""
    key = (
        '<ul class="key" aria-label="Colours"><li><b class="sev own">shows</b></li><li><b class="sev base">base image</b></li>'
        '<li><b class="sev cache">caches and leftovers</b></li><li><b class="sev hidden-bytes">hidden by later layers</b></li></ul>'
        if largest
        else ""
    )
    whole = strip(
        "whole",
        "All layers to scale",
        ", ".join(words.sums(found)),
        [p for each in found.layers[:_LAYERS] for p in _parts(each)],
    )
    number = "Line" if found.kind == "dockerfile" else "Layer"
    head = "".join(
        f'<th scope="col">{name}</th>' for name in (number, "Size", "Stored", "What it is", "Instruction")
    )
    return (
        f'<section aria-labelledby="layers"><h3 id="layers">Layers</h3>{key}{whole if largest else ""}'
        f'<table class="layers"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{rest}</section>'
    )


def _row(layer: LayerSize, largest: int, kind: str) -> str:
    number = layer.line if kind == "dockerfile" else layer.index
    bytes_ = words.bytes_of(layer)
    is_known = layer.content_bytes is not None or layer.stored_bytes is not None
    scale = f"{_share(layer, largest)}{size(bytes_)}" if is_known else "not known"
    stored = size(layer.stored_bytes) if layer.stored_bytes is not None else ""
    about = ", ".join(
        each
        for each in (
            "base image" if layer.from_base else words.ROLES[layer.role],
            words.STATUS[layer.status],
            "made again after a change to the source" if layer.again and not layer.status else "",
            f"{size(layer.hidden_bytes)} hidden" if layer.hidden_bytes else "",
            f"{size(layer.cache_bytes)} of caches" if layer.cache_bytes else "",
        )
        if each
    )
    digest = f' title="{text(layer.digest)}"' if layer.digest else ""
    return (
        f'<tr><th scope="row"{digest}>{number}</th><td class="scale">{scale}</td><td data-n="stored">{stored}</td>'
        f"<td>{about}</td><td><code>{text(layer.instruction) or 'not said'}</code></td></tr>"
    )


def _share(layer: LayerSize, largest: int) -> str:
    """Draw a layer's bar, in the parts that its bytes have."""
    start = 0.0
    drawn = []
    for part in _parts(layer):
        width = 100 * part.value / largest if largest else 0
        if part.value:
            drawn.append(f'<rect class="{part.kind}" x="{start:.3f}%" width="{width:.3f}%" height="10"/>')
        start += width
    return f'<svg class="share" width="100%" height="10" aria-hidden="true"><rect class="track" width="100%" height="10"/>{"".join(drawn)}</svg>'


def _compared(found: Layering, compared: Comparison) -> str:
    said = "".join(f"<li>{text(each)}</li>" for each in words.compared(compared))
    rows = []
    for change in compared.layers:
        files = "".join(
            f"<li>{text(file.change)} {size(file.size_bytes)} <code>/{text(file.path)}</code> {text(', '.join(file.aspects))}</li>"
            for file in change.files
        )
        listed = (
            f"<details><summary>{text(words.change(change))}</summary><ul>{files}</ul></details>"
            if files
            else text(words.change(change))
        )
        instruction = text(found.layers[change.index].instruction)
        rows.append(
            f'<tr><th scope="row">{change.index}</th><td>{words.STATUS[change.status]}</td><td data-n="stored">{size(change.stored_bytes)}</td>'
            f"<td>{listed}</td><td><code>{instruction}</code></td></tr>"
        )
    head = "".join(
        f'<th scope="col">{name}</th>'
        for name in ("Layer", "Status", "Stored", "What changed", "Instruction")
    )
    return (
        f'<section aria-labelledby="since"><h3 id="since">Since {text(compared.name)}</h3><ul>{said}</ul>'
        f'<table class="layers"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></section>'
    )


def _proposals(found: Layering) -> str:
    if not found.proposals:
        return ""
    items = "".join(_proposal(each, found.kind) for each in found.proposals)
    return f'<section class="better" aria-labelledby="better"><h3 id="better">What would be better</h3><ol>{items}</ol></section>'


def _proposal(proposal: Proposal, kind: str) -> str:
    paths = "".join(
        f"<li>{size(each.size_bytes)} <code>/{text(each.path)}</code></li>" for each in proposal.paths
    )
    listed = f"<ul>{paths}</ul>" if paths else ""
    where = words.where(proposal, kind)
    return (
        f"<li><b>{text(sentence(proposal.message))}</b> <small>{text(proposal.rule)}{', ' + where if where else ''}</small>"
        f'<p>{text(proposal.advice)}</p><p class="gain">{text(words.gain(proposal.gain))}</p>{listed}</li>'
    )


def _lists(found: Layering) -> str:
    hidden = [
        (f"/{each.path}", size(each.size_bytes), f"in layer {each.layer}, {each.how} by layer {each.by}")
        for each in found.hidden[:_HIDDEN]
    ]
    left = [
        (
            f"/{each.path}",
            size(each.size_bytes),
            f"{each.tool}, layer {each.layer}{', hidden' if each.is_hidden else ''}",
        )
        for each in found.leftovers[:_LEFTOVERS]
    ]
    return _table("hidden", "Hidden by later layers", hidden) + _table("left", "Caches and leftovers", left)


def _table(ident: str, title: str, rows: Sequence[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    body = "".join(
        f'<tr><td data-n="size">{bytes_}</td><td>{text(about)}</td><td><code>{text(path)}</code></td></tr>'
        for path, bytes_, about in rows
    )
    return (
        f'<section aria-labelledby="{ident}"><h3 id="{ident}">{title}</h3><table class="layers"><thead><tr><th scope="col">Size</th>'
        f'<th scope="col">Where</th><th scope="col">Path</th></tr></thead><tbody>{body}</tbody></table></section>'
    )


def _errors(found: Layering) -> str:
    if not found.errors:
        return ""
    items = "".join(
        f"<li>{text(' '.join(word for word in (each.layer, each.path, each.place) if word))}: {text(each.reason)}</li>"
        for each in found.errors
    )
    return f'<section aria-labelledby="unread"><h3 id="unread">Not read whole</h3><ul>{items}</ul></section>'
