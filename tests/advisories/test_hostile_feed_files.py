"""What a mirror's files can be that no publisher means: bombs, names that lead away, links, damage of every kind."""

import bz2
import functools
import gzip
import io
import lzma
import os
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from hullmark.advisories import feed as contract
from hullmark.advisories.feed import Document, documents
from hullmark.advisories.feeds import kev, oracle, osv
from hullmark.model.errors import FeedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ALL = "osv/PyPI/all.zip"
RECORD = (
    b'{"id":"PYSEC-1","affected":[{"package":{"ecosystem":"PyPI","name":"x"},'
    b'"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1"}]}]}]}'
)


def put(mirror: Path, name: str, body: bytes) -> Path:
    path = mirror / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def ids(mirror: Path) -> list[str]:
    return [getattr(record, "id", "") for record in osv.FEED.parse(documents(mirror, osv.FEED.files))]


def test_names_that_lead_away_are_names_only(tmp_path: Path) -> None:
    put(tmp_path, ALL, zipped({"../../../etc/x.json": RECORD, "/etc/y.json": RECORD, "a\x1b[31m.json": b"{"}))
    found = list(osv.FEED.parse(documents(tmp_path, osv.FEED.files)))
    assert [type(record).__name__ for record in found] == ["Advisory", "Advisory", "Unread"]
    assert getattr(found[2], "path", "").isprintable()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["PyPI", "all.zip", "osv"]


def patched(body: bytes, change: Callable[[bytearray, int], None]) -> bytes:
    """Change each entry of a zip's directory."""
    out = bytearray(body)
    at = out.find(b"PK\x01\x02")
    while at >= 0:
        change(out, at)
        at = out.find(b"PK\x01\x02", at + 4)
    return bytes(out)


def encrypted(out: bytearray, at: int) -> None:
    out[at + 8] |= 1


def unknown_method(out: bytearray, at: int) -> None:
    struct.pack_into("<H", out, at + 10, 77)


def endless(out: bytearray, at: int) -> None:
    struct.pack_into("<I", out, at + 24, 0xFFFFFFF0)


def bad_crc(out: bytearray, at: int) -> None:
    out[at + 16] ^= 1


def bad_name(out: bytearray, at: int) -> None:
    struct.pack_into("<H", out, at + 8, 0x800)
    out[at + 46] = 0xFF


@pytest.mark.parametrize("change", [encrypted, unknown_method, endless, bad_crc])
def test_a_zip_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, change: Callable[[bytearray, int], None]
) -> None:
    put(tmp_path, ALL, patched(zipped({"a.json": RECORD}), change))
    with pytest.raises(FeedError, match=r"all\.zip"):
        ids(tmp_path)


def test_a_member_whose_name_is_no_text_is_read(tmp_path: Path) -> None:
    put(tmp_path, ALL, patched(zipped({"a.json": RECORD}), bad_name))
    assert ids(tmp_path) == ["PYSEC-1"]


def test_a_zip_is_read_wherever_its_members_stand(tmp_path: Path) -> None:
    body = zipped({f"{n}.json": RECORD.replace(b"PYSEC-1", b"PYSEC-%d" % n) for n in range(9)})
    at, end = body.find(b"PK\x01\x02"), body.rfind(b"PK\x05\x06")
    entries = [b"PK\x01\x02" + each for each in body[at:end].split(b"PK\x01\x02")[1:]]
    order = [4, 8, 0, 2, 1, 7, 3, 6, 5]
    put(tmp_path, ALL, body[:at] + b"".join(entries[n] for n in order) + body[end:])
    assert ids(tmp_path) == [f"PYSEC-{n}" for n in order]
    tail = bytearray(body[end:])
    struct.pack_into("<HHI", tail, 8, 10, 10, end - at + len(entries[2]))
    put(tmp_path, ALL, body[:at] + b"".join(entries[n] for n in [*order, 2]) + bytes(tail))
    with pytest.raises(FeedError, match="overlaps"):
        ids(tmp_path)


