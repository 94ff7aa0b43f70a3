"""Which layer brought a package, whose it is, and how often it counts: small images whose truth is known."""

import gzip
import io
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

from hullmark.model.report import Component, Report
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run

from .program import AS_OF, dpkg_status, write_layout

SITE = "usr/lib/python3/dist-packages"
STATUS = "var/lib/dpkg/status"


class Link(NamedTuple):
    target: str
    hard: bool = False


Tree = dict[str, bytes | Link | None]
"""Paths with their content; None is a folder."""


def layer(tree: Tree) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in tree.items():
            info = tarfile.TarInfo(name)
            body = content if isinstance(content, bytes) else b""
            if isinstance(content, Link):
                info.type = tarfile.LNKTYPE if content.hard else tarfile.SYMTYPE
                info.linkname = content.target
            elif content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return gzip.compress(out.getvalue(), 1, mtime=0)


def scan(folder: Path, *trees: Tree, name: str = "image", base: tuple[str, ...] = ()) -> Report:
    write_layout(folder / name, [layer(tree) for tree in trees])
    return run(
        ScanRequest(
            reference=f"oci:{folder / name}",
            as_of=AS_OF,
            cache=folder / "cache",
            base=base,
            offline=True,
            threads=1,
        )
    )


def where(report: Report) -> dict[str, list[tuple[int, str]]]:
    """Give each package's layers and paths."""
    assert not report.errors, report.errors
    return {
        f"{package.name} {package.version}": [(place.layer, place.path) for place in package.locations]
        for package in report.packages
    }


def layers(report: Report) -> dict[str, list[int]]:
    return {name: [layer for layer, _ in places] for name, places in where(report).items()}


def package(report: Report, name: str) -> Component:
    (found,) = [package for package in report.packages if package.name == name]
    return found


def dist(name: str, version: str, folder: str = SITE) -> Tree:
    """Make an installed Python distribution."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    return {f"{folder}/{name}-{version}.dist-info/METADATA": metadata}


def test_an_upgraded_package_belongs_to_the_layer_that_upgraded_it(tmp_path: Path) -> None:
    before = dpkg_status(("libc6", "2.36-9"), ("openssl", "3.0.11-1"), ("zlib1g", "1:1.2.13"))
    after = dpkg_status(
        ("curl", "7.88.1-10"), ("libc6", "2.36-9"), ("openssl", "3.0.15-1"), ("zlib1g", "1:1.2.13")
    )
    report = scan(tmp_path, {STATUS: before}, {"etc/motd": b"hello"}, {STATUS: after})
    assert layers(report) == {
        "curl 7.88.1-10": [2],
        "libc6 2.36-9": [0],
        "openssl 3.0.15-1": [2],
        "zlib1g 1:1.2.13": [0],
    }
    assert package(report, "openssl").locations[0].created_by == "STEP 2"


def test_a_package_that_went_and_came_back_belongs_to_the_layer_it_came_back_with(tmp_path: Path) -> None:
    base = ("base-files", "12")
    report = scan(
        tmp_path,
        {STATUS: dpkg_status(base, ("curl", "7"))},
        {STATUS: dpkg_status(base)},
        {STATUS: dpkg_status(base, ("curl", "7"))},
    )
    assert layers(report) == {"base-files 12": [0], "curl 7": [2]}


def test_a_database_that_a_layer_replaces_whole_goes_on(tmp_path: Path) -> None:
    """`rpm --rebuilddb` puts a new folder in the old one's place: each layer has one snapshot, as the design says."""
    before = dpkg_status(("base-files", "12"))
    after = dpkg_status(("base-files", "12"), ("curl", "7"))
    report = scan(tmp_path, {STATUS: before}, {"var/lib/dpkg/.wh..wh..opq": b"", STATUS: after})
    assert layers(report) == {"base-files 12": [0], "curl 7": [1]}


def test_a_database_that_was_away_in_between_starts_anew(tmp_path: Path) -> None:
    status = dpkg_status(("base-files", "12"))
    report = scan(tmp_path, {STATUS: status}, {"var/lib/.wh.dpkg": b""}, {STATUS: status})
    assert layers(report) == {"base-files 12": [2]}


