"""Layers whose tar headers, links, whiteouts and sparse files lie or never end."""

import itertools
from pathlib import Path

from hostile.images import (
    END,
    GIB,
    KIB,
    OS_RELEASE,
    STATUS,
    Layer,
    Told,
    case,
    entry,
    folder,
    gz,
    gz_zeros,
    hard_link,
    header,
    hostile,
    layout,
    long_name,
    pax,
    record,
    sound,
    sound_tar,
    status,
    symlink,
    tar,
)

EVIL = status([("evil", "6.6.6")])


@case(Told("record", "leads out of the image", "../"), Told("record", "leads out of the image", "a/../../"))
def paths_that_lead_outside(scratch: Path) -> str:
    """An absolute path is below the image's root; one with `..` is nothing that a runtime would unpack."""
    body = tar(
        entry("../../../../" + STATUS, EVIL),
        entry("a/../../" + STATUS, EVIL),
        entry("///./" + STATUS, status()),
    )
    return layout(scratch, sound(), hostile(body))


@case()
def links_on_the_way_that_loop(scratch: Path) -> str:
    """Directory links that lead to each other, into themselves and up, none of which holds a file."""
    body = tar(
        symlink("srv/a", "b"),
        symlink("srv/b", "a"),
        symlink("srv/self", "self/self/self/self"),
        symlink("srv/up", "../../../../../../srv/up"),
        *[symlink(f"chain/{n}", f"{n + 1}/{n + 1}") for n in range(2000)],
    )
    above = tar(*[folder(f"srv/{name}/deep") for name in ("a", "b", "self", "up")], folder("chain/0/x"))
    return layout(scratch, sound(), hostile(body), hostile(above))


@case(least=0, packages=())
def links_that_loop_on_the_way_to_dpkg(scratch: Path) -> str:
    """The database's own folder becomes a link to itself: it is gone, as it would be in a container."""
    return layout(scratch, sound(), hostile(tar(symlink("var/lib/dpkg", "../lib/dpkg"))))


@case(least=0, packages=())
def device_in_place_of_the_database(scratch: Path) -> str:
    devices = [header(STATUS, kind=kind) for kind in (b"3", b"4", b"6")]
    return layout(scratch, sound(), hostile(tar(*devices)))


@case()
def devices_beside_the_database(scratch: Path) -> str:
    """Devices and pipes of wanted names, which have no content however large they say that they are."""
    body = tar(
        *[header(f"srv/{n}/package.json", kind=kind) for n, kind in enumerate((b"3", b"4", b"6"))],
        header("srv/pom.properties", 0, b"3", mode=0o777),
    )
    return layout(scratch, sound(), hostile(body))


@case(Told("layer", "impossible size"))
def negative_size(scratch: Path) -> str:
    lie = header("srv/package.json", size_field=b"\xff" * 12)
    return layout(scratch, sound(), hostile(tar(lie)))


@case(Told("layer", "impossible size"))
def size_with_a_minus_sign(scratch: Path) -> str:
    return layout(scratch, sound(), hostile(tar(header("srv/package.json", size_field=b"-0000000512\0"))))


@case(Told("layer", "ends in the middle"))
def size_of_four_exbibytes(scratch: Path) -> str:
    lie = header("srv/package.json", (1 << 62) - 1)
    return layout(scratch, sound(), hostile(tar(lie)))


@case(Told("layer", "impossible size"))
def size_of_eight_exbibytes_in_a_header(scratch: Path) -> str:
    lie = header("srv/package.json", 1 << 63)
    return layout(scratch, sound(), hostile(tar(lie)))


@case(Told("record", "a tar header of 1073741824 bytes"))
def pax_header_of_a_gibibyte(scratch: Path) -> str:
    body = header("PaxHeaders/x", GIB, b"x")
    layer = Layer(gz(body) + gz_zeros(GIB) + gz(tar(entry("srv/a", b"a"))))
    return layout(scratch, sound(), layer)


@case(Told("record", "a tar header of 1073741824 bytes"))
def long_name_of_a_gibibyte(scratch: Path) -> str:
    body = header("././@LongLink", GIB, b"L", magic=b"ustar  \0")
    layer = Layer(gz(body) + gz_zeros(GIB) + gz(tar(entry("srv/a", b"a"))))
    return layout(scratch, sound(), layer)


