"""Sets of names, written as a sentence of them."""


def words(text: str) -> frozenset[str]:
    """Give the set of a text's words."""
    return frozenset(text.split())
