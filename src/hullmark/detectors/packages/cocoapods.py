"""CocoaPods' `Podfile.lock`.

Format: CocoaPods-Core's `Lockfile`: YAML; PODS lists `Name (version)`, with what each needs below it; DEPENDENCIES what the Podfile
itself asks for. A subspec is `Pod/Subspec` and locked like a pod of its own.
"""

import re
from collections.abc import Iterator
from typing import Any

from hullmark.detectors._formats import dependency_paths, plainyaml, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread

_POD = re.compile(r"(\S+) \(([^\s()=<>~!]+)\)")


def _named(item: Any) -> str:
    """Give the name in `Name (~> 1.0)`, ``Name (from `…`)`` or `Name`."""
    return item.partition(" (")[0] if isinstance(item, str) else ""


def read(file: File) -> Iterator[Package | Unread]:
    """Give the locked pods and subspecs."""
    document = next(plainyaml.documents(file), None)
    if not isinstance(document, dict) or ("PODFILE CHECKSUM" not in document and "PODS" not in document):
        raise MalformedError("not a Podfile.lock: no PODS")
    versions: dict[str, str] = {}
    needs: dict[str, list[str]] = {}
    for number, item in enumerate(untyped.array(document, "PODS"), 1):
        for spelled, wanted in item.items() if isinstance(item, dict) else [(item, [])]:
            found = _POD.fullmatch(spelled) if isinstance(spelled, str) else None
            if not found:
                yield file.unread("not a pod with a version", f"pod {number}")
                continue
            versions[found[1]] = found[2]
            needs[found[1]] = [_named(need) for need in wanted] if isinstance(wanted, list) else []
    direct = {_named(item) for item in untyped.array(document, "DEPENDENCIES")}
    edges = {name: [need for need in wanted if need in versions] for name, wanted in needs.items()}
    via = dependency_paths.paths(
        (name for name in versions if name in direct), edges, lambda name: f"{name}@{versions[name]}"
    )
    for name, version in versions.items():
        yield Package(
            ecosystem="cocoapods",
            name=name,
            version=version,
            origin="locked",
            direct=dependency_paths.is_direct(name, direct, via),
            via=via.get(name, ()),
        )


DETECTOR = Detector(name="cocoapods", version=2, wants=("**/Podfile.lock",), read=read)
