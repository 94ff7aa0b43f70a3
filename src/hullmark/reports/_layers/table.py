"""The layers for a terminal: a bar for each to scale, what is wasted, and what would be better, the most worth first."""

from collections.abc import Iterator

from hullmark.model.layering import Layering, LayerSize
from hullmark.model.look import Look
from hullmark.model.words import sentence, size
from hullmark.reports._layers import words
from hullmark.reports._terminal import BOLD, YELLOW, Text

_RED, _DIM, _GREEN, _CYAN = "31", "2", "32", "36"
_LAYERS, _PROPOSALS, _PATHS, _ERRORS = 100, 20, 10, 10
_WIDE = 60


def render(found: Layering, look: Look) -> bytes:
    """Render the layers of an image."""
    page = _Page(found, look)
    return page.encoded(page.lines())


class _Page(Text):
    def __init__(self, found: Layering, look: Look) -> None:
        super().__init__(look)
        self.found = found
        self.is_wide = look.width >= _WIDE
        self.marks = ("█", "▓", "░") if look.unicode else ("#", "x", "~")

    def lines(self) -> Iterator[str]:
        found = self.found
        yield self.paint(self.plain(found.name), BOLD)
        base = f"base {found.base}" if found.base else ""
        yield from self._wrapped(self.joined((found.platform, base, *words.sums(found))), "  ", "  ")
        if found.kind == "image":
            yield from self._wrapped(words.efficiency(found), "  ", "  ")
        yield from self._picture()
        yield from self._rebuild()
        yield from self._comparison()
        yield from self._proposals()
        yield from self._hidden()
        yield from self._gates()
        yield from self._errors()

    def _heading(self, text: str) -> Iterator[str]:
        yield ""
        yield self.paint(self.cut(text, self.look.width), BOLD)

    def _picture(self) -> Iterator[str]:
        layers = self.found.layers
        largest = max(map(words.bytes_of, layers), default=0)
        room = self.look.width // (4 if self.is_wide else 5) if largest else 0
        yield from self._heading("Layers")
        rows = [self._cells(layer) for layer in layers[:_LAYERS]]
        indent = 2 + room + (2 if room else 0)
        aligned = self.aligned(rows, (5, 9, 28), indent=indent)
        for layer, cells in zip(layers, aligned, strict=False):
            bar = f"{self._bar(layer, largest, room)}  " if room else ""
            yield f"  {bar}{'  '.join(cells)}".rstrip()
        if len(layers) > _LAYERS:
            yield f"  and {len(layers) - _LAYERS} more, all in the JSON"
        if largest:
            full, hidden, cache = self.marks
            yield from self._wrapped(
                f"{full} shows, {hidden} hidden by later layers, {cache} caches and leftovers", "  ", "  "
            )

    def _cells(self, layer: LayerSize) -> tuple[str, ...]:
        number = f"{layer.line}:" if self.found.kind == "dockerfile" else str(layer.index)
        known = layer.content_bytes is not None or layer.stored_bytes is not None
        about = self.joined(
            (
                "base" if layer.from_base else words.ROLES[layer.role],
                words.STATUS[layer.status],
                "again" if layer.again and not layer.status else "",
            )
        )
        return (
            number,
            size(words.bytes_of(layer)) if known else "",
            about if self.is_wide else "",
            layer.instruction or "not said",
        )

    def _bar(self, layer: LayerSize, largest: int, room: int) -> str:
        bytes_ = words.bytes_of(layer)
        length = max(round(room * bytes_ / largest), 1) if bytes_ else 0
        hidden = min(round(length * layer.hidden_bytes / bytes_), length) if bytes_ else 0
        cache = min(round(length * layer.cache_bytes / bytes_), length - hidden) if bytes_ else 0
        full, mark_hidden, mark_cache = self.marks
        bar = self.paint(full * (length - hidden - cache), _DIM if layer.from_base else _CYAN)
        bar += self.paint(mark_cache * cache, YELLOW) if cache else ""
        bar += self.paint(mark_hidden * hidden, _RED) if hidden else ""
        return (bar if length - hidden - cache or cache or hidden else "") + " " * (room - length)

    def _line(self, indent: int, text: str) -> str:
        return " " * indent + self.cut(text, self.look.width - indent)

    def _rebuild(self) -> Iterator[str]:
        if self.found.rebuild is not None and self.found.comparison is None:
            yield ""
            yield from self._wrapped(words.rebuild(self.found.rebuild), "", "  ")

    def _wrapped(self, text: str, first: str, rest: str) -> Iterator[str]:
        from hullmark.model.printable import wrapped

        for number, line in enumerate(wrapped(self.plain(text), max(self.look.width - len(rest), 20))):
            yield f"{rest if number else first}{line}"

    def _comparison(self) -> Iterator[str]:
        compared = self.found.comparison
        if compared is None:
            return
        yield from self._heading(f"Since {self.plain(compared.name)}")
        for said in words.compared(compared):
            yield from self._wrapped(said, "  ", "  ")
        for change in compared.layers[:_LAYERS]:
            instruction = self.found.layers[change.index].instruction
            colour = _GREEN if change.status == "same_content" else YELLOW
            line = self._line(2, self.joined((f"layer {change.index}: {words.change(change)}", instruction)))
            yield self.paint(line, colour)
            rows = [
                (
                    words.CHANGES[file.change],
                    size(file.size_bytes),
                    f"/{file.path}" + (f" ({', '.join(file.aspects)})" if file.aspects else ""),
                )
                for file in change.files[:_PATHS]
            ]
            for cells in self.aligned(rows, (1, 8), indent=4):
                yield f"    {'  '.join(cells)}".rstrip()

    def _proposals(self) -> Iterator[str]:
        proposals = self.found.proposals
        yield from self._heading("What would be better")
        if not proposals:
            yield "  Nothing was found."
        for proposal in proposals[:_PROPOSALS]:
            where = words.where(proposal, self.found.kind)
            yield from self._wrapped(
                f"{sentence(proposal.message)} [{proposal.rule}]",
                "  " + self.paint("-" if not self.look.unicode else "•", YELLOW) + " ",
                "    ",
            )
            yield from self._wrapped(proposal.advice, "    ", "    ")
            gain = words.gain(proposal.gain)
            for line in self._wrapped(self.joined((where, gain)), "    ", "    "):
                yield self.paint(line, _GREEN)
            for path in proposal.paths:
                yield f"      {size(path.size_bytes):>7}  {self.cut(f'/{path.path}', self.look.width - 15)}"
        if len(proposals) > _PROPOSALS:
            yield f"  and {len(proposals) - _PROPOSALS} more, all in the JSON"

    def _hidden(self) -> Iterator[str]:
        hidden = self.found.hidden
        if not hidden:
            return
        yield from self._heading("Hidden by later layers, the largest")
        rows = [
            (
                size(each.size_bytes),
                f"layer {each.layer}, {each.how} by layer {each.by}" if self.is_wide else "",
                f"/{each.path}",
            )
            for each in hidden[:_PATHS]
        ]
        for cells in self.aligned(rows, (8, 36)):
            yield f"  {'  '.join(cells)}".rstrip()
        if len(hidden) > _PATHS:
            yield f"  {self.found.totals.hidden_paths:,} paths in all; --format json lists the largest"

    def _gates(self) -> Iterator[str]:
        if not self.found.gates:
            return
        yield from self._heading("Gates")
        for each in self.found.gates:
            word = "kept" if each.passed else "NOT KEPT"
            line = self._line(2, f"{each.name} {each.bound}: {word} ({each.found})")
            yield self.paint(line, _GREEN if each.passed else _RED)

    def _errors(self) -> Iterator[str]:
        errors = self.found.errors
        if not errors:
            return
        yield from self._heading("Not read whole")
        for each in errors[:_ERRORS]:
            yield self.paint(
                self._line(2, self.joined((each.layer[:19], each.path, each.place, each.reason))),
                YELLOW,
            )
        if len(errors) > _ERRORS:
            yield f"  and {len(errors) - _ERRORS} more, all in the JSON"
