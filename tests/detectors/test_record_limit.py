"""`max_records`: as many records of a file are kept as the setting says, and what follows is Unread."""

import pytest

from hullmark.detectors.detector import File, Limits, read_file
from hullmark.detectors.packages.python_requirements import DETECTOR
from hullmark.model.facts import Package, Unread

LINES = b"a==1.0\nb==2.0\nc==3.0\n"


@pytest.mark.parametrize(
    ("most", "kept", "said"),
    [
        (1, ["a"], ["more than 1 records"]),
        (2, ["a", "b"], ["more than 2 records"]),
        (3, ["a", "b", "c"], []),
        (4, ["a", "b", "c"], []),
    ],
)
def test_as_many_as_the_setting_says(most: int, kept: list[str], said: list[str]) -> None:
    facts = read_file(DETECTOR, File("srv/requirements.txt", LINES, limits=Limits(max_records=most))).facts
    assert [fact.name for fact in facts if isinstance(fact, Package)] == kept
    assert [(fact.kind, fact.reason) for fact in facts if isinstance(fact, Unread)] == [
        ("file", reason) for reason in said
    ]
