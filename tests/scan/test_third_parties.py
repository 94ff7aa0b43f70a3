"""Packages that the distribution did not make: they do not look checked, and what is in them is not hidden behind them."""

from collections.abc import Sequence
from pathlib import Path

from e2e.program import layer, write_layout
from hullmark.advisories.build import build
from hullmark.advisories.feed import Record
from hullmark.model.advisory import Affected, Range
from hullmark.model.report import Report
from hullmark.scan.request import ScanRequest
from hullmark.scan.run import run
from toys.feed import advisory, affected, feed

AS_OF = "2026-01-31T12:00:00Z"
RHEL = b'ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"\n'
DEBIAN = b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
TEAM = "Debian Javascript Maintainers <pkg-javascript-devel@alioth-lists.debian.net>"


def rpms(*rows: tuple[str, str, str]) -> dict[str, bytes]:
    lines = [
        f"{name}\t{version}\t0\t0\t{vendor}\t(none)\t1\tx86_64\t0\t{name}-{version}.src.rpm\n"
        for name, version, vendor in rows
    ]
    return {"etc/os-release": RHEL, "var/lib/rpmmanifest/container-manifest-2": "".join(lines).encode()}


def debs(*rows: tuple[str, str, str]) -> dict[str, bytes]:
    records = [
        f"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\nMaintainer: {who}\n\n"
        for name, version, who in rows
    ]
    return {"etc/os-release": DEBIAN, "var/lib/dpkg/status": "".join(records).encode()}


def scan(folder: Path, files: dict[str, bytes], **records: Sequence[Record]) -> Report:
    for name, found in records.items():
        (folder / "mirror").mkdir(exist_ok=True)
        made = build(folder / "mirror", folder / "db", [feed(*found, name=name)], built=AS_OF)
        assert not made.failed
    write_layout(folder / "image", [layer(files)])
    return run(ScanRequest(reference=str(folder / "image"), as_of=AS_OF, database=folder / "db"))


def flaw(name: str, ecosystem: str, package: str, release: str) -> Record:
    statement = Affected(ecosystem=ecosystem, name=package, release=release, ranges=(Range(fixed="999"),))
    return advisory(name, statement)


def states(report: Report) -> dict[str, str | None]:
    return {component.name: component.coverage for component in report.packages}


def found(report: Report) -> set[tuple[str, str]]:
    return {(finding.name, finding.id) for finding in report.findings}


IMAGE = rpms(
    ("glibc", "2.34-100.el9", "Red Hat, Inc."),
    ("openssl-libs", "3.0.7-27.el9", "Red Hat, Inc."),
    ("nginx", "1.26.1-1.el9.ngx", "nginx Inc."),
    ("nss_wrapper", "1.1.15-1.el9", "Fedora Project"),
    ("local", "1-1", "(none)"),
)
OF_RHEL = [
    flaw("CVE-2025-0001", "rpm", name, "rhel-9") for name in ("openssl-libs", "nginx", "nss_wrapper", "local")
]


def test_no_advisory_of_the_distributions_is_asked_of_a_third_partys_rpm(tmp_path: Path) -> None:
    report = scan(tmp_path, IMAGE, redhat=OF_RHEL)
    assert states(report) == {
        "glibc": "matched",
        "openssl-libs": "matched",
        "nginx": "no_feed",
        "nss_wrapper": "feed_missing",
        "local": "matched",
    }
    assert found(report) == {("openssl-libs", "CVE-2025-0001"), ("local", "CVE-2025-0001")}
    assert report.coverage.not_checked == 2
    (entry,) = report.coverage.ecosystems
    assert entry.missing == ("epel-9",)
    assert report.image is not None
    assert report.image.derived_from == ""


def test_epel_is_asked_of_epels_rpm(tmp_path: Path) -> None:
    of_epel = [flaw("CVE-2025-0002", "rpm", name, "epel-9") for name in ("openssl-libs", "nss_wrapper")]
    report = scan(tmp_path, IMAGE, redhat=OF_RHEL, fedora=of_epel)
    assert states(report)["nss_wrapper"] == "matched"
    assert ("nss_wrapper", "CVE-2025-0002") in found(report)
    assert ("openssl-libs", "CVE-2025-0002") not in found(report)
    (epel,) = [component for component in report.packages if component.name == "nss_wrapper"]
    assert epel.feeds == ("fedora",)


def test_what_came_with_a_third_partys_deb_is_matched_itself(tmp_path: Path) -> None:
    files = {
        **debs(
            ("libc6", "2.36-9", "GNU Libc Maintainers <debian-glibc@lists.debian.org>"),
            ("nodejs", "20.20.2-1nodesource1", "NodeSource Support <support@nodesource.com>"),
            ("node-semver", "7.3.5-1", TEAM),
        ),
        "var/lib/dpkg/info/nodejs.list": b"/usr/lib/node_modules/npm/package.json\n",
        "var/lib/dpkg/info/node-semver.list": b"/usr/share/nodejs/semver/package.json\n",
        "usr/lib/node_modules/npm/package.json": b'{"name": "npm", "version": "10.0.0"}',
        "usr/share/nodejs/semver/package.json": b'{"name": "semver", "version": "7.3.5"}',
    }
    debian = [flaw("CVE-2025-0001", "deb", "nodejs", "debian-12")]
    npm = [
        advisory("CVE-2025-0003", affected(name, Range(fixed="999"), ecosystem="npm"))
        for name in ("npm", "semver")
    ]
    report = scan(tmp_path, files, debian=debian, osv=npm)
    assert states(report) == {
        "libc6": "matched",
        "nodejs": "no_feed",
        "node-semver": "matched",
        "npm": "matched",
    }
    assert found(report) == {("npm", "CVE-2025-0003")}
    provided = {component.name: component.provides for component in report.packages}
    assert provided["node-semver"] == ("pkg:npm/semver@7.3.5",)
    assert provided["nodejs"] == ()
