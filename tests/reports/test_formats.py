"""What holds for every format."""

import pytest

from hullmark.model.explanation import Explanation
from hullmark.model.look import Look
from hullmark.model.report import Report
from hullmark.reports import _explanation, formats, is_of_one_image, render
from reports.hostile import change
from reports.sample import SAMPLE
from reports.strange import several, strange

ALL = Look(suppressed=True, template="{{ report.image.name if report else reports | length }}")
SINGLE = sorted(set(formats()) - {"template"})


@pytest.mark.parametrize("name", formats())
def test_lone_surrogates_do_no_harm(name: str) -> None:
    text = "a\ud800b\udcff"
    body = render(name, strange(text), ALL)
    assert r"\ud800" in body.decode().replace(r"\\", "\\").replace("%5C", "\\")
    if not is_of_one_image(name) and name != "template":
        assert render(name, several(text), ALL).decode()


def test_an_explanation_stands_lone_surrogates() -> None:
    found = Explanation(id="CVE-1", ids=(), image="a\ud800", as_of="", outcome="unknown")
    assert rb"a\\ud800" in _explanation.encode([found])


def test_numbers_beyond_64_bits_do_no_harm() -> None:
    assert SAMPLE.image is not None
    odd = change(SAMPLE, image=change(SAMPLE.image, config={"n": 10**30}))
    for name in SINGLE:
        assert render(name, odd)


@pytest.mark.parametrize("name", sorted({*SINGLE} - {"cyclonedx", "json", "spdx", "spdx3", "table", "html"}))
def test_packages_that_were_not_asked_for_are_missed_nowhere(name: str) -> None:
    def told(report: Report) -> bool:
        return b"no feed speaks for" in render(name, report, ALL)

    assert told(SAMPLE)
    assert not told(change(SAMPLE, coverage=change(SAMPLE.coverage, pkg_types=("os",))))
