"""The layers drawn to scale, and the charts."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from hullmark.model.advisory import Severity
from hullmark.model.image import Layer
from hullmark.model.report import Finding, Report
from hullmark.model.words import amount, size
from hullmark.reports._charts import Bar, Part, bars, share, strip
from hullmark.reports._page.findings import layers_of
from hullmark.reports._page.text import text

_LAYERS_SHOWN = 12
_SHELL = re.compile(r"^/bin/sh -c (?:#\(nop\) )?\s*")
_ORIGINS = {True: "Base image", False: "Own layers", None: "Not known whose"}


def instruction(layer: Layer) -> str:
    """Give the instruction that made a layer as a Dockerfile has it."""
    words = layer.created_by[:2000].removesuffix(" # buildkit").strip()
    shell = _SHELL.match(words)
    if shell is None:
        return words
    return words[shell.end() :] if "#(nop)" in shell[0] else f"RUN {words[shell.end() :]}"


def charts(report: Report, ident: str) -> str:
    """Draw severity by layer, base against own, fixable against not."""
    if not report.findings:
        return ""
    by_layer: dict[int, list[Finding]] = {}
    for finding in report.findings:
        for number in layers_of(finding.locations) or [-1]:
            by_layer.setdefault(number, []).append(finding)
    worst = sorted(by_layer, key=lambda number: (number < 0, -len(by_layer[number]), number))
    shown = sorted(worst[:_LAYERS_SHOWN], key=lambda number: (number < 0, number))
    layers = [_bar(_layer_name(report.layers, number), by_layer[number]) for number in shown]
    if len(worst) > _LAYERS_SHOWN:
        rest = [finding for number in worst[_LAYERS_SHOWN:] for finding in by_layer[number]]
        layers.append(_bar(f"{len(worst) - _LAYERS_SHOWN} layers with fewer", rest))
    origins = _groups(report.findings, lambda finding: _ORIGINS[finding.from_base], _ORIGINS.values())
    fixable = ("Fix available", "No fix")
    fixes = _groups(report.findings, lambda finding: fixable[finding.state != "fixed_available"], fixable)
    figures = (
        ("layer", "Severity by layer", layers),
        ("origin", "Base image against own layers", origins),
        ("fix", "Fixable against not", fixes),
    )
    drawn = "".join(
        f"<figure><figcaption>{title}</figcaption>{bars(f'{ident}-c-{name}', title, rows)}</figure>"
        for name, title, rows in figures
    )
    key = "".join(f'<li><b class="sev {level}">{level}</b></li>' for level in Severity)
    return (
        f'<section aria-labelledby="{ident}-charts {ident}-name"><h3 id="{ident}-charts">Where the findings are</h3>'
        f'<ul class="key" aria-label="Colours">{key}</ul><div class="charts">{drawn}</div></section>'
    )


def _layer_name(layers: Sequence[Layer], number: int) -> str:
    if not 0 <= number < len(layers):
        return f"Layer {number}" if number >= 0 else "No layer"
    whose = layers[number].from_base
    return f"Layer {number}" + ("" if whose is None else ", base" if whose else ", own")


def _bar(label: str, findings: Iterable[Finding]) -> Bar:
    found = Counter(finding.severity for finding in findings)
    parts = tuple(Part(str(level), str(level), found[level]) for level in Severity)
    levels = [level for level in Severity if found[level]]
    said = [f"{found[level]:,} {level}" for level in levels[:2]]
    if rest := sum(found[level] for level in levels[2:]):
        said.append(f"{rest:,} other")
    return Bar(label, ", ".join(said) or "none", parts)


def _groups(findings: Iterable[Finding], name: Callable[[Finding], str], names: Iterable[str]) -> list[Bar]:
    groups: dict[str, list[Finding]] = {each: [] for each in names}
    for finding in findings:
        groups[name(finding)].append(finding)
    return [_bar(each, found) for each, found in groups.items() if found or each != _ORIGINS[None]]


def layers(report: Report, ident: str) -> str:
    """Draw the layers to scale, each with what it brought."""
    if not report.layers:
        return ""
    sizes = [layer.content_bytes or layer.size_bytes for layer in report.layers]
    whole = sum(sizes)
    packages = Counter(number for each in report.packages for number in layers_of(each.locations))
    findings = Counter(number for each in report.findings for number in layers_of(each.locations))
    parts = [
        Part("base" if layer.from_base else "own", f"layer {layer.index}", bytes_)
        for layer, bytes_ in zip(report.layers, sizes, strict=True)
    ]
    base = sum(bytes_ for layer, bytes_ in zip(report.layers, sizes, strict=True) if layer.from_base)
    known = any(layer.from_base is not None for layer in report.layers)
    said = f"{size(whole)} in {amount(len(report.layers), 'layer')}"
    if known:
        said += f": {size(base)} base image, {size(whole - base)} own"
    rows = "".join(
        _row(layer, bytes_, max(sizes), packages[layer.index], findings[layer.index], ident)
        for layer, bytes_ in zip(report.layers, sizes, strict=True)
    )
    colours = (
        '<ul class="key" aria-label="Colours"><li><b class="sev base">base image</b></li>'
        '<li><b class="sev own">own layers</b></li></ul>'
        if known
        else ""
    )
    return (
        f'<section aria-labelledby="{ident}-layers {ident}-name"><h3 id="{ident}-layers">Layers</h3><p>{said}. A package with places'
        f" in two layers counts in both.</p>{colours}{strip(f'{ident}-c-strip', 'Layers to scale', said, parts)}"
        '<table class="layers"><thead><tr><th scope="col">Layer</th><th scope="col">Size</th><th scope="col">Packages</th>'
        f'<th scope="col">Findings</th><th scope="col">Instruction</th></tr></thead><tbody>{rows}</tbody></table></section>'
    )


def _row(layer: Layer, bytes_: int, largest: int, packages: int, findings: int, ident: str) -> str:
    kind = "base" if layer.from_base else "own"
    whose = "" if layer.from_base is None else f" {'base' if layer.from_base else 'own'}"
    found = (
        f'<a href="#{ident}-findings" data-to="{ident}" data-layer="{layer.index}">{findings:,}</a>'
        if findings
        else "0"
    )
    made = text(instruction(layer)) or "not said"
    digest = f' title="{text(layer.digest)}"' if layer.digest else ""
    return (
        f'<tr><th scope="row"{digest}>{layer.index}{whose}</th><td class="scale">{share(kind, bytes_, largest)}{size(bytes_)}</td>'
        f'<td data-n="packages">{packages:,}</td><td data-n="findings">{found}</td><td><code>{made}</code></td></tr>'
    )
