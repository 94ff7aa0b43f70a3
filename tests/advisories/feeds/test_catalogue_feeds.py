"""Which parts the feeds of libraries, rebuilds and catalogues name, and what hostile bytes do to them."""

import io

import pytest

from hullmark.advisories.feed import Document, Feed, part_of
from hullmark.advisories.feeds import (
    almalinux,
    cvelist,
    eol,
    epss,
    friendsofphp,
    ghsa,
    kev,
    nvd,
    osv,
    rocky,
    rubysec,
    rustsec,
)
from hullmark.model.advisory import Affected
from hullmark.model.facts import Distribution, Unread
from hullmark.model.target import Target

ALMA = Distribution("almalinux", "8.10")
ROCKY = Distribution("rocky", "9")
PATHS = {
    "osv": "osv/PyPI/x.json",
    "rustsec": "rustsec/crates/x/RUSTSEC-2024-0001.md",
    "rubysec": "rubysec/gems/x/CVE-2024-0001.yml",
    "friendsofphp": "friendsofphp/a/b/CVE-2024-0001.yaml",
    "cvelist": "cvelist/CVE-2024-0001.json",
    "almalinux": "osv/AlmaLinux-8/x.json",
    "rocky": "osv/Rocky Linux/x.json",
}
MODULES = (almalinux, cvelist, eol, epss, friendsofphp, ghsa, kev, nvd, osv, rocky, rubysec, rustsec)
FEEDS = [module.FEED for module in MODULES]


@pytest.mark.parametrize(
    ("feed", "target", "expected"),
    [
        (osv.FEED, Target("pypi"), ("osv-pypi",)),
        (osv.FEED, Target("golang"), ("osv-golang",)),
        (osv.FEED, Target("deb"), None),
        (ghsa.FEED, Target("npm"), ("ghsa-npm",)),
        (ghsa.FEED, Target("conan"), None),
        (rustsec.FEED, Target("cargo"), ("rustsec-cargo",)),
        (rubysec.FEED, Target("generic"), ("rubysec-generic",)),
        (friendsofphp.FEED, Target("composer"), ("friendsofphp-composer",)),
        (nvd.FEED, Target("generic"), ("nvd-generic",)),
        (nvd.FEED, Target("pypi"), None),
        (cvelist.FEED, Target("maven"), ("cvelist-maven",)),
        (kev.FEED, Target("pypi"), None),
        (almalinux.FEED, Target("rpm", ALMA), ("almalinux-8",)),
        (almalinux.FEED, Target("rpm", ROCKY), None),
        (almalinux.FEED, Target("rpm", Distribution("almalinux")), ()),
        (almalinux.FEED, Target("pypi", ALMA), None),
        (rocky.FEED, Target("rpm", ROCKY), ("rocky-9",)),
        (rocky.FEED, Target("rpm"), None),
    ],
)
def test_parts(feed: Feed, target: Target, expected: tuple[str, ...] | None) -> None:
    assert feed.parts(target) == expected


def test_a_statement_goes_to_the_part_that_speaks_for_its_package() -> None:
    assert part_of(osv.FEED, Affected(ecosystem="pypi", name="x")) == "osv-pypi"
    assert part_of(nvd.FEED, Affected(ecosystem="generic", name="x")) == "nvd-generic"
    assert (
        part_of(almalinux.FEED, Affected(ecosystem="rpm", name="x", release="almalinux-8")) == "almalinux-8"
    )


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff\xfe",
        b"null",
        b"[]",
        b"[" * 50_000,
        b'{"a":' * 50_000,
        b"```toml\n" + b"a = " + b"[" * 20_000 + b"\n```\n",
        b"```toml\n" + b"a." * 20_000 + b"b = 1\n```\n",
        b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_hostile_documents_are_unread(feed: Feed, body: bytes) -> None:
    document = Document(PATHS.get(feed.name, f"{feed.name}/x.json"), lambda: io.BytesIO(body))
    found = list(feed.parse(iter([document])))
    assert all(isinstance(record, Unread) for record in found)
    # An empty list is a sound answer of the older interface of endoflife.date, without a product in it.
    assert found or (feed.name == "eol" and body == b"[]")
