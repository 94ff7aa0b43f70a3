"""The name of an image in a registry, as Docker reads it.

Format: distribution/reference, `reference.go`; Docker's defaults for host, `library/` and tag.
"""

import contextlib
import ipaddress
import re

from msgspec import Struct

from hullmark.model.errors import UsageError
from hullmark.model.image import DIGEST
from hullmark.model.printable import cleaned

DOCKER_HUB = "docker.io"
_HUB_ADDRESS = "registry-1.docker.io"
HUB_NAMES = frozenset((DOCKER_HUB, "index.docker.io", _HUB_ADDRESS))
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9])"
_HOST = re.compile(rf"({_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]{{2,45}}\])(?::([0-9]{{1,5}}))?")
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_MAX_NAME = 255


class Reference(Struct, frozen=True, kw_only=True):
    """An image in a registry, every part spelt out. `text` is what the user wrote; a digest outranks a tag."""

    text: str
    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def address(self) -> str:
        """The host that is talked to."""
        return _HUB_ADDRESS if self.host == DOCKER_HUB else self.host

    @property
    def wanted(self) -> str:
        """What names the manifest: the digest, else the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        """Give the whole name, nothing left to defaults."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """Read a reference as Docker does: `alpine` is `docker.io/library/alpine:latest`. Raises `UsageError`."""
    name, at, digest = text.partition("@")
    if at and not DIGEST.fullmatch(digest):
        raise UsageError(
            f"{cleaned(digest, 80)!r} is no digest", where=text, hint="sha256: and 64 hex digits"
        )
    head, slash, tail = name.rpartition("/")
    last, colon, tag = tail.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise UsageError(f"{cleaned(tag, 80)!r} is no tag", where=text)
    first, slash, rest = f"{head}{slash}{last}".partition("/")
    if slash and (any(sign in first for sign in ".:[") or first == "localhost" or first != first.lower()):
        host, repository = first, rest
    else:
        host, repository = DOCKER_HUB, f"{first}{slash}{rest}"
    if not _is_host(host):
        raise UsageError(f"{cleaned(host, 80)!r} is no registry host", where=text)
    if host.lower() in HUB_NAMES:
        host = DOCKER_HUB
        if "/" not in repository:
            repository = f"library/{repository}"
    if not _REPOSITORY.fullmatch(repository) or len(host) + len(repository) >= _MAX_NAME:
        hint = "repository names are lower case" if repository != repository.lower() else ""
        raise UsageError(f"{cleaned(repository, 80)!r} is no repository name", where=text, hint=hint)
    return Reference(
        text=text, host=host, repository=repository, tag=tag if at or colon else "latest", digest=digest
    )


def _is_host(text: str) -> bool:
    match = _HOST.fullmatch(text)
    if match is None or int(match[2] or 1) not in range(1, 65536):
        return False
    with contextlib.suppress(ValueError):
        return not match[1].startswith("[") or bool(ipaddress.IPv6Address(match[1][1:-1]))
    return False
