"""Narrowing a report that was narrowed before."""

from msgspec.structs import replace

from findings.test_suppression import QS, SSL, report, says
from hullmark.findings.narrowing import Narrowing, narrowed
from hullmark.model.advisory import Severity

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
