"""The time of a part's newest record is a whole one, in whatever form its publisher writes times."""

from pathlib import Path

import pytest

from toys.feed import advisory, affected, built


@pytest.mark.parametrize(
    ("published", "told"),
    [
        ("2026-07-13T05:51:18.123456Z", "2026-07-13T05:51:18Z"),  # OSV
        ("2026-07-13T05:51:18.310", "2026-07-13T05:51:18Z"),  # NVD
        ("2026-07-13T05:51:18+02:00", "2026-07-13T03:51:18Z"),  # Red Hat
        ("2026-07-13T05:51:18Z", "2026-07-13T05:51:18Z"),
        ("2026-07-13", "2026-07-13"),
        ("", ""),
        ("9999-99-99T05:51:18Z", ""),
        ("0001-01-01T00:00:00+14:00", ""),
        ("13.07.2026", ""),
        ("13.07.2026 ca.", ""),
    ],
)
def test_the_newest_record_has_a_whole_time(tmp_path: Path, published: str, told: str) -> None:
    assert built(tmp_path, advisory("A", affected("x"), modified=published)).parts["toy-pypi"].newest == told
