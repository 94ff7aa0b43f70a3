"""The header block of an e-mail-like text (RFC 822), as Python's core metadata uses it.

Specified: https://packaging.python.org/en/latest/specifications/core-metadata/
"""

import re

_END = re.compile(rb"\r?\n\r?\n")


def headers(body: bytes) -> dict[str, list[str]]:
    """Give the values of each field by its name in lower case, up to the first empty line.

    Folded lines are joined by newlines. A line that is no field and continues none belongs to nothing: some
    writers put a licence's text there unfolded.
    """
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    end = _END.search(start)
    text = (start[: end.start()] if end else start).decode("utf-8", "replace")
    fields: dict[str, list[str]] = {}
    folded: list[str] = []
    name = ""
    for line in text.split("\n"):
        if line[:1] in {" ", "\t"}:
            folded.append(line.strip())
            continue
        if name:
            fields.setdefault(name, []).append("\n".join(folded).strip())
            name = ""
        head, colon, value = line.partition(":")
        if colon and head and " " not in head:
            name, folded = head.lower(), [value.strip()]
    if name:
        fields.setdefault(name, []).append("\n".join(folded).strip())
    return fields
