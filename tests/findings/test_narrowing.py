"""Narrowing a report that was narrowed before."""

from hypothesis import given
from msgspec.structs import replace

from findings.test_diff import reports
from findings.test_suppression import QS, SSL, report, says
from hullmark.findings.diff import diff, only_new
from hullmark.findings.narrowing import Known, Narrowing, narrowed
from hullmark.findings.sameness import Flaw, flaw_of
from hullmark.model.advisory import Severity
from hullmark.model.report import Report

LOW = replace(SSL, severity=Severity.LOW)
HIGH = replace(QS, severity=Severity.HIGH)
FIRST = narrowed(report(LOW, HIGH), Narrowing(severities=(Severity.HIGH,)))


def test_what_only_the_severities_hide_counts_for_a_gate() -> None:
    assert [(each.finding.id, each.gated) for each in FIRST.suppressed] == [(LOW.id, True)]


def test_a_statement_is_about_what_the_severities_hide_too() -> None:
    again = narrowed(FIRST, Narrowing(suppressions=(says(ids=(LOW.id,), reason="r"),)))
    assert [(each.finding.id, each.gated, each.by) for each in again.suppressed] == [(LOW.id, False, 0)]
    assert [each.state for each in again.suppressions] == ["used"]


def test_a_filter_is_about_what_the_severities_hide_too() -> None:
    again = narrowed(FIRST, Narrowing(fixable_only=True))
    assert [(each.reason, each.gated) for each in again.suppressed] == [("--fixable-only", False)]


def test_what_is_hidden_stays_so_for_its_first_reason() -> None:
    again = narrowed(FIRST, Narrowing(severities=(Severity.HIGH, Severity.LOW)))
    assert again.suppressed == FIRST.suppressed
    assert again.findings == FIRST.findings


# ── what another report has already ─────────────────────────────────────────────────────────────────────


def gained(one: Report, known: Report) -> set[Flaw]:
    """Give what `--new-since` shows."""
    found = narrowed(one, Narrowing(known=Known("other", (known,)))).findings
    return {flaw_of(finding) for finding in found}


def test_a_flaw_that_was_given_a_cve_is_not_new() -> None:
    early = replace(QS, id="GHSA-hrpp-h998-j3pp", aliases=())
    assert gained(report(QS), report(early)) == set()
    assert gained(report(early), report(QS)) == set()
    assert gained(report(QS), report(replace(early, purl="pkg:npm/other@6.7.0"))) == {flaw_of(QS)}


@given(reports(), reports())
def test_what_is_new_is_what_a_diff_calls_new(before: Report, after: Report) -> None:
    new = only_new(after, diff(before, after)).findings
    assert gained(after, before) == {flaw_of(finding) for finding in new}


def test_a_malicious_package_that_was_there_before_still_counts() -> None:
    attack = replace(QS, kind="malicious", id="MAL-2025-1", aliases=())
    one = report(attack)
    assert narrowed(one, Narrowing(known=Known("other", (one,)))).findings == (attack,)
