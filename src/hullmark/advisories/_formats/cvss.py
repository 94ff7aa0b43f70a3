"""CVSS vectors to scores, at import only. Specifications: first.org/cvss, versions 2, 3.0, 3.1 and 4.0."""

from typing import Any, Literal

from hullmark.model.advisory import Score, Severity

_LEVELS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
_LEVELS_2 = ((7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.0, Severity.LOW))


def level(value: float, *, version: int = 3) -> Severity:
    """Rate a base score in the words of the specification; version 2 knows no 'critical'."""
    for bound, name in _LEVELS_2 if version == 2 else _LEVELS:
        if value >= bound:
            return name
    return Severity.NEGLIGIBLE


def score(source: str, vector: str) -> Score | None:
    """Compute the base score of a vector as published, or None when it is no vector of a known version."""
    import cvss

    text = vector.strip()
    kind: Literal["cvss2", "cvss3", "cvss4"]
    parsed: Any
    try:
        if text.startswith("CVSS:4"):
            kind, parsed = "cvss4", cvss.CVSS4(text)
        elif text.startswith("CVSS:3"):
            kind, parsed = "cvss3", cvss.CVSS3(text)
        else:
            kind, parsed = "cvss2", cvss.CVSS2(text.removeprefix("CVSS:2.0/").strip("()"))
    except (cvss.CVSSError, ValueError, KeyError, IndexError):
        return None
    value = float(parsed.base_score)
    return Score(source, kind, level(value, version=2 if kind == "cvss2" else 3), text, value)