def test_a_zip_whose_members_stand_on_the_same_bytes_is_refused(tmp_path: Path) -> None:
    body = zipped({"a.json": bytes(40_000_000)})
    at, end = body.find(b"PK\x01\x02"), body.rfind(b"PK\x05\x06")
    entry, count = body[at:end], 100
    tail = bytearray(body[end:])
    struct.pack_into("<HHI", tail, 8, count, count, len(entry) * count)
    put(tmp_path, ALL, body[:at] + entry * count + bytes(tail))
    with pytest.raises(FeedError, match="absurdly much"):
        ids(tmp_path)


@pytest.mark.parametrize(
    "pack",
    [
        functools.partial(gzip.compress, compresslevel=1),
        functools.partial(bz2.compress, compresslevel=1),
        functools.partial(lzma.compress, preset=0),
        zstd.compress,
    ],
    ids=["gz", "bz2", "xz", "zst"],
)
def test_a_bomb_ends_at_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(contract, "MAX_WHOLE_BYTES", 1_000_000)
    put(tmp_path, "kev/known.json.gz", pack(b" " * 3_000_000))
    with pytest.raises(FeedError, match=r"kev/known\.json.*larger than"):
        list(kev.FEED.parse(documents(tmp_path, kev.FEED.files)))


def test_a_stream_ends_at_the_bound(tmp_path: Path) -> None:
    path = put(tmp_path, "oracle/x.xml.gz", gzip.compress(b"<a>" + b" " * 3_000_000))
    with (
        contract._opened(path, "oracle/x.xml", 1_000_000) as stream,
        pytest.raises(FeedError, match=r"oracle/x\.xml.*larger than 1000000"),
    ):
        stream.read()


def tarred(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def special(kind: bytes, name: str, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_links_and_devices_in_a_tar_are_nothing(tmp_path: Path) -> None:
    secret = put(tmp_path, "secret.json", RECORD)
    put(
        tmp_path,
        "x/a.tar.gz",
        tarred(
            special(tarfile.SYMTYPE, "a.json", str(secret)),
            special(tarfile.LNKTYPE, "b.json", "../../secret.json"),
            special(tarfile.CHRTYPE, "c.json"),
            special(tarfile.FIFOTYPE, "d.json"),
            ("../e\udcff.json", b"{}"),
        ),
    )
    (found,) = documents(tmp_path, ("x/*.tar.gz",))
    assert found.path.encode() == b"x/a.tar.gz/../e?.json"
    assert found.read() == b"{}"


def test_a_tar_that_is_cut_is_refused(tmp_path: Path) -> None:
    body = tarred(("a.json", os.urandom(5000)), ("b.json", os.urandom(5000)))
    for cut in (0, 1, 30, len(body) // 2, len(body) - 3):
        put(tmp_path, "x/a.tar.gz", body[:cut])
        with pytest.raises(FeedError, match=r"x/a\.tar\.gz"):
            [document.read() for document in documents(tmp_path, ("x/*.tar.gz",))]


def test_what_raises_while_it_is_unpacked_is_a_feeds_error() -> None:
    class Torn(io.RawIOBase):
        def __init__(self, problem: Exception) -> None:
            self.problem = problem

        def read(self, _size: int = -1) -> bytes:
            raise self.problem

    for problem in (zlib.error("x"), lzma.LZMAError("x"), EOFError("x"), zstd.ZstdError("x"), OSError("x")):
        document = Document("kev/x.json", functools.partial(Torn, problem))  # type: ignore[arg-type]
        with pytest.raises(FeedError, match=r"kev/x\.json"):
            document.read()
        stream = Document("oracle/x.xml", functools.partial(Torn, problem))  # type: ignore[arg-type]
        (record,) = oracle.FEED.parse(iter([stream]))
        assert "not an OVAL document" in getattr(record, "reason", "")
