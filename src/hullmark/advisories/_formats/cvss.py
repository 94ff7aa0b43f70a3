"""CVSS vectors to scores, at import only. Specifications: first.org/cvss, versions 2, 3.0, 3.1 and 4.0."""

import functools
from typing import Any, Literal

from hullmark.model.advisory import Score, Severity

Kind = Literal["cvss2", "cvss3", "cvss4"]

_LEVELS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
_LEVELS_2 = ((7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.0, Severity.LOW))
_BASE_4 = frozenset({"CVSS", "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"})


def level(value: float, *, version: int = 3) -> Severity:
    """Rate a base score in the words of the specification; version 2 knows no 'critical'."""
    for bound, name in _LEVELS_2 if version == 2 else _LEVELS:
        if value >= bound:
            return name
    return Severity.NEGLIGIBLE


def score(source: str, vector: str) -> Score | None:
    """Compute the base score of a vector as published, or None when it is no vector of a known version."""
    text = vector.strip()
    rated = _rated(text)
    return Score(source, rated[0], _level(*rated), text, rated[1]) if rated is not None else None


def told(source: str, kind: Kind, vector: str, value: float) -> Score:
    """Give the base score of a vector; the `value` that its publisher tells counts where it is no vector."""
    return score(source, vector) or Score(source, kind, _level(kind, value), vector, value)


def _level(kind: Kind, value: float) -> Severity:
    return level(value, version=2 if kind == "cvss2" else 3)


@functools.lru_cache(maxsize=1 << 16)
def _rated(text: str) -> tuple[Kind, float] | None:
    """Rate a vector once: a few thousand distinct ones stand in a hundred thousand records."""
    import cvss

    kind: Kind
    parsed: Any
    try:
        if text.startswith("CVSS:4"):
            kind, parsed = "cvss4", cvss.CVSS4(text)
            # Else what is known of exploits and of one's own environment would count; it does in no other version.
            base = "/".join(metric for metric in text.split("/") if metric.partition(":")[0] in _BASE_4)
            parsed = cvss.CVSS4(base) if base != text else parsed
        elif text.startswith("CVSS:3"):
            kind, parsed = "cvss3", cvss.CVSS3(text)
        else:
            kind, parsed = "cvss2", cvss.CVSS2(text.removeprefix("CVSS:2.0/").strip("()"))
    except (cvss.CVSSError, ValueError, KeyError, IndexError):
        return None
    return kind, float(parsed.base_score)