@case(Told("record", "a path of", "aaaa"), Told("record", "more entries could not be used"))
def long_names_without_end(scratch: Path) -> str:
    """Thousands of names of 200 KiB each: none is kept."""
    one = long_name(b"a" * 200 * KIB) + header("a", 0)
    return layout(scratch, sound(), Layer(gz(one * 100) * 20 + gz(END)))


@case(Told("record", "a broken pax header"))
def pax_records_that_lie(scratch: Path) -> str:
    lies = [
        b"99999999999 path=x\n",
        b"0 path=x\n",
        b"-5 path=x\n",
        b"7 path=",
        b"\xff\xfe\0\0",
        b"12 path\0=x\n\0",
    ]
    parts = [header("PaxHeaders/x", len(lie), b"x") + lie.ljust(512, b"\0") for lie in lies]
    return layout(scratch, sound(), hostile(tar(*[part + entry("srv/a", b"a") for part in parts])))


@case(Told("layer", "no tar header"))
def pax_size_that_lies(scratch: Path) -> str:
    """The extended header's size counts, so what follows must be where it says."""
    lie = pax(record("size", "700")) + entry("srv/data", b"x" * 5000)
    return layout(scratch, sound(), hostile(tar(lie)))


@case(Told("layer", "impossible size"))
def pax_size_of_a_million_digits(scratch: Path) -> str:
    lie = pax(record("size", "9" * 1_000_000)) + entry("srv/data", b"x")
    return layout(scratch, sound(), hostile(tar(lie)))


@case()
def pax_path_that_hides_the_database(scratch: Path) -> str:
    """The name in the extended header counts: what is called dpkg's status in the plain one is another file."""
    decoy = pax(record("path", "srv/other")) + entry(STATUS, EVIL)
    return layout(scratch, sound(), hostile(tar(decoy)))


@case(Told("package_database", "sparse", STATUS), packages=(), least=0)
def sparse_database_of_100_gigabytes(scratch: Path) -> str:
    """GNU tar's old sparse format: a database of 100 GB of holes and one byte."""
    size = 100 * GIB
    numbers = b"%011o\0%011o\0" % (0, 512)
    real = b"\x80" + size.to_bytes(11, "big")
    head = header(STATUS, 512, b"S", magic=b"ustar  \0", patch={386: numbers, 483: real})
    return layout(scratch, sound(), hostile(tar(head + EVIL.ljust(512, b"\0"))))


@case(Told("file", "sparse", "etc/os-release"))
def sparse_os_release_of_two_gigabytes(scratch: Path) -> str:
    head = pax(
        record("GNU.sparse.major", "1"),
        record("GNU.sparse.minor", "0"),
        record("GNU.sparse.name", "etc/os-release"),
        record("GNU.sparse.realsize", str(2 * GIB)),
    )
    content = b"1\n0\n40\n".ljust(512, b"\0") + OS_RELEASE
    return layout(scratch, sound(), hostile(tar(head + entry("GNUSparseFile.0/os-release", content))))


@case(Told("layer", "a broken map of a sparse file"))
def sparse_map_without_end(scratch: Path) -> str:
    """pax sparse format 1.0: a map of 999,999 extents, of which a few come."""
    head = pax(
        record("GNU.sparse.major", "1"),
        record("GNU.sparse.minor", "0"),
        record("GNU.sparse.name", "srv/package.json"),
        record("GNU.sparse.realsize", "1000"),
    )
    content = b"999999\n" + b"0\n0\n" * 200_000
    return layout(scratch, sound(), hostile(tar(head + entry("GNUSparseFile.0/x", content))))


@case(Told("file", "sparse", "srv/package.json"))
def sparse_extents_that_overlap(scratch: Path) -> str:
    """100,000 extents that all cover the same megabytes would be written over and over."""
    extents = ",".join(["0,1000"] * 30_000)
    head = pax(
        record("GNU.sparse.map", extents),
        record("GNU.sparse.size", "2000000"),
        record("GNU.sparse.numblocks", "30000"),
    )
    return layout(scratch, sound(), hostile(tar(head + entry("srv/package.json", b"x" * 1000))))


