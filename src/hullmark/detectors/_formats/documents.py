"""JSON, TOML, YAML and XML documents, decoded within bounds. Each raises `MalformedError` for what it can't read."""

import tomllib
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

import msgspec

from hullmark.detectors.detector import File, MalformedError

_MAX_KEY_PARTS = 100


def json(file: File) -> Any:
    """Decode a JSON document."""
    body = file.body.removeprefix(b"\xef\xbb\xbf")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MalformedError(f"not JSON: {problem}") from problem
    except RecursionError as problem:
        raise MalformedError("JSON nested too deeply") from problem


def toml(file: File) -> dict[str, Any]:
    """Decode a TOML document. Dotted keys of absurd length, on which the parser is quadratic, are refused."""
    text = file.text()
    for number, line in enumerate(text.split("\n"), 1):
        if (
            line.count(".") > _MAX_KEY_PARTS
            and line.partition("=")[0].partition('"')[0].count(".") > _MAX_KEY_PARTS
        ):
            raise MalformedError("TOML key nested too deeply", f"line {number}")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise MalformedError(f"not TOML: {problem}") from problem
    except RecursionError as problem:
        raise MalformedError("TOML nested too deeply") from problem


def yaml(file: File) -> Any:
    """Decode the first YAML document of a file. Aliases, with which a short text becomes a huge one, are refused."""
    import yaml as pyyaml

    loader = pyyaml.CSafeLoader(file.text())
    try:
        node = loader.get_node() if loader.check_node() else None
        if node is None:
            return None
        _refuse_aliases(node)
        return loader.construct_document(node)
    except (pyyaml.YAMLError, ValueError, OverflowError) as problem:
        raise MalformedError(f"not YAML: {' '.join(str(problem).split())}") from problem
    finally:
        loader.dispose()


def _refuse_aliases(root: Any) -> None:
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node.value, str):
            continue
        if id(node) in seen:
            raise MalformedError("YAML with aliases", f"line {node.start_mark.line + 1}")
        seen.add(id(node))
        for child in node.value:
            waiting.extend(child if isinstance(child, tuple) else (child,))


class Element:
    """One XML element: its name without namespace, attributes, text and children."""

    __slots__ = ("attributes", "children", "line", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str], line: int) -> None:
        self.name = name
        self.attributes = attributes
        self.line = line
        self.text = ""
        self.children: list[Element] = []

    def find(self, *names: str) -> "Element | None":
        """Give the first descendant along a path of child names."""
        found: Element | None = self
        for name in names:
            found = next((child for child in found.children if child.name == name), None) if found else None
        return found

    def value(self, *names: str) -> str:
        """Give the text at a path of child names, stripped; empty where there is none."""
        found = self.find(*names)
        return found.text.strip() if found else ""

    def all(self, name: str) -> Iterator["Element"]:
        """Give the children of a name."""
        return (child for child in self.children if child.name == name)


def xml(file: File) -> Element:
    """Parse an XML document into elements. Document types and entities of its own are refused."""
    parser = expat.ParserCreate(namespace_separator="}")
    root = Element("", {}, 1)
    stack = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > file.limits.max_depth:
            raise MalformedError("XML nested too deeply", f"line {parser.CurrentLineNumber}")
        element = Element(name.rpartition("}")[2], attributes, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_name: str) -> None:
        stack.pop()

    def data(text: str) -> None:
        stack[-1].text += text

    def entity(*_details: object) -> None:
        raise MalformedError("XML that declares entities", f"line {parser.CurrentLineNumber}")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.EntityDeclHandler = entity
    parser.buffer_text = True
    try:
        parser.Parse(file.body, True)
    except expat.ExpatError as problem:
        raise MalformedError(f"not XML: {problem}") from problem
    if not root.children:
        raise MalformedError("not XML: no element")
    return root.children[0]
