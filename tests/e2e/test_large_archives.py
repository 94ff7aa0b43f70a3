"""Jars above what is held at once, in a layer, in a folder, and beside a layer that ends in the middle of one."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from hullmark.model.report import Report
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run

from .program import AS_OF, write_layout

SIZE = 130 * 1024 * 1024


def library(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            f"META-INF/maven/com.example/{name}/pom.properties",
            f"groupId=com.example\nartifactId={name}\nversion=1.0\n",
        )
    return out.getvalue()


@pytest.fixture(scope="module")
def fat() -> bytes:
    """Make a jar of 130 MiB that compresses well, with a library before and one behind its bulk."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("BOOT-INF/lib/first-1.0.jar", library("first"))
        archive.writestr("bulk", bytes(SIZE))
        archive.writestr("BOOT-INF/lib/last-1.0.jar", library("last"))
    return out.getvalue()


def scan(reference: str, folder: Path) -> Report:
    return run(ScanRequest(reference=reference, as_of=AS_OF, cache=folder / "cache", offline=True, threads=1))


def layer(files: dict[str, bytes], mode: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(body), mode
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_in_a_layer(tmp_path: Path, fat: bytes, mode: int) -> None:
    files = {"app/fat.jar": fat, "app/small-1.0.jar": library("small")}
    write_layout(tmp_path / "image", [gzip.compress(layer(files, mode), 1, mtime=0)])
    report = scan(f"oci:{tmp_path / 'image'}", tmp_path)
    assert report.errors == ()
    assert [package.name for package in report.packages] == [
        "com.example:first",
        "com.example:last",
        "com.example:small",
    ]


def test_in_a_folder(tmp_path: Path, fat: bytes) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "fat.jar").write_bytes(fat)
    report = scan(f"dir:{tmp_path / 'root'}", tmp_path)
    assert report.errors == ()
    assert [package.name for package in report.packages] == ["com.example:first", "com.example:last"]


def test_a_layer_that_ends_in_it(tmp_path: Path, fat: bytes) -> None:
    cut = gzip.compress(
        layer({"app/small-1.0.jar": library("small"), "app/fat.jar": fat}, 0o644)[: SIZE // 2], 1
    )
    write_layout(tmp_path / "image", [cut])
    report = scan(f"oci:{tmp_path / 'image'}", tmp_path)
    assert [error.kind for error in report.errors] == ["layer"]
    assert [package.name for package in report.packages] == ["com.example:small"]


def test_a_program_that_ends_like_an_archive(tmp_path: Path) -> None:
    files = {"app/program.jar": b"\x7fELF" + bytes(SIZE), "app/small-1.0.jar": library("small")}
    write_layout(tmp_path / "image", [gzip.compress(layer(files, 0o755), 1)])
    report = scan(f"oci:{tmp_path / 'image'}", tmp_path)
    assert [(error.path, error.kind) for error in report.errors] == [("app/program.jar", "file")]
    assert [package.name for package in report.packages] == ["com.example:small"]
