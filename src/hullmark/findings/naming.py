"""Whether the names in a statement are those of a package or an image: package URLs, bare names, digests.

A package URL fits a more specific one: what it does not say is left open (OpenVEX, `PurlMatches`).
"""

import fnmatch
import re
from collections.abc import Callable
from functools import lru_cache

from hullmark.model.purl import Purl, parse_purl, purl, whole_name
from hullmark.model.report import Finding, ReportImage
from hullmark.model.sbom import image_purl

IMAGES = frozenset({"oci", "docker"})
"""Types of package URLs that name images."""
_DIGEST = re.compile(r"sha(?:256|512):[0-9a-f]{64,128}\Z")
_HUB = "docker.io"


def package_test(text: str, *, globs: bool) -> Callable[[Finding], bool]:
    """Give what tells whether a finding is of the package that a text names: a package URL, or a name and perhaps a version.

    `globs`: the name may have `*` and `?` in it, and a bare name is one. Ignore files alone have both; a VEX document names packages by
    package URL or not at all.
    """
    if text.startswith("pkg:"):
        wanted = parsed(text)
        if wanted is None:
            return lambda _finding: False
        return lambda finding: bool(finding.purl) and _is_same(wanted, parsed(finding.purl), globs=globs)
    if not globs:
        return lambda _finding: False
    name, at, version = text.rpartition("@")
    if not at or not name:
        name, version = text, ""

    def is_named(finding: Finding) -> bool:
        return (
            bool(finding.component)
            and any(_is_like(name, each, globs=True) for each in _names(finding.name, finding.purl))
            and (not version or _is_like(version, finding.version, globs=True))
        )

    return is_named


@lru_cache(maxsize=1 << 14)
def _names(name: str, text: str) -> frozenset[str]:
    """Give a package's name as its files have it, and as its package URL has it (of PyPI: in lower case)."""
    found = parsed(text)
    return frozenset({name} if found is None else {name, whole_name(found)})


@lru_cache(maxsize=1 << 14)
def parsed(text: str) -> Purl | None:
    """Take a package URL apart; None for what is none."""
    try:
        return parse_purl(text)
    except ValueError:
        return None


def _is_same(wanted: Purl, found: Purl | None, *, globs: bool) -> bool:
    """Tell whether a package URL fits another; one of an OS package may leave out whose build it is."""
    if found is None or wanted.type != found.type:
        return False
    name = whole_name(found)
    if name == found.name and wanted.namespace not in {"", found.namespace}:
        return False  # another distribution's build, another user's recipe
    return (
        _is_like(whole_name(wanted), name, globs=globs)
        and (not wanted.version or _is_like(wanted.version, found.version, globs=globs))
        and (wanted.subpath in {"", found.subpath})
        and all(found.qualifiers.get(key) == value for key, value in wanted.qualifiers.items())
    )


def _is_like(wanted: str, found: str, *, globs: bool) -> bool:
    if globs and ("*" in wanted or "?" in wanted):
        return _pattern(wanted)(found) is not None
    return wanted == found


@lru_cache(maxsize=1 << 12)
def _pattern(glob: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(fnmatch.translate(glob.replace("[", "[[]"))).match


def product_of(image: ReportImage) -> str:
    """Give the package URL by which a VEX document names an image, so that `is_product` knows it again."""
    found = image_purl(image)
    if found:
        return found
    name = _last(_repository(image.name)).encode("utf-8", "backslashreplace").decode() or "image"
    return purl("oci", name, image.digest or image.config_digest)


def names_image(text: str) -> bool:
    """Tell whether a text can name an image: what is no package URL can, and one of an image."""
    found = parsed(text)
    return not text.startswith("pkg:") if found is None else found.type in IMAGES


def is_digest(text: str) -> bool:
    """Tell whether a text is a digest, which stands for one content and no other."""
    return _DIGEST.match(text) is not None


def is_product(text: str, image: ReportImage | None) -> bool:
    """Tell whether a text names an image: its digest, its name or a tag, or its package URL with as much as that says."""
    if image is None or not text:
        return False
    digests = {image.digest, image.config_digest} - {""}
    names = {image.name, *image.tags} - {""}
    if text in digests | names:
        return True
    wanted = parsed(text)
    if wanted is None or wanted.type not in IMAGES:
        return False
    asked = dict(wanted.qualifiers)
    host = asked.pop("repository_url", "")
    tag = asked.pop("tag", "")
    platform = {"arch": image.platform.architecture, "os": image.platform.os}
    if any(platform.get(key, "") != value for key, value in asked.items()):
        return False
    if is_digest(wanted.version):  # the content itself: by what name it was had does not matter
        return wanted.version in digests
    path = f"{wanted.namespace}/{wanted.name}" if wanted.namespace else wanted.name
    tags = {wanted.version, tag} - {""}
    return any(_is_repository(path, host, _repository(name)) and tags <= {_tag(name)} for name in names)


def _is_repository(path: str, host: str, found: str) -> bool:
    """Tell whether name and `repository_url` fit a repository; the latter may have the whole path in it (type definition: oci)."""
    if not host:
        return found.endswith(f"/{path.lower()}")
    host = host.partition("://")[2] or host
    return found in {_full(host), _full(f"{host.rstrip('/')}/{path}")}


def _repository(name: str) -> str:
    """Give the repository of an image's name with its registry."""
    name = name.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return _full(f"{head}{slash}{tail.partition(':')[0]}")


def _full(path: str) -> str:
    path = path.strip("/").lower()
    first, slash, _ = path.partition("/")
    if not slash:
        return f"{_HUB}/library/{path}"
    if first == "index.docker.io":
        return f"{_HUB}/{path.partition('/')[2]}"
    is_host = "." in first or ":" in first or first == "localhost"
    return path if is_host else f"{_HUB}/{path}"


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _tag(name: str) -> str:
    return _last(name.partition("@")[0]).partition(":")[2]
