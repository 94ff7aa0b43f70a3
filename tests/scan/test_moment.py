"""The time that a report is made for."""

import pytest

from hullmark.model.errors import UsageError
from hullmark.scan.moment import moment


@pytest.mark.parametrize(
    ("told", "epoch", "expected"),
    [
        ("2026-01-31", "", "2026-01-31T00:00:00Z"),
        ("2026-01-31T12:00:00.5+02:00", "1", "2026-01-31T10:00:00Z"),
        ("0999-01-31T12:00:00Z", "", "0999-01-31T12:00:00Z"),
        ("9999-12-31T23:59:59Z", "", "9999-12-31T23:59:59Z"),
        ("", "0", "1970-01-01T00:00:00Z"),
        ("", "1767225600", "2026-01-01T00:00:00Z"),
        ("", "253402300799", "9999-12-31T23:59:59Z"),
    ],
)
def test_told_times(monkeypatch: pytest.MonkeyPatch, told: str, epoch: str, expected: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert moment(told) == expected


@pytest.mark.parametrize(
    ("told", "epoch"),
    [
        ("yesterday", ""),
        ("9999-12-31T23:59:59-23:00", ""),
        ("0001-01-01T00:00:00+23:00", ""),
        ("", "253402300800"),
        ("", "9" * 30),
        ("", "9" * 5000),
        ("", "-1"),
        ("", "²"),
        ("", "soon"),
    ],
)
def test_what_is_no_time(monkeypatch: pytest.MonkeyPatch, told: str, epoch: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(UsageError, match="is no time in the years 1 to 9999") as problem:
        moment(told)
    assert ("SOURCE_DATE_EPOCH" in str(problem.value)) == (not told)
    assert len(str(problem.value)) < 250
