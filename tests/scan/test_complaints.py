"""What users of other scanners complain of: an image and the publisher's own documents in, a finding or none out.

docs/accuracy.md lists the complaints with these tests and others.
"""

import io
import json
import runpy
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conftest import GOLDEN
from e2e.program import dpkg_status, layer, write_layout
from hullmark.advisories.build import build
from hullmark.advisories.registry import feeds
from hullmark.model.report import Finding, Report
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run

AS_OF = "2026-11-01T00:00:00Z"
Files = dict[str, bytes]


def scan(folder: Path, published: Mapping[str, bytes], *layers: Files) -> Report:
    """Build a database of what publishers publish (below a mirror), and scan an image of these layers."""
    for name, body in published.items():
        path = folder / "mirror" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    wanted = [feed for feed in feeds() if any(any((folder / "mirror").glob(each)) for each in feed.files)]
    assert not build(folder / "mirror", folder / "db", wanted, built=AS_OF).failed
    write_layout(folder / "image", [layer(files, 0o755) for files in layers])
    return run(ScanRequest(reference=str(folder / "image"), as_of=AS_OF, database=folder / "db"))


def found(report: Report) -> dict[tuple[str, str], str]:
    """Give the findings: (package, flaw) and the version with the fix, or what state it is in where there is none."""
    return {(each.name, each.id): each.fixed_version or each.state for each in report.findings}


def one(report: Report) -> Finding:
    (finding,) = report.findings
    return finding


def osv(ecosystem: str, *records: Mapping[str, Any]) -> Files:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps({"modified": AS_OF, **record}))
    return {f"osv/{ecosystem}/all.zip": packed.getvalue()}


def entry(ecosystem: str, name: str, fixed: str, introduced: str = "0") -> dict[str, Any]:
    events = [{"introduced": introduced}, {"fixed": fixed}]
    return {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }


def tracker(**flaws: dict[str, str]) -> Files:
    """Debian's tracker: package -> {flaw: fixed version in bookworm, or nothing}. Names have `_` for `-`."""
    said = {
        package.replace("_", "-"): {
            flaw: {
                "releases": {
                    "bookworm": {"status": "resolved", "fixed_version": fixed}
                    if fixed
                    else {"status": "open"}
                }
            }
            for flaw, fixed in each.items()
        }
        for package, each in flaws.items()
    }
    return {"debian/tracker.json": json.dumps(said).encode()}


