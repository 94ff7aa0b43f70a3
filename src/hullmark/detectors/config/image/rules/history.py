"""What the image's history tells of how it was built. Messages name no argument: what follows a command may be a secret."""

import re
from collections.abc import Callable, Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.image._commands import Command, commands
from hullmark.detectors.config.image._gathering import Place, gathered
from hullmark.detectors.config.image._words import words
from hullmark.detectors.config.image.view import ImageView, Step
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

_SHELLS = words("sh bash ash dash zsh ksh")
_INTERPRETERS = _SHELLS | words("python python3 perl ruby node php pwsh")
_DOWNLOADERS = frozenset({"curl", "wget"})
_DOWNLOAD = re.compile("|".join(sorted(_DOWNLOADERS)))
_SUBSTITUTED = re.compile(r"(?:\$\(|`)\s{0,8}(?:curl|wget)\b")
_PROCESS = re.compile(r"(?:^|[\s;&|])(?:\.|source|(?:ba|da|z|k|a)?sh)\s{1,8}<\(\s{0,8}(?:curl|wget)\b")
_REMOTE = re.compile(r"(?:^|[\s\"\[,])(?:https?|ftp)://|(?:^|\s)git@[\w.-]{1,200}:")
_ARCHIVE = re.compile(
    r"\.(?:tar|tgz|tbz2?|txz|tar\.\w{1,4})(?:[\s\"\]]|$)|(?:^|\s)(?:multi:|file:|dir:)[0-9a-f]{32,} in /\s*$"
)
_OPEN_MODE = re.compile(r"0?[0-7]?[0-7][0-7][2367]")
_OPEN_WORDS = re.compile(r"(?:[ugo]*a[ugo]*|[uga]*o[uga]*|)\+?[=+][rwxXst]*w[rwxXst]*")

