"""Ecosystems: each that a detector gives has an order, and an order alone makes no package checked."""

from typing import Any

import msgspec
import pytest

from conftest import GOLDEN
from hullmark.advisories.matcher import cover
from hullmark.advisories.registry import feeds, schemes
from hullmark.advisories.scheme import named
from hullmark.model.facts import SYSTEM
from hullmark.model.target import Target

WITHOUT_FEED = sorted(
    ecosystem
    for ecosystem in set(schemes()) - SYSTEM
    if all(feed.parts(Target(ecosystem)) is None for feed in feeds())
)


def test_every_ecosystem_that_a_detector_gives_has_an_order() -> None:
    given = set()
    for path in (GOLDEN / "detectors").glob("*/*/facts.json"):
        for _file, facts in msgspec.json.decode(
            path.read_bytes(), type=list[tuple[str, list[dict[str, Any]]]]
        ):
            given |= {fact["ecosystem"] for fact in facts if fact["type"] == "package"}
    assert len(given) > 30
    assert given - set(schemes()) == set()


def test_which_ecosystems_no_feed_speaks_for() -> None:
    assert {"brew", "cocoapods", "ebuild", "luarocks", "opkg", "otp", "terraform"} <= set(WITHOUT_FEED)
    assert not {"cran", "hackage", "julia", "opam", "npm", "generic"} & set(WITHOUT_FEED)


def test_a_feed_that_knows_some_flaws_only_makes_no_package_checked() -> None:
    found = cover("cpan", None)
    assert (found.coverage, found.parts, found.enough) == ("no_feed", ("cvelist-cpan",), ())


@pytest.mark.parametrize("ecosystem", WITHOUT_FEED)
def test_an_order_without_a_feed_checks_nothing(ecosystem: str) -> None:
    found = cover(ecosystem, None)
    assert (found.coverage, found.parts, found.feeds) == ("no_feed", (), ())


def test_a_scheme_has_the_name_of_its_module() -> None:
    assert {found.name: named(found.name) for found in schemes().values()} == {
        found.name: found for found in schemes().values()
    }
    assert [named(name) for name in ("", "unheard_of", "..feed", "os", "deb.x", "__init__")] == [None] * 6
