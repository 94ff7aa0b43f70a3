"""Sound archives that hold hostile files: databases, lock files, binaries, names."""

import itertools
import json
import os
import sqlite3
import struct
from pathlib import Path

from hostile.images import (
    END,
    KIB,
    MIB,
    OS_RELEASE,
    STATUS,
    Layer,
    Told,
    case,
    entry,
    gz,
    gz_zeros,
    header,
    hostile,
    layout,
    sound,
    status,
    tar,
    zip_bytes,
)

RPMDB = "var/lib/rpm/rpmdb.sqlite"
BDB = "var/lib/rpm/Packages"
NDB = "var/lib/rpm/Packages.db"
INSERT = "INSERT INTO Packages (blob) VALUES (%s)"
TABLE = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"


def with_file(scratch: Path, name: str, body: bytes, *, mode: int = 0o644) -> str:
    return layout(scratch, sound(), hostile(tar(entry(name, body, mode=mode))))


def with_repeated(scratch: Path, name: str, head: bytes, unit: bytes, count: int, tail: bytes = b"") -> str:
    """Put in one large file that repeats a unit, packed piece by piece so that it is made in no time."""
    step = max(MIB // len(unit), 1)
    whole, rest = divmod(count, step)
    size = len(head) + count * len(unit) + len(tail)
    body = gz(header(name, size) + head) + gz(unit * step) * whole
    body += gz(unit * rest + tail + bytes(-size % 512) + END)
    return layout(scratch, sound(), Layer(body))


# ---- databases ----


def sqlite_database(scratch: Path, *statements: str) -> bytes:
    path = scratch / "made.sqlite"
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    body = path.read_bytes()
    path.unlink()
    return body


@case(Told("package_database", "", RPMDB))
def rpmdb_of_noise(scratch: Path) -> str:
    return with_file(scratch, RPMDB, b"SQLite format 3\0" + os.urandom(60 * KIB))


@case(Told("package_database", "", RPMDB), Told("record", "", RPMDB))
def rpmdb_with_broken_pages(scratch: Path) -> str:
    rows = [INSERT % f"zeroblob({n * 100})" for n in range(1, 300)]
    body = bytearray(sqlite_database(scratch, TABLE, *rows))
    for at in range(5000, len(body), 977):
        body[at] ^= 0xFF
    return with_file(scratch, RPMDB, bytes(body))


@case(Told("package_database", "", RPMDB))
def rpmdb_whose_table_is_a_view_without_end(scratch: Path) -> str:
    """A view may be any program: this one never stops."""
    view = (
        "CREATE VIEW Packages (hnum, blob) AS WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, zeroblob(1000000) FROM n"
    )
    return with_file(scratch, RPMDB, sqlite_database(scratch, view))


@case(
    Told("package_database", "write-ahead log", "var/lib/rpm/rpmdb.sqlite-wal"),
    Told("package_database", "", RPMDB),
)
def rpmdb_with_a_write_ahead_log(scratch: Path) -> str:
    path = scratch / "live.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute(TABLE)
    connection.execute("INSERT INTO Packages (blob) VALUES (zeroblob(10))")
    connection.commit()
    body, wal = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    connection.close()
    for left in scratch.glob("live.sqlite*"):
        left.unlink()
    return layout(scratch, sound(), hostile(tar(entry(RPMDB, body), entry(f"{RPMDB}-wal", wal))))


def rpm_header(entries: list[tuple[int, int, int, int]], store: bytes) -> bytes:
    index = b"".join(struct.pack(">4i", *one) for one in entries)
    return struct.pack(">II", len(entries), len(store)) + index + store


@case(Told("record", "", RPMDB), Told("package_database", "nothing in it", RPMDB))
def rpm_headers_with_absurd_counts(scratch: Path) -> str:
    store = b"a\0" * 100
    blobs = [
        struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF) + store,
        struct.pack(">II", 0x0FFFFFFF, 4) + store,
        rpm_header([(1000, 8, 0, 0x7FFFFFFF)], store),
        rpm_header([(1000, 6, -1, 1)], store),
        rpm_header([(1117, 8, 0, 2**31 - 1), (1116, 4, 0, 2**31 - 1), (1000, 6, 0, 1)], store),
        rpm_header([(1000, 6, 0x7FFFFFFF, 1)], store),
    ]
    rows = [INSERT % f"x'{blob.hex()}'" for blob in blobs]
    return with_file(scratch, RPMDB, sqlite_database(scratch, TABLE, *rows))


