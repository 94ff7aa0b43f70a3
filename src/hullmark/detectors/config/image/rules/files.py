"""Permissions in the file system: what lets a user in the container become another, or change what others run."""

import re
from collections.abc import Callable, Iterator

from hullmark.detectors.config.check import Check, Problem, Span
from hullmark.detectors.config.image._gathering import Place, gathered, listed
from hullmark.detectors.config.image._words import words
from hullmark.detectors.config.image.modes import (
    ACCOUNT_FILES,
    ANYBODY,
    SGID,
    SHADOWS,
    STICKY,
    SUID,
)
from hullmark.detectors.config.image.view import ImageView, ModeAt
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule
from hullmark.model.words import amount

_CONTROLS = ("CIS-Docker 4.8", "NIST-800-190 4.1.2", "NIST-800-53 AC-6", "PCI-DSS 7.2.2")
_CAPABILITY_CONTROLS = _CONTROLS[1:]
"""The benchmark's 4.8 is about SUID and SGID alone."""
_OPEN_CONTROLS = ("NIST-800-190 4.1.2", "NIST-800-53 AC-6", "NIST-800-53 SI-7", "PCI-DSS 7.2.2")
_INTERPRETERS = words(
    "ash bash busybox csh dash env find gdb ksh less lua more nano nmap node perl php pico python python2 python3 ruby sed sh strace tar tclsh"
    " vi vim vim.basic vim.tiny watch zsh awk gawk mawk cp dd ed emacs make tee xargs docker"
)
_USUAL = words(
    # of shadow, util-linux, sudo's and dbus' packages in Debian, Ubuntu, Fedora, SUSE and Alpine
    "bbsuid chage chfn chsh crontab dbus-daemon-launch-helper expiry fusermount fusermount3 gpasswd mount mount.nfs newgidmap newgrp newuidmap"
    " pam_extrausers_chkpwd pam_timestamp_check passwd ping ping6 pkexec polkit-agent-helper-1 ssh-agent ssh-keysign su sudo umount unix_chkpwd"
    " userhelper utempter wall write write.ul"
)
_GRAVE = words(
    "cap_bpf cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_mknod cap_setfcap cap_setgid cap_setpcap cap_setuid cap_sys_admin"
    " cap_sys_module cap_sys_ptrace cap_sys_rawio"
)
"""Each is a way to root, or past every permission: capabilities(7)."""
_CAPABILITY = re.compile(r"cap_\w+")

