"""Looks into decoded documents whose shape nobody vouches for: the wrong type is the same as nothing."""

from typing import Any


def text(value: Any, *keys: str) -> str:
    """Give the text at a path of keys, or the empty string."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def table(value: Any, *keys: str) -> dict[str, Any]:
    """Give the mapping at a path of keys, or an empty one. Keys that are no text are left out."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, dict):
        return {}
    return (
        value
        if all(type(key) is str for key in value)
        else {k: v for k, v in value.items() if type(k) is str}
    )


def array(value: Any, *keys: str) -> list[Any]:
    """Give the list at a path of keys, or an empty one."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, list) else []


def texts(value: Any, *keys: str) -> tuple[str, ...]:
    """Give the texts in the list at a path of keys; one text alone counts as a list of itself."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(item for item in value if isinstance(item, str) and item) if isinstance(value, list) else ()
