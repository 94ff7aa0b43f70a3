"""One flaw is one finding: ids merged, bundles attached, never two CVEs glued together."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from hullmark.advisories.statements import More
from hullmark.findings.merge import Flaw, Hit, evidence, flaw_ids, merge
from hullmark.model.advisory import Advisory, State
from toys.hits import hit


def merged(*hits: Hit, spoken: frozenset[str] = frozenset()) -> dict[str, Flaw]:
    found = merge(hits, lambda _statement, flaw: flaw in spoken, lambda text: text.encode())
    assert len({flaw.id for flaw in found}) == len(found)
    return {flaw.id: flaw for flaw in found}


def test_ids_of_one_flaw_are_one_finding() -> None:
    found = merged(
        hit("PYSEC-2021-1", aliases=["CVE-2021-1000", "GHSA-aaaa-bbbb-cccc"]),
        hit("GHSA-aaaa-bbbb-cccc", aliases=[]),
        hit("CVE-2021-1000"),
    )
    assert set(found) == {"CVE-2021-1000"}
    assert found["CVE-2021-1000"].aliases == ("GHSA-aaaa-bbbb-cccc", "PYSEC-2021-1")


def test_aliases_are_followed_in_any_order_and_over_several_steps() -> None:
    chain = (
        hit("PYSEC-2021-1", aliases=["GHSA-aaaa-bbbb-cccc"]),
        hit("GHSA-aaaa-bbbb-cccc", aliases=["GO-2021-1"]),
        hit("GO-2021-1", aliases=["OTHER-1"]),
        hit("OTHER-1", aliases=["CVE-2021-1000"]),
    )
    for hits in itertools.permutations(chain):
        found = merged(*hits)
        assert set(found) == {"CVE-2021-1000"}
        assert found["CVE-2021-1000"].aliases == (
            "GHSA-aaaa-bbbb-cccc",
            "GO-2021-1",
            "OTHER-1",
            "PYSEC-2021-1",
        )
        assert len(found["CVE-2021-1000"].hits) == 4
    for hits in itertools.permutations(chain[:3]):
        assert set(merged(*hits)) == {"GHSA-aaaa-bbbb-cccc"}, "no CVE is known, so the GHSA names it"
    assert set(merged(hit("B-1", aliases=["A-1"]), hit("A-1"))) == {"A-1"}
    assert set(merged(hit("B-1", aliases=["Z-1"]), hit("C-1", aliases=["Z-1"]))) == {"B-1"}


def test_ids_without_cve() -> None:
    assert set(merged(hit("GHSA-aaaa-bbbb-cccc", aliases=["PYSEC-2021-1"]))) == {"GHSA-aaaa-bbbb-cccc"}
    assert set(merged(hit("PYSEC-2021-1", aliases=["GHSA-aaaa-bbbb-cccc"]))) == {"GHSA-aaaa-bbbb-cccc"}
    found = merged(hit("GHSA-aaaa-bbbb-cccc", aliases=["PYSEC-2021-1"]), hit("PYSEC-2021-1"))
    assert found["GHSA-aaaa-bbbb-cccc"].aliases == ("PYSEC-2021-1",)
    assert set(merged(hit("RUSTSEC-2021-1"), hit("RUSTSEC-2021-2"))) == {"RUSTSEC-2021-1", "RUSTSEC-2021-2"}


def test_one_record_of_two_cves_is_two_findings() -> None:
    found = merged(
        hit("GHSA-aaaa-bbbb-cccc", aliases=["CVE-2021-1000", "CVE-2021-1001"]),
        hit("CVE-2021-1000", fixed="5"),
        hit("PYSEC-2021-1", aliases=["GHSA-aaaa-bbbb-cccc"], fixed="6"),
    )
    assert set(found) == {"CVE-2021-1000", "CVE-2021-1001"}
    assert (found["CVE-2021-1000"].fixed_version, found["CVE-2021-1001"].fixed_version) == ("6", "6")
    for flaw in found.values():
        assert flaw.aliases == ("GHSA-aaaa-bbbb-cccc", "PYSEC-2021-1")


def test_the_nearest_cve_is_meant() -> None:
    """A wrong alias somewhere must not draw in what is said of a flaw directly."""
    found = merged(
        hit("PYSEC-2021-1", aliases=["CVE-2021-1000", "GHSA-aaaa-bbbb-cccc"]),
        hit("PYSEC-2021-2", aliases=["CVE-2021-1001", "GHSA-aaaa-bbbb-cccc"]),
        hit("GO-1", aliases=["PYSEC-2021-1"]),
    )
    assert {one.advisory.id for one in found["CVE-2021-1001"].hits} == {"PYSEC-2021-2"}
    assert {one.advisory.id for one in found["CVE-2021-1000"].hits} == {"PYSEC-2021-1", "GO-1"}


def test_a_bundle_may_fix_what_has_no_cve() -> None:
    found = merged(
        hit("DSA-1-1", fixes=["CVE-2021-1000", "GHSA-aaaa-bbbb-cccc", "TEMP-1"]),
        hit("GHSA-aaaa-bbbb-cccc", aliases=["CVE-2021-1001"]),
    )
    assert set(found) == {"CVE-2021-1000", "CVE-2021-1001", "TEMP-1"}
    for flaw in found.values():
        assert [bundle.id for bundle in flaw.bundles] == ["DSA-1-1"]


def test_a_bundle_is_a_finding_for_each_of_its_flaws() -> None:
    found = merged(hit("DSA-1-1", fixes=["CVE-2021-1000", "CVE-2021-1001"]))
    assert set(found) == {"CVE-2021-1000", "CVE-2021-1001"}
    assert found["CVE-2021-1000"].bundles[0].id == "DSA-1-1"
    assert not found["CVE-2021-1000"].bundle_only


def test_a_record_of_its_own_decides_over_the_bundle() -> None:
    bundle = hit("DSA-1-1", fixes=["CVE-2021-1000", "CVE-2021-1001"])
    found = merged(bundle, spoken=frozenset({"CVE-2021-1000"}))
    assert set(found) == {"CVE-2021-1001"}, "the tracker's own record says that this version is fixed"
    both = merged(bundle, hit("CVE-2021-1000", fixed="3"), spoken=frozenset({"CVE-2021-1000"}))
    assert both["CVE-2021-1000"].fixed_version == "3"
    assert both["CVE-2021-1000"].bundles[0].id == "DSA-1-1"


def test_an_undecided_fix_that_is_no_step_ahead_is_no_fix() -> None:
    assert merged(hit("CVE-2021-1000", fixed="0.9", undecided=True))["CVE-2021-1000"].fixed_version == ""
    assert merged(hit("CVE-2021-1000", fixed="1.1", undecided=True))["CVE-2021-1000"].fixed_version == "1.1"


def test_a_bundle_that_does_not_hold_for_the_package_is_not_attached() -> None:
    fixing = hit("DSA-222", fixes=["CVE-2002-1384"])
    sparing = hit("DSA-226", fixes=["CVE-2002-1384"], state="not_affected", fixed="")
    flaw = merged(fixing, sparing)["CVE-2002-1384"]
    assert [bundle.id for bundle in flaw.bundles] == ["DSA-222"]
    assert flaw.hits == (fixing,)


def test_a_bundle_without_cve_is_its_own_finding() -> None:
    found = merged(hit("DSA-9-1", fixes=["DSA-9-1"]))
    assert found["DSA-9-1"].bundle_only


def test_the_vendors_word_on_the_binary_package_counts_more() -> None:
    assert merged(hit("CVE-2021-1000"), hit("CVE-2021-1000", scope="binary", state="not_affected")) == {}
    assert merged(hit("CVE-2021-1000", state="not_affected")) == {}
    affected = merged(hit("CVE-2021-1000", state="not_affected"), hit("CVE-2021-1000", scope="binary"))
    assert set(affected) == {"CVE-2021-1000"}
    exact = merged(hit("CVE-2021-1000", fixed="3"), hit("CVE-2021-1000", fixed="2", scope="binary"))
    assert exact["CVE-2021-1000"].fixed_version == "2"
    refused = merged(
        hit("CVE-2021-1000", fixed="3"), hit("CVE-2021-1000", fixed="", scope="binary", state="will_not_fix")
    )
    assert refused["CVE-2021-1000"].state == "will_not_fix"


def test_a_binary_statement_that_is_not_sure_to_hold_decides_nothing() -> None:
    unsure = hit("CVE-2021-1000", scope="binary", state="not_affected", undecided=True)
    found = merged(hit("CVE-2021-1000"), unsure)
    assert found["CVE-2021-1000"].state == "fixed_available"
    both = merged(hit("CVE-2021-1000", undecided=True, fixed=""), unsure)
    assert both["CVE-2021-1000"].state == "undecided"
    vague = hit("CVE-2021-1000", scope="binary", undecided=True, fixed="")
    assert merged(hit("CVE-2021-1000", fixed="7"), vague)["CVE-2021-1000"].fixed_version == "7"


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["affected", "will_not_fix", "end_of_life", "under_investigation"]),
            st.sampled_from(["source", "binary"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_undecided_is_never_not_affected(said: list[tuple[State, str, bool]]) -> None:
    found = merged(
        *(
            hit("CVE-2021-1000", state=state, scope=scope, undecided=undecided)
            for state, scope, undecided in said
        )
    )
    assert set(found) == {"CVE-2021-1000"}
    if all(undecided for _, _, undecided in said):
        assert found["CVE-2021-1000"].state == "undecided"


def test_states() -> None:
    assert merged(hit("CVE-2021-1000"))["CVE-2021-1000"].state == "fixed_available"
    assert merged(hit("CVE-2021-1000", fixed=""))["CVE-2021-1000"].state == "affected"
    assert (
        merged(hit("CVE-2021-1000", fixed="", state="will_not_fix"))["CVE-2021-1000"].state == "will_not_fix"
    )
    assert merged(hit("CVE-2021-1000", undecided=True))["CVE-2021-1000"].state == "undecided"
    ended = merged(hit("CVE-2021-1000", fixed="", state="end_of_life"))
    assert ended["CVE-2021-1000"].state == "end_of_life"
    assert merged(hit("CVE-2021-1000", fixed="", state="under_investigation"))["CVE-2021-1000"].state == (
        "under_investigation"
    )
    paid = hit("CVE-2021-1000", more=More(repositories=("esm-infra",)))
    assert merged(paid)["CVE-2021-1000"].fixed_version == ""


def test_why_there_is_no_fix_is_more_exact_than_that_there_is_none() -> None:
    """Ubuntu's OSV documents say affected, its VEX what becomes of it."""
    states: tuple[State, ...] = ("will_not_fix", "end_of_life", "under_investigation")
    for state in states:
        said = (hit("CVE-2021-1000", fixed=""), hit("CVE-2021-1000", fixed="", state=state))
        for hits in (said, said[::-1]):
            assert merged(*hits)["CVE-2021-1000"].state == state
        unsure = hit("CVE-2021-1000", fixed="", state=state, undecided=True)
        assert merged(hit("CVE-2021-1000", fixed=""), unsure)["CVE-2021-1000"].state == "affected"
        assert merged(hit("CVE-2021-1000"), said[1])["CVE-2021-1000"].state == "fixed_available"
    ended = hit("CVE-2021-1000", fixed="", state="end_of_life")
    esm = hit("CVE-2021-1000", fixed="", more=More(repositories=("esm-infra",)))
    assert merged(ended, esm)["CVE-2021-1000"].state == "end_of_life"
    on_pro = [each._replace(compared="1-1ubuntu0.1+esm2") for each in (ended, esm)]
    assert merged(*on_pro)["CVE-2021-1000"].state == "affected", "who has Ubuntu Pro is not past the end"


