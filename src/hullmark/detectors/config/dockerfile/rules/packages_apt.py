"""apt, apt-get and dpkg: signatures, versions, what is left behind."""

import re
from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Edit, Problem
from hullmark.detectors.config.dockerfile._calls import (
    Call,
    calls,
    commands,
    commands_of,
    every,
    insert,
    mounts_cache,
    name_span,
    named,
    option_values,
    packages,
    reached,
)
from hullmark.detectors.config.dockerfile.model import Dockerfile
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

UNAUTHENTICATED = Rule(
    id="apt-unauthenticated",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="apt installs packages whose signature it did not check",
    why="Whoever is between the build and the mirror, or owns a mirror, puts a package of their own into the image.",
    fix="Install the repository's key under `/etc/apt/keyrings` and name it with `signed-by=`.",
    bad=(
        "FROM debian:12.7\nRUN apt-get install -y --allow-unauthenticated curl\n",
        "FROM debian:12.7\nRUN apt-get -o Acquire::AllowInsecureRepositories=true update\n",
        "FROM debian:12.7\nRUN apt-get install -y --force-yes curl\n",
        "FROM debian:12.7\nRUN echo 'deb [trusted=yes] http://deb.example.com stable main' > /etc/apt/sources.list.d/x.list\n",
        "FROM debian:12.7\nRUN echo 'APT::Get::AllowUnauthenticated \"true\";' > /etc/apt/apt.conf.d/99x\n",
    ),
    good=(
        "FROM debian:12.7\nRUN apt-get install -y curl\n",
        "FROM debian:12.7\nRUN echo 'deb [signed-by=/etc/apt/keyrings/x.gpg] https://deb.example.com stable main' > /etc/apt/sources.list.d/x.list\n",
        'FROM debian:12.7\nRUN echo "deb [ trusted=yes ] file://$built ./" > /etc/apt/sources.list.d/x.list\n',
    ),
    controls=("CIS-Docker 4.11", "NIST-800-190 4.1.5", "NIST-800-53 SI-7"),
)
WITHOUT_YES = Rule(
    id="apt-without-yes",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="apt-get asks a question that nobody answers",
    why="The build stops as soon as one more package than the named ones is to be installed.",
    fix="Add `-y`.",
    bad=(
        "FROM debian:12.7\nRUN apt-get install curl\n",
        "FROM debian:12.7\nRUN apt-get update && apt-get install curl git\n",
    ),
    good=(
        "FROM debian:12.7\nRUN apt-get install -y curl\n",
        "FROM debian:12.7\nRUN apt-get -qqy install curl\n",
        "FROM debian:12.7\nRUN apt-get install --assume-yes curl\n",
        "FROM debian:12.7\nRUN DEBIAN_FRONTEND=noninteractive apt-get install -q -q curl\n",
    ),
    pack="pedantic",
    same_as=("DL3014", "DS-0021", "AVD-DS-0021"),
)
RECOMMENDS = Rule(
    id="apt-recommended-packages",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="apt installs what packages recommend as well",
    why="Packages that nobody asked for make the image bigger, and bring flaws of their own.",
    fix="Add `--no-install-recommends`, and name what is needed of them.",
    bad=("FROM debian:12.7\nRUN apt-get install -y curl\n", "FROM debian:12.7\nRUN apt install -y curl\n"),
    good=(
        "FROM debian:12.7\nRUN apt-get install -y --no-install-recommends curl\n",
        "FROM debian:12.7\nRUN apt-get install -y -o APT::Install-Recommends=false curl\n",
    ),
    pack="pedantic",
    controls=("CIS-Docker 4.3", "NIST-800-53 CM-7"),
    same_as=("DL3015", "DS-0029", "AVD-DS-0029"),
)
LISTS_KEPT = Rule(
    id="apt-lists-kept",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="apt's package lists stay in the layer",
    why="They take 20 to 50 MB in each image, and are out of date a day later.",
    fix="End the same `RUN` with `rm -rf /var/lib/apt/lists/*`, or mount a cache there.",
    bad=(
        "FROM debian:12.7\nRUN apt-get update && apt-get install -y curl\n",
        "FROM debian:12.7\nRUN apt-get update && apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*\n",
        "FROM debian:12.7 AS base\nRUN apt-get update && apt-get install -y curl\nFROM base AS app\nUSER 1\n",
    ),
    good=(
        "FROM debian:12.7\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\n",
        "FROM debian:12.7\nRUN --mount=type=cache,target=/var/lib/apt apt-get update && apt-get install -y curl\n",
        "FROM debian:12.7 AS build\nRUN apt-get update && apt-get install -y gcc\nFROM debian:12.7\nCOPY --from=build /a /a\n",
    ),
    pack="pedantic",
    same_as=("DL3009", "DKL-DI-0005"),
)
VERSION = Rule(
    id="apt-package-version",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="a package is installed without a version",
    why="The next build may get another version, so that two images of one source differ.",
    fix="Name the version, as in `curl=7.88.1-10+deb12u*`, or build from a snapshot of the archive.",
    bad=(
        "FROM debian:12.7\nRUN apt-get install -y curl\n",
        "FROM debian:12.7\nRUN apt-get install -y git=1:2.39.2-1 curl\n",
    ),
    good=(
        "FROM debian:12.7\nRUN apt-get install -y curl=7.88.1-10+deb12u7\n",
        "FROM debian:12.7\nRUN apt-get install -y -t bookworm-backports curl=8.5.0-2~bpo12+1\n",
        'FROM debian:12.7\nRUN apt-get install -y ./local.deb "$PACKAGES"\n',
    ),
    pack="pedantic",
    same_as=("DL3008",),
)
APT = Rule(
    id="apt-for-people",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`apt` is made for people, and its options and output change between releases",
    why="A build that depends on it may fail or do something else with the next release.",
    fix="Use `apt-get` or `apt-cache`.",
    bad=("FROM debian:12.7\nRUN apt install -y curl\n", "FROM debian:12.7\nRUN apt search curl\n"),
    good=("FROM debian:12.7\nRUN apt-get install -y curl\n",),
    pack="pedantic",
    same_as=("DL3027",),
)
UPGRADE = Rule(
    id="apt-upgrade",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="all packages of the base image are upgraded to whatever is newest on the day of the build",
    why="Two builds of one source differ, and `dist-upgrade` may remove packages or go to another release.",
    fix="Take a newer base image, and upgrade single packages by name.",
    bad=(
        "FROM debian:12.7\nRUN apt-get update && apt-get dist-upgrade -y\n",
        "FROM debian:12.7\nRUN apt-get -y upgrade\n",
    ),
    good=("FROM debian:12.7\nRUN apt-get install -y --only-upgrade openssl\n",),
    pack="pedantic",
    same_as=("DL3005", "DS-0024", "AVD-DS-0024", "DKL-DI-0003"),
)

