"""Which parts speak for a package, and which of their statements do."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from conftest import GOLDEN
from hullmark.advisories.build import build
from hullmark.advisories.database import Database
from hullmark.advisories.feeds.redhat import FEED as REDHAT
from hullmark.advisories.matcher import Answer, Cover, Matcher, Query, cover
from hullmark.advisories.registry import feeds, schemes
from hullmark.model.advisory import Range
from hullmark.model.facts import Distribution
from hullmark.model.target import Target
from toys.feed import TIME, advisory, affected, built


def matched(folder: Path, parts: Sequence[str], *queries: Query) -> list[Answer]:
    database = Database.open(folder / "db")
    try:
        answers = Cover("matched" if parts else "no_feed", ("toy",), tuple(parts), (tuple(parts),))
        return Matcher(database, lambda _ecosystem, _origin: answers, schemes().get).match(queries)
    finally:
        database.close()


def names(answer: Answer) -> list[str]:
    return [statement.advisory + "?" * statement.undecided for statement in answer.statements]


# ---- which parts ----


@pytest.mark.parametrize(
    ("ecosystem", "distribution", "parts"),
    [
        ("deb", Distribution("debian", "12"), ("debian-12",)),
        ("deb", Distribution("debian", codename="trixie"), ("debian-13",)),
        ("deb", Distribution("ubuntu", "22.04"), ("ubuntu-22.04",)),
        ("apk", Distribution("alpine", "3.19.1"), ("alpine-3.19",)),
        ("rpm", Distribution("rhel", "9.3"), ("rhel-9",)),
        ("rpm", Distribution("centos", "7", ("rhel", "fedora")), ("rhel-7",)),
        ("rpm", Distribution("rocky", "9.3", ("rhel", "centos", "fedora")), ("rocky-9",)),
        ("rpm", Distribution("amzn", "2023", ("fedora",)), ("amazon-2023",)),
    ],
)
def test_own_releases(ecosystem: str, distribution: Distribution, parts: tuple[str, ...]) -> None:
    found = cover(ecosystem, distribution)
    assert (found.coverage, found.parts, found.derived_from) == ("matched", parts, "")


@pytest.mark.parametrize(
    ("ecosystem", "distribution", "part"),
    [
        ("deb", Distribution("raspbian", "12", ("debian",), "bookworm"), "debian-12"),
        ("deb", Distribution("pop", "22.04", ("ubuntu", "debian"), "jammy"), "ubuntu-22.04"),
        (
            "deb",
            Distribution("linuxmint", "21.3", ("ubuntu", "debian"), "virginia", base_codename="jammy"),
            "ubuntu-22.04",
        ),
        ("deb", Distribution("linuxmint", "6", ("debian",), "faye", base_codename="bookworm"), "debian-12"),
        ("rpm", Distribution("eurolinux", "9.4", ("rhel", "fedora", "centos")), "rhel-9"),
        ("alpm", Distribution("manjaro", "", ("arch",)), "arch"),
    ],
)
def test_a_derivative_is_taken_for_what_it_is_like(
    ecosystem: str, distribution: Distribution, part: str
) -> None:
    found = cover(ecosystem, distribution)
    assert (found.coverage, found.parts, found.derived_from) == ("matched", (part,), part)


@pytest.mark.parametrize(
    ("ecosystem", "distribution", "coverage"),
    [
        # each numbers its releases in its own way: Debian 5 is of 2009, and knows of no flaw since
        ("deb", Distribution("devuan", "5", ("debian",), "daedalus"), "release_unknown"),
        ("deb", Distribution("kali", "2024.1", ("debian",), "kali-rolling"), "release_unknown"),
        ("apk", Distribution("postmarketos", "v24.06", ("alpine",)), "release_unknown"),
        ("deb", Distribution("debian"), "release_unknown"),
        ("deb", None, "release_unknown"),
        ("deb", Distribution("nothing", "1"), "no_feed"),
        ("deb", Distribution("nothing", "1", ("none", "of", "them")), "no_feed"),
        ("conda", None, "no_feed"),
    ],
)
def test_what_nobody_can_speak_for(ecosystem: str, distribution: Distribution | None, coverage: str) -> None:
    found = cover(ecosystem, distribution)
    assert (found.coverage, found.parts, found.derived_from) == (coverage, (), "")


def test_no_two_feeds_share_a_part() -> None:
    """One would replace the other's content."""
    releases = [
        (ecosystem, Distribution(name, version))
        for ecosystem, names in {
            "deb": ("debian", "ubuntu"),
            "rpm": (
                "rhel",
                "centos",
                "rocky",
                "almalinux",
                "ol",
                "amzn",
                "fedora",
                "sles",
                "photon",
                "mariner",
            ),
            "apk": ("alpine", "wolfi", "chainguard"),
            "alpm": ("arch",),
        }.items()
        for name in names
        for version in ("", "2", "3.19", "8", "9", "12", "15.5", "22.04", "40")
    ]
    targets = [Target(*release) for release in releases] + [Target(ecosystem) for ecosystem in schemes()]
    owners: dict[str, set[str]] = {}
    for feed in feeds():
        for target in targets:
            for part in feed.parts(target) or ():
                owners.setdefault(part, set()).add(feed.name)
    assert {part: names for part, names in owners.items() if len(names) > 1} == {}
    assert len(owners) > 50