def test_the_fix_is_the_one_that_has_all_of_it() -> None:
    assert (
        merged(hit("CVE-2021-1000", fixed="2"), hit("CVE-2021-1000", fixed="3"))[
            "CVE-2021-1000"
        ].fixed_version
        == "3"
    )


def test_a_fix_that_cannot_be_ordered_gives_way_to_one_that_can() -> None:
    def key(text: str) -> bytes | None:
        return None if text == "odd" else text.encode()

    hits = (
        hit("CVE-2021-1000", fixed="odd"),
        hit("CVE-2021-1000", fixed="3"),
        hit("CVE-2021-1000", fixed="2"),
    )
    for order in itertools.permutations(hits):
        (flaw,) = merge(order, lambda *_: False, key)
        assert flaw.fixed_version == "3"
    (alone,) = merge(hits[:1], lambda *_: False, key)
    assert alone.fixed_version == "odd"


NAMES = st.sampled_from(
    [f"CVE-2021-{n}" for n in range(1000, 1006)]
    + [f"GHSA-aaaa-bbbb-ccc{n}" for n in range(4)]
    + ["GO-1", "GO-2"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=4), st.booleans()), max_size=8))
def test_no_two_cves_are_glued_and_none_is_lost(records: list[tuple[str, list[str], bool]]) -> None:
    hits = [
        hit(name, aliases=[] if bundle else others, fixes=others if bundle else [])
        for name, others, bundle in records
    ]
    found = merged(*hits)
    expected = {flaw for one in hits for flaw in flaw_ids(one.advisory) if flaw.startswith("CVE-")}
    assert {name for name in found if name.startswith("CVE-")} == expected
    assert {one.advisory.id for flaw in found.values() for one in flaw.hits} == {
        one.advisory.id for one in hits
    }
    for name, flaw in found.items():
        assert not any(alias.startswith("CVE-") for alias in flaw.aliases)
        for one in flaw.hits:
            if one.advisory.bundle:
                continue  # which fixes what it says by any of its flaws' names
            cves = {flaw_id for flaw_id in flaw_ids(one.advisory) if flaw_id.startswith("CVE-")}
            assert not name.startswith("CVE-") or not cves or name in cves