SETUID = Rule(
    id="image-setuid-file",
    kind="image",
    severity=Severity.MEDIUM,
    summary="a program runs with its owner's or group's rights, whoever starts it",
    why="A flaw in a SUID or SGID program makes its owner of anyone who got into the container, mostly root.",
    fix="Take the bits off with chmod ug-s, or leave the program out; run with no-new-privileges, which ignores them.",
    bad=(
        '{"modes": ["4755 0:0 usr/local/bin/helper"]}',
        '{"base_modes": ["4755 0:0 usr/bin/su"]}',
        '{"modes": ["2755 0:42 usr/bin/score"]}',
    ),
    good=('{"modes": ["0777 0:0 data/"]}', '{"modes": ["2775 0:0 var/mail/"]}'),
    controls=_CONTROLS,
    same_as=("CIS-DI-0008",),
)
SETUID_SHELL = Rule(
    id="image-setuid-interpreter",
    kind="image",
    severity=Severity.CRITICAL,
    summary="a program with SUID runs whatever it is told",
    why="A shell, an interpreter, an editor or find with root's SUID bit is a way to root without any flaw.",
    fix="Take the bit off with chmod u-s, and find out who set it.",
    bad=('{"modes": ["4755 0:0 bin/bash"]}', '{"modes": ["4755 0:0 usr/bin/python3.11"]}'),
    good=('{"modes": ["4755 0:0 usr/bin/su"]}', '{"modes": ["2755 0:42 usr/bin/less"]}'),
    controls=_CONTROLS,
    same_as=("CIS-DI-0008",),
)
CAPABILITY = Rule(
    id="image-file-capabilities",
    kind="image",
    severity=Severity.MEDIUM,
    summary="a program is given capabilities by which one becomes root",
    why="With one of these capabilities a program may pass every permission, so a flaw in it does.",
    fix="Take them off with setcap -r; give the container what it needs when it is started.",
    bad=(
        '{"modes": ["0755 0:0 usr/bin/tool cap_net_raw=ei cap_setuid+ep"]}',
        '{"modes": ["0755 0:0 usr/bin/tool =ep"]}',
    ),
    good=(
        '{"modes": ["0755 0:0 usr/bin/ping cap_net_raw=ep"]}',
        '{"modes": ["0755 0:0 usr/bin/web cap_net_bind_service=ep"]}',
    ),
    controls=_CAPABILITY_CONTROLS,
)
CAPABILITY_MILD = Rule(
    id="image-file-capabilities-network",
    kind="image",
    severity=Severity.LOW,
    summary="a program is given capabilities",
    why="It may do what the user who starts it may not: listen on low ports, or read the network.",
    fix="Take them off with setcap -r where they are not needed; engines let every user listen on ports from 0 up today.",
    bad=('{"modes": ["0755 0:0 usr/bin/ping cap_net_raw=ep"]}',),
    good=('{"modes": ["0755 0:0 usr/bin/tool cap_setuid=ep"]}', '{"modes": ["0757 0:0 usr/bin/tool"]}'),
    pack="pedantic",
    controls=_CAPABILITY_CONTROLS,
)
OPEN_FILE = Rule(
    id="image-world-writable-file",
    kind="image",
    severity=Severity.MEDIUM,
    summary="every user may write to a file",
    why="Whoever gets in as any user may change it, and with it what others run or believe.",
    fix="Take the right off with chmod o-w, where the file is made.",
    bad=('{"modes": ["0666 0:0 app/settings.py"]}', '{"modes": ["0777 0:0 app/a", "0777 0:0 app/b"]}'),
    good=('{"modes": ["4755 0:0 usr/bin/x"]}', '{"modes": ["0777 0:0 app/"]}'),
    controls=_OPEN_CONTROLS,
)
OPEN_FOLDER = Rule(
    id="image-world-writable-folder",
    kind="image",
    severity=Severity.MEDIUM,
    summary="every user may put files into a folder, and delete those of others",
    why="Without the sticky bit whoever gets in may replace any file in it by one of their own.",
    fix="Give the folder to the user that needs it, or set the sticky bit as well: chmod 1777.",
    bad=('{"modes": ["0777 0:0 app/"]}',),
    good=('{"modes": ["1777 0:0 app/"]}', '{"modes": ["0777 0:0 tmp/"]}'),
    controls=_OPEN_CONTROLS,
)
TEMPORARY = Rule(
    id="image-temporary-folder-not-sticky",
    kind="image",
    severity=Severity.MEDIUM,
    summary="a folder for temporary files lacks the sticky bit",
    why="Programs count on it that nobody else can delete or replace their files there.",
    fix="Set it: chmod 1777.",
    bad=('{"modes": ["0777 0:0 tmp/"]}', '{"base_modes": ["0775 0:0 var/tmp/"]}'),
    good=('{"modes": ["1777 0:0 tmp/"]}', '{"modes": ["0777 0:0 data/tmp/"]}'),
    controls=_OPEN_CONTROLS,
)
ACCOUNTS = Rule(
    id="image-writable-account-file",
    kind="image",
    severity=Severity.HIGH,
    summary="others than root may write to a file that says who may do what",
    why="Whoever writes a line into /etc/passwd, shadow, group or sudoers is root a moment later.",
    fix="Set it back: chown root:root and chmod 644 (shadow 640, sudoers 440). A user with a number needs no entry in passwd.",
    bad=('{"modes": ["0666 0:0 etc/passwd"]}', '{"modes": ["0640 1000:0 etc/shadow"]}'),
    good=(
        '{"modes": ["0644 0:0 etc/passwd", "0640 0:42 etc/shadow", "0440 0:0 etc/sudoers", "0664 0:0 etc/group"]}',
    ),
    controls=("NIST-800-190 4.1.2", "NIST-800-53 AC-6", "NIST-800-53 IA-5", "PCI-DSS 7.2.2"),
)
GROUP_ACCOUNTS = Rule(
    id="image-group-writable-account-file",
    kind="image",
    severity=Severity.MEDIUM,
    summary="a group may write to a file that says who may do what",
    why="A container that runs with any user in the group root, as OpenShift's do, writes itself a line into /etc/passwd and is root.",
    fix="Set it back: chmod g-w. A user with a number needs no entry in passwd.",
    bad=('{"modes": ["0664 0:0 etc/passwd"]}',),
    good=('{"modes": ["0644 0:0 etc/passwd", "0640 0:42 etc/shadow"]}', '{"modes": ["0666 0:0 etc/passwd"]}'),
    controls=("NIST-800-190 4.1.2", "NIST-800-53 AC-6", "NIST-800-53 IA-5", "PCI-DSS 7.2.2"),
)
READABLE = Rule(
    id="image-readable-shadow",
    kind="image",
    severity=Severity.MEDIUM,
    summary="every user may read the file with the hashes of passwords",
    why="Whoever gets in as any user may take the hashes away and guess the passwords at leisure.",
    fix="Set it back: chmod 640 /etc/shadow, owner root.",
    bad=(
        '{"modes": ["0644 0:0 etc/shadow"], "shadow": ["root:$6$saltsalt$0123456789abcdef:1:0:99999:7:::"]}',
    ),
    good=(
        '{"modes": ["0640 0:42 etc/shadow"], "shadow": ["root:$6$saltsalt$0123456789abcdef:1:0:99999:7:::"]}',
        '{"modes": ["0644 0:0 etc/shadow"], "shadow": ["root:*:1:0:99999:7:::"]}',
    ),
    controls=("NIST-800-190 4.1.4", "NIST-800-53 IA-5", "PCI-DSS 8.3.2"),
)
EMPTY = Rule(
    id="image-empty-password",
    kind="image",
    severity=Severity.HIGH,
    summary="an account has no password at all",
    why="Whoever asks to be that user is it, without a question: CVE-2019-5021 was just this.",
    fix="Lock it: passwd -l, or a ! in the password's place in /etc/shadow.",
    bad=('{"shadow": ["root:::0:::::"]}', '{"accounts": ["root::0:0:root:/root:/bin/sh"]}'),
    good=('{"accounts": ["root:x:0:0"], "shadow": ["root:*::0:::::", "app:!:1::::::", "bin:!!:1::::::"]}',),
    controls=("NIST-800-190 4.1.2", "NIST-800-53 IA-5", "PCI-DSS 8.3.1"),
    same_as=("DKL-LI-0001",),
)
HASH = Rule(
    id="image-password-hash",
    kind="image",
    severity=Severity.MEDIUM,
    summary="the image holds the hash of a password",
    why="Whoever can pull the image can guess at it undisturbed, and every container of it has the same password.",
    fix="Lock the account, and let people in with keys, or not at all.",
    bad=('{"shadow": ["root:$6$saltsalt$0123456789abcdef:1:0:99999:7:::"]}',),
    good=('{"shadow": ["root:!$6$saltsalt$0123456789abcdef:1:0:99999:7:::", "app:*:1::::::"]}',),
    controls=("CIS-Docker 4.10", "NIST-800-190 4.1.4", "NIST-800-53 IA-5", "PCI-DSS 8.3.2"),
)


