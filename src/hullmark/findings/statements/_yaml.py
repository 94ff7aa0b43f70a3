"""YAML of ignore files: every value is the text that it is and knows its line, and nothing in it means more than it shows.

Anchors, aliases and tags are refused: with them a short text becomes a huge one, or another value than the one that is read. So are keys
that stand twice. Size and depth are bounded. Specification: YAML 1.1, https://yaml.org/spec/1.1/.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import Struct

from hullmark.model.errors import UsageError

MAX_BYTES = 2 * 1024 * 1024
_MAX_DEPTH = 16
_PLAIN_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Node(Struct, eq=False):
    """A value: a text, a list or a mapping; and the line on which it begins, from 1.

    `end` is the place in the text behind the last of it.
    """

    line: int
    value: "str | list[Node] | dict[str, Node]"
    is_null: bool = False
    end: int = 0
    is_flow: bool = False
    key_line: int = 0


class Entry(NamedTuple):
    """A mapping whose keys are known, and what says where something in it is wrong."""

    name: str
    line: int
    values: dict[str, Node]

    def fault(self, what: str, key: str = "", hint: str = "") -> UsageError:
        """Make the error that names file and line."""
        node = self.values.get(key)
        return UsageError(what, where=f"{self.name}:{node.line if node else self.line}", hint=hint)

    def text(self, key: str) -> str:
        """Give the text of a key, empty where it is not there."""
        node = self.values.get(key)
        if node is None or node.is_null:
            return ""
        if not isinstance(node.value, str):
            raise self.fault(f"{key} is a text, and this is a {kind(node)}", key)
        return node.value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """Give the texts of a key that has one or a list of them. Empty ones are refused: nobody means all by nothing."""
        node = self.values.get(key)
        if node is None:
            return ()
        nodes = node.value if isinstance(node.value, list) else [node]
        found = []
        for each in nodes:
            if not isinstance(each.value, str):
                raise UsageError(
                    f"{key} is a text or a list of them, and this is a {kind(each)}",
                    where=f"{self.name}:{each.line}",
                )
            if each.is_null or not each.value.strip():
                raise UsageError(f"{key} is empty", where=f"{self.name}:{each.line}", hint="leave it out")
            found.append(each.value.strip())
        if not found:
            raise self.fault(f"{key} is an empty list", key, "leave it out")
        return tuple(found)


def kind(node: Node) -> str:
    """Say what a value is."""
    if isinstance(node.value, str):
        return "text"
    return "list" if isinstance(node.value, list) else "mapping"


def entry(node: Node, name: str, known: tuple[str, ...] | None) -> Entry:
    """Give a mapping; keys other than those that are known are refused, if any are."""
    if not isinstance(node.value, dict):
        raise UsageError(f"an entry is a mapping, and this is a {kind(node)}", where=f"{name}:{node.line}")
    for key, value in node.value.items():
        if known is not None and key not in known:
            raise UsageError(
                f"there is no key {key[:60]!r}",
                where=f"{name}:{value.key_line}",
                hint=f"there are {', '.join(known)}",
            )
    return Entry(name, node.line, node.value)


def items(node: Node | None, name: str, key: str) -> list[Node]:
    """Give the nodes of a list; none where there is nothing."""
    if node is None or node.is_null:
        return []
    if not isinstance(node.value, list):
        raise UsageError(f"{key} is a list, and this is a {kind(node)}", where=f"{name}:{node.line}")
    return node.value


def load(name: str, body: bytes) -> Node | None:
    """Read a file of one document; None for one with nothing in it. Raises `UsageError` with file and line."""
    import yaml

    text = decoded(name, body)
    try:
        loader = yaml.CSafeLoader(text)
        try:
            return _built(name, loader.get_event)
        finally:
            loader.dispose()
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = mark.line + 1 if mark is not None else _line_of(text, problem)
        what = getattr(problem, "problem", "") or getattr(problem, "reason", "") or "it cannot be read"
        where = f"{name}:{line}" if line else name
        raise UsageError(f"is no YAML: {what}", where=where) from problem


def decoded(name: str, body: bytes) -> str:
    """Decode a text file. Raises `UsageError` for one that is too large, and with file and line for what is no UTF-8."""
    if len(body) > MAX_BYTES:
        raise UsageError(f"larger than {MAX_BYTES} bytes", where=name, hint="is it an ignore file?")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = body.count(b"\n", 0, problem.start) + 1
        raise UsageError("is no UTF-8", where=f"{name}:{line}") from problem


def _line_of(text: str, problem: Exception) -> int:
    """Find the line of a character that YAML does not allow."""
    place = getattr(problem, "position", None)
    return text.encode("utf-8", "replace").count(b"\n", 0, place) + 1 if isinstance(place, int) else 0


def _built(name: str, next_event: Callable[[], Any]) -> Node | None:
    """Build the one document out of events; no call stack grows with the text."""
    import yaml

    top: Node | None = None
    stack: list[tuple[Node, _Key]] = []
    documents = 0
    while not isinstance(event := next_event(), yaml.StreamEndEvent):
        line = event.start_mark.line + 1
        where = f"{name}:{line}"
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise UsageError("has more than one YAML document", where=where)
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise UsageError("anchors and aliases are not read", where=where, hint="write it out")
        elif isinstance(event, yaml.CollectionEndEvent):
            node, _ = stack.pop()
            node.end = max(node.end, _end(event) if node.is_flow else 0)
            if stack:
                stack[-1][0].end = node.end
        elif isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            if event.tag not in {None, "!"}:
                raise UsageError(f"the tag {str(event.tag)[:40]!r} is not read", where=where)
            node = _node(event, line)
            if not stack:
                top = node
            elif _put(stack[-1][0], stack[-1][1], node, name):
                continue
            if isinstance(event, yaml.CollectionStartEvent):
                if len(stack) >= _MAX_DEPTH:
                    raise UsageError(f"is nested deeper than {_MAX_DEPTH}", where=where)
                stack.append((node, _Key()))
    return None if top is None or top.is_null else top


class _Key:
    """The key of an open mapping whose value comes next."""

    text: str | None = None
    line = 0


def _end(event: Any) -> int:
    return int(event.end_mark.index)


def _node(event: Any, line: int) -> Node:
    import yaml

    end = _end(event)
    if isinstance(event, yaml.ScalarEvent):
        is_null = not event.style and event.value in _PLAIN_NULLS
        return Node(line, event.value, is_null=is_null, end=end)
    value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
    return Node(line, value, end=end, is_flow=bool(event.flow_style))


def _put(into: Node, key: _Key, node: Node, name: str) -> bool:
    """Put a value where it belongs; tell whether it was a key."""
    into.end = max(into.end, node.end)
    if isinstance(into.value, list):
        into.value.append(node)
        return False
    assert isinstance(into.value, dict)
    if key.text is None:
        if not isinstance(node.value, str):
            raise UsageError("a key is a text", where=f"{name}:{node.line}")
        if node.value in into.value:
            raise UsageError(f"the key {node.value[:60]!r} stands twice", where=f"{name}:{node.line}")
        key.text, key.line = node.value, node.line
        return True
    node.key_line = key.line
    into.value[key.text] = node
    key.text = None
    return False
