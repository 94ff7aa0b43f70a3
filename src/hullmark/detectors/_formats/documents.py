"""JSON, TOML and XML documents, decoded within bounds. Each raises `MalformedError` for what it can't read."""

from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

import msgspec

from hullmark.detectors.detector import File, MalformedError
from hullmark.model import plain_json

_MAX_KEY_PARTS = 100
_VALUES_TO_RECORDS = 5


def bound_values(file: File, body: bytes, signs: bytes, form: str) -> None:
    """Refuse a document of so many values that it would take a hundred times its size in memory.

    Each value has one of the signs in front of it, or shares it with one more.
    """
    most = _VALUES_TO_RECORDS * file.limits.max_records
    if len(body) > most and sum(body.count(sign) for sign in signs) > most:
        raise MalformedError(f"{form} of more than {most} values")


def json(file: File) -> Any:
    """Decode a JSON document."""
    body = file.body.removeprefix(b"\xef\xbb\xbf")
    bound_values(file, body, b"{[,", "JSON")
    try:
        return plain_json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise MalformedError(f"not JSON: {problem}") from problem
    except RecursionError as problem:
        raise MalformedError("JSON nested too deeply") from problem


def toml(file: File) -> dict[str, Any]:
    """Decode a TOML document. Dotted keys of absurd length, on which the parser is quadratic, are refused."""
    text = file.text()
    bound_values(file, file.body, b"{[,=", "TOML")
    for number, line in enumerate(text.split("\n"), 1):
        if (
            line.count(".") > _MAX_KEY_PARTS
            and line.partition("=")[0].partition('"')[0].count(".") > _MAX_KEY_PARTS
        ):
            raise MalformedError("TOML key nested too deeply", f"line {number}")
    import tomllib  # for those who have such a file only

    try:
        return tomllib.loads(text)
    except ValueError as problem:  # also for a number of more digits than Python reads
        raise MalformedError(f"not TOML: {problem}") from problem
    except RecursionError as problem:
        raise MalformedError("TOML nested too deeply") from problem


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
    texts: list[list[str]] = [[]]
    left = file.limits.max_records

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > file.limits.max_depth:
            raise MalformedError("XML nested too deeply", f"line {parser.CurrentLineNumber}")
        nonlocal left
        left -= 1 + len(attributes)
        if left < 0:
            raise MalformedError(f"XML of more than {file.limits.max_records} elements and attributes")
        element = Element(name.rpartition("}")[2], attributes, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)
        texts.append([])

    def end(_name: str) -> None:
        stack.pop().text = "".join(texts.pop())

    def data(text: str) -> None:
        texts[-1].append(text)

    def entity(*_details: object) -> None:
        raise MalformedError("XML that declares entities", f"line {parser.CurrentLineNumber}")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.EntityDeclHandler = entity
    parser.buffer_text = True
    try:
        parser.Parse(file.body, True)
    except (
        expat.ExpatError,
        LookupError,
        ValueError,
    ) as problem:  # an encoding that nobody knows is no ExpatError
        raise MalformedError(f"not XML: {problem}") from problem
    if not root.children:
        raise MalformedError("not XML: no element")
    return root.children[0]
