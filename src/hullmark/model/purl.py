"""Package URLs, written and read. Source: the purl specification (ECMA-427) and its type definitions."""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

_SAFE = "~-._"
_LOWER = frozenset({"deb", "rpm", "apk", "alpm", "composer", "pypi", "hex", "pub", "bitnami"})
_PLAIN = frozenset({"deb", "rpm", "apk", "alpm", "generic"})
_NAME_ALONE = frozenset({"deb", "rpm", "apk", "alpm", "conan", "cpan", "opkg"})
"""Types whose namespace says whose build it is (a distribution, a user, an author) and is no part of the name."""

_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9.+-]*")
_QUALIFIER = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MAX_LENGTH = 8192
_CLEAN = re.compile(r"[A-Za-z0-9._~-]*")


class Purl(NamedTuple):
    """The parts of a package URL, decoded. `type` and the qualifiers' keys are in lower case."""

    type: str
    namespace: str
    name: str
    version: str
    qualifiers: dict[str, str]
    subpath: str


def _quoted(text: str, safe: str) -> str:
    """Percent-encode a part; nearly all need nothing, which is told faster than done."""
    return text if _CLEAN.fullmatch(text) else quote(text, safe=safe)


def purl(
    ecosystem: str, name: str, version: str, *, namespace: str = "", qualifiers: dict[str, str] | None = None
) -> str:
    """Build a package URL.

    `name` is the ecosystem's whole name: `group:artifact` and paths are split as each type wants; `namespace`
    is given for types that have one apart from the name (the distribution of an OS package).
    """
    subpath = ""
    if ecosystem == "maven":
        namespace, _, name = name.rpartition(":")
    elif ecosystem == "cocoapods":
        name, _, subpath = name.partition("/")
    elif "/" in name and ecosystem not in _PLAIN:
        namespace, _, name = name.rpartition("/")
    if ecosystem in _LOWER:
        namespace = namespace.lower()
        name = name.lower() if ecosystem != "rpm" else name
    if ecosystem == "pypi":
        name = name.replace("_", "-")
    parts = [f"pkg:{ecosystem}/"]
    if namespace:
        parts.append("/".join(_quoted(part, safe=_SAFE) for part in namespace.split("/") if part) + "/")
    parts.append(_quoted(name, safe=_SAFE))
    if version:
        parts.append("@" + _quoted(version, safe=_SAFE + ":"))
    shown = sorted((key, value) for key, value in (qualifiers or {}).items() if value)
    if shown:
        parts.append("?" + "&".join(f"{key}={_quoted(value, safe=_SAFE + ':/')}" for key, value in shown))
    if subpath:
        parts.append("#" + "/".join(_quoted(part, safe=_SAFE) for part in subpath.split("/") if part))
    return "".join(parts)


def parse_purl(text: str) -> Purl:
    """Take a package URL apart. Raises `ValueError` for what is none.

    Read with patience where producers differ: slashes after `pkg:`, an `@` of an npm scope that is not
    encoded, parts with an encoded slash.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError("package URL too long")
    if "%" in text and _BAD_ESCAPE.search(text):
        raise ValueError("package URL with a broken escape")
    rest, _, subpath = text.partition("#")
    rest, _, query = rest.partition("?")
    scheme, colon, rest = rest.partition(":")
    if not colon or scheme.lower() != "pkg":
        raise ValueError("not a package URL: no pkg:")
    kind, slash, path = rest.lstrip("/").partition("/")
    if not slash or not _TYPE.fullmatch(kind):
        raise ValueError("package URL without a type")
    kind = kind.lower()
    path, version = _split_version(path.strip("/"))
    namespace, _, name = path.rpartition("/")
    name = _decoded(name)
    namespace = "/".join(_decoded(part) for part in namespace.split("/") if part)
    if not name.strip("/"):
        raise ValueError("package URL without a name")
    if kind in _LOWER:
        namespace = namespace.lower()
        name = name.lower() if kind != "rpm" else name
    if kind == "pypi":
        name = name.replace("_", "-")
    below = "/".join(part for raw in subpath.split("/") if (part := _decoded(raw)) not in {"", ".", ".."})
    return Purl(kind, namespace, name, _decoded(version), _qualifiers(query), below)


def type_of(text: str) -> str:
    """Give the type of a package URL, nothing for an empty one."""
    return text.removeprefix("pkg:").partition("/")[0]


def whole_name(parsed: Purl) -> str:
    """Give the ecosystem's own whole name, as `hullmark.model.facts.Package` has it."""
    if parsed.type == "maven" and parsed.namespace:
        return f"{parsed.namespace}:{parsed.name}"
    if parsed.type == "cocoapods" and parsed.subpath:
        return f"{parsed.name}/{parsed.subpath}"
    if not parsed.namespace or parsed.type in _NAME_ALONE:
        return parsed.name
    return f"{parsed.namespace}/{parsed.name}"


def _split_version(path: str) -> tuple[str, str]:
    """Part path and version at the last `@` that does not begin a path component (an npm scope does)."""
    at = path.rfind("@")
    if at < 0 or (path[at - 1] == "/" if at else "/" in path):
        return path, ""
    return path[:at].rstrip("/"), path[at + 1 :]


def _decoded(text: str) -> str:
    return unquote(text, errors="strict") if "%" in text else text


def _qualifiers(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        key, _, value = pair.partition("=")
        if not _QUALIFIER.fullmatch(key):
            raise ValueError("package URL with a broken qualifier")
        if value:
            key = key.lower()
            if key in found:
                raise ValueError(f"package URL with two {key} qualifiers")
            found[key] = _decoded(value)
    return found