def bdb_page(number: int, kind: int, *, following: int = 0, entries: int = 0, used: int = 0) -> bytearray:
    page = bytearray(4096)
    struct.pack_into("<8xIIIHHBB", page, 0, number, 0, following, entries, used, 0, kind)
    return page


def bdb_file(pages: list[bytearray], promised: int) -> bytes:
    meta = bytearray(4096)
    struct.pack_into("<12xIIIBB", meta, 0, 0x061561, 9, 4096, 0, 8)
    struct.pack_into("<I", meta, 32, promised)
    return bytes(meta) + b"".join(bytes(page) for page in pages)


@case(Told("package_database", "cut short", BDB))
def bdb_that_is_cut(scratch: Path) -> str:
    return with_file(scratch, BDB, bdb_file([bdb_page(1, 13)], 100_000_000))


@case(Told("package_database", "missing or used twice", BDB))
def bdb_with_chains_in_circles(scratch: Path) -> str:
    """A value in overflow pages that lead to each other, named by a hundred keys."""
    page = bdb_page(1, 13, entries=200)
    offsets, at = [], 4096
    for number in range(100):
        at -= 5
        page[at : at + 5] = b"\1" + struct.pack("<I", number + 1)
        offsets.append(at)
        at -= 12
        page[at : at + 12] = b"\3\0\0\0" + struct.pack("<II", 2, 1 << 31)
        offsets.append(at)
    struct.pack_into("<200H", page, 26, *offsets)
    chain = [bdb_page(2, 7, following=3, used=4000), bdb_page(3, 7, following=2, used=4000)]
    return with_file(scratch, BDB, bdb_file([page, *chain], 3))


