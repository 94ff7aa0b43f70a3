"""What holds for the package managers of all distributions."""

from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import Call, calls_in, every, named
from hullmark.detectors.config.dockerfile.model import Dockerfile
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

UPDATE_ALONE = Rule(
    id="update-alone",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="the package lists are fetched in a `RUN` of their own",
    why="That layer is taken from the build cache for months, and what is installed later is as old as it: with the flaws that were fixed since.",
    fix="Put `update` and `install` into one `RUN`, with `&&` between them.",
    bad=(
        "FROM debian:12.7\nRUN apt-get update\nRUN apt-get install -y curl\n",
        "FROM alpine:3.20\nRUN apk update\nRUN apk add curl\n",
        "FROM debian:12.7\nRUN apt-get install -y curl && apt-get update\n",
    ),
    good=(
        "FROM debian:12.7\nRUN apt-get update && apt-get install -y curl\n",
        "FROM debian:12.7\nRUN <<EOF\napt-get update\napt-get install -y curl\nEOF\n",
        "FROM alpine:3.20\nRUN apk update && apk add curl\n",
        "FROM rockylinux:9.3\nRUN dnf update -y openssl\n",
        "FROM debian:12.7\nRUN apt-get update && ./install-more.sh\n",
    ),
    pack="pedantic",
    controls=("CIS-Docker 4.7", "NIST-800-190 4.1.1", "NIST-800-53 SI-2"),
    same_as=("DS-0017", "AVD-DS-0017", "CIS-DI-0007"),
)

_FAMILIES = dict.fromkeys(("apt", "apt-get", "aptitude"), "apt") | {"apk": "apk", "zypper": "zypper"}
_FAMILIES |= dict.fromkeys(("dnf", "yum", "microdnf", "tdnf", "dnf5"), "rpm")
# `dnf update` is an upgrade, and fetches its lists itself
_UPDATES = {
    "apt": ("update",),
    "apk": ("update",),
    "zypper": ("refresh", "ref"),
    "rpm": ("makecache", "check-update"),
}
_USES = frozenset(
    [
        "install",
        "in",
        "add",
        "upgrade",
        "dist-upgrade",
        "full-upgrade",
        "safe-upgrade",
        "build-dep",
        "source-install",
        "si",
        "reinstall",
        "groupinstall",
        "localinstall",
        "update",
        "up",
        "download",
        "source",
        "satisfy",
        "dup",
        "patch",
        "policy",
        "show",
    ]
)


def _find_alone(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "RUN"):
        waiting: dict[str, Call] = {}
        # a script or function may install what nobody sees here
        script = any(
            command.name.endswith(".sh") or (command.name == "" and command.words)
            for command in (instruction.script.commands if instruction.script else ())
        )
        for call in calls_in(instruction, *_FAMILIES):
            family = _FAMILIES[call.command.name]
            verb = call.verb.text if call.verb else ""
            if verb in _UPDATES[family]:
                waiting[family] = call
            elif verb in _USES:
                waiting.pop(family, None)
        for call in waiting.values():
            if call.verb and not script:
                message = f"{call.command.name} {call.verb.text} has no install behind it in its RUN"
                yield named(UPDATE_ALONE, call.verb, message)


CHECKS: tuple[Check[Dockerfile], ...] = (Check(UPDATE_ALONE, _find_alone),)