REMOTE_ADD = Rule(
    id="image-remote-add",
    kind="image",
    severity=Severity.MEDIUM,
    summary="ADD fetches a file from the network without a checksum",
    why="Whoever controls the server or the way to it decides what is in the image, and no two builds need be the same.",
    fix="Give ADD a --checksum, or fetch with curl in RUN and check the sum or signature there.",
    bad=(
        '{"history": [{"created_by": "ADD https://example.com/tool /usr/bin/tool # buildkit"}]}',
        '{"history": [{"created_by": "/bin/sh -c #(nop) ADD http://example.com/tool /usr/bin/tool "}]}',
    ),
    good=(
        '{"history": [{"created_by": "ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/tool /t"}]}',
        '{"history": [{"created_by": "ADD rootfs.tar.xz / # buildkit"}]}',
    ),
    controls=("CIS-Docker 4.9", "CIS-Docker 4.11", "NIST-800-190 4.1.5", "NIST-800-53 SI-7"),
    same_as=("CIS-DI-0009",),
)
PIPED = Rule(
    id="image-piped-download",
    kind="image",
    severity=Severity.MEDIUM,
    summary="a download is run as a script, unseen",
    why="What a server sends at that moment runs as root in the build; a broken connection or a break-in there ends up in the image.",
    fix="Download to a file, check its sum or signature, then run it; or install a package.",
    bad=(
        '{"history": [{"created_by": "RUN /bin/sh -c curl -fsSL https://example.com/install.sh | bash # buildkit"}]}',
        '{"history": [{"created_by": "/bin/sh -c sh -c \\"$(wget -qO- https://example.com/install.sh)\\""}]}',
        '{"history": [{"created_by": "RUN /bin/bash -c bash <(curl -s https://example.com/install.sh) # buildkit"}]}',
        '{"history": [{"created_by": "RUN |1 V=1 /bin/sh -c wget -qO- https://example.com/i.py | sudo -E python3 - # buildkit"}]}',
    ),
    good=(
        '{"history": [{"created_by": "RUN /bin/sh -c curl -fsSL https://example.com/key.asc | gpg --dearmor -o /k.gpg # buildkit"}]}',
        '{"history": [{"created_by": "RUN /bin/sh -c curl -fsSLO https://example.com/t.tgz && sha256sum -c t.sum | sh -c cat # buildkit"}]}',
    ),
    controls=("CIS-Docker 4.11", "NIST-800-190 4.1.5", "NIST-800-53 SI-7"),
)
UNVERIFIED = Rule(
    id="image-unverified-packages",
    kind="image",
    severity=Severity.MEDIUM,
    summary="packages or downloads were taken without checking whose they are",
    why="With signatures or certificates unchecked, anybody on the way can put their own in the place of what was asked for.",
    fix="Leave the option out and install the publisher's key or certificate instead.",
    bad=(
        '{"history": [{"created_by": "RUN /bin/sh -c apt-get install -y --allow-unauthenticated curl # buildkit"}]}',
        '{"history": [{"created_by": "RUN /bin/sh -c apk add --allow-untrusted /x.apk # buildkit"}]}',
        '{"history": [{"created_by": "RUN /bin/sh -c curl -fsSLk https://example.com/x -o /x # buildkit"}]}',
        '{"history": [{"created_by": "RUN /bin/sh -c pip install --trusted-host example.com x # buildkit"}]}',
    ),
    good=(
        '{"history": [{"created_by": "RUN /bin/sh -c apt-get install -y curl && curl -fsSL https://example.com/x -o /x # buildkit"}]}',
        '{"history": [{"created_by": "RUN /bin/sh -c dnf install -y x && rpm -qk x # buildkit"}]}',
    ),
    controls=(
        "CIS-Docker 4.11",
        "NIST-800-190 4.1.5",
        "NIST-800-53 SI-7",
        "NIST-800-53 SC-8",
        "PCI-DSS 4.2.1",
    ),
    same_as=("CIS-DI-0011",),
)
OPENED = Rule(
    id="image-chmod-for-all",
    kind="image",
    severity=Severity.MEDIUM,
    summary="a chmod lets every user write",
    why="Whoever gets in as any user may replace what others run from there.",
    fix="Give the files to the user that needs them with chown or COPY --chown, and keep others from writing.",
    bad=(
        '{"history": [{"created_by": "RUN /bin/sh -c chmod -R 777 /app # buildkit"}]}',
        '{"history": [{"created_by": "/bin/sh -c mkdir /data && chmod a+rwx /data"}]}',
    ),
    good=(
        '{"history": [{"created_by": "RUN /bin/sh -c chmod 755 /app && chmod u+w,go-w /app && chmod +x /app/run # buildkit"}]}',
        '{"history": [{"created_by": "RUN /bin/sh -c mkdir /t && chmod 1777 /t # buildkit"}]}',
    ),
    controls=("NIST-800-190 4.1.2", "NIST-800-53 AC-6", "PCI-DSS 7.2.2"),
)
SUDO = Rule(
    id="image-sudo-in-build",
    kind="image",
    severity=Severity.LOW,
    summary="RUN uses sudo",
    why="A build is root where it needs to be; sudo left in the image is one more SUID program.",
    fix="Put USER root before the instruction and the user after it, and leave sudo out.",
    bad=('{"history": [{"created_by": "RUN /bin/sh -c sudo apt-get install -y curl # buildkit"}]}',),
    good=('{"history": [{"created_by": "RUN /bin/sh -c apt-get install -y sudo # buildkit"}]}',),
    pack="pedantic",
    controls=("CIS-Docker 4.3", "NIST-800-190 4.1.2", "NIST-800-53 AC-6", "PCI-DSS 2.2.4"),
    same_as=("DKL-DI-0001", "DS-0010", "AVD-DS-0010", "DS010", "DL3004"),
)
UPGRADE = Rule(
    id="image-dist-upgrade",
    kind="image",
    severity=Severity.LOW,
    summary="the build upgrades the whole distribution",
    why="It changes the release under the base image, and what comes of it depends on the day.",
    fix="Build on a newer base image, and upgrade single packages by name.",
    bad=(
        '{"history": [{"created_by": "RUN /bin/sh -c apt-get update && apt-get -y dist-upgrade # buildkit"}]}',
    ),
    good=(
        '{"history": [{"created_by": "RUN /bin/sh -c apt-get update && apt-get -y install curl # buildkit"}]}',
    ),
    pack="pedantic",
    controls=("NIST-800-190 4.1.2", "NIST-800-53 CM-2", "PCI-DSS 6.5.1"),
    same_as=("DKL-DI-0003", "DS-0024", "AVD-DS-0024", "DS024", "DL3005"),
)
UPDATE = Rule(
    id="image-lone-update",
    kind="image",
    severity=Severity.LOW,
    summary="package lists are updated in a RUN that installs nothing",
    why="The builder's cache keeps the old lists, so a later install takes old packages with known flaws.",
    fix="Update and install in the same RUN.",
    bad=(
        '{"history": [{"created_by": "RUN /bin/sh -c apt-get update # buildkit"}]}',
        '{"history": [{"created_by": "/bin/sh -c apk update"}]}',
    ),
    good=(
        '{"history": [{"created_by": "RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit"}]}',
        '{"history": [{"created_by": "RUN /bin/sh -c npm update # buildkit"}]}',
    ),
    pack="pedantic",
    controls=("CIS-Docker 4.7", "NIST-800-190 4.1.1", "NIST-800-53 SI-2", "PCI-DSS 6.3.3"),
    same_as=("CIS-DI-0007", "DS-0017", "AVD-DS-0017", "DS017"),
)
LOCAL_ADD = Rule(
    id="image-local-add",
    kind="image",
    severity=Severity.LOW,
    summary="ADD is used where COPY does",
    why="ADD unpacks archives and fetches addresses, so what it does depends on what it is given.",
    fix="Use COPY; keep ADD for archives to unpack.",
    bad=('{"history": [{"created_by": "/bin/sh -c true"}, {"created_by": "ADD app.py /app/ # buildkit"}]}',),
    good=(
        '{"history": [{"created_by": "/bin/sh -c #(nop) ADD file:3e1a4c5f3e1a4c5f3e1a4c5f3e1a4c5f3e1a4c5f in / "}]}',
        '{"history": [{"created_by": "/bin/sh -c true"}, {"created_by": "COPY app.py /app/ # buildkit"}]}',
    ),
    pack="pedantic",
    controls=("CIS-Docker 4.9", "NIST-800-190 4.1.2", "NIST-800-53 CM-6"),
    same_as=("CIS-DI-0009", "DS-0005", "AVD-DS-0005", "DS005", "DL3020"),
)