@case(Told("package_database", "", NDB), Told("record", "", NDB))
def ndb_whose_slots_share_one_blob(scratch: Path) -> str:
    """60,000 packages that all name the same megabytes."""
    pages = 250
    size = 2 * MIB
    blob = struct.pack("<4s3I", b"BlbS", 1, 0, size - 28) + bytes(size - 28)
    blob += struct.pack("<2I4s", 0, size - 28, b"BlbE")
    head = struct.pack("<4s4I", b"RpmP", 0, 0, pages, 1).ljust(32, b"\0")
    at = pages * 4096 // 16
    slots = b"".join(struct.pack("<4s3I", b"Slot", n, at, size // 16) for n in range(1, pages * 256 - 1))
    return with_file(scratch, NDB, head + slots + blob)


@case(Told("package_database", "nothing in it", STATUS), Told("record", "", STATUS), packages=(), least=0)
def status_of_noise(scratch: Path) -> str:
    """Noise in the place of the database hides the sound one: that the image has no packages would be a lie."""
    return with_file(scratch, STATUS, gz(os.urandom(64 * KIB)))


@case(Told("package_database", "more than is held", STATUS), packages=(), least=0)
def status_of_two_gigabytes(scratch: Path) -> str:
    body = gz(header(STATUS, 2048 * MIB)) + gz_zeros(2048 * MIB) + gz(END)
    return layout(scratch, sound(), Layer(body))


@case(Told("package_database", "more than", STATUS), packages=(), also=("p",), least=50_000, cache_mib=32)
def status_of_300000_packages(scratch: Path) -> str:
    body = b"".join(b"Package: p%d\nVersion: 1\n\n" % n for n in range(300_000))
    return with_file(scratch, STATUS, body)


@case(also=("\\x1b", "\x1b", "evil", "x"), least=6)
def packages_with_control_characters(scratch: Path) -> str:
    """Names and versions that clear a terminal, set its title and reverse what is read."""
    lines = [
        "Package: \x1b]0;owned\x07\x1b[2J\nVersion: \x1b[31m1\r\n",
        "Package: evil\u202egnp\u2066\nVersion: 1\u2028\u200e\n",
        "Package: x\x9b31m\x85\nVersion: 1\x08\x08\x7f\n",
    ]
    more = "\n".join(lines).encode("utf-8", "surrogatepass")
    return with_file(scratch, STATUS, status() + b"\n" + more)


@case(Told("file", "", "srv/\x1b[2J\u202e/package-lock.json"))
def paths_with_control_characters(scratch: Path) -> str:
    return with_file(scratch, "srv/\x1b[2J\u202e/package-lock.json", b"\x1b[31m\x07 not json")


# ---- lock files ----


@case(Told("file", "nested too deeply", "srv/package-lock.json"))
def json_nested_without_end(scratch: Path) -> str:
    body = b'{"packages": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001
    return with_file(scratch, "srv/package-lock.json", body)


@case(Told("file", "JSON of more than", "srv/package-lock.json"))
def json_of_four_million_values(scratch: Path) -> str:
    """12 MB of empty objects would take 400."""
    return with_repeated(scratch, "srv/package-lock.json", b'{"packages":[', b"{},", 4_000_000, b"1]}")


@case(Told("file", "not an npm lock", "srv/package-lock.json"))
def json_with_one_text_of_30_megabytes(scratch: Path) -> str:
    return with_repeated(scratch, "srv/package-lock.json", b'"', b"a", 30_000_000, b'"')


@case(Told("file", "", "srv/package-lock.json"))
def npm_lock_nested_in_itself(scratch: Path) -> str:
    """Version 1 nests dependencies, here 400 deep, with a name to look up at each depth."""
    inner: dict[str, object] = {}
    for number in range(400):
        inner = {"dependencies": {f"p{number}": {"version": "1.0.0", "requires": {"x": "1"}, **inner}}}
    return with_file(scratch, "srv/package-lock.json", json.dumps({"lockfileVersion": 1, **inner}).encode())


@case(Told("file", "aliases", "srv/pnpm-lock.yaml"))
def yaml_aliases_that_multiply(scratch: Path) -> str:
    lines = ["lockfileVersion: '9.0'", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    return with_file(scratch, "srv/pnpm-lock.yaml", "\n".join(lines).encode())


@case(Told("file", "nest", "srv/pnpm-lock.yaml"))
def yaml_nested_without_end(scratch: Path) -> str:
    return with_file(scratch, "srv/pnpm-lock.yaml", b"a: " + b"[" * 1_000_000)


@case(Told("file", "YAML of more than", "srv/pnpm-lock.yaml"))
def yaml_of_four_million_values(scratch: Path) -> str:
    return with_repeated(scratch, "srv/pnpm-lock.yaml", b"lockfileVersion: 9\na: [", b"ab,", 4_000_000, b"]")


@case(Told("file", "TOML key nested too deeply", "srv/poetry.lock"))
def toml_keys_without_end(scratch: Path) -> str:
    """A dotted key makes a table for each dot, and is looked up from the start each time."""
    return with_file(scratch, "srv/poetry.lock", b"\n".join([b"a." * 50_000 + b"a = 1"] * 20))


@case(Told("file", "TOML of more than", "srv/poetry.lock"))
def toml_of_four_million_values(scratch: Path) -> str:
    return with_repeated(scratch, "srv/poetry.lock", b"a = [", b"{},", 4_000_000, b"1]")


@case(Told("file", "not TOML", "srv/Cargo.lock"))
def toml_number_of_a_million_digits(scratch: Path) -> str:
    return with_file(scratch, "srv/Cargo.lock", b"version = " + b"9" * 1_000_000)


@case(Told("file", "entities", "srv/packages.config"))
def xml_entities_that_multiply(scratch: Path) -> str:
    entities = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' if n else '<!ENTITY e0 "lol">' for n in range(30)
    )
    body = f'<?xml version="1.0"?><!DOCTYPE packages [{entities}]><packages>&e29;</packages>'
    return with_file(scratch, "srv/packages.config", body.encode())


@case(Told("file", "entities", "srv/packages.config"))
def xml_entity_of_a_file(scratch: Path) -> str:
    body = '<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/passwd">]><packages>&e;</packages>'
    return with_file(scratch, "srv/packages.config", body.encode())


@case(Told("file", "nested too deeply", "srv/packages.config"))
def xml_nested_without_end(scratch: Path) -> str:
    return with_file(scratch, "srv/packages.config", b"<a>" * 1_000_000)


@case(Told("file", "XML of more than", "srv/packages.config"))
def xml_of_seven_million_elements(scratch: Path) -> str:
    return with_repeated(scratch, "srv/packages.config", b"<packages>", b"<a/>", 7_000_000, b"</packages>")


@case()
def xml_text_in_millions_of_pieces(scratch: Path) -> str:
    """Comments cut a text into pieces, which must not be joined one by one."""
    return with_repeated(
        scratch, "srv/packages.config", b"<packages>", b"x<!-- -->", 3_000_000, b"</packages>"
    )


@case(Told("record", "", "srv/app.jar"))
def pom_with_entities_that_multiply(scratch: Path) -> str:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 30))
    pom = f'<!DOCTYPE project [<!ENTITY e0 "lol">{entities}]><project><version>&e29;</version></project>'
    jar = zip_bytes([("META-INF/maven/g/a/pom.xml", pom.encode())])
    return with_file(scratch, "srv/app.jar", jar)


@case(
    Told("file", "more than 100000 records", "srv/requirements.txt"),
    also=("pkg-",),
    least=100_000,
    cache_mib=32,
)
def requirements_of_a_million_lines(scratch: Path) -> str:
    body = b"".join(b"pkg-%d==1.0.%d\n" % (n, n) for n in range(1_000_000))
    return with_file(scratch, "srv/requirements.txt", body)


