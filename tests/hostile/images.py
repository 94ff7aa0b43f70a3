"""Builders for hostile images: tar entries and streams made by hand, OCI layouts and `docker save` archives that lie.

Every image holds one sound layer (three dpkg packages) and one hostile thing. What is huge when it is read is small
on the disk and made in no time: members of a gzip file and blocks of a zstd frame may repeat.
"""

import gzip
import hashlib
import io
import json
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isal import igzip

BLOCK = 512
KIB, MIB, GIB = 1024, 1024**2, 1024**3
PACKAGES = (("base-files", "12.4+deb12u5"), ("libc6", "2.36-9+deb12u7"), ("zlib1g", "1:1.2.13.dfsg-1"))
STATUS = "var/lib/dpkg/status"
GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ZSTD_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar"
FOREIGN_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
OS_RELEASE = b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'


def digest_of(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


# ---- tar ----


def header(
    name: bytes | str,
    size: int = 0,
    kind: bytes = b"0",
    *,
    link: bytes | str = b"",
    mode: int = 0o644,
    size_field: bytes = b"",
    magic: bytes = b"ustar\x0000",
    patch: dict[int, bytes] | None = None,
) -> bytes:
    """Make one header block; `size_field` and `patch` (offset → bytes) put in what no writer would."""
    raw_name = name.encode() if isinstance(name, str) else name
    raw_link = link.encode() if isinstance(link, str) else link
    block = bytearray(BLOCK)
    block[0:100] = raw_name[:100].ljust(100, b"\0")
    block[100:108] = b"%07o\0" % mode
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = size_field or (
        b"%011o\0" % size if size < 8 * GIB else b"\x80" + size.to_bytes(11, "big")
    )
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[157:257] = raw_link[:100].ljust(100, b"\0")
    block[257:265] = magic
    for at, part in (patch or {}).items():
        block[at : at + len(part)] = part
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(body: bytes) -> bytes:
    return body + bytes(-len(body) % BLOCK)


def entry(name: bytes | str, body: bytes = b"", *, mode: int = 0o644) -> bytes:
    return header(name, len(body), mode=mode) + padded(body)


def folder(name: str) -> bytes:
    return header(name.rstrip("/") + "/", kind=b"5", mode=0o755)


def symlink(name: str, target: str) -> bytes:
    return header(name, kind=b"2", link=target, mode=0o777)


def hard_link(name: str, target: str) -> bytes:
    return header(name, kind=b"1", link=target)


def record(key: bytes | str, value: bytes | str) -> bytes:
    """Make one record of a pax header; its length counts itself."""
    key = key.encode() if isinstance(key, str) else key
    value = value.encode() if isinstance(value, str) else value
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def pax(*records: bytes) -> bytes:
    body = b"".join(records)
    return header("PaxHeaders/x", len(body), b"x") + padded(body)


def long_name(name: bytes) -> bytes:
    return header("././@LongLink", len(name) + 1, b"L", magic=b"ustar  \0") + padded(name + b"\0")


END = bytes(2 * BLOCK)


def tar(*parts: bytes) -> bytes:
    return b"".join(parts) + END


def status(packages: Iterable[tuple[str, str]] = PACKAGES) -> bytes:
    return "\n".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
        for name, version in packages
    ).encode()


def sound_tar(*more: bytes) -> bytes:
    """Make the layer whose three packages must be found whatever else an image holds."""
    return tar(entry("etc/os-release", OS_RELEASE), entry(STATUS, status()), *more)


# ---- compression ----


def gz(body: bytes) -> bytes:
    return igzip.compress(body, 1) if len(body) > MIB else gzip.compress(body, 6, mtime=0)


def gz_zeros(count: int) -> bytes:
    """Make gzip members that give `count` zero bytes: a thousandth of that, and made once for each 64 MiB."""
    piece = 64 * MIB
    whole, rest = divmod(count, piece)
    packed = gzip.compress(bytes(piece), 9, mtime=0) if whole else b""
    return packed * whole + gzip.compress(bytes(rest), 9, mtime=0)


def zstd_frame(raw: bytes, zeros: int = 0, *, window_log: int = 20) -> bytes:
    """Make a zstd frame by hand: stored blocks, then run-length blocks of 128 KiB of zeros in four bytes each."""
    piece = 128 * KIB
    blocks = [
        (len(part) << 3).to_bytes(3, "little") + part
        for part in (raw[at : at + piece] for at in range(0, len(raw), piece))
    ]
    run = ((piece << 3) | 2).to_bytes(3, "little") + b"\0"
    last = b"\x01\0\0"
    head = b"\x28\xb5\x2f\xfd\0" + bytes(((window_log - 10) << 3,))
    return head + b"".join(blocks) + run * (zeros // piece) + last


# ---- zip ----


def zip_bytes(entries: Iterable[tuple[str, bytes]]) -> bytes:
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries:
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def local_header(name: bytes, packed: int, size: int, crc: int, method: int = 8) -> bytes:
    return (
        struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, method, 0, 0, crc, packed, size, len(name), 0) + name
    )


def central_header(name: bytes, packed: int, size: int, crc: int, offset: int, method: int = 8) -> bytes:
    return (
        struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\1\2",
            20,
            20,
            0,
            method,
            0,
            0,
            crc,
            packed,
            size,
            len(name),
            0,
            0,
            0,
            0,
            0,
            offset,
        )
        + name
    )


