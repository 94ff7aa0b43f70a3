"""Who a container runs as, and who may become root in it."""

import re
from collections.abc import Iterator

from hullmark.detectors.config.check import Check, Problem
from hullmark.detectors.config.dockerfile._calls import (
    calls,
    commands,
    insert,
    lineage,
    named,
    option_values,
    resolved,
)
from hullmark.detectors.config.dockerfile.model import Dockerfile, Word
from hullmark.model.advisory import Severity
from hullmark.model.rule import Rule

ROOT_USER = Rule(
    id="root-user",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="the container runs as root",
    why="Whoever takes over a process that runs as root may change everything in the container, and is root on the host once a flaw in the kernel or runtime lets them out.",
    fix="Make a user of its own and name it in the last `USER`.",
    bad=(
        'FROM debian:12.7\nUSER root\nCMD ["/app"]\n',
        "FROM debian:12.7\nUSER app\nUSER 0:0\n",
        'FROM debian:12.7 AS base\nUSER 0\nFROM base\nCMD ["/app"]\n',
        "FROM debian:12.7\nARG WHO=root\nUSER ${WHO}\n",
        "FROM debian:12.7\nUSER 00\n",
    ),
    good=(
        "FROM debian:12.7\nUSER root\nRUN useradd -l -u 1000 app\nUSER app\n",
        "FROM debian:12.7 AS build\nUSER root\nFROM debian:12.7\nUSER 1000\n",
        "FROM debian:12.7\nARG WHO\nUSER ${WHO}\n",
    ),
    controls=("CIS-Docker 4.1", "NIST-800-190 4.1.2", "NIST-800-53 AC-6", "PCI-DSS 7.2.5"),
    same_as=("DL3002", "DS-0002", "AVD-DS-0002", "CIS-DI-0001"),
)
MISSING_USER = Rule(
    id="missing-user",
    kind="dockerfile",
    severity=Severity.MEDIUM,
    summary="no `USER` is set, so that the container runs as its base image says, which most often is root",
    why="A process that runs as root may change everything in the container, and needs one flaw less to leave it.",
    fix="Make a user of its own and name it in `USER`.",
    bad=('FROM debian:12.7\nCMD ["/app"]\n', 'FROM debian:12.7\nUSER app\nFROM debian:12.7\nCMD ["/app"]\n'),
    good=(
        'FROM debian:12.7\nUSER app\nCMD ["/app"]\n',
        'FROM debian:12.7 AS base\nUSER app\nFROM base\nCMD ["/app"]\n',
        "FROM gcr.io/distroless/static:nonroot\nCOPY app /app\n",
    ),
    pack="pedantic",
    controls=("CIS-Docker 4.1", "NIST-800-190 4.1.2", "NIST-800-53 AC-6"),
    same_as=("DS-0002", "AVD-DS-0002", "CIS-DI-0001"),
)
USER_BY_NAME = Rule(
    id="user-by-name",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`USER` is a name and not a number",
    why="Kubernetes cannot tell that a user given by name is not root, and refuses the container where `runAsNonRoot` asks for it.",
    fix="Give the user's number, as in `USER 10001`.",
    bad=("FROM debian:12.7\nUSER app\n", "FROM debian:12.7\nUSER app:1000\n"),
    good=(
        "FROM debian:12.7\nUSER 10001:app\n",
        "FROM debian:12.7\nARG UID=10001\nUSER $UID\n",
        "FROM debian:12.7\nUSER root\nUSER 1000\n",
    ),
    pack="pedantic",
    same_as=("DL3066",),
)
PASSWORDLESS_SUDO = Rule(
    id="passwordless-sudo",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a user may become root without a password",
    why="Whoever takes over a process of that user is root with one command, as if the container ran as root.",
    fix="Do what needs root in a `RUN` before `USER`, and leave sudo out of the image.",
    bad=(
        "FROM debian:12.7\nRUN echo 'app ALL=(ALL) NOPASSWD:ALL' >> /etc/sudoers\nUSER app\n",
        'FROM debian:12.7\nRUN printf "%%wheel ALL=(ALL) NOPASSWD: ALL\\n" > /etc/sudoers.d/wheel\nUSER app\n',
    ),
    good=("FROM debian:12.7\nRUN echo 'app ALL=(ALL) ALL' >> /etc/sudoers\nUSER app\n",),
    controls=("CIS-Docker 4.1", "NIST-800-53 AC-6"),
)
SUDO = Rule(
    id="sudo-in-run",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`sudo` is used while the image is built",
    why="A build is root until `USER` says otherwise, and a sudo that stays in the image is a set-user-ID program with flaws of its own.",
    fix="Leave `sudo` out and put the `RUN` above `USER`; at run time `gosu`, `su-exec` or `setpriv` do it one way.",
    bad=("FROM debian:12.7\nRUN sudo apt-get update\n", "FROM debian:12.7\nRUN make && sudo make install\n"),
    good=("FROM debian:12.7\nRUN apt-get update\n", "FROM debian:12.7\nRUN echo sudo\n"),
    pack="pedantic",
    controls=("NIST-800-53 AC-6",),
    same_as=("DL3004", "DS-0010", "AVD-DS-0010", "DKL-DI-0001"),
)
PASSWORD = Rule(
    id="password-in-run",
    kind="dockerfile",
    severity=Severity.HIGH,
    summary="a user gets a password that everybody with the image can read",
    why="The command stands in the image's history and its hash in `/etc/shadow`: whoever has the image can sign in to every container of it.",
    fix="Give no password to users of an image; where one must sign in, set it when the container starts.",
    bad=(
        "FROM debian:12.7\nRUN echo 'root:toor' | chpasswd\n",
        "FROM debian:12.7\nRUN useradd -p 's3cret' app\n",
        "FROM debian:12.7\nRUN passwd -d root\n",
        "FROM debian:12.7\nRUN echo root:Docker! | sudo chpasswd\n",
    ),
    good=(
        "FROM debian:12.7\nRUN useradd -l -u 1000 app\n",
        "FROM debian:12.7\nRUN passwd -l root\n",
        "FROM debian:12.7\nRUN --mount=type=secret,id=users chpasswd < /run/secrets/users\n",
    ),
    controls=("CIS-Docker 4.10", "NIST-800-190 4.1.4", "NIST-800-53 IA-5", "PCI-DSS 8.6.2"),
    same_as=("DKL-LI-0001",),
)
HIGH_UID = Rule(
    id="useradd-high-uid",
    kind="dockerfile",
    severity=Severity.LOW,
    summary="`useradd` with a high user id and without `-l` makes a huge file of last logins",
    why="`/var/log/lastlog` and `faillog` have a record for each id below the new one, and no layer stores their holes.",
    fix="Add `-l` (`--no-log-init`).",
    bad=(
        "FROM debian:12.7\nRUN useradd -u 123456 app\n",
        "FROM debian:12.7\nRUN useradd --uid=1000000 -m app\n",
    ),
    good=("FROM debian:12.7\nRUN useradd -l -u 123456 app\n", "FROM debian:12.7\nRUN useradd -u 1000 app\n"),
    pack="pedantic",
    same_as=("DL3046",),
)

