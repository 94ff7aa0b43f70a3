"""Tables 'now → then' of bases whose findings and bytes are known."""

from collections.abc import Sequence

import msgspec

from hullmark.advice.bases import Load, Swap
from hullmark.advice.bases import swaps as swaps_of
from hullmark.advice.linking import Fit
from hullmark.model.advisory import Severity
from hullmark.model.facts import Unread
from hullmark.model.image import Layer, Platform
from hullmark.model.report import BaseImage, Coverage, Finding, Report, ReportImage, Suppressed
from hullmark.scan.known_images import known_image
from reports.sample import SAMPLE


def swaps(report: Report, known: Sequence[Report], fits: dict[str, Fit] | None = None) -> list[Swap]:
    """Compare with what is remembered of these reports."""
    return swaps_of(report, [each for one in known if (each := known_image(one)) is not None], fits)


MEDIUM, LOW, NEGLIGIBLE = Severity.MEDIUM, Severity.LOW, Severity.NEGLIGIBLE


def found(ids: Sequence[int], severity: Severity, *, from_base: bool | None = None) -> list[Finding]:
    return [
        Finding(
            id=f"CVE-2024-{number}",
            component="p0",
            purl="pkg:deb/ubuntu/x@1",
            name="x",
            version="1",
            severity=severity,
            from_base=from_base,
        )
        for number in ids
    ]


def image(
    name: str,
    findings: Sequence[Finding],
    size: int,
    *,
    base: BaseImage | None = None,
    platform: str = "amd64",
    unchecked: int = 0,
) -> Report:
    layers = [Layer(index=0, content_bytes=size)]
    if base:
        layers.append(Layer(index=1, content_bytes=5_000_000))
    return msgspec.structs.replace(
        SAMPLE,
        image=ReportImage(
            name=name,
            source="registry",
            digest=f"sha256:{name}",
            platform=Platform(architecture=platform),
            base=base or BaseImage("none"),
        ),
        layers=tuple(layers),
        findings=tuple(findings),
        suppressed=(),
        packages=(),
        errors=(),
        coverage=Coverage(scanners=("vuln",), not_checked=unchecked),
    )


BASE = BaseImage("memory", "ubuntu:22.04", "", 1)
OF_BASE = [*found(range(2), MEDIUM, from_base=True), *found(range(2, 24), LOW, from_base=True)]
APP = image("app:1", [*OF_BASE, *found([99], Severity.CRITICAL, from_base=False)], 77_980_000, base=BASE)
STATIC = image("distroless/static", found([5, 77], NEGLIGIBLE), 6_930_000)
SLIM = image("debian:slim", found([0, 2, 3], LOW), 30_000_000)


def test_now_and_then() -> None:
    static, slim = swaps(APP, [SLIM, STATIC])
    assert static.now.name == "ubuntu:22.04"
    assert static.now.said() == "24 findings (2 medium, 22 low), 77.98 MB"
    assert (static.then.name, static.then.said()) == (
        "distroless/static",
        "2 findings (2 negligible), 6.93 MB",
    )
    assert (slim.then.name, slim.saved_bytes) == ("debian:slim", 47_980_000)
    assert len(static.gone) == 23
    assert static.new == ("CVE-2024-77",)


def test_the_applications_own_findings_and_bytes_stay_out_of_it() -> None:
    (swap,) = swaps(APP, [STATIC])
    assert "critical" not in swap.now.findings
    assert swap.now.size_bytes == 77_980_000


def test_a_base_on_which_it_runs_comes_first_and_one_on_which_it_does_not_last() -> None:
    other = image("other", found([1], NEGLIGIBLE), 1_000)
    fits = {"sha256:debian:slim": Fit(runs=True), "sha256:distroless/static": Fit(runs=False)}
    assert [swap.then.name for swap in swaps(APP, [STATIC, other, SLIM], fits)] == [
        "debian:slim",
        "other",
        "distroless/static",
    ]


def test_what_is_worse_or_no_better_is_no_proposal() -> None:
    worse = image("worse", found([1], Severity.HIGH), 1)
    same = image("same", [*found(range(2), MEDIUM), *found(range(2, 24), LOW)], 77_980_000)
    smaller = image("smaller", [*found(range(2), MEDIUM), *found(range(2, 24), LOW)], 77_979_999)
    assert [swap.then.name for swap in swaps(APP, [worse, same, smaller])] == ["smaller"]


def test_a_base_that_was_not_checked_whole_comes_after_those_that_were() -> None:
    unchecked = image("unchecked", [], 1_000, unchecked=3)
    incomplete = msgspec.structs.replace(
        image("incomplete", [], 2_000), errors=(Unread(kind="layer", reason="cut short"),)
    )
    proposals = swaps(APP, [unchecked, incomplete, SLIM])
    assert [swap.then.name for swap in proposals] == ["debian:slim", "unchecked", "incomplete"]
    assert proposals[1].then.said() == "no findings, 3 packages not checked, 0.00 MB"


def test_an_image_that_was_not_matched_has_no_findings_to_compare() -> None:
    blind = msgspec.structs.replace(image("blind", [], 1), coverage=Coverage())
    assert swaps(APP, [blind]) == []
    assert swaps(msgspec.structs.replace(APP, coverage=Coverage()), [STATIC]) == []


def test_another_platform_and_the_image_itself_are_no_bases() -> None:
    assert swaps(APP, [image("arm", [], 1, platform="arm64"), APP]) == []


def test_without_a_known_base_there_is_nothing_to_compare() -> None:
    assert swaps(image("app:1", OF_BASE, 1), [STATIC]) == []
    assert swaps(msgspec.structs.replace(APP, image=None), [STATIC]) == []


def test_findings_that_are_only_not_shown_count() -> None:
    hidden = msgspec.structs.replace(
        STATIC,
        findings=(),
        suppressed=tuple(Suppressed("below", each, gated=True) for each in STATIC.findings),
    )
    (swap,) = swaps(APP, [hidden])
    assert swap.then.findings == {"negligible": 2}


def test_the_order_of_what_is_known_does_not_matter() -> None:
    assert swaps(APP, [STATIC, SLIM]) == swaps(APP, [SLIM, STATIC])


def test_an_empty_base_in_words() -> None:
    assert Load(name="scratch", findings={}, size_bytes=0).said() == "no findings, 0.00 MB"
