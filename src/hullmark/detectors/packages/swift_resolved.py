"""Swift Package Manager's `Package.resolved`, versions 1 to 3.

Format: SwiftPM's `PinsStore`. Version 1 has `object.pins` with `repositoryURL`, later ones `pins` with `location`. A pin to a branch or a
revision has no version. A package of a registry has an identity `scope.name` and no location. A repository on the same machine, by
its path, is the project's own.
"""

import re
from collections.abc import Iterator

from hullmark.detectors._formats import documents, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_URL = re.compile(r"[A-Za-z][\w+.-]*://(?:[^/@]*@)?([^/]+)/(.+)")
_SCP = re.compile(r"(?:[^/@:]+@)?([^/@:]+):(?!//)(.+)")


def _name(location: str) -> str:
    """Give host and path of a repository, as the purl type `swift` and advisories name packages."""
    found = _URL.fullmatch(location) or _SCP.fullmatch(location)
    if not found:
        return ""
    path = found[2].rstrip("/").removesuffix(".git").strip("/")
    return f"{found[1].lower()}/{path}"


def read(file: File) -> Iterator[Package | Unread]:
    """Give the pins that have a version."""
    document = documents.json(file)
    pins = document.get("pins") if isinstance(document, dict) else None
    if pins is None:
        pins = untyped.table(document, "object").get("pins")
    if not isinstance(pins, list):
        raise MalformedError("not a Package.resolved: no pins")
    for number, pin in enumerate(pins, 1):
        version = untyped.text(pin, "state", "version")
        if not version and (untyped.text(pin, "state", "revision") or untyped.text(pin, "state", "branch")):
            continue
        location = untyped.text(pin, "location") or untyped.text(pin, "repositoryURL")
        identity = untyped.text(pin, "identity") or untyped.text(pin, "package")
        if location.startswith(("/", "file:")):
            continue
        name = _name(location) if location else identity
        if not (name and version):
            yield file.unread("pin without location or version", identity or f"pin {number}")
            continue
        yield Package(ecosystem="swift", name=name, version=version, origin="locked")


DETECTOR = Detector(
    name="swift_resolved", version=3, wants=("**/Package.resolved", "**/.package.resolved"), read=read
)
