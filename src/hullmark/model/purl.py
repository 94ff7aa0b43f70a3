"""Package URLs as written by us. Source: the purl specification and its type definitions."""

from urllib.parse import quote

_SAFE = "~-._"
_LOWER = frozenset({"deb", "rpm", "apk", "alpm", "composer", "pypi", "hex", "pub", "bitnami"})


def purl(
    ecosystem: str, name: str, version: str, *, namespace: str = "", qualifiers: dict[str, str] | None = None
) -> str:
    """Build a package URL.

    `name` is the ecosystem's whole name: `group:artifact` and paths are split as each type wants; `namespace`
    is given for types that have one apart from the name (the distribution of an OS package).
    """
    if ecosystem == "maven":
        namespace, _, name = name.rpartition(":")
    elif "/" in name and ecosystem not in {"deb", "rpm", "apk", "alpm", "generic"}:
        namespace, _, name = name.rpartition("/")
    if ecosystem in _LOWER:
        namespace = namespace.lower()
        name = name.lower() if ecosystem != "rpm" else name
    if ecosystem == "pypi":
        name = name.replace("_", "-")
    parts = [f"pkg:{ecosystem}/"]
    if namespace:
        parts.append("/".join(quote(part, safe=_SAFE) for part in namespace.split("/") if part) + "/")
    parts.append(quote(name, safe=_SAFE))
    if version:
        parts.append("@" + quote(version, safe=_SAFE + ":"))
    shown = sorted((key, value) for key, value in (qualifiers or {}).items() if value)
    if shown:
        parts.append("?" + "&".join(f"{key}={quote(value, safe=_SAFE + ':/')}" for key, value in shown))
    return "".join(parts)
