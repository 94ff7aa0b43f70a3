"""Write the fixtures of the rust_binary detector: ELF files with a `.dep-v0` section, and strings as panics leave them."""

import json
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).parent

TREE = {
    "packages": [
        {"name": "adler", "version": "1.0.2", "source": "crates.io"},
        {"name": "cc", "version": "1.0.83", "source": "crates.io", "kind": "build"},
        {"name": "crc32fast", "version": "1.3.2", "source": "crates.io", "dependencies": [2, 1]},
        {"name": "flate2", "version": "1.0.28", "source": "crates.io", "dependencies": [2, 4]},
        {"name": "miniz_oxide", "version": "0.7.1", "source": "crates.io", "dependencies": [0]},
        {"name": "server", "version": "0.3.0", "source": "local", "dependencies": [3, 1, 99], "root": True},
        {"name": "unreached", "version": "2.0.0+spec-1.1.0", "source": "git"},
        {"name": "", "version": "1.0.0", "source": "crates.io"},
    ]
}


def elf(section: bytes | None, content: bytes = b"", *, size: int | None = None) -> bytes:
    """Make an ELF file with the sections .rodata, .dep-v0 (if any) and .shstrtab."""
    names = b"\0.rodata\0.dep-v0\0.shstrtab\0"
    body = bytearray(64) + content
    parts = [(1, 64, len(content))]
    if section is not None:
        parts.append((9, len(body), len(section) if size is None else size))
        body += section
    parts.append((17, len(body), len(names)))
    body += names
    table = len(body)
    body += bytes(64)
    for name, offset, length in parts:
        body += struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, offset, length, 0, 0, 1, 0)
    head = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, table, 0, 64, 56, 0, 64, len(parts) + 1, len(parts))
    body[:64] = b"\x7fELF\x02\x01\x01" + bytes(9) + head
    return bytes(body)


def write(case: str, body: bytes) -> None:
    path = HERE / case / "usr/bin/server"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    path.chmod(0o755)


def main() -> None:
    packed = zlib.compress(json.dumps(TREE).encode())
    write(
        "auditable",
        elf(packed, b"/root/.cargo/registry/src/index.crates.io-6f17d22bba15001f/other-9.9.9/src/lib.rs"),
    )
    home = b"/usr/local/cargo/registry/src/"
    write(
        "panic-messages",
        elf(
            None,
            b"a Display implementation returned an error"
            + home
            + b"index.crates.io-6f17d22bba15001f/hyper-0.14.27/src/error.rs"
            + home
            + b"github.com-1ecc6299db9ec823/sha-1-0.10.1/src/lib.rs"
            + home
            + b"index.crates.io-6f17d22bba15001f/rand_core-0.9.0-alpha.1/src/lib.rs"
            + home
            + b"index.crates.io-6f17d22bba15001f/hyper-0.14.27/src/body.rs"
            + home
            + b"index.crates.io-6f17d22bba15001f/unnumbered/src/body.rs\0",
        ),
    )
    write("not-zlib", elf(b"\x00\x01 no zlib data"))
    write("truncated-zlib", elf(packed[:40]))
    write("cut-off", elf(packed, size=10**9))
    write("not-a-tree", elf(zlib.compress(b'{"packages": 5}')))
    write("no-crates", elf(None, b"plain C"))


if __name__ == "__main__":
    main()
