"""Programs and shared libraries: what each needs to be loaded, and what it gives others (`Needs`).

Asked for only where a smaller base image is looked for: it has every program and library read.
"""

from collections.abc import Iterator

from hullmark.detectors._formats.elf import Elf
from hullmark.detectors._formats.elf_dynamic import links
from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Fact, Needs

_MAGIC = b"\x7fELF"
_HIGHEST = 100
"""Shared libraries end in `.so` or `.so.` and numbers; patterns need the last one."""


def read(file: File) -> Iterator[Fact]:
    """Give one fact for an ELF file. Of one too large to be held, only that it is static can be told."""
    if file.body[:4] != _MAGIC:
        return
    try:
        elf = Elf(file.body)
    except ValueError:  # what no kernel loads needs nothing
        return
    found = links(elf)
    yield Needs(
        machine=f"{elf.machine}/{elf.bits}",
        libraries=found.libraries,
        soname=found.soname,
        loader=found.loader,
        versions=tuple(sorted(f"{library} {version}" for library, version in found.versions)),
        defines=tuple(sorted(found.defines)),
        partial=not file.whole and elf.dynamic is not None,
    )


DETECTOR = Detector(
    name="linkage",
    version=1,
    wants=(
        "**/*.so",
        *(f"**/*.so.{number}" for number in range(_HIGHEST)),
        *(f"**/*.so.*.{number}" for number in range(_HIGHEST)),
    ),
    read=read,
    binaries=True,
    max_bytes=64 * 1024 * 1024,
    markers=(b"\x7fELF",),
    excerpt_bytes=64,
)