# ---- malicious packages ----


DEBUG = (
    # npm's debug 4.4.2, as OpenSSF, GitHub and the CVE's own record have it.
    hit("MAL-2025-46974", aliases=["GHSA-8mgj-vmr8-frr6", "GHSA-4x49-vf9v-38px"], malicious=True),
    hit("GHSA-4x49-vf9v-38px", aliases=["CVE-2025-59144"], malicious=True, fixed="4.4.3"),
    hit("CVE-2025-59144", fixed="4.4.3"),
)


def test_a_malicious_package_stays_apart_from_the_cve_that_it_has() -> None:
    for hits in itertools.permutations(DEBUG):
        found = merged(*hits)
        assert set(found) == {"CVE-2025-59144", "GHSA-4x49-vf9v-38px"}
        attack, flaw = found["GHSA-4x49-vf9v-38px"], found["CVE-2025-59144"]
        assert attack.malicious
        assert attack.aliases == ("GHSA-8mgj-vmr8-frr6", "MAL-2025-46974")
        assert {one.advisory.id for one in attack.hits} == {"MAL-2025-46974", "GHSA-4x49-vf9v-38px"}
        assert not flaw.malicious
        assert {one.advisory.id for one in flaw.hits} == {"CVE-2025-59144"}
        assert flaw.fixed_version == "4.4.3"


