"""Images in archives, from a file read in place and from a stream read once."""

import bz2
import gzip
import io
import json
import lzma
import sys
import tarfile
from pathlib import Path

import pytest

from hullmark.images.open import open_image
from hullmark.images.source import Blob, SourceOptions
from hullmark.model.errors import ImageError, UsageError
from hullmark.model.image import Platform
from images.fakes import made_image, tar_of

LAYERS = [tar_of({"etc/os-release": b"ID=alpine\n" * 5000}), tar_of({"app": b"1"})]
MADE = made_image(*LAYERS)
AMD = Platform("linux", "amd64")


def layout_tar(folder: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.add(MADE.layout(folder), arcname=".")
    return out.getvalue()


def read(reference: str) -> tuple[str, str, list[bytes]]:
    """Give digest, source and layers, taken while they stream where there is only that chance."""
    early: dict[int, bytes] = {}

    def take(blob: Blob) -> None:
        early[id(blob)] = b"".join(blob.open())

    opened = open_image(reference, SourceOptions(platform=AMD, early=take))
    assert opened.image.unread == ()
    layers = [early[id(each)] if each.once else b"".join(each.open()) for each in opened.layers]
    return opened.image.digest, opened.image.source, layers


@pytest.mark.parametrize("way", ["plain", "gzip", "stdin"])
def test_both_forms_in_every_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    packed = [MADE.blobs[digest] for digest in MADE.layers]
    forms = [
        (MADE.saved("app:1"), (MADE.config_digest, "docker-archive", LAYERS)),
        (layout_tar(tmp_path / "layout"), (MADE.digest, "oci-archive", packed)),
    ]
    for body, expected in forms:
        path = tmp_path / "image.tar"
        path.write_bytes(gzip.compress(body, mtime=0) if way == "gzip" else body)
        with path.open("rb") as stream:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
            assert read("-" if way == "stdin" else str(path)) == expected


def test_one_of_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = made_image(tar_of({"b": b"2"}))
    files: dict[str, bytes] = {}
    listed = []
    for name, made in (("app:1", MADE), ("host.de:5000/other:2", other)):
        config = f"{made.config_digest[7:]}.json"
        layers = {f"{digest[7:]}/layer.tar": made.blobs[digest] for digest in made.layers}
        files |= {config: made.blobs[made.config_digest], **layers}
        listed.append({"Config": config, "RepoTags": [name], "Layers": list(layers)})
    path = tmp_path / "image.tar"
    path.write_bytes(tar_of({**files, "manifest.json": json.dumps(listed).encode()}))
    with pytest.raises(UsageError, match=r"several images: app:1, host\.de:5000/other:2"):
        open_image(str(path), SourceOptions())
    for name in ("host.de:5000/other:2", "app:1"):
        digest = MADE.config_digest if name == "app:1" else other.config_digest
        assert open_image(f"docker-archive:{path}:{name}", SourceOptions()).image.digest == digest
        for reference in (f"-:{name}", f"docker-archive:-:{name}"):
            with path.open("rb") as stream:
                monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
                assert open_image(reference, SourceOptions()).image.digest == digest
    with path.open("rb") as stream:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
        with pytest.raises(UsageError, match="several images") as raised:
            open_image("-", SourceOptions())
    assert raised.value.hint == "name one: -:NAME"
    with pytest.raises(ImageError, match="it holds no image 'none'"):
        open_image(f"{path}:none", SourceOptions())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not an image archive|cannot be read"),
        (b"nonsense" * 1000, "the archive cannot be read: not a tar archive"),
        (gzip.compress(b"nonsense" * 1000, mtime=0), "the archive cannot be read: not a tar archive"),
        (gzip.compress(MADE.saved("app:1"), mtime=0)[:300], "the archive cannot be read"),
        (lzma.compress(tar_of({"a": b""})), "is compressed with xz; gzip and zstd are read"),
        (bz2.compress(tar_of({"a": b""})), "is compressed with bzip2; gzip and zstd are read"),
        (tar_of({"a": b""}), "not an image archive"),
        (tar_of({"manifest.json": b"{"}), r"its manifest\.json cannot be read"),
    ],
)
def test_what_is_no_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes, words: str) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(body)
    with pytest.raises(ImageError, match=words):
        open_image(f"archive:{path}", SourceOptions())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))
    with pytest.raises(ImageError, match=words if body else "standard input is empty"):
        open_image("-", SourceOptions())


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read: No such file or directory"):
        open_image(f"archive:{tmp_path}/none.tar", SourceOptions())
