"""apk of Alpine and Wolfi: signatures, versions, what is left behind."""

from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import (
    calls,
    calls_in,
    commands_of,
    every,
    insert,
    mounts_cache,
    named,
    packages,
)
from hullmark.detectors.config.dockerfile.model import Dockerfile, Instruction
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

UNTRUSTED = Rule(
    id="apk-untrusted",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="apk installs packages whose signature it did not check",
    why="Whoever is between the build and the mirror, or changes the file on its way, puts a package of their own into the image.",
    fix="Put the repository's public key into `/etc/apk/keys` and leave `--allow-untrusted` out.",
    bad=(
        "FROM alpine:3.20\nRUN apk add --allow-untrusted glibc.apk\n",
        "FROM alpine:3.20\nRUN apk --allow-untrusted --no-cache add curl\n",
    ),
    good=("FROM alpine:3.20\nRUN apk add --no-cache curl\n",),
    controls=("CIS-Docker 4.11", "NIST-800-190 4.1.5", "NIST-800-53 SI-7"),
)
CACHE_KEPT = Rule(
    id="apk-cache-kept",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="apk leaves its index in the layer",
    why="It takes some megabytes in each image, and a later `apk add` may install what it says of yesterday.",
    fix="Use `apk add --no-cache`, which needs no `apk update` either.",
    bad=("FROM alpine:3.20\nRUN apk add curl\n", "FROM alpine:3.20\nRUN apk update && apk add curl\n"),
    good=(
        "FROM alpine:3.20\nRUN apk add --no-cache curl\n",
        "FROM alpine:3.20\nRUN apk --no-cache add curl\n",
        "FROM alpine:3.20\nRUN --mount=type=cache,target=/var/cache/apk apk add curl\n",
        "FROM alpine:3.20\nRUN apk add curl && rm -rf /var/cache/apk/*\n",
    ),
    pack="pedantic",
    same_as=("DL3019", "DS-0025", "AVD-DS-0025", "DKL-DI-0004"),
)
VERSION = Rule(
    id="apk-package-version",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a package is installed without a version",
    why="The next build may get another version, so that two images of one source differ.",
    fix="Name the version, as in `curl=8.9.1-r1` or `curl~8.9`.",
    bad=(
        "FROM alpine:3.20\nRUN apk add --no-cache curl\n",
        "FROM alpine:3.20\nRUN apk add --virtual .build gcc=13.2.1 make\n",
    ),
    good=(
        "FROM alpine:3.20\nRUN apk add --no-cache curl=8.9.1-r1\n",
        "FROM alpine:3.20\nRUN apk add --no-cache 'curl~8.9' 'git>2.40'\n",
        "FROM alpine:3.20\nRUN apk add -t .build --no-cache gcc=13.2.1-r1 ./own.apk $MORE\n",
    ),
    pack="pedantic",
    same_as=("DL3018",),
)
UPGRADE = Rule(
    id="apk-upgrade",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="all packages of the base image are upgraded to whatever is newest on the day of the build",
    why="Two builds of one source differ, and nobody knows in what.",
    fix="Take a newer base image, and upgrade single packages by name.",
    bad=("FROM alpine:3.20\nRUN apk --no-cache upgrade\n",),
    good=(
        "FROM alpine:3.20\nRUN apk add --no-cache --upgrade openssl\n",
        "FROM alpine:3.20\nRUN apk upgrade --no-cache openssl\n",
    ),
    pack="pedantic",
    same_as=("DL3017",),
)

_APK = ("apk", "xx-apk")  # xx- is what installs for the target of a cross build
_VALUED = frozenset(
    {
        "-t",
        "--virtual",
        "-X",
        "--repository",
        "-p",
        "--root",
        "--keys-dir",
        "--repositories-file",
        "--arch",
        "--cache-dir",
        "--wait",
    }
)


def _find_untrusted(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, *_APK, valued=_VALUED):
        option = call.option("--allow-untrusted")
        if option is not None:
            yield named(UNTRUSTED, option, "apk takes packages without a trusted signature")


def _cleaned(instruction: Instruction) -> bool:
    removed = (command for command in commands_of(instruction) if command.name == "rm")
    return mounts_cache(instruction, "/apk") or any(
        "/var/cache/apk" in word.text for command in removed for word in command.words
    )


def _find_cache(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "RUN"):
        kept = [
            call
            for call in calls_in(instruction, *_APK, verbs=("add",), valued=_VALUED)
            if not call.has("--no-cache")
        ]
        if kept and not _cleaned(instruction):
            for call in kept:
                if call.verb:
                    edits = insert(call.verb, " --no-cache")
                    yield named(CACHE_KEPT, call.verb, "apk add leaves its index in the layer", edits=edits)


def _find_version(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, *_APK, verbs=("add",), valued=_VALUED):
        for word in packages(call):
            name = word.text
            if (
                not any(sign in name for sign in "=<>~")
                and not name.startswith("!")
                and not name.endswith(".apk")
            ):
                yield named(VERSION, word, f"{name} is installed without a version")


def _find_upgrade(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, *_APK, verbs=("upgrade",), valued=_VALUED):
        if call.verb and not call.operands:
            yield named(UPGRADE, call.verb, "apk upgrade changes all packages of the base")


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(UNTRUSTED, _find_untrusted),
    Check(CACHE_KEPT, _find_cache),
    Check(VERSION, _find_version),
    Check(UPGRADE, _find_upgrade),
)
