"""Julia's `Manifest.toml`, formats 1 and 2.

Format: https://pkgdocs.julialang.org/v1/toml-files/#Manifest.toml: one or more entries a name. Entries without version and source belong to
the standard library of the Julia that the manifest names.
"""

from collections.abc import Iterator

from hullmark.detectors._formats import dependency_paths, documents, untyped
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_SOURCES = frozenset({"path", "repo-url", "git-tree-sha1"})


def read(file: File) -> Iterator[Package | Unread]:
    """Give the locked packages. Other tools' files of this name have no entry with a `uuid`."""
    document = documents.toml(file)
    listed = untyped.table(document, "deps") if "manifest_format" in document else document
    julia = untyped.text(document, "julia_version")
    versions: dict[str, str] = {}
    edges: dict[str, list[str]] = {}
    found: list[tuple[str, str]] = []
    for name, entries in listed.items():
        for entry in entries if isinstance(entries, list) else ():
            version = untyped.text(entry, "version")
            if not version and _SOURCES.isdisjoint(untyped.table(entry)):
                # of the standard library, and of its version
                version = julia
            if untyped.text(entry, "uuid") and version:
                found.append((name, version))
                versions.setdefault(name, version)
                needs = untyped.table(entry, "deps") or untyped.texts(entry, "deps")
                edges.setdefault(name, []).extend(needs)
    edges = {name: [need for need in needs if need in versions] for name, needs in edges.items()}
    direct = dict.fromkeys(dependency_paths.tops(edges))
    via = dependency_paths.paths(direct, edges, lambda name: f"{name}@{versions[name]}")
    for name, version in found:
        yield Package(
            ecosystem="julia",
            name=name,
            version=version,
            origin="locked",
            direct=True if name in direct else None,
            via=via.get(name, ()),
        )


DETECTOR = Detector(
    name="julia_manifest", version=2, wants=("**/Manifest.toml",), read=read, max_bytes=8 * 1024 * 1024
)
