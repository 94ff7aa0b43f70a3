"""What fixes one finding, and where: the base image, the layer's own instruction, a dependency, its parent. Pure."""

import re
from typing import Literal

from msgspec.structs import replace

from hullmark.advice.instructions import how
from hullmark.model.explanation import Remedy
from hullmark.model.facts import SYSTEM, Distribution
from hullmark.model.report import Component, Finding, ReportImage

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,200}")
"""Names that a shell takes as they are; for others no command is given."""
_RPM_COMMANDS = (
    ("zypper update", re.compile(r"(?:sle|sl-|suse|opensuse).*:.*")),
    ("tdnf update", re.compile(r"(?:photon|azurelinux|mariner):.*")),
    ("yum update", re.compile(r"(?:(?:rhel|centos|ol):[567]|amzn:(?:2|201\d))(?:\..*)?")),
    ("dnf upgrade", re.compile(r".*")),
)
_PROGRAMS = frozenset({"go_binary", "rust_binary", "known_binaries"})
"""Detectors that find packages within programs."""
_COMMANDS = {"deb": "apt-get install --only-upgrade", "apk": "apk upgrade", "alpm": "pacman -Syu"}


def remedy(finding: Finding, component: Component | None, image: ReportImage | None) -> Remedy:
    """Say what to do about a finding. `component` is None where it is the release that has to be left."""
    place = finding.locations[0] if finding.locations else None
    base = image.base if image is not None else None
    found = Remedy(
        action=_action(finding),
        fixed_version=finding.fixed_version,
        owner=_owner(finding),
        base=(base.name or base.digest) if base is not None and base.layers else "",
        layer=place.layer if place is not None else -1,
        instruction=place.created_by if place is not None else "",
        fix_is_malicious=finding.fix_is_malicious,
    )
    if component is None or found.action != "upgrade":
        return found
    found = replace(found, how=how(found.instruction, component))
    if component.ecosystem in SYSTEM:
        distribution = image.distribution if image is not None else None
        return replace(found, command=_command(component, distribution))
    if component.origin == "binary":  # a lock file may name it beside the program that holds it
        place = next((each for each in finding.locations if each.detector in _PROGRAMS), place)
    is_inside = component.origin == "binary" or (component.ecosystem == "maven" and place and place.place)
    return replace(
        found,
        is_direct=bool(component.direct),
        direct=component.via[0] if component.via else "",
        chain=(*component.via, f"{component.name}@{component.version}") if component.via else (),
        inside=place.path if is_inside and place is not None else "",
    )


def _action(finding: Finding) -> Literal["upgrade", "remove", "release", "none"]:
    if finding.kind == "malicious":
        return "remove"
    if finding.kind == "end_of_life":
        return "release"
    return "upgrade" if finding.fixed_version else "none"


def _owner(finding: Finding) -> Literal["", "base", "own"]:
    if finding.from_base is None:
        return ""
    return "base" if finding.from_base else "own"


def _command(component: Component, distribution: Distribution | None) -> str:
    """Give what the package manager upgrades this package by."""
    if not _NAME.fullmatch(component.name):
        return ""
    command = _COMMANDS.get(component.ecosystem, "")
    if not command and distribution is not None:
        system = f"{distribution.id}:{distribution.version_id}"
        command = next(words for words, systems in _RPM_COMMANDS if systems.fullmatch(system))
    return f"{command} {component.name}" if command else ""