@pytest.mark.parametrize("hidden", ["lib/.wh.apk", "lib/apk/db/.wh.installed", "lib/apk/.wh..wh..opq"])
def test_a_database_that_a_layer_moves_goes_on(tmp_path: Path, hidden: str) -> None:
    """As Alpine's did when /lib/apk became /usr/lib/apk."""
    before = b"P:musl\nV:1.2.5-r0\n\n"
    report = scan(
        tmp_path,
        {"lib/apk/db/installed": before},
        {hidden: b"", "usr/lib/apk/db/installed": before + b"P:curl\nV:8.0-r0\n\n"},
    )
    assert where(report) == {
        "curl 8.0-r0": [(1, "usr/lib/apk/db/installed")],
        "musl 1.2.5-r0": [(0, "usr/lib/apk/db/installed")],
    }


def test_whiteouts_and_opaque_folders_take_packages_away(tmp_path: Path) -> None:
    node = {
        f"opt/app/node_modules/{name}/package.json": f'{{"name":"{name}","version":"1.0.0"}}'.encode()
        for name in "abc"
    }
    report = scan(
        tmp_path,
        {**dist("idna", "2.8"), **dist("six", "1.16.0"), **node},
        {f"{SITE}/.wh.six-1.16.0.dist-info": b"", "opt/app/node_modules/.wh.a": b""},
        {
            "opt/app/node_modules": None,
            "opt/app/node_modules/.wh..wh..opq": b"",
            "opt/app/node_modules/c/package.json": node["opt/app/node_modules/c/package.json"],
        },
    )
    assert layers(report) == {"c 1.0.0": [2], "idna 2.8": [0]}


def test_a_package_reinstalled_in_place_belongs_to_the_upper_layer(tmp_path: Path) -> None:
    report = scan(tmp_path, dist("idna", "2.8"), dist("idna", "2.8"))
    assert layers(report) == {"idna 2.8": [1]}


def test_an_egg_info_that_became_a_folder_counts_once(tmp_path: Path) -> None:
    old = b"Metadata-Version: 1.0\nName: idna\nVersion: 2.7\n"
    new = b"Metadata-Version: 1.0\nName: idna\nVersion: 2.8\n"
    egg = f"{SITE}/idna.egg-info"
    report = scan(tmp_path, {egg: old}, {egg: None, f"{egg}/PKG-INFO": new})
    assert where(report) == {"idna 2.8": [(1, f"{egg}/PKG-INFO")]}


def test_folder_links_lead_to_one_place(tmp_path: Path) -> None:
    """`lib` is a link to `usr/lib`: a list that names `/lib` owns what stands in `usr/lib`, and a layer may write through it."""
    listed = b"/.\n/lib/python3/dist-packages/idna-2.8.dist-info/METADATA\n"
    report = scan(
        tmp_path,
        {
            "lib": Link("usr/lib"),
            "usr": None,
            STATUS: dpkg_status(("python3-idna", "2.8-1")),
            "var/lib/dpkg/info/python3-idna.list": listed,
            **dist("idna", "2.8"),
        },
        dist("six", "1.16.0", "lib/python3/dist-packages"),
        dist("six", "1.16.0"),
    )
    assert layers(report) == {"python3-idna 2.8-1": [0], "six 1.16.0": [2]}
    assert package(report, "python3-idna").provides == ("pkg:pypi/idna@2.8",)


def test_what_a_debian_package_owns_counts_once_and_the_rest_for_itself(tmp_path: Path) -> None:
    owned = f"/.\n/{SITE}\n/{SITE}/idna-2.8.dist-info\n/{SITE}/idna-2.8.dist-info/METADATA\n".encode()
    report = scan(
        tmp_path,
        {
            STATUS: dpkg_status(("python3-idna", "2.8-1")),
            "var/lib/dpkg/info/python3-idna.list": owned,
            **dist("idna", "2.8"),
            **dist("idna", "2.8", "usr/local/lib/python3/site-packages"),
        },
    )
    assert layers(report) == {"python3-idna 2.8-1": [0], "idna 2.8": [0]}
    assert package(report, "python3-idna").provides == ("pkg:pypi/idna@2.8",)
    assert "usr/local" in package(report, "idna").locations[0].path


def test_files_of_a_package_that_is_no_longer_installed_are_nobodys(tmp_path: Path) -> None:
    owned = f"/{SITE}/idna-2.8.dist-info/METADATA\n".encode()
    report = scan(
        tmp_path,
        {
            STATUS: dpkg_status(("python3-idna", "2.8-1")),
            "var/lib/dpkg/info/python3-idna.list": owned,
            **dist("idna", "2.8"),
        },
        {STATUS: dpkg_status(("base-files", "12"))},
    )
    assert layers(report) == {"base-files 12": [1], "idna 2.8": [0]}


