"""Jenkinsfiles: `docker 'IMAGE'`, `docker { image 'IMAGE' }`, `docker.image('IMAGE')`, container templates, pods in YAML.

Format: Jenkins' Pipeline syntax, `agent`; Docker Pipeline plugin; Kubernetes plugin (`containerTemplate`, `yaml`).
"""

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from hullmark.detectors.config.dockerfile.ignores import line_ignores
from hullmark.detectors.config.references._found import Found, image
from hullmark.detectors.config.references._reference import Kind, TextFile, unknown
from hullmark.detectors.config.references._tree import Text, lines

_TOKEN = re.compile(
    r"//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?"
    r"|(?P<triple>'''(?:[^'\\]++|\\.|'(?!''))*+(?:''')?|\"\"\"(?:[^\"\\]++|\\.|\"(?!\"\"))*+(?:\"\"\")?)"
    r"|(?P<text>'(?:[^'\\\n]++|\\.)*+'?|\"(?:[^\"\\\n]++|\\.)*+\"?)"
    r"|(?P<word>[A-Za-z_]\w*+)|(?P<sign>[{}().:,])",
    re.DOTALL | re.ASCII,
)
_LARGEST = 1024 * 1024  # Groovy compiles no method of more than 64 KiB
_AGENTS = frozenset({"docker", "dockerContainer", "podman", "containerTemplate"})


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


def read(file: TextFile) -> Found:
    """Give the references in the order of the file."""
    if len(file.text) > _LARGEST:
        yield file.unread(f"larger than {_LARGEST} characters")
        return
    before: list[_Token] = []
    blocks: list[str] = []
    for token in _tokens(file.text):
        if token.kind == "sign" and token.text in "{(":
            blocks.append(before[-1].text if before and before[-1].kind == "word" else "")
        elif token.kind == "sign" and token.text in "})":
            del blocks[-1:]
        elif token.kind == "text" and _names_image(before, blocks):
            yield from _image(file, token)
        elif token.kind == "triple" and _words(before, 1) == ["yaml"]:
            for text in lines(file, start=token.start + 3, end=token.start + len(token.text) - 3):
                yield from image(file, text)
        before = [*before[-3:], token]


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup:
            yield _Token(match.lastgroup, match[0], match.start())


def _names_image(before: list[_Token], blocks: list[str]) -> bool:
    words = _words(before, 4)
    if words[-2:] == ["image", "("]:  # docker.image('…'), image('…') in an agent
        return words == ["docker", ".", "image", "("] or bool(_AGENTS & set(blocks[-2:]))
    inside = bool(blocks) and blocks[-1] in _AGENTS
    if words[-1:] == ["docker"]:
        return bool(blocks) and blocks[-1] == "agent"
    return inside and (words[-1:] == ["image"] or words[-2:] == ["image", ":"])


def _words(before: list[_Token], count: int) -> list[str]:
    return [token.text for token in before[-count:]]


def _image(file: TextFile, token: _Token) -> Found:
    start, end = token.start + 1, token.start + len(token.text)
    if len(token.text) > 1 and token.text[-1] == token.text[0]:
        end -= 1
    value = file.text[start:end]
    if "$" in value and token.text[0] == '"':
        yield unknown(file, start, end, "it has a variable of Groovy")
    elif "\\" not in value and value:
        yield from image(file, Text(value, start, end))


KIND = Kind(
    "jenkinsfile",
    ("Jenkinsfile", "Jenkinsfile[-_.]*", "*.[jJ]enkinsfile"),
    read,
    ignores=functools.partial(line_ignores, signs=("//", "#")),
)