# ---- coverage ----


def test_what_was_not_asked_is_not_matched(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x")))
    query = Query("pypi", "x", "1")
    (present,) = matched(tmp_path, ["toy-pypi"], query)
    assert (present.coverage, present.parts, present.feeds) == ("matched", ("toy-pypi",), ("toy",))
    (half,) = matched(tmp_path, ["toy-pypi", "absent-pypi"], query)
    assert (half.coverage, half.parts, half.missing) == ("feed_missing", ("toy-pypi",), ("absent-pypi",))
    assert names(half) == ["A"], "what is known is said all the same"
    (missing,) = matched(tmp_path, ["absent-pypi"], query)
    assert missing == Answer((), "feed_missing", (), ("toy",), ("absent-pypi",))
    (nobody,) = matched(tmp_path, [], query)
    assert nobody == Answer((), "no_feed", (), ("toy",))
    (unordered,) = matched(tmp_path, ["toy-pypi"], Query("nothing", "x", "1"))
    assert unordered == Answer((), "no_feed", (), ())
    (clean,) = matched(tmp_path, ["toy-pypi"], Query("pypi", "y", "1"))
    assert (clean.coverage, clean.statements) == ("matched", ())


def test_a_feed_that_knows_some_flaws_only_makes_nothing_checked(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x")))
    query = Query("pypi", "x", "1")
    database = Database.open(tmp_path / "db")
    some = Cover("matched", ("main", "toy"), ("main-pypi", "toy-pypi"), (("main-pypi",),))
    (answer,) = Matcher(database, lambda _ecosystem, _origin: some, schemes().get).match([query])
    database.close()
    assert (answer.coverage, answer.missing) == ("feed_missing", ("main-pypi",))
    assert names(answer) == ["A"]
    for ecosystem in ("pypi", "cargo", "gem", "composer", "generic"):
        found = cover(ecosystem, None)
        enough = {part for parts in found.enough for part in parts}
        assert found.coverage == "matched"
        assert f"cvelist-{ecosystem}" in set(found.parts) - enough
    assert cover("generic", None).enough == (("nvd-generic",),)


def test_a_program_that_no_catalogue_can_name_is_not_checked(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x", ecosystem="generic")))
    named, nameless = matched(
        tmp_path, ["toy-generic"], Query("generic", "y", "1", cpe="v:y"), Query("generic", "y", "1")
    )
    assert (named.coverage, nameless.coverage) == ("matched", "no_feed")


def test_keys_of_another_revision_of_the_order_are_not_compared(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x")))
    query = Query("pypi", "x", "1")
    assert matched(tmp_path, ["toy-pypi"], query)[0].coverage == "matched"
    database = Database.open(tmp_path / "db")
    answers = Cover("matched", ("toy",), ("toy-pypi",), (("toy-pypi",),))
    newer = msgspec.structs.replace(schemes()["pypi"], revision=schemes()["pypi"].revision + 1)
    (answer,) = Matcher(database, lambda _ecosystem, _origin: answers, lambda _ecosystem: newer).match(
        [query]
    )
    database.close()
    assert answer == Answer((), "feed_missing", (), ("toy",), ("toy-pypi",))


def test_answers_are_in_the_order_of_the_questions(tmp_path: Path) -> None:
    built(tmp_path, *(advisory(f"A-{n}", affected(f"p{n}")) for n in range(5)))
    queries = [Query("pypi", f"p{n}", "1") for n in (3, 0, 4, 9, 3)]
    found = matched(tmp_path, ["toy-pypi"], *queries)
    assert [names(answer) for answer in found] == [["A-3"], ["A-0"], ["A-4"], [], ["A-3"]]


def test_several_parts_are_all_asked(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x")), name="one")
    built(tmp_path, advisory("B", affected("x")), name="two")
    (found,) = matched(tmp_path, ["two-pypi", "one-pypi"], Query("pypi", "x", "1"))
    assert names(found) == ["B", "A"]
    assert found.feeds == ("two", "one")


def test_a_version_without_order_is_undecided(tmp_path: Path) -> None:
    built(
        tmp_path, advisory("A", affected("x", Range(fixed="2"))), advisory("B", affected("x", versions=["9"]))
    )
    (found,) = matched(tmp_path, ["toy-pypi"], Query("pypi", "x", "not a version"))
    assert names(found) == ["A?"]
    assert found.coverage == "matched"


# ---- which statements ----


def test_source_and_binary_packages(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("source", affected("openssl", Range(fixed="3"), ecosystem="deb", scope="source")),
        advisory("binary", affected("libssl3", Range(fixed="3"), ecosystem="deb")),
        advisory("other", affected("openssl", Range(fixed="3"), ecosystem="deb")),
    )
    lib = Query("deb", "libssl3", "2", source="openssl")
    own = Query("deb", "openssl", "2")
    odd = Query("deb", "libssl3", "9", source="openssl", source_version="2")
    found = matched(tmp_path, ["toy-deb"], lib, own, odd)
    assert [names(answer) for answer in found] == [["binary", "source"], ["other", "source"], ["source"]]


def test_a_library_has_no_source_package(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x", scope="source")))
    assert names(matched(tmp_path, ["toy-pypi"], Query("pypi", "x", "1"))[0]) == []


def test_names_are_folded(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("Zope.Interface")))
    assert names(matched(tmp_path, ["toy-pypi"], Query("pypi", "zope_interface", "1"))[0]) == ["A"]


def test_an_epoch_that_a_source_rpm_does_not_tell(tmp_path: Path) -> None:
    """`openssl-3.0-1.src.rpm` is of epoch 1 when its packages are."""
    fixed = affected("openssl", Range(fixed="1:3.0-5"), ecosystem="rpm", scope="source")
    built(tmp_path, advisory("A", fixed))
    old = Query("rpm", "openssl-libs", "1:3.0-1", source="openssl", source_version="3.0-1")
    new = Query("rpm", "openssl-libs", "1:3.0-5", source="openssl", source_version="3.0-5")
    plain = Query("rpm", "openssl-libs", "3.0-9", source="openssl", source_version="3.0-9")
    found = matched(tmp_path, ["toy-rpm"], old, new, plain)
    assert [names(answer) for answer in found] == [["A"], [], ["A"]]


def test_architectures(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("A", affected("x", ecosystem="rpm", arches=("x86_64", "aarch64"))),
        advisory("B", affected("x", ecosystem="rpm")),
    )
    arches = ["x86_64", "s390x", "noarch", ""]
    found = matched(tmp_path, ["toy-rpm"], *(Query("rpm", "x", "1", arch) for arch in arches))
    assert [names(answer) for answer in found] == [["A", "B"], ["B"], ["A", "B"], ["A", "B"]]


def test_modules_have_lines_of_their_own(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("plain", affected("nodejs", ecosystem="rpm")),
        advisory("18", affected("nodejs", ecosystem="rpm", module="nodejs:18")),
        advisory("20", affected("nodejs", ecosystem="rpm", module="nodejs:20")),
        advisory("any", affected("nodejs", ecosystem="rpm", module="*")),
        advisory("build", affected("nodejs", Range(fixed="1.module+el8.9"), ecosystem="rpm")),
    )
    queries = [
        Query("rpm", "nodejs", "1"),
        Query("rpm", "nodejs", "1", module="nodejs:18"),
        Query("rpm", "nodejs", "1.module+el8"),
    ]
    found = matched(tmp_path, ["toy-rpm"], *queries)
    assert [names(answer) for answer in found] == [
        ["plain"],
        ["18", "any", "build"],
        ["18?", "20?", "any", "build"],
    ]


def test_other_products_do_not_speak_of_the_release(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("layered", affected("x", ecosystem="rpm", cpes=("redhat:openshift",))),
        advisory("own", affected("x", ecosystem="rpm")),
        advisory("bare", affected("curl", ecosystem="generic", cpes=("haxx:curl",))),
        advisory("vague", affected("curl", ecosystem="generic")),
    )
    assert names(matched(tmp_path, ["toy-rpm"], Query("rpm", "x", "1"))[0]) == ["own"]
    queries = [Query("generic", "curl", "1", cpe=cpe) for cpe in ("haxx:curl", "other:curl", "")]
    found = matched(tmp_path, ["toy-generic"], *queries)
    assert [names(answer) for answer in found] == [["bare"], [], []]


JBCS = "cpe:/a:redhat:jboss_core_services:1"
OPENSHIFT = ("cpe:/a:redhat:openshift:4.15::el9", "cpe:/a:redhat:openshift:4.16::el9")


def test_a_package_that_only_one_product_has_is_that_products(tmp_path: Path) -> None:
    """Red Hat's own document on CVE-2023-38545."""
    mirror = GOLDEN / "feeds/redhat/vex"
    assert not build(mirror, tmp_path / "db", [REDHAT], built=TIME).failed
    old, new = "8.2.1-2.el8jbcs", "8.4.0-2.el8jbcs"
    queries = [
        Query("rpm", "jbcs-httpd24-libcurl", old, "x86_64", "jbcs-httpd24-curl", old),
        Query("rpm", "jbcs-httpd24-libcurl", new, "x86_64", "jbcs-httpd24-curl", new),
    ]
    before, after = matched(tmp_path, ["rhel-8"], *queries)
    assert names(before) == ["CVE-2023-38545"]
    (statement,) = before.statements
    assert statement.fixed == new
    assert statement.more.note.endswith("; said of redhat:jboss_core_services:1")
    assert names(after) == []


def test_of_which_product_a_package_is_may_be_undecided(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("two", affected("cli", ecosystem="rpm", cpes=OPENSHIFT)),
        advisory("one of two", affected("b", ecosystem="rpm", cpes=OPENSHIFT[:1])),
        advisory("over", affected("b", Range(fixed="1"), ecosystem="rpm", cpes=OPENSHIFT[1:])),
        advisory("own", affected("c", Range(fixed="1"), ecosystem="rpm")),
        advisory("not c's", affected("c", ecosystem="rpm", cpes=(JBCS,))),
        advisory("longer", affected("d", ecosystem="rpm", cpes=("cpe:/o:redhat:rhel_eus:9.2::baseos",))),
        advisory("source", affected("e-src", ecosystem="rpm", scope="source", cpes=(JBCS,))),
        advisory("sources own", affected("f-src", Range(fixed="1"), ecosystem="rpm", scope="source")),
        advisory("not f's", affected("f", ecosystem="rpm", cpes=(JBCS,))),
        advisory("no", affected("g", ecosystem="rpm", cpes=(JBCS,), arches=("s390x",))),
    )
    queries = [Query("rpm", name, "1-1", "x86_64", f"{name}-src") for name in ("cli", *"bcdefg")]
    found = matched(tmp_path, ["toy-rpm"], *queries)
    assert [names(answer) for answer in found] == [
        ["two?"],
        ["one of two?"],
        [],
        ["longer?"],
        ["source"],
        [],
        [],
    ]


def test_every_packaging_of_bitnamis_is_the_version_that_is_in_it(tmp_path: Path) -> None:
    built(
        tmp_path,
        advisory("last", affected("postgresql", Range(last_affected="16.1.0"), ecosystem="bitnami")),
        advisory("fixed", affected("postgresql", Range(fixed="16.1.0"), ecosystem="bitnami")),
        advisory("listed", affected("postgresql", ecosystem="bitnami", versions=("16.1.0",))),
    )
    queries = [Query("bitnami", "postgresql", version) for version in ("16.1.0-15", "16.0.0-3", "16.1.1-0")]
    found = matched(tmp_path, ["toy-bitnami"], *queries)
    assert [sorted(names(answer)) for answer in found] == [["last", "listed"], ["fixed", "last"], []]


def test_nobody_speaks_for_a_third_partys_package(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("nginx", ecosystem="rpm")))
    own, other = matched(
        tmp_path, ["toy-rpm"], Query("rpm", "nginx", "1"), Query("rpm", "nginx", "1", origin="other")
    )
    assert (names(own), own.coverage, own.parts) == (["A"], "matched", ("toy-rpm",))
    assert other == Answer((), "no_feed", (), ())


def test_each_origin_has_parts_of_its_own(tmp_path: Path) -> None:
    built(tmp_path, advisory("A", affected("x", ecosystem="rpm")))
    database = Database.open(tmp_path / "db")
    covers = {
        "": Cover("matched", ("redhat",), ("rhel-9",), (("rhel-9",),)),
        "epel": Cover("matched", ("toy",), ("toy-rpm",), (("toy-rpm",),)),
    }
    matcher = Matcher(database, lambda _ecosystem, origin: covers[origin], schemes().get)
    own, epel = matcher.match([Query("rpm", "x", "1"), Query("rpm", "x", "1", origin="epel")])
    assert (names(own), own.coverage, own.missing) == ([], "feed_missing", ("rhel-9",))
    assert (names(epel), epel.coverage, epel.parts) == (["A"], "matched", ("toy-rpm",))
    database.close()
