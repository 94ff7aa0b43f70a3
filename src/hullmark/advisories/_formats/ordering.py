"""Versions put in order while feeds are read, by the ecosystem's own scheme."""

from collections.abc import Iterable

from hullmark.model.errors import VersionError


def ordered(ecosystem: str, versions: Iterable[str]) -> list[str]:
    """Sort versions, the lowest first; as they come where the scheme cannot order them."""
    from hullmark.advisories.registry import schemes

    found = list(versions)
    scheme = schemes().get(ecosystem)
    if scheme is None or len(found) < 2:
        return found
    try:
        return sorted(found, key=scheme.key)
    except VersionError:
        return found
