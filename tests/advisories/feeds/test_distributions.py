"""Which parts each distribution's feed names for what an image says of its operating system."""

import pytest

from hullmark.advisories.registry import feeds
from hullmark.model.facts import Distribution
from hullmark.model.target import Target

FEEDS = {feed.name: feed for feed in feeds()}
MINE = {
    "alpine",
    "amazon",
    "arch",
    "azurelinux",
    "bellsoft",
    "chainguard",
    "cleanstart",
    "debian",
    "echo",
    "fedora",
    "mageia",
    "minimos",
    "openeuler",
    "oracle",
    "photon",
    "redhat",
    "suse",
    "ubuntu",
    "wolfi",
}

KNOWN = [
    ("apk", "alpine", "3.20.3", "", "alpine", "alpine-3.20"),
    ("apk", "alpine", "3.21.0_alpha20240923", "", "alpine", "alpine-edge"),
    ("apk", "wolfi", "20230201", "", "wolfi", "wolfi"),
    ("apk", "chainguard", "20230214", "", "chainguard", "chainguard"),
    ("deb", "debian", "12", "bookworm", "debian", "debian-12"),
    ("deb", "debian", "12.5", "", "debian", "debian-12"),
    ("deb", "debian", "3.1", "", "debian", "debian-3.1"),
    ("deb", "debian", "", "buster", "debian", "debian-10"),
    ("deb", "debian", "trixie/sid", "trixie", "debian", "debian-sid"),
    ("deb", "debian", "sid", "", "debian", "debian-sid"),
    ("deb", "ubuntu", "22.04", "jammy", "ubuntu", "ubuntu-22.04"),
    ("deb", "ubuntu", "", "noble", "ubuntu", "ubuntu-24.04"),
    ("rpm", "rhel", "9.4", "", "redhat", "rhel-9"),
    ("rpm", "rhel", "10.0", "", "redhat", "rhel-10"),
    ("rpm", "centos", "7", "", "redhat", "rhel-7"),
    ("rpm", "sles", "15.5", "", "suse", "sles-15.5"),
    ("rpm", "sles", "15", "", "suse", "sles-15"),
    ("rpm", "sles", "16.0", "", "suse", "sles-16.0"),
    ("rpm", "sle_hpc", "15.4", "", "suse", "sles-15.4"),
    ("rpm", "sle-micro", "5.4", "", "suse", "sle-micro-5.4"),
    ("rpm", "opensuse-leap", "15.6", "", "suse", "opensuse-leap-15.6"),
    ("rpm", "opensuse-tumbleweed", "20240101", "", "suse", "opensuse-tumbleweed"),
    ("rpm", "ol", "8.9", "", "oracle", "oracle-8"),
    ("rpm", "amzn", "2", "", "amazon", "amazon-2"),
    ("rpm", "amzn", "2023", "", "amazon", "amazon-2023"),
    ("rpm", "amzn", "2018.03", "", "amazon", "amazon-1"),
    ("rpm", "photon", "4.0", "", "photon", "photon-4"),
    ("rpm", "mariner", "2.0.20240112", "", "azurelinux", "mariner-2.0"),
    ("rpm", "azurelinux", "3.0", "", "azurelinux", "azurelinux-3.0"),
    ("rpm", "fedora", "40", "", "fedora", "fedora-40"),
    ("alpm", "arch", "", "", "arch", "arch"),
    ("apk", "alpaquita", "stream", "", "bellsoft", "alpaquita-stream"),
    ("apk", "bellsoft-hardened-containers", "25", "", "bellsoft", "bellsoft-hardened-containers-25"),
    ("apk", "minimos", "20241031", "", "minimos", "minimos"),
    ("apk", "clnstrt", "", "", "cleanstart", "cleanstart"),
    ("apk", "cleanstart", "1.0", "", "cleanstart", "cleanstart"),
    ("deb", "echo", "1", "", "echo", "echo"),
    ("rpm", "mageia", "9", "", "mageia", "mageia-9"),
    ("rpm", "openEuler", "23.09", "", "openeuler", "openeuler-23.09"),
]

NAMELESS = [
    ("apk", "alpine", "", "alpine"),
    ("deb", "debian", "", "debian"),
    ("deb", "ubuntu", "rolling", "ubuntu"),
    ("rpm", "rhel", "", "redhat"),
    ("rpm", "sles", "", "suse"),
    ("rpm", "opensuse-leap", "next", "suse"),
    ("rpm", "ol", "", "oracle"),
    ("rpm", "amzn", "", "amazon"),
    ("rpm", "photon", "", "photon"),
    ("rpm", "azurelinux", "3", "azurelinux"),
    ("rpm", "fedora", "eln", "fedora"),
    ("apk", "alpaquita", "", "bellsoft"),
    ("rpm", "mageia", "cauldron", "mageia"),
    ("rpm", "openEuler", "", "openeuler"),
]


def target(ecosystem: str, name: str, version: str, codename: str = "") -> Target:
    return Target(ecosystem, Distribution(id=name, version_id=version, codename=codename))


@pytest.mark.parametrize(("ecosystem", "name", "version", "codename", "feed", "part"), KNOWN)
def test_a_release_has_its_part_and_no_other_feed_wants_it(
    ecosystem: str, name: str, version: str, codename: str, feed: str, part: str
) -> None:
    wanted = target(ecosystem, name, version, codename)
    assert FEEDS[feed].parts(wanted) == (part,)
    assert {other for other in MINE if FEEDS[other].parts(wanted) is not None} == {feed}


@pytest.mark.parametrize(("ecosystem", "name", "version", "feed"), NAMELESS)
def test_a_release_that_cannot_be_told_is_unknown_and_not_foreign(
    ecosystem: str, name: str, version: str, feed: str
) -> None:
    assert FEEDS[feed].parts(target(ecosystem, name, version)) == ()


@pytest.mark.parametrize("feed", sorted(MINE))
def test_foreign_targets_are_nobodys(feed: str) -> None:
    for wanted in (
        Target("pypi"),
        Target("rpm"),
        target("deb", "raspbian", "12"),
        target("rpm", "rocky", "9.3"),
        target("apk", "postmarketos", "v24.06"),
    ):
        assert FEEDS[feed].parts(wanted) is None


def test_the_modules_of_twelve_serve_each_of_its_service_packs() -> None:
    assert FEEDS["suse"].parts(target("rpm", "sles", "12.5")) == ("sles-12.5", "sles-12-modules")


def test_unreleased_debian_is_told_by_its_pretty_name() -> None:
    system = Distribution(id="debian", codename="forky", pretty_name="Debian GNU/Linux forky/sid")
    assert FEEDS["debian"].parts(Target("deb", system)) == ("debian-sid",)


@pytest.mark.parametrize(
    ("pretty_name", "part"),
    [
        ("openEuler 24.03 (LTS)", "openeuler-24.03-LTS"),
        ("openEuler 24.03 (LTS-SP1)", "openeuler-24.03-LTS-SP1"),
        ("openEuler 24.03", "openeuler-24.03"),
    ],
)
def test_service_packs_of_openeuler_are_told_by_its_pretty_name(pretty_name: str, part: str) -> None:
    system = Distribution(id="openEuler", version_id="24.03", pretty_name=pretty_name)
    assert FEEDS["openeuler"].parts(Target("rpm", system)) == (part,)
    group = FEEDS["openeuler"].group(part)
    assert group is not None
    assert group.makes("openeuler-22.03-LTS-SP3"), "one archive has all releases"
