"""What the image says of itself. Specification: OCI image specification, annotations.md."""

from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.image._gathering import configured
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_PREFIX = "org.opencontainers.image."
_WANTED = ("source", "revision", "version", "licenses")
_OLDER = {"source": "vcs-url", "revision": "vcs-ref", "version": "version", "licenses": "license"}
"""The same in label-schema.org's words, which came before."""

MISSING = Rule(
    id="image-missing-labels",
    kind="image",
    severity=Severity.LOW,
    summary="labels that tell where the image comes from are missing",
    why="When a flaw is found, nobody can tell from which sources and revision the image was built, or who can build it anew.",
    fix="Set org.opencontainers.image.source, .revision, .version and .licenses with LABEL or the builder's --label.",
    bad=(
        '{"config": {}}',
        '{"config": {"Labels": {"org.opencontainers.image.source": "https://example.com/x"}}}',
    ),
    good=(
        '{"config": {"Labels": {"org.opencontainers.image.source": "https://example.com/x", "org.opencontainers.image.revision": "1f2e", "org.opencontainers.image.version": "1.2", "org.opencontainers.image.licenses": "MIT"}}}',
    ),
    pack="pedantic",
    controls=("NIST-800-190 4.1.5", "NIST-800-53 CM-8", "PCI-DSS 6.3.2"),
    same_as=("DL3049",),
)
MAINTAINER = Rule(
    id="image-maintainer",
    kind="image",
    severity=Severity.LOW,
    summary="the image names its maintainer by the old instruction",
    why="MAINTAINER is deprecated, and tools that read labels do not see it.",
    fix="Use LABEL org.opencontainers.image.authors.",
    bad=(
        '{"author": "Jo Doe <jo@example.com>", "history": [{"created_by": "MAINTAINER Jo Doe <jo@example.com>", "empty_layer": true}]}',
    ),
    good=('{"config": {"Labels": {"org.opencontainers.image.authors": "Jo Doe"}}}', '{"author": "Bazel"}'),
    pack="pedantic",
    controls=("NIST-800-190 4.1.2", "NIST-800-53 CM-8"),
    same_as=("DS-0022", "AVD-DS-0022", "DS022", "DL4000"),
)


def _missing(view: ImageView) -> Iterator[Problem]:
    labels = view.settings.labels
    missing = [
        name
        for name in _WANTED
        if not labels.get(_PREFIX + name) and not labels.get(f"org.label-schema.{_OLDER[name]}")
    ]
    if missing:
        names = ", ".join(_PREFIX + name for name in missing)
        yield configured(MISSING, "config.Labels", f"labels are missing: {names}")


def _maintainer(view: ImageView) -> Iterator[Problem]:
    steps = [step for step in view.steps if step.keyword == "MAINTAINER"]
    if steps:
        message = "the maintainer is named by MAINTAINER"
        yield configured(MAINTAINER, f"history.{steps[-1].index}", message, from_base=steps[-1].from_base)


CHECKS: tuple[Check[ImageView], ...] = (Check(MISSING, _missing), Check(MAINTAINER, _maintainer))
