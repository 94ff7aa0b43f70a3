"""Volumes and the working directory."""

from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.image._gathering import configured
from hullmark.detectors.config.image.view import ImageView
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_KERNEL = ("/dev", "/proc", "/sys")
_SYSTEM = frozenset(("/", "/bin", "/boot", "/etc", "/lib", "/lib64", "/root", "/sbin", "/usr"))
_SOCKETS = frozenset(
    (
        "/run/docker.sock",
        "/var/run/docker.sock",
        "/run/containerd/containerd.sock",
        "/run/crio/crio.sock",
        "/run/podman/podman.sock",
    )
)
_CONTROLS = ("CIS-Docker 5.6", "NIST-800-190 4.4.3", "NIST-800-53 AC-6", "PCI-DSS 2.2.6")

VOLUME = Rule(
    id="image-system-volume",
    kind="image",
    severity=Severity.MEDIUM,
    summary="VOLUME names a folder of the system",
    why="It asks for the host's kernel interfaces, or hides the image's own programs and accounts under a folder that outlives the container and its updates.",
    fix="Give the application a folder of its own, as /data, and name that.",
    bad=('{"config": {"Volumes": {"/proc": {}}}}', '{"config": {"Volumes": {"/etc/": {}}}}'),
    good=('{"config": {"Volumes": {"/var/lib/postgresql/data": {}, "/etc/app": {}}}}',),
    controls=_CONTROLS,
    same_as=("DKL-DI-0002",),
)
SOCKET = Rule(
    id="image-engine-socket-volume",
    kind="image",
    severity=Severity.HIGH,
    summary="VOLUME names the socket of the container engine",
    why="The image is made to be given that socket, and who has it starts containers as root on the host.",
    fix="Let the application ask a service that may do just what it needs.",
    bad=('{"config": {"Volumes": {"/var/run/docker.sock": {}}}}',),
    good=('{"config": {"Volumes": {"/var/run/app": {}}}}',),
    controls=("CIS-Docker 5.32", *_CONTROLS[1:]),
    same_as=("DKL-DI-0002",),
)
WORKING = Rule(
    id="image-system-workdir",
    kind="image",
    severity=Severity.MEDIUM,
    summary="the working directory is one of the kernel's",
    why="What the application writes there changes the kernel's settings, and a mount in its place shows the host's.",
    fix="Set WORKDIR to a folder of the application.",
    bad=('{"config": {"WorkingDir": "/proc/self/fd/8"}}', '{"config": {"WorkingDir": "/sys"}}'),
    good=('{"config": {"WorkingDir": "/app"}}', '{"config": {"WorkingDir": "/system"}}'),
    controls=_CONTROLS,
    same_as=("DS-0030", "AVD-DS-0030", "DS030"),
)


def _tidy(path: str) -> str:
    return "/" + "/".join(part for part in path.split("/") if part not in {"", "."})


def _is_kernels(path: str) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in _KERNEL)


def _volumes(view: ImageView) -> Iterator[Problem]:
    for volume in view.settings.volumes:
        path = _tidy(volume)
        if path in _SYSTEM or _is_kernels(path):
            message = f"VOLUME names {path}, a folder of the system"
            yield configured(
                VOLUME, "config.Volumes", message, resource=path, from_base=view.origin("VOLUME", volume)
            )


def _sockets(view: ImageView) -> Iterator[Problem]:
    for volume in view.settings.volumes:
        path = _tidy(volume)
        if path in _SOCKETS:
            message = f"VOLUME names {path}, by which containers are started on the host"
            yield configured(
                SOCKET, "config.Volumes", message, resource=path, from_base=view.origin("VOLUME", volume)
            )


def _working(view: ImageView) -> Iterator[Problem]:
    path = _tidy(view.settings.working_dir)
    if _is_kernels(path):
        yield configured(WORKING, "config.WorkingDir", f"the working directory is {path}", resource=path)


CHECKS: tuple[Check[ImageView], ...] = (
    Check(VOLUME, _volumes),
    Check(SOCKET, _sockets),
    Check(WORKING, _working),
)