def _telling(
    rule: Rule,
    what: str,
    is_told: Callable[[ModeAt], bool],
    said: Callable[[ModeAt], str],
    *,
    together: bool = False,
    base_severity: Severity | None = Severity.LOW,
) -> Check[ImageView]:
    def find(view: ImageView) -> Iterator[Problem]:
        places = (Place(each.path, each.layer, said(each)) for each in view.modes if is_told(each))
        return gathered(view, rule, places, what, together=together, base_severity=base_severity)

    return Check(rule, find)


def _is_setuid(each: ModeAt) -> bool:
    mode = each.mode.mode
    return not each.mode.folder and bool((mode & SUID and mode & 0o111) or (mode & SGID and mode & 0o010))


def _is_shell(each: ModeAt) -> bool:
    name = each.path.rpartition("/")[2]
    plain = name.rstrip("0123456789.")
    return (
        _is_setuid(each)
        and each.mode.uid == 0
        and bool(each.mode.mode & SUID)
        and (name in _INTERPRETERS or plain in _INTERPRETERS)
    )


def _setuid(view: ImageView) -> Iterator[Problem]:
    """Tell new ones one by one. Where the base image is not known, the usual ones of a distribution in the lowest layer are taken for its."""
    found = [each for each in view.modes if _is_setuid(each) and not _is_shell(each)]
    usual = [each for each in found if _is_usual(view, each)]
    places = (Place(each.path, each.layer, _setuid_said(each)) for each in found if not _is_usual(view, each))
    yield from gathered(view, SETUID, places, "files with SUID or SGID")
    if usual:
        yield Problem(
            SETUID,
            Span(),
            f"{amount(len(usual), 'usual file')} of the distribution with SUID or SGID: {listed(each.path for each in usual)}",
            resource="usual",
            file=usual[0].path,
            layer=0,
            number=len(usual),
            severity=Severity.LOW,
        )


