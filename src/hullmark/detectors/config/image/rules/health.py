"""Whether the image says how to tell that it is well."""

from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.image._gathering import configured
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

NONE = Rule(
    id="image-no-healthcheck",
    kind="image",
    severity=Severity.LOW,
    summary="the image has no health check",
    why="An engine cannot tell a container that hangs from one that works, so nothing replaces it. Kubernetes has probes of its own instead.",
    fix="Add HEALTHCHECK with a command that asks the application, or probes where it is deployed.",
    bad=(
        '{"config": {}}',
        '{"config": {"Healthcheck": {"Test": ["NONE"]}}}',
        '{"config": {"Healthcheck": {}}}',
    ),
    good=('{"config": {"Healthcheck": {"Test": ["CMD", "/main", "--healthy"]}}}',),
    pack="pedantic",
    controls=("CIS-Docker 4.6", "NIST-800-190 4.1.2", "NIST-800-53 SI-13"),
    same_as=("CIS-DI-0006", "DS-0026", "AVD-DS-0026", "DS026", "DL3057"),
)


def _none(view: ImageView) -> Iterator[Problem]:
    test = view.settings.healthcheck
    if test and test[0] == "NONE":
        yield configured(
            NONE,
            "config.Healthcheck",
            "the image turns the health check off",
            from_base=view.origin("HEALTHCHECK", "NONE"),
        )
    elif not test:
        yield configured(NONE, "config.Healthcheck", "the image has no health check")


CHECKS: tuple[Check[ImageView], ...] = (Check(NONE, _none),)