def test_a_later_version_is_no_fix_for_a_malicious_package() -> None:
    attack = merged(hit("MAL-1", malicious=True, fixed="3"))["MAL-1"]
    assert (attack.fixed_version, attack.state) == ("", "affected")
    assert evidence(attack.hits[0]).range == "< 3", "which versions it is in is still told"
    assert merged(hit("MAL-1", malicious=True, undecided=True))["MAL-1"].state == "undecided"


def test_no_way_over_aliases_leads_from_a_malicious_package_to_a_cve() -> None:
    chain = (
        hit("MAL-1", aliases=["GHSA-aaaa-bbbb-cccc"], malicious=True),
        hit("PYSEC-1", aliases=["GHSA-aaaa-bbbb-cccc"]),
        hit("OTHER-1", aliases=["PYSEC-1"]),
        hit("OTHER-2", aliases=["OTHER-1", "CVE-2021-1000"]),
        hit("OTHER-3", aliases=["OTHER-2"]),
    )
    for hits in itertools.permutations(chain):
        found = merged(*hits)
        assert {name: {one.advisory.id for one in flaw.hits} for name, flaw in found.items()} == {
            "GHSA-aaaa-bbbb-cccc": {"MAL-1", "PYSEC-1", "OTHER-1"},
            "CVE-2021-1000": {"OTHER-2", "OTHER-3"},
        }
        assert found["GHSA-aaaa-bbbb-cccc"].malicious
        assert not found["CVE-2021-1000"].malicious