_MANAGERS = words("apt apt-get aptitude apk yum dnf microdnf tdnf zypper")
_INSTALLS = words(
    "install add upgrade dist-upgrade full-upgrade build-dep reinstall patch groupinstall distro-sync up dup"
)
_UPDATES = frozenset({"update", "refresh", "ref", "makecache"})
_UPDATED = re.compile(r"\b(?:update|refresh|ref|makecache)\b")
_ITSELF_AN_UPGRADE = frozenset({"yum", "dnf", "microdnf", "tdnf", "zypper"})
_TRUSTING: dict[str, frozenset[str]] = {
    "apt": frozenset({"--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories"}),
    "apk": frozenset({"--allow-untrusted"}),
    "dnf": frozenset({"--nogpgcheck", "--no-gpgchecks"}),
    "zypper": frozenset({"--no-gpg-checks", "--allow-unsigned-rpm"}),
    "rpm": frozenset({"--nosignature", "--nodigest"}),
    "curl": frozenset({"--insecure"}),
    "wget": frozenset({"--no-check-certificate"}),
    "pip": frozenset({"--trusted-host"}),
    "git": frozenset({"http.sslVerify=false", "http.sslverify=false"}),
}
_SAME = {"apt-get": "apt", "yum": "dnf", "microdnf": "dnf", "tdnf": "dnf", "pip3": "pip"}


def _place(step: Step, message: str) -> Place:
    field = f"history.{step.index}"
    return Place(field, step.layer, message, field, step.from_base)


def _in_commands(rule: Rule, what: str, needs: str, said: Callable[[Command], str]) -> Check[ImageView]:
    """Make a check of single commands: `said` gives the message, or nothing. Scripts without a match of `needs` are not taken apart."""
    needed = re.compile(needs)

    def places(view: ImageView) -> Iterator[Place]:
        for step in view.steps:
            if step.keyword != "RUN" or not needed.search(step.text):
                continue
            message = next((text for command in commands(step.text) if (text := said(command))), "")
            if message:
                yield _place(step, message)

    return Check(rule, lambda view: gathered(view, rule, places(view), what))


