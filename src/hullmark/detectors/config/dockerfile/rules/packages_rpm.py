"""dnf, yum, microdnf, tdnf and rpm: signatures, versions, what is left behind."""

import re
from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import (
    Call,
    calls,
    calls_in,
    commands,
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
    id="rpm-unsigned",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="packages are installed whose signature was not checked",
    why="Whoever is between the build and the mirror, or owns a mirror, puts a package of their own into the image.",
    fix="Import the repository's key with `rpm --import` and leave `gpgcheck` on.",
    bad=(
        "FROM rockylinux:9.3\nRUN dnf install -y --nogpgcheck curl\n",
        "FROM rockylinux:9.3\nRUN yum install -y --setopt=gpgcheck=0 curl\n",
        "FROM rockylinux:9.3\nRUN echo 'gpgcheck=0' >> /etc/yum.repos.d/x.repo\n",
        "FROM rockylinux:9.3\nRUN rpm -i --nosignature curl.rpm\n",
        "FROM rockylinux:9.3\nRUN sed -i 's/gpgcheck=1/gpgcheck=0/' /etc/yum.repos.d/*.repo\n",
        "FROM rockylinux:9.3\nRUN dnf install -y --setopt sslverify=false curl\n",
    ),
    good=(
        "FROM rockylinux:9.3\nRUN dnf install -y curl && dnf clean all\n",
        "FROM rockylinux:9.3\nRUN echo 'gpgcheck=1' >> /etc/yum.repos.d/x.repo\n",
        "FROM rockylinux:9.3\nRUN sed -i 's/gpgcheck=0/gpgcheck=1/' /etc/yum.repos.d/x.repo\n",
    ),
    controls=("CIS-Docker 4.11", "NIST-800-190 4.1.5", "NIST-800-53 SI-7"),
)
WITHOUT_YES = Rule(
    id="rpm-without-yes",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="dnf or yum asks a question that nobody answers",
    why="The build stops there.",
    fix="Add `-y`.",
    bad=(
        "FROM rockylinux:9.3\nRUN dnf install curl\n",
        "FROM rockylinux:9.3\nRUN yum groupinstall development\n",
    ),
    good=(
        "FROM rockylinux:9.3\nRUN dnf -y install curl\n",
        "FROM rockylinux:9.3\nRUN yum install --assumeyes curl\n",
    ),
    pack="pedantic",
    same_as=("DL3030", "DL3038"),
)
CACHE_KEPT = Rule(
    id="rpm-cache-kept",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="dnf or yum leaves its metadata in the layer",
    why="It takes up to some hundred megabytes in each image.",
    fix="End the same `RUN` with `dnf clean all` (`yum`, `microdnf` alike), or mount a cache at `/var/cache/dnf`.",
    bad=(
        "FROM rockylinux:9.3\nRUN dnf install -y curl\n",
        "FROM rockylinux:9.3\nRUN yum install -y curl\nRUN yum clean all\n",
        "FROM rockylinux:9.3 AS base\nRUN dnf install -y curl\nFROM base\nUSER 1\n",
        "FROM ubi9-minimal:9.4\nRUN microdnf install -y curl\n",
    ),
    good=(
        "FROM rockylinux:9.3\nRUN dnf install -y curl && dnf clean all\n",
        "FROM rockylinux:9.3\nRUN yum -y install curl && rm -rf /var/cache/yum\n",
        "FROM rockylinux:9.3\nRUN --mount=type=cache,target=/var/cache/dnf dnf install -y curl\n",
        "FROM rockylinux:9.3 AS build\nRUN dnf install -y gcc\nFROM rockylinux:9.3\nCOPY --from=build /a /a\n",
    ),
    pack="pedantic",
    same_as=(
        "DL3032",
        "DL3040",
        "DS-0015",
        "AVD-DS-0015",
        "DS-0019",
        "AVD-DS-0019",
        "DS-0027",
        "AVD-DS-0027",
    ),
)
VERSION = Rule(
    id="rpm-package-version",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a package is installed without a version",
    why="The next build may get another version, so that two images of one source differ.",
    fix="Name the version, as in `curl-7.76.1-29.el9_4`.",
    bad=(
        "FROM rockylinux:9.3\nRUN dnf install -y curl\n",
        "FROM rockylinux:9.3\nRUN yum install -y gcc-c++ git-2.43.0\n",
    ),
    good=(
        "FROM rockylinux:9.3\nRUN dnf install -y curl-7.76.1-29.el9_4\n",
        "FROM rockylinux:9.3\nRUN dnf install -y ./own.rpm https://example.com/other.rpm @base\n",
    ),
    pack="pedantic",
    same_as=("DL3033", "DL3041"),
)
UPGRADE = Rule(
    id="rpm-upgrade",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="all packages of the base image are upgraded to whatever is newest on the day of the build",
    why="Two builds of one source differ, and nobody knows in what.",
    fix="Take a newer base image, and upgrade single packages by name.",
    bad=(
        "FROM rockylinux:9.3\nRUN dnf update -y\n",
        "FROM rockylinux:9.3\nRUN yum -y upgrade && yum clean all\n",
    ),
    good=("FROM rockylinux:9.3\nRUN dnf upgrade -y openssl && dnf clean all\n",),
    pack="pedantic",
    same_as=("DL3031", "DL3039"),
)

