"""JSON, YAML and TOML of feeds, decoded within bounds; all failures are one error, for an `Unread`."""

import tomllib
from typing import Any, TypeVar

import msgspec

from hullmark.advisories.feed import Document

T = TypeVar("T")
_MAX_KEY_PARTS = 100


class UndecodableError(ValueError):
    """A document is not what its format asks for; the text is one clause for people."""


def json(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode JSON to the decoder's type."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise UndecodableError(str(problem)) from problem
    except RecursionError as problem:
        raise UndecodableError("JSON nested too deeply") from problem


def text(document: Document) -> str:
    """Give a document's text; a byte order mark does not count."""
    try:
        return document.read().decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UndecodableError("not UTF-8") from problem


def yaml(content: str) -> Any:
    """Decode a YAML document to texts, lists and mappings.

    No scalar is given a type: a version `1.10` stays what it is, and dates, numbers and merge keys, which can
    be made to fail or to grow, are texts. What is absent (`~`) is the empty text.
    """
    import yaml as pyyaml

    try:
        return pyyaml.load(content, Loader=pyyaml.CBaseLoader)  # noqa: S506 - builds texts, lists and mappings only
    except (pyyaml.YAMLError, ValueError) as problem:
        raise UndecodableError(f"not YAML: {' '.join(str(problem).split())}") from problem
    except RecursionError as problem:
        raise UndecodableError("YAML nested too deeply") from problem


def toml(content: str) -> dict[str, Any]:
    """Decode TOML. Dotted keys of absurd length, on which the parser is quadratic, are refused."""
    for line in content.split("\n"):
        if line.count(".") > _MAX_KEY_PARTS and line.partition("=")[0].count(".") > _MAX_KEY_PARTS:
            raise UndecodableError("TOML key nested too deeply")
    try:
        return tomllib.loads(content)
    except ValueError as problem:  # besides its own error, numbers that are too long to be read
        raise UndecodableError(f"not TOML: {problem}") from problem
    except RecursionError as problem:
        raise UndecodableError("TOML nested too deeply") from problem


def strings(value: Any) -> tuple[str, ...]:
    """Give the texts of a list that ought to hold texts only; anything else gives nothing."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def string(value: Any) -> str:
    """Give a text, or nothing for what is none or says that there is none."""
    return value if isinstance(value, str) and value not in ("~", "null") else ""
