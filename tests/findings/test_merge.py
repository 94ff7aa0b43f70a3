"""One flaw is one finding: ids merged, bundles attached, never two CVEs glued together."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from hullmark.advisories.database import More, Statement
from hullmark.findings.merge import Flaw, Hit, flaw_ids, merge, severity
from hullmark.model.advisory import Advisory, Score, Severity, State


def hit(
    name: str,
    *,
    aliases: Sequence[str] = (),
    fixes: Sequence[str] = (),
    fixed: str = "2",
    state: State = "affected",
    scope: str = "source",
    undecided: bool = False,
    scores: tuple[Score, ...] = (),
    level: Severity = Severity.UNKNOWN,
    feed: str = "debian",
    more: More | None = None,
) -> Hit:
    advisory = Advisory(
        id=name, aliases=tuple(aliases), bundle=bool(fixes), fixes=tuple(fixes), scores=scores
    )
    statement = Statement(
        "debian-12",
        1,
        name,
        bool(fixes),
        scope,
        state,
        undecided,
        "",
        fixed,
        "",
        level,
        more or More(),
        False,
    )
    return Hit(statement, advisory, feed, "x.1", "deb", "1")


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


def test_a_bundle_without_cve_is_its_own_finding() -> None:
    found = merged(hit("DSA-9-1", fixes=["DSA-9-1"]))
    assert found["DSA-9-1"].bundle_only


def test_the_vendors_word_on_the_binary_package_counts_more() -> None:
    assert merged(hit("CVE-2021-1000"), hit("CVE-2021-1000", scope="binary", state="not_affected")) == {}
    assert merged(hit("CVE-2021-1000", state="not_affected")) == {}
    affected = merged(hit("CVE-2021-1000", state="not_affected"), hit("CVE-2021-1000", scope="binary"))
    assert set(affected) == {"CVE-2021-1000"}


def test_states() -> None:
    assert merged(hit("CVE-2021-1000"))["CVE-2021-1000"].state == "fixed_available"
    assert merged(hit("CVE-2021-1000", fixed=""))["CVE-2021-1000"].state == "affected"
    assert (
        merged(hit("CVE-2021-1000", fixed="", state="will_not_fix"))["CVE-2021-1000"].state == "will_not_fix"
    )
    assert merged(hit("CVE-2021-1000", undecided=True))["CVE-2021-1000"].state == "undecided"
    paid = hit("CVE-2021-1000", more=More(repositories=("esm-infra",)))
    assert merged(paid)["CVE-2021-1000"].fixed_version == ""


def test_the_fix_is_the_one_that_has_all_of_it() -> None:
    assert (
        merged(hit("CVE-2021-1000", fixed="2"), hit("CVE-2021-1000", fixed="3"))[
            "CVE-2021-1000"
        ].fixed_version
        == "3"
    )


NAMES = st.sampled_from(
    [f"CVE-2021-{n}" for n in range(1000, 1006)]
    + [f"GHSA-aaaa-bbbb-ccc{n}" for n in range(4)]
    + ["GO-1", "GO-2"]
)


@given(st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=4), st.booleans()), max_size=8))
def test_no_two_cves_are_glued_and_none_is_lost(records: list[tuple[str, list[str], bool]]) -> None:
    hits = [
        hit(name, aliases=[] if bundle else others, fixes=others if bundle else [])
        for name, others, bundle in records
    ]
    found = merged(*hits)
    expected = {flaw for one in hits for flaw in flaw_ids(one.advisory) if flaw.startswith("CVE-")}
    assert {name for name in found if name.startswith("CVE-")} == expected
    for name, flaw in found.items():
        for one in flaw.hits:
            cves = {flaw_id for flaw_id in flaw_ids(one.advisory) if flaw_id.startswith("CVE-")}
            assert not name.startswith("CVE-") or not cves or name in cves


def test_whose_severity_counts() -> None:
    nvd = Score("nvd", "cvss3", Severity.CRITICAL, "v", 9.8)
    cna = Score("cna:apache", "cvss3", Severity.HIGH, "v", 7.5)
    adp = Score("cisa-adp", "cvss3", Severity.LOW, "v", 3.0)
    ghsa = Score("ghsa", "cvss3", Severity.MEDIUM, "v", 5.0)
    distribution = hit("CVE-2021-1000", level=Severity.LOW)
    assert severity([distribution], [nvd, cna, ghsa], system=True)[:2] == (Severity.LOW, "debian")
    library = hit("CVE-2021-1000", feed="osv")
    assert severity([library], [nvd, cna, adp, ghsa], system=False)[:2] == (Severity.MEDIUM, "ghsa")
    assert severity([library], [nvd, cna, adp], system=False)[:2] == (Severity.HIGH, "cna:apache")
    assert severity([library], [nvd, adp], system=False)[:2] == (Severity.LOW, "cisa-adp")
    assert severity([library], [nvd], system=False)[:2] == (Severity.CRITICAL, "nvd")
    assert severity([library], [], system=False)[0] is Severity.UNKNOWN