@case(also=("a",))
def requirements_of_one_line_of_30_megabytes(scratch: Path) -> str:
    return with_repeated(scratch, "srv/requirements.txt", b"a", b" ==1;", 6_000_000)


@case(Told("layer", "lines"), Told("file", "more than 200000 terms", "srv/"))
def long_lines_many_times(scratch: Path) -> str:
    """A hundred files of 3 MB in one line each, of a format that is read word by word."""
    files = [gz(header(f"srv/{n}/rebar.lock", 3 * MIB)) + gz(b"[ab]" * (768 * KIB)) for n in range(120)]
    return layout(scratch, sound(), Layer(b"".join(files) + gz(END)))


@case(Told("file", "lines (limits.max_lines)"), Told("layer", "lines"), Told("record", "directives", "srv/"))
def short_lines_many_times(scratch: Path) -> str:
    """Forty files of 900,000 lines each, and one of a million: an hour together, or all memory."""
    parts = [gz(header("srv/go.mod", 3 * MIB)), gz(b"ab\n" * MIB)]
    for number in range(40):
        parts.append(gz(header(f"srv/{number}/go.mod", 3 * MIB)))
        parts.append(gz(b"ab\n" * (300 * KIB) + bytes(124 * KIB)) * 3)
    return layout(scratch, sound(), Layer(b"".join(parts) + gz(END)))


@case(Told("layer", "facts"), also=("p",), least=50_000, cache_mib=32)
def manifests_of_300000_packages(scratch: Path) -> str:
    unit = b'{"name": "p%d", "version": "1.0.0"}'
    files = (entry(f"srv/node_modules/p{n}/package.json", unit % n) for n in range(300_000))
    parts = [gz(b"".join(itertools.islice(files, 5000))) for _ in range(60)]
    return layout(scratch, sound(), Layer(b"".join(parts) + gz(END)))


def sixty_thousand(number: int) -> bytes:
    body = b"".join(b"p%d-%d==1.0.0\n" % (number, n) for n in range(60_000))
    return tar(entry(f"srv/{number}/requirements.txt", body))


@case(Told("layer", "facts"), also=("p",), least=100_000, cache_mib=64)
def manifests_over_many_layers(scratch: Path) -> str:
    """Each of four layers says what one may say; together they say too much."""
    return layout(scratch, sound(), *[hostile(sixty_thousand(number)) for number in range(4)])


@case(Told("layer", "facts"), also=("p",), least=100_000, cache_mib=64)
def manifests_over_many_processes(scratch: Path) -> str:
    """The same in layers so large that each is read by a process of its own."""
    noise = entry("srv/noise", os.urandom(3 * MIB))
    layers = [hostile(sixty_thousand(number)[:-1024] + noise + END) for number in range(4)]
    return layout(scratch, sound(), *layers)


@case(Told("layer", "bytes"), Told("layer", "lines"), also=("a",), least=3, cache_mib=64)
def names_of_twenty_megabytes(scratch: Path) -> str:
    """Packages whose names and versions are as long as the files that name them."""
    files = [
        entry(f"var/lib/dpkg/status.d/{n}", b"Package: a%d" % n + b"a" * 20 * MIB + b"\nVersion: 1\n")
        for n in range(5)
    ]
    return layout(scratch, sound(), hostile(tar(*files)))


# ---- binaries ----


def elf(
    body: bytes = b"", *, sections: int = 0, section_at: int = 0, names: int = 0, programs: int = 0
) -> bytes:
    head = b"\x7fELF\2\1\1".ljust(16, b"\0")
    head += struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, section_at, 0, 64, 56, programs, 64, sections, names
    )
    return head + body


@case()
def elf_with_absurd_headers(scratch: Path) -> str:
    """Section and program headers that overlap, lie outside, name themselves or count four billion."""
    first = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0xFFFFFFFF, 0xFFFF, 0, 0, 0)
    lies = [
        elf(bytes(1000), sections=0xFFFF, section_at=64, names=0xFFFF, programs=0xFFFF),
        elf(first * 100, sections=0, section_at=64, names=0xFFFF, programs=1),
        elf(b"\xff" * 100_000, sections=0xFFFE, section_at=64, names=3, programs=0xFFFF),
        elf(bytes(300), sections=2, section_at=2**64 - 64, names=1),
        b"\x7fELF" + b"\xff" * 1000,
        b"\x7fELF\2\1",
    ]
    files = [entry(f"usr/bin/lie-{n}", body.ljust(300, b"\0"), mode=0o755) for n, body in enumerate(lies)]
    return layout(scratch, sound(), hostile(tar(*files)))


