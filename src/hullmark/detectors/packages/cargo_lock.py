"""Rust's `Cargo.lock`, versions 1 to 4.

Format: https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html and Cargo's `resolver/encode.rs`. A need is written
`name`, `name version` or `name version (source)`, as short as it is still definite (version 1: always whole).
"""

from collections.abc import Iterator

from hullmark.detectors._formats import dependency_paths, documents, shipped, untyped
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_Key = tuple[str, str, str]


def read(file: File) -> Iterator[Package | Unread]:
    """Give every locked crate, the workspace's own among them: their version is stated too."""
    if shipped.is_shipped(file.path):
        return
    document = documents.toml(file)
    records = [*untyped.array(document, "package")]
    if "root" in document:
        # version 1 as the first Cargos wrote it
        records.insert(0, document["root"])
    keys: dict[_Key, list[str]] = {}
    for number, record in enumerate(records, 1):
        key = (untyped.text(record, "name"), untyped.text(record, "version"), untyped.text(record, "source"))
        if key[0] and key[1]:
            keys.setdefault(key, list(untyped.texts(record, "dependencies")))
        else:
            yield file.unread("crate without name or version", key[0] or f"package {number}")
    named: dict[str, list[_Key]] = {}
    for key in keys:
        for spelling in (key[0], f"{key[0]} {key[1]}", f"{key[0]} {key[1]} ({key[2]})"):
            named.setdefault(spelling, []).append(key)
    edges = {key: [named[need][0] for need in needs if need in named] for key, needs in keys.items()}
    own = [key for key in keys if not key[2]]
    direct = dict.fromkeys(need for key in own for need in edges[key] if need[2])
    via = dependency_paths.paths(direct, edges, lambda key: f"{key[0]}@{key[1]}")
    for key in keys:
        yield Package(
            ecosystem="cargo",
            name=key[0],
            version=key[1],
            origin="locked",
            direct=dependency_paths.is_direct(key, direct, via),
            via=via.get(key, ()),
        )


DETECTOR = Detector(
    name="cargo_lock", version=2, wants=("**/Cargo.lock",), read=read, max_bytes=8 * 1024 * 1024
)
