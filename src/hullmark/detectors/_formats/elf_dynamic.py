"""What an ELF file tells the dynamic linker: the libraries it needs, its name, and the versions of symbols.

Format: System V ABI, chapter 5 (dynamic section); Linux Standard Base 5.0, chapter 10.7 (symbol versioning), where `.gnu.version_r` and
`.gnu.version_d` are found by their tags. All of it is bounded; what points outside the file or in circles ends there.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from hullmark.detectors._formats.elf import Elf

_NEEDED, _STRINGS, _STRINGS_SIZE, _SONAME = 1, 5, 10, 14
_DEFINED, _DEFINED_COUNT, _WANTED, _WANTED_COUNT = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
_MAX_ENTRIES = 4096
_MAX_NAMES = 1000
_MAX_VERSIONS = 2000
_MAX_TEXT = 256
_MAX_PATH = 4096


class Links(NamedTuple):
    """`libraries` as they stand, `versions` as (library, version), each list without doubles."""

    libraries: tuple[str, ...] = ()
    soname: str = ""
    loader: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    defines: tuple[str, ...] = ()


def links(elf: Elf) -> Links:
    """Read all of it. A static program has none."""
    loader = (
        _text(elf.piece(elf.interpreter[0], min(elf.interpreter[1], _MAX_PATH))) if elf.interpreter else ""
    )
    if elf.dynamic is None:
        return Links(loader=loader)
    entries = list(_entries(elf))
    tags = dict(reversed(entries))
    strings = _Strings(elf, tags.get(_STRINGS, 0), tags.get(_STRINGS_SIZE, 0))
    needed = [strings.at(value) for tag, value in entries if tag == _NEEDED][:_MAX_NAMES]
    return Links(
        libraries=tuple(dict.fromkeys(name for name in needed if name)),
        soname=strings.at(tags[_SONAME]) if _SONAME in tags else "",
        loader=loader,
        versions=tuple(dict.fromkeys(_wanted(elf, tags, strings))),
        defines=tuple(dict.fromkeys(_defined(elf, tags, strings))),
    )


class _Strings:
    """The table of the dynamic section's texts."""

    def __init__(self, elf: Elf, address: int, size: int) -> None:
        self._elf, self._address, self._size = elf, address, size

    def at(self, offset: int) -> str:
        return _text(self._elf.at(self._address + offset, _MAX_TEXT)) if offset < self._size else ""


def _text(raw: bytes) -> str:
    """Decode what stands before the first NUL; nothing where there is none."""
    text, end, _ = raw.partition(b"\0")
    return text.decode("utf-8", "replace") if end else ""


def _entries(elf: Elf) -> Iterator[tuple[int, int]]:
    assert elf.dynamic is not None
    form = struct.Struct(elf.order + ("iI" if elf.bits == 32 else "qQ"))
    offset, size = elf.dynamic
    table = elf.piece(offset, min(size, form.size * _MAX_ENTRIES))
    for tag, value in form.iter_unpack(table[: len(table) // form.size * form.size]):
        if not tag:
            return
        yield tag, value


def _wanted(elf: Elf, tags: dict[int, int], strings: _Strings) -> Iterator[tuple[str, str]]:
    """Go through Verneed, one for each library, and its Vernaux, one for each version."""
    head = struct.Struct(elf.order + "HHIII")
    entry = struct.Struct(elf.order + "IHHII")
    room = _MAX_VERSIONS
    at = tags.get(_WANTED, 0)
    for _ in range(min(tags.get(_WANTED_COUNT, 0), _MAX_NAMES)):
        raw = elf.at(at, head.size)
        if len(raw) < head.size:
            return
        _version, count, library, first, step = head.unpack(raw)
        name, below = strings.at(library), at + first
        for _version_of_it in range(min(count, room)):
            room -= 1
            raw = elf.at(below, entry.size)
            if len(raw) < entry.size:
                break
            _hash, _flags, _other, version, onward = entry.unpack(raw)
            if name and (text := strings.at(version)):
                yield name, text
            below += onward
            if not onward:
                break
        at += step
        if not step:
            return


def _defined(elf: Elf, tags: dict[int, int], strings: _Strings) -> Iterator[str]:
    """Go through Verdef; the first Verdaux of each has its name. That with flag 1 names the file itself."""
    head = struct.Struct(elf.order + "HHHHIII")
    at = tags.get(_DEFINED, 0)
    for _ in range(min(tags.get(_DEFINED_COUNT, 0), _MAX_VERSIONS)):
        raw = elf.at(at, head.size)
        if len(raw) < head.size:
            return
        _version, flags, _index, _count, _hash, first, step = head.unpack(raw)
        name = elf.at(at + first, 4)
        if not flags & 1 and len(name) == 4 and (text := strings.at(elf.pointer(name, 0, 4))):
            yield text
        at += step
        if not step:
            return
