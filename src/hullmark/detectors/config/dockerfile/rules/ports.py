"""Which ports an image says that its containers listen on."""

import re
from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import every, named, put, reached, resolved
from hullmark.detectors.config.dockerfile.model import Dockerfile, Stage, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

REMOTE_ACCESS = Rule(
    id="remote-access-port",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="a port is exposed that serves remote control or an unprotected protocol",
    why="Remote logins, desktops, file shares and debuggers open a way into the container beside its application, most of them without encryption or with a password.",
    fix="Leave the service out, and use `docker exec` or `kubectl exec` and volumes instead.",
    bad=(
        "FROM debian:12.7\nEXPOSE 22\n",
        "FROM debian:12.7\nEXPOSE 80 22/tcp\n",
        "FROM debian:12.7\nEXPOSE 20-25\n",
        "FROM debian:12.7\nARG SSH=22\nEXPOSE $SSH\n",
        "FROM debian:12.7\nENV RDP=3389\nEXPOSE ${RDP}/tcp\n",
        "FROM debian:12.7\nEXPOSE 23/TCP\n",
    ),
    good=(
        "FROM debian:12.7\nEXPOSE 80/tcp 443 8080 514/udp\n",
        "FROM debian:12.7\nARG PORT\nEXPOSE $PORT 3000-3010\n",
        "FROM debian:12.7\nEXPOSE 2222 22000\n",
        "FROM debian:12.7 AS test\nEXPOSE 22\nFROM debian:12.7\nEXPOSE 80\n",
    ),
    controls=("NIST-800-190 4.1.2", "NIST-800-53 CM-7", "PCI-DSS 2.2.4"),
    same_as=("DS-0004", "AVD-DS-0004"),
)
OUT_OF_RANGE = Rule(
    id="port-out-of-range",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="a port number is above 65535",
    why="There is no such port: the build stops here.",
    fix="Give a number from 1 to 65535.",
    bad=("FROM debian:12.7\nEXPOSE 80000\n", "FROM debian:12.7\nEXPOSE 8080 65536/udp\n"),
    good=("FROM debian:12.7\nEXPOSE 65535\n",),
    pack="pedantic",
    same_as=("DL3011", "DS-0008", "AVD-DS-0008"),
)
HOST_PORT = Rule(
    id="expose-host-port",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`EXPOSE` names an address or a port of the host",
    why="An image cannot choose where it is published: that part is ignored, or the build stops.",
    fix="Name the container's port only, and give the host's to `docker run -p`.",
    bad=("FROM debian:12.7\nEXPOSE 127.0.0.1:80:80\n", "FROM debian:12.7\nEXPOSE 8080:80\n"),
    good=("FROM debian:12.7\nEXPOSE 80\n",),
    pack="pedantic",
    same_as=("ExposeInvalidFormat",),
)
PROTOCOL_CASE = Rule(
    id="expose-protocol-case",
    kind="dockerfile",
    severity=Severity.NEGLIGIBLE,
    summary="the protocol of an exposed port is in capitals",
    why="Some builders and tools know only `tcp`, `udp` and `sctp`.",
    fix="Write it in small letters.",
    bad=("FROM debian:12.7\nEXPOSE 80/TCP\n",),
    good=("FROM debian:12.7\nEXPOSE 80/tcp\n",),
    pack="pedantic",
    same_as=("ExposeProtoCasing",),
)

_SERVICES = {
    21: "FTP",
    22: "SSH",
    23: "telnet",
    69: "TFTP",
    111: "the RPC port mapper",
    135: "Windows RPC",
    139: "NetBIOS file sharing",
    445: "SMB file sharing",
    512: "rexec",
    513: "rlogin",
    514: "rsh",
    2375: "the Docker daemon without TLS",
    3389: "remote desktop",
    5900: "VNC",
    5985: "WinRM",
    5986: "WinRM",
    6000: "X11",
    9229: "the debugger of Node.js",
}
_NOT_BY = dict.fromkeys(
    (22, 23, 512, 513, 514, 2375, 5900, 5985, 5986, 6000, 9229), "udp"
)  # 514/udp is syslog
_HIGHEST = 65535
_PORT = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?(?:/(\w+))?")


def _ports(dockerfile: Dockerfile) -> Iterator[tuple[Stage, Word, str]]:
    """Give each word of `EXPOSE` with its stage and what it is once variables have their defaults."""
    for stage in dockerfile.stages:
        for _, word, text in resolved(dockerfile, stage, "EXPOSE"):
            yield stage, word, text


def _find_remote(dockerfile: Dockerfile) -> Iterator[Problem]:
    # what an earlier stage exposes is not in the image
    stages = reached(dockerfile)
    for stage, word, text in _ports(dockerfile):
        found = _PORT.fullmatch(text)
        if stage.index not in stages or found is None:
            continue
        low, high = int(found[1]), int(found[2] or found[1])
        protocol = (found[3] or "tcp").lower()
        for port, service in _SERVICES.items():
            if low <= port <= high and protocol != _NOT_BY.get(port, ""):
                message = f"port {port} is exposed: {service}"
                yield named(REMOTE_ACCESS, word, message, resource=f"{port}/{protocol}")


def _find_out_of_range(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, word, text in _ports(dockerfile):
        found = _PORT.fullmatch(text)
        if found and max(int(found[1]), int(found[2] or 0)) > _HIGHEST:
            yield named(OUT_OF_RANGE, word, f"there is no port {text}", resource=text)


def _find_host(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, word, text in _ports(dockerfile):
        if ":" in text:
            yield named(HOST_PORT, word, f"{text} names more than the port of the container", resource=text)


def _find_case(dockerfile: Dockerfile) -> Iterator[Problem]:
    for instruction in every(dockerfile, "EXPOSE"):
        for word in instruction.words:
            port, slash, protocol = word.raw.partition("/")
            if slash and protocol.isalpha() and not protocol.islower():
                edits = put(word, f"{port}/{protocol.lower()}")
                yield named(PROTOCOL_CASE, word, f"the protocol in {word.text} is in capitals", edits=edits)


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(REMOTE_ACCESS, _find_remote),
    Check(OUT_OF_RANGE, _find_out_of_range),
    Check(HOST_PORT, _find_host),
    Check(PROTOCOL_CASE, _find_case),
)
