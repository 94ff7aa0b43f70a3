"""Lists of image references: one a line, or the images of a compose file or Kubernetes manifests."""

import sys
from pathlib import Path
from typing import Any

from hullmark.model.errors import UsageError

_MAX_BYTES = 16 * 1024 * 1024
_MAX_NODES = 1_000_000


def read_references(name: str) -> list[str]:
    """Give the references of a file (`-` for standard input), each once, in order."""
    try:
        if name == "-":
            body = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as stream:
                body = stream.read(_MAX_BYTES + 1)
    except OSError as problem:
        raise UsageError(f"cannot be read: {problem.strerror}", where=name, hint="see --images") from problem
    if len(body) > _MAX_BYTES:
        raise UsageError(f"is larger than {_MAX_BYTES} bytes", where=name)
    text = body.decode("utf-8", "replace")
    is_yaml = (
        name.endswith((".yaml", ".yml", ".json"))
        or text.lstrip()[:1] in {"{", "["}
        or any(line.rstrip().endswith(":") for line in text.splitlines())
    )
    found = _yaml_images(text, name) if is_yaml else _lines(text)
    if not found:
        raise UsageError(
            "names no image", where=name, hint="one reference a line, a compose or a Kubernetes file"
        )
    return list(dict.fromkeys(found))


def _lines(text: str) -> list[str]:
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _yaml_images(text: str, name: str) -> list[str]:
    """Take every text under a key `image`, as compose services and pod specs have it."""
    import yaml

    try:
        documents: list[Any] = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError) as problem:
        raise UsageError(f"is no YAML: {' '.join(str(problem).split())}", where=name) from problem
    found: list[str] = []
    waiting = documents[::-1]
    steps = 0
    while waiting:
        node = waiting.pop()
        steps += 1
        if steps > _MAX_NODES:
            raise UsageError("is too large or expands without end", where=name)
        if isinstance(node, dict):
            image = node.get("image")
            if isinstance(image, str):
                found.append(image)
            waiting.extend(list(node.values())[::-1])
        elif isinstance(node, list):
            waiting.extend(node[::-1])
    return found
