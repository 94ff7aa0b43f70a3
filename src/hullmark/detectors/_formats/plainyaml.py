"""YAML as lock files use it: mappings, lists and text.

Every scalar stays the text that it is, since a version `1.10` read as a number is another version. Aliases, with
which a short text becomes a huge one, are refused, and nesting is bounded.
"""

from collections.abc import Iterator
from typing import Any

from hullmark.detectors.detector import File, Limits, MalformedError

_EVENTS_TO_RECORDS = 5


def documents(file: File) -> Iterator[Any]:
    """Give each document of a file: a dict, a list or a text. A later key of the same name replaces an earlier one."""
    import yaml

    loader = yaml.CSafeLoader(file.text())
    try:
        yield from _build(loader, file.limits)
    except (yaml.YAMLError, ValueError) as problem:
        raise MalformedError(f"not YAML: {' '.join(str(problem).split())}") from problem
    finally:
        loader.dispose()


def _build(loader: Any, limits: Limits) -> Iterator[Any]:
    import yaml

    left = most = _EVENTS_TO_RECORDS * limits.max_records
    stack: list[dict[str, Any] | list[Any]] = []
    keys: list[str | None] = []  # of each open mapping the key whose value comes next
    top: Any = None
    while (kind := type(event := loader.get_event())) is not yaml.StreamEndEvent:
        left -= 1
        if left < 0:
            raise MalformedError(f"YAML of more than {most} values")
        if kind is yaml.ScalarEvent:
            value: Any = event.value
        elif kind in {yaml.MappingStartEvent, yaml.SequenceStartEvent}:
            if len(stack) >= limits.max_depth:
                raise MalformedError("YAML nested too deeply", _place(event))
            stack.append({} if kind is yaml.MappingStartEvent else [])
            keys.append(None)
            continue
        elif kind in {yaml.MappingEndEvent, yaml.SequenceEndEvent}:
            value = stack.pop()
            keys.pop()
        elif kind is yaml.AliasEvent:
            raise MalformedError("YAML with aliases", _place(event))
        else:
            if kind is yaml.DocumentEndEvent:
                yield top
                top = None
            continue
        if not stack:
            top = value
        else:
            keys[-1] = _put(stack[-1], keys[-1], value, event)


def _put(container: dict[str, Any] | list[Any], key: str | None, value: Any, event: Any) -> str | None:
    """Add a value to its container, and give the key that waits for the next one."""
    if isinstance(container, list):
        container.append(value)
    elif key is not None:
        container[key] = value
    elif isinstance(value, str):
        return value
    else:
        raise MalformedError("YAML with a key that is no text", _place(event))
    return None


def _place(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"
