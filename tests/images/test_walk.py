"""The tar walk: against tarfile, and on what tarfile does not do."""

import contextlib
import io
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullmark.images.limits import Budget, ReadLimits
from hullmark.images.walk import Body, Cut, Selected, Shape, index, walk

LIMITS = ReadLimits()


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def walked(
    data: bytes, *, piece: int = 4096, max_bytes: int = 1 << 20, limits: ReadLimits = LIMITS, wants: str = ""
) -> tuple[dict[str, Body], Shape]:
    shape = Shape(limits)
    budget = Budget(limits.body_budget_bytes)
    selected = Selected("token", max_bytes, (b"MARK",), 1000)
    found = {
        body.path: body
        for body in walk(
            pieces(data, piece),
            lambda path, _mode, _size: selected if wants in path else None,
            shape,
            budget,
            limits,
        )
    }
    assert budget.take(budget.total), "every body's memory was given back"
    return found, shape


def archive(members: list[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


NAMES = st.lists(
    st.text(
        st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60
    ).filter(lambda part: part not in {".", ".."} and not part.startswith(".wh.")),
    min_size=1,
    max_size=6,
).map("/".join)


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(NAMES, st.binary(max_size=2000), max_size=12),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    st.integers(1, 3000),
)
def test_same_as_tarfile(files: dict[str, bytes], form: int, piece: int) -> None:
    data = archive(list(files.items()), form)
    found, shape = walked(data, piece=piece)
    assert {path: body.data for path, body in found.items()} == files
    assert shape.entries == len(files)
    assert shape.unread == []


@pytest.mark.parametrize("name", ["a/" * 60 + "b", "x" * 99 + "/" + "y" * 150, "p" * 250])
def test_long_names_in_every_format(name: str) -> None:
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        assert list(walked(archive([(name, b"1")], form))[0]) == [name]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["a", f"{'deep/' * 30}a", "d" * 90 + "/a"])
def test_mode_and_size_are_told_whatever_the_name(form: int, name: str) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        info = tarfile.TarInfo(name)
        info.size, info.mode = 600, 0o4755
        tar.addfile(info, io.BytesIO(b"x" * 600))
    asked = []
    shape = Shape(LIMITS)
    for _body in walk(iter([out.getvalue()]), lambda *what: asked.append(what), shape, Budget(0), LIMITS):
        pass
    assert asked == [(name, 0o4755, 600)]


def test_ustar_prefix() -> None:
    name = "x" * 99 + "/" + "y" * 90
    assert list(walked(archive([(name, b"1")], tarfile.USTAR_FORMAT))[0]) == [name]


def test_paths_are_relative_to_the_root() -> None:
    found, shape = walked(
        archive([("/abs", b""), ("./dot", b""), ("a//b", b""), ("a/../../etc/passwd", b"")])
    )
    assert sorted(found) == ["a/b", "abs", "dot"]
    assert [unread.reason for unread in shape.unread] == ["a path that leads out of the image"]
    assert shape.skipped == 1


def test_whiteouts_links_and_marks() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("a/.wh.gone", "b/.wh..wh..opq", ".wh..wh..opq", ".wh.", "c/.wh..wh.plnk"):
            tar.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("lib")
        link.type, link.linkname = tarfile.SYMTYPE, "usr/lib"
        tar.addfile(link)
        hard = tarfile.TarInfo("hard")
        hard.type, hard.linkname = tarfile.LNKTYPE, "/usr/bin/x"
        tar.addfile(hard)
        device = tarfile.TarInfo("dev/null")
        device.type = tarfile.CHRTYPE
        tar.addfile(device)
    _, shape = walked(out.getvalue())
    frozen = shape.frozen()
    assert frozen.whiteouts == b"a/gone\0"
    assert frozen.opaques == b"b\0\0"
    assert frozen.links == b"lib\0usr/lib\0"
    assert shape.hard_links == {"hard": "usr/bin/x"}
    assert len(frozen.hidden) == 8 * 3
    assert [unread.reason for unread in frozen.unread] == ["a whiteout that names nothing"]


