"""Who made an OS package, by real vendor tags, versions and maintainers."""

import gzip
from collections import Counter
from pathlib import Path

import pytest

from hullmark.advisories.matcher import cover
from hullmark.advisories.origins import Makers
from hullmark.detectors.detector import File, read_file
from hullmark.detectors.packages.rpm import DETECTOR
from hullmark.model.facts import Distribution, Package

DATA = Path(__file__).parents[1] / "data" / "rpmdb"
RHEL = Distribution("rhel", "9.4", ("fedora",))
ROCKY = Distribution("rocky", "9.7", ("rhel", "centos", "fedora"))
FEDORA = Distribution("fedora", "35")
RED_HAT = "Red Hat, Inc."
OWN = {
    "amzn": "Amazon Linux",
    "centos": "CentOS",
    "fedora": "Fedora Project",
    "nobara": "Nobara Project",
    "ol": "Oracle America",
    "opensuse-leap": "SUSE LLC <https://www.suse.com/>",
    "rhel": RED_HAT,
    "rocky": "Rocky Enterprise Software Foundation",
    "sles": "SUSE LLC <https://www.suse.com/>",
}


def rpm(name: str, vendor: str, version: str = "1-1") -> Package:
    return Package("rpm", name, version, vendor=vendor)


def deb(version: str, maintainer: str) -> Package:
    return Package("deb", "x", version, vendor=maintainer)


@pytest.mark.parametrize(
    ("file", "name", "distribution", "count"),
    [
        ("cbl-mariner-2.0-40-rpmdb.sqlite.gz", "rpmdb.sqlite", Distribution("mariner", "2.0"), 40),
        ("sle15-bci-ndb-Packages.db.gz", "Packages.db", Distribution("sles", "15.4", ("suse",)), 35),
        ("libuuid-bdb-Packages.gz", "Packages", Distribution("rhel", "8.8", ("fedora",)), 1),
    ],
)
def test_real_databases_are_their_distributions_own(
    file: str, name: str, distribution: Distribution, count: int
) -> None:
    body = gzip.decompress((DATA / file).read_bytes())
    facts = read_file(DETECTOR, File(f"var/lib/rpm/{name}", body)).facts
    found = [fact for fact in facts if isinstance(fact, Package)]
    assert len(found) == count
    for known in (distribution, Distribution("never-seen", "1")):
        makers = Makers(known, found)
        assert Counter(makers.origin(package) for package in found) == {"": count}


@pytest.mark.parametrize(
    ("distribution", "vendor", "origin"),
    [
        (RHEL, RED_HAT, ""),
        (RHEL, "", ""),
        (RHEL, "Fedora Project", "epel"),
        (RHEL, "nginx Inc.", "other"),
        (RHEL, "Docker", "other"),
        (RHEL, "PGDG", "other"),
        (RHEL, "Oracle and/or its affiliates", "other"),
        (ROCKY, "Rocky Enterprise Software Foundation", ""),
        (ROCKY, "Fedora Project", "epel"),
        (ROCKY, RED_HAT, "other"),
        (Distribution("centos", "7", ("rhel", "fedora")), "CentOS", ""),
        (Distribution("centos", "9", ("rhel", "fedora")), RED_HAT, ""),
        (Distribution("ol", "9.7", ("fedora",)), "Oracle America", ""),
        (Distribution("ol", "9.7", ("fedora",)), "Oracle and/or its affiliates", "other"),
        (FEDORA, "Fedora Project", ""),
        (FEDORA, "MongoDB Inc.", "other"),
        (FEDORA, "RPM Fusion", "other"),
        (Distribution("nobara", "39", ("fedora",)), "Fedora Project", ""),
        (Distribution("opensuse-leap", "15.5", ("suse", "opensuse")), "SUSE LLC <https://www.suse.com/>", ""),
        (Distribution("opensuse-leap", "15.5", ("suse", "opensuse")), "openSUSE", ""),
        (Distribution("sles", "15.5", ("suse",)), "obs://build.opensuse.org/home:someone", "other"),
        (Distribution("amzn", "2", ("centos", "rhel", "fedora")), "Fedora Project", "epel"),
        (Distribution("amzn", "2023", ("fedora",)), "Fedora Project", "other"),
    ],
)
def test_an_rpm_by_its_vendor(distribution: Distribution, vendor: str, origin: str) -> None:
    own = OWN[distribution.id]
    package = rpm("x", vendor)
    assert Makers(distribution, [rpm("glibc", own), rpm("bash", own), package]).origin(package) == origin


def test_the_vendor_of_an_unknown_distribution_is_that_of_its_base() -> None:
    """More of its packages may be a third party's: an image for GPUs has a hundred of NVIDIA's."""
    distribution = Distribution("unheard-of", "1", ("rhel", "fedora"))
    base = [rpm("glibc", "Unheard"), rpm("bash", "Unheard")]
    added = [rpm(f"cuda-{number}", "NVIDIA Corporation") for number in range(9)]
    taken_over = rpm("x", RED_HAT)  # a rebuild need not build everything itself
    makers = Makers(distribution, [*base, *added, taken_over])
    assert {makers.origin(package) for package in [*base, taken_over]} == {""}
    assert {makers.origin(package) for package in added} == {"other"}


def test_without_base_packages_the_commonest_vendor_is_the_distributions() -> None:
    found = [rpm("a", "Unheard"), rpm("b", "Unheard"), rpm("docker-ce", "Docker")]
    for distribution in (Distribution("unheard-of", "1"), RHEL, None):
        makers = Makers(distribution, found)
        assert [makers.origin(package) for package in found] == ["", "", "other"]


