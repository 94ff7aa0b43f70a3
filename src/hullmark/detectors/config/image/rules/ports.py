"""Ports that no container should have.

What listens there gives a stranger a shell, files, a screen, or the control of the host. Databases and mail (1433, 3306, 5432, 6379, 25) are not
among them: an image of a database is for just that. Numbers: IANA's service registry, and the projects' own documentation.
"""

from collections.abc import Callable, Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.image._gathering import configured
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_CONTROLS = ("CIS-Docker 5.9", "NIST-800-190 4.4.2", "NIST-800-53 CM-7", "PCI-DSS 2.2.4")
_INSECURE = (*_CONTROLS, "PCI-DSS 2.2.5")
_LAST = 65535

SSH = Rule(
    id="image-port-ssh",
    kind="image",
    severity=Severity.MEDIUM,
    summary="the port of SSH is exposed",
    why="A way to sign in to a container is one to guess passwords and to change what runs, past the image and past the orchestrator's log.",
    fix="Take the SSH server out; use docker exec or kubectl exec, which ask who is allowed to.",
    bad=('{"config": {"ExposedPorts": {"22/tcp": {}}}}', '{"config": {"ExposedPorts": {"22": {}}}}'),
    good=(
        '{"config": {"ExposedPorts": {"80/tcp": {}, "443/tcp": {}}}}',
        '{"config": {"ExposedPorts": {"22/udp": {}}}}',
    ),
    controls=(
        "CIS-Docker 5.7",
        "NIST-800-190 4.4.2",
        "NIST-800-53 AC-17",
        "NIST-800-53 CM-7",
        "PCI-DSS 2.2.4",
    ),
    same_as=("DS-0004", "AVD-DS-0004", "DS004"),
)
SHELL = Rule(
    id="image-port-remote-shell",
    kind="image",
    severity=Severity.HIGH,
    summary="the port of an unencrypted remote shell is exposed",
    why="Telnet and the r-services send passwords in the clear or ask for none.",
    fix="Take the service out of the image.",
    bad=('{"config": {"ExposedPorts": {"23/tcp": {}}}}', '{"config": {"ExposedPorts": {"514/tcp": {}}}}'),
    good=('{"config": {"ExposedPorts": {"8080/tcp": {}}}}', '{"config": {"ExposedPorts": {"514/udp": {}}}}'),
    controls=(*_INSECURE, "NIST-800-53 AC-17"),
)
DESKTOP = Rule(
    id="image-port-remote-desktop",
    kind="image",
    severity=Severity.MEDIUM,
    summary="the port of a remote desktop is exposed",
    why="RDP, VNC and X11 hand over screen and keyboard, guarded by a short password or by nothing.",
    fix="Take the remote desktop out, or reach it through a tunnel to a port that is not exposed.",
    bad=('{"config": {"ExposedPorts": {"3389/tcp": {}}}}', '{"config": {"ExposedPorts": {"5901/tcp": {}}}}'),
    good=('{"config": {"ExposedPorts": {"8443/tcp": {}}}}',),
    controls=(*_CONTROLS, "NIST-800-53 AC-17"),
)
FILES = Rule(
    id="image-port-file-sharing",
    kind="image",
    severity=Severity.MEDIUM,
    summary="the port of an unencrypted file service is exposed",
    why="FTP, TFTP, SMB, NFS, rsync and rpcbind give out files and names without encryption, many without a password.",
    fix="Serve files over HTTPS or SFTP from an image made for that, and expose nothing else.",
    bad=('{"config": {"ExposedPorts": {"21/tcp": {}}}}', '{"config": {"ExposedPorts": {"445/tcp": {}}}}'),
    good=('{"config": {"ExposedPorts": {"443/tcp": {}}}}',),
    controls=_INSECURE,
)
CONTROL = Rule(
    id="image-port-host-control",
    kind="image",
    severity=Severity.HIGH,
    summary="a port is exposed by which a host or a cluster is controlled",
    why="Who reaches the API of Docker, of a kubelet or of etcd without a certificate rules the machine or the cluster.",
    fix="Do not expose it; let it listen on a Unix socket or demand client certificates.",
    bad=('{"config": {"ExposedPorts": {"2375/tcp": {}}}}', '{"config": {"ExposedPorts": {"10250/tcp": {}}}}'),
    good=('{"config": {"ExposedPorts": {"8443/tcp": {}}}}',),
    controls=(*_CONTROLS, "NIST-800-53 AC-3"),
)
DEBUGGER = Rule(
    id="image-port-debugger",
    kind="image",
    severity=Severity.MEDIUM,
    summary="the port of a debugger is exposed",
    why="A debugger runs whatever it is sent: who reaches its port runs code as the application.",
    fix="Leave the debugger out of the image that is deployed, or let it listen on localhost alone.",
    bad=(
        '{"config": {"ExposedPorts": {"9229/tcp": {}}}}',
        '{"config": {"ExposedPorts": {"5005/tcp": {}}}, "packages": ["maven org.slf4j:slf4j-api"]}',
    ),
    good=(
        '{"config": {"ExposedPorts": {"9090/tcp": {}}}}',
        '{"config": {"ExposedPorts": {"5005/tcp": {}}}, "packages": ["pypi rasa"]}',
    ),
    controls=_CONTROLS,
)
RANGE = Rule(
    id="image-port-out-of-range",
    kind="image",
    severity=Severity.LOW,
    summary="an exposed port is no port",
    why="Ports end at 65535, so whoever reads the image's ports is misled.",
    fix="Set the port that the application listens on.",
    bad=('{"config": {"ExposedPorts": {"65536/tcp": {}}}}',),
    good=('{"config": {"ExposedPorts": {"65535/tcp": {}}}}',),
    pack="pedantic",
    controls=("CIS-Docker 5.9", "NIST-800-190 4.1.2", "NIST-800-53 CM-6"),
    same_as=("DS-0008", "AVD-DS-0008", "DS008", "DL3011"),
)