_ROOT = re.compile(r"(?i:root)|0+")
_ROOTLESS = re.compile(r"nonroot|non-root|unprivileged|rootless|cgr\.dev/chainguard/|dhi\.io/")
_LITERAL_PASSWORD = re.compile(r"[\w.-]{1,64}:[^\s$:`]{1,200}")


def _last_user(dockerfile: Dockerfile) -> tuple[Word, str] | None:
    """Give the last `USER` of the last stage or what it builds on, and its name; that is empty where a variable has no value."""
    for stage in lineage(dockerfile):
        users = list(resolved(dockerfile, stage, "USER"))
        if users:
            _, word, text = users[-1]
            return word, text.partition(":")[0]
    return None


def _find_root(dockerfile: Dockerfile) -> Iterator[Problem]:
    last = _last_user(dockerfile)
    if last is not None and _ROOT.fullmatch(last[1]):
        word, name = last
        yield named(ROOT_USER, word, f"the container runs as {name}", resource=name)


def _find_missing(dockerfile: Dockerfile) -> Iterator[Problem]:
    if dockerfile.last is None or _last_user(dockerfile) is not None:
        return
    base = list(lineage(dockerfile))[-1]
    if not _ROOTLESS.search(base.resolved or base.image.text):
        image = dockerfile.last.image
        yield named(MISSING_USER, image, f"no USER is set: the container runs as {image.text} says")


