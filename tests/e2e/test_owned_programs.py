"""A program that an OS package brought counts as that package, where it is the distribution's: a real Debian package."""

import gzip
import io
import lzma
import tarfile
from pathlib import Path

import pytest

from hullmark.model.report import Component, Report
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run

from .program import AS_OF, write_layout

PACKAGE = Path(__file__).parents[1] / "data" / "debs" / "golang-petname_2.11_amd64.deb"
PROGRAM = "usr/bin/golang-petname"
OS_RELEASE = b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
BASE = b"""Package: base-files
Status: install ok installed
Maintainer: Santiago Vila <sanvila@debian.org>
Architecture: amd64
Version: 12.4+deb12u5

"""


def members(package: bytes) -> dict[str, bytes]:
    """Take the members out of an ar archive, as a .deb is one."""
    found, at = {}, 8
    while at + 60 <= len(package):
        name, size = package[at : at + 16].decode().strip(), int(package[at + 48 : at + 58])
        found[name] = package[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    return found


def unpacked(packed: bytes) -> dict[str, bytes | None]:
    """Give the files of a tar in xz by path, as dpkg lists them; None is a folder."""
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(packed))) as tar:
        return {
            info.name.removeprefix("./"): file.read() if (file := tar.extractfile(info)) else None
            for info in tar
        }


def scan(folder: Path, maintainer: str = "", *, program: str = PROGRAM, modes: int = 0o755) -> Report:
    """Install the package the way dpkg leaves it, and scan the image."""
    parts = members(PACKAGE.read_bytes())
    control = unpacked(parts["control.tar.xz"])["control"]
    assert control is not None
    if maintainer:
        line = next(line for line in control.split(b"\n") if line.startswith(b"Maintainer:"))
        control = control.replace(line, f"Maintainer: {maintainer}".encode())
    status = control.replace(b"\n", b"\nStatus: install ok installed\n", 1) + b"\n"
    content = unpacked(parts["data.tar.xz"])
    listed = "".join(f"/{path}\n" for path in content if path not in {"", "."})
    files: dict[str, bytes] = {
        "usr/lib/os-release": OS_RELEASE,
        "var/lib/dpkg/status": BASE + status,
        "var/lib/dpkg/info/base-files.list": b"/.\n/usr\n/usr/lib\n/usr/lib/os-release\n",
        "var/lib/dpkg/info/golang-petname.list": f"/.\n{listed}".encode(),
    }
    files |= {path: body for path, body in content.items() if body is not None}
    files[program] = files.pop(PROGRAM)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, body in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(body)
            info.mode = modes if path == program else 0o644
            tar.addfile(info, io.BytesIO(body))
    write_layout(folder / "image", [gzip.compress(out.getvalue(), 1, mtime=0)])
    return run(
        ScanRequest(
            reference=f"oci:{folder / 'image'}",
            as_of=AS_OF,
            cache=folder / "cache",
            offline=True,
            threads=1,
        )
    )


def named(report: Report) -> dict[str, Component]:
    assert not report.errors, report.errors
    return {package.name: package for package in report.packages}


def test_a_go_program_of_debian_is_its_package(tmp_path: Path) -> None:
    found = named(scan(tmp_path))
    assert set(found) == {"base-files", "golang-petname"}
    assert found["golang-petname"].provides == ("pkg:golang/stdlib@1.19.8",)


@pytest.mark.parametrize(
    "maintainer", ["Docker <support@docker.com>", "Kubernetes Authors <dev@kubernetes.io>", "Somebody"]
)
def test_a_go_program_of_another_publisher_stays_itself(tmp_path: Path, maintainer: str) -> None:
    found = named(scan(tmp_path, maintainer))
    assert set(found) == {"base-files", "golang-petname", "stdlib"}
    assert found["stdlib"].version == "1.19.8"
    assert found["golang-petname"].provides == ()


def test_a_copy_elsewhere_is_nobody_s(tmp_path: Path) -> None:
    assert "stdlib" in named(scan(tmp_path, program="usr/local/bin/golang-petname"))