_DNF = ("dnf", "yum", "microdnf", "tdnf", "dnf5", "dnf-3")
_INSTALL = (
    "install",
    "in",
    "reinstall",
    "rei",
    "localinstall",
    "groupinstall",
    "group",
    "install-n",
    "install-na",
    "install-nevra",
)
_CHANGE = (*_INSTALL, "update", "upgrade", "distro-sync", "remove", "erase", "autoremove")
_FETCH = frozenset({*_INSTALL, "update", "upgrade", "distro-sync", "makecache", "check-update"})
_VALUED = frozenset(
    {
        "--setopt",
        "--enablerepo",
        "--disablerepo",
        "--repo",
        "--repoid",
        "--installroot",
        "--releasever",
        "-c",
        "--config",
        "-x",
        "--exclude",
    }
)
_OFF = re.compile(
    r"(?:^|[\s,;.:_\[\"'])(?:local_?pkg_|repo_|pkg_)?(?:gpgcheck|sslverify)\s{0,4}=\s{0,4}(?:0|no|false|off)\b",
    re.IGNORECASE,
)
_SED = re.compile(r"s(.)(?:(?!\1).){1,200}\1((?:(?!\1).){0,200})")
_A_VERSION = re.compile(r"-\d[\w.+~^:]*")


def _find_unsigned(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, command in commands(
        dockerfile, *_DNF, "rpm", "echo", "printf", "sed", "yum-config-manager", "rpmkeys"
    ):
        for word in command.words:
            text = word.text
            if command.name == "sed":
                # what stands there before the change is not what is set
                changed = _SED.search(text)
                text = changed[2] if changed else text
            if text in {"--nogpgcheck", "--no-gpg-checks", "--nosignature"}:
                yield named(UNSIGNED, word, f"{command.name} {text} takes packages without a signature")
            elif found := _OFF.search(text.removeprefix("--setopt=")):
                yield named(UNSIGNED, word, f"{found[0].strip()} turns a check of packages off")


def _find_without_yes(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, *_DNF, verbs=_CHANGE, valued=_VALUED):
        if call.verb and not call.has("--assumeyes", "--yes", letter="y") and not call.has("--assumeno"):
            message = f"{call.command.name} {call.verb.text} asks before it goes on"
            yield named(WITHOUT_YES, call.verb, message, edits=insert(call.verb, " -y"))


def _find_cache(dockerfile: Dockerfile) -> Iterator[Problem]:
    stages = reached(dockerfile)
    for instruction in every(dockerfile, "RUN"):
        # what other stages leave behind is not in the image
        if instruction.stage not in stages or mounts_cache(instruction, "/var/cache"):
            continue
        kept: Call | None = None
        for call in calls_in(instruction, *_DNF, "rm", "find", valued=_VALUED):
            verb = call.verb.text if call.verb else ""
            if call.command.name in _DNF:
                kept = call if verb in _FETCH else None if verb == "clean" else kept
            elif any("/var/cache" in word.text for word in call.command.words):
                kept = None
        if kept is not None and kept.verb is not None:
            yield named(CACHE_KEPT, kept.verb, f"{kept.command.name} leaves its metadata in the layer")


def _find_version(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, *_DNF, verbs=("install", "in", "reinstall"), valued=_VALUED):
        for word in packages(call):
            if (
                not _A_VERSION.search(word.text)
                and not word.text.startswith("@")
                and not word.text.endswith(".rpm")
            ):
                yield named(VERSION, word, f"{word.text} is installed without a version")


def _find_upgrade(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, *_DNF, verbs=("update", "upgrade", "distro-sync"), valued=_VALUED):
        if call.verb and not call.operands:
            yield named(
                UPGRADE, call.verb, f"{call.command.name} {call.verb.text} changes all packages of the base"
            )


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(UNSIGNED, _find_unsigned),
    Check(WITHOUT_YES, _find_without_yes),
    Check(CACHE_KEPT, _find_cache),
    Check(VERSION, _find_version),
    Check(UPGRADE, _find_upgrade),
)
