"""zypper of openSUSE and SLE: signatures, versions, what is left behind."""

from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import (
    Call,
    calls,
    calls_in,
    every,
    insert,
    mounts_cache,
    named,
    packages,
    reached,
)
from hullmark.detectors.config.dockerfile.model import Dockerfile
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

UNSIGNED = Rule(
    id="zypper-unsigned",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="zypper takes packages or repositories whose signature it did not check",
    why="Whoever is between the build and the mirror, or owns a mirror, puts a package of their own into the image.",
    fix="Import the repository's key with `rpm --import` and leave the checks on.",
    bad=(
        "FROM opensuse/leap:15.6\nRUN zypper --no-gpg-checks install -y curl\n",
        "FROM opensuse/leap:15.6\nRUN zypper addrepo --no-gpgcheck https://example.com/x.repo\n",
        "FROM opensuse/leap:15.6\nRUN zypper install -y --allow-unsigned-rpm own.rpm\n",
    ),
    good=("FROM opensuse/leap:15.6\nRUN zypper --non-interactive install curl\n",),
    controls=("CIS-Docker 4.11", "NIST-800-190 4.1.5", "NIST-800-53 SI-7"),
)
WITHOUT_YES = Rule(
    id="zypper-without-yes",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="zypper asks a question that nobody answers",
    why="The build stops there.",
    fix="Call it as `zypper --non-interactive`, or add `-y`.",
    bad=("FROM opensuse/leap:15.6\nRUN zypper install curl\n",),
    good=(
        "FROM opensuse/leap:15.6\nRUN zypper -n install curl\n",
        "FROM opensuse/leap:15.6\nRUN zypper in -y curl\n",
        "FROM opensuse/leap:15.6\nRUN zypper --non-interactive install curl\n",
    ),
    pack="pedantic",
    same_as=("DL3034",),
)
DIST_UPGRADE = Rule(
    id="zypper-dist-upgrade",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="all packages of the base image are upgraded to whatever is newest on the day of the build",
    why="Two builds of one source differ, and `dist-upgrade` may replace packages by other vendors' or remove them.",
    fix="Take a newer base image, and upgrade single packages by name.",
    bad=(
        "FROM opensuse/leap:15.6\nRUN zypper dup -y\n",
        "FROM opensuse/leap:15.6\nRUN zypper -n dist-upgrade\n",
    ),
    good=("FROM opensuse/leap:15.6\nRUN zypper -n update openssl\n",),
    pack="pedantic",
    same_as=("DL3035",),
)
CACHE_KEPT = Rule(
    id="zypper-cache-kept",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="zypper leaves its metadata and packages in the layer",
    why="They take up to some hundred megabytes in each image.",
    fix="End the same `RUN` with `zypper clean --all`, or mount a cache at `/var/cache/zypp`.",
    bad=("FROM opensuse/leap:15.6\nRUN zypper -n install curl\n",),
    good=(
        "FROM opensuse/leap:15.6\nRUN zypper -n install curl && zypper clean --all\n",
        "FROM opensuse/leap:15.6\nRUN zypper -n in curl && zypper cc -a\n",
        "FROM opensuse/leap:15.6\nRUN --mount=type=cache,target=/var/cache/zypp zypper -n install curl\n",
    ),
    pack="pedantic",
    same_as=("DL3036", "DS-0020", "AVD-DS-0020"),
)
VERSION = Rule(
    id="zypper-package-version",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a package is installed without a version",
    why="The next build may get another version, so that two images of one source differ.",
    fix="Name the version, as in `curl=8.6.0`.",
    bad=("FROM opensuse/leap:15.6\nRUN zypper -n install curl\n",),
    good=(
        "FROM opensuse/leap:15.6\nRUN zypper -n install curl=8.6.0 'git>=2.40'\n",
        "FROM opensuse/leap:15.6\nRUN zypper -n install ./own.rpm curl-8.6.0\n",
    ),
    pack="pedantic",
    same_as=("DL3037",),
)

_INSTALL = ("install", "in")
_CHANGE = (*_INSTALL, "remove", "rm", "source-install", "si", "patch", "update", "up", "dist-upgrade", "dup")
_UPGRADES = ("dist-upgrade", "dup")
_CLEAN = ("clean", "cc")
_VALUED = frozenset(
    {"-r", "--repo", "--from", "-t", "--type", "-R", "--root", "--releasever", "-c", "--config"}
)
_UNSAFE = (
    "--no-gpg-checks",
    "--no-gpgcheck",
    "--nogpgcheck",
    "--gpgcheck-allow-unsigned",
    "--allow-unsigned-rpm",
)


def _find_unsigned(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, "zypper", valued=_VALUED):
        option = call.option(*_UNSAFE)
        if option is not None:
            yield named(UNSIGNED, option, f"zypper {option.text} takes what has no valid signature")


def _find_without_yes(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, "zypper", verbs=_CHANGE, valued=_VALUED):
        silent = call.has("--non-interactive", "-n", "--no-confirm", "--quiet-yes", letter="y")
        if call.verb and not silent:
            edits = insert(call.verb, " -y")
            yield named(
                WITHOUT_YES, call.verb, f"zypper {call.verb.text} asks before it goes on", edits=edits
            )


def _find_dist_upgrade(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, "zypper", verbs=_UPGRADES, valued=_VALUED):
        if call.verb:
            yield named(DIST_UPGRADE, call.verb, f"zypper {call.verb.text} changes all packages of the base")


def _find_cache(dockerfile: Dockerfile) -> Iterator[Problem]:
    stages = reached(dockerfile)
    for instruction in every(dockerfile, "RUN"):
        # what other stages leave behind is not in the image
        if instruction.stage not in stages or mounts_cache(instruction, "/var/cache"):
            continue
        kept: Call | None = None
        for call in calls_in(instruction, "zypper", "rm", valued=_VALUED):
            verb = call.verb.text if call.verb else ""
            if call.command.name == "zypper":
                kept = call if verb in _CHANGE else None if verb in _CLEAN else kept
            elif any("/var/cache/zypp" in word.text for word in call.command.words):
                kept = None
        if kept is not None and kept.verb is not None:
            yield named(CACHE_KEPT, kept.verb, "zypper leaves its metadata in the layer")


def _find_version(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, "zypper", verbs=_INSTALL, valued=_VALUED):
        for word in packages(call):
            plain = not any(sign in word.text for sign in "=<>") and not word.text.endswith(".rpm")
            if plain and not any(part[:1].isdigit() for part in word.text.split("-")[1:]):
                yield named(VERSION, word, f"{word.text} is installed without a version")


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(UNSIGNED, _find_unsigned),
    Check(WITHOUT_YES, _find_without_yes),
    Check(DIST_UPGRADE, _find_dist_upgrade),
    Check(CACHE_KEPT, _find_cache),
    Check(VERSION, _find_version),
)
