"""YAML and JSON with the place of every text, documents one by one.

Read from libyaml's events, so that nothing recurses and no alias is unfolded: an anchor's content is there once, where it
stands. An alias of a text is that text. What is no YAML (a Helm template, a file cut short) is read line by line.
"""

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from msgspec import Struct

from hullmark.detectors.config.references._reference import NOWHERE, Piece, TextFile

_MAX_DEPTH = 200
_MAX_EVENTS = 500_000
_PROPERTIES = re.compile(r"(?:[&!][^\s]*\s+)+")
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|//[^\n]*|/\*.*?(?:\*/|\Z)|\t', re.DOTALL)
_LINE = re.compile(
    r"""^[ \t]*+(?:-[ \t]++)*+["']?(?P<key>[\w./-]{1,80}+)["']?[ \t]*+:[ \t]++(?:"(?P<double>[^"\n\\]*+)"|'(?P<single>[^'\n]*+)'|(?P<plain>[^\s"'{\[|>&*!#][^\n#]*+))""",
    re.MULTILINE,
)


class UnreadableError(Exception):
    """It is no YAML or JSON that can be read; `at` is where that was noticed."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.at = at


class Text(Struct, frozen=True):
    """A scalar. `start` and `end` are those of what is between its quotes; `exact`: the file has it there word for word."""

    value: str
    start: int
    end: int
    exact: bool = True
    quoted: bool = False

    def piece(self) -> Piece:
        """Give it as a piece of a reference."""
        return Piece(self.value, self.start if self.exact else NOWHERE)


class Table(Struct):
    """A mapping, keys in order; of one that stands twice the last counts, as most readers have it."""

    entries: "dict[str, Node]"

    def text(self, name: str) -> Text | None:
        """Give the text under a key."""
        found = self.entries.get(name)
        return found if isinstance(found, Text) else None

    def table(self, name: str) -> "Table":
        """Give the mapping under a key, empty where there is none."""
        found = self.entries.get(name)
        return found if isinstance(found, Table) else Table({})

    def items(self, name: str) -> "list[Node]":
        """Give the list under a key, empty where there is none."""
        found = self.entries.get(name)
        return found.nodes if isinstance(found, Items) else []


class Items(Struct):
    """A list."""

    nodes: "list[Node]"


Node: TypeAlias = Text | Table | Items | None


def documents(file: TextFile) -> Iterator[Node]:
    """Give each document's root. Raises `UnreadableError`."""
    import yaml

    text = file.text
    shift = 1 if text.startswith("\ufeff") else 0  # libyaml does not count it
    if file.path.endswith((".json", ".jsonc")):
        text = _TOKEN.sub(_blank, text)
    try:
        loader = yaml.CSafeLoader(text)
    except (yaml.YAMLError, ValueError) as problem:
        raise UnreadableError(_said(problem), 0) from problem
    try:
        yield from _Builder(file.text, shift).build(loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        raise UnreadableError(_said(problem), mark.index + shift if mark is not None else 0) from problem
    except (yaml.YAMLError, ValueError) as problem:
        raise UnreadableError(_said(problem), 0) from problem
    finally:
        loader.dispose()


def tables(root: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Table]]:
    """Give every mapping below a node with the keys that lead to it (`-` for a list), in the order of the file."""
    waiting = [(path, root)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, Table):
            yield path, node
            waiting += [((*path, key), below) for key, below in reversed(node.entries.items())]
        elif isinstance(node, Items):
            waiting += [((*path, "-"), below) for below in reversed(node.nodes)]


def lines(file: TextFile, key: str = "image", start: int = 0, end: int | None = None) -> Iterator[Text]:
    """Give the texts under a key, line by line: of what is no YAML as a whole, between two places."""
    for match in _LINE.finditer(file.text, start, len(file.text) if end is None else end):
        if match["key"] != key:
            continue
        kind = match.lastgroup or "plain"
        value = match[kind].rstrip() if kind == "plain" else match[kind]
        yield Text(value, match.start(kind), match.start(kind) + len(value), quoted=kind != "plain")


def _blank(token: re.Match[str]) -> str:
    """Put spaces in the place of comments and tabs, which JSON's kin has and YAML has not; strings stay."""
    return token[0] if token[0][0] == '"' else re.sub(r"[^\n]", " ", token[0])


def _said(problem: Exception) -> str:
    words = getattr(problem, "problem", None) or getattr(problem, "reason", None) or str(problem)
    return f"no YAML: {' '.join(str(words).split())[:120]}"


class _Builder:
    def __init__(self, text: str, shift: int) -> None:
        self._text = text
        self._shift = shift
        self._anchors: dict[str, Text] = {}
        self._stack: list[Table | Items] = []
        self._keys: list[str | None] = []  # of each open mapping the key whose value comes next
        self._root: Node = None

    def build(self, loader: Any) -> Iterator[Node]:
        import yaml

        starts = {yaml.MappingStartEvent: Table, yaml.SequenceStartEvent: Items}
        left = _MAX_EVENTS
        while (kind := type(event := loader.get_event())) is not yaml.StreamEndEvent:
            left -= 1
            if left < 0:
                raise UnreadableError("YAML of too many values", event.start_mark.index + self._shift)
            if kind is yaml.ScalarEvent:
                self._put(self._scalar(event))
            elif kind in starts:
                self._open(Table({}) if kind is yaml.MappingStartEvent else Items([]), event)
            elif kind in {yaml.MappingEndEvent, yaml.SequenceEndEvent}:
                self._stack.pop()
                self._keys.pop()
            elif kind is yaml.AliasEvent:
                self._put(self._anchors.get(event.anchor))
            elif kind is yaml.DocumentEndEvent:
                yield self._root
                self._root = None
                self._anchors.clear()

    def _open(self, node: Table | Items, event: Any) -> None:
        if len(self._stack) >= _MAX_DEPTH:
            raise UnreadableError("YAML nested too deeply", event.start_mark.index + self._shift)
        self._put(node)
        self._stack.append(node)
        self._keys.append(None)

    def _put(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        inside, key = self._stack[-1], self._keys[-1]
        if isinstance(inside, Items):
            inside.nodes.append(node)
        elif key is not None:
            inside.entries.pop(key, None)
            inside.entries[key] = node
            self._keys[-1] = None
        else:
            self._keys[-1] = node.value if isinstance(node, Text) else ""

    def _scalar(self, event: Any) -> Text:
        start, end = event.start_mark.index + self._shift, event.end_mark.index + self._shift
        if (event.anchor or event.tag) and (before := _PROPERTIES.match(self._text, start, end)):
            start = before.end()
        quoted = event.style in {"'", '"'}
        if quoted:
            start, end = start + 1, end - 1
        value = event.value
        exact = len(value) == end - start and self._text[start:end] == value
        text = Text(value, start, end, exact, quoted)
        if event.anchor:
            self._anchors[event.anchor] = text
        return text
