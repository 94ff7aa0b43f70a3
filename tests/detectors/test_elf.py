"""Executables of this machine, and what the build-info of Go and the panic messages of Rust do not say of others."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from hullmark.detectors._formats.elf import Elf
from hullmark.detectors.detector import File, read_file
from hullmark.detectors.packages import go_binary, rust_binary

MODULES = b"path\tx\nmod\texample.org/x\tv1.2.3\t\n"
MARK = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
END = bytes.fromhex("f932433186182072008242104116d8f2")
CRATE = b"/root/.cargo/registry/src/index.crates.io-6f17d22bba15001f/time-0.1.44/src/lib.rs"


def build_info() -> bytes:
    text = MARK + MODULES + END
    head = b"\xff Go buildinf:\x08\x02" + bytes(16)
    return head + bytes([8]) + b"go1.22.1" + bytes([len(text)]) + text


def program(data: bytes, *, writable: bool, names: bytes) -> bytes:
    """Give an ELF file (64 bits, little endian) of one loaded segment, whose only section is that of the names."""
    at = 64 + 56
    segment = struct.pack("<IIQQQQQQ", 1, 6 if writable else 5, at, at, at, len(data), len(data), 16)
    body = data + bytes(-len(data) % 16)
    table = at + len(body) + len(names)
    empty = bytes(64)
    section = struct.pack("<IIQQQQIIQQ", 1, 3, 0, 0, at + len(body), len(names), 0, 0, 1, 0)
    header = struct.pack(
        "<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 2, 62, 1, 0, 64, table, 0, 64, 56, 1, 64, 2, 1
    )
    return header + segment + body + names + empty + section


@pytest.mark.parametrize("name", ["sh", "git", "tar"])
def test_sections_and_writable_data_of_real_programs(name: str) -> None:
    path = shutil.which(name)
    assert path is not None
    body = Path(path).read_bytes()
    elf = Elf(body)
    assert elf.lacks(b".go.buildinfo")
    assert not elf.lacks(b".text")
    assert elf.section(b".text") is not None
    assert elf.writable
    assert all(0 < start <= end <= len(body) for start, end in elf.writable)
    if shutil.which("readelf"):
        said = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
        loads = [line.split() for line in said.splitlines() if line.split()[:1] == ["LOAD"]]
        expected = [(int(w[1], 16), int(w[1], 16) + int(w[4], 16)) for w in loads if "W" in w[6]]
        assert list(elf.writable) == expected


@pytest.mark.parametrize(
    ("writable", "names", "found"),
    [
        (True, b"\0.shstrtab\0", True),
        (False, b"\0.shstrtab\0", False),
        (False, b"\0.go.buildinfo\0", True),
        (False, b"", True),
    ],
    ids=["in data", "in code", "a section says so", "no names"],
)
def test_go_build_information_is_looked_for_where_the_linker_puts_it(
    writable: bool,  # noqa: FBT001
    names: bytes,
    found: bool,  # noqa: FBT001
) -> None:
    body = program(bytes(8) + build_info(), writable=writable, names=names)
    facts = read_file(go_binary.DETECTOR, File("usr/bin/x", body, mode=0o755)).facts
    assert [fact.name for fact in facts if hasattr(fact, "name")] == (
        ["stdlib", "example.org/x"] if found else []
    )


def test_crates_are_looked_for_where_no_section_has_a_name() -> None:
    body = program(CRATE, writable=False, names=b"\0.shstrtab\0")
    (fact,) = read_file(rust_binary.DETECTOR, File("usr/bin/x", body, mode=0o755)).facts
    assert getattr(fact, "name", "") == "time"
