"""Whose word on a finding's severity counts."""

import itertools

import pytest

from hullmark.findings.severity import SOURCES, severity
from hullmark.model.advisory import Score, Severity
from toys.hits import hit


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


def test_what_a_bundle_says_is_of_the_worst_flaw_in_it() -> None:
    notice = hit("RHSA-1", fixes=["CVE-2021-1000"], level=Severity.CRITICAL, feed="redhat")
    own = hit("CVE-2021-1000", level=Severity.LOW, feed="redhat")
    for hits in ([notice, own], [own, notice]):
        assert severity(hits, [], system=True)[:2] == (Severity.LOW, "redhat")
    assert severity([notice], [], system=True)[:2] == (Severity.CRITICAL, "redhat")
    nvd = Score("nvd", "cvss3", Severity.MEDIUM, "v", 5.0)
    assert severity([notice], [nvd], system=True)[:2] == (Severity.CRITICAL, "redhat")
    scored = hit(
        "RHSA-1", fixes=["CVE-2021-1000"], scores=(Score("redhat", "level", Severity.HIGH),), feed="redhat"
    )
    assert severity([scored, own], [], system=True)[0] is Severity.LOW


def test_of_one_source_its_own_word_counts_then_the_newest_cvss() -> None:
    """Ubuntu's record on CVE-2014-9913 says `negligible` beside a vector of 4.0."""
    vector = Score("ubuntu", "cvss3", Severity.MEDIUM, "v", 4.0)
    word = Score("ubuntu", "level", Severity.NEGLIGIBLE)
    said = hit("CVE-2014-9913", scores=(vector, word), feed="ubuntu")
    assert severity([said], [], system=True) == (Severity.NEGLIGIBLE, "ubuntu", (vector, word))
    on_release = hit("CVE-2014-9913", scores=(vector,), level=Severity.LOW, feed="ubuntu")
    assert severity([on_release], [], system=True)[:2] == (Severity.LOW, "ubuntu")
    second = Score("nvd", "cvss2", Severity.HIGH, "v", 7.5)
    third = Score("nvd", "cvss3", Severity.MEDIUM, "v", 5.3)
    fourth = Score("nvd", "cvss4", Severity.LOW, "v", 2.1)
    bare = hit("CVE-2014-9913", feed="osv")
    assert severity([bare], [second, third], system=False)[:2] == (Severity.MEDIUM, "nvd")
    assert severity([bare], [fourth, second, third], system=False)[:2] == (Severity.LOW, "nvd")
    # Of several sources of the same rank the worst one's word counts.
    others = hit(
        "CVE-2014-9913", scores=(Score("one", level=Severity.LOW), Score("two", "cvss2", Severity.HIGH))
    )
    assert severity([others], [], system=False)[:2] == (Severity.HIGH, "two")


def test_what_a_publisher_says_of_this_package_counts_before_the_whole_flaw() -> None:
    """Red Hat rates each product apart; its document's own word is that of the worst."""
    whole = Score("redhat", "level", Severity.HIGH)
    rated = hit("CVE-2024-2000", scores=(whole,), level=Severity.LOW, feed="redhat")
    assert severity([rated], [], system=True) == (Severity.LOW, "redhat", (whole,))
    unrated = hit("CVE-2024-2000", scores=(whole,), feed="redhat")
    assert severity([unrated], [], system=True)[0] is Severity.HIGH


def test_every_score_is_kept() -> None:
    scores = [Score("nvd", "cvss3", Severity.HIGH, "v", 7.0), Score("ghsa", "cvss4", Severity.LOW, "w", 2.0)]
    one = hit("CVE-2021-1000", scores=(scores[0],))
    assert severity([one, one], scores, system=False)[2] == (scores[1], scores[0])


WORDS = {
    "ghsa": Score("ghsa", "cvss3", Severity.HIGH, "v", 7.5),
    "ecosystem": Score("pypa", "cvss3", Severity.MEDIUM, "v", 5.0),
    "cna": Score("cna:apache", "cvss3", Severity.LOW, "v", 3.0),
    "adp": Score("cisa-adp", "cvss3", Severity.NEGLIGIBLE, "v", 0.0),
    "nvd": Score("nvd", "cvss3", Severity.CRITICAL, "v", 9.8),
}


@pytest.mark.parametrize("system", [False, True])
def test_the_order_of_sources_can_be_changed(*, system: bool) -> None:
    one = hit(
        "CVE-2021-1000", scores=tuple(WORDS.values()), level=Severity.LOW if system else Severity.UNKNOWN
    )
    said = {name: score.source for name, score in WORDS.items()} | ({"vendor": "debian"} if system else {})
    every = severity([one], [], system=system)[2]
    for first in itertools.chain(
        [()], itertools.permutations(SOURCES, 1), itertools.permutations(SOURCES, 2)
    ):
        level, source, kept = severity([one], [], system=system, first=first)
        order = [name for name in (*first, *SOURCES) if name in said]
        assert source == said[order[0]], f"{first}: what is left out follows in the usual order"
        assert level == (Severity.LOW if source == "debian" else WORDS[order[0]].level)
        assert kept == every, "whichever counts, all are kept"


def test_a_source_that_says_nothing_is_passed_over() -> None:
    unknown = Score("nvd", "level", Severity.UNKNOWN)
    one = hit("CVE-2021-1000", scores=(WORDS["ecosystem"], unknown))
    assert severity([one], [], system=False, first=("nvd", "cna"))[:2] == (Severity.MEDIUM, "pypa")
    assert severity([hit("CVE-2021-1000", scores=(unknown,))], [], system=True)[:2] == (Severity.UNKNOWN, "")


def test_what_a_catalogue_has_a_record_on_is_still_the_catalogues_word() -> None:
    program = hit("CVE-2021-1000", scores=(WORDS["nvd"],), feed="nvd")
    assert severity([program], [WORDS["cna"]], system=False)[1] == "cna:apache"
    assert severity([program], [WORDS["cna"]], system=False, first=("nvd",))[1] == "nvd"