def test_a_hard_linked_status_file_is_read(tmp_path: Path) -> None:
    status = dpkg_status(("base-files", "12"))
    report = scan(
        tmp_path, {"var/lib/dpkg/status-old": status, STATUS: Link("var/lib/dpkg/status-old", hard=True)}
    )
    assert where(report) == {"base-files 12": [(0, STATUS)]}


def test_one_package_in_two_places_is_one_with_two_locations(tmp_path: Path) -> None:
    report = scan(
        tmp_path,
        dist("Flask", "2.0.3"),
        {
            **dist("Flask", "2.0.3", "opt/venv/lib/python3.11/site-packages"),
            "srv/requirements.txt": b"flask==2.0.3\n",
        },
    )
    assert layers(report) == {"Flask 2.0.3": [0, 1, 1]}
    assert package(report, "Flask").origin == "installed"
    two = scan(
        tmp_path, dist("idna", "2.7", "a/site-packages"), dist("idna", "2.8", "b/site-packages"), name="two"
    )
    assert layers(two) == {"idna 2.7": [0], "idna 2.8": [1]}


def test_a_binary_stands_in_its_package_where_no_file_has_an_owner(tmp_path: Path) -> None:
    """Distroless images of before 2023: the library of the system's folder is the package's, one elsewhere is not."""

    def library(version: str) -> bytes:
        return b"\x7fELF" + bytes(300) + f"\0OpenSSL {version} 30 Jan 2024\0".encode() + bytes(300)

    control = b"Package: libssl3\nSource: openssl\nVersion: 3.0.13-1~deb12u1\nArchitecture: amd64\n"
    report = scan(
        tmp_path,
        {
            "var/lib/dpkg/status.d/libssl3": control,
            "usr/lib/x86_64-linux-gnu/libcrypto.so.3": library("3.0.13"),
            "usr/local/lib/libcrypto.so.3": library("3.0.13"),
            "opt/lib/libcrypto.so.3": library("3.1.4"),
        },
    )
    assert where(report) == {
        "libssl3 3.0.13-1~deb12u1": [(0, "var/lib/dpkg/status.d/libssl3")],
        "openssl 3.0.13": [(0, "usr/local/lib/libcrypto.so.3")],
        "openssl 3.1.4": [(0, "opt/lib/libcrypto.so.3")],
    }
    assert package(report, "libssl3").provides == ("pkg:generic/openssl@3.0.13",)


BASE: tuple[Tree, ...] = ({STATUS: dpkg_status(("base-files", "12"))}, dist("idna", "2.8"))
OWN: Tree = dist("six", "1.16.0")


def from_base(report: Report) -> dict[str, bool | None]:
    return {package.name: package.from_base for package in report.packages}


@pytest.mark.parametrize("known", ["memory", "option"])
def test_the_base_image_is_known_by_memory_and_by_option(tmp_path: Path, known: str) -> None:
    if known == "memory":
        scan(tmp_path, *BASE, name="base")
        report = scan(tmp_path, *BASE, OWN)
    else:
        write_layout(tmp_path / "base", [layer(tree) for tree in BASE])
        report = scan(tmp_path, *BASE, OWN, base=(f"oci:{tmp_path / 'base'}",))
    assert report.image is not None
    assert (report.image.base.evidence, report.image.base.layers) == (known, 2)
    assert from_base(report) == {"base-files": True, "idna": True, "six": False}
    assert [described.from_base for described in report.layers] == [True, True, False]


def test_without_evidence_nothing_is_attributed_to_a_base(tmp_path: Path) -> None:
    report = scan(tmp_path, *BASE, OWN)
    assert report.image is not None
    assert report.image.base.evidence == "none"
    assert from_base(report) == {"base-files": None, "idna": None, "six": None}


def test_a_base_whose_layers_are_no_prefix_is_not_one(tmp_path: Path) -> None:
    write_layout(tmp_path / "other", [layer(OWN)])
    report = scan(tmp_path, *BASE, OWN, base=(f"oci:{tmp_path / 'other'}",))
    assert report.image is not None
    assert report.image.base.layers == 0
    assert set(from_base(report).values()) == {None}
