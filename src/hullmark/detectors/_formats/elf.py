"""ELF: program headers and sections of an executable, with `struct` alone.

Format: System V ABI, chapters 4 and 5 (both classes, both byte orders). Only what detectors ask for is
decoded; offsets that point outside the bytes at hand give nothing, never an error.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_MAGIC = b"\x7fELF"
_MAX_SECTIONS = 100_000
_MAX_SEGMENTS = 256
_LOADED = 1  # PT_LOAD
_DYNAMIC = 2  # PT_DYNAMIC
_INTERPRETER = 3  # PT_INTERP
_WRITABLE = 2  # PF_W
_COMPRESSED = 0x800  # SHF_COMPRESSED
_NO_BITS = 8  # SHT_NOBITS
_EXTENDED = 0xFFFF  # SHN_XINDEX: the true number stands in section 0


class Section(NamedTuple):
    """Where a section's bytes are; `compressed` says that they start with an ELF compression header."""

    name: bytes
    offset: int
    size: int
    compressed: bool


class Elf:
    """The headers of one ELF file, read from the bytes at hand (the file, or the start of one)."""

    __slots__ = (
        "_body",
        "_loaded",
        "_table",
        "bits",
        "dynamic",
        "interpreter",
        "machine",
        "order",
        "writable",
    )

    def __init__(self, body: bytes) -> None:
        """Read the file header; `ValueError` for bytes that are no ELF file."""
        if body[:4] != _MAGIC or len(body) < 52 or body[4] not in {1, 2} or body[5] not in {1, 2}:
            raise ValueError("not an ELF file")
        self._body = body
        self.bits = 32 * body[4]
        self.order = "<" if body[5] == 1 else ">"
        # from e_phoff on: e_phoff, e_shoff, e_flags, e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx
        form, at = ("IIIHHHHHH", 28) if self.bits == 32 else ("QQIHHHHHH", 32)
        if len(body) < at + struct.calcsize(self.order + form):
            raise ValueError("ELF header is cut off")
        head = struct.unpack_from(self.order + form, body, at)
        programs, sections, _flags, _size, program_size, program_count, section_size, section_count, names = (
            head
        )
        self._table = (sections, section_size, section_count, names)
        self.machine: int = struct.unpack_from(self.order + "H", body, 18)[0]
        """e_machine: 62 is x86-64, 183 AArch64."""
        segments = tuple(self._segments(programs, program_size, min(program_count, _MAX_SEGMENTS)))
        loaded = tuple(segment for kind, *segment in segments if kind == _LOADED)
        self._loaded = tuple((address, at, size) for address, at, size, _flags in loaded)
        self.dynamic = next(((at, size) for kind, _, at, size, _ in segments if kind == _DYNAMIC), None)
        """Where in the file the table of the dynamic linker stands: offset and size; None for a static program."""
        self.interpreter = next(
            ((at, size) for kind, _, at, size, _ in segments if kind == _INTERPRETER), None
        )
        """Where in the file the path of the dynamic linker stands."""
        self.writable = tuple((at, at + size) for _address, at, size, flags in loaded if flags & _WRITABLE)
        """Where in the file the loaded segments stand that the program may write to: first byte, end."""

    def _segments(self, start: int, size: int, count: int) -> Iterator[tuple[int, int, int, int, int]]:
        """Give (type, address, offset, size in the file, flags) of each segment that is loaded or tells how to."""
        form = self.order + ("IIIIIII" if self.bits == 32 else "IIQQQQ")
        if size < struct.calcsize(form):
            return
        for at in range(start, start + size * count, size):
            if at + struct.calcsize(form) > len(self._body):
                return
            if self.bits == 32:  # p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_flags
                kind, offset, address, _physical, length, _memory, flags = struct.unpack_from(
                    form, self._body, at
                )
            else:  # p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz
                kind, flags, offset, address, _physical, length = struct.unpack_from(form, self._body, at)
            if kind in {_LOADED, _DYNAMIC, _INTERPRETER}:
                yield kind, address, offset, length, flags

    def at(self, address: int, size: int) -> bytes:
        """Give the bytes loaded at a virtual address; fewer than `size`, or none, where the file holds no more."""
        for start, offset, length in self._loaded:
            if start <= address < start + length:
                first = offset + address - start
                return self._body[first : first + min(size, start + length - address)]
        return b""

    def piece(self, offset: int, size: int) -> bytes:
        """Give bytes of the file; fewer than `size`, or none, where it holds no more."""
        return self._body[offset : offset + size]

    def pointer(self, body: bytes, at: int = 0, size: int = 0) -> int:
        """Decode an address-sized number in the file's byte order; 0 where the bytes end before it."""
        size = size or self.bits // 8
        raw = body[at : at + size]
        if len(raw) < size:
            return 0
        return int.from_bytes(raw, "little" if self.order == "<" else "big")

    def _section(self, number: int) -> tuple[int, int, int, int, int, int] | None:
        start, entry_size, _count, _names = self._table
        # sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size, sh_link
        form = self.order + ("IIIIIII" if self.bits == 32 else "IIQQQQI")
        if entry_size < struct.calcsize(form):
            return None
        at = start + entry_size * number
        if not start or at + struct.calcsize(form) > len(self._body):
            return None
        name, kind, flags, _address, offset, size, link = struct.unpack_from(form, self._body, at)
        return name, kind, flags, offset, size, link

    def _names(self) -> tuple[int, int] | None:
        """Give where the sections' names start and end."""
        _start, _entry_size, _count, names = self._table
        first = self._section(0)
        if first is None:
            return None
        table = self._section(first[5] if names == _EXTENDED else names)
        if table is None:
            return None
        _name, _kind, _flags, base, length, _link = table
        return base, base + length

    def sections(self) -> Iterator[Section]:
        """Give the sections that have bytes in the file. A file without section headers has none."""
        _start, _entry_size, count, _names = self._table
        first, names = self._section(0), self._names()
        if first is None or names is None:
            return
        base, length = names[0], names[1] - names[0]
        if count == 0:  # more than 0xff00 sections: section 0 says how many
            count = first[4]
        for number in range(1, min(count, _MAX_SECTIONS)):
            found = self._section(number)
            if found is None:
                return
            name_at, kind, flags, offset, size, _link = found
            if kind == _NO_BITS or name_at >= length:
                continue
            end = self._body.find(b"\0", base + name_at, base + min(length, name_at + 256))
            if end > 0:
                yield Section(self._body[base + name_at : end], offset, size, bool(flags & _COMPRESSED))

    def lacks(self, name: bytes) -> bool:
        """Tell whether the file names its sections, and none so; told by one search, going through them takes longer."""
        names = self._names()
        return names is not None and names[1] > names[0] and self._body.find(name + b"\0", *names) < 0

    def section(self, name: bytes) -> Section | None:
        """Find a section by name."""
        if self._names() is None or self.lacks(name):
            return None
        return next((section for section in self.sections() if section.name == name), None)
