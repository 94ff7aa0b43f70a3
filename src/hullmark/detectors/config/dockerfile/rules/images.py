"""The images that a Dockerfile builds on or copies from: how firmly they are named, and for which platform."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from hullmark.detectors.config.check import Check, Edit, Problem, Span
from hullmark.detectors.config.dockerfile._calls import named
from hullmark.detectors.config.dockerfile.model import Dockerfile, Flag, Stage, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_CONTROLS = ("CIS-Docker 4.2", "NIST-800-190 4.2.2", "NIST-800-53 CM-2")

LATEST = Rule(
    id="latest-base",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="an image is taken by the tag `latest`",
    why="What is behind it changes without notice: nobody knows what is in the next build, and nobody can build the last one again.",
    fix="Name a version, best with its digest: `name:tag@sha256:…`.",
    bad=(
        "FROM debian:latest\n",
        "ARG TAG=latest\nFROM debian:${TAG}\n",
        "FROM debian:12.7\nCOPY --from=ghcr.io/astral-sh/uv:latest /uv /bin/\n",
    ),
    good=(
        "FROM debian:12.7\n",
        "FROM debian:latest@sha256:b8084b1a576c5504a031936e1132574f4ce1d6cc7130bbcc25a28f074539ae6b\n",
        "FROM debian:12.7 AS latest\nFROM latest\n",
        "ARG TAG\nFROM debian:$TAG\n",
    ),
    controls=_CONTROLS,
    same_as=("DL3007", "DS-0001", "AVD-DS-0001", "DKL-DI-0006"),
)
UNTAGGED = Rule(
    id="untagged-base",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="an image is taken without a tag, which is `latest`",
    why="What is behind it changes without notice: nobody knows what is in the next build, and nobody can build the last one again.",
    fix="Name a version, best with its digest: `name:tag@sha256:…`.",
    bad=("FROM debian\n", "FROM localhost:5000/debian\n", "FROM --platform=linux/amd64 debian AS build\n"),
    good=(
        "FROM debian:12.7\n",
        "FROM scratch\n",
        "FROM debian@sha256:b8084b1a576c5504a031936e1132574f4ce1d6cc7130bbcc25a28f074539ae6b\n",
        "FROM debian:12.7 AS build\nFROM build\n",
        "FROM debian:12.7 AS build\nFROM Build\n",
        "FROM $BASE\n",
        "FROM 82ad5fa11820c2889c60f7f748d67aab04400700c581843db0d1e68735327443\n",
    ),
    controls=_CONTROLS,
    same_as=("DL3006", "DS-0001", "AVD-DS-0001", "DKL-DI-0006"),
)
MOVING = Rule(
    id="moving-base",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="an image is taken by a tag that moves, and without a digest",
    why="The next build may be on another image, so that two images of one source differ.",
    fix="Add the digest: `name:tag@sha256:…` (`hullmark pin` does it).",
    bad=(
        "FROM debian:12\n",
        "FROM python:3.12-slim\n",
        "FROM debian:12.7\nCOPY --from=nginx:1.27 /etc/nginx /n/\n",
    ),
    good=(
        "FROM ubuntu:focal-20200423\n",
        "FROM debian:12@sha256:b8084b1a576c5504a031936e1132574f4ce1d6cc7130bbcc25a28f074539ae6b\n",
        "FROM scratch\n",
        "ARG TAG\nFROM debian:$TAG\n",
    ),
    pack="pedantic",
    controls=_CONTROLS,
)
PLATFORM = Rule(
    id="constant-platform",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`FROM --platform` names one platform",
    why="The image is for that platform whatever the build was asked for.",
    fix="Leave it out, or use `$BUILDPLATFORM` for stages that run on the builder.",
    bad=("FROM --platform=linux/amd64 debian:12.7\n",),
    good=(
        "FROM --platform=$BUILDPLATFORM debian:12.7 AS build\nFROM debian:12.7\n",
        "FROM --platform=linux/amd64 debian:12.7 AS amd64\nFROM --platform=linux/arm64 debian:12.7 AS arm64\nFROM ${TARGETARCH}\n",
    ),
    pack="pedantic",
    same_as=("DL3029", "FromPlatformFlagConstDisallowed"),
)
TARGET_PLATFORM = Rule(
    id="redundant-platform",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="`FROM --platform=$TARGETPLATFORM` is what is done without it",
    why="It says nothing, and readers look for a reason.",
    fix="Leave it out.",
    bad=("FROM --platform=$TARGETPLATFORM debian:12.7\n", "FROM --platform=${TARGETPLATFORM} debian:12.7\n"),
    good=("FROM --platform=$BUILDPLATFORM debian:12.7\n",),
    pack="pedantic",
    same_as=("DL3065", "RedundantTargetPlatform"),
)
NO_DEFAULT = Rule(
    id="base-without-default",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="the image is named by an `ARG` that has no default",
    why="The build stops unless somebody knows which `--build-arg` it needs.",
    fix="Give the `ARG` a default.",
    bad=("ARG TAG\nFROM debian:$TAG\n", "FROM debian:${VERSION}\n"),
    good=(
        "ARG TAG=12.7\nFROM debian:$TAG\n",
        "FROM debian:${TAG:-12.7}\n",
        "FROM debian:12.7 AS amd64\nFROM ${TARGETARCH}\n",
    ),
    pack="pedantic",
    same_as=("InvalidDefaultArgInFrom", "UndefinedArgInFrom"),
)

_ID = re.compile(r"[0-9a-f]{64}")
_DATED = re.compile(r"(?:.*[^0-9])?20\d\d[.-]?[01]\d[.-]?[0-3]\d(?:[^0-9].*)?")
_PREDEFINED = re.compile(r"\$\{?(?:TARGET|BUILD)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT)\b")


class _Image(NamedTuple):
    """An image that is asked for. `tag` is empty where there is none."""

    word: Word
    text: str
    tag: str
    is_pinned: bool


def _images(dockerfile: Dockerfile) -> Iterator[_Image]:
    for stage in dockerfile.stages:
        if stage.base is None and stage.resolved and stage.resolved != "scratch":
            yield _image(stage.image, stage.resolved)
        for instruction in stage.instructions:
            for flag in instruction.flags:
                # without a tag it may be a stage, or a context that the build is given
                text = flag.value or ""
                if instruction.keyword == "COPY" and flag.name == "from" and ":" in text and "$" not in text:
                    yield _image(Word(text, text, flag.span), text)


def _image(word: Word, text: str) -> _Image:
    name, at, _ = text.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return _Image(word, text, tag, bool(at))


def _find_latest(dockerfile: Dockerfile) -> Iterator[Problem]:
    for image in _images(dockerfile):
        if image.tag == "latest" and not image.is_pinned:
            yield named(LATEST, image.word, f"{image.text} is another image tomorrow", resource=image.text)


def _find_untagged(dockerfile: Dockerfile) -> Iterator[Problem]:
    for image in _images(dockerfile):
        if not image.tag and not image.is_pinned and not _ID.fullmatch(image.text):
            yield named(
                UNTAGGED,
                image.word,
                f"{image.text} has no tag: it is another image tomorrow",
                resource=image.text,
            )


def _find_moving(dockerfile: Dockerfile) -> Iterator[Problem]:
    for image in _images(dockerfile):
        moves = image.tag not in {"", "latest"} and not _DATED.fullmatch(image.tag)
        if moves and not image.is_pinned:
            yield named(MOVING, image.word, f"{image.text} has no digest", resource=image.text)


def _platforms(dockerfile: Dockerfile) -> Iterator[tuple[Stage, Flag]]:
    for stage in dockerfile.stages:
        for flag in stage.start.flags:
            if flag.name == "platform" and flag.value:
                yield stage, flag


def _find_platform(dockerfile: Dockerfile) -> Iterator[Problem]:
    for stage, flag in _platforms(dockerfile):
        # a stage that is called after its platform is chosen by it
        parts = set(re.split(r"\W+", (flag.value or "").lower()))
        chosen = parts & set(re.split(r"\W+|_", stage.name.lower())) - {""}
        if "$" not in (flag.value or "") and not chosen:
            yield Problem(
                PLATFORM, flag.span, f"the stage is for {flag.value} always", resource=flag.value or ""
            )


def _find_target(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, flag in _platforms(dockerfile):
        if flag.value in {"$TARGETPLATFORM", "${TARGETPLATFORM}"}:
            line, column, end_line, end_column = flag.span
            blank = dockerfile.lines[end_line - 1][end_column - 1 : end_column].isspace()
            edits = (Edit(Span(line, column, end_line, end_column + 1), ""),) if blank else ()
            message = "the target's platform is what is taken anyway"
            yield Problem(TARGET_PLATFORM, flag.span, message, resource=flag.value, edits=edits)


def _find_no_default(dockerfile: Dockerfile) -> Iterator[Problem]:
    for stage in dockerfile.stages:
        if (
            stage.base is None
            and not stage.resolved
            and "$" in stage.image.raw
            and not _PREDEFINED.search(stage.image.raw)
        ):
            yield named(NO_DEFAULT, stage.image, f"{stage.image.text} has no value without a build argument")


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(LATEST, _find_latest),
    Check(UNTAGGED, _find_untagged),
    Check(MOVING, _find_moving),
    Check(PLATFORM, _find_platform),
    Check(TARGET_PLATFORM, _find_target),
    Check(NO_DEFAULT, _find_no_default),
)