EXTRAS = "extended headers and extents of sparse files, and this one more than its size suggests"


@case(Told("layer", EXTRAS), flags=("--limit", "image_entries=200000"))
def sparse_maps_without_number(scratch: Path) -> str:
    """pax sparse format 0.1: maps within the limit for a header, of extents that say nothing."""
    map_of_zeros = pax(record("GNU.sparse.map", b"0," * 260_000 + b"0"))
    return layout(scratch, sound(), hostile(tar(*[map_of_zeros + header("srv/data")] * 30)))


@case(Told("layer", EXTRAS), flags=("--limit", "image_entries=200000"))
def pax_records_without_number(scratch: Path) -> str:
    """Headers within the limit, of the shortest records there are."""
    records = pax(b"6 a=b\n" * 170_000)
    return layout(scratch, sound(), hostile(tar(*[records + header("srv/data")] * 30)))


@case(Told("layer", EXTRAS), flags=("--limit", "image_entries=200000"))
def old_sparse_maps_without_number(scratch: Path) -> str:
    """GNU tar's old sparse format: blocks of 21 extents each, one after the other."""
    head = header("srv/data", 0, b"S", magic=b"ustar  \0", patch={482: b"\1"})
    extents = (b"%011o\0%011o\0" % (0, 0)) * 21
    blocks = (extents + b"\1").ljust(512, b"\0") * 4000 + extents.ljust(512, b"\0")
    return layout(scratch, sound(), hostile(tar(*[head + blocks] * 5)))


@case(Told("file", "not a package.json", "srv/package.json"))
def old_sparse_map_that_goes_on(scratch: Path) -> str:
    head = header("srv/package.json", 512, b"S", magic=b"ustar  \0", patch={482: b"\1"})
    more = (b"\0" * 504 + b"\1").ljust(512, b"\0")
    return layout(scratch, sound(), hostile(tar(head + more * 50)))


@case(cache_mib=16)
def a_million_entries(scratch: Path) -> str:
    """1,000,000 empty files of different names; their headers differ in three digits, so their checksums are few."""
    block = bytearray(b"".join(header(f"srv/{n:03d}/000") for n in range(1000)))
    sums = [
        sum(block[at : at + 148]) + sum(block[at + 156 : at + 512]) + 8 * 32
        for at in range(0, len(block), 512)
    ]
    parts = []
    for number in range(1000):
        digits = b"%03d" % number
        more = sum(digits) - sum(b"000")
        for n, at in enumerate(range(0, len(block), 512)):
            block[at + 8 : at + 11] = digits
            block[at + 148 : at + 155] = b"%06o\0" % (sums[n] + more)
        parts.append(gz(bytes(block)))
    return layout(scratch, sound(), Layer(b"".join(parts) + gz(END)))


@case(Told("layer", "links"), cache_mib=40)
def links_of_four_kilobytes_each(scratch: Path) -> str:
    """All symbolic links are kept, since a layer above may go through them: a gigabyte of them is not."""
    path, target = b"a" * 3900, b"b" * 3900
    parts = [
        gz(pax(record("path", path + b"%06d" % n), record("linkpath", target)) + symlink("x", "y"))
        for n in range(200)
    ]
    return layout(scratch, sound(), Layer(b"".join(parts) * 200 + gz(END)))


@case(Told("layer", "links"))
def hard_links_of_four_kilobytes_each(scratch: Path) -> str:
    path, target = b"a" * 3900, b"b" * 3900
    parts = b"".join(
        gz(
            b"".join(
                pax(record("path", path + b"%06d" % (n * 100 + i)), record("linkpath", target))
                + hard_link("x", "y")
                for i in range(100)
            )
        )
        for n in range(300)
    )
    return layout(scratch, sound(), Layer(parts + gz(END)))


@case(Told("layer", "whiteouts"), cache_mib=40)
def whiteouts_of_four_kilobytes_each(scratch: Path) -> str:
    parts = [gz(pax(record("path", b"a/" * 1900 + b".wh.%06d" % n)) + header("x", 0)) for n in range(200)]
    return layout(scratch, sound(), Layer(b"".join(parts) * 200 + gz(END)))


