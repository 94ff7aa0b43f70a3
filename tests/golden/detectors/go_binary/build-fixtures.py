"""Write the fixtures of the go_binary detector: ELF files that hold a build-info blob and nothing else.

Each is what the linker of the named Go release writes (src/cmd/link/internal/ld/data.go, `buildinfo`), in a file with one
loaded segment. `go version -m FILE` reads them too; a test compares.
"""

import struct
from pathlib import Path

HERE = Path(__file__).parent
MAGIC = b"\xff Go buildinf:"
START = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
END = bytes.fromhex("f932433186182072008242104116d8f2")
BASE = 0x400000

LIST = "\n".join(
    [
        "path\texample.com/cmd/server",
        "mod\texample.com/server\t(devel)\t",
        "dep\tgithub.com/google/uuid\tv1.3.0\th1:t6JiXgmwXMjEs8VusXIJk2BXHsn+wx8BZdTaoZ5fu7I=",
        "dep\tgithub.com/old/name\tv1.0.0",
        "=>\tgithub.com/new/name\tv1.2.0\th1:QkIBuU5k+x7/QXPvPPnWXWlCdaBFApVqftFV6k087DA=",
        "dep\tgolang.org/x/text\tv0.3.7",
        "=>\t./fork/text\t(devel)\t",
        "build\t-compiler=gc",
        "build\t-ldflags=\"-s -w -X 'main.builtBy=a b' -X example.com/server/version.Version=1.4.2 -X github.com/other/version.Version=9.9\"",
        "build\tCGO_ENABLED=0",
        "",
    ]
)


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def inline(version: str, modules: bytes, flags: int = 2) -> bytes:
    text = version.encode()
    head = MAGIC + bytes([8, flags]) + bytes(16)
    return head + varint(len(text)) + text + varint(len(modules)) + modules


def listed(text: str) -> bytes:
    return START + text.encode() + END


def elf(content: bytes, *, bits: int = 64, order: str = "<") -> bytes:
    """Wrap content in an ELF file whose only segment (readable, writable) starts at offset 0."""
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
    start = 128
    size = start + len(content)
    if bits == 64:
        head = struct.pack(order + "HHIQQQIHHHHHH", 2, 62, 1, BASE + start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        program = struct.pack(order + "IIQQQQQQ", 1, 6, 0, BASE, BASE, size, size, 0x1000)
    else:
        head = struct.pack(order + "HHIIIIIHHHHHH", 2, 8, 1, BASE + start, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        program = struct.pack(order + "IIIIIIII", 1, 0, BASE, BASE, size, size, 6, 0x1000)
    return (ident + head + program).ljust(start, b"\0") + content


def pointed(version: str, modules: bytes, *, bits: int, order: str) -> bytes:
    """Build the form before Go 1.18: addresses of two string headers."""
    word = "Q" if bits == 64 else "I"
    size = bits // 8
    text = version.encode()
    blob = 128  # offset of the content in the file
    headers = blob + 32
    texts = headers + 4 * size
    content = MAGIC + bytes([size, 0 if order == "<" else 1])
    content += struct.pack(order + 2 * word, BASE + headers, BASE + headers + 2 * size)
    content = content.ljust(32, b"\0")
    content += struct.pack(order + 2 * word, BASE + texts, len(text))
    content += struct.pack(order + 2 * word, BASE + texts + len(text), len(modules))
    return elf(content + text + modules, bits=bits, order=order)


def write(case: str, body: bytes, name: str = "server") -> None:
    path = HERE / case / "usr/bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    path.chmod(0o755)


def main() -> None:
    write("inline", elf(inline("go1.21.3 X:boringcrypto", listed(LIST))))
    write("pointers-64", pointed("go1.16.5", listed(LIST), bits=64, order="<"))
    write("pointers-32-big-endian", pointed("go1.13.15", listed(LIST), bits=32, order=">"))
    false = b"\0" * 16 + MAGIC + b"\x00\x13debug/buildinfo" + bytes(15) + MAGIC + b" is the mark" + bytes(6)
    write(
        "false-magic",
        elf(false.ljust(96, b"\0") + inline("go1.22.0", listed("path\tcmd/go\nbuild\t-compiler=gc\n"))),
    )
    write("garbled", elf(inline("unknown", b"")))
    write("without-modules", elf(inline("go1.20.14", b"")))
    write(
        "development-release",
        elf(inline("devel go1.23-29252e4c5a Thu Mar 28 18:44:20 2024 +0000", listed("path\tx\n"))),
    )
    write("cut-off", elf(inline("go1.21.3", listed(LIST)))[:400])
    write(
        "damaged",
        elf(inline("go1.21.3", listed("=>\tx\tv1\t\ndep\t\tv1.0.0\t\nmod\tm.example\tv1.0.0\t\n"))),
        "odd",
    )
    write("damaged", elf(MAGIC + bytes([8, 2]) + bytes(16) + b"\xff" * 40))
    write("packed", elf(bytes(16) + b"UPX!" + bytes(64) + b"\x17\x88\x01" * 20))
    write("no-go", elf(b"plain C" + bytes(100)))


if __name__ == "__main__":
    main()
