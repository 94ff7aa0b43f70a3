"""Paragraphs of `Field: value` lines (deb822(5)), as dpkg, copyright files and others use them."""

from collections.abc import Iterator


class Record:
    """One paragraph: field names in lower case; `line` is the number of its first line."""

    __slots__ = ("_fields", "line")

    def __init__(self, line: int) -> None:
        self.line = line
        self._fields: dict[str, str] = {}

    def get(self, name: str) -> str:
        """Give the value of a field (continuation lines joined by newlines), or the empty string."""
        return self._fields.get(name.lower(), "")

    def add(self, name: str, value: str) -> None:
        """Set a field; the first of a name counts."""
        self._fields.setdefault(name.lower(), value)

    def __bool__(self) -> bool:
        """Tell whether there is any field."""
        return bool(self._fields)


def records(text: str) -> Iterator[Record]:
    """Split a text into its paragraphs. Lines that are no field and continue none are passed over."""
    record = Record(1)
    name, values = "", [""]
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] in {" ", "\t"}:
            values.append(line.strip())
            continue
        if name:
            record.add(name, "\n".join(values))
            name = ""
        if not line.strip():
            if record:
                yield record
            record = Record(number + 1)
            continue
        head, colon, value = line.partition(":")
        if colon:
            name, values = head.strip(), [value.strip()]
    if name:
        record.add(name, "\n".join(values))
    if record:
        yield record