_APT = (
    "apt-get",
    "apt",
    "aptitude",
    "xx-apt-get",
    "xx-apt",
)  # xx- is what installs for the target of a cross build
_ALIKE = frozenset(
    {
        "install",
        "reinstall",
        "update",
        "upgrade",
        "remove",
        "purge",
        "autoremove",
        "clean",
        "autoclean",
        "build-dep",
    }
)
_INSTALL = ("install", "reinstall", "build-dep")
_VALUED = frozenset(
    {
        "-t",
        "--target-release",
        "--default-release",
        "-o",
        "--option",
        "-c",
        "--config-file",
        "-a",
        "--host-architecture",
        "-P",
    }
)
_UNSAFE = (
    "--allow-unauthenticated",
    "--force-yes",
    "--allow-insecure-repositories",
    "--allow-weak-repositories",
)
_UNSAFE_SETTING = re.compile(
    r"(?i)(?:AllowUnauthenticated|AllowInsecureRepositories|AllowWeakRepositories|AllowDowngradeToInsecureRepositories)"
    r"[=\s\"']{1,4}(?:true|1|yes)|Acquire::https::[\w.:-]{0,80}Verify-(?:Peer|Host)[=\s\"']{1,4}(?:false|0|no)"
)
# a repository in a directory of the build itself needs no signature
_TRUSTED = re.compile(
    r"\bdeb(?:-src)?\s{1,9}\[[^\]]{0,200}\btrusted=yes\b[^\]]{0,200}\]\s{0,9}(?!\s|file:|copy:|cdrom:|/)|^\s{0,80}Trusted:\s{0,9}yes",
    re.IGNORECASE | re.MULTILINE,
)


