"""Permissions that are given too freely: files that everybody may write, set-user-ID programs, capabilities."""

import re
from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import commands, every, named, option_values, value_of
from hullmark.detectors.config.dockerfile.model import Command, Dockerfile, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

WORLD_WRITABLE = Rule(
    id="world-writable",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="everybody in the container may write a file or directory",
    why="Whoever takes over any process in the container may change what others run or read there.",
    fix="Give the file to the user who needs it, with `chown` or `COPY --chown`, and take `o-w`.",
    bad=(
        "FROM debian:12.7\nRUN chmod 777 /app\n",
        "FROM debian:12.7\nRUN chmod -R 0777 /app /data\n",
        "FROM debian:12.7\nRUN chmod a+rwx /app\n",
        "FROM debian:12.7\nCOPY --chmod=777 app /app\n",
        "FROM debian:12.7\nRUN mkdir -m 0777 /data && install -m 666 a /etc/a\n",
    ),
    good=(
        "FROM debian:12.7\nRUN chmod 1777 /tmp && chmod 755 /app && chmod +x a && chmod u+w b && chmod o-w c && chmod a=rx d\n",
        "FROM debian:12.7\nCOPY --chmod=0755 app /app\n",
        "FROM debian:12.7\nRUN chmod 777 /tmp\n",
        'FROM debian:12.7\nRUN chmod --reference=a b && chmod "$MODE" c\n',
    ),
    controls=("NIST-800-53 AC-6", "NIST-800-190 4.1.2", "PCI-DSS 7.2.2"),
)
SET_USER_ID = Rule(
    id="set-user-id",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a program is made to run as its owner, whoever starts it",
    why="A flaw in such a program makes whoever took over any process in the container its owner, most often root.",
    fix="Leave the bit out; give a single capability with `setcap`, or do the work before `USER`.",
    bad=(
        "FROM debian:12.7\nRUN chmod u+s /usr/bin/app\n",
        "FROM debian:12.7\nRUN chmod 4755 /usr/bin/app\n",
        "FROM debian:12.7\nCOPY --chmod=4755 app /usr/bin/app\n",
        "FROM debian:12.7\nRUN install -m 6755 app /usr/bin/app\n",
        "FROM debian:12.7\nRUN chmod +s /usr/bin/app\n",
    ),
    good=(
        "FROM debian:12.7\nRUN chmod 2775 /data && chmod g+s /data && chmod 0755 /app && chmod u-s /bin/su && chmod a-s /bin/mount\n",
        "FROM debian:12.7\nRUN find / -perm /6000 -type f -exec chmod a-s {} +\n",
    ),
    controls=("CIS-Docker 4.8", "NIST-800-53 AC-6"),
    same_as=("CIS-DI-0008",),
)
CAPABILITY = Rule(
    id="dangerous-capability",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a program is given a capability that is as good as root",
    why="Whoever may start the program reads or changes all files, becomes another user, or leaves the container.",
    fix="Leave it out; `cap_net_bind_service` is enough for low ports.",
    bad=(
        "FROM debian:12.7\nRUN setcap cap_sys_admin+ep /usr/bin/app\n",
        "FROM debian:12.7\nRUN setcap 'cap_net_bind_service,cap_setuid=+ep' /usr/bin/app\n",
        "FROM debian:12.7\nRUN setcap all=ep /usr/bin/app\n",
    ),
    good=(
        "FROM debian:12.7\nRUN setcap cap_net_bind_service=+ep /usr/bin/app\n",
        "FROM debian:12.7\nRUN setcap -r /usr/bin/app\n",
    ),
    controls=("NIST-800-53 AC-6",),
)

_OCTAL = re.compile(r"[0-7]{3,5}")
_OTHERS_WRITE = re.compile(r"(?:[ugo]*[oa][ugoa]*)[+=][rxXst]*w[rwxXst]*")
_OWNER_S = re.compile(r"(?:[ugo]*[ua][ugoa]*|)[+=][rwxXt]*s[rwxXst]*")
_TEMPORARY = re.compile(r"/(?:var/)?tmp/?\*?|/dev/(?:null|shm)/?")
_AS_ROOT = re.compile(
    r"(?i)\b(?:cap_(?:sys_admin|sys_ptrace|sys_module|sys_rawio|setuid|setgid|setfcap|dac_override|dac_read_search|fowner|chown|mac_admin|bpf)"
    r"|all)\b"
)


def _modes(dockerfile: Dockerfile) -> Iterator[tuple[Word, str, tuple[Word, ...]]]:
    """Give each mode that is set: the word, the mode itself, and for what."""
    for _, command in commands(dockerfile, "chmod", "mkdir", "install"):
        if command.name == "chmod":
            yield from _changed(command)
        else:
            for word in option_values(command, "-m", "--mode"):
                yield word, value_of(word), command.words
    for instruction in every(dockerfile, "COPY", "ADD"):
        for flag in instruction.flags:
            if flag.name == "chmod" and flag.value:
                yield Word(flag.value, flag.value, flag.span), flag.value, instruction.words[-1:]


def _changed(command: Command) -> Iterator[tuple[Word, str, tuple[Word, ...]]]:
    for at, word in enumerate(command.words):
        # `-w` is a mode as well as an option, but takes something away
        if not word.text.startswith("-"):
            yield word, word.text, command.words[at + 1 :]
            return


def _find_writable(dockerfile: Dockerfile) -> Iterator[Problem]:
    for word, mode, targets in _modes(dockerfile):
        if targets and all(_TEMPORARY.fullmatch(target.text) for target in targets):
            continue
        if _OCTAL.fullmatch(mode):
            number = int(mode, 8)
            writable = bool(number & 0o002) and not number & 0o1000
        else:
            clauses = mode.split(",")[:16]
            sticky = any(clause.endswith("t") for clause in clauses)
            writable = not sticky and any(_OTHERS_WRITE.fullmatch(clause) for clause in clauses)
        if writable:
            yield named(
                WORLD_WRITABLE, word, f"mode {mode} lets everybody write", resource=_what(mode, targets)
            )


def _find_set_user_id(dockerfile: Dockerfile) -> Iterator[Problem]:
    for word, mode, targets in _modes(dockerfile):
        if _OCTAL.fullmatch(mode):
            sets = bool(int(mode, 8) & 0o4000)
        else:
            sets = any(_OWNER_S.fullmatch(clause) for clause in mode.split(",")[:16])
        if sets:
            yield named(
                SET_USER_ID, word, f"mode {mode} makes a set-user-ID program", resource=_what(mode, targets)
            )


def _what(mode: str, targets: tuple[Word, ...]) -> str:
    return " ".join([mode, *(target.text for target in targets[:1])])[:200]


def _find_capability(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, command in commands(dockerfile, "setcap"):
        for word in command.words:
            found = _AS_ROOT.search(word.text) if "=" in word.text or "+" in word.text else None
            if found:
                yield named(
                    CAPABILITY, word, f"{found[0].lower()} is as good as root", resource=found[0].lower()
                )
                break


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(WORLD_WRITABLE, _find_writable),
    Check(SET_USER_ID, _find_set_user_id),
    Check(CAPABILITY, _find_capability),
)