def tree(*names: str) -> bytes:
    """Make a tar of entries as they are given: a directory's name ends in a slash, a link's in an @."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in names:
            info = tarfile.TarInfo(name.rstrip("/@"))
            if name[-1] in "/@":
                info.type = tarfile.DIRTYPE if name[-1] == "/" else tarfile.SYMTYPE
                info.linkname = "" if name[-1] == "/" else "x"
            tar.addfile(info)
    return out.getvalue()


@pytest.mark.parametrize(
    ("names", "implied"),
    [
        (("a/", "a/f", "a/b/", "a/b/f", "a/c/", "a/c/f", "a/g", "d/", "e"), []),  # as layers are
        (("a/b/f", "a/c", "g"), ["a/b", "a"]),
        (("lib/", "usr/lib/", "usr/lib/f", "usr/lib/g/f"), ["usr", "usr/lib", "usr/lib/g"]),
        (("a/", "ab/f", "a/f"), ["ab", "a"]),  # one too many, which costs a look
        (("a/l@", "a/b/"), ["a"]),
        (("a/", "a/b/.wh.c", "a/.wh..wh..opq"), ["a/b"]),
        (("./", "./a/", "./a/b/f"), ["a/b"]),
        ((f"{'d/' * 60}f", f"{'d/' * 60}{'n' * 200}"), ["/".join("d" * 60)]),
    ],
)
def test_folders_without_an_entry_of_their_own(names: tuple[str, ...], implied: list[str]) -> None:
    _, shape = walked(tree(*names))
    assert shape.frozen().implied.decode().split("\0")[:-1] == implied


def test_folders_without_an_entry_are_bounded() -> None:
    body = tree(*(f"{number}/f" for number in range(100)))
    _, shape = walked(body, limits=ReadLimits(layer_shape_bytes=520))
    frozen = shape.frozen()
    assert frozen.implied == b"".join(b"%d\0" % number for number in range(10))
    assert [unread.reason for unread in frozen.unread] == [
        "90 folders have no entry of their own: what is replaced in them is not known"
    ]


def test_markers_are_found_in_files_that_are_not_held() -> None:
    body = random.Random(1).randbytes(50_000) + b"MARK" + b"z" * 3000
    for piece in (777, 4096, 60_000):
        found, _ = walked(archive([("big", body), ("next", b"n")]), piece=piece, max_bytes=1000)
        assert not found["big"].whole
        assert found["big"].excerpts[b"MARK"] == body[50_000 - 256 : 50_000 - 256 + 1000]
        assert found["next"].data == b"n"


def test_gnu_sparse_file_of_100_gigabytes_is_stepped_over() -> None:
    header = tarfile.TarInfo("big")
    raw = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    raw[156:157] = b"S"
    raw[386:410] = b"00000000000\x0000000000000\x00"
    raw[483:495] = b"\x80" + (100 << 30).to_bytes(11, "big")
    raw[148:156] = b" " * 8
    raw[148:156] = f"{sum(raw):06o}\0 ".encode()
    found, shape = walked(bytes(raw) + archive([("after", b"1")]))
    assert list(found) == ["big", "after"]
    assert "sparse file" in found["big"].problem
    assert not found["big"].whole
    assert shape.entries == 2


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        (slice(124, 136), b"\xff" * 12, "impossible size"),
        (slice(124, 136), b"7" * 11 + b"\0", "middle of a file"),
        (slice(148, 156), b"1234567\0", "no tar header"),
    ],
)
def test_impossible_headers_end_the_walk_there(field: slice, value: bytes, reason: str) -> None:
    raw = bytearray(archive([("first", b"1"), ("second", b"2")]))
    second = bytes(raw).index(b"second")
    raw[second + field.start : second + field.stop] = value
    if field.start != 148:
        raw[second + 148 : second + 156] = b" " * 8
        checksum = sum(raw[second : second + 512])
        raw[second + 148 : second + 156] = f"{checksum:06o}\0 ".encode()
    shape = Shape(LIMITS)
    bodies = walk(iter([bytes(raw)]), lambda *_: Selected("", 1000), shape, Budget(10_000_000), LIMITS)
    assert next(bodies).path == "first"
    with pytest.raises(Cut, match=reason):
        next(bodies)


def test_huge_extension_headers_are_stepped_over() -> None:
    limits = ReadLimits(header_bytes=2000)
    found, shape = walked(archive([("x" * 5000, b"1"), ("after", b"2")], tarfile.GNU_FORMAT), limits=limits)
    assert "after" in found
    assert shape.unread[0].reason == "a tar header of 5001 bytes"


@pytest.mark.parametrize("data", [b"", b"not a tar at all" * 100, b"PK\3\4" + b"\0" * 2000])
def test_what_is_no_tar(data: bytes) -> None:
    with pytest.raises(Cut, match="not a tar archive"):
        walked(data)


def test_an_empty_layer_is_no_error() -> None:
    assert walked(b"\0" * 1024)[1].entries == 0


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=3000), st.integers(0, 5000))
def test_any_damage_ends_or_is_survived(noise: bytes, at: int) -> None:
    data = bytearray(archive([(f"file-{n}", b"x" * 300) for n in range(6)]))
    data[at : at + len(noise)] = noise
    with contextlib.suppress(Cut):
        walked(bytes(data), piece=700)


@pytest.mark.parametrize(
    "record", [b"0 path=x\n", b"-5 path=x\n", b"3 path=x\n", b"99999 path=x\n", b"9 path\n", b"\xff"]
)
def test_a_pax_record_that_lies_about_its_length_ends(record: bytes) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = b"x", len(record)
    data = header.tobuf(tarfile.USTAR_FORMAT) + record.ljust(512, b"\0") + archive([("after", b"1")])
    found, shape = walked(data)
    assert list(found) == ["after"]
    assert [unread.reason for unread in shape.unread] == ["a broken pax header"]


def test_links_and_whiteouts_are_bounded() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in range(100):
            info = tarfile.TarInfo(f"link-{number}")
            info.type, info.linkname = tarfile.SYMTYPE, "target"
            tar.addfile(info)
    with pytest.raises(Cut, match="links and whiteouts"):
        walked(out.getvalue(), limits=ReadLimits(layer_shape_bytes=5000))


@pytest.mark.parametrize("size", [1, 511, 512, 513, 70_000])
def test_an_archive_that_ends_with_the_last_files_own_bytes_is_whole(size: int, tmp_path: Path) -> None:
    whole = archive([("first", b"1"), ("last", b"x" * size)])
    end = whole.index(b"x" * size) + size
    for wants, names in (("", ["first", "last"]), ("none", [])):
        found, shape = walked(whole[:end], wants=wants)
        assert shape.entries == 2
        assert list(found) == names
    with pytest.raises(Cut, match="middle of a file"):
        walked(whole[: end - 1])
    for name, cut in (("whole.tar", 0), ("cut.tar", 1)):
        (tmp_path / name).write_bytes(whole[: end - cut])
    in_file: dict[str, tuple[int, int]] = {}
    with (tmp_path / "whole.tar").open("rb") as file:
        index(file, in_file, Shape(LIMITS), LIMITS)
    assert list(in_file) == ["first", "last"]
    with (tmp_path / "cut.tar").open("rb") as file, pytest.raises(Cut, match="middle of a file"):
        index(file, {}, Shape(LIMITS), LIMITS)


def test_an_archive_that_is_cut_says_so(tmp_path: Path) -> None:
    whole = archive([("first", b"1"), ("second", bytes(5000))])
    (tmp_path / "cut.tar").write_bytes(whole[:3000])
    found: dict[str, tuple[int, int]] = {}
    with (tmp_path / "cut.tar").open("rb") as file, pytest.raises(Cut, match="middle of a file"):
        index(file, found, Shape(LIMITS), LIMITS)
    assert list(found) == ["first", "second"]