@case(also=("x",))
def path_of_two_thousand_folders(scratch: Path) -> str:
    """The deepest path that PATH_MAX allows, each folder of it an entry too."""
    parts = [pax(record("path", "a/" * depth)) + folder("x") for depth in range(50, 2000, 50)]
    deep = pax(record("path", "a/" * 2000 + "package.json")) + entry(
        "x", b'{"name": "x", "version": "1.0.0"}'
    )
    return layout(scratch, sound(), hostile(tar(*parts, deep)), hostile(tar(symlink("a/a", "a"))))


@case(Told("record", "a path of 40003 bytes"))
def path_of_twenty_thousand_folders(scratch: Path) -> str:
    deep = pax(record("path", "a/" * 20_000 + "x.y")) + entry("x", b"x")
    return layout(scratch, sound(), hostile(tar(deep)))


@case()
def two_thousand_layers(scratch: Path) -> str:
    layers = [hostile(tar(entry(f"srv/{n}/a", b"a"), symlink(f"srv/{n}/l", "a"))) for n in range(2000)]
    return layout(scratch, sound(), *layers)


@case(also=("p",), least=20_000)
def a_thousand_layers_above_many_files(scratch: Path) -> str:
    """Each layer is merged with what all layers below it hold."""
    base = [entry(f"srv/{n}/package.json", b'{"name": "p%d", "version": "1.0.0"}' % n) for n in range(20_000)]
    layers = [hostile(tar(entry(f"opt/{n}/a", b"a"), entry(f"opt/.wh.{n}"))) for n in range(1000)]
    return layout(scratch, sound(), hostile(tar(*base)), *layers)


@case(Told("record", "a whiteout that names nothing", "srv/.wh."))
def whiteouts_of_nothing(scratch: Path) -> str:
    body = tar(
        *[entry(f"srv/.wh.{name}") for name in ("", ".", "..")],
        entry("srv/.wh..wh.plnk"),
        entry(".wh..wh.aufs"),
        folder("srv/.wh.folder"),
    )
    return layout(scratch, sound(), hostile(body))


@case()
def opaque_root_beside_the_database(scratch: Path) -> str:
    """An opaque root hides what lies below, not what its own layer brings."""
    below = hostile(tar(entry(STATUS, EVIL), entry("srv/package.json", b'{"name":"e","version":"1.0.0"}')))
    return layout(scratch, below, sound(entry(".wh..wh..opq")))


@case(Told("record", "hard link that leads out", STATUS), packages=(), least=0)
def hard_link_to_the_hosts_database(scratch: Path) -> str:
    return layout(scratch, hostile(tar(hard_link(STATUS, "../../../../var/lib/dpkg/status"))))


@case(Told("file", "hard link", "srv/"))
def hard_links_that_lead_in_circles(scratch: Path) -> str:
    body = tar(
        hard_link("srv/a/package.json", "srv/b/package.json"),
        hard_link("srv/b/package.json", "srv/a/package.json"),
        hard_link("srv/c/package.json", "srv/c/package.json"),
        hard_link("srv/d/package.json", "srv/nothing"),
    )
    return layout(scratch, sound(), hostile(body))


@case(Told("layer", "facts"), also=("p",), cache_mib=16)
def hard_links_that_multiply(scratch: Path) -> str:
    """One lock file of 1,000 packages, and 20,000 links of that name to it: twenty million statements."""
    lock = b'{"lockfileVersion": 3, "packages": {"": {}, %s}}' % b",".join(
        b'"node_modules/p%d": {"version": "1.0.%d"}' % (n, n) for n in range(1000)
    )
    links = [hard_link(f"srv/{n}/package-lock.json", "srv/lock") for n in range(20_000)]
    return layout(scratch, sound(), hostile(tar(entry("srv/lock", lock), *links)))


@case()
def database_that_is_a_hard_link(scratch: Path) -> str:
    """A wanted path that is a hard link to a file of another name is read all the same."""
    body = tar(entry("srv/any", status()), hard_link(STATUS, "srv/any"))
    return layout(scratch, hostile(body))


@case()
def the_database_many_times(scratch: Path) -> str:
    """Of entries of one path the last counts."""
    return layout(scratch, hostile(entry(STATUS, EVIL) * 2000 + sound_tar()))


