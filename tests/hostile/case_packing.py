"""Layers whose compression is broken, lies or unpacks to more than anything should hold."""

import os
import struct
import sys
import zlib
from pathlib import Path

from hostile.images import (
    GIB,
    KIB,
    MIB,
    ZSTD_LAYER,
    Layer,
    Told,
    case,
    central_header,
    deflated,
    end_record,
    entry,
    gz,
    gz_zeros,
    header,
    hostile,
    layout,
    local_header,
    saved,
    sound,
    sound_tar,
    tar,
    zip_bytes,
    zstd_frame,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NOISE = os.urandom(64 * KIB)
DATA = tar(entry("srv/noise", NOISE), entry("srv/more", NOISE))


def odd(body: bytes, media_type: str = "") -> Layer:
    return Layer(body, media_type or "application/vnd.oci.image.layer.v1.tar+gzip")


@case(Told("layer", "gzip data ends too early"))
def gzip_cut_short(scratch: Path) -> str:
    return layout(scratch, sound(), odd(gz(DATA)[:-70_000]))


@case(Told("layer", "no tar header"), Told("layer", "corrupt gzip data"))
def gzip_with_damaged_data(scratch: Path) -> str:
    body = bytearray(gz(sound_tar() * 50))
    body[200:260] = b"\xff" * 60
    return layout(scratch, sound(), odd(bytes(body)))


@case(Told("layer", "corrupt gzip data"))
def gzip_with_wrong_checksum(scratch: Path) -> str:
    """Only the last eight bytes lie: the content was read, and may be anything."""
    body = gz(DATA)
    return layout(scratch, sound(), odd(body[:-8] + b"\0\0\0\0" + body[-4:]))


@case(Told("layer", "corrupt gzip data"))
def gzip_followed_by_noise(scratch: Path) -> str:
    return layout(scratch, sound(), odd(gz(DATA) + NOISE))


@case(Told("layer", "corrupt zstd data"))
def zstd_with_damaged_data(scratch: Path) -> str:
    body = bytearray(zstd_frame(DATA))
    body[6:9] = b"\xff\xff\xff"
    return layout(scratch, sound(), odd(bytes(body), ZSTD_LAYER))


@case(Told("layer", "zstd data ends too early"))
def zstd_cut_short(scratch: Path) -> str:
    return layout(scratch, sound(), odd(zstd_frame(DATA)[:-5], ZSTD_LAYER))


@case(Told("layer", "inflates to more than"))
def gzip_bomb(scratch: Path) -> str:
    """One file of 10 GiB of zeros, in members of 64 MiB that follow each other."""
    body = gz(header("srv/zeros", 10 * GIB)) + gz_zeros(10 * GIB)
    return layout(scratch, sound(), odd(body))


@case(Told("layer", "inflates to more than"))
def zstd_bomb(scratch: Path) -> str:
    """40 GiB of zeros in run-length blocks: four bytes for each 128 KiB."""
    body = zstd_frame(header("srv/zeros", 40 * GIB), 40 * GIB, window_log=17)
    return layout(scratch, sound(), odd(body, ZSTD_LAYER))


@case(Told("layer", "inflates to more than"))
def bomb_after_the_end_of_the_archive(scratch: Path) -> str:
    """What follows the tar's end counts too, since a checksum stands behind it."""
    body = gz(tar(entry("srv/a", b"a"))) + gz_zeros(10 * GIB)
    return layout(scratch, sound(), odd(body))


@case(Told("layer", "inflates to more than"), Told("layer", "all layers together"))
def sixty_bombs(scratch: Path) -> str:
    """Each layer stays near what one layer may inflate to; together they would take minutes."""
    bombs = [
        odd(zstd_frame(header(f"srv/{n}", 5 * GIB), 5 * GIB, window_log=17), ZSTD_LAYER) for n in range(60)
    ]
    return layout(scratch, sound(), *bombs)


@case(Told("layer", "inflates to more than"))
def one_bomb_named_two_hundred_times(scratch: Path) -> str:
    bomb = odd(zstd_frame(header("srv/zeros", 5 * GIB), 5 * GIB, window_log=17), ZSTD_LAYER)
    return layout(scratch, sound(), *[bomb] * 200)


@case(Told("layer", "inflates to more than"), Told("layer", "all layers together"))
def bombs_in_a_stream(scratch: Path) -> str:
    """A packed archive is read once, and every member that may be a layer is read as one."""
    bombs = [
        odd(zstd_frame(header(f"srv/{n}", 5 * GIB), 5 * GIB, window_log=17), ZSTD_LAYER) for n in range(20)
    ]
    saved(scratch, sound(), *bombs)
    (scratch / "image.tar").write_bytes(gz((scratch / "image.tar").read_bytes()))
    return f"{scratch}/image.tar"


@case(Told("layer", "window"))
def zstd_with_a_window_of_two_gibibytes(scratch: Path) -> str:
    return layout(scratch, sound(), odd(zstd_frame(DATA, window_log=31), ZSTD_LAYER))


@case()
def zstd_with_large_windows(scratch: Path) -> str:
    """Windows of 128 MiB, which `zstd --ultra` makes too, filled in four layers at once."""
    layers = [
        odd(zstd_frame(header(f"srv/{n}", 160 * MIB), 160 * MIB, window_log=27) + NOISE_FRAME, ZSTD_LAYER)
        for n in range(4)
    ]
    return layout(scratch, sound(), *layers)


NOISE_FRAME = struct.pack("<4sI", b"\x50\x2a\x4d\x18", 4 * MIB) + bytes(4 * MIB)
"""A skippable frame: it makes a layer large enough that several are read side by side."""


@case(Told("layer", "not a tar archive"))
def gzip_of_gzip(scratch: Path) -> str:
    return layout(scratch, sound(), odd(gz(gz(DATA))))


@case(Told("layer", "not a tar archive"))
def layer_of_noise(scratch: Path) -> str:
    return layout(scratch, sound(), odd(b"\1" + NOISE))


@case(Told("layer", "not a tar archive"))
def layer_of_no_bytes(scratch: Path) -> str:
    return layout(scratch, sound(), odd(b""))


@case()
def gzip_of_ten_thousand_members(scratch: Path) -> str:
    body = sound_tar() + bytes(10_000)
    members = b"".join(gz(body[at : at + 1]) for at in range(0, len(body), 1)[:5000])
    return layout(scratch, odd(members + gz(body[5000:])))


@case(Told("record", "expands by more than", "srv/app.jar"))
def jar_bomb(scratch: Path) -> str:
    """A manifest of 2 MiB in a few bytes; a part of it that is not read in the end costs nothing."""
    jar = zip_bytes([("META-INF/MANIFEST.MF", bytes(2 * MIB)), ("lib/inner.jar", bytes(100 * MIB))])
    return layout(scratch, sound(), hostile(tar(entry("srv/app.jar", jar))))


@case(Told("record", "expands by more than", "srv/app.jar"))
def jar_bomb_inside(scratch: Path) -> str:
    jar = zip_bytes([("lib/inner.jar", bytes(100 * MIB))])
    return layout(scratch, sound(), hostile(tar(entry("srv/app.jar", jar))))


@case(Told("record", "nested too deeply", "srv/app.jar"), also=("inner:",))
def jar_in_jar_ten_deep(scratch: Path) -> str:
    jar = zip_bytes([("a", b"")])
    for number in range(10):
        jar = zip_bytes([(f"inner-{number}.jar", jar)])
    return layout(scratch, sound(), hostile(tar(entry("srv/app.jar", jar))))


@case(
    Told("record", "overlaps another", "srv/app.jar"),
    Told("record", "zip entries that overlap others", "srv/app.jar"),
)
def jar_of_a_million_entries(scratch: Path) -> str:
    name = b"META-INF/MANIFEST.MF"
    directory = central_header(name, 0, 0, 0, 0, 0) * 1_000_000
    local = local_header(name, 0, 0, 0, 0)
    jar = local + directory + end_record(0xFFFF, len(directory), len(local))
    return layout(scratch, sound(), hostile(tar(entry("srv/app.jar", jar))))


@case(
    Told("record", "overlaps another", "srv/app.jar"),
    Told("record", "expands by more than", "srv/app.jar"),
)
def jar_whose_entries_overlap(scratch: Path) -> str:
    """Thousands of directory entries share one compressed content: quadratic without a bound on what is expanded."""
    inner = zip_bytes([("META-INF/MANIFEST.MF", os.urandom(10) * 60_000)])
    packed = deflated(inner + bytes(3 * MIB))
    whole = inner + bytes(3 * MIB)
    name = b"lib/inner.jar"
    local = local_header(name, len(packed), len(whole), zlib.crc32(whole)) + packed
    directory = b"".join(
        central_header(b"lib/%d.jar" % n, len(packed), len(whole), zlib.crc32(whole), 0) for n in range(5000)
    )
    jar = local + directory + end_record(5000, len(directory), len(local))
    return layout(scratch, sound(), hostile(tar(entry("srv/app.jar", jar))))


@case(
    Told("record", "overlaps another", "srv/"),
    Told("record", "expands to more than", "srv/"),
    Told("record", "zip entries that overlap others", "srv/"),
)
def jars_of_small_entries_that_overlap(scratch: Path) -> str:
    """What each jar expands to is within its bounds; in a hundred of them it is not."""
    lines = b"\n" * MIB
    packed, name = deflated(lines), b"META-INF/maven/g/a/pom.properties"
    local = local_header(name, len(packed), MIB, zlib.crc32(lines)) + packed
    directory = b"".join(
        central_header(b"META-INF/maven/g/%d/pom.properties" % n, len(packed), MIB, zlib.crc32(lines), 0)
        for n in range(2000)
    )
    jar = local + directory + end_record(2000, len(directory), len(local))
    return layout(scratch, sound(), hostile(tar(*(entry(f"srv/{n}.jar", jar) for n in range(60)))))


def slow_jar() -> bytes:
    """Make 25 KB that take half a minute: sixteen files of Maven's with as many elements as they may have."""
    pom = b"<project>" + b"<a>b</a>" * 120_000 + b"</project>"
    return zip_bytes([(f"META-INF/maven/g/a{number}/pom.xml", pom) for number in range(16)])


@case(Told("file", "more processor time", "srv/a.jar"), flags=("--limit", "file_cpu_s=1"))
def jar_that_takes_long(scratch: Path) -> str:
    return layout(scratch, sound(), hostile(tar(entry("srv/a.jar", slow_jar()))))


@case(
    Told("file", "more processor time", "srv/"),
    Told("layer", "all layers together take more than 2 s of processor time"),
    flags=("--limit", "file_cpu_s=1", "--limit", "image_cpu_s=2"),
)
def jars_that_take_long_together(scratch: Path) -> str:
    jar = slow_jar()
    return layout(scratch, sound(), hostile(tar(*(entry(f"srv/{n}.jar", jar) for n in range(50)))))


@case(Told("record", "", "srv/app.jar"))
def jar_with_a_directory_that_lies(scratch: Path) -> str:
    """Offsets and sizes of a central directory that point everywhere but into the file."""
    name = b"META-INF/MANIFEST.MF"
    entries = [(7, 7, 0xFFFFFFF0), (0xFFFFFFF0, 1, 0), (1, 0xFFFFFFF0, 0), (9, 9, 0)]
    directory = b"".join(central_header(name, packed, size, 1, at) for packed, size, at in entries)
    jar = local_header(name, 3, 3, 0, 0) + b"abc" + directory
    jar += end_record(len(entries), len(directory), len(jar) - len(directory))
    return layout(scratch, sound(), hostile(tar(entry("srv/app.jar", jar))))


@case(Told("layer", "frames with hardly anything in them"))
def zstd_of_a_million_frames(scratch: Path) -> str:
    """Nine bytes a frame, and for each of them the decoder is made anew."""
    return layout(scratch, sound(), odd(zstd_frame(b"") * 1_000_000, ZSTD_LAYER))


@case()
def gzip_of_half_a_million_members(scratch: Path) -> str:
    return layout(scratch, sound(), odd(gz(tar(entry("srv/a", b"a"))) + gz(b"") * 500_000))


@case(Told("layer", "ends too early"))
def gzip_with_a_name_of_20_megabytes(scratch: Path) -> str:
    head = b"\x1f\x8b\x08\x08\0\0\0\0\0\0"
    return layout(scratch, sound(), odd(head + b"a" * 20 * MIB))


@case(Told("record", "cannot be read to its end: corrupt gzip data: incorrect checksum"))
def archive_whose_checksum_is_wrong(scratch: Path) -> str:
    """All of it is there, and only the checksum behind it does not fit."""
    reference = saved(scratch, sound())
    path = scratch / "image.tar"
    body = bytearray(gz(path.read_bytes()))
    body[-8] ^= 1
    path.write_bytes(body)
    return reference


@case(Told("record", "cannot be read to its end: corrupt zstd data"))
def archive_whose_zstd_checksum_is_wrong(scratch: Path) -> str:
    reference = saved(scratch, sound())
    path = scratch / "image.tar"
    options: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
    body = bytearray(zstd.compress(path.read_bytes(), options=options))
    body[-1] ^= 1
    path.write_bytes(body)
    return reference


@case(flags=("--limit", f"layer_free_bytes={16 * MIB}"))
def archive_with_more_before_the_image_than_a_layer_may_inflate_to(scratch: Path) -> str:
    """An archive is a whole image, and has its bounds."""
    reference = saved(scratch, sound())
    path = scratch / "image.tar"
    path.write_bytes(gz(header("junk", 64 * MIB)) + gz_zeros(64 * MIB) + gz(path.read_bytes()))
    return reference
