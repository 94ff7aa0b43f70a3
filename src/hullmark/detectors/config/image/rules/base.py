"""What the image is built on, and how it is called. A base past its end of life is a finding of the release's package feed."""

from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.image._gathering import configured
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_BASE_NAME = "org.opencontainers.image.base.name"
_SAME = ("DS-0001", "AVD-DS-0001", "DS001", "DL3006", "DL3007")

LATEST_BASE = Rule(
    id="image-latest-base",
    kind="image",
    severity=Severity.LOW,
    summary="the base image is named without a version",
    why="The next build may stand on another base than this one, and nobody decided it.",
    fix="Name the base by a version and its digest: hullmark pin does it.",
    bad=(
        '{"config": {"Labels": {"org.opencontainers.image.base.name": "docker.io/library/debian:latest"}}}',
        '{"config": {"Labels": {"org.opencontainers.image.base.name": "localhost:5000/debian"}}}',
    ),
    good=(
        '{"config": {"Labels": {"org.opencontainers.image.base.name": "debian:12.5-slim"}}}',
        '{"config": {"Labels": {"org.opencontainers.image.base.name": "debian@sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d"}}}',
        '{"config": {"Labels": {"org.opencontainers.image.base.name": "scratch"}}}',
    ),
    controls=("CIS-Docker 4.2", "NIST-800-190 4.2.2", "NIST-800-53 CM-2", "PCI-DSS 6.3.2"),
    same_as=_SAME,
)
LATEST = Rule(
    id="image-latest-tag",
    kind="image",
    severity=Severity.LOW,
    summary="the image itself is called latest",
    why="Who deploys it by that name gets another image with the next push.",
    fix="Tag it with a version, and deploy it by that or by its digest.",
    bad=('{"name": "app:latest"}', '{"name": "localhost:5000/app"}'),
    good=('{"name": "app:1.2"}', '{"name": "./image.tar"}', '{"name": ""}'),
    pack="pedantic",
    controls=("NIST-800-190 4.2.2", "NIST-800-53 CM-2", "PCI-DSS 6.5.1"),
    same_as=("DKL-DI-0006", *_SAME),
)
TRIGGERS = Rule(
    id="image-onbuild",
    kind="image",
    severity=Severity.LOW,
    summary="the image runs instructions in builds that use it",
    why="ONBUILD does things in other people's builds that their Dockerfile does not show, and OCI images have no place for it.",
    fix="Put the instructions into the Dockerfiles that need them.",
    bad=('{"config": {"OnBuild": ["RUN /build.sh"]}}',),
    good=('{"config": {"OnBuild": []}}', '{"config": {}}'),
    pack="pedantic",
    controls=("NIST-800-190 4.1.2", "NIST-800-53 CM-6"),
)


def _tag(name: str) -> str | None:
    """Give the tag of a reference, `latest` where it has none; None for one with a digest."""
    if "@" in name:
        return None
    return name.rpartition("/")[2].partition(":")[2] or "latest"


def _latest_base(view: ImageView) -> Iterator[Problem]:
    name = view.settings.labels.get(_BASE_NAME, "").strip()
    if name and name != "scratch" and _tag(name) == "latest":
        message = f"the base image is {name[:200]}, without a version"
        yield configured(LATEST_BASE, "config.Labels", message, resource=_BASE_NAME)


def _latest(view: ImageView) -> Iterator[Problem]:
    name = view.name
    is_file = name[:1] in {"", ".", "/", "-"} or name.endswith((".tar", ".tar.gz", ".tgz"))
    if not is_file and _tag(name) == "latest":
        yield configured(LATEST, "name", "the image is called latest, or by no tag")


def _triggers(view: ImageView) -> Iterator[Problem]:
    count = len(view.settings.triggers)
    if count:
        message = "the image has ONBUILD instructions, which run in builds that use it"
        yield configured(TRIGGERS, "config.OnBuild", message)._replace(number=count)


CHECKS: tuple[Check[ImageView], ...] = (
    Check(LATEST_BASE, _latest_base),
    Check(LATEST, _latest),
    Check(TRIGGERS, _triggers),
)
