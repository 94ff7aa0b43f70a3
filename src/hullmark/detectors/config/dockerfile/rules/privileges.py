"""Builds and containers that are let out of their box."""

from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem, Span
from hullmark.detectors.config.dockerfile._calls import commands, every, named
from hullmark.detectors.config.dockerfile.model import Dockerfile
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

INSECURE_RUN = Rule(
    id="insecure-run",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a `RUN` has all privileges of the machine that builds",
    why="What it runs, and whatever it downloads, may leave the build and take over the builder.",
    fix="Leave `--security=insecure` out.",
    bad=("FROM debian:12.7\nRUN --security=insecure make\n",),
    good=("FROM debian:12.7\nRUN --security=sandbox make\n", "FROM debian:12.7\nRUN make\n"),
    controls=("NIST-800-53 AC-6", "NIST-800-190 4.4.3"),
)
HOST_NETWORK = Rule(
    id="host-network-run",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="a `RUN` is in the network of the machine that builds",
    why="What it runs, and whatever it downloads, reaches the services that listen on that machine only.",
    fix="Leave `--network=host` out.",
    bad=("FROM debian:12.7\nRUN --network=host make\n",),
    good=("FROM debian:12.7\nRUN --network=none make\n", "FROM debian:12.7\nRUN make\n"),
    controls=("NIST-800-53 SC-7", "NIST-800-190 4.4.2"),
)
DOCKER_SOCKET = Rule(
    id="docker-socket",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="the container is made to use the Docker daemon of its host",
    why="Whoever talks to that socket starts containers with all privileges: it is root on the host.",
    fix="Build with a rootless builder, or put a proxy before the socket that lets through what is needed.",
    bad=(
        "FROM debian:12.7\nVOLUME /var/run/docker.sock\n",
        "FROM debian:12.7\nRUN chmod 666 /var/run/docker.sock\n",
        "FROM debian:12.7\nENV DOCKER_HOST=unix:///var/run/docker.sock\n",
        "FROM debian:12.7\nENV DOCKER_HOST tcp://10.0.0.1:2375\n",
        "FROM debian:12.7\nRUN --mount=type=bind,source=/run/docker.sock,target=/run/docker.sock docker ps\n",
    ),
    good=(
        "FROM debian:12.7\nENV DOCKER_HOST=tcp://docker:2376 DOCKER_TLS_VERIFY=1\n",
        "FROM debian:12.7\nVOLUME /var/lib/docker\n",
    ),
    controls=("NIST-800-53 AC-6", "NIST-800-190 4.4.3"),
)
SYSTEM_DIRECTORY = Rule(
    id="system-directory",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="`WORKDIR` or `VOLUME` is a directory of the kernel or of the boot",
    why="What is written there reaches the kernel or is lost, and a process that starts there may leave the container by a flaw of the runtime.",
    fix="Use a directory of the application.",
    bad=(
        "FROM debian:12.7\nWORKDIR /proc/self/fd/8\n",
        'FROM debian:12.7\nVOLUME ["/sys", "/data"]\n',
        "FROM debian:12.7\nWORKDIR /dev/\n",
    ),
    good=("FROM debian:12.7\nWORKDIR /app\nVOLUME /data /development\n",),
    controls=("NIST-800-53 AC-6",),
    same_as=("DS-0030", "AVD-DS-0030", "DKL-DI-0002"),
)

_SYSTEM = ("/proc/", "/sys/", "/dev/", "/boot/", "/initrd/", "/lost+found/")
_SOCKETS = ("docker.sock", "containerd.sock", "crio.sock", "podman.sock")


def _find_flag(dockerfile: Dockerfile, rule: Rule, name: str, value: str, message: str) -> Iterator[Problem]:
    for instruction in every(dockerfile, "RUN"):
        for flag in instruction.flags:
            if flag.name == name and flag.value == value:
                yield Problem(rule, flag.span, message, resource=value)


def _find_insecure(dockerfile: Dockerfile) -> Iterator[Problem]:
    return _find_flag(
        dockerfile, INSECURE_RUN, "security", "insecure", "this RUN has all privileges of the builder"
    )


def _find_network(dockerfile: Dockerfile) -> Iterator[Problem]:
    return _find_flag(
        dockerfile, HOST_NETWORK, "network", "host", "this RUN is in the network of the builder"
    )


def _places(dockerfile: Dockerfile) -> Iterator[tuple[str, Span]]:
    """Give the texts that may name a socket."""
    for instruction in every(dockerfile, "VOLUME"):
        yield from ((word.text, word.span) for word in instruction.words)
    for instruction in every(dockerfile, "RUN"):
        yield from ((flag.value or "", flag.span) for flag in instruction.flags if flag.name == "mount")
    for _, command in commands(dockerfile, "chmod", "chown", "chgrp", "setfacl", "docker", "curl", "ln"):
        yield from ((word.text, word.span) for word in command.words)
    for instruction in every(dockerfile, "ENV"):
        for name, value in instruction.pairs:
            if value is not None and name.text in {"DOCKER_HOST", "CONTAINER_HOST"}:
                yield value.text, value.span


def _find_socket(dockerfile: Dockerfile) -> Iterator[Problem]:
    for text, span in _places(dockerfile):
        name = next((name for name in _SOCKETS if name in text), "")
        if name:
            yield Problem(DOCKER_SOCKET, span, f"{name} of the host is used", resource=name)
        elif text.startswith("tcp://") and text.rstrip("/").endswith(":2375"):
            yield Problem(DOCKER_SOCKET, span, f"{text} is a Docker daemon without TLS", resource=text)


def _find_system(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "WORKDIR", "VOLUME"):
        for word in instruction.words:
            if f"{word.text}/".startswith(_SYSTEM):
                yield named(
                    SYSTEM_DIRECTORY, word, f"{instruction.keyword} {word.text} is a directory of the system"
                )


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(INSECURE_RUN, _find_insecure),
    Check(HOST_NETWORK, _find_network),
    Check(DOCKER_SOCKET, _find_socket),
    Check(SYSTEM_DIRECTORY, _find_system),
)
