"""What a value is, and whether it can be a secret at all."""

import collections
import math


def entropy(text: str) -> float:
    """Give the Shannon entropy of a text in bits a sign."""
    counts = collections.Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) if text else 0.0


def reason_it_is_none(value: str, *, generic: bool) -> str:
    """Say why a value is no secret, nothing where it may be one."""
    return "a placeholder" if generic and len(set(value)) < 4 else ""
