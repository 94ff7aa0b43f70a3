"""JSON with comments and trailing commas, as Bun writes its text lock file."""

import re
from typing import Any

import msgspec

from hullmark.detectors._formats.documents import bound_values
from hullmark.detectors.detector import File, MalformedError

# An unclosed string or comment matches up to the end, so that no second try starts inside it.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|//[^\n]*|/\*.*?(?:\*/|\Z)|,(?=\s*+[}\]])', re.DOTALL)


def jsonc(file: File) -> Any:
    """Decode the document."""
    bound_values(file, file.body, b'{[,"', "JSON")
    plain = _TOKEN.sub(lambda token: token[0] if token[0][0] == '"' else " ", file.text())
    try:
        return msgspec.json.decode(plain)
    except (msgspec.DecodeError, UnicodeEncodeError) as problem:
        raise MalformedError(f"not JSON: {problem}") from problem
    except RecursionError as problem:
        raise MalformedError("JSON nested too deeply") from problem