def _is_usual(view: ImageView, each: ModeAt) -> bool:
    return each.layer == 0 and view.from_base(0) is None and each.path.rpartition("/")[2] in _USUAL


def _setuid_said(each: ModeAt) -> str:
    bits = " and ".join(name for name, bit in (("SUID", SUID), ("SGID", SGID)) if each.mode.mode & bit)
    whose = f"user {each.mode.uid}" if each.mode.mode & SUID else f"group {each.mode.gid}"
    whose = "root" if whose == "user 0" else whose
    return f"/{each.path} runs with the rights of {whose} ({bits})"


def _is_grave(each: ModeAt) -> bool:
    text = each.mode.capabilities
    return text.startswith("=") or not _GRAVE.isdisjoint(_CAPABILITY.findall(text))


def _owned(each: ModeAt) -> str:
    return f"mode {each.mode.mode:04o}, owner {each.mode.uid}:{each.mode.gid}"


def _shadow_readable(view: ImageView) -> Iterator[Problem]:
    has_hash = any(
        each.account.password == "hash"  # noqa: S105  # a state
        for each in view.accounts or ()
    )
    places = (
        Place(each.path, each.layer, f"every user may read the hashes of passwords in /{each.path}")
        for each in view.modes
        if has_hash and each.path in SHADOWS and each.mode.mode & 0o004
    )
    return gathered(view, READABLE, places, "files with hashes of passwords that every user may read")


def _passwords(rule: Rule, state: str, message: str, what: str) -> Check[ImageView]:
    def find(view: ImageView) -> Iterator[Problem]:
        places = (
            Place(each.account.name, each.layer, message.format(each.account.name), each.path)
            for each in view.accounts or ()
            if each.account.password == state
        )
        return gathered(view, rule, places, what, base_severity=None)

    return Check(rule, find)


CHECKS: tuple[Check[ImageView], ...] = (
    Check(SETUID, _setuid),
    _telling(
        SETUID_SHELL,
        "programs with SUID that run what they are told",
        _is_shell,
        lambda each: f"/{each.path} runs whatever it is told as root (SUID)",
        base_severity=None,
    ),
    _telling(
        CAPABILITY,
        "programs with capabilities",
        lambda each: bool(each.mode.capabilities) and _is_grave(each),
        lambda each: f"/{each.path} has {each.mode.capabilities}, by which one becomes root",
    ),
    _telling(
        CAPABILITY_MILD,
        "programs with capabilities",
        lambda each: bool(each.mode.capabilities) and not _is_grave(each),
        lambda each: f"/{each.path} has {each.mode.capabilities}",
    ),
    _telling(
        OPEN_FILE,
        "files that every user may write to",
        lambda each: (
            not each.mode.folder and bool(each.mode.mode & ANYBODY) and each.path not in ACCOUNT_FILES
        ),
        lambda each: f"every user may write to /{each.path}",
        together=True,
    ),
    _telling(
        OPEN_FOLDER,
        "folders that every user may write to",
        lambda each: (
            each.mode.folder
            and each.mode.mode & (ANYBODY | STICKY) == ANYBODY
            and each.path not in {"tmp", "var/tmp"}
        ),
        lambda each: f"every user may write to the folder /{each.path} and delete what others put there",
        together=True,
    ),
    _telling(
        TEMPORARY,
        "folders for temporary files without the sticky bit",
        lambda each: each.mode.folder and each.path in {"tmp", "var/tmp"} and not each.mode.mode & STICKY,
        lambda each: f"/{each.path} lacks the sticky bit",
    ),
    _telling(
        ACCOUNTS,
        "files that say who may do what, and others may write to",
        lambda each: each.path in ACCOUNT_FILES and bool(each.mode.mode & ANYBODY or each.mode.uid),
        lambda each: f"others than root may write to /{each.path} ({_owned(each)})",
        base_severity=None,
    ),
    _telling(
        GROUP_ACCOUNTS,
        "files that say who may do what, and a group may write to",
        lambda each: each.path in ACCOUNT_FILES and each.mode.mode & 0o022 == 0o020 and not each.mode.uid,
        lambda each: f"the group {each.mode.gid} may write to /{each.path} ({_owned(each)})",
    ),
    Check(READABLE, _shadow_readable),
    _passwords(EMPTY, "empty", "the account {} has no password", "accounts without a password"),
    _passwords(
        HASH, "hash", "the image holds the hash of {}'s password", "accounts with a hash of their password"
    ),
)