def go_info(version: bytes, modules: bytes, *, length: int | None = None) -> bytes:
    def counted(text: bytes, size: int) -> bytes:
        out = b""
        while size > 0x7F:
            out += bytes((size & 0x7F | 0x80,))
            size >>= 7
        return out + bytes((size,)) + text

    head = (b"\xff Go buildinf:\x08\2").ljust(32, b"\0")
    return (
        head + counted(version, len(version)) + counted(modules, len(modules) if length is None else length)
    )


@case(Told("record", "", "usr/bin/"), also=("stdlib", "evil"))
def go_build_information_that_lies(scratch: Path) -> str:
    start, end = (
        bytes.fromhex("3077af0c9274080241e1c107e6d618e6"),
        bytes.fromhex("f932433186182072008242104116d8f2"),
    )
    listed = start + b"mod\tevil/main\tv1.0.0\t\n=>\t\n=>\nmod\ndep\n\tdep\t\t\n" + end
    lies = [
        go_info(b"go1.20.1", listed),
        go_info(b"go1.20.1", listed, length=2**34),
        go_info(b"go1.20.1" * 10_000, listed),
        go_info(b"go", b"x" * 40),
        b"\xff Go buildinf:\x08\2" * 20_000,
    ]
    files = [
        entry(f"usr/bin/go-{n}", elf().ljust(64 + 16 * 5, b"\0") + lie + bytes(300), mode=0o755)
        for n, lie in enumerate(lies)
    ]
    return layout(scratch, sound(), hostile(tar(*files)))


@case(
    Told("file", "more than 100000 records", "usr/bin/go"), also=("stdlib", "m"), least=50_000, cache_mib=32
)
def go_binary_of_half_a_million_modules(scratch: Path) -> str:
    start, end = (
        bytes.fromhex("3077af0c9274080241e1c107e6d618e6"),
        bytes.fromhex("f932433186182072008242104116d8f2"),
    )
    listed = start + b"".join(b"dep\tm%d\tv1.0.0\t\n" % n for n in range(500_000)) + end
    body = elf().ljust(144, b"\0") + go_info(b"go1.20.1", listed)
    return with_file(scratch, "usr/bin/go", body, mode=0o755)


@case()
def decoys_of_known_programs(scratch: Path) -> str:
    """Files that are named as known programs are, and hold the words that are looked for, but are no programs."""
    words = b"\0nginx version: nginx/1.2.3\0node.js/v12.0.0 \0PostgreSQL 9.6 on x86_64-pc-linux-gnu, \0"
    files = [
        entry(f"usr/bin/{name}", words * 10, mode=0o755)
        for name in ("nginx", "node", "postgres", "python3.11")
    ]
    return layout(scratch, sound(), hostile(tar(*files)))


@case(also=("nginx", "redis", "haproxy"))
def program_of_a_million_near_versions(scratch: Path) -> str:
    """A real ELF file full of what nearly is a version's surroundings, so that each is tried."""
    unit = b", released 20 version 1.2.3 000000000\0 nginx version: nginx/1.2 HAProxy version \0"
    body = elf(unit * 200_000)
    files = [entry(f"usr/bin/{name}", body, mode=0o755) for name in ("haproxy", "nginx", "redis-server")]
    return layout(scratch, sound(), hostile(tar(*files)))


@case(Told("file", "", "usr/lib/os-release"))
def os_release_of_noise(scratch: Path) -> str:
    body = b"\xff\xfe" + os.urandom(20_000) + b"\nID='" + b"a" * 100_000 + b"\nVERSION_ID=$(reboot)\n"
    return with_file(scratch, "usr/lib/os-release", body)


@case(Told("record", "not an assignment", "etc/os-release"))
def os_release_that_is_a_program(scratch: Path) -> str:
    """What a shell would run is only text here."""
    body = OS_RELEASE + b'PRETTY_NAME="$(touch /tmp/owned)"\n`touch owned`\n$(touch owned)\n'
    return with_file(scratch, "etc/os-release", body)


@case(Told("record", "a path of 2000000 bytes", "lib/apk/db/installed"), also=("a",))
def apk_folder_of_two_megabytes(scratch: Path) -> str:
    """Half a million files in a folder whose name is joined to each of theirs."""
    body = b"P:a\nV:1\nF:" + b"a/" * 1_000_000 + b"\n" + b"R:x\n" * 500_000
    return with_file(scratch, "lib/apk/db/installed", body)