def _find_by_name(dockerfile: Dockerfile) -> Iterator[Problem]:
    last = _last_user(dockerfile)
    if last is not None and last[1] and not last[1].isdigit() and not _ROOT.fullmatch(last[1]):
        word, name = last
        yield named(USER_BY_NAME, word, f"the user {name} is a name, not a number", resource=name)


def _find_passwordless(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, command in commands(dockerfile, "echo", "printf", "tee", "sed"):
        for word in command.words:
            if "NOPASSWD" in word.text:
                yield Problem(PASSWORDLESS_SUDO, word.span, "sudo asks no password", resource=word.text[:80])
                break


def _find_sudo(dockerfile: Dockerfile) -> Iterator[Problem]:
    for _, command in commands(dockerfile):
        if "sudo" in command.prefixes or command.name == "sudo":
            yield Problem(
                SUDO, command.span, f"sudo runs {command.name or 'a command'}", resource=command.name
            )


def _find_password(dockerfile: Dockerfile) -> Iterator[Problem]:
    said: dict[tuple[int, int], Word] = {}
    for instruction, command in commands(dockerfile):
        key = (instruction.span.line, command.pipeline)
        if command.name in {"echo", "printf"}:
            word = next(
                (word for word in command.words if _LITERAL_PASSWORD.fullmatch(word.text.strip())), None
            )
            if word is not None:
                said[key] = word
        elif command.name == "chpasswd" and key in said:
            user = said[key].text.partition(":")[0]
            yield Problem(
                PASSWORD, said[key].span, f"the password of {user} is written in the file", resource=user
            )
        elif command.name in {"useradd", "usermod"}:
            for value in option_values(command, "-p", "--password"):
                if "$(" not in value.raw and value.text.partition("=")[
                    2 if value.text[:2] == "--" else 0
                ] not in {"", "*", "!"}:
                    yield Problem(
                        PASSWORD, value.span, f"{command.name} is given a password", resource=command.name
                    )
        elif command.name == "passwd":
            word = next((word for word in command.words if word.text in {"-d", "--delete"}), None)
            if word is not None:
                yield Problem(
                    PASSWORD, word.span, "a user's password is removed: none is asked for", resource="passwd"
                )


def _find_high_uid(dockerfile: Dockerfile) -> Iterator[Problem]:
    for call in calls(dockerfile, "useradd", valued=frozenset({"-u", "--uid", "-g", "-G", "-d", "-s", "-c"})):
        uid = next((word for word in option_values(call.command, "-u", "--uid")), None)
        number = uid.text.rpartition("=")[2] if uid is not None else ""
        if (
            uid is not None
            and number.isdigit()
            and len(number) > 5
            and not call.has("--no-log-init", letter="l")
        ):
            yield named(
                HIGH_UID,
                uid,
                f"useradd makes user {number} without -l",
                resource=number,
                edits=insert(uid, " -l"),
            )


CHECKS: tuple[Check[Dockerfile], ...] = (
    Check(ROOT_USER, _find_root),
    Check(MISSING_USER, _find_missing),
    Check(USER_BY_NAME, _find_by_name),
    Check(PASSWORDLESS_SUDO, _find_passwordless),
    Check(SUDO, _find_sudo),
    Check(PASSWORD, _find_password),
    Check(HIGH_UID, _find_high_uid),
)
