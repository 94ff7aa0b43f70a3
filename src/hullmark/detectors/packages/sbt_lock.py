"""sbt's `build.sbt.lock`, as the plugin sbt-dependency-lock writes it.

Format: https://github.com/stringbean/sbt-dependency-lock: JSON with `dependencies` of `org`, `name`, `version`, `configurations`.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import documents, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_USED = frozenset({"compile", "runtime", "provided", "default"})


def read(file: File) -> Iterator[Package | Unread]:
    """Give the locked artifacts; those of test configurations alone are for development."""
    document = documents.json(file)
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), list):
        raise MalformedError("not a build.sbt.lock: no dependencies")
    for number, entry in enumerate(document["dependencies"], 1):
        group, name = untyped.text(entry, "org"), untyped.text(entry, "name")
        version = untyped.text(entry, "version")
        if not (group and name and version):
            yield file.unread("dependency without org, name or version", f"dependency {number}")
            continue
        configurations = untyped.texts(entry, "configurations")
        yield Package(
            ecosystem="maven",
            name=f"{group}:{name}",
            version=version,
            origin="locked",
            dev=bool(configurations) and _USED.isdisjoint(configurations),
        )


DETECTOR = Detector(name="sbt_lock", version=2, wants=("**/build.sbt.lock",), read=read)