@case(Told("record", "a tar entry of unknown kind"))
def kinds_that_nobody_knows(scratch: Path) -> str:
    parts = [header(f"srv/{kind}", kind=bytes((kind,))) for kind in (0x39, 0x41, 0x1B, 0xFF, 0x0A)]
    return layout(scratch, sound(), hostile(tar(*parts)))


@case()
def names_that_are_no_text(scratch: Path) -> str:
    body = tar(
        entry(b"srv/\xff\xfe\x80", b"x"),
        entry(b"srv/\x1b[31m\x07\xe2\x80\xae", b"x"),
        header(b"srv/link\xff", kind=b"2", link=b"\xff\xfe"),
    )
    return layout(scratch, sound(), hostile(body))


@case(Told("layer", "links"), cache_mib=16)
def a_million_symbolic_links(scratch: Path) -> str:
    links = (symlink(f"srv/{n}", "x") for n in range(1_000_000))
    parts = [gz(b"".join(itertools.islice(links, 5000))) for _ in range(80)]
    return layout(scratch, sound(), Layer(b"".join(parts) + gz(END)))


@case(also=("p",))
def links_that_many_layers_go_through(scratch: Path) -> str:
    """A thousand directory links at the bottom, and layer after layer with files below them."""
    base = [symlink(f"l{n}", f"srv/{n}") for n in range(1000)]
    unit = b'{"name": "p", "version": "1.0.0"}'
    layers = [
        hostile(tar(*[entry(f"l{(number * 7 + n) % 1000}/{number}/package.json", unit) for n in range(20)]))
        for number in range(400)
    ]
    return layout(scratch, sound(), hostile(tar(*base)), *layers)


@case(failure="too many to be followed", cache_mib=32)
def links_and_layers_that_multiply(scratch: Path) -> str:
    """20,000 links that are all gone through above two thousand layers: forty million questions."""
    unit = b'{"name": "p", "version": "1.0.0"}'
    base = [symlink(f"l{n}", f"srv/{n}") for n in range(20_000)]
    layers = [hostile(tar(entry(f"opt/{n}", b"a"))) for n in range(2000)]
    above = [entry(f"l{n}/package.json", unit) for n in range(20_000)]
    return layout(scratch, sound(), hostile(tar(*base)), *layers, hostile(tar(*above)))


@case(Told("record", "folders have no entry of their own"), cache_mib=64)
def files_at_the_end_of_long_paths(scratch: Path) -> str:
    """Not one is wanted and no folder has an entry; a link at the bottom makes each folder one to look at."""
    below = hostile(tar(symlink("0", "srv")))
    files = (
        pax(record("path", f"{n:x}/{'a/' * 1990}x")) + entry("x", b"1")
        for n in itertools.chain((0,), range(20_000))
    )
    parts = [gz(b"".join(itertools.islice(files, 500))) for _ in range(40)]
    return layout(scratch, sound(), below, Layer(b"".join(parts) + gz(END)))


@case(Told("layer", "facts"), also=("p",), cache_mib=64)
def manifests_in_folders_of_their_own(scratch: Path) -> str:
    """Each manifest is 30 folders deep, and no two share one but the first: millions of folders."""
    unit = b'{"name": "p", "version": "1.0.0"}'
    files = (entry(f"{n:x}/{'a/' * 28}package.json", unit) for n in range(100_000))
    parts = [gz(b"".join(itertools.islice(files, 5000))) for _ in range(20)]
    return layout(scratch, sound(), Layer(b"".join(parts) + gz(END)), hostile(tar(entry(".wh.a"))))


@case(Told("layer", "facts"), Told("record", "folders have no entry"), also=("p",), cache_mib=64)
def manifests_at_the_end_of_long_paths(scratch: Path) -> str:
    unit = b'{"name": "p", "version": "1.0.0"}'
    files = (
        pax(record("path", f"{n:x}/{'a' * 30 + '/'}" * 110 + "package.json")) + entry("x", unit)
        for n in range(20_000)
    )
    parts = [gz(b"".join(itertools.islice(files, 500))) for _ in range(40)]
    return layout(scratch, sound(), Layer(b"".join(parts) + gz(END)), hostile(tar(entry(".wh.a"))))