def test_nobodys_denial_takes_a_malicious_package_away() -> None:
    attack = hit("MAL-1", aliases=["GHSA-aaaa-bbbb-cccc"], malicious=True)
    denials = [
        hit("GHSA-aaaa-bbbb-cccc", state="not_affected", scope=scope, fixed="")
        for scope in ("source", "binary")
    ]
    assert set(merged(attack, *denials)) == {"GHSA-aaaa-bbbb-cccc"}
    binary = hit("MAL-1", malicious=True, scope="binary")
    assert set(merged(binary, hit("MAL-1", malicious=True, state="not_affected", scope="binary"))) == {
        "MAL-1"
    }
    assert merged(hit("MAL-1", malicious=True, state="not_affected")) == {}


def test_what_a_bundle_fixes_is_not_malicious_for_that() -> None:
    found = merged(hit("DSA-1", fixes=["CVE-2021-1000", "MAL-1"], malicious=True))
    assert [flaw.malicious for flaw in found.values()] == [False, False]
    both = merged(hit("DSA-1", fixes=["CVE-2021-1000", "MAL-1"]), hit("MAL-1", malicious=True))
    assert [name for name, flaw in both.items() if flaw.malicious] == ["MAL-1"]
    assert [bundle.id for bundle in both["MAL-1"].bundles] == ["DSA-1"]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(NAMES, st.lists(NAMES, max_size=4), st.sampled_from(["", "bundle", "attack"])), max_size=8
    )
)
def test_malicious_packages_and_flaws_never_meet(records: list[tuple[str, list[str], str]]) -> None:
    hits = [
        hit(
            name,
            aliases=[] if kind == "bundle" else others,
            fixes=others if kind == "bundle" else [],
            malicious=kind == "attack",
        )
        for name, others, kind in records
    ]
    found = merged(*hits)
    assert {one.advisory.id for flaw in found.values() for one in flaw.hits} == {
        one.advisory.id for one in hits
    }
    for name, flaw in found.items():
        attacks = [one.advisory for one in flaw.hits if one.advisory.malicious and not one.advisory.bundle]
        assert flaw.malicious == bool(attacks)
        for advisory in attacks if name.startswith("CVE-") else ():
            assert all(other.startswith("CVE-") for other in (advisory.id, *advisory.aliases))
        if not name.startswith("CVE-") and flaw.malicious:
            for one in flaw.hits:
                cves = [each for each in (one.advisory.id, *one.advisory.aliases) if each.startswith("CVE-")]
                assert one.advisory.malicious or one.advisory.bundle or not cves
    for one in hits:
        if not one.advisory.malicious and not one.advisory.bundle:
            assert {each for each in flaw_ids(one.advisory) if each.startswith("CVE-")} <= set(found)


def test_flaw_ids() -> None:
    assert flaw_ids(Advisory(id="X", aliases=("CVE-2021-1001", "CVE-2021-1000", "CVE-2021-1000"))) == [
        "CVE-2021-1000",
        "CVE-2021-1001",
    ]
    assert flaw_ids(Advisory(id="X", aliases=("CVE-2021-99", "cve-2021-1000"))) == ["X"], (
        "neither is a CVE's id"
    )
    assert flaw_ids(Advisory(id="B", bundle=True)) == ["B"]
    assert flaw_ids(Advisory(id="B", bundle=True, aliases=("CVE-2021-1000",))) == ["B"]


def test_evidence_says_the_range_as_published() -> None:
    def told(**parts: object) -> str:
        one = hit("CVE-2021-1000")
        whole = {"introduced": "", "fixed": "", "last_affected": "", **parts}
        return evidence(one._replace(statement=one.statement._replace(**whole))).range  # type: ignore[arg-type]

    assert told() == "all versions"
    assert told(introduced="1") == ">= 1"
    assert told(introduced="1", fixed="2") == ">= 1, < 2"
    assert told(last_affected="2") == "<= 2"
    assert told(by_list=True) == "listed versions"
