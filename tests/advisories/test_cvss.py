"""CVSS: base scores of every version, computed from the vector."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import GOLDEN
from hullmark.advisories._formats.cvss import level, score, told
from hullmark.model.advisory import Score, Severity

REFERENCE = [
    (vector, float(value))
    for vector, value in (
        line.split("\t")
        for line in (Path(__file__).parent / "cvss.tsv").read_text().splitlines()
        if not line.startswith("#")
    )
]
LATER = {
    "CVSS:4": ["E:U", "E:P/CR:L/IR:L/AR:L", "MAV:P/MVC:N", "S:P/AU:Y/R:I/V:C/RE:H/U:Red", "E:X/CR:X/MAV:X"],
    "CVSS:3": ["E:U/RL:O/RC:U", "CR:L/IR:L/AR:L", "MAV:P/MC:N", "E:X/RL:X/RC:X"],
    "AV": ["E:U/RL:OF/RC:UC", "CDP:L/TD:L/CR:L/IR:L/AR:L"],
}
"""Metrics of a later time or of one's own environment, by what the vectors begin with."""


def rated(vector: str) -> Score:
    found = score("nvd", vector)
    assert found is not None, vector
    assert (found.source, found.vector) == ("nvd", vector)
    return found


def test_another_implementation_says_the_same() -> None:
    assert {vector[:8] for vector, _ in REFERENCE if vector[:4] == "CVSS"} == {
        "CVSS:3.0",
        "CVSS:3.1",
        "CVSS:4.0",
    }
    assert {vector: rated(vector).value for vector, _ in REFERENCE} == dict(REFERENCE)


def published(content: Any) -> Iterator[tuple[str, float]]:
    """Give the vectors that stand beside their scores in a publisher's document."""
    if isinstance(content, dict):
        vector = content.get("vectorString")
        value = content.get("baseScore", content.get("score"))
        if isinstance(vector, str) and isinstance(value, int | float):
            yield vector, value
        content = list(content.values())
    for item in content if isinstance(content, list) else ():
        yield from published(item)


def test_publishers_say_the_same() -> None:
    found = set()
    for feed in ("ghsa", "nvd", "redhat", "cvelist"):
        for path in (GOLDEN / "feeds" / feed).rglob("*.json"):
            with contextlib.suppress(ValueError):  # some are broken on purpose
                found |= set(published(json.loads(path.read_bytes())))
    known = {(vector, value) for vector, value in found if score("", vector) is not None}
    assert len(known) > 15
    assert {(vector, rated(vector).value) for vector, _ in known} == known


@pytest.mark.parametrize("version", LATER)
def test_only_base_metrics_count(version: str) -> None:
    """A CVE's record says 4.8 of the first, with `E:P` (CVE-2020-36855)."""
    base = "CVSS:4.0/AV:L/AC:L/AT:N/PR:L/UI:N/VC:L/VI:L/VA:L/SC:N/SI:N/SA:N"
    assert rated(f"{base}/E:P").value == rated(base).value == 4.8
    for (vector, value), more in itertools.product(REFERENCE[::7], LATER[version]):
        if vector.startswith(version):
            assert rated(f"{vector}/{more}").value == value


def test_levels_are_the_specifications_words() -> None:
    for value, word in (
        (10.0, "critical"),
        (9.0, "critical"),
        (8.9, "high"),
        (7.0, "high"),
        (6.9, "medium"),
        (4.0, "medium"),
        (3.9, "low"),
        (0.1, "low"),
        (0.0, "negligible"),
    ):
        assert level(value) == word
    assert [level(value, version=2) for value in (10.0, 7.0, 6.9, 4.0, 3.9, 0.0)] == [
        "high",
        "high",
        "medium",
        "medium",
        "low",
        "low",
    ]
    for vector, value in REFERENCE:
        version = 3 if vector.startswith("CVSS") else 2
        assert rated(vector).level == level(value, version=version)


def test_forms_of_vectors() -> None:
    plain = "AV:N/AC:L/Au:N/C:P/I:P/A:P"
    assert {rated(text).value for text in (plain, f"({plain})", f"CVSS:2.0/{plain}")} == {7.5}
    found = score("x", " CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\n")
    assert found == Score(
        "x", "cvss3", Severity.CRITICAL, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8
    )


@pytest.mark.parametrize(
    "vector",
    [
        "",
        "high",
        "9.8",
        "CVSS:5.0/AV:N",
        "CVSS:3.1/AV:N/AC:L",
        "CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:Q",
    ],
)
def test_what_is_no_vector_says_nothing(vector: str) -> None:
    assert score("x", vector) is None
    assert told("x", "cvss3", vector, 7.2) == Score("x", "cvss3", Severity.HIGH, vector, 7.2)


def test_the_vector_counts_before_the_number_beside_it() -> None:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    assert told("x", "cvss3", vector, 9.1).value == 9.8


@given(st.text(max_size=60) | st.sampled_from(REFERENCE).map(lambda row: row[0][:-1]))
def test_any_text(text: str) -> None:
    found = score("x", text)
    assert found is None or (found.value is not None and 0 <= found.value <= 10)