@pytest.mark.parametrize(
    ("version", "origin"),
    [
        ("7-11", "epel"),
        ("1.1.5-1.el9", "epel"),
        ("1.1.5-1.el9_4.1", "epel"),
        ("3.2-1.module_el9+2+a", "epel"),
        ("1.1.5-1.el8", "other"),
        ("1.1.5-1.fc39", "other"),
    ],
)
def test_what_fedora_built_for_something_else_is_not_epels(version: str, origin: str) -> None:
    package = rpm("nss_wrapper", "Fedora Project", version)
    assert Makers(RHEL, [rpm("glibc", RED_HAT), package]).origin(package) == origin


@pytest.mark.parametrize(
    ("distribution", "parts", "coverage"),
    [
        (RHEL, ("epel-9",), "matched"),
        (Distribution("centos", "7", ("rhel", "fedora")), ("epel-7",), "matched"),
        (Distribution("amzn", "2", ("centos", "rhel", "fedora")), ("epel-7",), "matched"),
        (
            Distribution("almalinux", "10.1", ("rhel", "centos", "fedora")),
            ("epel-10.0", "epel-10.1"),
            "matched",
        ),
        (Distribution("centos", "10", ("rhel", "fedora")), (), "release_unknown"),
        (Distribution("rhel", ""), (), "release_unknown"),
    ],
)
def test_epel_speaks_for_its_own(distribution: Distribution, parts: tuple[str, ...], coverage: str) -> None:
    found = cover("rpm", Makers(distribution, []).speaker("epel"))
    assert (found.parts, found.coverage, found.derived_from) == (parts, coverage, "")
    assert Makers(distribution, []).speaker("") is distribution


@pytest.mark.parametrize(
    ("version", "maintainer"),
    [
        ("20.20.2-1nodesource1", "NodeSource Support <support@nodesource.com>"),
        ("20.20.2-1nodesource1", ""),
        ("16.4-1.pgdg120+1", "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>"),
        ("8.3.2-1+ubuntu22.04.1+deb.sury.org+1", "Debian PHP Maintainers <team+pkg-php@tracker.debian.org>"),
        ("8.2.20-1+0~20240606.46+debian12~1.gbp5d9b4b", "Debian PHP Maintainers <x@tracker.debian.org>"),
        ("1:10.11.6+maria~ubu2204", "MariaDB Developers <maria-developers@lists.launchpad.net>"),
        ("5:27.1.1-1~debian.12~bookworm", "Docker <support@docker.com>"),
        ("1.27.1-1~bookworm", "NGINX Packaging <nginx-packaging@f5.com>"),
        ("8.0.36-1debian12", "MySQL Release Engineering <mysql-build@oss.oracle.com>"),
        ("126.0.6478.126-1", "Chrome Linux Team <chromium-dev@chromium.org>"),
        ("528.0.0-0", "Google Cloud CLI Authors <https://code.google.com/p/google-cloud-sdk/>"),
        ("2.50.0", "GitHub"),
    ],
)
def test_a_third_partys_deb(version: str, maintainer: str) -> None:
    package = deb(version, maintainer)
    for distribution in (Distribution("debian", "12"), Distribution("ubuntu", "22.04", ("debian",)), None):
        assert Makers(distribution, []).origin(package) == "other"


@pytest.mark.parametrize(
    ("version", "maintainer"),
    [
        (
            "18.19.0+dfsg-6~deb12u2",
            "Debian Javascript Maintainers <pkg-javascript-devel@alioth-lists.debian.net>",
        ),
        ("1.22.1-9+deb12u2", "Debian Nginx Maintainers <pkg-nginx-maintainers@alioth-lists.debian.net>"),
        ("1.24.0-2ubuntu7.15", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>"),
        ("1:2.0~bpo12+1", "Debian Go Packaging Team <team+pkg-go@tracker.debian.org>"),
        ("0.7.0-2", "Brandon Weeks <bweeks@google.com>"),  # python3-aiohttp-cors
        ("3.0.0-1", "Alex Doyle <adoyle@nvidia.com>"),  # due
        ("1.46.6~rc1-1", "Theodore Y. Ts'o <tytso@mit.edu>"),
        ("1.0", ""),
    ],
)
def test_a_distributions_own_deb(version: str, maintainer: str) -> None:
    assert Makers(Distribution("debian", "12"), []).origin(deb(version, maintainer)) == ""


def test_other_systems_packages_are_their_own() -> None:
    makers = Makers(Distribution("alpine", "3.20"), [])
    assert makers.origin(Package("apk", "x", "1-r0", vendor="Someone <a@docker.com>")) == ""


def test_oracles_builds_of_which_its_feed_is_passed_over_are_nobodys() -> None:
    """Ksplice and FIPS builds have epochs above all ordinary ones, so that each would look fixed."""
    oracle = Makers(Distribution("ol", "8.9", ("fedora",)), [rpm("glibc", OWN["ol"])])
    for version in ("2:1.1.1g-14.ksplice1.el8_3", "10:1.1.1k-12.el8_9_fips", "10:3.6.16-4.0.1.el8_fips"):
        assert oracle.origin(rpm("openssl", OWN["ol"], version)) == "other"
        assert oracle.origin(rpm("openssl", "", version)) == "other"
    assert oracle.origin(rpm("openssl", OWN["ol"], "1:1.1.1k-12.el8_9")) == ""
    assert Makers(RHEL, [rpm("glibc", RED_HAT)]).origin(rpm("x", RED_HAT, "1-1_fips")) == ""
