"""The benchmark of the formats: what it writes into the results, and the report that it measures."""

import sys
from pathlib import Path

import pytest

from toys.bench import bench

run, reports, large_report = bench("run"), bench("reports"), bench("large_report")


def test_a_section_takes_the_place_of_its_like_and_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "HERE", tmp_path)
    page = tmp_path / "RESULTS.md"
    page.write_text("# Results\n\ntext\n\n## One\n\nold\n\n## Two\n\nkept\n")
    run.put_section("One", "new\n")
    assert page.read_text() == "# Results\n\ntext\n\n## One\n\nnew\n\n## Two\n\nkept\n"
    run.put_section("Three", "more\n")
    assert page.read_text().endswith("## Two\n\nkept\n\n## Three\n\nmore\n")


def test_every_format_is_measured_and_held_to_its_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "PACKAGES", 20)
    monkeypatch.setattr(reports, "FINDINGS", 10)
    found = reports.measure(Path(sys.executable).with_name("hullmark"), tmp_path, 1)
    assert set(found["runs"]) == {*reports.formats(), "all"}
    assert all(found["bytes"].values())
    text = reports.section({**found, "cores": 2, "python": "3", "load": 0.0})
    assert text.count(": met |") + text.count(": **not met** |") == len(found["runs"])


def test_the_report_has_as_many_as_it_says() -> None:
    made = large_report.large_report(30, 12)
    assert (len(made.packages), len(made.findings)) == (30, 12)
    assert made == large_report.large_report(30, 12)