def _installs(dockerfile: Dockerfile) -> Iterator[Call]:
    return calls(dockerfile, *_APT, verbs=_INSTALL, valued=_VALUED)


def _find_unauthenticated(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, command in commands(dockerfile, *_APT, "echo", "printf"):
        for word in command.words:
            text = word.text
            if command.name in _APT and text.partition("=")[0] in _UNSAFE:
                yield named(
                    UNAUTHENTICATED, word, f"{command.name} {text} takes packages without a signature"
                )
            elif found := _UNSAFE_SETTING.search(text) or _TRUSTED.search(text):
                yield named(UNAUTHENTICATED, word, f"apt is told not to check signatures: {found[0].strip()}")
    for instruction in every(dockerfile, "COPY", "ADD"):
        for heredoc in instruction.heredocs:
            if _UNSAFE_SETTING.search(heredoc.content) or _TRUSTED.search(heredoc.content):
                yield Problem(
                    UNAUTHENTICATED,
                    instruction.span,
                    "apt is told not to check signatures",
                    resource=heredoc.name,
                )


def _quiet(call: Call) -> bool:
    letters = sum(word.text.count("q") for word in call.options if not word.text.startswith("--"))
    return letters > 1 or call.has("-q=2", "--quiet=2")


def _find_without_yes(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(
        dockerfile,
        *_APT,
        verbs=(*_INSTALL, "upgrade", "dist-upgrade", "remove", "purge", "autoremove"),
        valued=_VALUED,
    ):
        if (
            call.verb
            and not call.has("--yes", "--assume-yes", "--force-yes", letter="y")
            and not _quiet(call)
        ):
            message = f"{call.command.name} {call.verb.text} asks before it goes on"
            yield named(WITHOUT_YES, call.verb, message, edits=insert(call.verb, " -y"))


def _find_recommends(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, *_APT, verbs=("install",), valued=_VALUED):
        off = call.has("--no-install-recommends", letter="R" if call.command.name == "aptitude" else "")
        settings = [value.text.lower() for value in option_values(call.command, "-o", "--option")]
        if call.verb and not off and not any("install-recommends" in setting for setting in settings):
            yield named(
                RECOMMENDS, call.verb, f"{call.command.name} install takes recommended packages as well"
            )


def _find_lists(dockerfile: Dockerfile) -> Iterator[Problem]:
    stages = reached(dockerfile)
    for instruction in every(dockerfile, "RUN"):
        # what other stages leave behind is not in the image
        if instruction.stage not in stages or mounts_cache(instruction, "/var/lib/apt"):
            continue
        update = None
        for command in commands_of(instruction):
            if command.name in _APT and any(word.text == "update" for word in command.words):
                update = command
            elif command.name in {"rm", "find"} and any(
                "/var/lib/apt" in word.text for word in command.words
            ):
                update = None
        if update is not None:
            yield Problem(
                LISTS_KEPT,
                update.span,
                f"the package lists that {update.name} update fetched stay in the layer",
            )


def _find_version(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, *_APT, verbs=("install", "reinstall"), valued=_VALUED):
        for word in packages(call):
            if "=" not in word.text and "/" not in word.text and not word.text.endswith((".deb", "-")):
                yield named(VERSION, word, f"{word.text} is installed without a version")


def _find_apt(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, "apt"):
        if call.verb is not None:
            span = name_span(dockerfile, call.command)
            alike = span is not None and call.verb.text in _ALIKE
            edits = (Edit(span, "apt-get"),) if span is not None and alike else ()
            message = f"apt {call.verb.text} is for people, not for scripts"
            yield Problem(APT, span or call.command.span, message, resource=call.verb.text, edits=edits)


def _find_upgrade(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(
        dockerfile, *_APT, verbs=("upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade"), valued=_VALUED
    ):
        if call.verb and not call.operands:
            yield named(
                UPGRADE, call.verb, f"{call.command.name} {call.verb.text} changes all packages of the base"
            )


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(UNAUTHENTICATED, _find_unauthenticated),
    Check(WITHOUT_YES, _find_without_yes),
    Check(RECOMMENDS, _find_recommends),
    Check(LISTS_KEPT, _find_lists),
    Check(VERSION, _find_version),
    Check(APT, _find_apt),
    Check(UPGRADE, _find_upgrade),
)
