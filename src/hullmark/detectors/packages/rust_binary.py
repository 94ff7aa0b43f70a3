"""Rust binaries: the crates that were linked into an executable.

Two kinds of evidence. The section `.dep-v0`, written by `cargo auditable`, holds zlib-compressed JSON with the
whole dependency tree (PARSING.md and cargo-auditable.schema.json in rust-secure-code/cargo-auditable). Where it is
missing, the source paths in panic messages (`…/registry/src/<index>/<crate>-<version>/…`) name at least
those crates that can panic.
"""

import contextlib
import re
import zlib
from collections.abc import Iterator

import msgspec

from hullmark.detectors._formats import dependency_paths
from hullmark.detectors._formats.elf import Elf, Section
from hullmark.detectors.detector import Detector, File, MalformedError
from hullmark.model.facts import Fact, Package

_SECTION = b".dep-v0"
_CONSTANTS = b".rodata"
_SECTION_NAME = b"\0.dep-v0\0"  # as in a table of section names; scanners hold it as a string
_PANIC_PATH = b"/registry/src/"
_MAX_JSON = 16 * 1024 * 1024
_CRATE = re.compile(
    rb"/registry/src/[!-.0-~]{1,100}/([A-Za-z][\w-]{0,63})-(\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][\w.+-]{1,60})?)/"
)


class _Crate(msgspec.Struct):
    name: str
    version: str
    source: str = ""
    kind: str = "runtime"
    dependencies: list[int] = []
    root: bool = False


class _Tree(msgspec.Struct):
    packages: list[_Crate]


def read(file: File) -> Iterator[Fact]:
    """Give the crates of the dependency tree, else those that panic messages name."""
    if not file.whole:
        if _SECTION_NAME in file.excerpts:
            yield file.unread("the list of crates is in a binary too large to hold", ".dep-v0", "file")
        excerpt = file.excerpts.get(_PANIC_PATH, b"")
        yield from _panics(excerpt, 0, len(excerpt))
        return
    elf: Elf | None = None
    section: Section | None = None
    with contextlib.suppress(ValueError):
        elf = Elf(file.body)
        section = elf.section(_SECTION)
    if section is None:
        constants = elf.section(_CONSTANTS) if elf is not None else None
        yield from _panics(file.body, *(constants[1:3] if constants is not None else (0, len(file.body))))
    elif section.compressed or section.offset + section.size > len(file.body):
        raise MalformedError("the list of crates is cut off or in an unknown form", ".dep-v0")
    else:
        yield from _tree(file, file.body[section.offset : section.offset + section.size])


def _tree(file: File, packed: bytes) -> Iterator[Fact]:
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(packed, _MAX_JSON)
    except zlib.error as problem:
        raise MalformedError(f"the list of crates is not zlib data: {problem}", ".dep-v0") from problem
    if inflate.unconsumed_tail:
        raise MalformedError(f"the list of crates is longer than {_MAX_JSON} bytes", ".dep-v0")
    if not inflate.eof:
        raise MalformedError("the list of crates is cut off", ".dep-v0")
    try:
        crates = msgspec.json.decode(raw, type=_Tree).packages
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise MalformedError(f"the list of crates is not as specified: {problem}", ".dep-v0") from problem
    linked = {number: crate for number, crate in enumerate(crates) if crate.kind == "runtime"}
    edges = {
        number: [child for child in crate.dependencies if child in linked] for number, crate in linked.items()
    }
    roots = {number for number, crate in linked.items() if crate.root}
    direct = {child for root in roots for child in edges[root]} - roots
    paths = dependency_paths.paths(
        sorted(direct), edges, lambda number: f"{crates[number].name}@{crates[number].version}"
    )
    # of what build scripts and macros need nothing is in the binary
    for number, crate in linked.items():
        if not (crate.name and crate.version):
            yield file.unread("crate without name or version", f".dep-v0 entry {number}")
            continue
        yield Package(
            ecosystem="cargo",
            name=crate.name,
            version=crate.version,
            origin="binary",
            direct=None if number in roots else dependency_paths.is_direct(number, direct, paths),
            via=() if number in roots else paths.get(number, ()),
        )


def _panics(body: bytes, offset: int, size: int) -> Iterator[Fact]:
    """Search for panic messages where the compiler puts constants, or everywhere in what names no sections."""
    start = body.find(_PANIC_PATH, offset, offset + size)
    if start < 0:
        return
    found = {(match[1], match[2]) for match in _CRATE.finditer(body, start, offset + size)}
    for name, version in sorted(found):
        yield Package(
            ecosystem="cargo",
            name=name.decode("ascii"),
            version=version.decode("ascii"),
            origin="binary",
            place="panic message",
        )


DETECTOR = Detector(
    name="rust_binary",
    version=3,
    wants=("**/*.abi3.so",),
    read=read,
    binaries=True,
    max_bytes=64 * 1024 * 1024,
    markers=(_SECTION_NAME, _PANIC_PATH),
)
