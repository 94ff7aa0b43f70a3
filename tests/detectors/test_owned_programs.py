"""Which of its paths a package database keeps for those who ask whose a program is."""

import gzip
from pathlib import Path

import pytest

from hullmark.detectors._formats import programs
from hullmark.detectors.detector import File, read_file
from hullmark.detectors.packages import alpm, apk, dpkg, rpm
from hullmark.model.facts import FileFacts, OwnedPaths

RPMDB = Path(__file__).parents[1] / "data" / "rpmdb"


def owned(facts: FileFacts) -> dict[str, tuple[str, ...]]:
    return {fact.package: fact.paths for fact in facts.facts if isinstance(fact, OwnedPaths)}


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/docker",
        "bin/busybox",
        "usr/games/cowsay",
        "usr/bin/python3.11",
        "usr/bin/x86_64-linux-gnu-ld.bfd",
        "usr/share/grafana/bin/grafana",
        "usr/lib/go-1.19/pkg/tool/linux_amd64/compile",
        "usr/libexec/docker/cli-plugins/docker-buildx",
        "usr/lib/git-core/git",
        "opt/cni/bin/bandwidth",
        "opt/vault/vault-1.2.3",
    ],
)
def test_programs(path: str) -> None:
    assert programs.among([path]) == [path]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "usr",
        "usr/share/doc/docker.io/README",
        "usr/lib/python3/dist-packages/yaml/LICENSE",
        "usr/lib/python3/dist-packages/yaml/loader.py",
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        "usr/lib/x86_64-linux-gnu/libz.so",
        "usr/share/zoneinfo/Europe/Berlin",
        "usr/include/c++/12/vector",
        "etc/init.d/docker",
        "usr/lib/node_modules/npm/bin/npm.js",
    ],
)
def test_data(path: str) -> None:
    assert programs.among([path]) == []


def test_a_folder_is_told_by_what_follows() -> None:
    assert programs.among(["usr/bin", "usr/bin/a", "usr/lib/b", "usr/lib/b/c", "usr/lib/bc"]) == [
        "usr/bin/a",
        "usr/lib/b/c",
        "usr/lib/bc",
    ]


def test_a_list_of_odd_paths_ends_soon() -> None:
    assert programs.among(["/" * 1_000_000 + "x", "bin/" * 250_000, "a" * 1_000_000, ".a" * 500_000]) == [
        "/" * 1_000_000 + "x"
    ]


def test_dpkg() -> None:
    body = b"/.\n/usr\n/usr/bin\n/usr/bin/docker\n/usr/share\n/usr/share/man/man1/docker.1.gz\n"
    found = read_file(dpkg.DETECTOR, File("var/lib/dpkg/info/docker.io.list", body))
    assert owned(found) == {"docker.io": ("usr/bin/docker",)}


def test_apk_says_permissions() -> None:
    body = (
        b"P:x\nV:1-r0\nF:usr/bin\nR:tool\na:0:0:755\nZ:Q1\nR:link\na:0:0:777\nR:setuid\na:0:0:4511\n"
        b"F:usr/share\nM:0:0:755\nR:data\nZ:Q1\nR:secret\na:0:0:600\n"
    )
    found = read_file(apk.DETECTOR, File("lib/apk/db/installed", body))
    assert owned(found) == {"x": ("usr/bin/tool", "usr/bin/setuid")}


def test_a_path_that_is_wanted_and_runs_counts_once() -> None:
    body = b"P:x\nV:1-r0\nF:bin\nR:busybox\na:0:0:755\n"
    found = read_file(apk.DETECTOR, File("lib/apk/db/installed", body, wanted=lambda _path: True))
    assert owned(found) == {"x": ("bin/busybox",)}


def test_pacman_s_libraries_run() -> None:
    body = b"%FILES%\nusr/\nusr/bin/\nusr/bin/rg\nusr/lib/\nusr/lib/librsvg-2.so.2.48.0\nusr/lib/x/data.txt\n"
    found = read_file(alpm.DETECTOR, File("var/lib/pacman/local/ripgrep-13.0-1/files", body))
    assert owned(found) == {"ripgrep": ("usr/bin/rg", "usr/lib/librsvg-2.so.2.48.0")}


def test_rpm_says_permissions() -> None:
    body = gzip.decompress((RPMDB / "sle15-bci-ndb-Packages.db.gz").read_bytes())
    found = owned(read_file(rpm.DETECTOR, File("usr/lib/sysimage/rpm/Packages.db", body)))
    assert "bin/bash" in found["bash"] or "usr/bin/bash" in found["bash"]
    paths = {path for package in found.values() for path in package}
    assert not any(path.startswith(("usr/share/doc/", "usr/share/locale/")) for path in paths)
    assert len(paths) < 300
