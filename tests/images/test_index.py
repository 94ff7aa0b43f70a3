"""The file index of a layer: every entry with what tells it from another, whatever form its tar has."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator

import pytest

from hostile.images import entry, folder, hard_link, header, long_name, padded, pax, record, symlink, tar
from hullmark.images.index import (
    DIGEST_BYTES,
    FILE,
    FOLDER,
    HARD_LINK,
    OPAQUE_FOLDER,
    REMOVED,
    SYMLINK,
    Entry,
    Indexing,
    LayerIndex,
    Room,
)
from hullmark.images.inflate import Hashed, inflated
from hullmark.images.limits import ReadLimits
from hullmark.images.walk import Cut

LIMITS = ReadLimits()


def indexed(body: bytes, piece: int = 0) -> LayerIndex:
    indexing = Indexing(LIMITS, Room())
    pieces = [body[at : at + piece] for at in range(0, len(body), piece)] if piece else [body]
    indexing.read(iter(pieces))
    return indexing.frozen()


def entries(body: bytes, piece: int = 0) -> list[Entry]:
    return list(indexed(body, piece).entries())


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:DIGEST_BYTES]


@pytest.mark.parametrize("piece", [0, 1, 511, 513])
def test_every_kind_of_entry_is_there(piece: int) -> None:
    body = tar(
        folder("app"),
        entry("app/main", b"x" * 1000, mode=0o755),
        symlink("app/now", "main"),
        hard_link("app/twin", "app/main"),
        header("dev/null", kind=b"3", patch={329: b"0000001\0", 337: b"0000003\0"}),
        entry("app/.wh.old"),
        entry("srv/.wh..wh..opq"),
        long_name(b"d/" * 60 + b"file"),
        entry("cut", b"long"),
    )
    found = entries(body, piece)
    assert [(each.path, each.kind, each.size, each.mode) for each in found] == [
        (b"app", FOLDER, 0, 0o755),
        (b"app/main", FILE, 1000, 0o755),
        (b"app/now", SYMLINK, 0, 0o777),
        (b"app/twin", HARD_LINK, 0, 0o644),
        (b"dev/null", b"3", 0, 0o644),
        (b"app/old", REMOVED, 0, 0o644),
        (b"srv", OPAQUE_FOLDER, 0, 0o644),
        (b"d/" * 60 + b"file", FILE, 4, 0o644),
    ]
    assert found[1].digest == digest(b"x" * 1000)
    assert found[7].digest == digest(b"long")
    assert indexed(body).hard_links == b"app/main\0"
    assert indexed(body).inflated_bytes == len(body)


def test_the_same_as_another_reader_of_tar_says() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number in range(50):
            info = tarfile.TarInfo(f"{'folder/' * (number % 30)}file-{number}-{'é' * (number % 3)}")
            info.size, info.mode, info.uid, info.gid = (
                number * 37,
                0o600 + number % 64,
                number,
                3_000_000 + number,
            )
            info.mtime = 1_700_000_000 + number + 0.25 * (number % 4)
            archive.addfile(info, io.BytesIO(b"a" * info.size))
    found = entries(out.getvalue())
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        expected = [
            (
                info.name.encode(),
                info.size,
                info.mode,
                (info.uid, info.gid),
                int(info.mtime * 4) * 250_000_000,
                digest(b"a" * info.size),
            )
            for info in archive
        ]
    assert [(e.path, e.size, e.mode, e.owner, e.time_ns, e.digest) for e in found] == expected


def test_an_extended_attribute_is_content() -> None:
    plain = entry("bin/ping", b"elf")
    capable = pax(record("SCHILY.xattr.security.capability", b"\1\0\0\2\0\x20\0\0"))
    one, two, three = entries(tar(plain, capable, plain, plain))
    assert one.digest == three.digest != two.digest


def test_links_differ_by_where_they_lead() -> None:
    one, two, same = entries(tar(symlink("a", "x"), symlink("b", "y"), symlink("c", "x")))
    assert one.digest == same.digest != two.digest


def test_a_sparse_file_counts_what_is_stored_of_it() -> None:
    extents = b"%011o\0%011o\0" % (0, 512) + b"%011o\0%011o\0" % (1 << 20, 512)
    sparse = header(
        "var/log/lastlog",
        1024,
        b"S",
        magic=b"ustar  \0",
        patch={386: extents, 483: b"%011o\0" % ((1 << 20) + 512)},
    )
    (one,) = entries(tar(sparse + padded(b"a" * 1024)))
    (other,) = entries(tar(sparse + padded(b"b" * 1024)))
    assert (one.path, one.size) == (b"var/log/lastlog", 1024)
    assert one.digest != other.digest


def test_a_byte_that_no_path_can_have_joins_no_paths() -> None:
    body = tar(
        pax(record("path", b"a\0b")), entry("x", b"1"), pax(record("linkpath", b"t\0u")), hard_link("h", "t")
    )
    assert [each.path for each in entries(body)] == [b"a\\0b", b"h"]
    assert indexed(body).hard_links == b"t\\0u\0"


def test_what_is_listed_of_an_image_is_bounded() -> None:
    room = Room(entries=3, path_bytes=1000)
    indexing = Indexing(LIMITS, room)
    with pytest.raises(Cut, match="entries or"):
        indexing.read(iter([tar(*(entry(f"f{number}") for number in range(9)))]))
    assert room.is_over
    assert [each.path for each in indexing.frozen().entries()] == [b"f0", b"f1", b"f2"]


def test_any_compression_gives_the_same() -> None:
    body = tar(folder("a"), entry("a/b", b"c" * 100_000))

    def inflating(packed: bytes) -> Iterator[bytes]:
        return inflated(Hashed(iter([packed])), LIMITS)

    indexing = Indexing(LIMITS, Room())
    indexing.read(inflating(gzip.compress(body)))
    assert indexing.frozen() == indexed(body)
