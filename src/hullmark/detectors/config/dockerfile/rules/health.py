"""`HEALTHCHECK`."""

from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import keyword_span, lineage
from hullmark.detectors.config.dockerfile.model import Dockerfile
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

MISSING = Rule(
    id="missing-healthcheck",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="no `HEALTHCHECK` is set",
    why="Docker takes a container whose program hangs as well for as long as the process lives. Kubernetes uses probes of its own.",
    fix="Add a `HEALTHCHECK`, or `HEALTHCHECK NONE` where another one watches.",
    bad=('FROM debian:12.7\nCMD ["/app"]\n', "FROM debian:12.7\nHEALTHCHECK CMD /check\nFROM debian:12.7\n"),
    good=(
        'FROM debian:12.7\nHEALTHCHECK CMD ["/check"]\n',
        "FROM debian:12.7\nHEALTHCHECK NONE\n",
        'FROM debian:12.7 AS a\nHEALTHCHECK CMD ["/check"]\nFROM a\n',
    ),
    pack="pedantic",
    controls=("CIS-Docker 4.6",),
    same_as=("DL3057", "DS-0026", "AVD-DS-0026", "CIS-DI-0006"),
)
SEVERAL = Rule(
    id="several-healthchecks",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a stage has several `HEALTHCHECK`s, of which only the last counts",
    why="Whoever reads or changes the first one is mistaken.",
    fix="Keep the last one.",
    bad=("FROM debian:12.7\nHEALTHCHECK CMD /a\nHEALTHCHECK CMD /b\n",),
    good=("FROM debian:12.7 AS a\nHEALTHCHECK CMD /a\nFROM a\nHEALTHCHECK CMD /b\n",),
    pack="pedantic",
    same_as=("DL3012", "DS-0023", "AVD-DS-0023", "MultipleInstructionsDisallowed"),
)


def _find_missing(dockerfile: Dockerfile) -> Iterator[Problem]:
    last = dockerfile.last
    stages = list(lineage(dockerfile))
    if last is not None and not any(
        i.keyword == "HEALTHCHECK" for stage in stages for i in stage.instructions
    ):
        yield Problem(
            MISSING, keyword_span(last.start), "no HEALTHCHECK tells whether the program still works"
        )


def _find_several(dockerfile: Dockerfile) -> Iterator[Problem]:
    for stage in dockerfile.stages:
        found = [instruction for instruction in stage.instructions if instruction.keyword == "HEALTHCHECK"]
        for instruction in found[1:]:
            yield Problem(SEVERAL, keyword_span(instruction), "this HEALTHCHECK replaces the one above")


CHECKS: tuple[Check[Dockerfile], ...] = (Check(MISSING, _find_missing), Check(SEVERAL, _find_several))
