"""PHP's Composer: `composer.lock` and the `installed.json` that it keeps in `vendor/composer/`.

Formats: Composer's `Locker` and `FilesystemRepository`. Both hold the packages' own descriptions. `installed.json` is a bare
list before Composer 2, an object with `packages` and `dev-package-names` since.
"""

from collections.abc import Iterator
from typing import Any

from hullmark.detectors._formats import dependency_paths, documents, shipped, untyped
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Package, Unread


def _sections(file: File, document: Any) -> tuple[list[Any], list[Any], frozenset[str]]:
    """Give the packages, those for development, and the names of further ones that are for development."""
    if file.name == "composer.lock":
        if isinstance(document, dict) and ("packages" in document or "content-hash" in document):
            return untyped.array(document, "packages"), untyped.array(document, "packages-dev"), frozenset()
        raise MalformedError("not a composer.lock: no packages")
    if isinstance(document, list):
        return document, [], frozenset()
    if isinstance(document, dict) and isinstance(document.get("packages"), list):
        return document["packages"], [], frozenset(untyped.texts(document, "dev-package-names"))
    raise MalformedError("not Composer's installed.json: no packages")


def read(file: File) -> Iterator[Package | Unread]:
    """Give the locked or installed packages."""
    locked = file.name == "composer.lock"
    # a lock that a dependency's authors left in it says nothing about what this image has
    if locked and ("vendor" in file.path.split("/")[:-1] or shipped.is_shipped(file.path)):
        return
    try:
        plain, development, names = _sections(file, documents.json(file))
    except MalformedError:
        # elsewhere it may be any program's file
        if locked or file.path.endswith("composer/installed.json"):
            raise
        return
    found: list[tuple[str, str, Any, bool]] = []
    for number, record in enumerate([*plain, *development]):
        name, version = untyped.text(record, "name"), untyped.text(record, "version")
        if name and version:
            found.append((name, version, record, number >= len(plain) or name in names))
        else:
            yield file.unread("package without name or version", name or f"package {number + 1}")
    versions = {name: version for name, version, _, _ in found}
    # who asks for a name that another package replaces or provides gets that package
    stands_for = {name: name for name in versions}
    for name, _, record, _ in found:
        for other in (*untyped.table(record, "replace"), *untyped.table(record, "provide")):
            stands_for.setdefault(other, name)
    edges = {
        name: [stands_for[need] for need in untyped.table(record, "require") if need in stands_for]
        for name, _, record, _ in found
    }
    tops = dependency_paths.tops(edges)
    via = dependency_paths.paths(tops, edges, lambda name: f"{name}@{versions[name]}")
    # composer.json alone says what is direct; what nobody needs can only be
    direct = set(tops)
    for name, version, record, dev in found:
        yield Package(
            ecosystem="composer",
            name=name,
            version=version,
            licences=untyped.texts(record, "license"),
            origin="locked" if locked else "installed",
            dev=dev,
            direct=True if name in direct else None,
            via=via.get(name, ()),
        )


DETECTOR = Detector(
    name="composer",
    version=2,
    wants=("**/composer.lock", "**/installed.json"),
    read=read,
)