DEBIAN = {"etc/os-release": b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'}
ALMA = {"etc/os-release": b'ID="almalinux"\nVERSION_ID="8.9"\nID_LIKE="rhel centos fedora"\n'}


def debs(*packages: tuple[str, str, str]) -> Files:
    records = (
        f"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\nSource: {source}\n"
        "Maintainer: Debian <x@lists.debian.org>\n\n"
        for name, version, source in packages
    )
    return DEBIAN | {"var/lib/dpkg/status": "".join(records).encode()}


def rpms(*packages: tuple[str, str, int, str]) -> Files:
    """Write the list that a distroless rpm image has: (name, version, epoch, source package)."""
    lines = (
        f"{name}\t{version}\t0\t0\tAlmaLinux\t(none)\t1\tx86_64\t{epoch}\t{source}\n"
        for name, version, epoch, source in packages
    )
    return ALMA | {"var/lib/rpmmanifest/container-manifest-2": "".join(lines).encode()}


def erratum(name: str, flaws: list[str], *builds: tuple[str, str]) -> Files:
    affected = [entry("AlmaLinux:8", package, fixed) for package, fixed in builds]
    return osv("AlmaLinux", {"id": name, "summary": "update", "related": flaws, "affected": affected})


# ── distributions fix flaws in versions that look old


@pytest.mark.parametrize(
    ("installed", "state"),
    [
        ("1:9.2p1-2+deb12u2", "1:9.2p1-2+deb12u3"),
        ("1:9.2p1-2+deb12u3", ""),
        ("1:9.2p1-2+deb12u10", ""),  # as numbers, not as letters
        ("1:9.2p1-2", "1:9.2p1-2+deb12u3"),
        ("1:9.2p1-2+deb12u3~bpo1", "1:9.2p1-2+deb12u3"),
        ("9.8p1-1", "1:9.2p1-2+deb12u3"),  # without the epoch it is older, whatever the rest
    ],
)
def test_a_backport_of_debians_is_a_fix(tmp_path: Path, installed: str, state: str) -> None:
    """Upstream fixed it in 9.8: whoever compares with that finds it in every Debian."""
    said = tracker(openssh={"CVE-2024-6387": "1:9.2p1-2+deb12u3"})
    report = scan(tmp_path, said, debs(("openssh-server", installed, "openssh")))
    assert found(report) == ({("openssh-server", "CVE-2024-6387"): state} if state else {})


@pytest.mark.parametrize(
    ("installed", "epoch", "affected"),
    [
        ("1.1.1k-9.el8_7", 1, True),
        ("1.1.1k-12.el8_9", 1, False),
        ("1.1.1k-12.el8_10", 1, False),
        ("1.1.1k-12.el8", 1, True),
        ("3.0.0-1.el8", 0, True),  # the epoch counts first
        ("1.1.1k-12.el8_9.alma.1", 1, False),
    ],
)
def test_epochs_and_suffixes_of_enterprise_linuxes(
    tmp_path: Path, installed: str, epoch: int, *, affected: bool
) -> None:
    said = erratum("ALSA-2023:7877", ["CVE-2023-3446"], ("openssl-libs", "1:1.1.1k-12.el8_9"))
    source = f"openssl-{installed}.src.rpm"  # which never has an epoch
    report = scan(tmp_path, said, rpms(("openssl-libs", installed, epoch, source)))
    fixed = {("openssl-libs", "CVE-2023-3446"): "1:1.1.1k-12.el8_9"}
    assert found(report) == (fixed if affected else {})


# ── Go


def go_program(release: str, version: str, *flags: str) -> bytes:
    made = runpy.run_path(str(GOLDEN / "detectors/go_binary/build-fixtures.py"), run_name="fixtures")
    modules = f"path\texample.com/server\nmod\texample.com/server\t{version}\t\nbuild\t-compiler=gc\n"
    modules += "".join(f"build\t-ldflags={each}\n" for each in flags)
    program: bytes = made["elf"](made["inline"](release, made["listed"](modules)))
    return program


GO = osv(
    "Go",
    {"id": "GO-2024-2887", "aliases": ["CVE-2024-24790"], "affected": [entry("Go", "stdlib", "1.21.11")]},
    {
        "id": "GO-2026-0001",
        "aliases": ["CVE-2026-0001"],
        "affected": [entry("Go", "example.com/server", "1.4.0")],
    },
)
STDLIB = ("stdlib", "CVE-2024-24790")
SERVER = ("example.com/server", "CVE-2026-0001")


@pytest.mark.parametrize(
    ("release", "version", "expected"),
    [
        ("go1.21.10", "v1.4.0", {STDLIB: "1.21.11"}),
        ("go1.21.11", "v1.4.0", {}),
        ("go1.21.11 X:boringcrypto", "v1.4.0", {}),
        ("go1.21.11", "v1.3.9", {SERVER: "1.4.0"}),
        # built from a commit: what stands before the time is the tag before it, or the one to come
        ("go1.21.11", "v1.3.10-0.20240101000000-0123456789ab", {SERVER: "1.4.0"}),
        ("go1.21.11", "v1.4.1-0.20240101000000-0123456789ab", {}),
        ("go1.21.11", "v1.4.0+dirty", {}),
    ],
)
def test_gos_standard_library_and_the_programs_own_module(
    tmp_path: Path, release: str, version: str, expected: dict[tuple[str, str], str]
) -> None:
    report = scan(tmp_path, GO, {"usr/bin/server": go_program(release, version)})
    assert found(report) == expected


@pytest.mark.parametrize("version", ["(devel)", "v0.0.0-20240101000000-0123456789ab"])
def test_a_main_module_whose_version_says_nothing_is_neither_clean_nor_surely_affected(
    tmp_path: Path, version: str
) -> None:
    report = scan(tmp_path, GO, {"usr/bin/server": go_program("go1.21.11", version)})
    assert (one(report).id, one(report).name) == ("CVE-2026-0001", "example.com/server")
    assert one(report).state == "undecided"


def test_a_version_that_the_linker_was_told_is_the_programs(tmp_path: Path) -> None:
    """A release that is built from a shallow clone, which Go sees no tag in."""
    flags = "-X example.com/server/version.Version=1.4.2"
    program = go_program("go1.21.11", "v0.0.0-20240101000000-0123456789ab", flags)
    report = scan(tmp_path, GO, {"usr/bin/server": program})
    assert report.findings == ()
    assert [each.version for each in report.packages if each.name == "example.com/server"] == ["v1.4.2"]


# ── jars in jars


def test_what_is_shaded_into_a_jar_is_found_with_the_jar(tmp_path: Path) -> None:
    jars = GOLDEN / "detectors/java_archive/shaded"
    name = "com.fasterxml.jackson.core:jackson-databind"
    said = osv(
        "Maven",
        {
            "id": "GHSA-aaaa-bbbb-cccc",
            "aliases": ["CVE-2019-12384"],
            "affected": [entry("Maven", name, "2.9.9.1")],
        },
    )
    report = scan(tmp_path, said, {"app/client-5.0.0.jar": (jars / "app/client-5.0.0.jar").read_bytes()})
    assert found(report) == {(name, "CVE-2019-12384"): "2.9.9.1"}
    (component,) = [each for each in report.packages if each.name == name]
    assert component.via == ("com.example:client@5.0.0",)
    assert one(report).locations[0].path == "app/client-5.0.0.jar"


# ── language packages that the OS brought


REQUESTS = "usr/lib/python3/dist-packages/requests-2.28.1.egg-info"
PYPI = osv(
    "PyPI",
    {"id": "PYSEC-2023-74", "aliases": ["CVE-2023-32681"], "affected": [entry("PyPI", "requests", "2.31.0")]},
)
EGG = b"Metadata-Version: 2.1\nName: requests\nVersion: 2.28.1\n"


@pytest.mark.parametrize(
    ("installed", "fixed"), [("2.28.1+dfsg-1", "2.28.1+dfsg-1+deb12u1"), ("2.28.1+dfsg-1+deb12u1", "")]
)
def test_a_library_of_the_distributions_is_the_distributions(
    tmp_path: Path, installed: str, fixed: str
) -> None:
    files = debs(("python3-requests", installed, "requests")) | {
        f"{REQUESTS}/PKG-INFO": EGG,
        "var/lib/dpkg/info/python3-requests.list": f"/.\n/{REQUESTS}\n/{REQUESTS}/PKG-INFO\n".encode(),
    }
    said = PYPI | tracker(requests={"CVE-2023-32681": "2.28.1+dfsg-1+deb12u1"})
    report = scan(tmp_path, said, files)
    assert found(report) == ({("python3-requests", "CVE-2023-32681"): fixed} if fixed else {})


def test_a_library_beside_the_distributions_is_its_own(tmp_path: Path) -> None:
    """`pip install` over a Debian package: what nobody's list of files names is matched for itself."""
    own = "usr/local/lib/python3.11/site-packages/requests-2.28.1.dist-info/METADATA"
    files = debs(("python3-requests", "2.28.1+dfsg-1+deb12u1", "requests")) | {own: EGG}
    said = PYPI | tracker(requests={"CVE-2023-32681": "2.28.1+dfsg-1+deb12u1"})
    assert found(scan(tmp_path, said, files)) == {("requests", "CVE-2023-32681"): "2.31.0"}


# ── names of source and binary packages


def test_a_flaw_of_a_source_is_one_of_what_is_built_from_it(tmp_path: Path) -> None:
    said = tracker(openssl={"CVE-2024-5535": "3.0.14-1~deb12u1"}, libssl3={"CVE-2026-0001": "99"})
    report = scan(tmp_path, said, debs(("libssl3", "3.0.13-1~deb12u1", "openssl")))
    assert found(report) == {("libssl3", "CVE-2024-5535"): "3.0.14-1~deb12u1"}, "there is no source libssl3"


def test_a_version_of_a_source_is_compared_with_the_sources(tmp_path: Path) -> None:
    """`libgcc-s1 12.2.0-14` of `gcc-12 (12.2.0-13)`: a rebuild has a number of its own."""
    said = tracker(dbus={"CVE-2026-0001": "1.14.10-1"})
    rebuilt = debs(("libdbus-1-3", "1.14.10-1~deb12u1+b1", "dbus (1.14.8-1)"))
    assert found(scan(tmp_path, said, rebuilt)) == {("libdbus-1-3", "CVE-2026-0001"): "1.14.10-1"}


def test_a_flaw_of_one_binary_package_is_none_of_its_sisters(tmp_path: Path) -> None:
    said = erratum("ALSA-2024:1", ["CVE-2024-0001"], ("python3-perf", "4.18.0-513.el8_9"))
    packages = [
        (name, "4.18.0-477.el8_8", 0, "kernel-4.18.0-477.el8_8.src.rpm")
        for name in ("python3-perf", "bpftool")
    ]
    assert [each.name for each in scan(tmp_path, said, rpms(*packages)).findings] == ["python3-perf"]


def test_headers_of_a_kernel_are_no_kernel(tmp_path: Path) -> None:
    said = tracker(linux={"CVE-2024-0001": "6.1.99-1", "CVE-2024-0002": ""})
    packages = [
        (name, "6.1.55-1", "linux")
        for name in (
            "linux-libc-dev",
            "linux-headers-6.1.0-13-amd64",
            "linux-image-6.1.0-13-amd64",
            "bpftool",
        )
    ]
    report = scan(tmp_path, said, debs(*packages))
    assert {each.name for each in report.findings} == {"linux-image-6.1.0-13-amd64", "bpftool"}
    assert len(report.findings) == 4
    aside = {(each.finding.name, each.reason, each.gated) for each in report.suppressed}
    reason = "kernel headers, which hold no code of the kernel"
    assert aside == {(name, reason, False) for name in ("linux-libc-dev", "linux-headers-6.1.0-13-amd64")}


# ── what is not in the image any more


@pytest.mark.parametrize(
    "upper",
    [
        {"srv/node_modules/.wh.left": b""},
        {"srv/.wh.node_modules": b""},
        {"srv/node_modules/.wh..wh..opq": b""},
        {"srv/node_modules/left/package.json": b'{"name": "left", "version": "2.0.0"}'},
    ],
)
def test_what_a_later_layer_removed_or_replaced_is_no_finding(tmp_path: Path, upper: Files) -> None:
    said = osv("npm", {"id": "GHSA-aaaa-bbbb-cccc", "affected": [entry("npm", "left", "2.0.0")]})
    lower = {"srv/node_modules/left/package.json": b'{"name": "left", "version": "1.0.0"}'}
    assert len(scan(tmp_path / "one", said, lower).findings) == 1
    assert scan(tmp_path / "two", said, lower, upper).findings == ()


def test_an_os_package_that_a_later_layer_removed_is_no_finding(tmp_path: Path) -> None:
    said = tracker(curl={"CVE-2024-0001": "9"}, zlib={"CVE-2024-0002": "9"})
    both = DEBIAN | {"var/lib/dpkg/status": dpkg_status(("curl", "8-1"), ("zlib", "1-1"))}
    left = {"var/lib/dpkg/status": dpkg_status(("zlib", "1-1"))}
    assert found(scan(tmp_path, said, both, left)) == {("zlib", "CVE-2024-0002"): "9"}


# ── Bitnami, and trees that were copied into others


@pytest.mark.parametrize(("fixed", "affected"), [("7.0.9", True), ("7.0.8", False)])
def test_bitnamis_packages_are_asked_of_bitnami(tmp_path: Path, fixed: str, *, affected: bool) -> None:
    """Its 7.0.8-0 is upstream's 7.0.8, packaged for the first time; the Debian libraries in its SBOM are no second system's."""
    place = "opt/bitnami/redis/.spdx-redis.spdx"
    document = (GOLDEN / "detectors/sbom_document/bitnami" / place).read_bytes()
    said = osv(
        "Bitnami",
        {
            "id": "BIT-redis-2023-1",
            "aliases": ["CVE-2023-0001"],
            "affected": [entry("Bitnami", "redis", fixed)],
        },
    )
    expected = {("redis", "CVE-2023-0001"): fixed} if affected else {}
    assert found(scan(tmp_path, said, {place: document})) == expected


def test_what_is_vendored_is_found_where_it_runs_and_not_where_it_was_made_with(tmp_path: Path) -> None:
    vendored = b"Metadata-Version: 2.1\nName: urllib3\nVersion: 1.26.0\n"
    lock = {"lockfileVersion": 3, "packages": {"": {}, "node_modules/left": {"version": "1.0.0"}}}
    root = "usr/local/lib/python3.11/site-packages"
    files = {
        f"{root}/setuptools/_vendor/urllib3-1.26.0.dist-info/METADATA": vendored,
        f"{root}/tool/js/package-lock.json": json.dumps(lock).encode(),
        "usr/local/bundle/gems/typeprof-0.21.2/vscode/package-lock.json": json.dumps(lock).encode(),
    }
    said = osv("PyPI", {"id": "PYSEC-2023-1", "affected": [entry("PyPI", "urllib3", "1.26.18")]}) | osv(
        "npm", {"id": "GHSA-aaaa-bbbb-cccc", "affected": [entry("npm", "left", "2.0.0")]}
    )
    report = scan(tmp_path, said, files)
    assert found(report) == {("urllib3", "PYSEC-2023-1"): "1.26.18"}
    assert "_vendor" in one(report).locations[0].path


# ── names that others share


def test_a_library_is_not_a_program_of_its_name(tmp_path: Path) -> None:
    """npm's `rc` is not Plan 9's, PyPI's `docker` not Docker: what has a registry of its own is never guessed a CPE."""
    flaws = [
        {
            "cve": {
                "id": f"CVE-2024-000{number}",
                "published": AS_OF,
                "lastModified": AS_OF,
                "vulnStatus": "Analyzed",
                "descriptions": [{"lang": "en", "value": "a flaw"}],
                "configurations": [
                    {"nodes": [{"operator": "OR", "cpeMatch": [{"vulnerable": True, "criteria": f"cpe:2.3:a:{name}:*:*:*:*:*:*:*:*"}]}]}
                ],
            }
        }
        for number, name in enumerate(("plan9:rc", "docker:docker"))
    ]  # fmt: skip
    said = {"nvd/nvdcve-2.0-2024.json": json.dumps({"vulnerabilities": flaws, "totalResults": 2}).encode()}
    said |= osv("npm", {"id": "GHSA-aaaa-bbbb-cccc", "affected": [entry("npm", "other", "2")]})
    said |= osv("PyPI", {"id": "PYSEC-2023-1", "affected": [entry("PyPI", "other", "2")]})
    files = {
        "srv/node_modules/rc/package.json": b'{"name": "rc", "version": "1.2.8"}',
        "usr/local/lib/python3.11/site-packages/docker-7.0.0.dist-info/METADATA": b"Name: docker\nVersion: 7.0.0\n",
    }
    report = scan(tmp_path, said, files)
    assert {each.name: each.coverage for each in report.packages} == {"rc": "matched", "docker": "matched"}
    assert report.findings == ()


# ── what fixes many flaws at once


def test_a_bundle_is_a_finding_for_each_flaw_with_one_upgrade(tmp_path: Path) -> None:
    flaws = [f"CVE-2024-{number:04}" for number in range(1, 41)]
    said = erratum("ALSA-2024:2", flaws, ("curl", "7.61.1-34.el8_9"), ("libcurl", "7.61.1-34.el8_9"))
    packages = [(name, "7.61.1-30.el8_8", 0, "curl-7.61.1-30.el8_8.src.rpm") for name in ("curl", "libcurl")]
    report = scan(tmp_path, said, rpms(*packages))
    assert len(report.findings) == 80
    assert {each.id for each in report.findings} == set(flaws)
    assert {(*(bundle.id for bundle in each.bundles), each.fixed_version) for each in report.findings} == {
        ("ALSA-2024:2", "7.61.1-34.el8_9")
    }
    assert {each.kind for each in report.findings} == {"vulnerability"}