_SERVICES: dict[str, dict[str, str]] = {
    SSH.id: {"22/tcp": "SSH"},
    SHELL.id: {"23/tcp": "Telnet", "512/tcp": "rexec", "513/tcp": "rlogin", "514/tcp": "rsh"},
    DESKTOP.id: {
        "3389/tcp": "RDP",
        "3389/udp": "RDP",
        **{f"{number}/tcp": "VNC" for number in (5800, 5801, 5900, 5901, 5902, 5903)},
        "6000/tcp": "X11",
    },
    FILES.id: {
        "20/tcp": "FTP",
        "21/tcp": "FTP",
        "69/udp": "TFTP",
        "111/tcp": "rpcbind",
        "111/udp": "rpcbind",
        "135/tcp": "Windows RPC",
        "137/udp": "NetBIOS",
        "138/udp": "NetBIOS",
        "139/tcp": "NetBIOS",
        "445/tcp": "SMB",
        "548/tcp": "AFP",
        "873/tcp": "rsync",
        "2049/tcp": "NFS",
        "2049/udp": "NFS",
    },
    CONTROL.id: {
        "2375/tcp": "the Docker API without TLS",
        "2376/tcp": "the Docker API",
        "2379/tcp": "etcd",
        "2380/tcp": "etcd between its members",
        "10250/tcp": "the kubelet's API",
        "10255/tcp": "the kubelet's API without authentication",
    },
    DEBUGGER.id: {"5005/tcp": "JDWP (Java)", "9229/tcp": "Node.js' inspector"},
}
_ONLY_WITH = {"5005/tcp": "maven"}
"""Ports that others use as well, and the ecosystem that makes it the service's. Those of Delve and debugpy are too much others' to tell anything."""


def _find(rule: Rule) -> Callable[[ImageView], Iterator[Problem]]:
    services = _SERVICES[rule.id]

    def find(view: ImageView) -> Iterator[Problem]:
        ecosystems = {package.ecosystem for package in view.packages}
        for port in view.settings.ports:
            number = f"{port.number}/{port.protocol}"
            service = services.get(number)
            if service and _ONLY_WITH.get(number) in {None, *ecosystems}:
                yield configured(
                    rule,
                    "config.ExposedPorts",
                    f"port {port.text} is exposed: {service}",
                    resource=port.text,
                    from_base=view.origin("EXPOSE", str(port.number)),
                )

    return find


def _out_of_range(view: ImageView) -> Iterator[Problem]:
    for port in view.settings.ports:
        if not 0 < port.number <= _LAST:
            message = f"port {port.text} is exposed, and there is no such port"
            yield configured(RANGE, "config.ExposedPorts", message, resource=port.text)


CHECKS: tuple[Check[ImageView], ...] = (
    *(Check(rule, _find(rule)) for rule in (SSH, SHELL, DESKTOP, FILES, CONTROL, DEBUGGER)),
    Check(RANGE, _out_of_range),
)