def _in_steps(rule: Rule, what: str, said: Callable[[Step], str]) -> Check[ImageView]:
    """Make a check of whole steps: `said` gives the message, or nothing."""

    def find(view: ImageView) -> Iterator[Problem]:
        places = (_place(step, message) for step in view.steps if (message := said(step)))
        return gathered(view, rule, places, what)

    return Check(rule, find)


def _remote_add(step: Step) -> str:
    if step.keyword == "ADD" and _REMOTE.search(step.text) and "--checksum" not in step.text:
        return "ADD fetches a file from the network and checks no sum of it"
    return ""


def _local_add(step: Step) -> str:
    is_local = step.keyword == "ADD" and not _REMOTE.search(step.text) and not _ARCHIVE.search(step.text)
    return "ADD copies local files" if is_local else ""


def _piped(step: Step) -> str:
    if step.keyword != "RUN" or not _DOWNLOAD.search(step.text):
        return ""
    if _PROCESS.search(step.text):
        return "RUN executes what it downloads, unseen"
    fetching = -1
    for command in commands(step.text):
        if command.name in _DOWNLOADERS:
            fetching = command.pipeline
        elif command.name in _INTERPRETERS and command.pipeline == fetching:
            return f"RUN pipes a download into {command.name}"
        elif (command.name in _SHELLS or command.name in {"eval", "python", "python3"}) and any(
            _SUBSTITUTED.search(word) for word in command.words
        ):
            return f"RUN downloads a script and hands it to {command.name}"
    return ""


def _unverified(command: Command) -> str:
    options = _TRUSTING.get(_SAME.get(command.name, command.name), frozenset())
    given = [word.partition("=")[0] if word[:2] == "--" else word for word in command.words]
    found = next((word for word in given if word in options), "")
    if not found and command.name == "curl" and command.short("k"):
        found = "-k"
    return f"RUN calls {command.name} with {found}, so nothing proves whose the files are" if found else ""


def _opened(command: Command) -> str:
    if command.name != "chmod":
        return ""
    wanted = next((word for word in command.words if word[:1] != "-"), "")
    is_sticky = len(wanted) > 3 and wanted[-4] in "1357"
    is_open = _OPEN_MODE.fullmatch(wanted) and not is_sticky
    if is_open or any(_OPEN_WORDS.fullmatch(part) and _for_others(part) for part in wanted.split(",")[:16]):
        return f"RUN lets every user write: chmod {wanted[:20]}"
    return ""


def _for_others(part: str) -> bool:
    """Tell whether a symbolic mode is about others: `+w` alone is what the umask leaves of it, so not for them."""
    who = re.split(r"[=+]", part, maxsplit=1)[0]
    return "o" in who or "a" in who


def _sudo(command: Command) -> str:
    return "RUN uses sudo" if "sudo" in command.prefixes else ""


def _upgrade(command: Command) -> str:
    if command.name in {"apt", "apt-get", "aptitude"} and command.has("dist-upgrade", "full-upgrade"):
        return f"RUN upgrades the whole distribution with {command.name}"
    return ""


def _update(step: Step) -> str:
    updated = ""
    if step.keyword != "RUN" or not _UPDATED.search(step.text):
        return ""
    for command in commands(step.text):
        if command.name not in _MANAGERS:
            continue
        verb = next((word for word in command.words if word[:1] != "-"), "")
        if verb in _INSTALLS or (verb == "update" and command.name in _ITSELF_AN_UPGRADE):
            return ""
        if verb in _UPDATES:
            updated = command.name
    return f"RUN updates the lists of {updated} and installs nothing" if updated else ""


CHECKS: tuple[Check[ImageView], ...] = (
    _in_steps(REMOTE_ADD, "times ADD of a remote file", _remote_add),
    _in_steps(PIPED, "downloads run as scripts", _piped),
    _in_commands(UNVERIFIED, "instructions that verify nothing", "|".join(sorted(_TRUSTING)), _unverified),
    _in_commands(OPENED, "instructions that let every user write", "chmod", _opened),
    _in_commands(SUDO, "instructions with sudo", "sudo", _sudo),
    _in_commands(UPGRADE, "upgrades of the distribution", "(?:dist|full)-upgrade", _upgrade),
    _in_steps(UPDATE, "updates that install nothing", _update),
    _in_steps(LOCAL_ADD, "times ADD of local files", _local_add),
)
