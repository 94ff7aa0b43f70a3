"""What may take a finding out of the list."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hullmark.findings.aging import idle, notes
from hullmark.findings.naming import is_product, product_of
from hullmark.findings.suppression import applied, may_suppress
from hullmark.model.image import Platform
from hullmark.model.report import (
    Finding,
    Location,
    Report,
    ReportDatabase,
    ReportImage,
    Summary,
    Suppression,
    Tool,
    VexStatus,
)

ATTACK = Finding(
    id="GHSA-4x49-vf9v-38px",
    kind="malicious",
    component="p0",
    purl="pkg:npm/debug@4.4.2",
    name="debug",
    version="4.4.2",
    aliases=("MAL-2025-46974",),
)
FLAW = Finding(id="CVE-2017-16137", component="p0", purl="pkg:npm/debug@2.6.8", name="debug", version="2.6.8")


def test_a_flaw_may_be_taken_out_by_anything() -> None:
    assert may_suppress(FLAW)
    assert may_suppress(FLAW, ids=["CVE-2017-16137"])


def test_a_malicious_package_only_by_an_id_of_its_own_with_a_reason() -> None:
    assert may_suppress(ATTACK, ["GHSA-4x49-vf9v-38px"], "our own fork, looked at by hand")
    assert may_suppress(ATTACK, ["MAL-2025-46974"], "our own fork, looked at by hand")
    assert not may_suppress(ATTACK)
    assert not may_suppress(ATTACK, ["GHSA-4x49-vf9v-38px"])
    assert not may_suppress(ATTACK, ["GHSA-4x49-vf9v-38px"], " \n")
    assert not may_suppress(ATTACK, ["CVE-2025-59144", "debug"], "a reason")
    assert not may_suppress(ATTACK, (), "a reason")


def test_an_id_is_the_same_in_any_case() -> None:
    assert may_suppress(ATTACK, ["mal-2025-46974"], "our own fork, looked at by hand")


# ── statements ──────────────────────────────────────────────────────────────────────────────────────────

AS_OF = "2026-06-01T12:00:00Z"
DIGEST = "sha256:" + "d" * 64
LAYER = "sha256:" + "1" * 64
IMAGE = ReportImage(
    name="ghcr.io/acme/app:1.2",
    source="registry",
    digest=DIGEST,
    platform=Platform("linux", "amd64"),
    tags=("ghcr.io/acme/app:1.2",),
)
BOTH = Location("usr/lib/a/package.json", 0, layer_digest=LAYER, from_base=True)
OWN = Location("srv/app/package.json", 1, layer_digest="sha256:" + "2" * 64, from_base=False)
QS = Finding(
    id="CVE-2022-24999",
    component="p1",
    purl="pkg:npm/qs@6.7.0",
    name="qs",
    version="6.7.0",
    aliases=("GHSA-hrpp-h998-j3pp",),
    state="fixed_available",
    fixed_version="6.7.3",
    locations=(BOTH,),
)
SSL = Finding(
    id="CVE-2023-0286",
    component="p2",
    purl="pkg:deb/debian/libssl3@3.0.8?arch=amd64&distro=debian-12",
    name="libssl3",
    version="3.0.8",
    locations=(BOTH, OWN),
)


def report(*findings: Finding, image: ReportImage | None = IMAGE, as_of: str = AS_OF) -> Report:
    return Report(
        tool=Tool("hullmark", "1", {}),
        as_of=as_of,
        database=ReportDatabase(()),
        image=image,
        summary=Summary(packages=1),
        findings=findings,
    )


def says(**said: Any) -> Suppression:
    return Suppression(source="f", **said)


def vex(status: VexStatus, **said: Any) -> Suppression:
    return says(**{"status": status, "ids": ("CVE-2022-24999",), "author": "a"} | said)


def states(found: Sequence[Finding], *said: Suppression, **more: Any) -> tuple[list[str], list[str]]:
    """Give the ids that are left and the states of the statements."""
    outcome = applied(report(*found, **more), said)
    assert len(outcome.left) + len(outcome.suppressed) == len(found)
    for each in outcome.suppressed:
        assert outcome.suppressions[each.by].findings > 0
    return [finding.id for finding in outcome.left], [each.state for each in outcome.suppressions]


GONE: list[str] = []
STAYS = ["CVE-2022-24999"]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ({"ids": ("CVE-2022-24999",)}, GONE),
        ({"ids": ("cve-2022-24999",)}, GONE),
        ({"ids": ("CVE-2022-1", "GHSA-hrpp-h998-j3pp")}, GONE),
        ({"ids": ("CVE-2022-2499",)}, STAYS),
        ({"packages": ("qs",)}, GONE),
        ({"packages": ("q*",)}, GONE),
        ({"packages": ("qs@6.7.0",)}, GONE),
        ({"packages": ("qs@6.7.*",)}, GONE),
        ({"packages": ("qs@6.7.1",)}, STAYS),
        ({"packages": ("[q]s",)}, STAYS),
        ({"packages": ("pkg:npm/qs",)}, GONE),
        ({"packages": ("pkg:npm/q*@6.7.0",)}, GONE),
        ({"packages": ("pkg:npm/qs@6.7.1",)}, STAYS),
        ({"packages": ("pkg:pypi/qs",)}, STAYS),
        ({"packages": ("pkg:npm/%40acme/qs",)}, STAYS),
        ({"packages": ("pkg:npm/qs?os=linux",)}, STAYS),
        ({"packages": ("pkg:npm/qs#lib",)}, STAYS),
        ({"packages": ("pkg:",)}, STAYS),
        ({"packages": ("",)}, STAYS),
        ({"paths": ("usr/**",)}, GONE),
        ({"paths": ("/usr/lib/*/package.json",)}, GONE),
        ({"paths": ("usr/lib",)}, STAYS),
        ({"layers": ("base",)}, GONE),
        ({"layers": (LAYER,)}, GONE),
        ({"layers": ("own",)}, STAYS),
        ({"layers": ("",)}, STAYS),
        ({"states": ("fixed_available",)}, GONE),
        ({"states": ("affected",)}, STAYS),
        ({"ids": ("CVE-2022-24999",), "packages": ("debug",)}, STAYS),
        ({"ids": ("CVE-2022-24999",), "expires": "2026-05-31"}, STAYS),
        ({"ids": ("CVE-2022-24999",), "expires": "2026-06-01"}, GONE),
        ({"ids": ("CVE-2022-24999",), "expires": "2026-06-01T11:59:59Z"}, STAYS),
        ({"ids": ("CVE-2022-24999",), "expires": "2026-06-01T13:30:00+01:00"}, GONE),
        ({"ids": ("CVE-2022-24999",), "expires": "whenever"}, STAYS),
    ],
)
def test_a_statement_fits_what_it_names(said: dict[str, Any], left: list[str]) -> None:
    assert states([QS], says(**said))[0] == left


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ({"ids": ("CVE-2022-1000", "GHSA-hrpp-h998-j3pp"), "status": "not_affected"}, STAYS),
        ({"ids": ("CVE-2022-1000", "GHSA-hrpp-h998-j3pp"), "status": "fixed"}, STAYS),
        ({"ids": ("cve-2022-24999", "CVE-2022-1000"), "status": "fixed"}, GONE),
        ({"ids": ("GHSA-hrpp-h998-j3pp",), "status": "fixed"}, GONE),
    ],
)
def test_a_statement_on_one_cve_is_none_on_another_that_shares_an_alias(
    said: dict[str, Any], left: list[str]
) -> None:
    assert states([QS], says(**said))[0] == left


def test_what_is_in_several_places_must_fit_in_all_of_them() -> None:
    assert states([SSL], says(layers=("base",)))[0] == [SSL.id]
    assert states([SSL], says(paths=("usr/**",)))[0] == [SSL.id]
    assert states([SSL], says(layers=("base", "own"), paths=("usr/**", "srv/**")))[0] == []


def test_who_built_an_os_package_may_be_left_out() -> None:
    assert states([SSL], says(packages=("pkg:deb/libssl3",)))[0] == []
    assert states([SSL], says(packages=("pkg:deb/ubuntu/libssl3",)))[0] == [SSL.id]
    assert states([SSL], says(packages=("pkg:deb/debian/libssl3?distro=debian-12",)))[0] == []
    assert states([SSL], says(packages=("pkg:deb/debian/libssl3?distro=debian-11",)))[0] == [SSL.id]


def test_whose_recipe_a_package_is_made_of_is_no_part_of_its_name() -> None:
    flaw = replace(QS, purl="pkg:conan/acme/zlib@1.3", name="zlib", version="1.3")
    assert states([flaw], says(packages=("pkg:conan/zlib",)))[0] == []
    assert states([flaw], says(packages=("pkg:conan/other/zlib",)))[0] == [flaw.id]


def test_a_package_is_called_as_its_files_or_its_package_url_call_it() -> None:
    flaw = replace(QS, purl="pkg:pypi/jinja2@2.10", name="Jinja2", version="2.10")
    assert states([flaw], says(packages=("Jinja2",)))[0] == []
    assert states([flaw], says(packages=("jinja2@2.10",)))[0] == []
    assert states([flaw], says(packages=("JINJA2",)))[0] == [flaw.id]


def test_an_image_is_no_package() -> None:
    old = Finding(id="EOL-debian-10", kind="end_of_life", component="", purl="", name="debian", version="10")
    assert states([old], says(packages=("*b*",)))[0] == [old.id]
    assert states([old], says(ids=("EOL-debian-10",)))[0] == []


def test_what_came_of_a_statement() -> None:
    assert states([QS], says(ids=(QS.id,)))[1] == ["fix_available"]
    assert states([replace(QS, fixed_version="")], says(ids=(QS.id,)))[1] == ["used"]
    assert states([QS], vex("not_affected"))[1] == ["used"]
    assert states([SSL], says(ids=(QS.id,)))[1] == ["unused"]
    assert states([QS], says(ids=(QS.id,), expires="2020-01-01"))[1] == ["expired"]
    assert states([QS], vex("affected")) == (STAYS, ["kept"])
    assert states([QS], vex("not_affected", products=("other:1",))) == (STAYS, ["other_image"])


def test_a_vex_document_has_no_wild_cards() -> None:
    assert states([QS], vex("not_affected", packages=("pkg:npm/*",)))[0] == STAYS
    assert states([QS], vex("not_affected", packages=("qs",)))[0] == STAYS
    assert states([QS], vex("not_affected", packages=("pkg:npm/qs",)))[0] == GONE


def test_a_malicious_package_is_taken_out_by_who_names_it_though_others_come_first() -> None:
    blunt = says(packages=("debug",), reason="we use it")
    named = says(ids=("MAL-2025-46974",), reason="our own fork")
    assert states([ATTACK], blunt) == ([ATTACK.id], ["unused"])
    assert states([ATTACK], blunt, named)[1] == ["unused", "used"]


# ── statements that contradict each other ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ([vex("not_affected", said="2026-01-01"), vex("affected", said="2026-01-02")], STAYS),
        ([vex("affected", said="2026-01-01"), vex("not_affected", said="2026-01-02")], GONE),
        # the order is that of the times, not of their letters
        ([vex("affected", said="2026-01-01T23:00:00-06:00"), vex("fixed", said="2026-01-02T01:00:00Z")], STAYS),
        ([vex("affected", said="2026-01-02T01:00:00.123456789Z"), vex("fixed", said="2026-01-02T02:00:00Z")], GONE),
        ([vex("not_affected", said="2026-01-01"), vex("under_investigation", said="2026-01-02")], STAYS),
        ([vex("affected"), vex("not_affected")], STAYS),
        ([vex("affected", said="2026-01-01"), vex("not_affected")], STAYS),
        ([vex("affected", said="long ago"), vex("not_affected", said="2026-01-01")], STAYS),
        ([vex("affected", said="2026-01-01"), vex("not_affected", said="2026-01-02", author="b")], STAYS),
        ([vex("under_investigation", said="2026-01-01"), vex("not_affected", author="b")], GONE),
        ([vex("affected", ids=("CVE-1",)), vex("not_affected")], GONE),
        ([vex("affected", products=("other:1",)), vex("not_affected")], GONE),
        ([vex("affected", said="2026-01-02"), says(ids=(QS.id,))], GONE),
    ],
)  # fmt: skip
def test_of_one_author_the_latest_counts_and_of_several_none(
    said: list[Suppression], left: list[str]
) -> None:
    assert states([QS], *said)[0] == left
    assert states([QS], *said[::-1])[0] == left


def test_a_contradiction_is_told() -> None:
    assert states([QS], vex("affected"), vex("not_affected"))[1] == ["contradicted"] * 2
    assert states([QS], vex("affected", said="2026-01-01"), vex("not_affected", said="2026-01-02"))[1] == [
        "kept",
        "used",
    ]


STATEMENTS = st.builds(
    Suppression,
    source=st.sampled_from(["a.json", "b.json"]),
    ids=st.sampled_from([(), (QS.id,), (SSL.id, "MAL-2025-46974")]),
    packages=st.sampled_from([(), ("qs",), ("pkg:npm/qs",), ("pkg:deb/libssl3", "debug")]),
    paths=st.sampled_from([(), ("usr/**",)]),
    layers=st.sampled_from([(), ("base",)]),
    status=st.sampled_from(["", "not_affected", "affected", "fixed", "under_investigation"]),
    reason=st.sampled_from(["", "r"]),
    author=st.sampled_from(["", "x", "y"]),
    said=st.sampled_from(["", "2026-01-01", "2026-02-01T00:00:00Z", "?"]),
    expires=st.sampled_from(["", "2026-01-01", "2027-01-01"]),
)


@given(st.lists(STATEMENTS, max_size=6), st.randoms())
def test_nothing_is_lost_and_an_affected_statement_never_takes_anything_out(
    said: list[Suppression], chance: Any
) -> None:
    found = [QS, SSL, ATTACK]
    outcome = applied(report(*found), said)
    assert {f.id for f in outcome.left} | {e.finding.id for e in outcome.suppressed} == {f.id for f in found}
    for each in outcome.suppressed:
        by = outcome.suppressions[each.by]
        assert by.status in {"", "not_affected", "fixed"}
        assert by.state in {"used", "fix_available"}
    mixed = chance.sample(said, len(said))
    assert [f.id for f in applied(report(*found), mixed).left] == [f.id for f in outcome.left]


# ── images ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (DIGEST, True),
        ("ghcr.io/acme/app:1.2", True),
        ("ghcr.io/acme/app", False),
        ("", False),
        (f"pkg:oci/app@{DIGEST}", True),
        (f"pkg:oci/other@{DIGEST}", True),  # the content is the same by whatever name
        (f"pkg:oci/app@sha256:{'e' * 64}", False),
        ("pkg:oci/app", True),
        ("pkg:oci/web", False),
        ("pkg:oci/app?repository_url=ghcr.io/acme/app", True),
        ("pkg:oci/app?repository_url=ghcr.io/acme", True),
        ("pkg:oci/app?repository_url=ghcr.io/other/app", False),
        ("pkg:oci/app?tag=1.2", True),
        ("pkg:oci/app?tag=1.3", False),
        ("pkg:oci/app?arch=amd64&os=linux", True),
        ("pkg:oci/app?arch=arm64", False),
        ("pkg:oci/app?colour=red", False),
        ("pkg:docker/acme/app@1.2?repository_url=ghcr.io", True),
        ("pkg:docker/acme/app@1.3?repository_url=ghcr.io", False),
        (f"pkg:docker/acme/app@{DIGEST}", True),
        ("pkg:docker/library/app", False),
        ("pkg:npm/app", False),
        ("pkg:oci", False),
    ],
)
def test_an_image_is_known_by_its_names(text: str, fits: bool) -> None:  # noqa: FBT001  # the expectation
    assert is_product(text, IMAGE) is fits


@pytest.mark.parametrize(
    ("name", "text", "fits"),
    [
        ("nginx:1.25", "pkg:docker/nginx@1.25", True),
        ("nginx:1.25", "pkg:docker/library/nginx@1.25", True),
        ("nginx:1.25", "pkg:oci/nginx?repository_url=docker.io/library/nginx", True),
        ("localhost:5000/app", "pkg:docker/localhost", False),
        ("localhost:5000/app:2", "pkg:oci/app?repository_url=localhost:5000/app&tag=2", True),
        ("localhost:5000/app", "pkg:oci/app?tag=5000", False),
    ],
)
def test_repositories_are_written_in_more_than_one_way(name: str, text: str, fits: bool) -> None:  # noqa: FBT001  # the expectation
    assert is_product(text, ReportImage(name=name, source="registry")) is fits


def test_nothing_names_an_image_that_has_no_name() -> None:
    assert not is_product("", ReportImage(name="", source="archive"))
    assert not is_product("pkg:oci/app@", ReportImage(name="", source="archive"))
    assert not is_product("", None)


@pytest.mark.parametrize(
    "image",
    [
        IMAGE,
        ReportImage(name="build/app.tar", source="archive", digest=DIGEST),
        ReportImage(name="app.cdx.json", source="sbom"),
        ReportImage(name="APP DIR/ü", source="directory", config_digest=DIGEST),
        ReportImage(name="", source="archive", digest=DIGEST),
    ],
)
def test_what_an_image_is_called_in_a_document_is_known_again(image: ReportImage) -> None:
    assert is_product(product_of(image), image)


# ── what is told of statements ──────────────────────────────────────────────────────────────────────────


def judged(*said: Suppression) -> Report:
    plain = report(QS, SSL)
    outcome = applied(plain, said)
    return replace(plain, suppressed=tuple(outcome.suppressed), suppressions=outcome.suppressions)


def test_what_somebody_should_look_at_is_told() -> None:
    made = judged(
        says(line=3, ids=(QS.id,)),
        says(line=5, ids=("CVE-2020-1",)),
        says(line=7, ids=("CVE-2020-2",), expires="2026-01-31"),
        vex("not_affected", ids=(SSL.id,), line=9),
        vex("affected", ids=(SSL.id,), line=11),
        vex("not_affected", products=("other:1",)),
        vex("not_affected", ids=("CVE-2020-3",)),
    )
    assert notes(made) == [
        "f:3: CVE-2022-24999: a fix has come: qs 6.7.3",
        "f:5: CVE-2020-1 takes no finding out",
        "f:7: CVE-2020-2 has expired (2026-01-31)",
        "f:9: CVE-2023-0286 not_affected is contradicted, so nothing is taken out by it",
        "f:11: CVE-2023-0286 affected is contradicted, so nothing is taken out by it",
        "f: 1 statement about other images",
    ]


def test_an_entry_is_idle_that_is_of_use_in_none_of_the_images() -> None:
    one, other = says(line=1, ids=(QS.id,)), says(line=1, ids=("CVE-2020-1",))
    used, unused = judged(one, other), replace(judged(), suppressions=(one, other))
    assert (
        idle([used])
        == idle([used, unused])
        == idle([unused, used])
        == ["f:1: CVE-2020-1 takes no finding out"]
    )
    assert len(idle([unused])) == 2
    assert idle([judged(vex("not_affected", ids=("CVE-2020-3",)))]) == []