def end_record(count: int, size: int, offset: int) -> bytes:
    return struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count & 0xFFFF, count & 0xFFFF, size, offset, 0)


def deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


# ---- images ----


@dataclass
class Layer:
    """A layer as it is stored, with what its manifest says of it where that is not the truth."""

    body: bytes
    media_type: str = GZIP_LAYER
    digest: str = ""
    size: int | None = None
    diff_id: str = ""
    urls: tuple[str, ...] = ()
    stored: bool = True

    @property
    def claimed(self) -> str:
        return self.digest or digest_of(self.body)


def sound(*more: bytes) -> Layer:
    body = sound_tar(*more)
    return Layer(gz(body), diff_id=digest_of(body))


def hostile(body: bytes, *, media_type: str = GZIP_LAYER) -> Layer:
    """Make a layer of a tar stream that was made for harm."""
    return Layer(gz(body), media_type, diff_id=digest_of(body))


def config_of(layers: Iterable[Layer]) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/bin"]},
        "rootfs": {
            "type": "layers",
            "diff_ids": [layer.diff_id or digest_of(layer.body) for layer in layers],
        },
        "history": [{"created_by": "sound"}],
    }


@dataclass
class Layout:
    """An OCI layout in a folder. Parts are put in one by one, so that any of them may be a lie."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "blobs/sha256").mkdir(parents=True)
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def path(self, digest: str) -> Path:
        return self.folder / "blobs" / digest.replace(":", "/", 1)

    def put(self, body: bytes, digest: str = "") -> str:
        digest = digest or digest_of(body)
        self.path(digest).write_bytes(body)
        return digest

    def put_json(self, document: Any) -> dict[str, Any]:
        body = json.dumps(document).encode()
        return {"digest": self.put(body), "size": len(body)}

    def manifest(self, layers: Iterable[Layer], **changes: Any) -> dict[str, Any]:
        """Put in layers and configuration, give the manifest document; `changes` replace its fields."""
        layers = list(layers)
        for layer in layers:
            if layer.stored:
                self.put(layer.body, layer.claimed)
        described = [
            {
                "mediaType": layer.media_type,
                "digest": layer.claimed,
                "size": len(layer.body) if layer.size is None else layer.size,
                **({"urls": list(layer.urls)} if layer.urls else {}),
            }
            for layer in layers
        ]
        document: dict[str, Any] = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": described}
        document["config"] = changes.pop("config", None) or {
            "mediaType": CONFIG,
            **self.put_json(config_of(layers)),
        }
        return document | changes

    def index(self, *entries: dict[str, Any]) -> None:
        body = {"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)}
        (self.folder / "index.json").write_text(json.dumps(body))

    def finish(self, manifest: dict[str, Any]) -> str:
        """Put in the manifest and an index that names it; give the reference."""
        self.index({"mediaType": MANIFEST, **self.put_json(manifest)})
        return f"oci:{self.folder}"


def layout(scratch: Path, *layers: Layer, name: str = "image", **changes: Any) -> str:
    made = Layout(scratch / name)
    return made.finish(made.manifest(layers, **changes))


def saved(
    scratch: Path,
    *layers: Layer,
    names: Iterable[str] = (),
    config: bytes | None = None,
    config_name: str = "",
    manifest: Any = None,
    more: bytes = b"",
    name: str = "image.tar",
) -> str:
    """Make a `docker save` archive of the old form; `names` are the layers' paths where they are odd."""
    body = json.dumps(config_of(layers)).encode() if config is None else config
    config_name = config_name or hashlib.sha256(body).hexdigest() + ".json"
    paths = list(names) or [f"{number:064x}/layer.tar" for number in range(1, len(layers) + 1)]
    listed = manifest or [{"Config": config_name, "RepoTags": ["hostile:1"], "Layers": paths}]
    parts = [entry(path, layer.body) for path, layer in zip(paths, layers, strict=False) if layer.stored]
    parts += [entry(config_name, body)] if body else []
    (scratch / name).write_bytes(tar(*parts, more, entry("manifest.json", json.dumps(listed).encode())))
    return f"docker-archive:{scratch / name}"


# ---- cases ----


@dataclass(frozen=True)
class Told:
    """What a report must say of the hostile thing. `reason` and `path` are parts of the texts."""

    kind: str
    reason: str
    path: str = ""


@dataclass(frozen=True)
class Case:
    """One hostile image and the truth about it.

    Either `failure` is in the one line that a scan ends with, or the report has the three packages (and no other
    but those whose name starts as one of `also`) and `told`. `least` is the number of packages that it has at least.
    `before` makes a sound image that is scanned with the same cache first, `after` one that is scanned later.
    """

    name: str
    build: Callable[[Path], str]
    told: tuple[Told, ...] = ()
    failure: str = ""
    packages: tuple[tuple[str, str], ...] = PACKAGES
    also: tuple[str, ...] = ()
    least: int = 3
    before: Callable[[Path], str] | None = None
    after: Callable[[Path], str] | None = None
    cache_mib: int = 8
    flags: tuple[str, ...] = field(default=())


CASES: list[Case] = []


def case(*told: Told, **details: Any) -> Callable[[Callable[[Path], str]], Callable[[Path], str]]:
    """Register a builder under its own name."""

    def register(build: Callable[[Path], str]) -> Callable[[Path], str]:
        CASES.append(Case(build.__name__, build, told, **details))
        return build

    return register
